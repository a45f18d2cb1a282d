//! Awards by the plainest code that there is: everything anew for every award, with fractions that have
//! no bound, and by other formulas than those of the evaluation.

use std::collections::BTreeMap;

use crate::fraction::Fraction;
use trellis_core::{Cadence, Date, Period, allocate};
use trellis_evaluation::evaluate::Fact;
use trellis_evaluation::plan::*;

/// What awards come to, by what they are for and whose they are: how much, and who gets which part.
pub(crate) type Found = BTreeMap<(String, String), Amount>;

/// How much an award is, and who gets which part.
pub(crate) type Amount = (i64, Vec<(String, i64)>);

/// A day after all others.
const LAST: Date = Date::from_days(1_000_000);

/// What the versions of a plan pay for facts. Of those that hold on a day the one with the highest
/// number counts. What is told in another currency is exchanged at one rate.
pub(crate) fn awards(versions: &[PlanVersion], facts: &[Fact], rate: &str) -> Found {
    let holding = |date: Date| {
        let held = versions.iter().filter(|plan| plan.holds_on(date));
        held.max_by_key(|plan| plan.version)
    };
    let mut all: Vec<Own<'_>> = Vec::new();
    for plan in versions {
        let naive = Naive { plan, facts, rate };
        let held =
            |sale: &&Fact| holding(sale.date).is_some_and(|held| held.version == plan.version);
        all.extend(naive.own(naive.sales().into_iter().filter(held).collect()));
    }
    all.sort_by(|one, other| one.key.cmp(&other.key));
    let limits = versions.last().map_or(&[][..], |plan| &plan.limits.limits);
    for limit in limits {
        if limit.scope != LimitScope::Award {
            together(&mut all, limit);
        }
    }
    all.iter().map(Own::found).collect()
}

/// An award by itself: its day, what it is for, whose it is; the sales within its term; the amount, and
/// what was taken back of it.
struct Own<'a> {
    naive: Naive<'a>,
    key: (Date, String, String),
    sales: Vec<&'a Fact>,
    amount: i64,
    reductions: Vec<i64>,
}

/// Applies a limit that takes awards together, to all of them in their order.
fn together(all: &mut [Own<'_>], limit: &Limit) {
    let groups: Vec<(String, String)> = all.iter().map(|own| own.group(limit)).collect();
    let before: Vec<i64> = all.iter().map(|own| own.amount).collect();
    let mut taken: BTreeMap<&(String, String), i64> = BTreeMap::new();
    for (index, own) in all.iter_mut().enumerate() {
        let group = &groups[index];
        let of_group = groups
            .iter()
            .zip(&before)
            .filter(|(other, _)| *other == group);
        let sum: i64 = of_group.map(|(_, amount)| *amount).sum();
        let used = taken.entry(group).or_default();
        own.amount = if limit.min_minor.is_some_and(|least| sum < least) {
            0
        } else {
            let room = limit
                .max_minor
                .map_or(i64::MAX, |most| (most - *used).max(0));
            before[index].min(room)
        };
        *used += own.amount;
    }
}

impl Own<'_> {
    /// What a limit takes together with it.
    fn group(&self, limit: &Limit) -> (String, String) {
        let (date, scope, partner) = &self.key;
        let who = match limit.scope {
            LimitScope::Plan => String::new(),
            LimitScope::Customer => {
                let sale = scope.trim_start_matches("fact/");
                let sales = self.naive.sales();
                let sale = sales.iter().find(|fact| fact.id == sale).unwrap();
                format!("{partner} {}", sale.customer.as_ref().unwrap())
            }
            _ => partner.clone(),
        };
        let when = match (limit.window, Naive::cadence(limit.window)) {
            (Window::Event, _) => scope.clone(),
            (_, Some(cadence)) => Period::containing(*date, cadence).label(),
            _ => String::new(),
        };
        (who, when)
    }

    /// Who gets which part.
    fn found(&self) -> ((String, String), Amount) {
        let (_, scope, partner) = self.key.clone();
        let amount = self.amount;
        let weighed = self.naive.weights(&partner, self.sales.first().copied());
        let weights: Vec<u64> = weighed.iter().map(|(_, weight)| *weight).collect();
        if weights.iter().sum::<u64>() == 0 {
            return ((scope, partner), (0, Vec::new()));
        }
        let before = amount + self.reductions.iter().sum::<i64>();
        let mut parts = allocate(before.max(0), &weights);
        let mut taken = self.reductions.clone();
        taken.push(i64::MIN);
        for mut reduction in taken {
            let there: i64 = parts.iter().sum();
            if reduction == i64::MIN {
                reduction = there - amount;
            }
            let (by, change) = if reduction >= 0 {
                let by = parts.iter().map(|part| part.unsigned_abs()).collect();
                (by, -reduction.min(there))
            } else {
                (weights.clone(), -reduction)
            };
            for (part, change) in parts.iter_mut().zip(allocate(change, &by)) {
                *part += change;
            }
        }
        if weights.len() == 1 {
            parts = vec![amount];
        }
        let names = weighed.into_iter().map(|(name, _)| name);
        ((scope, partner), (amount, names.zip(parts).collect()))
    }
}

