//! What each fact counts for under a compiled plan, by its place in the columns.

use std::ops::Range;

use trellis_core::MoneyError;

use super::calendar::Calendar;
use super::claws::{Parts, of, share};
use super::column::{Column, at, place};
use super::columns::{Columns, kind_number};
use super::{Compiled, Fault, NotEntitled};
use crate::plan::{
    Anchor, Clawback, ClawbackTrigger, FactKind, GroupBy, PlanVersion, Quantity, Source, Window,
};
use crate::predicate::Predicate;

/// What a condition is for a record.
pub(crate) const FALSE: u8 = 0;
pub(crate) const TRUE: u8 = 1;
pub(crate) const UNKNOWN: u8 = 2;

/// Columns as one plan sees them.
pub(crate) struct Lines<'a> {
    pub(crate) plan: &'a Compiled,
    pub(crate) version: &'a PlanVersion,
    pub(crate) columns: &'a Columns,
    /// The periods of its window.
    pub(crate) calendar: Option<Calendar>,
    /// For each record: whether audience and condition let it through, what the condition is, and
    /// whether it frees what is held.
    admitted: Option<Vec<bool>>,
    condition: Option<Vec<u8>>,
    until: Option<Vec<u8>>,
    kind: u8,
    currency: Option<u8>,
    money: bool,
    told: Told<'a>,
    group: &'a [u32],
    clawback: Option<&'a Clawback>,
}

/// Where it stands what a fact is about.
enum Told<'a> {
    Column(&'a Column),
    Margin(&'a Column, &'a Column),
    One,
}

/// What a fact counts for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) gross: i64,
    /// What is left of it.
    pub(crate) net: i64,
    /// Everything that is told to take back of it.
    pub(crate) backs: Range<usize>,
}

/// What something does that takes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Nothing,
    /// The fact counts for so much from then on.
    To(i64),
    /// This share of what was earned is taken back.
    Claws(Parts),
}

fn truths(predicate: Option<&Predicate>, columns: &Columns) -> Option<Vec<u8>> {
    let predicate = predicate?;
    let truth = |record| match predicate.holds(record) {
        Some(false) => FALSE,
        Some(true) => TRUE,
        None => UNKNOWN,
    };
    Some(columns.profiles.iter().map(truth).collect())
}

impl<'a> Lines<'a> {
    pub(crate) fn new(plan: &'a Compiled, columns: &'a Columns) -> Result<Self, NotEntitled> {
        if let Some(field) = plan.fields.difference(&columns.fields).next() {
            return Err(NotEntitled::NotLoaded(field.clone()));
        }
        let version = &plan.ready.version;
        let audience = truths(plan.ready.audience.as_ref(), columns);
        let condition = truths(plan.ready.condition.as_ref(), columns);
        let lets = |truths: &Option<Vec<u8>>, record: usize| {
            truths.as_ref().is_none_or(|truths| {
                let truth = at(truths, record);
                truth == TRUE || (truth == UNKNOWN && plan.wrong(Fault::UnknownHolds))
            })
        };
        let records = 0..columns.profiles.len();
        let admits = |record| lets(&audience, record) && lets(&condition, record);
        let any = audience.is_some() || condition.is_some();
        let cadence = version.measure.window.cadence();
        Ok(Self {
            plan,
            version,
            columns,
            calendar: cadence.map(|cadence| Calendar::new(cadence, columns.span.0, columns.span.1)),
            admitted: any.then(|| records.map(admits).collect()),
            condition,
            until: truths(plan.ready.until.as_ref(), columns),
            kind: kind_number(version.trigger.fact),
            currency: columns.currency_number(version.currency),
            money: version.measure.source.quantity() == Quantity::Money,
            told: match version.measure.source {
                Source::LineNet
                | Source::InvoicePaidNet
                | Source::DealTcv
                | Source::PurchasesNet => Told::Column(&columns.amount),
                Source::DealAcv => Told::Column(&columns.annual),
                Source::LineMargin => Told::Margin(&columns.amount, &columns.cost),
                Source::Units | Source::Metric => Told::Column(&columns.quantity),
                Source::Count => Told::One,
            },
            group: match version.measure.group_by {
                _ if version.measure.window == Window::Event => &[],
                GroupBy::Partner => &[],
                GroupBy::PartnerCustomer => &columns.customer,
                GroupBy::PartnerProduct => &columns.product,
                GroupBy::Deal => &columns.deal,
            },
            clawback: version.protection.clawback.as_ref(),
        })
    }

