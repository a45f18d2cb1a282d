//! The awards of partners, each by itself: every fact an award, or all facts of a period and a group.

use std::ops::Range;

use trellis_core::MoneyError;

use super::Fault;
use super::awards::Stages;
use super::column::{at, number, place};
use super::lines::Lines;
use super::target::Targets;
use crate::plan::{Anchor, Term, Window};

/// Where there is no award. Awards are never less than nothing.
pub(crate) const NONE: i64 = -1;

/// The awards of some partners.
#[derive(Clone, Debug, Default)]
pub(crate) struct Part {
    pub(crate) partners: Range<usize>,
    pub(crate) lines: Range<usize>,
    /// What each award comes to: one for each line, or for each of the places.
    pub(crate) amounts: Vec<i64>,
    pub(crate) places: Vec<Place>,
    /// Where the awards of each partner end.
    pub(crate) ends: Vec<u32>,
    /// What was taken back of awards that are shared, where anything was.
    pub(crate) reductions: Vec<Reductions>,
    pub(crate) reduced: Vec<i64>,
    /// What each who gets parts gets of all.
    pub(crate) paid: Vec<i128>,
}

/// Which of all reductions are those of an award.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reductions {
    pub(crate) award: u32,
    pub(crate) begin: u32,
    pub(crate) end: u32,
}

impl Part {
    /// Says that everything that was added to the reductions since `begin` is of an award.
    fn reduce(&mut self, award: u32, begin: usize) {
        if self.reduced.len() > begin {
            self.reductions.push(Reductions {
                award,
                begin: number(begin),
                end: number(self.reduced.len()),
            });
        }
    }

    pub(crate) fn reduced(&self, of: Option<&Reductions>) -> &[i64] {
        of.and_then(|of| self.reduced.get(place(of.begin)..place(of.end)))
            .unwrap_or_default()
    }
}

/// An award of several facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) partner: u32,
    /// The first day of its period.
    pub(crate) start: i32,
    /// The customer, product or deal that it is added up for.
    pub(crate) group: u32,
    /// Its first fact.
    pub(crate) first: u32,
    /// How many of its facts count.
    pub(crate) counted: u32,
    /// Whether all of them free what is held.
    pub(crate) freed: bool,
    /// What they measure together.
    pub(crate) net: i128,
}

/// Whether facts are within the term of their customer, one partner after the other.
struct Terms<'a> {
    lines: &'a Lines<'a>,
    /// For each customer: since which partner it is known, its first fact, and when its term ends.
    customers: Vec<(u32, u32, i32)>,
    stamp: u32,
}

impl<'a> Terms<'a> {
    fn new(lines: &'a Lines<'a>) -> Self {
        let customers = match lines.version.limits.term {
            Term::None => 0,
            _ => lines.columns.customers.len() + 1,
        };
        Self {
            lines,
            customers: vec![(0, 0, 0); customers],
            stamp: 0,
        }
    }

    fn next_partner(&mut self, range: &Range<usize>) {
        self.stamp += 1;
        if self.lines.plan.wrong(Fault::LastIsFirst) && !self.customers.is_empty() {
            for line in range.clone().rev() {
                if self.lines.is_kind(line) && self.lines.lets_through(line) {
                    self.holds(line);
                }
            }
        }
    }

    #[inline]
    fn holds(&mut self, line: usize) -> bool {
        if self.lines.version.limits.term == Term::None {
            return true;
        }
        let customer = at(&self.lines.columns.customer, line);
        let day = self.lines.day(line);
        let ends = |day: i32, months: u32| {
            let months = i32::try_from(months).unwrap_or(i32::MAX);
            trellis_core::Date::from_days(day)
                .plus_months(months)
                .days()
        };
        let first = if customer == 0 {
            None
        } else {
            let term = self.lines.version.limits.term;
            let known = self.customers.get_mut(place(customer)).map(|known| {
                if known.0 != self.stamp {
                    let end = match term {
                        Term::Months {
                            months,
                            anchor: Anchor::Event,
                        } => ends(day, months),
                        _ => 0,
                    };
                    *known = (self.stamp, number(line), end);
                }
                *known
            });
            known.map(|(_, first, end)| (first, end))
        };
        match self.lines.version.limits.term {
            Term::None => true,
            Term::FirstEvent => first.is_some_and(|(first, _)| first == number(line)),
            Term::Months {
                anchor: Anchor::Event,
                ..
            } => first.is_some_and(|(_, end)| day < end),
            Term::Months {
                months,
                anchor: Anchor::ContractStart,
            } => {
                let start = self.lines.columns.contract_start.get(line);
                let start = start.and_then(|start| i32::try_from(start).ok());
                start.is_some_and(|start| day < ends(start, months))
            }
        }
    }
}

