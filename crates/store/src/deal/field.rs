//! The fields of a deal one by one: their values, and who wrote which of them when.

use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};
use trellis_core::{AccountId, Date, Money, PartnerId, ProductId, TerritoryId, Timestamp};

use super::deal::{self, DealType};
use super::proposal::Side;

/// Somebody at the customer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// What they are called.
    pub display_name: String,
    /// What they do there.
    pub title: Option<String>,
    /// Their e-mail address.
    pub email: Option<String>,
    /// Their telephone number.
    pub phone: Option<String>,
}

/// Everybody at the customer whom the partner knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Contacts(pub Vec<Contact>);

/// An id in another system.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ExternalId {
    /// The system.
    pub system: String,
    /// The id there.
    pub external_id: String,
}

/// The ids in other systems, one in each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct ExternalIds(pub Vec<ExternalId>);

/// Which version of a field a deal has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// The field.
    pub field: String,
    /// How often its value has changed since the deal was made.
    pub version: i64,
    /// The partner whose value it is; none: the vendor's.
    pub partner: Option<PartnerId>,
    /// The system that the value comes from.
    pub source_system: Option<String>,
    /// When it was written there.
    pub source_time: Option<Timestamp>,
    /// When it was written here.
    pub update_time: Timestamp,
}

/// When a side last said something of a field, whether or not that was applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The field.
    pub field: String,
    /// Which partner; none: the vendor.
    pub partner: Option<PartnerId>,
    /// As of when it was so.
    pub time: Timestamp,
}

/// A proposal that nobody has decided about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Its number in the deal.
    pub number: i64,
    /// The field.
    pub field: String,
    /// Which side proposed it.
    pub side: Side,
    /// The partner that proposed it, or that is to decide.
    pub partner: PartnerId,
}

/// Who wrote which field of a deal when. It stands in the deal, because every change asks for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(default)]
pub struct Writes {
    /// Of the fields that were changed since the deal was made, by their names.
    pub versions: Vec<Version>,
    /// One for each field and side.
    pub said: Vec<Said>,
    /// The open proposals, by their numbers.
    pub pending: Vec<Pending>,
}

/// A line as it is proposed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    /// The product.
    pub product: ProductId,
    /// How many.
    pub quantity: i64,
    /// What they are worth together.
    pub amount: Option<Money>,
}

/// A value of one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// What people call the deal.
    DisplayName(String),
    /// The customer.
    Account(Option<AccountId>),
    /// What the customer buys.
    Lines(Vec<Offered>),
    /// What it is worth.
    Amount(Option<Money>),
    /// What kind of business it is.
    DealType(Option<DealType>),
    /// Where the customer is served.
    Territory(Option<TerritoryId>),
    /// When work on it began.
    EngageDate(Option<Date>),
    /// When it is expected to close.
    ExpectedCloseDate(Option<Date>),
    /// Its id in the caller's own system.
    ExternalId(Option<String>),
    /// Its ids in other systems.
    ExternalIds(Vec<ExternalId>),
    /// What the partner does next.
    NextStep(Option<String>),
    /// Whom the partner knows at the customer.
    Contacts(Vec<Contact>),
    /// What of its own the partner sells with it.
    PartnerProduct(Option<String>),
}

impl Value {
    /// The name of its field.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        match self {
            Self::DisplayName(_) => "display_name",
            Self::Account(_) => "account",
            Self::Lines(_) => "lines",
            Self::Amount(_) => "amount",
            Self::DealType(_) => "deal_type",
            Self::Territory(_) => "territory",
            Self::EngageDate(_) => "engage_date",
            Self::ExpectedCloseDate(_) => "expected_close_date",
            Self::ExternalId(_) => "external_id",
            Self::ExternalIds(_) => "external_ids",
            Self::NextStep(_) => "next_step",
            Self::Contacts(_) => "contacts",
            Self::PartnerProduct(_) => "partner_product",
        }
    }

    /// What a deal says in each field that can be edited.
    #[must_use]
    pub fn all(deal: &deal::Model) -> [Self; 13] {
        let money = |minor: Option<i64>| {
            let worth = minor.zip(deal.currency);
            worth.map(|(minor, currency)| Money::new(minor, currency))
        };
        let lines = deal.lines.0.iter().map(|line| Offered {
            product: line.product.clone(),
            quantity: line.quantity,
            amount: money(line.amount_minor),
        });
        [
            Self::DisplayName(deal.display_name.clone()),
            Self::Account(deal.account.clone()),
            Self::Lines(lines.collect()),
            Self::Amount(money(deal.amount_minor)),
            Self::DealType(deal.deal_type),
            Self::Territory(deal.territory.clone()),
            Self::EngageDate(deal.engage_date),
            Self::ExpectedCloseDate(deal.expected_close_date),
            Self::ExternalId(deal.external_id.clone()),
            Self::ExternalIds(deal.external_ids.0.clone()),
            Self::NextStep(deal.next_step.clone()),
            Self::Contacts(deal.contacts.0.clone()),
            Self::PartnerProduct(deal.partner_product.clone()),
        ]
    }

    /// Whether a deal has it already.
    #[must_use]
    pub fn is_held(&self, deal: &deal::Model) -> bool {
        Self::all(deal).contains(self)
    }
}
