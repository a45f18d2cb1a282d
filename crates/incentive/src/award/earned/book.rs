//! Which plans are computed from facts, and which of them together.

use std::collections::{BTreeMap, BTreeSet};

use trellis_core::{Currency, Date, PlanId, ProgramId, TimeZone, Timestamp};
use trellis_evaluation::evaluate::Ready;
use trellis_store::View;
use trellis_store::incentive::Span;
use trellis_store::incentive::plan::Entity;
use trellis_store::incentive::plan_version::{self, Model};
use trellis_store::incentive::terms::LimitScope;
use trellis_store::record;

use super::budget::Budget;
use super::horizon;
use crate::Error;
use crate::plan::reading;

/// Whether a version says more than the kernel knows. Its plan is computed from facts then, with all its
/// versions.
pub(crate) fn is_beyond(version: &Model) -> bool {
    version.terms.kernel().is_err()
}

/// Plans that are computed together, with all their versions that are no drafts.
#[derive(Clone, Debug)]
pub(crate) struct Component {
    /// The program, which is one: plans of other programs share no group with them.
    pub(crate) program: ProgramId,
    versions: Vec<Model>,
    ready: Vec<Ready>,
}

/// The components that compute anything from facts.
///
/// # Errors
/// When a version was scheduled that cannot be computed with.
pub(crate) async fn components(view: &View) -> Result<Vec<Component>, Error> {
    components_of(view, plan_version::decided(view).await?).await
}

/// The components of some versions, as if they were all that there are.
///
/// # Errors
/// When a version cannot be computed with.
pub(crate) async fn components_of(
    view: &View,
    versions: Vec<Model>,
) -> Result<Vec<Component>, Error> {
    read(view, together(versions), None).await
}

/// The component of a plan, as it was known at a moment.
///
/// # Errors
/// When a version was scheduled that cannot be computed with.
pub(crate) async fn component_at(
    view: &View,
    plan: &PlanId,
    program: &ProgramId,
    moment: Timestamp,
) -> Result<Option<Component>, Error> {
    let mut decided = plan_version::of_program(view, program).await?;
    decided.retain(|version| version.schedule_time.is_some_and(|time| time <= moment));
    let mut groups = together(decided);
    groups.retain(|versions| versions.iter().any(|version| version.plan == *plan));
    Ok(read(view, groups, Some(moment)).await?.pop())
}

/// Versions that belong together: those of one plan, and those of plans of a program that share a group.
fn together(versions: Vec<Model>) -> Vec<Vec<Model>> {
    let mut plans: BTreeMap<(ProgramId, PlanId), Vec<Model>> = BTreeMap::new();
    for version in versions {
        let key = (version.program.clone(), version.plan.clone());
        plans.entry(key).or_default().push(version);
    }
    plans.retain(|_, versions| versions.iter().any(is_beyond));
    let mut components: Vec<(ProgramId, BTreeSet<String>, Vec<Model>)> = Vec::new();
    for ((program, _), mut versions) in plans {
        let stacks = versions
            .iter()
            .filter_map(|version| version.terms.policy.stack.as_ref());
        let mut groups: BTreeSet<String> = stacks.map(|stack| stack.group.clone()).collect();
        let (joined, apart): (Vec<_>, Vec<_>) = components
            .into_iter()
            .partition(|(of, shared, _)| *of == program && !shared.is_disjoint(&groups));
        components = apart;
        for (_, shared, others) in joined {
            groups.extend(shared);
            versions.extend(others);
        }
        components.push((program, groups, versions));
    }
    let mut components: Vec<Vec<Model>> = components
        .into_iter()
        .map(|(_, _, versions)| versions)
        .collect();
    for versions in &mut components {
        versions.sort_by(|one, other| (&one.plan, one.number).cmp(&(&other.plan, other.number)));
    }
    components
}

