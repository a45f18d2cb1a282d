//! The partner service: the organisations that sell, build and deliver together with the owner of
//! an ecosystem, and their way in and out of it.
//!
//! Its one noun so far is the partner:
//!
//! ```text
//! PROSPECT ─invite─▶ INVITED ─accept─▶ ONBOARDING ─activate─▶ ACTIVE ◀─suspend/reinstate─▶ SUSPENDED
//!                      │  ▲                                      │                            │
//!            decline / │  │ invite                               └──────── give notice ───────┘
//!               expire ▼  │                                                    ▼
//!               DECLINED, EXPIRED                          TERMINATING ─terminate─▶ TERMINATED
//! ```
//!
//! What always holds:
//! * A state moves only by its verb, and each move reports an event with who, why and when.
//! * A deadline that has passed counts as passed for whoever reads or moves the partner, whether
//!   or not the worker has made it visible yet.
//! * `TERMINATED` is final.

mod error;
pub mod partner;

use std::sync::Arc;

use trellis_store::worker::Worker;

pub use error::Error;

/// What this service does in the background.
#[must_use]
pub fn workers() -> Vec<Arc<dyn Worker>> {
    vec![Arc::new(partner::Deadlines)]
}
