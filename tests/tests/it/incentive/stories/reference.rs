//! What the awards of a history must come to, by the plainest code; and the same by code that is wrong
//! in one thing.

use std::collections::BTreeMap;

use trellis_evaluation::evaluate::Fact;
use trellis_evaluation::plan::{
    FactKind, PlanVersion, Rounding, Sharing, Source, Target, Threshold,
};

use super::told::Story;
use crate::naive;

/// What each partner gets of each thing: what it is for, who earned it, who gets it. Nothing is left out.
pub(super) type Books = BTreeMap<(String, String, String), i64>;

/// Something that a reference has wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The last version was never scheduled.
    ForgetsLastVersion,
    /// A version takes no days that have passed: the first goes on.
    FirstVersionStays,
    /// The version with the lowest number holds.
    LowestHolds,
    /// The first revision of a fact counts.
    FirstRevision,
    /// What was withdrawn counts.
    ForgetsWithdrawals,
    /// Nothing is paid back.
    ForgetsRefunds,
    /// Nobody leaves.
    ForgetsChurn,
    /// What is to be reached is what was said first.
    FirstQuota,
    /// A euro is worth what was said first.
    FirstRate,
    /// Limits limit nothing.
    ForgetsLimits,
    /// Whoever earns it gets all of it.
    SharesNothing,
    /// It is rounded down.
    CutsCoins,
    /// A fact that is told twice counts twice.
    CountsTwice,
}

impl Fault {
    pub(super) const ALL: [Self; 13] = [
        Self::ForgetsLastVersion,
        Self::FirstVersionStays,
        Self::LowestHolds,
        Self::FirstRevision,
        Self::ForgetsWithdrawals,
        Self::ForgetsRefunds,
        Self::ForgetsChurn,
        Self::FirstQuota,
        Self::FirstRate,
        Self::ForgetsLimits,
        Self::SharesNothing,
        Self::CutsCoins,
        Self::CountsTwice,
    ];
}

/// What a history must come to.
pub(super) fn books(story: &Story, fault: Option<Fault>) -> Books {
    let is = |other: Fault| fault == Some(other);
    let mut versions = versions(story, fault);
    let mut latest: BTreeMap<&str, &Fact> = BTreeMap::new();
    for fact in &story.facts {
        let known = latest.entry(&fact.id).or_insert(fact);
        if fact.revision > known.revision && !is(Fault::FirstRevision) {
            *known = fact;
        }
    }
    let mut facts: Vec<Fact> = latest
        .into_values()
        .filter(|fact| !fact.withdrawn || is(Fault::ForgetsWithdrawals))
        .filter(|fact| fact.kind != FactKind::Refund || !is(Fault::ForgetsRefunds))
        .filter(|fact| fact.kind != FactKind::Churn || !is(Fault::ForgetsChurn))
        .cloned()
        .collect();
    if is(Fault::CountsTwice) {
        let again = facts.iter().map(|fact| Fact {
            id: format!("{}-again", fact.id),
            ..fact.clone()
        });
        facts.extend(again.collect::<Vec<_>>());
    }
    let which = if is(Fault::FirstRate) { 0 } else { 1 };
    let rate = story.rates.get(which).map_or("1", String::as_str);
    versions.sort_by_key(|version| version.version);
    let mut books = Books::new();
    for ((scope, earner), (_, parts)) in naive::awards(&versions, &facts, rate) {
        for (who, minor) in parts {
            if minor != 0 && who != "the vendor" {
                let key = (what(story, &scope), earner.clone(), who);
                *books.entry(key).or_default() += minor;
            }
        }
    }
    books.retain(|_, minor| *minor != 0);
    books
}

/// The versions as the reference knows them: all pay for paid invoices.
fn versions(story: &Story, fault: Option<Fault>) -> Vec<PlanVersion> {
    let is = |other: Fault| fault == Some(other);
    let mut versions = story.versions.clone();
    let last = versions.len();
    if is(Fault::ForgetsLastVersion) {
        versions.truncate(last.saturating_sub(1).max(1));
    }
    if is(Fault::FirstVersionStays) {
        versions.truncate(1);
    }
    for (at, version) in versions.iter_mut().enumerate() {
        version.trigger.fact = FactKind::InvoicePaid;
        if version.measure.source == Source::DealTcv {
            version.measure.source = Source::InvoicePaidNet;
        }
        if let Target::Quota(_) = version.measure.target {
            let which = usize::from(!is(Fault::FirstQuota));
            version.measure.target = Target::Fixed(story.quotas[which]);
        }
        if is(Fault::LowestHolds) {
            version.version = i32::try_from(last - at).unwrap();
        }
        if is(Fault::ForgetsLimits) {
            version.limits.limits.clear();
        }
        if is(Fault::SharesNothing) {
            version.sharing = Sharing::Single;
        }
        if is(Fault::CutsCoins) {
            version.policy.rounding = Rounding::Down;
            version.schedule.threshold = Threshold::AtOrAbove;
        }
    }
    versions
}

/// What an award is for: a deal by its own name, whichever of its wins it is for.
fn what(story: &Story, scope: &str) -> String {
    if !story.of_deals {
        return scope.to_owned();
    }
    let deal = scope.strip_prefix("fact/deal:");
    let deal = deal.and_then(|rest| rest.split_once('/'));
    deal.map_or_else(|| scope.to_owned(), |(deal, _)| format!("deal/{deal}"))
}
