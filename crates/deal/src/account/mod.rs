//! Accounts: the end customers, and what identifies each of them.
//!
//! * [`service`] answers the calls: each opens its request, runs one use case, answers.
//! * [`accounts`] holds the use cases, each one transaction.
//! * [`ancestry`] keeps accounts from belonging to themselves, also by way of a parent that has
//!   not come yet.
//! * [`convert`] is the only mapping between the wire and the rows.
//! * [`import`] brings accounts from another system, a message at a time.
//!
//! What always holds:
//! * The keys of an account are those of its registrable domains, in the same transaction.
//! * Whoever changes an account's domains holds the locks of its keys, old and new, so that nobody
//!   decides about business with a customer that is just becoming another one.
//! * An account waits for a parent only as long as no account has that parent's external id.

pub mod accounts;
pub mod ancestry;
pub mod convert;
pub mod import;
pub mod service;

pub use service::Accounts;
