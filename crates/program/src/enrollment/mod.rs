//! Enrolments: which partner is in which program, and at which tier.
//!
//! An active partner enrols in an active program, once. It begins at the tier that the caller
//! names or, if none is named, at the lowest. It says where and for what the partner is given leads,
//! and how many.
//!
//! * [`service`] answers the calls: each opens its request, runs one use case, answers.
//! * [`enrollments`] holds the use cases, each one transaction.
//! * [`eligibility`] says who can enrol in what, and where an enrolment begins.
//! * [`convert`] is the only mapping between the wire and the rows.

pub mod convert;
pub mod eligibility;
pub mod enrollments;
pub mod service;

pub use service::Enrollments;
