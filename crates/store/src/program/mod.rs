//! Programs, their tiers and revisions, and the enrolments of partners in them.
//!
//! Other services read two things here: [`program::find`], for the settings that a program gives
//! to what is registered and earned under it, and [`enrollment::membership`], for a partner's
//! enrolment in a program together with the tier that it holds.

pub mod enrollment;
#[expect(
    clippy::module_inception,
    reason = "the table is named like its service"
)]
pub mod program;
pub mod revision;
pub mod tier;
