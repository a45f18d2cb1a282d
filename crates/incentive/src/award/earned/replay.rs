//! Computes an award once more from the facts as they were known then.

use std::collections::{BTreeMap, BTreeSet};

use trellis_core::Timestamp;
use trellis_evaluation::evaluate::{Award, Key, Posted};
use trellis_store::View;
use trellis_store::incentive::award::{Basis, Model};

use super::book::{self, Component};
use super::row;
use super::settle::computed;
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

/// Computes an award of facts once more; nothing when it does not come out at all any longer.
///
/// A budget is spent by everybody, and some of what had been recorded at that moment may have come to
/// whoever computed the award later, together with what made up for it: the award was left as it was, since
/// it comes to the same. So it is proven as well if everything that is known now says the same of it.
///
/// # Errors
/// When a row cannot be read.
pub(crate) async fn replay(
    view: &View,
    award: &Model,
    basis: &Basis,
) -> Result<Option<Replayed>, Error> {
    let then = as_known_at(view, award, basis, basis.known_time).await?;
    let hash = |replayed: &Replayed| replayed.award.trace.hash();
    let may_differ = then
        .as_ref()
        .is_some_and(|then| then.component.is_of_everybody() && hash(then) != award.trace_hash);
    if !may_differ {
        return Ok(then);
    }
    let now = as_known_at(view, award, basis, view.now().max(basis.known_time)).await?;
    let proven = now
        .map(|mut now| {
            now.award.trace.as_known_at = basis.known_time;
            now
        })
        .filter(|now| hash(now) == award.trace_hash);
    Ok(proven.or(then))
}

async fn as_known_at(
    view: &View,
    award: &Model,
    basis: &Basis,
    moment: Timestamp,
) -> Result<Option<Replayed>, Error> {
    let component = book::component_at(view, &award.plan, &award.program, moment).await?;
    let Some(component) = component else {
        return Ok(None);
    };
    let earner = award
        .earner
        .clone()
        .unwrap_or_else(|| award.partner.clone());
    let of = if component.is_of_everybody() {
        Of::Everybody
    } else {
        Of::Partners(BTreeSet::from([earner.clone()]))
    };
    let known = Known::read(view, of, None, component.currencies(), moment).await?;
    let key = Key {
        plan: award.plan.clone(),
        partner: earner,
        scope: basis.scope.clone(),
    };
    let posted = Posted {
        minor: basis.posted_minor,
        paid_minor: basis.paid_minor,
        version: basis.posted_version,
        before: row::paid_before(basis),
    };
    let mut facts = known.for_program(&component.program);
    facts.posted = BTreeMap::from([(key.clone(), posted)]);
    let awards = computed(component.ready().to_vec(), facts, moment).await?;
    let award = awards.into_iter().find(|award| award.key == key);
    Ok(award.map(|award| Replayed {
        award,
        component,
        known,
    }))
}
