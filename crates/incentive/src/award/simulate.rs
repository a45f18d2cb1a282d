//! Computes awards of facts that a caller gives. Nothing is read but plan versions, and nothing is
//! written.

use std::collections::{BTreeMap, BTreeSet};

use trellis_api::incentive::v1 as pb;
use trellis_core::{Call, PlanId, Problem, Timestamp, Violation};
use trellis_evaluation::evaluate::{Facts, Ready, evaluate};
use trellis_evaluation::plan::Quantity;
use trellis_store::incentive::plan;
use trellis_store::incentive::plan_version::{self, Model};
use trellis_store::{Store, View};

use super::simulated;
use crate::Error;
use crate::plan::edit::{Edit, broken, draft};
use crate::plan::versions::{Key, absent};
use crate::plan::{plans, reading};

/// What would be paid.
#[derive(Clone, Debug)]
pub(crate) struct Simulate {
    /// The versions that are there.
    pub(crate) named: Vec<Key>,
    /// The versions that are given.
    pub(crate) given: Vec<Given>,
    /// What happened, and what was posted for it.
    pub(crate) facts: Facts,
    /// As of when it is asked what is known.
    pub(crate) as_known_at: Option<Timestamp>,
}

/// A version as it would be.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    /// Of which plan, and with which number.
    pub(crate) key: Key,
    /// What it says, all of it.
    pub(crate) edit: Edit,
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
        named,
        given,
        facts,
        as_known_at,
    } = simulate;
    let view = store.read(&call).await?;
    let mut plans: BTreeMap<PlanId, plan::Model> = BTreeMap::new();
    for key in named.iter().chain(given.iter().map(|given| &given.key)) {
        if !plans.contains_key(&key.plan) {
            plans.insert(key.plan.clone(), plans::find(&view, &key.plan).await?);
        }
    }
    let mut ready = Vec::new();
    let mut violations = Vec::new();
    for (at, key) in named.iter().enumerate() {
        let version = plan_version::find(&view, &key.plan, key.number).await?;
        let version = version.ok_or_else(|| absent(&view, key))?;
        match read(&version, &plans) {
            Ok(version) => ready.push(version),
            Err(wrong) => violations.extend(beneath(&format!("plan_versions[{at}]"), wrong)),
        }
    }
    for (at, given) in given.iter().enumerate() {
        match as_given(given, &plans, view.now()) {
            Ok(version) => ready.push(version),
            Err(wrong) => violations.extend(beneath(&format!("given_versions[{at}]"), wrong)),
        }
    }
    if !violations.is_empty() {
        return Err(Problem::Invalid(violations).into());
    }
    unique(&named, &given)?;
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

/// Each version once: which of two would count cannot be told.
fn unique(named: &[Key], given: &[Given]) -> Result<(), Problem> {
    let mut seen: BTreeSet<(&PlanId, i32)> =
        named.iter().map(|key| (&key.plan, key.number)).collect();
    let twice: Vec<Violation> = given
        .iter()
        .enumerate()
        .filter(|(_, given)| !seen.insert((&given.key.plan, given.key.number)))
        .map(|(at, _)| {
            let otherwise = "names a version that is named already; give it another number";
            Violation::new(
                format!("given_versions[{at}].name"),
                "version.unique",
                otherwise,
            )
        })
        .collect();
    if twice.is_empty() {
        Ok(())
    } else {
        Err(Problem::Invalid(twice))
    }
}

fn read(version: &Model, plans: &BTreeMap<PlanId, plan::Model>) -> Result<Ready, Vec<Violation>> {
    let name = plans
        .get(&version.plan)
        .map_or(version.plan.as_str(), |plan| plan.display_name.as_str());
    Ready::new(reading::read(version, name)).map_err(|wrong| {
        wrong
            .into_iter()
            .map(|violation| Violation {
                field: reading::on_wire(&violation.field, &version.terms),
                ..violation
            })
            .collect()
    })
}

fn as_given(
    given: &Given,
    plans: &BTreeMap<PlanId, plan::Model>,
    now: Timestamp,
) -> Result<Ready, Vec<Violation>> {
    let Given { key, edit } = given;
    let missing = || vec![Violation::new("", "required", "misses a required field")];
    let plan = plans.get(&key.plan).ok_or_else(missing)?;
    let version = draft(plan, key.number, edit, now).ok_or_else(missing)?;
    let mut wrong = broken(plan, &version, edit, None);
    if wrong.is_empty() {
        wrong = reading::wrong(&version);
    }
    if wrong.is_empty() {
        read(&version, plans)
    } else {
        Err(wrong)
    }
}

/// Violations of a version that is a part of the request.
pub(super) fn beneath(path: &str, violations: Vec<Violation>) -> impl Iterator<Item = Violation> {
    violations.into_iter().map(move |violation| {
        let field = violation.field.trim_start_matches("plan_version.");
        let dot = if field.is_empty() { "" } else { "." };
        Violation {
            field: format!("{path}{dot}{field}"),
            ..violation
        }
    })
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
