//! Exact keys: strings under which accounts of one company necessarily meet.
//!
//! Whoever is IDENTICAL or SAME has one of them in common, so a lookup by exact keys finds them
//! all, and whoever holds the locks of all keys of an account knows that no other becomes the same
//! meanwhile. Most that have one in common are not the same: [`crate::compare`] decides.

use std::collections::BTreeSet;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::{identifier::Kind, profile::Prepared};

/// The longest key, in bytes. Of a longer one the end is replaced by its digest.
pub const LONGEST_KEY: usize = 200;

/// Keys of aliases at most. They find accounts that a person looks at, and never decide, so a long
/// list of brands may be cut.
const MOST_ALIAS_KEYS: usize = 8;

/// The exact keys of a profile, each once: `lei:…`, `duns:…`, `vat:…`, `reg:DE:…`, `domain:…`, and
/// `name:…` in each folding. Identifiers first, then domains, the name, some of the aliases.
#[must_use]
pub fn exact_keys(profile: &Prepared) -> Vec<String> {
    let strong = profile
        .identifiers
        .iter()
        .filter(|identifier| identifier.kind() != Kind::CrmId);
    let identifiers = strong.map(ToString::to_string);
    let domains = profile
        .profile
        .domains
        .iter()
        .map(|domain| format!("domain:{}", domain.name));
    let names = profile.name.iter().flat_map(name_keys);
    let aliases = profile
        .aliases
        .iter()
        .flat_map(name_keys)
        .take(MOST_ALIAS_KEYS);
    let mut known = BTreeSet::new();
    identifiers
        .chain(domains)
        .chain(names)
        .chain(aliases)
        .map(bounded)
        .filter(|key| known.insert(key.clone()))
        .collect()
}

fn name_keys(name: &crate::Name) -> impl Iterator<Item = String> {
    name.keys().iter().map(|key| format!("name:{}", key.text()))
}

/// The key, with a digest for its end if it is too long.
fn bounded(key: String) -> String {
    /// `#` and half a SHA-256 in hexadecimal.
    const TAIL: usize = 33;
    if key.len() <= LONGEST_KEY {
        return key;
    }
    let mut short = key
        .get(..key.floor_char_boundary(LONGEST_KEY - TAIL))
        .unwrap_or("")
        .to_owned();
    short.push('#');
    let digest = HEXLOWER.encode(&Sha256::digest(key.as_bytes()));
    short.extend(digest.chars().take(TAIL - 1));
    short
}

#[cfg(test)]
mod tests;
