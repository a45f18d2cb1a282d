//! Facts as callers tell them: what happened, what was to be reached, what currencies are worth.
//!
//! * [`convert`] is the only mapping between the wire and what the evaluation reads.

pub(crate) mod convert;
