//! Enrolments: which partner is in which program, and at which tier.
//!
//! An active partner enrols in an active program, once. It begins at the tier that the caller
//! names or, if none is named, at the lowest.

pub mod convert;
pub mod eligibility;
pub mod enrollments;
pub mod service;
