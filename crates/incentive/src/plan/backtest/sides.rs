//! Which plan versions hold on each side of a backtest, and which plans have to be computed.

use std::collections::BTreeSet;

use trellis_api::name;
use trellis_core::{Currency, Date, PlanId, Problem, ProgramId, TimeZone, Violation};
use trellis_store::incentive::plan_version::{self, Model, State};
use trellis_store::program::program;
use trellis_store::{View, record};

use crate::Error;
use crate::award::earned::book::{self, Component};
use crate::award::rulebook::Rulebook;
use crate::plan::asked::{Asked, Found};
use crate::plan::days::{begins_period, period_word};
use crate::plan::versions::{accrues, resource};

/// The days that a backtest is about: from the first up to the one after the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Days {
    pub(super) start: Date,
    pub(super) end: Date,
}

impl Days {
    pub(super) fn has(self, date: Date) -> bool {
        self.start <= date && date < self.end
    }

    /// The days on which a version holds are among them, some or all.
    fn meet(self, version: &Model) -> bool {
        version.effective_from < self.end && version.end().is_none_or(|end| self.start < end)
    }
}

/// The versions of one side, ready to compute with.
#[derive(Clone, Debug)]
pub(super) struct Side {
    /// Those that the kernel computes with.
    pub(super) rulebook: Rulebook,
    /// The plans that are computed from facts.
    pub(super) components: Vec<Component>,
    versions: Vec<Model>,
}

/// Both sides.
#[derive(Clone, Debug)]
pub(super) struct Sides {
    pub(super) program: ProgramId,
    /// The plans whose awards are computed.
    pub(super) plans: BTreeSet<PlanId>,
    pub(super) days: Days,
    pub(super) current: Side,
    pub(super) proposed: Side,
}

impl Sides {
    /// Reads the versions that hold, and puts the proposed ones in their place.
    ///
    /// # Errors
    /// `RESOURCE_NOT_FOUND`; `INVALID_FIELDS` when terms cannot be computed with, or do not go together,
    /// or a period would be cut; `PRECONDITION` when they fill marketing funds.
    pub(super) async fn read(view: &View, asked: &Asked, days: Days) -> Result<Self, Error> {
        let (mut found, mut violations) = asked.find(view).await?;
        violations.extend(together(&found));
        let Some(program) = found.first().map(|found| found.plan.program.clone()) else {
            return Err(Problem::Invalid(violations).into());
        };
        let zone = time_zone(view, &program).await?;
        for found in &mut found {
            hold(&mut found.version, days, &zone);
            violations.extend(found.ready().err().into_iter().flatten());
        }
        let decided = plan_version::of_program(view, &program).await?;
        violations.extend(cut_periods(&found, &decided, days));
        if !violations.is_empty() {
            return Err(Problem::Invalid(violations).into());
        }
        for found in &found {
            accrues(&found.version, &resource(view, &found.version))?;
        }
        let asked: BTreeSet<PlanId> = found.iter().map(|found| found.plan.id.clone()).collect();
        let replaced = replaced(&decided, &asked, days);
        let proposed = found.into_iter().map(|found| found.version);
        let proposed: Vec<Model> = replaced.into_iter().chain(proposed).collect();
        let mut current = Side::read(view, decided).await?;
        let mut proposed = Side::read(view, proposed).await?;
        let components = current.components.iter().chain(&proposed.components);
        let plans = compared(asked, components);
        current.keep(&plans);
        proposed.keep(&plans);
        Ok(Self {
            current,
            proposed,
            program,
            plans,
            days,
        })
    }

    /// Both sides.
    fn both(&self) -> [&Side; 2] {
        [&self.current, &self.proposed]
    }

    fn components(&self) -> impl Iterator<Item = &Component> {
        self.both().into_iter().flat_map(|side| &side.components)
    }

    /// Whether anything is computed by the kernel on these days.
    pub(super) fn has_kernel(&self) -> bool {
        self.both().into_iter().any(|side| {
            let mut meeting = side.versions.iter().filter(|one| self.days.meet(one));
            meeting.any(|version| !side.rulebook.is_beyond(&version.plan))
        })
    }

