//! The audit trail: who asked for what, and what came of it.

mod entries;
mod erased;
mod faults;
mod owner;
mod scene;
mod sealed;
mod speed;
mod tampered;
