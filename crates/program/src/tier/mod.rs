//! Tiers: the levels of a program. `ProgramService` answers their calls.
//!
//! A tier has a rank that no other living tier of its program has. It is deleted softly, so that
//! what was promised at it stays readable, and not at all while an enrolment holds it.

pub mod change;
pub mod convert;
pub mod tiers;
