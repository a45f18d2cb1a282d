//! Plans and their versions: what programs promise to their partners.
//!
//! ```text
//! DRAFT ─schedule─▶ SCHEDULED ─activate─▶ ACTIVE ─retire─▶ RETIRED
//!                        └──────────retire──────────────────▲
//! ```
//!
//! A draft is edited until it is scheduled; from then on a version never changes, so that an award
//! can be computed again from the version that it names. Only its end can still be brought forward.
//! Of versions that are scheduled for the same day the one with the highest number holds; it took the day
//! from the others, and whoever scheduled it said so. Activation, and retirement on the day
//! that was set, happen by the clock: they count from the moment on at which they fall due, and a
//! worker makes them visible.
//!
//! * [`service`] answers the calls.
//! * [`plans`] and [`versions`] hold the use cases, each one transaction.
//! * [`days`] says on which days a version may hold, and which it takes from others.
//! * [`lifecycle`] says which moves are legal, and what a passed day means.
//! * [`edit`] says what of a version can be written, and what must hold of it as a whole.
//! * [`convert`] and [`terms`] are the only mapping between the wire and the rows.
//! * [`reading`] makes of a row what the evaluation reads; [`review`] finds likely mistakes in it, and
//!   puts it in plain words.
//! * [`asked`] finds the versions that a question is about; [`backtest`] tells what they would have
//!   paid.

pub(crate) mod asked;
mod backtest;
pub(crate) mod convert;
mod days;
pub(crate) mod edit;
pub(crate) mod lifecycle;
pub(crate) mod plans;
pub(crate) mod reading;
pub(crate) mod review;
pub(crate) mod service;
pub(crate) mod terms;
pub(crate) mod versions;

pub use service::Plans;
