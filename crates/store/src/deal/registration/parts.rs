//! What a registration consists of, besides plain values.

use sea_orm::FromJsonQueryResult;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};
use trellis_core::lifecycle::Named;
use trellis_core::{AccountId, PartnerId, ProductId, RegistrationId, Timestamp};

/// The products that a registration asks for, each once, in the order in which they were given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Products(pub Vec<ProductId>);

/// Why a registration stands where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Decision {
    /// The rule that decided.
    pub rule: String,
    /// The outcome, in a word that reports can count.
    pub reason_code: String,
    /// What the person who decided had to say.
    pub note: Option<String>,
    /// The registration that stood in the way. Never shown to the one that was decided about.
    pub blocked_by: Option<RegistrationId>,
    /// Who decided: the caller whose call brought it about.
    pub actor: String,
    /// When.
    pub decide_time: Timestamp,
}

/// Why a person looks at a registration whatever its program approves by itself. The first that
/// applies.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Suspicion {
    /// It names a canary.
    Canary,
    /// Its account got other domains after it was handed in.
    AccountChanged,
    /// Its partner has used its budget up, or named a canary, not long ago.
    Probing,
    /// Most of what its partner had decided last was refused.
    Refusals,
}

impl Named for Suspicion {
    fn name(self) -> &'static str {
        match self {
            Self::Canary => "CANARY",
            Self::AccountChanged => "ACCOUNT_CHANGED",
            Self::Probing => "PROBING",
            Self::Refusals => "REFUSALS",
        }
    }
}

/// What was looked at, besides the line, when a registration was decided about: all that its
/// suspicion follows from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Screening {
    /// What it took of its partner's budget.
    pub cost: i64,
    /// What its partner had spent in the 24 hours before it and with it.
    pub daily_spent: i64,
    /// The same, of 30 days.
    pub monthly_spent: i64,
    /// How many of the last decided registrations of its partner were looked at.
    pub decided_count: usize,
    /// How many of these were refused.
    pub refused_count: usize,
    /// The canaries that it names.
    pub canaries: Vec<AccountId>,
    /// Whether its account has other domains than when it was handed in.
    pub account_changed: bool,
    /// When the partner set off an alarm the last time.
    pub alarm_time: Option<Timestamp>,
    /// When all this was looked at.
    pub screen_time: Option<Timestamp>,
}

/// What the staff want to know before they decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct InfoRequest {
    /// What is missing, for the partner to read.
    pub note: String,
    /// The fields that are to be mended or explained.
    pub fields: Vec<String>,
    /// When it was asked.
    pub request_time: Timestamp,
}

/// That a registration was taken from a partner and given to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// The partner that it was taken from.
    pub partner: PartnerId,
    /// What that one called the business.
    pub display_name: Option<String>,
    /// What it had to say.
    pub note: Option<String>,
    /// What it had done so far.
    pub evidence: Option<String>,
    /// Why it was taken, in a word.
    pub reason_code: String,
    /// When.
    pub transfer_time: Timestamp,
}

/// Every transfer of a registration, the first first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Transfers(pub Vec<Transfer>);
