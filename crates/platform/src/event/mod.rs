//! The change feed, read and watched.

pub mod convert;
pub mod envelope;
pub mod events;
pub mod service;
mod sight;
mod snapshot;
mod watching;

pub use service::Events;
pub use snapshot::Inside;
