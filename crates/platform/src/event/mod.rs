//! The change feed, read.

pub mod convert;
pub mod events;
pub mod service;

pub use service::Events;
