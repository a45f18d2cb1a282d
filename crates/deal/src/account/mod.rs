//! Accounts: the end customers, and what identifies each of them.
//!
//! * [`service`] answers the calls: each opens its request, runs one use case, answers.
//! * [`accounts`] holds the use cases, each one transaction.
//! * [`ancestry`] keeps accounts from belonging to themselves, also by way of a parent that has
//!   not come yet.
//! * [`identity`] says what an account is recognised by: its keys, and what of it is compared.
//! * [`convert`] is the only mapping between the wire and the rows; [`identifiers`] its part for the
//!   numbers of registers.
//! * [`keying`] makes the keys of accounts that older rules have made.
//! * [`matched`] tells the staff which accounts may be one customer, and [`nearby`] which have names that
//!   come near.
//! * [`merge`] makes one account of two, and [`split`] two of one; [`lifecycle`] says which moves are
//!   legal.
//! * [`import`] brings accounts from another system, a message at a time.
//!
//! What always holds:
//! * The keys of an account are those of its domains, identifiers, names and group, in the same
//!   transaction. One that was merged into another has none.
//! * Whoever changes what an account is compared by holds the locks of its keys, old and new, so that
//!   nobody decides about business with a customer that is just becoming another one.
//! * The top of those that an account belongs to stands with it, and changes with them.
//! * An account waits for a parent only as long as no account has that parent's external id.

pub mod accounts;
pub mod ancestry;
pub mod convert;
mod identifiers;
pub mod identity;
pub mod import;
pub mod keying;
pub mod lifecycle;
pub mod matched;
pub mod merge;
pub mod nearby;
#[cfg(test)]
pub(crate) mod sample;
pub mod service;
pub mod split;

pub use service::Accounts;
