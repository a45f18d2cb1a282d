//! Partners.
//!
//! * [`service`] answers the calls: each opens its request, runs one use case, answers.
//! * [`partners`] holds the use cases, each one transaction.
//! * [`lifecycle`] says which moves are legal, and what a passed deadline means.
//! * [`convert`] is the only mapping between the wire and the rows.
//! * [`import`] brings partners from another system, a message at a time.
//! * [`worker`] makes passed deadlines visible.

pub mod convert;
pub mod import;
pub mod lifecycle;
pub mod partners;
pub mod service;
pub mod worker;

pub use service::Partners;
pub use worker::Deadlines;
