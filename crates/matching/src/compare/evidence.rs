//! What a match is made of, for a person to read.

use std::fmt;

use super::Level;

/// The answer of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// How sure it is.
    pub level: Level,
    /// How near the two are, per mille. Comparable between matches of one rule set.
    pub score: u16,
    /// The rule that decided.
    pub rule: Rule,
    /// What speaks for and against the two being one, the decisive first.
    pub evidence: Vec<Evidence>,
}

/// The rules, in the words in which they are stored and shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// One account with itself.
    SameAccount,
    /// A register gave both the same number.
    Identifier,
    /// A domain of their own in common, and names that fit.
    DomainAndName,
    /// The same name in the same country, with legal forms of one class.
    NameAndCountry,
    /// It would be the same, but a register says otherwise.
    Contradicted,
    /// It would be the same, but for one belonging to the other.
    GroupMember,
    /// A domain in common that does not tell by itself.
    Domain,
    /// The same name; country, legal class or place leaves a doubt.
    Name,
    /// Names that are near.
    SimilarName,
    /// One name is a further name of the other.
    Alias,
    /// One name consists of the first letters of the other.
    Acronym,
    /// The same name in two scripts.
    Transliteration,
    /// The same phone number, and names that have much in common.
    PhoneAndName,
    /// The same house, and names that have much in common.
    AddressAndName,
    /// The same id in one customer's system.
    CrmId,
    /// Two of one group.
    SameGroup,
    /// Nothing brings the two together.
    Nothing,
}

impl Rule {
    /// The name of the rule.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SameAccount => "SAME_ACCOUNT",
            Self::Identifier => "IDENTIFIER",
            Self::DomainAndName => "DOMAIN_AND_NAME",
            Self::NameAndCountry => "NAME_AND_COUNTRY",
            Self::Contradicted => "CONTRADICTED",
            Self::GroupMember => "GROUP_MEMBER",
            Self::Domain => "DOMAIN",
            Self::Name => "NAME",
            Self::SimilarName => "SIMILAR_NAME",
            Self::Alias => "ALIAS",
            Self::Acronym => "ACRONYM",
            Self::Transliteration => "TRANSLITERATION",
            Self::PhoneAndName => "PHONE_AND_NAME",
            Self::AddressAndName => "ADDRESS_AND_NAME",
            Self::CrmId => "CRM_ID",
            Self::SameGroup => "SAME_GROUP",
            Self::Nothing => "NOTHING",
        }
    }
}

/// One thing that the two have in common, or that tells them apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// What it is about.
    pub kind: EvidenceKind,
    /// What the first says.
    pub left: String,
    /// What the second says.
    pub right: String,
    /// Whether it speaks for the two being one.
    pub argues: Argues,
}

/// What a piece of evidence is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EvidenceKind {
    /// The id of the account.
    Account,
    /// Legal Entity Identifier.
    Lei,
    /// D-U-N-S number.
    Duns,
    /// Number for value added tax.
    Vat,
    /// Number in a register of companies.
    RegNo,
    /// Id in a customer's system.
    CrmId,
    /// A registrable domain.
    Domain,
    /// A registrable domain that different companies have.
    SharedDomain,
    /// The name.
    Name,
    /// A further name.
    Alias,
    /// The legal class.
    LegalClass,
    /// The country.
    Country,
    /// The phone number.
    Phone,
    /// The address.
    Address,
    /// The group.
    Group,
}

impl EvidenceKind {
    /// The name of the kind.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Account => "ACCOUNT",
            Self::Lei => "LEI",
            Self::Duns => "DUNS",
            Self::Vat => "VAT",
            Self::RegNo => "REG_NO",
            Self::CrmId => "CRM_ID",
            Self::Domain => "DOMAIN",
            Self::SharedDomain => "SHARED_DOMAIN",
            Self::Name => "NAME",
            Self::Alias => "ALIAS",
            Self::LegalClass => "LEGAL_CLASS",
            Self::Country => "COUNTRY",
            Self::Phone => "PHONE",
            Self::Address => "ADDRESS",
            Self::Group => "GROUP",
        }
    }
}

/// What a piece of evidence speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argues {
    /// The two are one company.
    For,
    /// They are two.
    Against,
}

impl fmt::Display for Evidence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            left,
            right,
            argues,
        } = self;
        let verb = match argues {
            Argues::For => "agrees with",
            Argues::Against => "differs from",
        };
        write!(out, "{} {left:?} {verb} {right:?}", kind.name())
    }
}
