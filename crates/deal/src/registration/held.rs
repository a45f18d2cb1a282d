//! Holding the customers that a transaction decides about.

use std::collections::{BTreeSet, HashMap};

use trellis_core::AccountId;
use trellis_store::Txn;
use trellis_store::deal::contender::Contender;
use trellis_store::deal::registration::{Model, State};

use super::gather::of_the_group;
use crate::Error;
use crate::customer::{self, Customer};

/// Customers that nobody else can decide about until the transaction ends.
pub(super) struct Held(HashMap<AccountId, Customer>);

impl Held {
    /// Nothing is held.
    pub(super) fn nothing() -> Self {
        Self(HashMap::new())
    }

    pub(super) fn of(customers: Vec<Customer>) -> Self {
        Self(
            customers
                .into_iter()
                .map(|one| (one.account.clone(), one))
                .collect(),
        )
    }

    /// The customer of a registration. One that came while the locks were waited for is not held:
    /// the transaction begins anew and finds it.
    pub(super) fn customer(&self, registration: &Model) -> Result<&Customer, Error> {
        let contended = Error::Store(trellis_store::Error::Contended);
        self.0.get(&registration.account).ok_or(contended)
    }
}

/// Holds the customer of a registration, and the customers of all who wait with it and may be next:
/// they need not have all their keys in common, nor the same accounts.
///
/// `seen` was read without a lock. What is decided from it is only which locks to take.
pub(super) async fn hold(txn: &Txn, seen: &Model) -> Result<Held, Error> {
    hold_all(txn, std::slice::from_ref(seen)).await
}

/// The same for several registrations, all at once.
pub(super) async fn hold_all(txn: &Txn, seen: &[Model]) -> Result<Held, Error> {
    let mut accounts = BTreeSet::new();
    for seen in seen.iter().filter(|seen| seen.contends) {
        accounts.insert(seen.account.clone());
        for own in customer::read(txn, [seen.account.clone()]).await? {
            if own.same.is_empty() && own.related.is_empty() {
                continue;
            }
            let there = customer::contenders(txn, &own).await?;
            let asking = Contender::from(seen);
            let beside = there.beside.into_iter();
            let beside = beside.filter(|other| of_the_group(&asking, other));
            let standing = there.certain.into_iter().chain(beside);
            let waiting = standing.filter(|other| other.state == State::Waitlisted);
            accounts.extend(waiting.map(|other| other.account));
        }
    }
    if accounts.is_empty() {
        return Ok(Held::nothing());
    }
    Ok(Held::of(customer::hold(txn, accounts).await?))
}
