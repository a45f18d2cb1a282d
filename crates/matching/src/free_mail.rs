//! Providers that give a mail address to everybody who asks.
//!
//! Small firms often have no domain of their own and give such an address, so two accounts that
//! share one have nothing to do with each other. The list is that of the npm package `freemail`
//! (see `third_party/freemail`) and a few big providers that it lacks. A domain that is listed
//! wrongly costs a match; one that is missing could make two strangers one customer.

/// The providers' domains, sorted.
pub const FREE_MAIL: &[&str] = include!(concat!(env!("OUT_DIR"), "/free_mail.rs"));

/// Whether anybody can have an address at this domain.
#[must_use]
pub fn is_free_mail(domain: &str) -> bool {
    FREE_MAIL.binary_search(&domain).is_ok()
}
