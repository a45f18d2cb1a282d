//! Who gets which part, within which limits, until when it is held, and how plans go together.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::Rate;

/// Who gets which part of an award.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Sharing {
    /// The partner gets all of it.
    #[default]
    Single,
    /// The partners of the fact get parts by the roles that they have in it.
    RoleWeights {
        /// What each role weighs; of equal remainders, the role that is named first gets the coin.
        roles: Vec<RoleWeight>,
        /// Who gets the part of a role that nobody has.
        unfilled: Unfilled,
    },
    /// The partner gets all of it, in parts for several funds.
    Funds(Vec<FundWeight>),
}

/// What a role weighs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleWeight {
    /// The role.
    pub role: String,
    /// Its weight. Several partners of one role share it equally.
    pub weight: u32,
}

/// Who gets the part of a role that nobody has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Unfilled {
    /// Nobody: the vendor keeps it.
    VendorKeeps,
    /// The others, by their weights.
    Redistribute,
}

/// Where a part of an award goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Fund {
    /// Paid out.
    Rebate,
    /// Credited to the marketing fund.
    Coop,
}

/// What a fund weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FundWeight {
    /// The fund.
    pub fund: Fund,
    /// Its weight.
    pub weight: u32,
}

/// For how long, how little, how much.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// For how long facts of one customer count.
    pub term: Term,
    /// The least and the most, applied in this order.
    pub limits: Vec<Limit>,
    /// An advance that every period is paid at least.
    pub draw: Option<Draw>,
}

/// For how long facts of one customer count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Term {
    /// For ever.
    #[default]
    None,
    /// Only the first fact of each customer of a partner.
    FirstEvent,
    /// Facts within so many full months after the anchor.
    Months {
        /// How many months.
        months: u32,
        /// Where they begin.
        anchor: Anchor,
    },
}

/// Where a time begins to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Anchor {
    /// The day of the fact; of the customer's first fact, where a term is meant.
    Event,
    /// The day on which the customer's contract began, which the fact must say.
    ContractStart,
}

/// The least and the most that awards may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// Whose awards are taken together.
    pub scope: LimitScope,
    /// Over which time they are taken together.
    pub window: super::Window,
    /// The most, in minor units.
    pub max_minor: Option<i64>,
    /// The least, in minor units.
    pub min_minor: Option<i64>,
    /// What happens below the least.
    pub below: Below,
}

/// Whose awards a limit takes together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LimitScope {
    /// None: each award by itself.
    Award,
    /// Those of a partner with one customer.
    Customer,
    /// Those of a partner.
    Partner,
    /// All of the plan: its budget.
    Plan,
}

/// What happens to less than the least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Below {
    /// It is not paid.
    #[default]
    Forfeit,
    /// It is raised to the least.
    RaiseTo,
}

/// An advance that every period is paid at least in which anything happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draw {
    /// How much, in minor units.
    pub amount_minor: i64,
    /// Whether what was advanced is paid back from what is earned above it later.
    pub recoverable: bool,
}

/// Until when awards are held, and when they are taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protection {
    /// Until when an award is held.
    pub hold: Hold,
    /// A part that is held longer.
    pub holdback: Option<Holdback>,
    /// When awards are taken back.
    pub clawback: Option<Clawback>,
}

/// Until when an award is held. Days count from that of the fact, or from the end of the period.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Hold {
    /// Not at all.
    #[default]
    None,
    /// So many days.
    Days(u32),
    /// So many months; where a month is too short, until its last day.
    Months(u32),
    /// Until a condition over the fact holds.
    Until(String),
}

/// A part of an award that is held longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holdback {
    /// Which part.
    pub share: Rate,
    /// For how many days.
    pub days: u32,
}

/// When and how much of an award is taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clawback {
    /// What takes back.
    pub triggers: Vec<ClawbackTrigger>,
    /// How much it takes back.
    pub mode: ClawbackMode,
    /// For how many days, or months, from the anchor on; what comes later takes nothing back.
    pub window: u32,
    /// For how many of them all of it is taken back, however much was served.
    pub grace: u32,
    /// Where the window begins.
    pub anchor: Anchor,
}

/// What takes an award back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ClawbackTrigger {
    /// The customer was paid back.
    Refund,
    /// The customer left.
    Churn,
    /// The fact turned out to be wrong.
    Revocation,
}

/// How much is taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ClawbackMode {
    /// All of it; the window is in days.
    Full,
    /// What was not served yet, by days.
    LinearDays,
    /// What was not served yet, by months that were begun: in month 1 all of it.
    LinearMonths,
    /// A share by how many days were served.
    Steps(Vec<Step>),
}

/// One step of a clawback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// It holds while fewer days were served.
    pub until_days: u32,
    /// The share that is taken back.
    pub share: Rate,
}

/// How a plan goes together with other plans, rounding, currencies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// With which plans it competes. Plans without a group are simply all paid.
    pub stack: Option<Stack>,
    /// How exact amounts become coins.
    pub rounding: Rounding,
    /// How amounts in other currencies count; without it they do not.
    pub fx: Option<Fx>,
    /// Whether a version may reduce what was paid under another one before. If not, an award keeps what
    /// was paid as far as the other version would still pay it.
    pub may_reduce_paid: bool,
}

/// With which plans a plan competes for the same thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stack {
    /// The group of plans.
    pub group: String,
    /// Which of them are paid.
    pub how: Stacking,
    /// The place of the plan in its group; 1 comes first.
    pub rank: u32,
    /// What all of them together may be at most.
    pub cap: Option<StackCap>,
}

/// Which plans of a group are paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Stacking {
    /// All of them.
    Add,
    /// The one that pays most; of equals, the one of the first rank.
    BestOf,
    /// The one of the first rank that pays anything.
    First,
}

/// What a group of plans may be at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StackCap {
    /// So many minor units.
    AmountMinor(i64),
    /// A share of what the plan that says so measures.
    Share(Rate),
}

/// How exact amounts become coins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Rounding {
    /// To the nearest; a half goes away from zero.
    #[default]
    HalfUp,
    /// To the nearest; a half goes to the even one.
    HalfEven,
    /// Towards zero.
    Down,
    /// Away from zero.
    Up,
}

/// How amounts in other currencies count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fx {
    /// Which kind of rate.
    pub rate: FxType,
    /// Of which day.
    pub date: FxDate,
}

/// A kind of exchange rate.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
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
pub enum FxType {
    /// The last one up to the day.
    Spot,
    /// The average of the day's month.
    MonthAverage,
    /// The one that the plan was made with: the last one up to its first day.
    PlanFixed,
}

/// The day whose rate counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FxDate {
    /// The day of the fact.
    Event,
    /// The day on which the fact's deal was booked, which the fact must say.
    Booking,
}