/// The facts as one version of a plan counts them.
#[derive(Clone, Copy)]
struct Naive<'a> {
    plan: &'a PlanVersion,
    facts: &'a [Fact],
    rate: &'a str,
}

fn number(rate: trellis_core::Rate) -> Fraction {
    Fraction::decimal(&rate.to_string())
}

impl<'a> Naive<'a> {
    fn sales(&self) -> Vec<&'a Fact> {
        let mut sales: Vec<&'a Fact> = self
            .facts
            .iter()
            .filter(|fact| fact.kind == FactKind::InvoicePaid)
            .collect();
        sales.sort_by_key(|fact| (fact.date, fact.id.clone()));
        sales
    }

    fn backs(&self, sale: &Fact) -> Vec<&Fact> {
        let mut backs: Vec<&Fact> = self
            .facts
            .iter()
            .filter(|fact| fact.about.as_ref() == Some(&sale.id))
            .collect();
        backs.sort_by_key(|fact| (fact.date, fact.id.clone()));
        backs
    }

    /// Which share a fact takes back, if it is one that the plan takes back for.
    fn claw(&self, sale: &Fact, back: &Fact) -> Option<Fraction> {
        let clawback = self.plan.protection.clawback.as_ref()?;
        let trigger = match back.kind {
            FactKind::Refund => ClawbackTrigger::Refund,
            _ => ClawbackTrigger::Churn,
        };
        if !clawback.triggers.contains(&trigger) {
            return None;
        }
        let days = i64::from(back.date.days() - sale.date.days());
        let mut months = 0;
        while sale.date.plus_months(months + 1) <= back.date {
            months += 1;
        }
        let by_months = clawback.mode == ClawbackMode::LinearMonths;
        let served = if by_months { i64::from(months) } else { days };
        let (window, grace) = (i64::from(clawback.window), i64::from(clawback.grace));
        let part = back.share.map_or(Fraction::from(1), number);
        let share = if served >= window {
            Fraction::from(0)
        } else if grace > 0 && served <= grace {
            Fraction::from(1)
        } else {
            match &clawback.mode {
                ClawbackMode::Full => Fraction::from(1),
                ClawbackMode::Steps(steps) => match steps.as_slice() {
                    [one, _] if days < i64::from(one.until_days) => number(one.share),
                    [_, two] if days < i64::from(two.until_days) => number(two.share),
                    _ => Fraction::from(0),
                },
                _ => Fraction::from(window - served).over(&Fraction::from((window - grace).max(1))),
            }
        };
        Some(share.times(&part))
    }

    /// What a sale counts for, with everything up to a day taken back.
    fn counts(&self, sale: &Fact, until: Date) -> i64 {
        let source = self.plan.measure.source;
        let mut left = match source {
            Source::InvoicePaidNet => sale.amount_minor.unwrap(),
            Source::LineMargin => sale.amount_minor.unwrap() - sale.cost_minor.unwrap(),
            Source::Units => sale.quantity.unwrap(),
            _ => 1,
        };
        for back in self
            .backs(sale)
            .into_iter()
            .filter(|back| back.date <= until)
        {
            match self.claw(sale, back) {
                Some(share) => {
                    let of_period = self.plan.measure.window != Window::Event;
                    if of_period && share > Fraction::from(0) {
                        left = 0;
                    }
                }
                None if back.kind == FactKind::Refund => {
                    let refund = match source {
                        Source::InvoicePaidNet | Source::LineMargin => back.amount_minor.unwrap(),
                        Source::Units => back.quantity.unwrap(),
                        _ => 0,
                    };
                    if left > 0 {
                        left = (left - refund).max(0);
                    } else if refund > 0 {
                        // What was worth less than nothing is worth no more for a refund.
                        left = left.min(0).max(left - refund);
                    }
                }
                None => {}
            }
        }
        if source.quantity() == Quantity::Money && sale.currency != Some(self.plan.currency) {
            let exchanged = Fraction::from(left).times(&Fraction::decimal(self.rate));
            return i64::try_from(exchanged.rounded(Rounding::HalfUp)).unwrap();
        }
        left
    }

    fn in_term(&self, sale: &Fact) -> bool {
        let sales = self.sales();
        let first = sales
            .iter()
            .find(|other| other.partner == sale.partner && other.customer == sale.customer)
            .unwrap();
        match self.plan.limits.term {
            Term::None => true,
            Term::FirstEvent => first.id == sale.id,
            Term::Months { months, .. } => {
                sale.date < first.date.plus_months(i32::try_from(months).unwrap())
            }
        }
    }

    fn cadence(window: Window) -> Option<Cadence> {
        match window {
            Window::Month => Some(Cadence::Month),
            Window::Quarter => Some(Cadence::Quarter),
            Window::Half => Some(Cadence::HalfYear),
            Window::Year => Some(Cadence::Year),
            Window::Event | Window::Lifetime => None,
        }
    }

    /// The text that says what an award is for, and its day.
    fn scope(&self, sale: &Fact) -> (Date, String) {
        let group = match self.plan.measure.group_by {
            GroupBy::PartnerCustomer => format!("/customer/{}", sale.customer.as_ref().unwrap()),
            _ => String::new(),
        };
        match (
            self.plan.measure.window,
            Self::cadence(self.plan.measure.window),
        ) {
            (Window::Event, _) => (sale.date, format!("fact/{}", sale.id)),
            (_, Some(cadence)) => {
                let period = Period::containing(sale.date, cadence);
                (period.start(), format!("{}{group}", period.label()))
            }
            _ => (Date::EPOCH, format!("lifetime{group}")),
        }
    }

    fn target(&self, sale: &Fact) -> i64 {
        let back = match (&self.plan.measure.target, self.plan.measure.window) {
            (Target::Fixed(amount), _) => return *amount,
            (Target::SamePeriodLastYear, _) => 12,
            (_, Window::Month) => 1,
            (_, Window::Quarter) => 3,
            (_, Window::Half) => 6,
            _ => 12,
        };
        let (begin, _) = self.scope(sale);
        let earlier = begin.plus_months(-back);
        let of = |other: &&&Fact| {
            let same = self.plan.measure.group_by != GroupBy::PartnerCustomer
                || other.customer == sale.customer;
            other.partner == sale.partner && same && self.scope(other).0 == earlier
        };
        self.sales()
            .iter()
            .filter(of)
            .map(|other| self.counts(other, LAST))
            .sum()
    }

    /// What a measure pays, exactly; none where it pays nothing for a reason.
    fn exact(&self, measure: i64, target: i64) -> Option<Fraction> {
        let plan = self.plan;
        let compares = matches!(plan.measure.band_by, BandBy::Attainment | BandBy::Growth)
            || plan.measure.pay_on == PayOn::Increment;
        if measure <= 0 || (compares && target <= 0) {
            return None;
        }
        let (x, t) = (Fraction::from(measure), Fraction::from(target));
        let begins: Vec<Fraction> = plan
            .schedule
            .bands
            .iter()
            .map(|band| match plan.measure.band_by {
                BandBy::Attainment => number(band.from).times(&t),
                BandBy::Growth => number(band.from).plus(&Fraction::from(1)).times(&t),
                _ => number(band.from),
            })
            .collect();
        let reached = begins
            .iter()
            .filter(|begin| match plan.schedule.threshold {
                Threshold::AtOrAbove => **begin <= x,
                Threshold::Above => **begin < x,
            })
            .count();
        if reached == 0 {
            return None;
        }
        let number_each = plan.measure.source.quantity() == Quantity::Number;
        let (base, each) = match plan.measure.pay_on {
            PayOn::Measure => (x.clone(), number_each),
            PayOn::Increment => (x.minus(&t).or_nothing(), number_each),
            PayOn::TargetPayout(amount) => (Fraction::from(amount), false),
        };
        let each = Fraction::from(if each { 100 } else { 1 });
        let bands = &plan.schedule.bands;
        Some(match plan.schedule.mode {
            Mode::Whole => {
                let band = &bands[reached - 1];
                base.times(&number(band.rate))
                    .times(&each)
                    .plus(&Fraction::from(band.fixed_minor))
            }
            Mode::Linear if reached == bands.len() => {
                base.times(&number(bands[reached - 1].rate)).times(&each)
            }
            Mode::Linear => {
                // (y0 (x1 - x) + y1 (x - x0)) / (x1 - x0)
                let (x0, x1) = (&begins[reached - 1], &begins[reached]);
                let (y0, y1) = (number(bands[reached - 1].rate), number(bands[reached].rate));
                let rate = y0
                    .times(&x1.minus(&x))
                    .plus(&y1.times(&x.minus(x0)))
                    .over(&x1.minus(x0));
                base.times(&rate).times(&each)
            }
            Mode::Marginal => {
                // Each band adds what it pays more than the one before, for all that lies above it.
                let bottom = if plan.measure.pay_on == PayOn::Increment {
                    t
                } else {
                    Fraction::from(0)
                };
                let mut before = Fraction::from(0);
                let mut sum = Fraction::from(0);
                for (band, begin) in bands.iter().zip(&begins).take(reached) {
                    let begin = if *begin < bottom { &bottom } else { begin };
                    let more = number(band.rate).minus(&before);
                    sum = sum.plus(&x.minus(begin).or_nothing().times(&more).times(&each));
                    sum = sum.plus(&Fraction::from(band.fixed_minor));
                    before = number(band.rate);
                }
                sum
            }
        })
    }

    fn rounded(&self, exact: &Fraction) -> i64 {
        i64::try_from(exact.rounded(self.plan.policy.rounding)).unwrap()
    }

    /// The amount of one award by itself, with what reduced it, up to a day.
    fn alone(&self, sales: &[&Fact], until: Date) -> i64 {
        let measure = sales.iter().map(|sale| self.counts(sale, until)).sum();
        let exact = self.exact(measure, self.target(sales[0]));
        let mut amount = exact.map_or(0, |exact| self.rounded(&exact));
        for limit in self
            .plan
            .limits
            .limits
            .iter()
            .filter(|limit| limit.scope == LimitScope::Award)
        {
            if let Some(least) = limit.min_minor {
                if limit.below == Below::Forfeit && amount < least {
                    amount = 0;
                } else if limit.below == Below::RaiseTo && amount > 0 {
                    amount = amount.max(least);
                }
            }
            amount = amount.min(limit.max_minor.unwrap_or(i64::MAX));
        }
        amount
    }

    fn clawed(&self, sales: &[&Fact], amount: i64) -> Vec<i64> {
        if self.plan.measure.window != Window::Event {
            return Vec::new();
        }
        let mut left = amount;
        let mut claws = Vec::new();
        for back in self.backs(sales[0]) {
            if let Some(share) = self
                .claw(sales[0], back)
                .filter(|share| *share > Fraction::from(0))
            {
                let claw = self
                    .rounded(&Fraction::from(amount).times(&share))
                    .min(left);
                left -= claw;
                claws.push(claw);
            }
        }
        claws
    }

    /// Who gets a part and what each weighs, in the order in which they are named first: nobody at all
    /// when no role is filled.
    fn weights(&self, partner: &str, sale: Option<&Fact>) -> Vec<(String, u64)> {
        let (roles, unfilled) = match &self.plan.sharing {
            Sharing::Single => return vec![(partner.to_owned(), 1)],
            Sharing::Funds(funds) => {
                let fund = |fund: &FundWeight| (format!("{:?}", fund.fund), fund.weight.into());
                return funds.iter().map(fund).collect();
            }
            Sharing::RoleWeights { roles, unfilled } => (roles, unfilled),
        };
        let Some(sale) = sale else {
            return Vec::new();
        };
        let holders = |role: &RoleWeight| -> Vec<String> {
            let parties = sale.parties.iter().filter(|party| party.role == role.role);
            parties.map(|party| party.partner.to_string()).collect()
        };
        // Everything times how many there are of each role, so that each gets a whole number.
        let all: u64 = roles
            .iter()
            .map(|role| holders(role).len().max(1) as u64)
            .product();
        let mut named: Vec<(String, u64)> = Vec::new();
        for role in roles {
            let mut gets = holders(role);
            if gets.is_empty() {
                if *unfilled == Unfilled::Redistribute {
                    continue;
                }
                gets.push("the vendor".to_owned());
            }
            let each = u64::from(role.weight) * all / gets.len() as u64;
            for who in gets {
                match named.iter_mut().find(|(other, _)| *other == who) {
                    Some((_, weight)) => *weight += each,
                    None => named.push((who, each)),
                }
            }
        }
        let filled = roles.iter().any(|role| !holders(role).is_empty());
        if filled { named } else { Vec::new() }
    }
}

