//! The program service: what partners join, the levels that they reach there, and who is in.
//!
//! Its nouns:
//!
//! * A **program** has a time zone, a currency and the rules of deal registration. `program`
//!
//!   ```text
//!   DRAFT ─publish─▶ ACTIVE ─retire─▶ RETIRED
//!   ```
//! * A **tier** is a level of a program, of a rank of its own. It is deleted softly.
//! * A **revision** is what a program and its tiers said from one change to the next. It is made
//!   by the publication and by every change after it.
//! * An **enrolment** is a partner in a program, at a tier. It is `ENROLLED`.
//!
//! What always holds:
//! * A program that partners can enrol in has a tier, and its living tiers have distinct ranks.
//! * From its publication on, a program's time zone and currency stand.
//! * Revisions are never changed, and their numbers have no gaps.
//! * An enrolment holds a living tier of its own program; a partner is in a program once.
//!
//! Whatever changes a program, its tiers or its revisions locks the program's row first, and an
//! enrolment keeps that row from changing. This is what the last three rules rest on.

pub mod enrollment;
mod error;
#[cfg(test)]
mod fixture;
pub mod program;
pub mod tier;

pub use error::Error;
