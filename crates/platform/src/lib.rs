//! The platform service: what lies under all the others. Ecosystems, their clocks, who may do what,
//! the change feed, the webhooks that are told of it, and the audit trail.
//!
//! What always holds:
//! * An ecosystem is a sandbox or it is not, from its first moment on; only a sandbox's clock can
//!   be moved, and only forward.
//! * Moving a clock answers when everything that fell due has happened.
//! * Who reads the feed from a position to its end, and later on from there, has read each event
//!   once.
//! * A webhook is told of each event at least once, and in order for each resource.

pub mod access;
pub mod audit;
pub mod ecosystem;
mod error;
pub mod event;
pub mod webhook;

pub use error::Error;
