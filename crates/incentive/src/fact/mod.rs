//! Facts: what happened, what was to be reached, what currencies are worth.
//!
//! Those of deals and registrations follow from the change feed; all others are told by whoever knows
//! them. None of them ever changes.
//!
//! * [`service`] answers the calls, [`record`] and [`lists`] hold the use cases.
//! * [`convert`] reads what callers tell, [`wire`] tells what was recorded.
//! * [`deals`] makes facts of what happened to deals; [`known`] puts together everything that is known of
//!   some partners, as the evaluation is told it.

pub(crate) mod convert;
pub(crate) mod deals;
pub(crate) mod known;
mod lists;
pub(crate) mod record;
mod service;
mod wire;

pub use service::Facts;

/// The source of what happens to deals, which nobody tells but the server.
pub(crate) const DEALS: &str = "deal";

/// The source of what happens to registrations, which nobody tells but the server.
pub(crate) const REGISTRATIONS: &str = "registration";
