//! What a registration claims beside its customer and products, as columns hold it.

use sea_orm::FromJsonQueryResult;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};
use trellis_core::Date;
use trellis_core::lifecycle::Named;

/// How much of a customer a registration asks for.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    Serialize,
    Deserialize,
)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EntityScope {
    /// The customer itself.
    #[default]
    Entity,
    /// The customer and all that belong to its group.
    Group,
    /// One site of the customer.
    Site,
}

impl Named for EntityScope {
    fn name(self) -> &'static str {
        match self {
            Self::Entity => "ENTITY",
            Self::Group => "GROUP",
            Self::Site => "SITE",
        }
    }
}

/// The part of a deal that a registration was granted.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum GrantedRole {
    /// Its partner found the business.
    Sourced,
    /// The vendor had found it already; its partner sells with it.
    CoSell,
}

/// What kind of proof something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ProofKind {
    /// A meeting with the customer.
    Meeting,
    /// The product was tried at the customer.
    Poc,
    /// An offer to the customer.
    Quote,
    /// Mail with the customer.
    Mail,
    /// A letter of the customer.
    CustomerLetter,
    /// A letter in which the customer names the partner that it wants to buy from.
    NominationLetter,
}

impl Named for ProofKind {
    fn name(self) -> &'static str {
        match self {
            Self::Meeting => "MEETING",
            Self::Poc => "POC",
            Self::Quote => "QUOTE",
            Self::Mail => "MAIL",
            Self::CustomerLetter => "CUSTOMER_LETTER",
            Self::NominationLetter => "NOMINATION_LETTER",
        }
    }
}

/// One thing that a partner can prove.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// What kind it is.
    pub kind: ProofKind,
    /// Of which day it is.
    pub date: Date,
    /// What it says, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The hash of the document, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// Proofs, in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Proofs(pub Vec<Proof>);
