//! What a plan version promises: nine groups of terms that every kind of incentive is made of.
//!
//! | group | says |
//! |---|---|
//! | identity | which plan and version, on which days, in which currency |
//! | audience | which partners |
//! | [`trigger`](Trigger) | what has to happen |
//! | [`measure`](Measure) | what is counted, over which time, for whom, against which target |
//! | [`schedule`](Schedule) | how much that pays |
//! | [`sharing`](Sharing) | who gets which part |
//! | [`limits`](Limits) | for how long, how little, how much |
//! | [`protection`](Protection) | until when it is held, and when it is taken back |
//! | [`policy`](Policy) | how it goes together with other plans, rounding, currencies |
//!
//! Amounts are minor units of the plan's currency, rates are exact decimals, days are days of the
//! program's time zone. The kind of a plan chooses words and accounts, never arithmetic.

mod describe;
mod fields;
mod validate;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use trellis_core::{Currency, Date, PlanId};

pub use fields::{award_fields, partner_fields};
pub use trellis_core::incentive::plan::{
    Anchor, Band, BandBy, Below, Clawback, ClawbackMode, ClawbackTrigger, Draw, FactKind, Fund,
    FundWeight, Fx, FxDate, FxType, GroupBy, Hold, Holdback, Kind, Limit, LimitScope, Limits,
    Measure, Mode, PayOn, Policy, Protection, Quantity, RoleWeight, Rounding, Schedule, Sharing,
    Source, Stack, StackCap, Stacking, Step, Target, Term, Threshold, Trigger, Unfilled, Window,
};
pub use validate::{MOST_BANDS, MOST_LIMITS, MOST_ROLES};

/// One version of a plan. It never changes once it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanVersion {
    /// The plan.
    pub plan: PlanId,
    /// The number of the version; of versions that hold on the same day, the highest counts.
    pub version: i32,
    /// What people call it.
    pub name: String,
    /// The first day on which it holds.
    pub effective_from: Date,
    /// The first day on which it does not hold any longer.
    pub effective_until: Option<Date>,
    /// The currency that it pays in.
    pub currency: Currency,
    /// What it is called.
    pub kind: Kind,
    /// Which partners it pays: a condition over fields of partners and enrolments. Nothing means all.
    pub audience: String,
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

impl PlanVersion {
    /// Whether it holds on a day.
    #[must_use]
    pub fn holds_on(&self, date: Date) -> bool {
        self.effective_from <= date && self.effective_until.is_none_or(|until| date < until)
    }

    /// A plan version that pays a share of every won deal to whom it is credited, and nothing else:
    /// what a version is made from, group by group.
    #[must_use]
    pub fn new(plan: PlanId, version: i32, currency: Currency, effective_from: Date) -> Self {
        Self {
            name: plan.to_string(),
            plan,
            version,
            effective_from,
            effective_until: None,
            currency,
            kind: Kind::Commission,
            audience: String::new(),
            trigger: Trigger::default(),
            measure: Measure::default(),
            schedule: Schedule::default(),
            sharing: Sharing::default(),
            limits: Limits::default(),
            protection: Protection::default(),
            policy: Policy::default(),
        }
    }
}
