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
use trellis_matching::{Level, Match, Prepared, Rule, compare};
use trellis_store::deal::account::{self, State};
use trellis_store::deal::contender::{self, Contender};
use trellis_store::deal::customer::{self, Keyed};
use trellis_store::deal::identity::Snapshot;
use trellis_store::{Error, Txn, View, lock, record};

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
    /// Those of them that are canaries.
    canaries: Vec<AccountId>,
    /// The account as it stands.
    snapshot: Snapshot,
}

impl Customer {
    /// Its accounts, and those of others that may be it or belong to its group.
    fn around(&self) -> impl Iterator<Item = AccountId> {
        let others = self.probable.iter().chain(&self.related);
        let others = others.map(|(account, _)| account);
        self.accounts.iter().chain(others).cloned()
    }

    /// Those of some registrations that stand at the customer and around it.
    fn sorted(&self, standing: &[Contender]) -> Contenders {
        let is_of = |of: &[(AccountId, Match)], account: &AccountId| {
            of.iter().any(|(other, _)| other == account)
        };
        let mut found = Contenders::default();
        for contender in standing {
            let account = &contender.account;
            let place = if is_of(&self.probable, account) {
                &mut found.perhaps
            } else if is_of(&self.related, account) {
                &mut found.beside
            } else if self.accounts.contains(account) {
                &mut found.certain
            } else {
                continue;
            };
            place.push(contender.clone());
        }
        found
    }

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
            canaries: Vec::new(),
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

