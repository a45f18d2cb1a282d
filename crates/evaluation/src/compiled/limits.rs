//! Limits that take awards together, and advances, over the awards of partners in their order.

use std::ops::Range;

use trellis_core::MoneyError;

use super::Fault;
use super::calendar::Calendar;
use super::column::{at, place};
use super::lines::Lines;
use super::partner::{NONE, Part};
use crate::evaluate::within;
use crate::plan::{Limit, LimitScope, Window};

/// Awards in the order in which a limit fills up.
trait Order {
    fn length(&self) -> usize;
    fn date(&self, index: usize) -> i32;
    fn customer(&self, index: usize) -> u32;
    /// Whether two awards are of the same fact, or of the same period and group.
    fn is_same(&self, one: usize, other: usize) -> bool;
    fn amount(&mut self, index: usize) -> Option<&mut i64>;
}

/// The awards of one partner.
struct OfPartner<'a> {
    lines: &'a Lines<'a>,
    part: &'a mut Part,
    awards: Range<usize>,
}

impl Order for OfPartner<'_> {
    fn length(&self) -> usize {
        self.awards.len()
    }

    #[inline]
    fn date(&self, index: usize) -> i32 {
        date(self.lines, self.part, self.awards.start + index)
    }

    #[inline]
    fn customer(&self, index: usize) -> u32 {
        let line = first_line(self.part, self.awards.start + index);
        at(&self.lines.columns.customer, line)
    }

    fn is_same(&self, one: usize, other: usize) -> bool {
        one == other
    }

    #[inline]
    fn amount(&mut self, index: usize) -> Option<&mut i64> {
        self.part.amounts.get_mut(self.awards.start + index)
    }
}

/// The awards of all partners, by day, fact or period, and partner.
struct OfAll<'a> {
    lines: &'a Lines<'a>,
    part: &'a mut Part,
    order: Vec<u32>,
}

impl OfAll<'_> {
    fn award(&self, index: usize) -> usize {
        place(at(&self.order, index))
    }
}

impl Order for OfAll<'_> {
    fn length(&self) -> usize {
        self.order.len()
    }

    fn date(&self, index: usize) -> i32 {
        date(self.lines, self.part, self.award(index))
    }

    fn customer(&self, _: usize) -> u32 {
        0
    }

    fn is_same(&self, one: usize, other: usize) -> bool {
        let place = |index| {
            let place = self.part.places.get(self.award(index));
            place.map(|place| (place.start, place.group))
        };
        one == other || (place(one).is_some() && place(one) == place(other))
    }

    fn amount(&mut self, index: usize) -> Option<&mut i64> {
        let award = self.award(index);
        self.part.amounts.get_mut(award)
    }
}

fn first_line(part: &Part, award: usize) -> usize {
    match part.places.get(award) {
        Some(known) => place(known.first),
        None => part.lines.start + award,
    }
}

fn date(lines: &Lines<'_>, part: &Part, award: usize) -> i32 {
    match part.places.get(award) {
        Some(known) => known.start,
        None => lines.day(part.lines.start + award),
    }
}

impl Part {
    /// The awards of a partner.
    pub(crate) fn awards_of(&self, lines: &Lines<'_>, partner: usize) -> Range<usize> {
        if self.ends.is_empty() {
            let range = lines.columns.lines_of(partner);
            return range.start - self.lines.start..range.end - self.lines.start;
        }
        let index = partner - self.partners.start;
        let begin = index
            .checked_sub(1)
            .map_or(0, |before| at(&self.ends, before));
        place(begin)..place(at(&self.ends, index))
    }
}

/// Applies the limits that take awards together. Those of all partners see all there are, so that the
/// part has to be of all.
pub(crate) fn together(lines: &Lines<'_>, part: &mut Part) -> Result<(), MoneyError> {
    let (first, last) = lines.columns.span;
    let year = trellis_core::Date::from_days(first.min(0));
    let year = trellis_core::Period::containing(year, trellis_core::Cadence::Year);
    for limit in lines.plan.limits_together() {
        let cadence = limit.window.cadence();
        let calendar =
            cadence.map(|cadence| Calendar::new(cadence, year.start().days(), last.max(0)));
        if limit.scope == LimitScope::Plan {
            let mut all = in_order(lines, part);
            fill(
                lines,
                limit,
                calendar.as_ref(),
                &mut Customers::default(),
                &mut all,
            )?;
            continue;
        }
        let mut customers = Customers::new(lines.columns.customers.len() + 1);
        for partner in part.partners.clone() {
            let awards = part.awards_of(lines, partner);
            let mut of_partner = OfPartner {
                lines,
                part,
                awards,
            };
            fill(
                lines,
                limit,
                calendar.as_ref(),
                &mut customers,
                &mut of_partner,
            )?;
        }
    }
    Ok(())
}

