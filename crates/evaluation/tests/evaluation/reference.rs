//! Random plans over random histories, each computed a second time by the plainest code that there
//! is: everything anew for every award, with fractions that have no bound, and by other formulas.
//! Each award is computed a third time from its trace alone.

use std::collections::BTreeMap;

use crate::checker;
use crate::fraction::Fraction;
use crate::random::{random_history, random_plan};
use crate::scene::*;
use num_bigint::BigInt;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use trellis_core::{Cadence, Date, Period, Timestamp, allocate};
use trellis_evaluation::evaluate::{Award, Fact, Facts, evaluate};
use trellis_evaluation::plan::*;

// The second computation.

struct Naive<'a> {
    plan: &'a PlanVersion,
    facts: &'a [Fact],
}

fn number(rate: trellis_core::Rate) -> Fraction {
    Fraction::decimal(&rate.to_string())
}

impl Naive<'_> {
    fn sales(&self) -> Vec<&Fact> {
        let mut sales: Vec<&Fact> = self
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

    /// What everybody who gets a part weighs, in the order in which they are named first: nothing at
    /// all when nobody gets one.
    fn weights(&self, sale: Option<&Fact>) -> Vec<u64> {
        let (roles, unfilled) = match &self.plan.sharing {
            Sharing::Single => return vec![1],
            Sharing::Funds(funds) => {
                return funds.iter().map(|fund| u64::from(fund.weight)).collect();
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
        let weights = named.into_iter().map(|(_, weight)| weight);
        if filled {
            weights.collect()
        } else {
            Vec::new()
        }
    }

    /// Every award that has a sale: its amount and its parts.
    fn awards(&self) -> BTreeMap<(String, String), (i64, Vec<i64>)> {
        let mut order: Vec<(Date, String, String)> = Vec::new();
        for sale in self.sales() {
            let (date, scope) = self.scope(sale);
            let key = (date, scope, sale.partner.as_ref().unwrap().to_string());
            if !order.contains(&key) {
                order.push(key);
            }
        }
        order.sort();
        let sales_of = |key: &(Date, String, String)| -> Vec<&Fact> {
            let all = self.sales();
            all.into_iter()
                .filter(|sale| {
                    self.scope(sale).1 == key.1 && sale.partner.as_ref().unwrap().as_str() == key.2
                })
                .filter(|sale| self.in_term(sale))
                .collect()
        };
        let mut amounts: Vec<i64> = Vec::new();
        let mut reductions: Vec<Vec<i64>> = Vec::new();
        for key in &order {
            let sales = sales_of(key);
            if sales.is_empty() {
                amounts.push(0);
                reductions.push(Vec::new());
                continue;
            }
            let amount = self.alone(&sales, LAST);
            let claws = self.clawed(&sales, amount);
            amounts.push(amount - claws.iter().sum::<i64>());
            // Day by day, what refunds took away.
            let mut taken = Vec::new();
            let mut days: Vec<Date> = sales
                .iter()
                .flat_map(|sale| self.backs(sale).into_iter().map(|back| back.date))
                .collect();
            days.sort();
            days.dedup();
            if let Some(first) = days.first() {
                let mut before = self.alone(&sales, first.plus_days(-1));
                for day in days {
                    let after = self.alone(&sales, day);
                    if after != before {
                        taken.push(before - after);
                    }
                    before = after;
                }
            }
            reductions.push([taken, claws].concat());
        }
        for limit in self
            .plan
            .limits
            .limits
            .iter()
            .filter(|limit| limit.scope != LimitScope::Award)
        {
            let together = |key: &(Date, String, String)| {
                let who = match limit.scope {
                    LimitScope::Plan => String::new(),
                    LimitScope::Customer => {
                        let sale = key.1.trim_start_matches("fact/");
                        let sale = self
                            .sales()
                            .into_iter()
                            .find(|fact| fact.id == sale)
                            .unwrap();
                        format!("{} {}", key.2, sale.customer.as_ref().unwrap())
                    }
                    _ => key.2.clone(),
                };
                let when = match (limit.window, Self::cadence(limit.window)) {
                    (Window::Event, _) => key.1.clone(),
                    (_, Some(cadence)) => Period::containing(key.0, cadence).label(),
                    _ => String::new(),
                };
                (who, when)
            };
            let before = amounts.clone();
            let mut taken: BTreeMap<(String, String), i64> = BTreeMap::new();
            for (index, key) in order.iter().enumerate() {
                let group = together(key);
                let all: i64 = order
                    .iter()
                    .zip(&before)
                    .filter(|(other, _)| together(other) == group)
                    .map(|(_, amount)| *amount)
                    .sum();
                let used = taken.entry(group).or_default();
                amounts[index] = if limit.min_minor.is_some_and(|least| all < least) {
                    0
                } else {
                    let room = limit
                        .max_minor
                        .map_or(i64::MAX, |most| (most - *used).max(0));
                    before[index].min(room)
                };
                *used += amounts[index];
            }
        }
        let mut found = BTreeMap::new();
        for ((key, amount), reductions) in order.into_iter().zip(amounts).zip(reductions) {
            let weights = self.weights(sales_of(&key).first().copied());
            if weights.iter().sum::<u64>() == 0 {
                found.insert((key.1, key.2), (0, Vec::new()));
                continue;
            }
            let mut parts = allocate((amount + reductions.iter().sum::<i64>()).max(0), &weights);
            let mut taken = reductions;
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
            found.insert((key.1, key.2), (amount, parts));
        }
        found
    }
}

const LAST: Date = Date::from_days(1_000_000);

fn told_by(awards: &[Award]) -> BTreeMap<(String, String), (i64, Vec<i64>)> {
    awards
        .iter()
        .map(|award| {
            let parts = if award.shares.is_empty() {
                vec![0; 1]
            } else {
                award.shares.iter().map(|share| share.minor).collect()
            };
            let key = (award.key.scope.clone(), award.key.partner.to_string());
            (key, (award.entitled, parts))
        })
        .collect()
}

/// 10,000 histories: what the plainest code says; in any order; a second run posts nothing; the trace
/// alone says the same.
#[test]
fn random_histories_are_computed_as_the_reference_does() {
    let mut rng = StdRng::seed_from_u64(1_126);
    let (mut paid, mut awards_seen) = (0_u32, 0_u32);
    for round in 0..10_000 {
        let plan = random_plan(&mut rng);
        let mut facts = random_history(&mut rng);
        let versions = ready(std::slice::from_ref(&plan));
        let now = Timestamp::EPOCH;
        let all = evaluate(&versions, &told(&facts), now).unwrap();
        let reference = Naive {
            plan: &plan,
            facts: &facts,
        }
        .awards();
        let ours = told_by(&all);
        for (key, (amount, parts)) in &reference {
            let (our_amount, our_parts) = &ours[key];
            assert_eq!(
                our_amount, amount,
                "round {round}, {key:?}\n{plan:#?}\n{facts:#?}"
            );
            if *amount > 0 {
                assert_eq!(
                    our_parts, parts,
                    "round {round}, {key:?}\n{plan:#?}\n{facts:#?}"
                );
            }
        }
        assert_eq!(ours.len(), reference.len());
        for award in &all {
            assert_eq!(
                checker::recompute(&award.trace),
                award.entitled,
                "round {round}"
            );
            // A later limit may raise what an earlier one cut.
            let limits = plan.limits.limits.iter();
            let raises = limits.clone().any(|limit| limit.below == Below::RaiseTo);
            let most = limits
                .filter_map(|limit| limit.max_minor)
                .min()
                .filter(|_| !raises);
            assert!(award.entitled >= 0, "round {round}");
            assert!(
                most.is_none_or(|most| award.entitled <= most),
                "round {round}\n{award:#?}"
            );
            awards_seen += 1;
            paid += u32::from(award.entitled > 0);
        }
        facts.shuffle(&mut rng);
        let shuffled = evaluate(&versions, &told(&facts), now).unwrap();
        assert_eq!(shuffled, all, "round {round}");
        let again: Facts = posted(&facts, &all);
        let second = evaluate(&versions, &again, now).unwrap();
        assert!(second.iter().all(|award| award.delta == 0), "round {round}");
    }
    println!("{awards_seen} awards, {paid} of them paid");
    assert!(
        paid > 5_000 && paid < awards_seen,
        "{paid} of {awards_seen}"
    );
}

fn random_stack(rng: &mut StdRng, how: Stacking) -> Vec<PlanVersion> {
    let ids = ["first", "second", "third"];
    let mut plans = Vec::new();
    for (index, id) in ids.into_iter().take(rng.random_range(2..4)).enumerate() {
        let mut plan = random_plan(rng);
        plan.plan = plan_id(id);
        plan.policy.stack = Some(Stack {
            group: "sales".to_owned(),
            how,
            // Two of one rank go by their ids.
            rank: 1 + u32::from(index == 2),
            cap: match rng.random_range(0..3) {
                0 => Some(StackCap::AmountMinor(rng.random_range(1..2_000))),
                1 => Some(StackCap::Share("0.25".parse().unwrap())),
                _ => None,
            },
        });
        plans.push(plan);
    }
    plans
}

/// What plans of one group come to follows from the rule alone, and from no order of facts or plans.
#[test]
fn stacked_plans_pay_the_same_in_any_order() {
    let mut rng = StdRng::seed_from_u64(42);
    let mut cut = 0_u32;
    for round in 0..2_000 {
        let how = [Stacking::Add, Stacking::BestOf, Stacking::First][round % 3];
        let mut plans = random_stack(&mut rng, how);
        let mut facts = random_history(&mut rng);
        for sale in &mut facts {
            sale.deal =
                Some(trellis_core::DealId::try_new(&format!("deal-{}", round % 2)).unwrap());
        }
        let all = awards(&plans, &told(&facts));
        facts.shuffle(&mut rng);
        plans.shuffle(&mut rng);
        assert_eq!(awards(&plans, &told(&facts)), all, "round {round}");
        let alone: Vec<PlanVersion> = plans
            .iter()
            .cloned()
            .map(|mut plan| {
                plan.policy.stack = None;
                plan
            })
            .collect();
        let alone: i64 = awards(&alone, &told(&facts))
            .iter()
            .map(|award| award.entitled)
            .sum();
        let stacked: i64 = all.iter().map(|award| award.entitled).sum();
        assert!(stacked <= alone, "round {round}");
        cut += u32::from(stacked < alone);
        for award in &all {
            assert_eq!(
                checker::recompute(&award.trace),
                award.entitled,
                "round {round}"
            );
        }
    }
    println!("{cut} of 2000 groups were cut");
    assert!(cut > 500, "{cut}");
}

#[test]
fn the_reference_is_exact_itself() {
    let third = Fraction::new(BigInt::from(1), BigInt::from(3));
    assert_eq!(third.plus(&third).plus(&third), Fraction::from(1));
    assert_eq!(
        Fraction::decimal("-1.25").rounded(Rounding::HalfUp),
        BigInt::from(-1)
    );
    assert_eq!(
        Fraction::decimal("2.5").rounded(Rounding::HalfEven),
        BigInt::from(2)
    );
    assert_eq!(
        Fraction::decimal("2.5").rounded(Rounding::HalfUp),
        BigInt::from(3)
    );
}