/// Makes versions ready, each ended as was known at a moment; as is known now, without one.
async fn read(
    view: &View,
    groups: Vec<Vec<Model>>,
    moment: Option<Timestamp>,
) -> Result<Vec<Component>, Error> {
    let plans: BTreeSet<PlanId> = groups
        .iter()
        .flatten()
        .map(|version| version.plan.clone())
        .collect();
    if plans.is_empty() {
        return Ok(Vec::new());
    }
    let names: BTreeMap<PlanId, String> = record::find_many::<Entity>(view, plans)
        .await?
        .into_iter()
        .map(|plan| (plan.id, plan.display_name))
        .collect();
    let mut components = Vec::with_capacity(groups.len());
    for versions in groups {
        let Some(program) = versions.first().map(|version| version.program.clone()) else {
            continue;
        };
        let mut ready = Vec::with_capacity(versions.len());
        for version in &versions {
            let name = names.get(&version.plan).map_or("", String::as_str);
            ready.push(made_ready(version, name, moment)?);
        }
        components.push(Component {
            program,
            versions,
            ready,
        });
    }
    Ok(components)
}

fn made_ready(version: &Model, name: &str, moment: Option<Timestamp>) -> Result<Ready, Error> {
    let mut read = reading::read(version, name);
    // A version stays the one that it was when it is retired.
    read.effective_until = version.effective_until;
    let end = moment.map_or_else(|| version.end(), |moment| version.end_known_at(moment));
    let ready = Ready::new(read).map_err(|wrong| {
        let wrong: Vec<String> = wrong
            .into_iter()
            .map(|violation| format!("{} {}", violation.field, violation.description))
            .collect();
        trellis_store::Error::Corrupt {
            table: "plan_versions",
            what: format!(
                "version {} of plan {} was scheduled with {}",
                version.number,
                version.plan,
                wrong.join("; ")
            ),
        }
    })?;
    Ok(ready.ended(end))
}

impl Component {
    /// The moment as of which everything is known that is seen at another one: what was decided about its
    /// versions in the meantime is seen, and so is known.
    pub(crate) fn known_time(&self, now: Timestamp) -> Timestamp {
        let decisions = self
            .versions
            .iter()
            .flat_map(|version| [version.schedule_time, version.retire_decision_time]);
        decisions.flatten().fold(now, Ord::max)
    }

    /// Its plans, in their order.
    pub(crate) fn plans(&self) -> Vec<PlanId> {
        let plans: BTreeSet<&PlanId> = self.versions.iter().map(|version| &version.plan).collect();
        plans.into_iter().cloned().collect()
    }

    /// Its versions.
    pub(crate) fn versions(&self) -> &[Model] {
        &self.versions
    }

    /// Its versions, ready to compute with.
    pub(crate) fn ready(&self) -> &[Ready] {
        &self.ready
    }

    /// Whether what one partner gets depends on what others have: a budget for all.
    pub(crate) fn is_of_everybody(&self) -> bool {
        let limits = |version: &Model| {
            let limits = &version.terms.limits.limits;
            limits.iter().any(|limit| limit.scope == LimitScope::Plan)
        };
        self.versions.iter().any(limits)
    }

    /// Whether each fact has an award of its own that no other fact changes, unless by a budget for all.
    pub(crate) fn stands_alone(&self) -> bool {
        let mut terms = self.versions.iter().map(|version| &version.terms);
        terms.all(horizon::stands_alone)
    }

    /// The budget for all, where each fact stands alone and what was spent of it is enough to tell who is
    /// cut.
    pub(super) fn budget(&self) -> Option<Budget> {
        let alone = self.stands_alone();
        alone
            .then(|| Budget::of(&self.versions, &self.ready))
            .flatten()
    }

    /// The days whose awards depend on facts of some days; nothing when that is all of them.
    pub(crate) fn spans(&self, days: &BTreeSet<Date>) -> Option<Vec<Span>> {
        horizon::spans(self.versions.iter().map(|version| &version.terms), days)
    }

