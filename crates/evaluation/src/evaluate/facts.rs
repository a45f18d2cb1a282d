//! What happened, as an evaluation is told it. Facts are immutable; a correction is a further revision
//! of the same id.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use trellis_core::{Currency, Date, DealId, PartnerId, PlanId, Rate, Timestamp, Violation};

use crate::plan::{FactKind, FxType};
use crate::predicate::Record;

/// How many partners may have roles in a fact. Those of one role share its weight equally, so that all
/// weights are taken times the least common multiple of how many have each role: of no more than these it
/// fits, times any weights, by far.
pub const MOST_PARTIES: usize = 100;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// Its id, which all its revisions share.
    pub id: String,
    /// Which revision it is; the highest that is known counts.
    pub revision: u32,
    /// Whether this revision says that it did not happen after all.
    pub withdrawn: bool,
    /// What happened.
    pub kind: FactKind,
    /// On which day of the program.
    pub date: Date,
    /// When it became known.
    pub recorded: Timestamp,
    /// The partner that it is credited to.
    pub partner: Option<PartnerId>,
    /// The customer that it is about.
    pub customer: Option<String>,
    /// The product that it is about.
    pub product: Option<String>,
    /// The deal that it is about.
    pub deal: Option<DealId>,
    /// The fact that it takes back of, where it takes back.
    pub about: Option<String>,
    /// How much money it is about, in minor units.
    pub amount_minor: Option<i64>,
    /// The part of it that falls on one year.
    pub annual_minor: Option<i64>,
    /// What that cost.
    pub cost_minor: Option<i64>,
    /// The currency of all three.
    pub currency: Option<Currency>,
    /// How many pieces it is about, or the number that was reported.
    pub quantity: Option<i64>,
    /// The part of a fact that a churn or a revocation is about; all of it if nothing is said.
    pub share: Option<Rate>,
    /// When the customer's contract began.
    pub contract_start: Option<Date>,
    /// When it was booked.
    pub booked: Option<Date>,
    /// The partners that have a role in it, in their order.
    pub parties: Vec<Party>,
    /// What conditions may ask of it: its own fields, and what its partner and customer were then.
    pub fields: Record,
}

/// A partner's role in a fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// The partner.
    pub partner: PartnerId,
    /// The role.
    pub role: String,
}

/// What a partner was to reach in a period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// Its id; of several for the same, the one that was recorded last counts.
    pub id: String,
    /// What plans call it.
    pub name: String,
    /// The partner.
    pub partner: PartnerId,
    /// The first day of the period.
    pub period_start: Date,
    /// How much, in minor units, or how many.
    pub amount: i64,
    /// When it was set.
    pub recorded: Timestamp,
}

/// What one unit of a currency is worth in another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExchangeRate {
    /// Its id, which every award that uses it names.
    pub id: String,
    /// Which kind of rate it is.
    pub kind: FxType,
    /// What is exchanged.
    pub from: Currency,
    /// What it is exchanged for.
    pub to: Currency,
    /// On which day; for an average of a month, any day of it.
    pub date: Date,
    /// How many units of the one a unit of the other is worth.
    pub rate: Rate,
    /// When it became known.
    pub recorded: Timestamp,
}

/// What makes an award that of its plan, partner and scope.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    /// The plan.
    pub plan: PlanId,
    /// The partner.
    pub partner: PartnerId,
    /// The fact, or the period and for whom it is added up: `fact/…`, `2026-Q2`,
    /// `2026-Q2/customer/…`, `lifetime`.
    pub scope: String,
}

/// What was posted for an award before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posted {
    /// How much, in minor units.
    pub minor: i64,
    /// How much of it was paid out.
    pub paid_minor: i64,
    /// Under which version of the plan.
    pub version: i32,
    /// What had been paid under versions before that one, which may not reduce it.
    pub before: Vec<Paid>,
}

/// What was paid of an award under a version, before another one took its days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paid {
    /// The version.
    pub version: i32,
    /// How much, in minor units.
    pub minor: i64,
}

impl Posted {
    /// What was paid under other versions than one that may not reduce it.
    pub fn paid_before(&self, version: i32) -> impl Iterator<Item = Paid> {
        let last = Paid {
            version: self.version,
            minor: self.paid_minor,
        };
        let all = self.before.iter().copied().chain([last]);
        all.filter(move |paid| paid.version != version && paid.minor > 0)
    }
}

/// Everything that an evaluation is told. The order of the lists means nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// What happened.
    pub facts: Vec<Fact>,
    /// What was to be reached.
    pub quotas: Vec<Quota>,
    /// What currencies are worth.
    pub rates: Vec<ExchangeRate>,
    /// What was posted before.
    pub posted: BTreeMap<Key, Posted>,
    /// What awards whose facts are not told have taken of budgets. They count as those that come before
    /// all others: so it is for every award that the budget cuts.
    pub spent: Spent,
}

/// What was taken of budgets for all, in minor units: by the plan, which has one such limit, and the
/// first day of the period; without a day where the budget is for all time.
pub type Spent = BTreeMap<(PlanId, Option<Date>), i64>;

impl Fact {
    /// A fact that is about nothing but its partner and its day.
    #[must_use]
    pub fn new(id: &str, kind: FactKind, partner: Option<PartnerId>, date: Date) -> Self {
        Self {
            id: id.to_owned(),
            revision: 1,
            withdrawn: false,
            kind,
            date,
            recorded: Timestamp::EPOCH,
            partner,
            customer: None,
            product: None,
            deal: None,
            about: None,
            amount_minor: None,
            annual_minor: None,
            cost_minor: None,
            currency: None,
            quantity: None,
            share: None,
            contract_start: None,
            booked: None,
            parties: Vec::new(),
            fields: Record::new(),
        }
    }

    /// Everything about it that cannot be computed with: the field, the rule that it breaks, what is
    /// wrong and what to do.
    #[must_use]
    pub fn validate(&self) -> Vec<Violation> {
        let mut wrong = Vec::new();
        let is_part = |share: Rate| share > Rate::ZERO && share <= Rate::ONE;
        if !self.share.is_none_or(is_part) {
            wrong.push(Violation::new(
                "share",
                "fact.share",
                "must be more than 0 and up to 1, such as 0.5; leave it out for all of the fact",
            ));
        }
        if self.parties.len() > MOST_PARTIES {
            wrong.push(Violation::new(
                "parties",
                "repeated.items",
                "must be 100 at most, so that equal parts of weights can be told exactly",
            ));
        }
        wrong
    }

    /// Which part of the fact that it is about it takes back: never more than all of that.
    pub(crate) fn part(&self) -> Rate {
        self.share.map_or(Rate::ONE, |share| share.min(Rate::ONE))
    }
}

impl Facts {
    /// The revision of each fact that counts at a moment, by day and id.
    pub(crate) fn known_at(&self, moment: Timestamp) -> Vec<&Fact> {
        let mut latest: BTreeMap<&str, &Fact> = BTreeMap::new();
        for fact in self.facts.iter().filter(|fact| fact.recorded <= moment) {
            let known = latest.entry(&fact.id).or_insert(fact);
            if fact.revision > known.revision {
                *known = fact;
            }
        }
        let mut known: Vec<&Fact> = latest
            .into_values()
            .filter(|fact| !fact.withdrawn)
            .collect();
        known.sort_by(|one, other| (one.date, &one.id).cmp(&(other.date, &other.id)));
        known
    }
}