    /// Those of them that nobody honest would name, in the order of their ids.
    #[must_use]
    pub fn canaries(&self) -> &[AccountId] {
        &self.canaries
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
    let asked = with_keys(&view, &accounts.into_iter().collect()).await?;
    let keys: BTreeSet<String> = asked.iter().flat_map(|one| one.keys.clone()).collect();
    let sharing = customer::sharing(&view, &keys, &BTreeSet::new()).await?;
    Ok(asked.into_iter().map(|one| of(one, &sharing)).collect())
}

/// Reads some accounts with their keys; in the place of one that was merged the one that it was merged into.
async fn with_keys(view: &View, accounts: &BTreeSet<AccountId>) -> Result<Vec<Keyed>, Error> {
    let asked = customer::keyed(view, accounts).await?;
    let merged = asked.iter().map(|one| &one.account);
    let merged: Vec<_> = merged
        .filter_map(|one| Some((one.id.clone(), one.merged_into.clone()?)))
        .collect();
    if merged.is_empty() {
        return Ok(asked);
    }
    let mut accounts = accounts.clone();
    for (gone, stands) in merged {
        accounts.remove(&gone);
        accounts.insert(stands);
    }
    customer::keyed(view, &accounts).await
}

/// What is locked of an account: its own key, and all others that it has, its group's among them.
fn locks(keyed: &Keyed) -> impl Iterator<Item = String> {
    let own = account::own_key(&keyed.account.id);
    std::iter::once(own).chain(keyed.keys.iter().cloned())
}

/// Reads accounts that somebody may be, as [`compare`] tells, among those that share a key and some others;
/// without those that are somebody else.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn candidates(
    view: &View,
    asked: Prepared,
    others: Vec<AccountId>,
) -> Result<Vec<(account::Model, Match)>, Error> {
    let keys = identity::keys_of(&asked);
    let shared = keys.iter().cloned().collect();
    let mut found = customer::sharing(view, &shared, &BTreeSet::new()).await?;
    let shares: BTreeSet<&AccountId> = found.iter().map(|one| &one.account.id).collect();
    let others: Vec<AccountId> = others
        .into_iter()
        .filter(|other| !shares.contains(other))
        .collect();
    if !others.is_empty() {
        let others = record::find_many::<account::Entity>(view, others).await?;
        found.extend(others.into_iter().map(|account| Keyed {
            account,
            keys: Vec::new(),
        }));
    }
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
    let weighed = match &candidates[..] {
        // What it is to itself nobody asks; but where there is nobody, comparing takes as long as where
        // somebody else named the customer, or a stopwatch would tell who did.
        [] => {
            let (account, keys) = (account.clone(), keys.clone());
            let itself = Keyed { account, keys };
            std::hint::black_box(weigh(profile, &itself.keys, &[&itself]))
        }
        others => weigh(profile, &keys, others),
    };
    let canaries = candidates.iter().map(|other| &other.account);
    let canaries = canaries.chain([&account]).filter(|one| one.canary);
    let mut canaries: Vec<AccountId> = canaries.map(|one| one.id.clone()).collect();
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
    let known: Vec<String> = std::iter::once(own).chain(known.cloned()).collect();
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
    let named: Vec<AccountId> = accounts.iter().cloned().chain(found_by_number).collect();
    canaries.retain(|id| named.contains(id));
    canaries.sort_unstable();
    Customer {
        named,
        canaries,
        snapshot: identity::snapshot(&account, others().collect()),
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
/// in one statement, and then reads them.
///
/// # Errors
/// [`Error::Contended`] when a lock cannot be had in time, or a customer has got other keys while it was
/// waited for.
pub async fn hold(
    txn: &Txn,
    accounts: impl IntoIterator<Item = AccountId>,
) -> Result<Vec<Customer>, Error> {
    hold_after(txn, None, accounts).await
}

/// The same, with another lock that is taken before those of the keys, in the same statement.
///
/// # Errors
/// As for [`hold`].
pub async fn hold_after(
    txn: &Txn,
    first: Option<&str>,
    accounts: impl IntoIterator<Item = AccountId>,
) -> Result<Vec<Customer>, Error> {
    let accounts: BTreeSet<AccountId> = accounts.into_iter().collect();
    if !lock::waits(txn) {
        return read(txn, accounts).await;
    }
    let view = txn.whole();
    let seen = with_keys(&view, &accounts).await?;
    let accounts: BTreeSet<AccountId> = seen.iter().map(|one| one.account.id.clone()).collect();
    let keys: BTreeSet<String> = seen.iter().flat_map(|one| one.keys.clone()).collect();
    let held: BTreeSet<String> = seen.iter().flat_map(locks).collect();
    lock::keys_after(txn, first, &held.iter().collect::<Vec<_>>()).await?;
    let around = customer::sharing(&view, &keys, &accounts).await?;
    let asked = || {
        around
            .iter()
            .filter(|one| accounts.contains(&one.account.id))
    };
    let stands = asked().all(|one| one.account.merged_into.is_none());
    if !stands || asked().flat_map(locks).collect::<BTreeSet<_>>() != held {
        return Err(Error::Contended);
    }
    Ok(asked().map(|one| of(one.clone(), &around)).collect())
}

/// Those that stand at a customer and around it, each in the order in which they were handed in.
#[derive(Clone, Debug, Default)]
pub struct Contenders {
    /// At its accounts.
    pub certain: Vec<Contender>,
    /// At accounts which may be the same customer.
    pub perhaps: Vec<Contender>,
    /// At the other accounts of its group.
    pub beside: Vec<Contender>,
}

/// The registrations that stand at a customer and around it, whatever they are for. One statement, whether
/// or not there are any.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn contenders(view: &View, customer: &Customer) -> Result<Contenders, Error> {
    let found = contenders_of(view, std::slice::from_ref(customer)).await?;
    Ok(found.into_iter().next().unwrap_or_default())
}

/// The same for several customers, in their order, in one statement for all.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn contenders_of(view: &View, customers: &[Customer]) -> Result<Vec<Contenders>, Error> {
    let accounts: BTreeSet<AccountId> = customers.iter().flat_map(Customer::around).collect();
    let standing = contender::at(view, accounts).await?;
    let of = |customer: &Customer| customer.sorted(&standing);
    Ok(customers.iter().map(of).collect())
}

#[cfg(test)]
mod tests;
