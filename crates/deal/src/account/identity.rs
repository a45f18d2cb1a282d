//! What an account is recognised by: the keys under which it is found, and what of it is compared. Pure.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use trellis_core::AccountId;
use trellis_matching::domain::registrable_domains;
use trellis_matching::identifier;
use trellis_matching::name::similarity::share_a_word;
use trellis_matching::{Domain, Identifier, Prepared, Profile, RULES_VERSION, exact_keys};
use trellis_store::deal::account::{self, Model, State};
use trellis_store::deal::identity::{self, IdentifierType, Identifiers, Snapshot};

use super::matched::Description;

/// By which rules keys are made. With every new version of the rules the server makes the keys of all
/// accounts anew before it serves.
pub const KEY_VERSION: i64 = RULES_VERSION as i64;

/// How the keys of names begin.
pub const NAME: &str = "name:";

/// The keys of an account, sorted: of its identifiers, its domains, its names and its group. One that
/// was merged into another has none.
#[must_use]
pub fn keys(account: &Model) -> Vec<String> {
    if account.state == State::Merged {
        return Vec::new();
    }
    keys_of(&Prepared::new(compared(account)))
}

/// What is compared of an account: whoever changes it holds its customer.
#[must_use]
pub fn compared(account: &Model) -> Profile {
    let numbers = account
        .identifiers
        .0
        .iter()
        .filter_map(|one| read(one).ok());
    let records = account.crm_records.0.iter();
    let records = records.filter_map(|one| Identifier::crm_id(&one.record_id, &one.system).ok());
    Profile {
        id: account.id.to_string(),
        legal_name: account.display_name.clone(),
        aliases: account.aliases.0.clone(),
        country: account.region_code.clone(),
        identifiers: numbers.chain(records).collect(),
        domains: own(&account.registrable_domains.0),
        parent: account.parent_account.as_ref().map(AccountId::to_string),
        ultimate_parent: account.ultimate_parent.as_ref().map(AccountId::to_string),
        ..Profile::default()
    }
}

/// What is compared of somebody who is described.
#[must_use]
pub(super) fn described(description: &Description) -> Profile {
    let numbers = description.identifiers.iter();
    Profile {
        legal_name: description.display_name.clone(),
        aliases: description.aliases.clone(),
        country: description.region_code.clone(),
        identifiers: numbers.filter_map(|one| read(one).ok()).collect(),
        domains: own(&registrable_domains(&description.domains)),
        ..Profile::default()
    }
}

fn own(domains: &[String]) -> Vec<Domain> {
    domains.iter().map(Domain::own).collect()
}

/// The keys under which somebody's accounts are found, those of its group among them. Sorted.
#[must_use]
pub fn keys_of(profile: &Prepared) -> Vec<String> {
    let Profile {
        id,
        ultimate_parent,
        ..
    } = profile.profile();
    let top = ultimate_parent.as_ref().unwrap_or(id);
    let group = (!top.is_empty()).then(|| format!("{}{top}", account::GROUP));
    let mut keys: Vec<String> = exact_keys(profile).into_iter().chain(group).collect();
    keys.sort_unstable();
    keys
}

/// The domains that accounts have which are known to be different customers: such a domain tells none
/// of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shared(BTreeSet<String>);

/// Accounts of one domain that are compared with all others. Among more, two that differ are found
/// among these as well.
const COMPARED: usize = 32;

impl Shared {
    /// Finds them among all accounts that have a domain in common.
    pub fn of<'a>(accounts: impl IntoIterator<Item = &'a Prepared>) -> Self {
        let mut holders: BTreeMap<&String, Vec<&Prepared>> = BTreeMap::new();
        for account in accounts {
            for domain in &account.profile().domains {
                holders.entry(&domain.name).or_default().push(account);
            }
        }
        let told_apart = |holders: &Vec<&Prepared>| {
            let first = holders.iter().take(COMPARED).enumerate();
            first
                .flat_map(|(at, one)| holders.iter().skip(at + 1).map(move |other| (one, other)))
                .any(|(one, other)| different(one, other))
        };
        let shared = holders
            .into_iter()
            .filter(|(_, holders)| told_apart(holders));
        Self(shared.map(|(domain, _)| domain.clone()).collect())
    }

    /// An account that knows which of its domains are shared.
    #[must_use]
    pub fn known_to(&self, account: Prepared) -> Prepared {
        let is_shared = |domain: &Domain| self.0.contains(&domain.name);
        if !account.profile().domains.iter().any(is_shared) {
            return account;
        }
        let mut profile = account.profile().clone();
        for domain in &mut profile.domains {
            domain.shared = self.0.contains(&domain.name);
        }
        Prepared::new(profile)
    }
}

