//! Holding the customers that a transaction decides about.

use std::collections::{BTreeSet, HashMap, HashSet};

use trellis_core::{AccountId, RegistrationId};
use trellis_store::Txn;
use trellis_store::deal::contender::Contender;
use trellis_store::deal::registration::{Model, State};

use super::gather::of_the_group;
use crate::Error;
use crate::customer::{self, Contenders, Customer};

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

/// Holds the customer of a registration, and the customers of all who may have their turn when it leaves.
///
/// `seen` was read without a lock. What is decided from it is only which locks to take.
pub(super) async fn hold(txn: &Txn, seen: &Model) -> Result<Held, Error> {
    hold_all(txn, std::slice::from_ref(seen)).await
}

/// The same for several registrations, all at once.
///
/// Whoever waits with one that leaves need not have all keys in common with it, nor the same accounts; and
/// may itself be refused, so that those have their turn who wait with it, and so on.
pub(super) async fn hold_all(txn: &Txn, seen: &[Model]) -> Result<Held, Error> {
    let contending = seen.iter().filter(|seen| seen.contends);
    let mut leaving: Vec<Contender> = contending.map(Contender::from).collect();
    let mut met: HashSet<RegistrationId> = leaving.iter().map(|one| one.id.clone()).collect();
    let mut there: HashMap<AccountId, Contenders> = HashMap::new();
    while !leaving.is_empty() {
        let new = leaving.iter().map(|one| &one.account);
        let new: BTreeSet<_> = new
            .filter(|one| !there.contains_key(*one))
            .cloned()
            .collect();
        there.extend(around(txn, new).await?);
        let mut next = Vec::new();
        for one in &leaving {
            let waiting = there.get(&one.account).into_iter().flat_map(|there| {
                let beside = there.beside.iter();
                let beside = beside.filter(|other| of_the_group(one, other));
                there.certain.iter().chain(beside)
            });
            let waiting = waiting.filter(|other| other.state == State::Waitlisted);
            next.extend(
                waiting
                    .filter(|other| met.insert(other.id.clone()))
                    .cloned(),
            );
        }
        leaving = next;
    }
    if there.is_empty() {
        return Ok(Held::nothing());
    }
    Ok(Held::of(customer::hold(txn, there.into_keys()).await?))
}

/// Who stands at some accounts and around them. At one that is nobody else's nobody waits who stands
/// elsewhere, so that nobody is asked for there.
async fn around(
    txn: &Txn,
    accounts: BTreeSet<AccountId>,
) -> Result<HashMap<AccountId, Contenders>, Error> {
    let mut there: HashMap<AccountId, Contenders> = accounts
        .iter()
        .map(|account| (account.clone(), Contenders::default()))
        .collect();
    if there.is_empty() {
        return Ok(there);
    }
    let mut customers = customer::read(txn, accounts).await?;
    customers.retain(|own| !(own.same.is_empty() && own.related.is_empty()));
    if customers.is_empty() {
        return Ok(there);
    }
    let found = customer::contenders_of(txn, &customers).await?;
    let accounts = customers.into_iter().map(|customer| customer.account);
    there.extend(accounts.zip(found));
    Ok(there)
}
