//! What awards have spent of a budget for all, and which of them have to be looked at when some of them
//! come to something else.
//!
//! Awards spend a budget in the order of their places. As long as something is left, each gets all that it
//! comes to; the first one that is *cut* gets what is left, and those after it get nothing. So the sum of
//! the awards that are not looked at is enough to know what had been taken before each one that is, as long
//! as all of these come before the first that is cut: before it nobody cares about the order.
//!
//! Of the awards that are not touched, those change that stand between where the budget ended and where it
//! ends now, and no others. They are found by going back, or on, from where it ended.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use trellis_core::{AwardId, Date, MoneyError, Period, PlanId};
use trellis_evaluation::evaluate::{Award, ENGINE_VERSION, Key, Ready, Spent};
use trellis_evaluation::plan::PlanVersion;
use trellis_store::Txn;
use trellis_store::incentive::award::Model;
use trellis_store::incentive::plan_budget::{self, Model as Row, Place};
use trellis_store::incentive::terms::{LimitScope, Window};
use trellis_store::incentive::{Span, plan_version};

use crate::Error;

/// A budget for all, as all versions of a plan say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    pub(super) plan: PlanId,
    window: Window,
    /// The hash of the terms.
    terms: String,
}

impl Budget {
    /// The budget of a plan, where what awards have spent of it is what they come to, and says who is cut:
    /// it is the one limit that takes awards together, and the same in all versions.
    pub(super) fn of(versions: &[plan_version::Model], ready: &[Ready]) -> Option<Self> {
        let shared = |version: &plan_version::Model| {
            let limits = version.terms.limits.limits.iter().copied();
            let shared = limits.filter(|limit| limit.scope != LimitScope::Award);
            shared.collect::<Vec<_>>()
        };
        let first = versions.first()?;
        let [limit] = shared(first)[..] else {
            return None;
        };
        let same = versions
            .iter()
            .all(|version| version.currency == first.currency && shared(version) == [limit]);
        // What is kept of what other versions have paid is more than was taken of the budget.
        let keeps = |version: &plan_version::Model| !version.terms.policy.may_reduce_paid;
        let kept = versions.len() > 1 && versions.iter().any(keeps);
        let lasts = limit.window == Window::Lifetime || limit.window.cadence().is_some();
        let is_budget = limit.scope == LimitScope::Plan
            && limit.max_minor.is_some()
            && limit.min_minor.is_none()
            && lasts;
        if !same || kept || !is_budget {
            return None;
        }
        Some(Self {
            plan: first.plan.clone(),
            window: limit.window,
            terms: hash(ready)?,
        })
    }

    /// The days of the budget that is spent on a day.
    fn days(&self, date: Date) -> Span {
        match self.window.cadence() {
            Some(cadence) => {
                let period = Period::containing(date, cadence);
                (period.start(), period.end())
            }
            None => (Date::from_days(i32::MIN), Date::from_days(i32::MAX)),
        }
    }

    /// What the evaluation calls the budget that begins on a day.
    fn key(&self, from: Date) -> (PlanId, Option<Date>) {
        let from = self.window.cadence().map(|_| from);
        (self.plan.clone(), from)
    }
}

/// The hash of everything that decides what awards come to besides facts. Without one nothing that was kept
/// could be trusted.
fn hash(ready: &[Ready]) -> Option<String> {
    let said = ready.iter().map(|ready| PlanVersion {
        name: String::new(),
        ..ready.version().clone()
    });
    let said: Vec<PlanVersion> = said.collect();
    let json = serde_json::to_vec(&(ENGINE_VERSION, said)).ok()?;
    let digest = Sha256::digest(json);
    Some(HEXLOWER.encode(&digest))
}

/// Whether an award is of something, and not of what is not there any longer.
fn has_facts(award: &Award) -> bool {
    !award.trace.fact_ids.is_empty()
}

/// Where an award stands.
fn place(award: &Award) -> Place {
    let scope = format!("{}/{}", award.currency, award.key.scope);
    (award.date, scope)
}

/// Adds up what awards come to, and finds the first that is cut.
fn spent<'a>(
    before: i64,
    awards: impl Iterator<Item = &'a Award>,
) -> Result<(i64, Option<&'a Award>), MoneyError> {
    let (mut sum, mut first) = (before, None::<&Award>);
    for award in awards {
        sum = sum
            .checked_add(award.entitled)
            .ok_or(MoneyError::Overflow)?;
        if award.is_cut() && first.is_none_or(|first| place(award) < place(first)) {
            first = Some(award);
        }
    }
    Ok((sum, first))
}