/// Whether two accounts are known to be different customers: a register gave them different numbers,
/// or their names have no word in common.
fn different(one: &Prepared, other: &Prepared) -> bool {
    let named = one.name().zip(other.name());
    let no_word = named.is_some_and(|(one, other)| !share_a_word(one, other));
    let (ours, theirs) = (&one.profile().identifiers, &other.profile().identifiers);
    let contradicted = || {
        ours.iter().any(|mine| {
            mine.kind().is_strong()
                && !theirs.contains(mine)
                && theirs.iter().any(|yours| {
                    yours.kind() == mine.kind()
                        && yours.scope() == mine.scope()
                        && !ours.contains(yours)
                })
        })
    };
    no_word || contradicted()
}

/// An identifier in the form in which it is compared.
fn read(given: &identity::Identifier) -> Result<Identifier, identifier::Error> {
    let country = given.region_code.as_deref();
    match given.r#type {
        IdentifierType::Lei => Identifier::lei(&given.value),
        IdentifierType::Duns => Identifier::duns(&given.value),
        IdentifierType::Vat => Identifier::vat(&given.value, country),
        IdentifierType::RegistrationNumber => {
            Identifier::reg_no(&given.value, country.unwrap_or_default())
        }
    }
}

/// The key of an identifier; none if it is not valid.
pub(super) fn key_of(given: &identity::Identifier) -> Option<String> {
    read(given).ok().map(|read| read.to_string())
}

/// What is wrong with an identifier, if anything is: in which field, by which rule, in a sentence.
pub(super) fn wrong(given: &identity::Identifier) -> Option<(&'static str, &'static str, String)> {
    let scoped = match given.r#type {
        IdentifierType::Lei | IdentifierType::Duns => false,
        IdentifierType::Vat | IdentifierType::RegistrationNumber => true,
    };
    if given.region_code.is_some() && !scoped {
        let said = "must be empty: this number is unique in the world".to_owned();
        return Some(("region_code", "exclusive", said));
    }
    let error = read(given).err()?;
    Some(match &error {
        identifier::Error::Country { .. } => {
            let said = "must say of which country the number is, such as DE".to_owned();
            ("region_code", "required", said)
        }
        identifier::Error::CheckDigits => ("value", "check_digits", error.to_string()),
        identifier::Error::Length { .. } => ("value", "length", error.to_string()),
        _ => ("value", "identifier", error.to_string()),
    })
}

/// Lets identifiers that stay keep when they were last looked up, where the change does not say.
pub(super) fn keep_verified(before: &Identifiers, after: &mut Identifiers) {
    for identifier in &mut after.0 {
        if identifier.verify_time.is_some() {
            continue;
        }
        let key = key_of(identifier);
        let stays = before
            .0
            .iter()
            .find(|one| key.is_some() && key_of(one) == key);
        identifier.verify_time = stays.and_then(|one| one.verify_time);
    }
}

/// What an account is known by now, for what is decided about it to keep.
pub(crate) fn snapshot(account: &Model, same: Vec<AccountId>) -> Snapshot {
    Snapshot {
        account: account.id.clone(),
        version: account.version,
        display_name: account.display_name.clone(),
        aliases: account.aliases.0.clone(),
        region_code: account.region_code.clone(),
        registrable_domains: account.registrable_domains.0.clone(),
        identifiers: account.identifiers.0.clone(),
        ultimate_parent: account.ultimate_parent.clone(),
        same,
        rules: RULES_VERSION,
    }
}

/// Whether a customer is known by other keys than when a registration with it was handed in. What was
/// handed in before names were keys is compared without them.
pub(crate) fn changed(then: &HashSet<String>, now: &[String]) -> bool {
    let named = |key: &&String| key.starts_with(NAME);
    let known_by_name = then.iter().any(|key| named(&key));
    let now: HashSet<&String> = now
        .iter()
        .filter(|key| known_by_name || !named(key))
        .collect();
    // Of registrations that are older than submissions nobody knows it.
    !then.is_empty() && then.iter().collect::<HashSet<_>>() != now
}

#[cfg(test)]
mod tests;
