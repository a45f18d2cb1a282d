//! What a plan version promises: the groups of terms that every kind of incentive is made of.
//!
//! They are kept as JSON of the version's row, because SQL never looks into it. A field that is added
//! later needs a serde default, so that the versions made before it stay readable.

mod first;
mod measure;
mod protection;

use sea_orm::FromJsonQueryResult;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::TierId;
use crate::incentive::terms;
use crate::partner::PartnerType;

pub use measure::{
    Band, BandBy, FactKind, GroupBy, Measure, Mode, PayOn, Quantity, Schedule, Source, Target,
    Threshold, Trigger, Window,
};
pub use protection::{
    Anchor, Below, Clawback, ClawbackMode, ClawbackTrigger, Draw, Fund, FundWeight, Fx, FxDate,
    FxType, Hold, Holdback, Limit, LimitScope, Limits, Policy, Protection, RoleWeight, Rounding,
    Sharing, Stack, StackCap, Stacking, Step, Term, Unfilled,
};

/// What a plan is called in books and sentences. It chooses words and accounts, never arithmetic.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    /// For bringing a customer.
    Referral,
    /// For selling.
    Commission,
    /// For buying or selling much.
    Rebate,
    /// For selling something within a short time.
    Spiff,
    /// For reaching something.
    Bonus,
    /// Credited to a marketing fund.
    FundAccrual,
    /// An advance on what is earned.
    Draw,
}

/// What a plan version pays, to whom, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(remote = "Self")]
pub struct Terms {
    /// Whom it pays.
    pub audience: Audience,
    /// What has to happen.
    pub trigger: Trigger,
    /// What is counted.
    pub measure: Measure,
    /// How much that pays.
    pub schedule: Schedule,
    /// Who gets which part.
    pub sharing: Sharing,
    /// For how long, how little, how much.
    pub limits: Limits,
    /// Until when it is held, and when it is taken back.
    pub protection: Protection,
    /// How it goes together with other plans, rounding, currencies.
    pub policy: Policy,
}

/// Which partners of the program a version pays: those that all three let in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audience {
    /// The tiers of the plan's program; none means all.
    pub tiers: Vec<TierId>,
    /// The kinds of partners; none means all.
    pub partner_types: Vec<PartnerType>,
    /// A condition over fields of the partner and its enrolment; nothing means all.
    pub condition: String,
}

impl Serialize for Terms {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Terms {
    /// Versions that were written before there were groups say what they measure beside their
    /// schedule, not in a group.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let value = serde_json::Value::deserialize(deserializer)?;
        if value.get("measure").is_some() {
            Self::deserialize(value).map_err(D::Error::custom)
        } else {
            let first: terms::Terms = serde_json::from_value(value).map_err(D::Error::custom)?;
            first.try_into().map_err(D::Error::custom)
        }
    }
}
