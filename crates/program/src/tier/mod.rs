//! Tiers: the levels of a program. [`Programs`](crate::program::Programs) answers their calls.
//!
//! A tier has a rank that no other living tier of its program has. It is deleted softly, so that
//! what was promised at it stays readable, and not at all while an enrolment holds it.
//!
//! * [`tiers`] holds the use cases, each one transaction.
//! * [`change`] says when tiers can be changed, and when one can be deleted.
//! * [`convert`] is the only mapping between the wire and the rows.

pub mod change;
pub mod convert;
pub mod tiers;
