//! Which accounts are one customer, and the customer held as it is while something is decided about it.
//!
//! Accounts that have a key in common are candidates; [`trellis_matching::compare`] decides what they
//! are to each other. Those that are IDENTICAL or SAME are one customer. Those that are PROBABLE may be,
//! which a person decides; those that are RELATED are other customers of one group. All of it is read
//! under the locks of every key of the account, its group among them. Whoever changes what an account is
//! compared by holds the locks of all of its keys, so nothing that was read changes until the end of the
//! transaction.

use std::collections::BTreeSet;

use trellis_core::AccountId;
use trellis_matching::{Level, Match, Prepared, Profile, Rule, compare};
use trellis_store::deal::account::{self, State};
use trellis_store::deal::customer::{self, Keyed};
use trellis_store::deal::identity::Snapshot;
use trellis_store::deal::registration;
use trellis_store::{Error, Txn, View, lock};

use crate::account::identity::{self, Shared};

/// An account, and what others are to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Customer {
    /// The account.
    pub account: AccountId,
    /// The keys that it is known by, its own first: of its domains, its identifiers and its names.
    pub keys: Vec<String>,
    /// The other accounts of the customer.
    pub same: Vec<(AccountId, Match)>,
    /// Accounts that may be the same customer.
    pub probable: Vec<(AccountId, Match)>,
    /// Accounts of other customers that belong to the same group.
    pub related: Vec<(AccountId, Match)>,
    /// All accounts of the customer, this one first.
    accounts: Vec<AccountId>,
    /// Its keys, but for those that an account of another customer has as well.
    exclusive: Vec<String>,
    /// Its accounts, and those of others that are found by a domain or an identifier of its.
    named: Vec<AccountId>,
    /// The account as it stands.
    snapshot: Snapshot,
    /// What is locked: its keys and its group's.
    locks: Vec<String>,
}

impl Customer {
    /// A customer of one account that is known by these keys.
    #[cfg(test)]
    pub(crate) fn known_by(account: AccountId, keys: Vec<String>) -> Self {
        let keyed: Vec<String> = std::iter::once(account::own_key(&account))
            .chain(keys)
            .collect();
        Self {
            same: Vec::new(),
            probable: Vec::new(),
            related: Vec::new(),
            accounts: vec![account.clone()],
            named: vec![account.clone()],
            snapshot: Snapshot {
                account: account.clone(),
                version: 1,
                display_name: String::new(),
                aliases: Vec::new(),
                region_code: None,
                registrable_domains: Vec::new(),
                identifiers: Vec::new(),
                ultimate_parent: None,
                same: Vec::new(),
                rules: 0,
            },
            exclusive: keyed.clone(),
            locks: keyed.clone(),
            keys: keyed,
            account,
        }
    }

    /// All accounts of the customer, this one first.
    #[must_use]
    pub fn accounts(&self) -> &[AccountId] {
        &self.accounts
    }

    /// Its accounts, and those of others that are found by a domain or an identifier of its, whatever
    /// their names: what somebody names who names the account.
    #[must_use]
    pub fn named(&self) -> &[AccountId] {
        &self.named
    }

    /// The account as it stands, for what is decided about it to keep.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The keys under which the customer can be protected: no account of another customer has them.
    #[must_use]
    pub fn exclusive(&self) -> &[String] {
        &self.exclusive
    }

    /// The keys under which its whole group can be protected: its own, and those that each other
    /// account of the group has alone.
    #[must_use]
    pub fn exclusive_of_the_group(&self) -> Vec<String> {
        let others = self.related.iter().map(|(id, _)| account::own_key(id));
        self.exclusive.iter().cloned().chain(others).collect()
    }
}

/// Reads some accounts as customers, in the order of their ids. Those that do not exist are left out; in
/// the place of one that was merged stands the one that it was merged into.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn read(
    view: &View,
    accounts: impl IntoIterator<Item = AccountId>,
) -> Result<Vec<Customer>, Error> {
    let view = view.whole();
    let mut accounts: BTreeSet<AccountId> = accounts.into_iter().collect();
    let mut asked = customer::keyed(&view, &accounts).await?;
    let merged = asked.iter().map(|one| &one.account);
    let merged: Vec<_> = merged
        .filter_map(|one| Some((one.id.clone(), one.merged_into.clone()?)))
        .collect();
    if !merged.is_empty() {
        for (gone, stands) in merged {
            accounts.remove(&gone);
            accounts.insert(stands);
        }
        asked = customer::keyed(&view, &accounts).await?;
    }
    let keys: BTreeSet<String> = asked.iter().flat_map(|one| one.keys.clone()).collect();
    let sharing = customer::sharing(&view, &keys).await?;
    Ok(asked.into_iter().map(|one| of(one, &sharing)).collect())
}

/// Reads accounts that somebody may be, as [`compare`] tells, among those that share a key; without those
/// that are somebody else.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn candidates(
    view: &View,
    asked: Profile,
) -> Result<Vec<(account::Model, Match)>, Error> {
    let asked = Prepared::new(asked);
    let keys = identity::keys_of(&asked);
    let mut found = customer::sharing(view, &keys.iter().cloned().collect()).await?;
    found.retain(|other| {
        other.account.id.as_str() != asked.profile().id && other.account.state == State::Active
    });
    let weighed = weigh(asked, &keys, &found.iter().collect::<Vec<_>>());
    let models = found.into_iter().map(|other| other.account).zip(weighed);
    Ok(models
        .filter(|(_, found)| found.level > Level::Distinct)
        .collect())
}

