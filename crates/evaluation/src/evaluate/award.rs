//! One award, from its facts to what its partner is entitled to by itself.

use trellis_core::{Currency, Date, MoneyError, PartnerId, Period};

use super::exact::{Exact, mul, remainder, round, whole};
use super::facts::{Fact, Key};
use super::line::{Counts, Known, Line, Reduced};
use super::ready::Ready;
use super::reason::NotPaid;
use super::schedule::{Measured, Next, Scheduled, lacks_baseline, schedule};
use super::share::Share;
use super::text;
use super::trace::{self, Claw, Detail, Exchanged, Held, LeftOut, Step, Trace};
use super::{limit, target};
use crate::plan::{GroupBy, LimitScope, PlanVersion, Window};

/// What a partner is entitled to under a plan for a fact or a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Award {
    /// What makes it that of its plan, partner and scope.
    pub key: Key,
    /// The version that it was computed under.
    pub version: i32,
    /// The day of its fact, or the first day of its period.
    pub date: Date,
    /// The period of its facts, if it has one: what a posting in another period is attributed to.
    pub period: Option<Period>,
    /// The currency.
    pub currency: Currency,
    /// What was measured, in minor units or as a number.
    pub measure: i64,
    /// What its partner is entitled to, in minor units.
    pub entitled: i64,
    /// Who gets which part of it.
    pub shares: Vec<Share>,
    /// Until when which part of it is held.
    pub held: Vec<Held>,
    /// What is to be posted: the entitlement less what was posted before.
    pub delta: i64,
    /// Why it is nothing.
    pub not_paid: Option<NotPaid>,
    /// Facts that did not count, and why.
    pub left_out: Vec<(String, NotPaid)>,
    /// What the next band would need.
    pub next: Option<Next>,
    /// The same as a sentence.
    pub(super) next_text: Option<String>,
    /// Why it is what it is.
    pub trace: Trace,
}

impl Award {
    /// What the next band would need, as a sentence.
    #[must_use]
    pub fn next_band(&self) -> Option<&str> {
        self.next_text.as_deref()
    }

    /// Whether a budget for all left less to it than it came to.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.trace.steps.iter().any(|step| match &step.detail {
            Detail::Limit {
                limit,
                before,
                after,
                ..
            } => limit.scope == LimitScope::Plan && after < before,
            _ => false,
        })
    }
}

/// Where a fact belongs.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) date: Date,
    pub(crate) period: Option<Period>,
    pub(crate) scope: String,
    /// The customer, product or deal that it is added up for.
    pub(crate) group: Option<String>,
}

/// Where a fact belongs under a version.
pub(crate) fn place(version: &PlanVersion, fact: &Fact) -> Place {
    let group = group(version.measure.group_by, fact);
    let suffix = group
        .as_ref()
        .map_or(String::new(), |group| format!("/{group}"));
    match version.measure.window {
        Window::Event => Place {
            date: fact.date,
            period: None,
            scope: format!("fact/{}", fact.id),
            group,
        },
        Window::Lifetime => Place {
            date: Date::EPOCH,
            period: None,
            scope: format!("lifetime{suffix}"),
            group,
        },
        window => {
            let period = window
                .cadence()
                .map(|cadence| Period::containing(fact.date, cadence));
            Place {
                date: period.map_or(fact.date, Period::start),
                period,
                scope: format!("{}{suffix}", period.map_or(String::new(), Period::label)),
                group,
            }
        }
    }
}

/// Where an award belongs that has no fact any longer.
pub(crate) fn left_behind(key: &Key) -> Place {
    Place {
        date: Date::EPOCH,
        period: None,
        scope: key.scope.clone(),
        group: None,
    }
}

/// What a fact is added up for besides its partner.
pub(crate) fn group(by: GroupBy, fact: &Fact) -> Option<String> {
    match by {
        GroupBy::Partner => None,
        GroupBy::PartnerCustomer => fact.customer.as_ref().map(|id| format!("customer/{id}")),
        GroupBy::PartnerProduct => fact.product.as_ref().map(|id| format!("product/{id}")),
        GroupBy::Deal => fact.deal.as_ref().map(|id| format!("deal/{id}")),
    }
}