    /// Whether anything is computed from all that is known of a partner.
    pub(super) fn has_earned(&self) -> bool {
        self.components().next().is_some()
    }

    /// Whether what one partner gets depends on what others have.
    pub(super) fn is_of_everybody(&self) -> bool {
        self.components().any(Component::is_of_everybody)
    }

    /// The currencies that amounts of others are exchanged for.
    pub(super) fn currencies(&self) -> Vec<Currency> {
        let currencies: BTreeSet<Currency> =
            self.components().flat_map(Component::currencies).collect();
        currencies.into_iter().collect()
    }

    /// Whether any terms keep what other terms paid.
    pub(super) fn keeps_paid(&self) -> bool {
        let mut versions = self.components().flat_map(Component::versions);
        versions.any(|version| !version.terms.policy.may_reduce_paid)
    }

    /// Whether the same version of a plan holds on a day on both sides.
    pub(super) fn same_on(&self, plan: &PlanId, date: Date) -> bool {
        let [current, proposed] = self.both().map(|side| side.holding(plan, date));
        current == proposed
    }
}

impl Side {
    async fn read(view: &View, versions: Vec<Model>) -> Result<Self, Error> {
        Ok(Self {
            rulebook: Rulebook::default(),
            components: book::components_of(view, versions.clone()).await?,
            versions,
        })
    }

    /// Leaves out all plans but some.
    fn keep(&mut self, plans: &BTreeSet<PlanId>) {
        self.versions
            .retain(|version| plans.contains(&version.plan));
        let kept = |component: &Component| component.plans().iter().any(|id| plans.contains(id));
        self.components.retain(kept);
        self.rulebook = Rulebook::new(self.versions.clone());
    }

    /// The versions of plans that are computed from facts.
    pub(super) fn earned(&self) -> impl Iterator<Item = &Model> {
        self.components.iter().flat_map(Component::versions)
    }

    fn holding(&self, plan: &PlanId, date: Date) -> Option<i32> {
        let versions = self.versions.iter();
        versions
            .filter(|version| version.plan == *plan && version.holds_on(date))
            .map(|version| version.number)
            .max()
    }
}

/// What of the proposed versions does not go together.
fn together(found: &[Found]) -> Vec<Violation> {
    let mut seen = BTreeSet::new();
    let mut violations = Vec::new();
    let first = found.first().map(|found| &found.plan.program);
    for found in found {
        if let Some(first) = first.filter(|first| **first != found.plan.program) {
            let otherwise = format!(
                "must be of a plan of program {first}, as the first is; ask for other programs apart"
            );
            violations.push(Violation::new(found.name(), "version.program", otherwise));
        }
        if !seen.insert(&found.plan.id) {
            let otherwise = "is of a plan of which another version is proposed; ask for them apart";
            violations.push(Violation::new(found.name(), "version.plan", otherwise));
        }
    }
    violations
}

async fn time_zone(view: &View, program: &ProgramId) -> Result<TimeZone, Error> {
    let found = record::find::<program::Entity>(&view.whole(), program).await?;
    let resource = name(view.ecosystem(), program);
    let program = found.ok_or(Problem::NotFound { resource })?;
    Ok(program.time_zone)
}

/// Lets a proposed version hold on all of the days, and on no other.
fn hold(version: &mut Model, days: Days, zone: &TimeZone) {
    version.state = State::Active;
    version.effective_from = days.start;
    version.effective_until = Some(days.end);
    version.retire_date = None;
    version.retire_decision_time = None;
    version.time_zone = Some(zone.clone());
}

/// What of the days cuts a period, of a proposed version or of one that it replaces.
fn cut_periods(found: &[Found], decided: &[Model], days: Days) -> Vec<Violation> {
    let mut violations = Vec::new();
    let cut = |version: &Model, date: Date| !begins_period(date, version.terms.measure.window);
    for (field, date) in [("start_date", days.start), ("end_date", days.end)] {
        let own = found.iter().map(|found| &found.version);
        let held = decided.iter().filter(|version| {
            let across = version.holds_on(date) && version.holds_on(date.plus_days(-1));
            let plan = |found: &Found| found.plan.id == version.plan;
            across && found.iter().any(plan)
        });
        if let Some(version) = own.chain(held).find(|version| cut(version, date)) {
            let word = period_word(version.terms.measure.window);
            let otherwise = format!(
                "must be where a {word} begins, over which version {} of plan {} adds up",
                version.number, version.plan
            );
            violations.push(Violation::new(field, "date.period", otherwise));
        }
    }
    violations
}