/// Writes down what all awards of some days have spent, or of all days.
///
/// # Errors
/// When a sum does not fit.
pub(super) async fn keep(
    txn: &Txn,
    budget: &Budget,
    spans: Option<&[Span]>,
    awards: &[&Award],
    ids: &HashMap<Key, AwardId>,
) -> Result<(), Error> {
    plan_budget::forget(txn, &budget.plan, spans).await?;
    let mut periods: BTreeMap<Span, Vec<&Award>> = BTreeMap::new();
    for award in awards.iter().filter(|award| has_facts(award)) {
        periods
            .entry(budget.days(award.date))
            .or_default()
            .push(award);
    }
    if let Some(spans) = spans {
        // What has come to another period was not computed with all that is in there.
        let within = |(day, _): &Span| spans.iter().any(|(from, until)| from <= day && day < until);
        let others: Vec<Span> = periods
            .keys()
            .filter(|days| !within(days))
            .copied()
            .collect();
        if !others.is_empty() {
            plan_budget::forget(txn, &budget.plan, Some(&others)).await?;
        }
        periods.retain(|days, _| within(days));
    }
    let mut rows = Vec::with_capacity(periods.len());
    for ((from, until), awards) in periods {
        let (sum, first) = spent(0, awards.into_iter())?;
        rows.push(Row {
            ecosystem: txn.ecosystem().clone(),
            plan: budget.plan.clone(),
            period_start: from,
            period_end: until,
            spent_minor: sum,
            first_cut: first.and_then(|first| ids.get(&first.key)).cloned(),
            terms: budget.terms.clone(),
        });
    }
    Ok(plan_budget::save(txn, rows).await?)
}

/// The budgets of the periods that are touched, while their awards are computed.
pub(super) struct Spending<'a> {
    budget: &'a Budget,
    periods: BTreeMap<Date, Ending>,
}

/// One of them.
struct Ending {
    row: Row,
    /// All awards that come to anything from here on were looked at, up to where the budget ended. Without
    /// a place, none that were not touched.
    begin: Option<Place>,
    /// All awards up to here were looked at, from where it ended. Without a place, all.
    end: Option<Place>,
}

impl<'a> Spending<'a> {
    /// Opens the budgets of the periods of some days; nothing when one of them was not added up yet, or by
    /// other terms. Nobody else changes them until the transaction ends.
    ///
    /// # Errors
    /// When the lock cannot be had in time.
    pub(super) async fn open(
        txn: &Txn,
        budget: &'a Budget,
        days: &BTreeSet<Date>,
    ) -> Result<Option<Self>, Error> {
        plan_budget::lock(txn, &budget.plan).await?;
        let mut kept: BTreeMap<Date, Row> = plan_budget::spent(txn, &budget.plan)
            .await?
            .into_iter()
            .filter(|row| row.terms == budget.terms)
            .map(|row| (row.period_start, row))
            .collect();
        let mut periods = BTreeMap::new();
        for from in days.iter().map(|day| budget.days(*day).0) {
            if periods.contains_key(&from) {
                continue;
            }
            let Some(row) = kept.remove(&from) else {
                return Ok(None);
            };
            let ending = Ending {
                row,
                begin: None,
                end: None,
            };
            periods.insert(from, ending);
        }
        Ok(Some(Self { budget, periods }))
    }

    /// The awards at which the budgets ended, which are always looked at.
    pub(super) fn ended_at(&self) -> Vec<AwardId> {
        let rows = self.periods.values().map(|ending| &ending.row);
        rows.filter_map(|row| row.first_cut.clone()).collect()
    }

    /// Takes note of where the awards stand at which the budgets ended; answers whether all awards that
    /// were found are of periods that were opened.
    pub(super) fn begin(&mut self, rows: &[Model]) -> bool {
        for ending in self.periods.values_mut() {
            let cut = rows
                .iter()
                .find(|row| ending.row.first_cut.as_ref() == Some(&row.id));
            ending.begin = cut.map(plan_budget::place);
            ending.end = cut.map(plan_budget::place);
        }
        let opened = |row: &Model| {
            self.periods
                .contains_key(&self.budget.days(row.scope_date).0)
        };
        rows.iter().all(opened)
    }

    /// Whether all awards are of periods that were opened.
    pub(super) fn covers(&self, awards: &[Award]) -> bool {
        let mut awards = awards.iter().filter(|award| has_facts(award));
        awards.all(|award| self.periods.contains_key(&self.budget.days(award.date).0))
    }

    /// What was spent by awards that are not among those that are looked at.
    pub(super) fn by_others(&self, rows: &[Model]) -> Spent {
        let periods = self.periods.iter();
        let spent = periods.map(|(from, ending)| (self.budget.key(*from), ending.by_others(rows)));
        spent.collect()
    }