/// The awards of some partners, before limits take any together.
pub(crate) fn awards(lines: &Lines<'_>, partners: Range<usize>) -> Result<Part, MoneyError> {
    let first = lines.columns.lines_of(partners.start).start;
    let last = lines.columns.lines_of(partners.end).start;
    let mut part = Part {
        lines: first..last.max(first),
        partners: partners.clone(),
        ..Part::default()
    };
    let mut terms = Terms::new(lines);
    if lines.version.measure.window == Window::Event {
        part.amounts = vec![NONE; part.lines.len()];
        for partner in partners {
            let range = lines.holding(partner);
            terms.next_partner(&range);
            each_line(lines, range, &mut terms, &mut part)?;
        }
        return Ok(part);
    }
    let mut sums = Sums::new(lines);
    for partner in partners {
        let range = lines.holding(partner);
        terms.next_partner(&range);
        let mut targets = Targets::new(lines, partner);
        periods(
            lines,
            range,
            (&mut terms, &mut targets, &mut sums),
            &mut part,
            partner,
        )?;
        part.ends.push(number(part.amounts.len()));
    }
    Ok(part)
}

fn each_line(
    lines: &Lines<'_>,
    range: Range<usize>,
    terms: &mut Terms<'_>,
    part: &mut Part,
) -> Result<(), MoneyError> {
    let mut backs = lines.backs_from(range.start);
    let offset = part.lines.start;
    let (is_shared, target) = (lines.is_shared(), lines.fixed_target());
    let mut amounts = std::mem::take(&mut part.amounts);
    let slots = amounts.get_mut(range.start - offset..range.end - offset);
    let mut reduced = lines.next_reduced(range.start, &mut backs);
    for (line, slot) in range.zip(slots.into_iter().flatten()) {
        if !lines.is_kind(line) {
            continue;
        }
        *slot = 0;
        if !lines.lets_through(line) || !terms.holds(line) {
            continue;
        }
        if line > reduced {
            reduced = lines.next_reduced(line, &mut backs);
        }
        if line < reduced {
            // Nothing takes back of it.
            if let Some(gross) = lines.gross(line)? {
                *slot = lines.alone(gross, target, lines.tenure_of(line))?;
            }
            continue;
        }
        let Some(counts) = lines.counts(line, &mut backs)? else {
            continue;
        };
        *slot = lines.of_line(line, &counts)?;
        if is_shared {
            let begin = part.reduced.len();
            lines.reductions(line, &counts, &mut part.reduced)?;
            part.reduce(number(line - offset), begin);
        }
    }
    part.amounts = amounts;
    Ok(())
}

/// What is added up of one group of one period.
#[derive(Clone, Debug, Default)]
struct Sum {
    group: u32,
    first: u32,
    counted: u32,
    freed: bool,
    net: i128,
    stages: Stages,
    /// What its facts come to one by one, for who adds up wrongly.
    alone: i128,
}

/// The groups of the period at hand.
struct Sums {
    open: Vec<Sum>,
    /// For each group, since which period it is open, and where.
    slots: Vec<(u32, u32)>,
    stamp: u32,
}

impl Sums {
    fn new(lines: &Lines<'_>) -> Self {
        let columns = lines.columns;
        let groups = columns.customers.len().max(columns.products.len());
        let groups = groups.max(columns.deals.len()) + 1;
        let groups = if lines.is_grouped() { groups } else { 1 };
        Self {
            open: Vec::new(),
            slots: vec![(0, 0); groups],
            stamp: 0,
        }
    }

