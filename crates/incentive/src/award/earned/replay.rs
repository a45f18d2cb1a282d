//! Computes an award once more from the facts as they were known then.

use std::collections::{BTreeMap, BTreeSet};

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
/// # Errors
/// When a row cannot be read.
pub(crate) async fn replay(
    view: &View,
    award: &Model,
    basis: &Basis,
) -> Result<Option<Replayed>, Error> {
    let moment = basis.known_time;
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