fn in_order<'a>(lines: &'a Lines<'a>, part: &'a mut Part) -> OfAll<'a> {
    let awards = 0..super::column::number(part.amounts.len());
    let mut order: Vec<u32> = awards
        .filter(|award| at(&part.amounts, place(*award)) != NONE)
        .collect();
    if part.places.is_empty() {
        order.sort_unstable_by_key(|award| at(&lines.columns.ranks, place(*award)));
    } else {
        order.sort_unstable_by_key(|award| {
            let place = part.places.get(place(*award));
            place.map(|place| (place.start, place.group, place.partner))
        });
    }
    OfAll { lines, part, order }
}

/// What each customer's awards come to, and what they took, since the last period began.
#[derive(Debug, Default)]
struct Customers {
    sums: Vec<(u32, i64, i64)>,
    stamp: u32,
}

impl Customers {
    fn new(customers: usize) -> Self {
        Self {
            sums: vec![(0, 0, 0); customers],
            stamp: 0,
        }
    }

    fn of(&mut self, customer: u32) -> Option<&mut (u32, i64, i64)> {
        let known = self.sums.get_mut(place(customer))?;
        if known.0 != self.stamp {
            *known = (self.stamp, 0, 0);
        }
        Some(known)
    }
}

/// Fills a limit up by awards in their order.
fn fill(
    lines: &Lines<'_>,
    limit: &Limit,
    calendar: Option<&Calendar>,
    customers: &mut Customers,
    awards: &mut impl Order,
) -> Result<(), MoneyError> {
    let by_customer = limit.scope == LimitScope::Customer;
    let mut begin = 0;
    while begin < awards.length() {
        let mut end = begin + 1;
        match (limit.window, calendar) {
            (_, Some(calendar)) => {
                let (_, last) = calendar.period(awards.date(begin));
                while end < awards.length() && awards.date(end) < last {
                    end += 1;
                }
            }
            (Window::Lifetime, None) => end = awards.length(),
            (_, None) => {
                while end < awards.length() && awards.is_same(begin, end) {
                    end += 1;
                }
            }
        }
        if by_customer {
            customers.stamp += 1;
            fill_by_customer(lines, limit, customers, begin..end, awards)?;
        } else {
            fill_run(lines, limit, begin..end, awards)?;
        }
        begin = end;
    }
    Ok(())
}

/// What a limit leaves of an award, and what is taken of it then.
fn cut(lines: &Lines<'_>, limit: &Limit, all: i64, taken: &mut i64, amount: &mut i64) {
    let after = if limit.min_minor.is_some_and(|least| all < least) {
        0
    } else {
        let most = Limit {
            min_minor: None,
            ..*limit
        };
        within(&most, *amount, *taken)
    };
    if *amount > 0 && !lines.plan.wrong(Fault::LimitsFillNothing) {
        // No more than the sum, which fits.
        *taken += after;
    }
    *amount = after;
}

fn fill_run(
    lines: &Lines<'_>,
    limit: &Limit,
    run: Range<usize>,
    awards: &mut impl Order,
) -> Result<(), MoneyError> {
    let mut all = 0_i64;
    for index in run.clone() {
        let amount = awards.amount(index).copied().unwrap_or_default().max(0);
        all = all.checked_add(amount).ok_or(MoneyError::Overflow)?;
    }
    let mut taken = 0;
    for index in run {
        if let Some(amount) = awards.amount(index).filter(|amount| **amount > 0) {
            cut(lines, limit, all, &mut taken, amount);
        }
    }
    Ok(())
}

fn fill_by_customer(
    lines: &Lines<'_>,
    limit: &Limit,
    customers: &mut Customers,
    run: Range<usize>,
    awards: &mut impl Order,
) -> Result<(), MoneyError> {
    for index in run.clone() {
        let customer = awards.customer(index);
        let Some(amount) = awards.amount(index).filter(|amount| **amount > 0) else {
            continue;
        };
        if customer == 0 {
            // Whose award it is, is not known.
            *amount = 0;
        } else if let Some((_, all, _)) = customers.of(customer) {
            *all = all.checked_add(*amount).ok_or(MoneyError::Overflow)?;
        }
    }
    for index in run {
        let customer = awards.customer(index);
        if let Some(amount) = awards.amount(index).filter(|amount| **amount > 0)
            && let Some((_, all, taken)) = customers.of(customer)
        {
            cut(lines, limit, *all, taken, amount);
        }
    }
    Ok(())
}

/// Pays advances, and takes back from what is earned above them what is owed.
pub(crate) fn draws(lines: &Lines<'_>, part: &mut Part) -> Result<(), MoneyError> {
    let Some(draw) = lines.version.limits.draw else {
        return Ok(());
    };
    for partner in part.partners.clone() {
        let mut debt = 0_i64;
        let awards = part.awards_of(lines, partner);
        for amount in part.amounts.get_mut(awards).unwrap_or_default() {
            let earned = *amount;
            if earned < draw.amount_minor {
                if draw.recoverable && !lines.plan.wrong(Fault::ForgetsDebt) {
                    let owed = draw.amount_minor - earned;
                    debt = debt.checked_add(owed).ok_or(MoneyError::Overflow)?;
                }
                *amount = draw.amount_minor;
            } else {
                let repaid = debt.min(earned - draw.amount_minor);
                debt -= repaid;
                *amount = earned - repaid;
            }
        }
    }
    Ok(())
}
