//! Identifiers: numbers that a register gave to one organisation.
//!
//! Each is brought into one form, or refused with what is wrong with it. A number that passes may
//! still be somebody else's; a number that does not pass is nobody's, and would match nothing.

mod check;
mod vat;

use std::fmt;

/// What kind of number it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Legal Entity Identifier, ISO 17442.
    Lei,
    /// D-U-N-S number of Dun & Bradstreet.
    Duns,
    /// Number for value added tax, with the prefix of its country.
    Vat,
    /// Number in a country's register of companies.
    RegNo,
    /// The id in a customer's own system; it means something within that system only.
    CrmId,
}

impl Kind {
    /// Whether two organisations cannot have the same, so that it decides by itself.
    #[must_use]
    pub fn is_strong(self) -> bool {
        self != Self::CrmId
    }

    /// The name of the kind, as exact keys and evidence give it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lei => "lei",
            Self::Duns => "duns",
            Self::Vat => "vat",
            Self::RegNo => "reg",
            Self::CrmId => "crm",
        }
    }
}

/// An identifier in its one form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identifier {
    kind: Kind,
    scope: String,
    value: String,
}

/// What is wrong with an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing was given.
    #[error("is empty")]
    Empty,
    /// The length is none that such a number has.
    #[error("has {found} letters and digits; {kind} has {expected}")]
    Length {
        /// The kind of number.
        kind: &'static str,
        /// How many it has.
        expected: &'static str,
        /// How many were given.
        found: usize,
    },
    /// Something in it is neither letter nor digit, or a letter where a digit belongs.
    #[error("has {sign:?} where {kind} has none")]
    Sign {
        /// The kind of number.
        kind: &'static str,
        /// What does not belong there.
        sign: char,
    },
    /// The check digits do not fit the rest: something was mistyped.
    #[error("has check digits that do not fit: something in it is mistyped")]
    CheckDigits,
    /// A country is missing or is none.
    #[error("needs a country of two letters (ISO 3166), not {given:?}")]
    Country {
        /// What was given.
        given: String,
    },
    /// The country's numbers look different.
    #[error("does not look like a number of {country}")]
    Form {
        /// Whose number it should be.
        country: String,
    },
    /// One and the same digit throughout is what people type where they have no number.
    #[error("is a placeholder")]
    Placeholder,
}

impl Identifier {
    /// A Legal Entity Identifier: 20 letters and digits whose check digits fit (ISO 7064, mod 97-10).
    ///
    /// # Errors
    /// If the length, a sign or the check digits are wrong.
    pub fn lei(given: &str) -> Result<Self, Error> {
        let value = check::lei(given)?;
        Ok(Self {
            kind: Kind::Lei,
            scope: String::new(),
            value,
        })
    }

    /// A D-U-N-S number: nine digits, however they are grouped.
    ///
    /// # Errors
    /// If it is not nine digits, or nine times the same.
    pub fn duns(given: &str) -> Result<Self, Error> {
        let value = check::duns(given)?;
        Ok(Self {
            kind: Kind::Duns,
            scope: String::new(),
            value,
        })
    }

    /// A number for value added tax. `country` helps where the number lacks its prefix.
    ///
    /// # Errors
    /// If there is no country, or the number has not the form or the check digits of its country.
    pub fn vat(given: &str, country: Option<&str>) -> Result<Self, Error> {
        let (scope, value) = vat::read(given, country)?;
        Ok(Self {
            kind: Kind::Vat,
            scope,
            value,
        })
    }

    /// A number in the register of companies of `country`.
    ///
    /// # Errors
    /// If there is no country or nothing left of the number.
    pub fn reg_no(given: &str, country: &str) -> Result<Self, Error> {
        let scope = check::country(country)?;
        let value = check::reg_no(given)?;
        Ok(Self {
            kind: Kind::RegNo,
            scope,
            value,
        })
    }

    /// An id of another system, as it is, within `system`.
    ///
    /// # Errors
    /// If nothing is given.
    pub fn crm_id(given: &str, system: &str) -> Result<Self, Error> {
        let value = given.trim();
        if value.is_empty() {
            return Err(Error::Empty);
        }
        Ok(Self {
            kind: Kind::CrmId,
            scope: system.trim().to_owned(),
            value: value.to_owned(),
        })
    }

    /// What kind of number it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Within what the number means something: a country, a system, or empty for the whole world.
    #[must_use]
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// The number in its one form, without its scope.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }
}

/// `lei:…`, `duns:…`, `vat:DE…`, `reg:DE:…`, `crm:system:…`.
impl fmt::Display for Identifier {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, scope, value } = self;
        match kind {
            Kind::Lei | Kind::Duns => write!(out, "{}:{value}", kind.name()),
            Kind::Vat => write!(out, "vat:{scope}{value}"),
            Kind::RegNo | Kind::CrmId => write!(out, "{}:{scope}:{value}", kind.name()),
        }
    }
}

#[cfg(test)]
mod tests;
