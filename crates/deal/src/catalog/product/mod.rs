//! Products: what an ecosystem sells.
//!
//! * [`products`] holds the use cases, each one transaction.
//! * [`convert`] is the only mapping between the wire and the rows.
//! * [`import`] brings products from another system, a message at a time.

pub mod convert;
pub mod import;
pub mod products;
