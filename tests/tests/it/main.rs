//! Whole-server tests: each sends real calls to a real server, on SQLite and on PostgreSQL.
//!
//! A module for each service, one for the server itself, one for the laws of the tree. Each is
//! marked as test code, so that its helpers too may fail as loudly as a test.

/// What the server allocates with when it is released.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[cfg(test)]
mod access;
#[cfg(test)]
mod accrued;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod backtested;
#[cfg(test)]
mod broker;
#[cfg(test)]
mod canary;
#[cfg(test)]
mod deal;
#[cfg(test)]
mod edge;
#[cfg(test)]
mod engagement;
/// Exact fractions without a bound.
#[cfg(test)]
#[path = "../../../crates/evaluation/tests/evaluation/fraction.rs"]
mod fraction;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod import;
#[cfg(test)]
mod incentive;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod lead;
#[cfg(test)]
mod matrix;
/// Awards by the plainest code.
#[cfg(test)]
#[path = "../../../crates/evaluation/tests/evaluation/naive.rs"]
mod naive;
#[cfg(test)]
mod partner;
#[cfg(test)]
mod program;
/// Random plans and histories.
#[cfg(test)]
#[path = "../../../crates/evaluation/tests/evaluation/random.rs"]
mod random;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod rows;
/// How the worked cases of the evaluation say plans and facts.
#[cfg(test)]
#[path = "../../../crates/evaluation/tests/evaluation/scene.rs"]
mod scene;
#[cfg(test)]
mod server;
#[cfg(test)]
mod through;
#[cfg(test)]
mod watch;
#[cfg(test)]
mod webhook;
/// The worked cases of the evaluation, through the service.
#[cfg(test)]
#[path = "../../../crates/evaluation/tests/evaluation/cases/mod.rs"]
mod worked;
