//! Computes awards of facts that a caller gives. Nothing is read but plan versions, and nothing is
//! written.

use std::collections::BTreeMap;

use trellis_api::incentive::v1 as pb;
use trellis_core::{Call, PlanId, Problem, Timestamp, Violation};
use trellis_evaluation::evaluate::{Facts, Ready, evaluate};
use trellis_evaluation::plan::Quantity;
use trellis_store::{Store, View};

use super::simulated;
use crate::Error;
use crate::plan::asked::Asked;

/// What would be paid.
#[derive(Clone, Debug)]
pub(crate) struct Simulate {
    /// Under which versions.
    pub(crate) asked: Asked,
    /// What happened, and what was posted for it.
    pub(crate) facts: Facts,
    /// As of when it is asked what is known.
    pub(crate) as_known_at: Option<Timestamp>,
}

/// Computes awards.
///
/// # Errors
/// `RESOURCE_NOT_FOUND` when a version or the plan of one is not there; `INVALID_FIELDS` when terms
/// cannot be computed with, or an amount does not fit.
pub(crate) async fn simulate(
    store: &Store,
    call: Call,
    simulate: Simulate,
) -> Result<pb::SimulateAwardsResponse, Error> {
    let Simulate {
        asked,
        facts,
        as_known_at,
    } = simulate;
    let view = store.read(&call).await?;
    let (found, mut violations) = asked.find(&view).await?;
    let mut ready = Vec::with_capacity(found.len());
    for found in &found {
        match found.ready() {
            Ok(version) => ready.push(version),
            Err(wrong) => violations.extend(wrong),
        }
    }
    if !violations.is_empty() {
        return Err(Problem::Invalid(violations).into());
    }
    let known = as_known_at.unwrap_or_else(|| last_known(&facts));
    compute(&view, ready, facts, known).await
}

/// When everything was known: not the clock's time, so that the same always gives the same.
fn last_known(facts: &Facts) -> Timestamp {
    let facts_known = facts.facts.iter().map(|fact| fact.recorded);
    let quotas_known = facts.quotas.iter().map(|quota| quota.recorded);
    let rates_known = facts.rates.iter().map(|rate| rate.recorded);
    let all = facts_known.chain(quotas_known).chain(rates_known);
    all.max().unwrap_or(Timestamp::EPOCH)
}

/// Computes where it holds up no other call.
async fn compute(
    view: &View,
    ready: Vec<Ready>,
    facts: Facts,
    known: Timestamp,
) -> Result<pb::SimulateAwardsResponse, Error> {
    let quantities: BTreeMap<(PlanId, i32), Quantity> = ready
        .iter()
        .map(|ready| {
            let version = ready.version();
            let key = (version.plan.clone(), version.version);
            (key, version.measure.source.quantity())
        })
        .collect();
    let computed = tokio::task::spawn_blocking(move || evaluate(&ready, &facts, known));
    // It cannot be stopped from outside; whoever brought it down has been told of.
    let computed = computed.await.map_err(|_| trellis_store::Error::Panicked)?;
    let awards = computed.map_err(|overflow| {
        let otherwise = format!("cannot be computed with: {overflow}");
        Problem::Invalid(vec![Violation::new("facts", "money.range", otherwise)])
    })?;
    Ok(pb::SimulateAwardsResponse {
        awards: awards
            .into_iter()
            .map(|award| {
                let version = (award.key.plan.clone(), award.version);
                let quantity = quantities.get(&version).copied();
                simulated::wire(view.ecosystem(), award, quantity.unwrap_or(Quantity::Money))
            })
            .collect(),
    })
}