    #[inline]
    pub(crate) fn day(&self, line: usize) -> i32 {
        at(&self.columns.days, line)
    }

    /// Whether it is what the plan is about.
    #[inline]
    pub(crate) fn is_kind(&self, line: usize) -> bool {
        at(&self.columns.kinds, line) == self.kind
    }

    /// The customer, product or deal that it is added up for.
    #[inline]
    pub(crate) fn group(&self, line: usize) -> u32 {
        at(self.group, line)
    }

    pub(crate) fn is_grouped(&self) -> bool {
        !self.group.is_empty()
    }

    /// Whether audience and condition let it through.
    #[inline]
    pub(crate) fn lets_through(&self, line: usize) -> bool {
        match &self.admitted {
            None => true,
            Some(admitted) => at(admitted, place(at(&self.columns.profile, line))),
        }
    }

    pub(crate) fn condition_of(&self, line: usize) -> u8 {
        let condition = self.condition.as_ref();
        condition.map_or(TRUE, |truths| {
            at(truths, place(at(&self.columns.profile, line)))
        })
    }

    /// Whether what is held until something holds is free for it.
    pub(crate) fn frees(&self, line: usize) -> bool {
        let until = self.until.as_ref();
        until.is_none_or(|truths| at(truths, place(at(&self.columns.profile, line))) == TRUE)
    }

    /// The lines of a partner on whose days the version holds.
    pub(crate) fn holding(&self, partner: usize) -> Range<usize> {
        let lines = self.columns.lines_of(partner);
        let days = self.columns.days.get(lines.clone()).unwrap_or_default();
        let first = self.version.effective_from.days();
        let begin = days.partition_point(|day| *day < first);
        let end = self.version.effective_until.map_or(days.len(), |until| {
            days.partition_point(|day| *day < until.days())
        });
        lines.start + begin..lines.start + end.max(begin)
    }

    /// The first of all that takes back of a line or a later one.
    pub(crate) fn backs_from(&self, line: usize) -> usize {
        let lines = &self.columns.backs.line;
        lines.partition_point(|other| place(*other) < line)
    }

    /// What takes back of a line; `next` goes along with the lines.
    #[inline]
    fn backs_of(&self, line: usize, next: &mut usize) -> Range<usize> {
        let lines = &self.columns.backs.line;
        let is_before =
            |back: &usize, line: usize| lines.get(*back).is_some_and(|other| place(*other) < line);
        while is_before(next, line) {
            *next += 1;
        }
        let begin = *next;
        while is_before(next, line + 1) {
            *next += 1;
        }
        begin..*next
    }

    #[inline]
    fn told(&self, line: usize) -> Result<Option<i64>, MoneyError> {
        Ok(match &self.told {
            Told::Column(column) => column.get(line),
            Told::One => Some(1),
            Told::Margin(amount, cost) => match (amount.get(line), cost.get(line)) {
                (Some(amount), Some(cost)) => {
                    Some(amount.checked_sub(cost).ok_or(MoneyError::Overflow)?)
                }
                _ => None,
            },
        })
    }

    /// For how many months the partner had been one, where that matters.
    #[inline]
    pub(crate) fn tenure(&self, line: usize) -> Option<i64> {
        self.columns.tenure.get(line)
    }

    /// What a line that is let through counts for before anything was taken back; nothing where
    /// something is not known.
    #[inline]
    pub(crate) fn gross(&self, line: usize) -> Result<Option<i64>, MoneyError> {
        let Some(gross) = self.told(line)? else {
            return Ok(None);
        };
        if self.plan.bands.by_tenure() && self.tenure(line).is_none() {
            return Ok(None);
        }
        if self.money && Some(at(&self.columns.currency, line)) != self.currency {
            return Ok(None);
        }
        Ok(Some(gross))
    }

