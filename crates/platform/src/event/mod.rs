//! The change feed, read and watched.

pub mod convert;
pub mod envelope;
pub mod events;
mod retention;
pub mod service;
mod sight;
mod snapshot;
mod watching;

pub use retention::Retention;
pub use service::Events;
pub use snapshot::Inside;
