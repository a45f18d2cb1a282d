//! The kinds of resources that can be imported.

use std::fmt;

use serde::{Serialize, Serializer};

/// A kind of resource. They are imported in this order, because the later refer to the earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum)]
pub enum Kind {
    /// Parts of the market.
    Territories,
    /// What the ecosystem sells.
    Products,
    /// Organisations that sell together with the owner.
    Partners,
    /// End customers.
    Accounts,
    /// Pieces of business.
    Deals,
}

impl Kind {
    /// Its name for many.
    #[must_use]
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Territories => "territories",
            Self::Products => "products",
            Self::Partners => "partners",
            Self::Accounts => "accounts",
            Self::Deals => "deals",
        }
    }

    /// Its name for one, which is also the name of the resource in a row of an import.
    #[must_use]
    pub const fn singular(self) -> &'static str {
        match self {
            Self::Territories => "territory",
            Self::Products => "product",
            Self::Partners => "partner",
            Self::Accounts => "account",
            Self::Deals => "deal",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.plural())
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.plural())
    }
}
