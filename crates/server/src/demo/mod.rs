//! The demonstration: a small ecosystem lives through the whole journey, by real calls.
//!
//! [`journey`] makes the calls, in the order in which an ecosystem would; [`summary`] is what they
//! came to, as text for a reader or as JSON for a program. Nothing here knows the server's inside:
//! it is one more client.

mod backtest;
mod engagement;
mod journey;
mod lead;
mod registration;
mod session;
mod summary;

pub use journey::{Founder, founder, run};
pub use summary::{Pillar, Step, Summary};
