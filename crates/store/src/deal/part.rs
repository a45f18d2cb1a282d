//! Who plays which part in a deal, why that is believed, and what is disputed about it.

use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};
use trellis_core::lifecycle::Named;
use trellis_core::{Date, LeadId, PartnerId, ProductId, RegistrationId, Timestamp};

/// A part that a partner may play in a deal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Role {
    /// Found the deal; at most one partner.
    Sourced,
    /// Sells and delivers it; at most one partner a product.
    Fulfil,
    /// Sells it together with others.
    CoSell,
    /// Had a hand in it.
    Influenced,
}

impl Named for Role {
    fn name(self) -> &'static str {
        match self {
            Self::Sourced => "SOURCED",
            Self::Fulfil => "FULFIL",
            Self::CoSell => "CO_SELL",
            Self::Influenced => "INFLUENCED",
        }
    }
}

/// What kind of evidence it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EvidenceKind {
    /// A registration of the partner.
    Registration,
    /// A lead that the partner accepted.
    Lead,
    /// An introduction to the customer.
    Introduction,
    /// A meeting with the customer.
    Meeting,
    /// A proof of concept.
    ProofOfConcept,
    /// A quote.
    Quote,
    /// A mail.
    Email,
    /// A letter of the customer's.
    CustomerLetter,
    /// The deal came with the part: whoever entered or imported it said so.
    Record,
    /// Something else.
    Other,
}

/// Why it is believed that a partner played a part.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Evidence {
    /// What kind it is.
    pub kind: EvidenceKind,
    /// The day that the caller gave.
    pub date: Option<Date>,
    /// When it happened, as well as that is known.
    pub time: Timestamp,
    /// What it says, or where it is kept.
    pub description: Option<String>,
    /// The digest of the document.
    pub sha256: Option<String>,
    /// The registration that it is.
    pub registration: Option<RegistrationId>,
    /// The lead that it is.
    pub lead: Option<LeadId>,
    /// Who recorded it.
    pub actor: String,
    /// When it was recorded.
    pub record_time: Timestamp,
}

/// The part that one partner plays.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PartnerRole {
    /// The partner.
    pub partner: PartnerId,
    /// Its part.
    pub role: Role,
    /// The products that it fulfils; none named: all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub products: Vec<ProductId>,
    /// Why that is believed. Facts leave it out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
}

impl PartnerRole {
    /// A part of a partner's, with nothing said about it.
    #[must_use]
    pub const fn new(partner: PartnerId, role: Role) -> Self {
        Self {
            partner,
            role,
            products: Vec::new(),
            evidence: Vec::new(),
        }
    }

    /// Whether it is the same part of the same partner, whatever is said about it.
    #[must_use]
    pub fn is_that_of(&self, other: &Self) -> bool {
        self.partner == other.partner && self.role == other.role
    }

    /// The part as facts tell it: without the evidence.
    #[must_use]
    pub fn told(&self) -> Self {
        Self {
            evidence: Vec::new(),
            ..self.clone()
        }
    }
}

/// Who plays which part, in the order in which it was given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Roles(pub Vec<PartnerRole>);

/// What became of a dispute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DisputeState {
    /// Nobody has decided.
    Open,
    /// Who disputed was right, and the parts are otherwise now.
    Upheld,
    /// The parts stay as they were.
    Dismissed,
}

/// Who said that a partner's part is otherwise than recorded, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    /// Its number, counted from 1 in the deal.
    pub number: i32,
    /// The part as it should be if it is claimed, or as it is if it is contested.
    pub part: PartnerRole,
    /// Whether the partner has the part and should not have it. Otherwise it is claimed for it.
    pub contests: bool,
    /// Why, in a word.
    pub reason_code: String,
    /// Why, in a sentence.
    pub note: Option<String>,
    /// Who disputed.
    pub actor: String,
    /// When.
    pub create_time: Timestamp,
    /// What became of it.
    pub state: DisputeState,
    /// Who decided.
    pub resolver: Option<String>,
    /// Why it was decided so, in a word.
    pub resolution_code: Option<String>,
    /// Why, in a sentence.
    pub resolution_note: Option<String>,
    /// When.
    pub resolve_time: Option<Timestamp>,
}

/// All disputes about a deal, the first one first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Disputes(pub Vec<Dispute>);