/// What each of some accounts is to one that has these keys.
fn weigh(asked: Prepared, keys: &[String], others: &[&Keyed]) -> Vec<Match> {
    let mut prepared: Vec<Prepared> = others
        .iter()
        .map(|other| Prepared::new(identity::compared(&other.account)))
        .collect();
    let shared = Shared::of(prepared.iter().chain([&asked]));
    let asked = shared.known_to(asked);
    others
        .iter()
        .zip(prepared.drain(..))
        .map(|(other, prepared)| {
            let mut found = compare(&asked, &shared.known_to(prepared));
            if found.level == Level::Distinct && named(&other.keys, keys) {
                // Many have the domain, and nothing else speaks for it: that asks for a person. Or
                // whoever names a customer's domain under a name of no meaning would meet nobody.
                found.level = Level::Probable;
                found.rule = Rule::Domain;
            }
            found
        })
        .collect()
}

/// Whether some keys share a domain or an identifier with others, which are sorted.
fn named(keys: &[String], with: &[String]) -> bool {
    let telling =
        |key: &&String| !key.starts_with(account::GROUP) && !key.starts_with(identity::NAME);
    keys.iter()
        .filter(telling)
        .any(|key| with.binary_search(key).is_ok())
}

/// An account among those that share keys with it.
fn of(asked: Keyed, sharing: &[Keyed]) -> Customer {
    let Keyed { account, keys } = asked;
    let shares = |key: &&String| keys.binary_search(key).is_ok();
    let candidates: Vec<&Keyed> = sharing
        .iter()
        .filter(|other| other.account.id != account.id && other.account.state == State::Active)
        .filter(|other| other.keys.iter().any(|key| shares(&key)))
        .collect();
    let profile = Prepared::new(identity::compared(&account));
    let weighed = weigh(profile, &keys, &candidates);
    let (mut same, mut probable, mut related) = (Vec::new(), Vec::new(), Vec::new());
    let mut foreign: BTreeSet<&String> = BTreeSet::new();
    let mut found_by_number = Vec::new();
    for (other, found) in candidates.into_iter().zip(weighed) {
        if named(&other.keys, &keys) {
            found_by_number.push(other.account.id.clone());
        }
        if !found.level.is_automatic() {
            foreign.extend(other.keys.iter().filter(shares));
        }
        let place = match found.level {
            Level::Identical | Level::Same => &mut same,
            Level::Probable => &mut probable,
            Level::Related => &mut related,
            Level::Distinct => continue,
        };
        place.push((other.account.id.clone(), found));
    }
    let own = account::own_key(&account.id);
    let known = keys.iter().filter(|key| !key.starts_with(account::GROUP));
    let known: Vec<String> = std::iter::once(own.clone()).chain(known.cloned()).collect();
    let exclusive = known
        .iter()
        .filter(|key| !foreign.contains(key) && !key.starts_with(identity::NAME))
        .cloned()
        .collect();
    let others = || same.iter().map(|(id, _)| id.clone());
    let accounts: Vec<AccountId> = std::iter::once(account.id.clone())
        .chain(others())
        .collect();
    found_by_number.retain(|id| !accounts.contains(id));
    Customer {
        named: accounts.iter().cloned().chain(found_by_number).collect(),
        snapshot: identity::snapshot(&account, others().collect()),
        locks: std::iter::once(own).chain(keys).collect(),
        keys: known,
        account: account.id,
        same,
        probable,
        related,
        accounts,
        exclusive,
    }
}

/// Holds some customers as they are until the transaction ends: takes the locks of all their keys
/// in one statement.
///
/// # Errors
/// [`Error::Contended`] when a lock cannot be had in time, or a customer changed while it was waited
/// for.
pub async fn hold(
    txn: &Txn,
    accounts: impl IntoIterator<Item = AccountId>,
) -> Result<Vec<Customer>, Error> {
    let customers = read(txn, accounts).await?;
    let keys: BTreeSet<&String> = customers.iter().flat_map(|one| &one.locks).collect();
    lock::keys(txn, &keys.into_iter().collect::<Vec<_>>()).await?;
    if lock::waits(txn) {
        let accounts = customers.iter().map(|customer| customer.account.clone());
        if read(txn, accounts).await? != customers {
            return Err(Error::Contended);
        }
    }
    Ok(customers)
}

/// The registrations that stand at a customer, whatever they are for, in the order in which they
/// were handed in.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn contending(
    view: &View,
    customer: &Customer,
) -> Result<Vec<registration::Model>, Error> {
    customer::contending(view, customer.accounts()).await
}

/// The registrations that stand at accounts which may be the same customer. One statement, whether or
/// not there are any.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn contending_perhaps(
    view: &View,
    customer: &Customer,
) -> Result<Vec<registration::Model>, Error> {
    let perhaps: Vec<AccountId> = customer.probable.iter().map(|(id, _)| id.clone()).collect();
    customer::contending(view, &perhaps).await
}

/// The registrations that stand at other accounts of the customer's group. One statement, whether or
/// not there are any.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn contending_beside(
    view: &View,
    customer: &Customer,
) -> Result<Vec<registration::Model>, Error> {
    let beside: Vec<AccountId> = customer.related.iter().map(|(id, _)| id.clone()).collect();
    customer::contending(view, &beside).await
}

#[cfg(test)]
mod tests;
