//! Product families: groups of products that are sold, reported and rewarded together.
//!
//! * [`families`] holds the use cases, each one transaction.
//! * [`convert`] is the only mapping between the wire and the rows.

pub mod convert;
pub mod families;
