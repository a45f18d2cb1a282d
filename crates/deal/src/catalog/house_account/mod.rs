//! House accounts: customers, or business with them, that the vendor keeps to itself.
//!
//! * [`house_accounts`] holds the use cases, each one transaction.
//! * [`convert`] is the only mapping between the wire and the rows.

pub mod convert;
pub mod house_accounts;
