//! What partners earn, as pure functions: `evaluate(plan version, facts) -> awards, and why`.
//!
//! Nothing here reads a clock or a database, draws a random number or uses a floating-point one.
//! Amounts are whole minor units, rates are exact fractions, and money is rounded at named places
//! only. So an award can be computed again years later, by whoever has its facts and its plan.
//!
//! * A [`plan`] version says what is paid, in nine groups of terms.
//! * [`evaluate`] applies it to facts, in fixed steps that a trace tells of.
//! * [`compiled`] gives the same amounts for millions of facts at once, without the words.
//! * [`lint`] finds what is likely to be a mistake, and how complicated a version is.
//! * A [`predicate`] says whom a plan pays and what for.
//!
//! The incentive service accrues awards of deals and periods with the [`kernel`], which computes a part of
//! the terms; it simulates, describes and reviews all of them.

pub mod compiled;
pub mod evaluate;
pub mod kernel;
pub mod lint;
pub mod plan;
pub mod predicate;

// The random plans and histories of the tests from outside, for the tests that need to see inside.
#[cfg(test)]
extern crate self as trellis_evaluation;
#[cfg(test)]
#[path = "../tests/evaluation/random.rs"]
mod random;
#[cfg(test)]
#[expect(
    dead_code,
    reason = "made for the tests from outside, which use all of it"
)]
#[path = "../tests/evaluation/scene.rs"]
mod scene;
#[cfg(test)]
#[path = "../tests/evaluation/through.rs"]
mod through;
#[cfg(test)]
#[expect(
    dead_code,
    reason = "made for the tests from outside, which use all of it"
)]
#[path = "../tests/evaluation/twice.rs"]
mod twice;
#[cfg(test)]
#[expect(
    dead_code,
    reason = "made for the tests from outside, which use all of it"
)]
#[path = "../tests/evaluation/wide.rs"]
mod wide;
