//! How much is used of budgets that plans have for all partners together. Pure.

use std::collections::BTreeMap;

use trellis_core::{Currency, Date, MoneyError, Period, PlanId};
use trellis_evaluation::evaluate::Award;
use trellis_store::incentive::plan_version::Model;
use trellis_store::incentive::terms::{LimitScope, Window};

use super::sides::{Days, Side, Sides};

/// Which budget it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) plan: PlanId,
    pub(super) currency: Currency,
    /// The first day of its period and the one after; none where it is for all time.
    pub(super) period: Option<(Date, Date)>,
}

/// A budget on one side, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Budget {
    /// How much there is, if there is such a budget.
    pub(super) maximum: Option<i64>,
    pub(super) used: i64,
}

/// The budgets of both sides that the days fall into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Budgets(BTreeMap<Key, [Budget; 2]>);

impl Budgets {
    /// The budgets of both sides, of which nothing is used yet.
    pub(super) fn new(sides: &Sides) -> Self {
        let mut budgets = Self::default();
        for (at, side) in [&sides.current, &sides.proposed].into_iter().enumerate() {
            for version in side.earned() {
                for (window, maximum) in limits(version) {
                    for period in periods(version, window, sides.days) {
                        let both = budgets.0.entry(key(version, period)).or_default();
                        if let Some(budget) = both.get_mut(at) {
                            budget.maximum = Some(maximum);
                        }
                    }
                }
            }
        }
        budgets
    }

    /// All of them, in order.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Key, [Budget; 2])> {
        self.0.iter().map(|(key, both)| (key, *both))
    }

    /// Uses what awards take by the terms that hold.
    ///
    /// # Errors
    /// When a sum does not fit.
    pub(super) fn use_current(&mut self, side: &Side, awards: &[Award]) -> Result<(), MoneyError> {
        self.spend(side, awards, |[current, _]| current)
    }

    /// Uses what awards take by the proposed terms.
    ///
    /// # Errors
    /// As for [`use_current`](Self::use_current).
    pub(super) fn use_proposed(&mut self, side: &Side, awards: &[Award]) -> Result<(), MoneyError> {
        self.spend(side, awards, |[_, proposed]| proposed)
    }

    fn spend(
        &mut self,
        side: &Side,
        awards: &[Award],
        of_side: fn(&mut [Budget; 2]) -> &mut Budget,
    ) -> Result<(), MoneyError> {
        for award in awards {
            let mut versions = side.earned();
            let same = |version: &&Model| {
                version.plan == award.key.plan && version.number == award.version
            };
            let Some(version) = versions.find(same) else {
                continue;
            };
            for (window, _) in limits(version) {
                let key = key(version, period(window, award.date));
                if let Some(both) = self.0.get_mut(&key) {
                    let used = &mut of_side(both).used;
                    let sum = used.checked_add(award.entitled);
                    *used = sum.ok_or(MoneyError::Overflow)?;
                }
            }
        }
        Ok(())
    }
}

fn key(version: &Model, period: Option<(Date, Date)>) -> Key {
    Key {
        plan: version.plan.clone(),
        currency: version.currency,
        period,
    }
}

/// The budgets of a version: over which time, and how much.
fn limits(version: &Model) -> impl Iterator<Item = (Window, i64)> {
    let limits = version.terms.limits.limits.iter();
    limits
        .filter(|limit| limit.scope == LimitScope::Plan && limit.window != Window::Event)
        .filter_map(|limit| Some((limit.window, limit.max_minor?)))
}

fn period(window: Window, date: Date) -> Option<(Date, Date)> {
    let cadence = window.cadence()?;
    let period = Period::containing(date, cadence);
    Some((period.start(), period.end()))
}

/// The periods of a window in which a version holds on some of the days.
fn periods(version: &Model, window: Window, days: Days) -> Vec<Option<(Date, Date)>> {
    let mut date = version.effective_from.max(days.start);
    let end = version.end().map_or(days.end, |end| end.min(days.end));
    let mut periods = Vec::new();
    while date < end {
        let period = period(window, date);
        periods.push(period);
        match period {
            Some((_, next)) => date = next,
            None => break,
        }
    }
    periods
}