/// The versions that hold, without those of some plans on the days that are asked for.
fn replaced(decided: &[Model], plans: &BTreeSet<PlanId>, days: Days) -> Vec<Model> {
    let mut left = Vec::with_capacity(decided.len());
    for version in decided {
        if !plans.contains(&version.plan) || !days.meet(version) {
            left.push(version.clone());
            continue;
        }
        if version.effective_from < days.start {
            left.push(Model {
                effective_until: Some(days.start),
                ..version.clone()
            });
        }
        if version.end().is_none_or(|end| days.end < end) {
            left.push(Model {
                effective_from: days.end,
                ..version.clone()
            });
        }
    }
    left
}

/// Some plans, and all that compete with them on one side or the other.
fn compared<'a>(
    mut plans: BTreeSet<PlanId>,
    components: impl Iterator<Item = &'a Component>,
) -> BTreeSet<PlanId> {
    let groups: Vec<Vec<PlanId>> = components.map(Component::plans).collect();
    loop {
        let before = plans.len();
        for group in &groups {
            if group.iter().any(|plan| plans.contains(plan)) {
                plans.extend(group.iter().cloned());
            }
        }
        if plans.len() == before {
            return plans;
        }
    }
}

#[cfg(test)]
mod tests {
    use trellis_core::{EcosystemId, Timestamp};
    use trellis_store::incentive::terms::{Kind, Terms};

    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn version(number: i32, from: &str, until: Option<&str>, retire: Option<&str>) -> Model {
        Model {
            ecosystem: EcosystemId::try_new("acme").unwrap(),
            plan: PlanId::try_new("spiff").unwrap(),
            number,
            program: ProgramId::try_new("channel").unwrap(),
            state: State::Active,
            effective_from: day(from),
            effective_until: until.map(day),
            retire_date: retire.map(day),
            retire_decision_time: None,
            currency: Currency::USD,
            kind: Kind::Commission,
            terms: Terms::default(),
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

    /// On which days versions hold that the days from April to June are taken from.
    fn left(version: Model) -> Vec<(String, Option<String>)> {
        let days = Days {
            start: day("2026-04-01"),
            end: day("2026-07-01"),
        };
        let plans = BTreeSet::from([version.plan.clone()]);
        replaced(&[version], &plans, days)
            .iter()
            .map(|left| {
                let end = left.end().map(|end| end.to_string());
                (left.effective_from.to_string(), end)
            })
            .collect()
    }

    #[test]
    fn a_version_that_is_replaced_holds_before_and_after_only() {
        let held = |from: &str, end: Option<&str>| (from.to_owned(), end.map(str::to_owned));
        let (begin, april, july) = ("2026-01-01", "2026-04-01", "2026-07-01");
        for (until, retire, expected) in [
            (None, None, vec![held(begin, Some(april)), held(july, None)]),
            (Some("2026-05-01"), None, vec![held(begin, Some(april))]),
            (None, Some("2026-05-01"), vec![held(begin, Some(april))]),
            (Some(july), None, vec![held(begin, Some(april))]),
            (
                Some("2027-01-01"),
                Some("2026-10-01"),
                vec![held(begin, Some(april)), held(july, Some("2026-10-01"))],
            ),
            (Some(april), None, vec![held(begin, Some(april))]),
        ] {
            assert_eq!(left(version(1, begin, until, retire)), expected);
        }
        assert_eq!(left(version(1, april, Some(july), None)), []);
        assert_eq!(left(version(1, july, None, None)), [held(july, None)]);
        assert_eq!(
            left(version(1, "2026-05-01", None, None)),
            [held(july, None)]
        );
        // Of other plans nothing is taken.
        let other = version(1, begin, None, None);
        let days = Days {
            start: day(april),
            end: day(july),
        };
        let kept = replaced(std::slice::from_ref(&other), &BTreeSet::new(), days);
        assert_eq!(kept, [other]);
    }
}
