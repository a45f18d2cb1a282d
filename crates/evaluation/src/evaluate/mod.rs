//! `evaluate(plan versions, facts, as known at) -> awards, and why`.
//!
//! The steps are always the same and in this order:
//!
//! ```text
//! version -> audience -> condition -> term -> measure -> exchange -> target -> schedule -> ROUND
//!   -> limits of the award -> clawback -> limits of customer, partner, plan -> draw -> group of plans
//!   -> keep what was paid -> split -> hold -> difference to what was posted
//! ```
//!
//! * Rounding happens where amounts are exchanged, once for each schedule, and for each part that is
//!   taken back or held back; nowhere else. Limits see rounded amounts.
//! * An award of a period is computed from all facts of the period every time, so that the order in
//!   which facts became known makes no difference. Limits that take awards together fill up by the
//!   awards' days, then by their scopes and partners.
//! * What is not known is a reason, never a silent nothing.
//! * Ties go to the lower day, then to the lower id.

mod award;
mod clawback;
mod exact;
mod facts;
mod finish;
mod hold;
mod limit;
mod line;
mod ready;
mod reason;
mod schedule;
mod share;
mod stack;
mod target;
mod text;
mod trace;

use std::collections::{BTreeMap, BTreeSet};

use trellis_core::{MoneyError, PartnerId, Timestamp};

pub use award::Award;
pub use exact::Exact;
pub use facts::{ExchangeRate, Fact, Facts, Key, MOST_PARTIES, Paid, Party, Posted, Quota, Spent};
pub use line::convert;
pub use ready::Ready;
pub use reason::NotPaid;
pub use schedule::{Next, Slice};
pub use share::{Recipient, Share};
pub use trace::{Claw, Detail, ENGINE_VERSION, Exchanged, Held, LeftOut, Measured, Step, Trace};

pub(crate) use clawback::full_months;
pub(crate) use exact::{add, mul, remainder, round, sub, whole};
pub(crate) use limit::within;
pub(crate) use line::{Firsts, Known};
pub(crate) use schedule::{Measured as ToMeasure, highest_rate, schedule};
pub(crate) use share::weights;
pub(crate) use text::begin as text_begin;

use award::Draft;

/// All awards that some plan versions make of facts, as they were known at a moment, by their keys;
/// those that were posted and have no fact any longer among them.
/// Versions of one plan that hold on the same day are told apart by their numbers: the highest counts.
///
/// # Errors
/// When an amount does not fit 64 bits of minor units, or an exact one 128 bits.
pub fn evaluate(
    versions: &[Ready],
    facts: &Facts,
    as_known_at: Timestamp,
) -> Result<Vec<Award>, MoneyError> {
    let known = Known::new(facts, as_known_at);
    let mut plans: BTreeMap<_, Vec<&Ready>> = BTreeMap::new();
    for version in versions {
        plans
            .entry(&version.version.plan)
            .or_default()
            .push(version);
    }
    let mut drafts = Vec::new();
    for versions in plans.values_mut() {
        versions.sort_by_key(|version| version.version.version);
        let mut of_plan = of_plan(versions, &known)?;
        limit::together(&mut of_plan, &facts.spent)?;
        limit::draws(&mut of_plan)?;
        drafts.append(&mut of_plan);
    }
    stack::groups(&mut drafts)?;
    let mut awards = Vec::with_capacity(drafts.len());
    // What was posted for something that is not there any longer, is taken back.
    let mut left = Vec::new();
    for draft in drafts {
        awards.push(draft.finish(&known)?);
    }
    let keys: BTreeSet<Key> = awards
        .iter()
        .map(|award: &Award| award.key.clone())
        .collect();
    for key in known.told.posted.keys() {
        let there = keys.contains(key);
        let version = plans.get(&key.plan).and_then(|versions| versions.last());
        if let (false, Some(version)) = (there, version) {
            let place = award::left_behind(key);
            let mut draft = Draft::new(version, &key.partner, place);
            draft.because(NotPaid::NothingLeft);
            left.push(draft);
        }
    }
    for draft in left {
        awards.push(draft.finish(&known)?);
    }
    awards.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(awards)
}

/// The awards of one plan, each by itself, in the order in which limits fill up.
fn of_plan<'a>(versions: &[&'a Ready], known: &Known<'a>) -> Result<Vec<Draft<'a>>, MoneyError> {
    let holding = |fact: &Fact| {
        let holds = |version: &&&'a Ready| version.version.holds_on(fact.date);
        versions.iter().rev().find(holds).copied()
    };
    let mut candidates: Vec<(&'a Ready, &'a Fact, &'a PartnerId)> = Vec::new();
    for fact in &known.facts {
        let Some(version) = holding(fact) else {
            continue;
        };
        if let (Some(partner), true) = (&fact.partner, fact.kind == version.version.trigger.fact) {
            candidates.push((version, fact, partner));
        }
    }
    // Who came first is asked among what the conditions let through, whatever they say of the term.
    let eligible = candidates.iter().filter(|(version, fact, _)| {
        let holds = |predicate: &Option<crate::predicate::Predicate>| {
            predicate
                .as_ref()
                .is_none_or(|predicate| predicate.holds(&fact.fields) == Some(true))
        };
        holds(&version.audience) && holds(&version.condition)
    });
    let firsts = Firsts::new(eligible.map(|(_, fact, _)| *fact));
    let mut drafts: BTreeMap<(trellis_core::Date, String, &PartnerId), Draft<'a>> = BTreeMap::new();
    for (version, fact, partner) in candidates {
        let place = award::place(&version.version, fact);
        let line = known.line(version, fact, &firsts)?;
        let draft = drafts
            .entry((place.date, place.scope.clone(), partner))
            .or_insert_with(|| Draft::new(version, partner, place));
        // Of versions that change within a period, the one of the last fact counts.
        draft.version = version;
        draft.lines.push(line);
    }
    let mut drafts: Vec<Draft<'a>> = drafts.into_values().collect();
    for draft in &mut drafts {
        draft.compute(known)?;
        draft.floor = floor(draft, versions, known, &firsts)?;
    }
    Ok(drafts)
}

/// What a version may not fall below that may not reduce what others paid: what those would still pay,
/// and no more than was paid. So it is the version that reduces nothing; a refund does.
fn floor<'a>(
    draft: &Draft<'a>,
    versions: &[&'a Ready],
    known: &Known<'a>,
    firsts: &Firsts<'a>,
) -> Result<Option<i64>, MoneyError> {
    let plan = draft.plan();
    let Some(posted) = known.told.posted.get(&draft.key()) else {
        return Ok(None);
    };
    if plan.policy.may_reduce_paid {
        return Ok(None);
    }
    let mut floor = None;
    for paid in posted.paid_before(plan.version) {
        let other = versions
            .iter()
            .find(|other| other.version.version == paid.version);
        let kept = match other {
            Some(other) => paid.minor.min(would_pay(draft, other, known, firsts)?),
            None => paid.minor,
        };
        floor = floor.max(Some(kept));
    }
    Ok(floor)
}

/// What another version would pay for the same facts.
fn would_pay<'a>(
    draft: &Draft<'a>,
    other: &'a Ready,
    known: &Known<'a>,
    firsts: &Firsts<'a>,
) -> Result<i64, MoneyError> {
    let mut then = Draft::new(other, draft.partner, draft.place.clone());
    for line in &draft.lines {
        then.lines.push(known.line(other, line.fact, firsts)?);
    }
    then.compute(known)?;
    Ok(then.amount)
}
