//! Computes awards once more from the facts as they were known then.
//!
//! Facts are read of the days on which the awards depend, and once for all awards that were computed at the
//! same moment: those of a budget are computed from everything that spends it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use trellis_core::{AwardId, Date, PlanId, Timestamp};
use trellis_evaluation::evaluate::{Award, Key, Posted};
use trellis_store::View;
use trellis_store::incentive::award::{Basis, Model};

use super::book::{self, Component};
use super::row;
use super::settle::{computed, key};
use crate::Error;
use crate::fact::known::{Known, Of};

/// An award, computed once more.
#[derive(Clone, Debug)]
pub(crate) struct Replayed {
    /// What came out.
    pub(crate) award: Award,
    /// The plans that it was computed with.
    pub(crate) component: Component,
    /// What was known.
    pub(crate) known: Known,
}

/// An award of facts, as it was computed.
#[derive(Clone, Copy)]
struct Computed<'a> {
    award: &'a Model,
    basis: &'a Basis,
}

impl<'a> Computed<'a> {
    fn of(award: &'a Model) -> Option<Self> {
        let basis = award.basis.as_ref()?;
        Some(Self { award, basis })
    }

    fn posted(self) -> Posted {
        Posted {
            minor: self.basis.posted_minor,
            paid_minor: self.basis.paid_minor,
            version: self.basis.posted_version,
            before: row::paid_before(self.basis),
        }
    }

    fn key(self) -> Key {
        key(self.award)
    }

    /// What came out for it, as if it had been as of the moment when it was computed, and by the arithmetic
    /// of then: another version is a difference only where it answers otherwise.
    fn in_outcome(self, outcome: &Outcome) -> Option<Award> {
        let mut award = outcome.awards.get(&self.key())?.clone();
        award.trace.as_known_at = self.basis.known_time;
        award.trace.engine_version = self.basis.engine_version;
        Some(award)
    }

    /// Whether it comes out as it is.
    fn is_proven_by(self, outcome: &Outcome) -> bool {
        let found = self.in_outcome(outcome);
        found.is_some_and(|award| award.trace.hash() == self.award.trace_hash)
    }
}

/// What comes out of what was known at a moment.
struct Outcome {
    component: Component,
    known: Known,
    awards: BTreeMap<Key, Award>,
}

/// Computes an award of facts once more; nothing when it does not come out at all any longer.
///
/// Some of what had been recorded at that moment may have come to whoever computed the award later, together
/// with what made up for it: the award was left as it was, since it comes to the same. So it is proven as well
/// if everything that is known now says the same of it.
///
/// # Errors
/// When a row cannot be read.
pub(crate) async fn replay(
    view: &View,
    award: &Model,
    basis: &Basis,
) -> Result<Option<Replayed>, Error> {
    let award = Computed { award, basis };
    let Some(mut outcome) = as_known_at(view, &[award], basis.known_time).await? else {
        return Ok(None);
    };
    if !award.is_proven_by(&outcome) {
        let now = as_known_at(view, &[award], now(view, basis)).await?;
        if let Some(now) = now.filter(|now| award.is_proven_by(now)) {
            outcome = now;
        }
    }
    Ok(award.in_outcome(&outcome).map(|award| Replayed {
        award,
        component: outcome.component,
        known: outcome.known,
    }))
}

/// Those of some awards that come out as they are. Others may, each computed by itself.
///
/// # Errors
/// When a row cannot be read.
pub(crate) async fn proven(view: &View, awards: &[Model]) -> Result<HashSet<AwardId>, Error> {
    let mut proven = HashSet::new();
    let mut left = Vec::new();
    let all = awards.iter().filter_map(Computed::of);
    for (moment, of_one) in by_moments(all, |basis| basis.known_time) {
        let Some(then) = as_known_at(view, &of_one, moment).await? else {
            continue;
        };
        for award in of_one {
            if award.is_proven_by(&then) {
                proven.insert(award.award.id.clone());
            } else {
                left.push(award);
            }
        }
    }
    for (moment, of_one) in by_moments(left, |basis| now(view, basis)) {
        if let Some(now) = as_known_at(view, &of_one, moment).await? {
            let found = of_one.into_iter().filter(|award| award.is_proven_by(&now));
            proven.extend(found.map(|award| award.award.id.clone()));
        }
    }
    Ok(proven)
}

/// The moment as of which everything is known that was known to an award.
fn now(view: &View, basis: &Basis) -> Timestamp {
    view.now().max(basis.known_time)
}

/// Awards of one plan as of one moment. Where a clock stood still, an award may have been computed twice at
/// the same moment, after different things were posted: then it is computed by itself.
fn by_moments<'a>(
    awards: impl IntoIterator<Item = Computed<'a>>,
    moment: impl Fn(&Basis) -> Timestamp,
) -> Vec<(Timestamp, Vec<Computed<'a>>)> {
    let mut groups: BTreeMap<(&PlanId, Timestamp), Group<'a>> = BTreeMap::new();
    for award in awards {
        let of = (&award.award.plan, moment(award.basis));
        groups.entry(of).or_default().add(award);
    }
    let groups = groups.into_iter();
    groups
        .map(|((_, moment), group)| (moment, group.awards))
        .collect()
}

/// Awards that are computed together.
#[derive(Default)]
struct Group<'a> {
    posted: BTreeMap<Key, Posted>,
    awards: Vec<Computed<'a>>,
}

impl<'a> Group<'a> {
    fn add(&mut self, award: Computed<'a>) {
        let posted = award.posted();
        if *self
            .posted
            .entry(award.key())
            .or_insert_with(|| posted.clone())
            == posted
        {
            self.awards.push(award);
        }
    }
}

/// Computes awards of one plan from what was known at a moment; nothing where the plan computed nothing from
/// facts then.
async fn as_known_at(
    view: &View,
    awards: &[Computed<'_>],
    moment: Timestamp,
) -> Result<Option<Outcome>, Error> {
    let Some(first) = awards.first().map(|first| first.award) else {
        return Ok(None);
    };
    let component = book::component_at(view, &first.plan, &first.program, moment).await?;
    let Some(component) = component else {
        return Ok(None);
    };
    let of = if component.is_of_everybody() {
        Of::Everybody
    } else {
        Of::Partners(awards.iter().map(|award| award.key().partner).collect())
    };
    let days: BTreeSet<Date> = awards.iter().map(|award| award.award.scope_date).collect();
    let spans = component.spans(&days);
    let currencies = component.currencies();
    let known = Known::read(view, of, spans.as_deref(), currencies, moment).await?;
    let mut facts = known.for_program(&component.program);
    facts.posted = awards
        .iter()
        .map(|award| (award.key(), award.posted()))
        .collect();
    let computed = computed(component.ready().to_vec(), facts, moment).await?;
    let awards = computed.into_iter();
    Ok(Some(Outcome {
        component,
        known,
        awards: awards.map(|award| (award.key.clone(), award)).collect(),
    }))
}
