//! Ecosystems: the tenants of a deployment.
//!
//! * [`service`] answers the calls.
//! * [`ecosystems`] holds the use cases, each one transaction.
//! * [`convert`] is the only mapping between the wire and the rows.

pub mod convert;
pub mod ecosystems;
pub mod service;

pub use service::Ecosystems;