    /// The awards that have to be looked at, too, since budgets end elsewhere than they did; none when
    /// those that were are enough.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub(super) async fn more(
        &mut self,
        txn: &Txn,
        awards: &[Award],
        rows: &[Model],
    ) -> Result<Vec<AwardId>, Error> {
        let known = Looked {
            ids: rows.iter().map(|row| &row.id).collect(),
            // Each may have taken the place of another one. If that is too few, there will be more of them.
            count: u64::try_from(awards.len()).unwrap_or(u64::MAX).max(1),
        };
        let mut more = Vec::new();
        for ending in self.periods.values_mut() {
            let cut = ending.of(awards).filter(|award| award.is_cut());
            let first = cut.map(place).min();
            more.extend(ending.back(txn, first.as_ref(), &known).await?);
            more.extend(ending.on(txn, first.as_ref(), &known).await?);
        }
        Ok(more)
    }

    /// Writes down what is spent now.
    ///
    /// # Errors
    /// When a sum does not fit.
    pub(super) async fn close(
        self,
        txn: &Txn,
        awards: &[Award],
        rows: &[Model],
        ids: &HashMap<Key, AwardId>,
    ) -> Result<(), Error> {
        let mut changed = Vec::new();
        for ending in self.periods.into_values() {
            let (sum, first) = spent(ending.by_others(rows), ending.of(awards))?;
            let row = Row {
                spent_minor: sum,
                first_cut: first.and_then(|first| ids.get(&first.key)).cloned(),
                ..ending.row.clone()
            };
            if row != ending.row {
                changed.push(row);
            }
        }
        Ok(plan_budget::save(txn, changed).await?)
    }
}

impl Ending {
    /// The first day and the first after the last.
    const fn days(&self) -> Span {
        (self.row.period_start, self.row.period_end)
    }

    fn is_of(&self, date: Date) -> bool {
        let (from, until) = self.days();
        from <= date && date < until
    }

    /// Those of some awards that spend it.
    fn of<'a>(&self, awards: &'a [Award]) -> impl Iterator<Item = &'a Award> {
        let (from, until) = self.days();
        awards
            .iter()
            .filter(move |award| from <= award.date && award.date < until)
    }

    /// What was spent by awards that are not looked at.
    fn by_others(&self, rows: &[Model]) -> i64 {
        let rows = rows.iter().filter(|row| self.is_of(row.scope_date));
        let looked_at: i64 = rows.map(|row| row.entitled_minor).sum();
        self.row.spent_minor - looked_at
    }

    /// Awards before where the budget ended that stand after the first that is cut now: less, or nothing,
    /// is left to them.
    async fn back(
        &mut self,
        txn: &Txn,
        first: Option<&Place>,
        known: &Looked<'_>,
    ) -> Result<Vec<AwardId>, Error> {
        let Some(first) = first else {
            return Ok(Vec::new());
        };
        while self.begin.as_ref().is_none_or(|begin| first < begin) {
            let between = (first, self.begin.as_ref());
            let found =
                plan_budget::last_paid(txn, &self.row.plan, self.days(), between, known.count)
                    .await?;
            let last = known.last_of(&found);
            self.begin = last.or_else(|| Some(first.clone()));
            let found = known.without(found);
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }

    /// Awards after where the budget ended, as long as none of those that are looked at is cut: something is
    /// left to them, too.
    async fn on(
        &mut self,
        txn: &Txn,
        first: Option<&Place>,
        known: &Looked<'_>,
    ) -> Result<Vec<AwardId>, Error> {
        while let Some(end) = self.end.clone() {
            if first.is_some_and(|first| *first <= end) {
                break;
            }
            let found =
                plan_budget::first_unpaid(txn, &self.row.plan, self.days(), &end, known.count)
                    .await?;
            self.end = known.last_of(&found);
            let found = known.without(found);
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }
}

/// What is looked at already.
struct Looked<'a> {
    ids: HashSet<&'a AwardId>,
    count: u64,
}

impl Looked<'_> {
    /// Where the last of what was found stands, unless there is no more than that.
    fn last_of(&self, found: &[Model]) -> Option<Place> {
        let all = u64::try_from(found.len()).is_ok_and(|found| found < self.count);
        found.last().filter(|_| !all).map(plan_budget::place)
    }

    /// Those of what was found that are not among it.
    fn without(&self, found: Vec<Model>) -> Vec<AwardId> {
        let ids = found.into_iter().map(|row| row.id);
        ids.filter(|id| !self.ids.contains(id)).collect()
    }
}
