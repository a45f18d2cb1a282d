//! Why an award is what it is: every step with its numbers, so that somebody else can compute the
//! award again from the trace alone, and a hash that shows that it still comes out the same.

use data_encoding::HEXLOWER;
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};
use trellis_core::{Currency, Date, PlanId, Timestamp};

use super::exact::Exact;
use super::facts::Key;
use super::schedule::{Next, Slice};
use super::share::Share;
use crate::plan::{Limit, Rounding};

/// The version of the arithmetic. It is raised when the same inputs may give another result, and kept with
/// each award: those that the new version answers otherwise are told apart from those that were changed.
pub const ENGINE_VERSION: u32 = 3;

/// The story of an award.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trace {
    /// Whose award it is, under which plan, for what.
    pub key: Key,
    /// The version of the plan.
    pub version: i32,
    /// The hash of what the version says.
    pub plan_hash: String,
    /// The version of the arithmetic.
    pub engine_version: u32,
    /// As of when the facts were known.
    pub as_known_at: Timestamp,
    /// The currency of all amounts.
    pub currency: Currency,
    /// The facts that were looked at.
    pub fact_ids: Vec<String>,
    /// The hash of what they say.
    pub fact_hash: String,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// What the partner is entitled to, in minor units.
    pub entitled: i64,
    /// What was posted before.
    pub posted_before: i64,
    /// What is to be posted now.
    pub delta: i64,
    /// Why it is nothing.
    pub not_paid: Option<String>,
    /// What the next band would need.
    pub next: Option<Next>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What it did, with its numbers.
    #[serde(flatten)]
    pub detail: Detail,
    /// The same as a sentence; no part of the proof, since a better sentence is no other result.
    #[serde(skip)]
    pub text: String,
}

/// What a step did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "op", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Detail {
    /// Chose the version that holds.
    SelectVersion {
        /// Its number.
        version: i32,
    },
    /// Looked at audience, condition and term: which facts count, and why the others do not.
    Admit {
        /// Those that count.
        counted: Vec<String>,
        /// Those that do not.
        left_out: Vec<LeftOut>,
    },
    /// Exchanged what was told in other currencies, each rounded to coins.
    Exchange {
        /// Each exchange.
        lines: Vec<Exchanged>,
    },
    /// Added up what counts.
    Measure {
        /// What each fact counts for.
        lines: Vec<Measured>,
        /// The sum, in minor units or as a number.
        total: i64,
    },
    /// Found what to compare with.
    Target {
        /// How much.
        amount: i64,
    },
    /// Applied the bands.
    Schedule {
        /// What each pays.
        slices: Vec<Slice>,
        /// Their sum.
        #[serde(serialize_with = "text_of")]
        exact: Exact,
    },
    /// Rounded to coins, once.
    Round {
        /// What was rounded.
        #[serde(serialize_with = "text_of")]
        exact: Exact,
        /// How.
        how: Rounding,
        /// What came out.
        rounded: i64,
        /// What rounding took away; negative where it added.
        #[serde(serialize_with = "text_of")]
        remainder: Exact,
    },
    /// Applied the least and the most.
    Limit {
        /// The limit.
        limit: Limit,
        /// The amount before.
        before: i64,
        /// What earlier awards had taken of it. Where it cut nothing, what they took is no part of the
        /// story: it would be another one whenever one of them is.
        taken: Option<i64>,
        /// The amount after.
        after: i64,
    },
    /// Took back of what was earned.
    Clawback {
        /// The amount before.
        before: i64,
        /// Each that took back.
        claws: Vec<Claw>,
        /// The amount after.
        after: i64,
    },
    /// Paid an advance, or took it back.
    Draw {
        /// What was earned.
        earned: i64,
        /// What was owed of advances before.
        debt_before: i64,
        /// What is owed after.
        debt_after: i64,
        /// What is paid.
        after: i64,
    },
    /// Compared with other plans of its group.
    Stack {
        /// The amount before.
        before: i64,
        /// The plan that is paid instead.
        instead: Option<PlanId>,
        /// What the cap of the group left to it.
        room: Option<i64>,
        /// The amount after.
        after: i64,
    },
    /// Kept what was paid under another version.
    KeepPaid {
        /// The amount before.
        before: i64,
        /// What was paid.
        after: i64,
    },
    /// Split among partners or funds.
    Split {
        /// What each weighs.
        weights: Vec<u64>,
        /// What each gets.
        shares: Vec<Share>,
    },
    /// Said until when which part is held.
    Hold {
        /// The parts.
        slices: Vec<Held>,
    },
    /// Compared with what was posted.
    Delta {
        /// What the partner is entitled to.
        entitled: i64,
        /// What was posted before.
        posted: i64,
        /// What is to be posted now.
        delta: i64,
    },
}

/// A fact that does not count, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// The fact.
    pub fact: String,
    /// The reason as it is written down.
    pub reason: String,
    /// The reason as a sentence.
    #[serde(skip)]
    pub text: String,
}

/// What was exchanged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exchanged {
    /// The fact.
    pub fact: String,
    /// The rate.
    pub rate_id: String,
    /// What one unit is worth.
    #[serde(serialize_with = "text_of")]
    pub rate: Exact,
    /// The currency before.
    pub from: Currency,
    /// The amount before, in minor units of that.
    pub before: i64,
    /// The amount after.
    pub after: i64,
}

/// What a fact counts for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Measured {
    /// The fact.
    pub fact: String,
    /// Before anything was taken back.
    pub gross: i64,
    /// What is left of it.
    pub net: i64,
}

/// One that took back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Claw {
    /// The fact that took back.
    pub fact: String,
    /// Which share of what was earned.
    #[serde(serialize_with = "text_of")]
    pub share: Exact,
    /// How much, in minor units.
    pub minor: i64,
}

/// A part of an award, and until when it is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Held {
    /// How much, in minor units.
    pub minor: i64,
    /// The first day on which it is not held any longer; none while that is not known.
    pub until: Option<Date>,
}

/// Writes an exact number as `n` or `n/d`.
pub(crate) fn text_of<S: Serializer>(exact: &Exact, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(exact)
}

impl Trace {
    /// The trace as bytes, the same for the same inputs on every machine.
    #[must_use]
    pub fn canonical_bytes(&self) -> Vec<u8> {
        // Fields have one order, numbers and texts one form, and there are no maps.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The hash of the trace.
    #[must_use]
    pub fn hash(&self) -> String {
        HEXLOWER.encode(&Sha256::digest(self.canonical_bytes()))
    }

    /// The hash of what it comes to, whatever was posted before and whenever it is computed: as long as
    /// it stays the same there is nothing new to tell.
    #[must_use]
    pub fn essence(&self) -> String {
        let steps = self.steps.iter().filter(|step| {
            let posted = matches!(step.detail, Detail::Delta { .. });
            !posted
        });
        let essence = Self {
            as_known_at: Timestamp::EPOCH,
            posted_before: 0,
            delta: 0,
            steps: steps.cloned().collect(),
            ..self.clone()
        };
        essence.hash()
    }

    /// The whole story in a few sentences.
    #[must_use]
    pub fn summary(&self) -> String {
        let texts: Vec<&str> = self
            .steps
            .iter()
            .map(|step| step.text.as_str())
            .filter(|text| !text.is_empty())
            .collect();
        texts.join(" ")
    }
}