    /// The next line, from this one on, of which something takes back; `next` goes along.
    #[inline]
    pub(crate) fn next_reduced(&self, line: usize, next: &mut usize) -> usize {
        let lines = &self.columns.backs.line;
        loop {
            match lines.get(*next) {
                None => return usize::MAX,
                Some(other) if place(*other) >= line => return place(*other),
                Some(_) => *next += 1,
            }
        }
    }

    /// What a line counts for that is let through; nothing where something is not known.
    ///
    /// # Errors
    /// When an amount does not fit.
    #[inline]
    pub(crate) fn counts(
        &self,
        line: usize,
        next: &mut usize,
    ) -> Result<Option<Counts>, MoneyError> {
        let backs = self.backs_of(line, next);
        let Some(gross) = self.gross(line)? else {
            return Ok(None);
        };
        let mut counts = Counts {
            gross,
            net: gross,
            backs,
        };
        if !counts.backs.is_empty() && !self.reduce(line, &mut counts) {
            return Ok(None);
        }
        Ok(Some(counts))
    }

    /// Takes back what is to be taken back; false where something of that is not known.
    fn reduce(&self, line: usize, counts: &mut Counts) -> bool {
        for back in counts.backs.clone() {
            match self.taken(line, back, counts.net) {
                None => return false,
                Some(Taken::To(left)) => counts.net = left,
                Some(Taken::Nothing | Taken::Claws(_)) => {}
            }
        }
        true
    }

    /// What something takes back of a line that counts for so much before; none where that is not
    /// known.
    pub(crate) fn taken(&self, line: usize, back: usize, left: i64) -> Option<Taken> {
        let backs = &self.columns.backs;
        let kind = at(&backs.kinds, back);
        let is_refund = kind == kind_number(FactKind::Refund);
        let trigger = if is_refund {
            ClawbackTrigger::Refund
        } else if kind == kind_number(FactKind::Churn) {
            ClawbackTrigger::Churn
        } else {
            ClawbackTrigger::Revocation
        };
        let triggers = |clawback: &&Clawback| clawback.triggers.contains(&trigger);
        let Some(clawback) = self.clawback.filter(triggers) else {
            if !is_refund {
                return Some(Taken::Nothing);
            }
            let refunded = self.refunded(back)?;
            let other = at(&backs.currency, back);
            if self.money && other != 0 && other != at(&self.columns.currency, line) {
                return None;
            }
            if self.plan.wrong(Fault::IgnoresRefunds) {
                return Some(Taken::Nothing);
            }
            // What is worth less than nothing is worth no more for a refund.
            let less = left.saturating_sub(refunded.max(0)).max(0);
            return Some(Taken::To(left.min(less)));
        };
        let anchor = match clawback.anchor {
            Anchor::Event => self.day(line),
            Anchor::ContractStart => {
                let start = self.columns.contract_start.get(line)?;
                i32::try_from(start).unwrap_or_default()
            }
        };
        let late = i32::from(self.plan.wrong(Fault::ClawsTooLong));
        let (parts, all) = share(clawback, anchor, at(&backs.days, back) - late);
        if parts <= 0 {
            return Some(Taken::Nothing);
        }
        let part = place(at(&backs.share, back)).checked_sub(1);
        let (part, of_all) = part.map_or((1, 1), |part| {
            backs
                .shares
                .get(part)
                .map_or((1, 1), |share| of(share.ratio()))
        });
        Some(if part <= 0 {
            Taken::Nothing
        } else if self.version.measure.window == Window::Event {
            Taken::Claws((parts * part, all * of_all))
        } else {
            // A period has no amount of its own for each fact: it counts for nothing.
            Taken::To(0)
        })
    }

    fn refunded(&self, back: usize) -> Option<i64> {
        let backs = &self.columns.backs;
        match self.version.measure.source {
            Source::Units | Source::Metric => backs.quantity.get(back),
            Source::Count => Some(0),
            Source::DealAcv => backs.annual.get(back).or(backs.amount.get(back)),
            Source::LineMargin => {
                let cost = backs.cost.get(back).unwrap_or_default();
                backs
                    .amount
                    .get(back)
                    .map(|amount| amount.saturating_sub(cost))
            }
            _ => backs.amount.get(back),
        }
    }
}
