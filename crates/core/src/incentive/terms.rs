//! What a plan version pays, as one value: the rules that the kernel of the evaluation computes with.
//!
//! It is kept as JSON of the version's row, because SQL never looks into it. A field that is added
//! later needs a serde default, so that the versions made before it stay readable.

use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};

use crate::partner::PartnerType;
use crate::{Cadence, Rate, TierId};

/// What a plan version pays, to whom, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Terms {
    /// Whom it pays.
    pub audience: Audience,
    /// What makes the plan look at a partner.
    pub trigger: Trigger,
    /// Where the measured amount comes from.
    pub source: Source,
    /// Over which time it is added up.
    pub window: Window,
    /// How the measure becomes money.
    pub schedule: Schedule,
    /// The least and the most that one award may be.
    pub limits: Limits,
    /// For how many days after its day what was earned is held.
    pub hold_days: i32,
}

/// Which partners of the program a version pays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audience {
    /// The tiers of the plan's program; none means all.
    pub tiers: Vec<TierId>,
    /// The kinds of partners; none means all.
    pub partner_types: Vec<PartnerType>,
}

/// What makes a plan look at a partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Trigger {
    /// A deal was won.
    DealWon,
}

/// Where a measured amount comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Source {
    /// What a deal was won for, less what was refunded of it.
    DealNet,
}

/// Over which time amounts are added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Window {
    /// Not at all: every deal by itself.
    Event,
    /// A calendar month.
    Month,
    /// A calendar quarter.
    Quarter,
    /// Half a calendar year.
    Half,
    /// A calendar year.
    Year,
}

impl Window {
    /// The periods that it adds up over; none where every deal stands by itself.
    #[must_use]
    pub const fn cadence(self) -> Option<Cadence> {
        match self {
            Self::Event => None,
            Self::Month => Some(Cadence::Month),
            Self::Quarter => Some(Cadence::Quarter),
            Self::Half => Some(Cadence::HalfYear),
            Self::Year => Some(Cadence::Year),
        }
    }
}

/// How a measure becomes money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// How the bands work together.
    pub mode: Mode,
    /// When a band counts as reached.
    pub threshold: Threshold,
    /// The bands, by rising beginning.
    pub bands: Vec<Band>,
}

/// How bands work together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Mode {
    /// Each pays for the part of the measure that lies in it.
    Marginal,
    /// The highest that is reached pays for the whole measure.
    Whole,
}

/// When a band counts as reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Threshold {
    /// As soon as the measure is where the band begins.
    AtOrAbove,
    /// Only when it is more.
    Above,
}

/// One step of a schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Band {
    /// Where it begins, in minor units.
    pub from_minor: i64,
    /// The share that it pays.
    pub rate: Rate,
    /// What it pays once, in minor units.
    pub fixed_minor: i64,
}

/// The least and the most that one award may be, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The least.
    pub minimum_minor: Option<i64>,
    /// What happens below the least.
    pub below: Below,
    /// The most.
    pub maximum_minor: Option<i64>,
}

/// What happens to an award below its minimum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Below {
    /// It is not paid.
    #[default]
    Forfeit,
    /// It is raised to the minimum.
    RaiseTo,
}
