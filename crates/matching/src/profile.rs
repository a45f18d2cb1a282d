//! Profiles: what is known of an account, and the same made ready to compare.

use std::collections::BTreeSet;

use crate::{Address, Identifier, LegalClass, name::Name, place::Place};

/// What is known of an account. Everything but the id may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// The account.
    pub id: String,
    /// The name that it is registered by.
    pub legal_name: String,
    /// Other names: brands, short and former ones.
    pub aliases: Vec<String>,
    /// The country that it is registered in, in two letters (ISO 3166).
    pub country: Option<String>,
    /// What registers know it by.
    pub identifiers: Vec<Identifier>,
    /// Its registrable domains ([`crate::domain::registrable_domains`]).
    pub domains: Vec<Domain>,
    /// Where it is.
    pub address: Address,
    /// The number of its switchboard.
    pub phone: Option<String>,
    /// The account that it belongs to directly.
    pub parent: Option<String>,
    /// The account at the top of its group. `None` if it belongs to nobody.
    pub ultimate_parent: Option<String>,
}

/// A registrable domain of an account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Domain {
    /// The domain, in the letters of the domain name system.
    pub name: String,
    /// Whether companies that are known to be different have it, so that it tells none of them.
    /// Several accounts of one company, one from each partner, do not make it so.
    pub shared: bool,
}

impl Domain {
    /// A domain of one company alone.
    #[must_use]
    pub fn own(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            shared: false,
        }
    }

    /// A domain of several companies.
    #[must_use]
    pub fn shared(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            shared: true,
        }
    }
}

/// A profile with its keys, made once and compared often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    pub(crate) profile: Profile,
    pub(crate) name: Option<Name>,
    pub(crate) aliases: Vec<Name>,
    pub(crate) country: Option<String>,
    pub(crate) place: Place,
    pub(crate) identifiers: BTreeSet<Identifier>,
}

impl Prepared {
    /// Makes the keys of a profile.
    #[must_use]
    pub fn new(profile: Profile) -> Self {
        let country = profile
            .country
            .as_deref()
            .map(|country| country.trim().to_ascii_uppercase());
        Self {
            name: Name::new(&profile.legal_name),
            aliases: profile
                .aliases
                .iter()
                .filter_map(|alias| Name::new(alias))
                .collect(),
            country: country.filter(|country| !country.is_empty()),
            place: Place::new(&profile.address, profile.phone.as_deref()),
            identifiers: profile.identifiers.iter().cloned().collect(),
            profile,
        }
    }

    /// The profile as it was given.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The name that it is registered by, if it has one.
    #[must_use]
    pub fn name(&self) -> Option<&Name> {
        self.name.as_ref()
    }

    /// The names, that by which it is registered first.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        self.name.iter().chain(&self.aliases)
    }

    /// What its legal form says.
    #[must_use]
    pub fn class(&self) -> Option<LegalClass> {
        self.name.as_ref().and_then(Name::class)
    }

    /// The top of its group: itself, if it belongs to nobody.
    pub(crate) fn ultimate(&self) -> &str {
        self.profile
            .ultimate_parent
            .as_deref()
            .unwrap_or(&self.profile.id)
    }
}

impl From<Profile> for Prepared {
    fn from(profile: Profile) -> Self {
        Self::new(profile)
    }
}
