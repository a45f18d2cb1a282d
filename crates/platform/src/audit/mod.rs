//! The audit trail, as its readers see it.

mod convert;
mod entries;
mod service;

pub use service::Audit;