    /// The currencies that amounts of others are exchanged for.
    pub(crate) fn currencies(&self) -> Vec<Currency> {
        let exchanging = |version: &&Model| version.terms.policy.fx.is_some();
        let mut currencies: Vec<Currency> = self
            .versions
            .iter()
            .filter(exchanging)
            .map(|version| version.currency)
            .collect();
        currencies.sort_unstable();
        currencies.dedup();
        currencies
    }

    /// A version.
    pub(crate) fn version(&self, plan: &PlanId, number: i32) -> Option<&Model> {
        self.versions
            .iter()
            .find(|version| version.plan == *plan && version.number == number)
    }

    /// Its plans of which the kernel computed awards before one of their versions said more than it knows.
    pub(crate) fn once_of_kernel(&self) -> Vec<PlanId> {
        let known = self.versions.iter().filter(|version| !is_beyond(version));
        let plans: BTreeSet<&PlanId> = known.map(|version| &version.plan).collect();
        plans.into_iter().cloned().collect()
    }

    /// The time zone of its program.
    pub(crate) fn zone(&self) -> TimeZone {
        let zone = |version: &Model| version.time_zone.clone();
        self.versions
            .iter()
            .find_map(zone)
            .unwrap_or_else(TimeZone::utc)
    }
}

#[cfg(test)]
mod tests {
    use trellis_core::EcosystemId;
    use trellis_store::incentive::plan_version::State;
    use trellis_store::incentive::terms::{Kind, Policy, Stack, Stacking, Terms};

    use super::*;

    fn version(plan: &str, program: &str, group: Option<&str>) -> Model {
        let stack = |group: &str| Stack {
            group: group.to_owned(),
            how: Stacking::BestOf,
            rank: 1,
            cap: None,
        };
        let terms = Terms {
            policy: Policy {
                stack: group.map(stack),
                ..Policy::default()
            },
            ..Terms::default()
        };
        Model {
            ecosystem: EcosystemId::try_new("acme").unwrap(),
            plan: PlanId::try_new(plan).unwrap(),
            number: 1,
            program: ProgramId::try_new(program).unwrap(),
            state: State::Active,
            effective_from: Date::EPOCH,
            effective_until: None,
            retire_date: None,
            retire_decision_time: None,
            currency: Currency::EUR,
            kind: Kind::Commission,
            terms,
            time_zone: Some(TimeZone::utc()),
            start_time: None,
            end_time: None,
            schedule_time: None,
            catch_up: None,
            version: 1,
            create_time: Timestamp::EPOCH,
            update_time: Timestamp::EPOCH,
        }
    }

    fn plans(groups: Vec<Vec<Model>>) -> Vec<String> {
        let mut named: Vec<String> = groups
            .iter()
            .map(|versions| {
                let plans: Vec<&str> = versions
                    .iter()
                    .map(|version| version.plan.as_str())
                    .collect();
                plans.join(" ")
            })
            .collect();
        named.sort();
        named
    }

    #[test]
    fn plans_of_a_program_that_share_a_group_are_computed_together() {
        let joining = Model {
            number: 2,
            ..version("b", "gold", Some("renewals"))
        };
        let all = vec![
            version("a", "gold", Some("new")),
            version("b", "gold", Some("new")),
            joining,
            version("c", "gold", Some("renewals")),
            version("d", "gold", None),
            version("e", "silver", Some("new")),
        ];
        assert_eq!(plans(together(all)), ["a b b c", "d", "e"]);
    }

    #[test]
    fn what_the_kernel_knows_is_not_computed_from_facts() {
        let mut known = version("k", "gold", None);
        known.terms.schedule.bands = vec![trellis_store::incentive::terms::Band {
            from: trellis_core::Rate::ZERO,
            rate: trellis_core::Rate::ONE,
            fixed_minor: 0,
        }];
        known.terms.policy.may_reduce_paid = true;
        assert!(!is_beyond(&known), "{:?}", known.terms.kernel());
        assert!(together(vec![known]).is_empty());
    }
}