    #[inline]
    fn of(&mut self, group: u32, line: usize) -> Option<&mut Sum> {
        let slot = self.slots.get_mut(place(group))?;
        if slot.0 != self.stamp {
            *slot = (self.stamp, number(self.open.len()));
            self.open.push(Sum {
                group,
                first: number(line),
                freed: true,
                ..Sum::default()
            });
        }
        self.open.get_mut(place(slot.1))
    }
}

fn periods(
    lines: &Lines<'_>,
    range: Range<usize>,
    (terms, targets, sums): (&mut Terms<'_>, &mut Targets<'_>, &mut Sums),
    part: &mut Part,
    partner: usize,
) -> Result<(), MoneyError> {
    let mut backs = lines.backs_from(range.start);
    let mut line = range.start;
    while line < range.end {
        let period = match &lines.calendar {
            Some(calendar) => calendar.period(lines.day(line)),
            None => (0, i32::MAX),
        };
        let days = lines.columns.days.get(line..range.end).unwrap_or_default();
        let length = days.partition_point(|day| *day < period.1);
        sums.stamp += 1;
        for line in line..line + length.max(1) {
            add(lines, line, &mut backs, terms, sums)?;
        }
        line += length.max(1);
        // In the order of the texts that name them.
        sums.open.sort_unstable_by_key(|sum| sum.group);
        for sum in sums.open.drain(..) {
            close(lines, sum, period.0, targets, part, partner)?;
        }
    }
    Ok(())
}

#[inline]
fn add(
    lines: &Lines<'_>,
    line: usize,
    backs: &mut usize,
    terms: &mut Terms<'_>,
    sums: &mut Sums,
) -> Result<(), MoneyError> {
    if !lines.is_kind(line) {
        return Ok(());
    }
    let Some(sum) = sums.of(lines.group(line), line) else {
        return Ok(());
    };
    if !lines.lets_through(line) || !terms.holds(line) {
        return Ok(());
    }
    let Some(counts) = lines.counts(line, backs)? else {
        return Ok(());
    };
    sum.counted += 1;
    sum.net += i128::from(counts.net);
    sum.freed &= lines.frees(line);
    if lines.is_shared() {
        sum.stages.gross += i128::from(counts.gross);
        lines.stages(line, &counts, &mut sum.stages);
    }
    if lines.plan.wrong(Fault::RoundsEachFact) {
        sum.alone += i128::from(lines.alone(counts.net, None, None)?);
    }
    if lines.plan.wrong(Fault::Wraps) {
        let wrapped = i64::try_from(sum.net - i128::from(counts.net)).unwrap_or_default();
        sum.net = wrapped.wrapping_add(counts.net).into();
    }
    Ok(())
}

fn close(
    lines: &Lines<'_>,
    sum: Sum,
    start: i32,
    targets: &mut Targets<'_>,
    part: &mut Part,
    partner: usize,
) -> Result<(), MoneyError> {
    let award = number(part.amounts.len());
    let amount = if sum.counted == 0 {
        0
    } else {
        let net = i64::try_from(sum.net).map_err(|_| MoneyError::Overflow)?;
        match targets.of(start, sum.group)? {
            None => 0,
            Some(target) => {
                let amount = lines.alone(net, target, None)?;
                if !lines.plan.bands.lacks_baseline(target) {
                    let alone = |measure| lines.alone(measure, target, None);
                    let begin = part.reduced.len();
                    part.reduced.extend(sum.stages.reductions(alone)?);
                    part.reduce(award, begin);
                }
                if lines.plan.wrong(Fault::RoundsEachFact) {
                    i64::try_from(sum.alone).unwrap_or_default()
                } else {
                    amount
                }
            }
        }
    };
    part.amounts.push(amount);
    part.places.push(Place {
        partner: number(partner),
        start,
        group: sum.group,
        first: sum.first,
        counted: sum.counted,
        freed: sum.freed,
        net: sum.net,
    });
    Ok(())
}