impl<'a> Naive<'a> {
    /// The awards of some sales, each by itself.
    fn own(self, held: Vec<&'a Fact>) -> Vec<Own<'a>> {
        let mut keys: BTreeMap<(Date, String, String), Vec<&'a Fact>> = BTreeMap::new();
        for sale in held {
            let (date, scope) = self.scope(sale);
            let key = (date, scope, sale.partner.as_ref().unwrap().to_string());
            keys.entry(key).or_default().push(sale);
        }
        keys.into_iter()
            .map(|(key, sales)| {
                let sales: Vec<&Fact> = sales
                    .into_iter()
                    .filter(|sale| self.in_term(sale))
                    .collect();
                let (amount, reductions) = self.reduced(&sales);
                Own {
                    naive: self,
                    key,
                    sales,
                    amount,
                    reductions,
                }
            })
            .collect()
    }

    /// What some sales come to, and what was taken back of that.
    fn reduced(&self, sales: &[&Fact]) -> (i64, Vec<i64>) {
        if sales.is_empty() {
            return (0, Vec::new());
        }
        let amount = self.alone(sales, LAST);
        let claws = self.clawed(sales, amount);
        // Day by day, what refunds took away.
        let mut taken = Vec::new();
        let mut days: Vec<Date> = sales
            .iter()
            .flat_map(|sale| self.backs(sale).into_iter().map(|back| back.date))
            .collect();
        days.sort();
        days.dedup();
        if let Some(first) = days.first() {
            let mut before = self.alone(sales, first.plus_days(-1));
            for day in days {
                let after = self.alone(sales, day);
                if after != before {
                    taken.push(before - after);
                }
                before = after;
            }
        }
        (amount - claws.iter().sum::<i64>(), [taken, claws].concat())
    }
}