/// An award on its way.
pub(crate) struct Draft<'a> {
    pub(crate) version: &'a Ready,
    pub(crate) partner: &'a PartnerId,
    pub(crate) place: Place,
    pub(crate) lines: Vec<Line<'a>>,
    pub(crate) measure: i64,
    /// What it comes to so far.
    pub(crate) amount: i64,
    /// What it must not fall below, because another version paid it.
    pub(crate) floor: Option<i64>,
    /// What was taken back of it, in order.
    pub(crate) reductions: Vec<i64>,
    pub(crate) not_paid: Option<NotPaid>,
    pub(crate) next: Option<Next>,
    pub(crate) steps: Vec<Step>,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(version: &'a Ready, partner: &'a PartnerId, place: Place) -> Self {
        Self {
            version,
            partner,
            place,
            lines: Vec::new(),
            measure: 0,
            amount: 0,
            floor: None,
            reductions: Vec::new(),
            not_paid: None,
            next: None,
            steps: Vec::new(),
        }
    }

    /// What makes it that of its plan, partner and scope.
    pub(crate) fn key(&self) -> Key {
        Key {
            plan: self.plan().plan.clone(),
            partner: self.partner.clone(),
            scope: self.place.scope.clone(),
        }
    }

    pub(crate) fn plan(&self) -> &'a PlanVersion {
        &self.version.version
    }

    pub(crate) fn step(&mut self, detail: Detail) {
        let text = text::of(&detail, self.plan(), &self.place);
        self.steps.push(Step { detail, text });
    }

    /// Why it is nothing, unless that is known already.
    pub(crate) fn because(&mut self, reason: NotPaid) {
        self.not_paid.get_or_insert(reason);
    }

    pub(crate) fn counted(&self) -> impl Iterator<Item = (&'a Fact, &Counts<'a>)> {
        self.lines
            .iter()
            .filter_map(|line| Some((line.fact, line.counts.as_ref().ok()?)))
    }

    /// From the facts to the amount within the award's own limits, less what was taken back.
    pub(crate) fn compute(&mut self, known: &Known<'a>) -> Result<(), MoneyError> {
        let version = self.plan().version;
        self.step(Detail::SelectVersion { version });
        self.admit();
        self.exchanged();
        self.add_up()?;
        if self.counted().next().is_none() {
            let furthest = self
                .lines
                .iter()
                .filter_map(|line| line.counts.as_ref().err());
            let reason = furthest.max_by_key(|reason| reason.rank()).cloned();
            self.not_paid = Some(reason.unwrap_or(NotPaid::NothingSold));
            return Ok(());
        }
        let target = match target::of(self, known)? {
            Ok(target) => target,
            Err(reason) => {
                self.not_paid = Some(reason);
                return Ok(());
            }
        };
        if let Some(amount) = target {
            self.step(Detail::Target { amount });
        }
        let gross = self.sum(Some(Date::from_days(i32::MIN)));
        let scheduled = match self.scheduled(self.measure, target)? {
            Ok(scheduled) => scheduled,
            Err(reason) => {
                self.not_paid = Some(reason);
                return Ok(());
            }
        };
        self.pay(&scheduled, gross)?;
        self.claw()?;
        self.staged(target)
    }

    /// Says which facts count and why the others do not.
    fn admit(&mut self) {
        let counted = self.counted().map(|(fact, _)| fact.id.clone()).collect();
        let left_out = self
            .lines
            .iter()
            .filter_map(|line| {
                let reason = line.counts.as_ref().err()?;
                Some(LeftOut {
                    fact: line.fact.id.clone(),
                    reason: reason.name().to_owned(),
                    text: reason.in_words(),
                })
            })
            .collect();
        self.step(Detail::Admit { counted, left_out });
    }

    fn exchanged(&mut self) {
        let lines: Vec<Exchanged> = self
            .counted()
            .filter_map(|(fact, counts)| {
                let rate = counts.exchange?;
                Some(Exchanged {
                    fact: fact.id.clone(),
                    rate_id: rate.id.clone(),
                    rate: rate.rate.ratio(),
                    from: rate.from,
                    before: fact.amount_minor.unwrap_or_default(),
                    after: counts.gross,
                })
            })
            .collect();
        if !lines.is_empty() {
            self.step(Detail::Exchange { lines });
        }
    }

    /// The sum of what counts once everything up to a day was taken back.
    fn total(&self, day: Option<Date>) -> Result<i64, MoneyError> {
        i64::try_from(self.sum(day)).map_err(|_| MoneyError::Overflow)
    }

    /// The same where it need not fit: what is too much on the way to a sum that fits is no error, or
    /// the order of the facts would be one.
    fn sum(&self, day: Option<Date>) -> i128 {
        let counted = self.counted();
        counted
            .map(|(_, counts)| i128::from(counts.until(day)))
            .sum()
    }

    fn add_up(&mut self) -> Result<(), MoneyError> {
        self.measure = self.total(None)?;
        let lines = self
            .counted()
            .map(|(fact, counts)| trace::Measured {
                fact: fact.id.clone(),
                gross: counts.gross,
                net: counts.until(None),
            })
            .collect();
        let total = self.measure;
        self.step(Detail::Measure { lines, total });
        Ok(())
    }

    /// For how many months the partner had been one: that of the fact, since there is one only.
    fn tenure(&self) -> Option<i64> {
        self.counted().find_map(|(_, counts)| counts.tenure)
    }

    fn scheduled(
        &self,
        measure: i64,
        target: Option<i64>,
    ) -> Result<Result<Scheduled, NotPaid>, MoneyError> {
        let tenure = self.tenure();
        let measured = Measured {
            measure,
            target,
            tenure,
        };
        schedule(self.plan(), measured)
    }

    /// Rounds what a schedule pays and keeps it within the limits of the award.
    fn pay(&mut self, scheduled: &Scheduled, gross: i128) -> Result<(), MoneyError> {
        let plan = self.plan();
        self.next = scheduled.next;
        if self.measure <= 0 {
            self.because(if gross > 0 {
                NotPaid::FullyRefunded
            } else {
                NotPaid::NothingSold
            });
            return Ok(());
        }
        if scheduled.slices.is_empty() {
            self.because(NotPaid::BelowFirstBand);
            return Ok(());
        }
        self.step(Detail::Schedule {
            slices: scheduled.slices.clone(),
            exact: scheduled.exact,
        });
        let how = plan.policy.rounding;
        let rounded = round(scheduled.exact, how)?;
        self.step(Detail::Round {
            exact: scheduled.exact,
            how,
            rounded,
            remainder: remainder(scheduled.exact, rounded),
        });
        self.amount = rounded;
        if rounded == 0 {
            self.because(NotPaid::RoundsToZero);
        }
        for limit in plan
            .limits
            .limits
            .iter()
            .filter(|limit| limit.scope == LimitScope::Award)
        {
            let before = self.amount;
            let after = limit::within(limit, before, 0);
            self.step(Detail::Limit {
                limit: *limit,
                before,
                taken: None,
                after,
            });
            self.amount = after;
            if after == 0 && before > 0 {
                self.because(NotPaid::BelowMinimum);
            }
        }
        Ok(())
    }

    /// Takes back shares of what was earned, each rounded, and never more than is left.
    fn claw(&mut self) -> Result<(), MoneyError> {
        let (mut claws, before) = (Vec::new(), self.amount);
        let mut left = before;
        let how = self.plan().policy.rounding;
        for (by, share) in self.claws() {
            let minor = round(mul(whole(before), share)?, how)?.min(left);
            left -= minor;
            claws.push(Claw {
                fact: by.id.clone(),
                share,
                minor,
            });
        }
        if claws.is_empty() || before == 0 {
            return Ok(());
        }
        self.reductions = claws.iter().map(|claw| claw.minor).collect();
        self.amount = left;
        self.step(Detail::Clawback {
            before,
            claws,
            after: left,
        });
        if left == 0 {
            self.because(NotPaid::ClawedBack);
        }
        Ok(())
    }

    fn claws(&self) -> Vec<(&'a Fact, Exact)> {
        let reductions = self.counted().flat_map(|(_, counts)| &counts.reductions);
        reductions
            .filter_map(|reduction| match reduction.how {
                Reduced::Claws(share) => Some((reduction.by, share)),
                Reduced::To(_) => None,
            })
            .collect()
    }

    /// What refunds took back, day by day, where that decides who gives back what.
    fn staged(&mut self, target: Option<i64>) -> Result<(), MoneyError> {
        if matches!(self.plan().sharing, crate::plan::Sharing::Single)
            || lacks_baseline(self.plan(), target)
        {
            return Ok(());
        }
        let mut days: Vec<Date> = self
            .counted()
            .flat_map(|(_, counts)| &counts.reductions)
            .filter(|reduction| matches!(reduction.how, Reduced::To(_)))
            .map(|reduction| reduction.by.date)
            .collect();
        days.sort_unstable();
        days.dedup();
        let Some(first) = days.first() else {
            return Ok(());
        };
        let mut before = self.own(first.plus_days(-1), target)?;
        let mut reductions = Vec::with_capacity(days.len());
        for day in days {
            let after = self.own(day, target)?;
            reductions.push(before - after);
            before = after;
        }
        reductions.append(&mut self.reductions);
        self.reductions = reductions;
        Ok(())
    }

    /// The amount within the award's own limits, with everything up to a day taken back.
    fn own(&self, day: Date, target: Option<i64>) -> Result<i64, MoneyError> {
        let Ok(scheduled) = self.scheduled(self.total(Some(day))?, target)? else {
            return Ok(0);
        };
        let rounded = round(scheduled.exact, self.plan().policy.rounding)?;
        let limits = &self.plan().limits.limits;
        let own = limits
            .iter()
            .filter(|limit| limit.scope == LimitScope::Award);
        Ok(own.fold(rounded, |amount, limit| limit::within(limit, amount, 0)))
    }
}
