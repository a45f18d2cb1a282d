//! Terms, limits, advances, versions and groups of plans.

use super::{of, rate};
use crate::scene::*;
use trellis_evaluation::evaluate::{Detail, Fact, NotPaid};
use trellis_evaluation::plan::*;

#[test]
fn n15_limits_see_rounded_amounts() {
    let mut plan = plan("plan", &[("0", "0.025", 0)]);
    plan.limits.limits = vec![Limit {
        min_minor: Some(20_000),
        ..cap(LimitScope::Award, Window::Event, 1_200_000)
    }];
    for (minor, expected) in [
        (799_979, 0),
        (799_980, 20_000),
        (48_000_000, 1_200_000),
        (48_000_040, 1_200_000),
        (50_000_000, 1_200_000),
    ] {
        assert_eq!(of(&plan, minor), expected, "{minor}");
    }
    let forfeited = only(&plan, &[invoice("i-1", "2026-05-04", 799_979)]);
    assert_eq!(reason(&forfeited), "BELOW_MINIMUM");
}

#[test]
fn n32_draws() {
    let mut plan = over(Window::Month, Mode::Marginal, &[("0", "1", 0)]);
    plan.kind = Kind::Draw;
    let earn = |amounts: &[i64]| -> Vec<Fact> {
        let month = |(index, minor): (usize, &i64)| {
            invoice(
                &format!("i-{index}"),
                &format!("2026-{:02}-10", index + 1),
                *minor,
            )
        };
        amounts.iter().enumerate().map(month).collect()
    };
    plan.limits.draw = Some(Draw {
        amount_minor: 200_000,
        recoverable: true,
    });
    let facts = earn(&[275_000, 300_000, 150_000, 237_500, 300_000, 275_000]);
    let paid = awards(std::slice::from_ref(&plan), &told(&facts));
    assert_eq!(
        amounts(&paid),
        [275_000, 300_000, 200_000, 200_000, 287_500, 275_000]
    );
    let debts: Vec<i64> = paid
        .iter()
        .flat_map(|award| &award.trace.steps)
        .filter_map(|step| match step.detail {
            Detail::Draw { debt_after, .. } => Some(debt_after),
            _ => None,
        })
        .collect();
    assert_eq!(debts, [0, 0, 50_000, 12_500, 0, 0]);
    plan.limits.draw = Some(Draw {
        amount_minor: 150_000,
        recoverable: true,
    });
    let paid = awards(
        std::slice::from_ref(&plan),
        &told(&earn(&[50_000, 300_000])),
    );
    assert_eq!(amounts(&paid), [150_000, 200_000]);
    plan.limits.draw = Some(Draw {
        amount_minor: 150_000,
        recoverable: false,
    });
    let paid = awards(
        std::slice::from_ref(&plan),
        &told(&earn(&[50_000, 300_000])),
    );
    assert_eq!(amounts(&paid), [150_000, 300_000]);
}

#[test]
fn n34_recurring_for_twelve_months() {
    let mut plan = plan("plan", &[("0", "0.2", 0)]);
    plan.limits.term = Term::Months {
        months: 12,
        anchor: Anchor::Event,
    };
    let facts: Vec<Fact> = (0..13)
        .map(|month| {
            let date = day("2026-01-15").plus_months(month).to_string();
            invoice(&format!("i-{month:02}"), &date, 4_999)
        })
        .collect();
    let paid = awards(std::slice::from_ref(&plan), &told(&facts));
    assert_eq!(amounts(&paid), [vec![1_000; 12], vec![0]].concat());
    let last = paid
        .iter()
        .find(|award| award.key.scope == "fact/i-12")
        .unwrap();
    assert_eq!(reason(last), "TERM_ENDED");
    plan.limits.term = Term::FirstEvent;
    let paid = awards(std::slice::from_ref(&plan), &told(&facts[..3]));
    assert_eq!(amounts(&paid), [1_000, 0, 0]);
    assert_eq!(
        paid.iter()
            .filter(|award| reason(award) == "NOT_FIRST_EVENT")
            .count(),
        2
    );
}

#[test]
fn n37_versions_by_the_day() {
    let mut first = plan("plan", &[("0", "0.10", 0)]);
    first.effective_until = Some(day("2026-07-01"));
    let mut second = plan("plan", &[("0", "0.12", 0)]);
    (second.version, second.effective_from) = (2, day("2026-07-01"));
    let facts = [
        invoice("i-1", "2026-06-30", 100_000),
        invoice("i-2", "2026-07-01", 100_000),
    ];
    let versions = [first.clone(), second.clone()];
    let before = awards(&versions, &told(&facts));
    assert_eq!(amounts(&before), [10_000, 12_000]);
    let mut retro = plan("plan", &[("0", "0.11", 0)]);
    retro.version = 3;
    retro.effective_from = day("2026-06-01");
    retro.effective_until = Some(day("2026-07-01"));
    let after = awards(
        &[first.clone(), second, retro.clone()],
        &posted(&facts, &before),
    );
    let deltas: Vec<(i32, i64)> = after
        .iter()
        .map(|award| (award.version, award.delta))
        .collect();
    assert_eq!(deltas, [(3, 1_000), (2, 0)]);
    // What was paid is not reduced, unless the version may.
    retro.schedule.bands = bands(&[("0", "0.05", 0)]);
    let mut paid = posted(&facts[..1], &before[..1]);
    paid.posted
        .values_mut()
        .for_each(|posted| posted.paid_minor = 8_000);
    let kept = awards(&[first.clone(), retro.clone()], &paid);
    assert_eq!((kept[0].entitled, kept[0].delta), (8_000, -2_000));
    // A refund is not the version: what the old one would pay of the rest is all that is kept.
    let refund = back("r-1", FactKind::Refund, "i-1", "2026-07-15", 40_000);
    let mut refunded = paid.clone();
    refunded.facts.push(refund);
    let kept = awards(&[first.clone(), retro.clone()], &refunded);
    assert_eq!((kept[0].entitled, kept[0].delta), (6_000, -4_000));
    retro.policy.may_reduce_paid = true;
    let reduced = awards(&[first, retro], &paid);
    assert_eq!((reduced[0].entitled, reduced[0].delta), (5_000, -5_000));
}

#[test]
fn n42_plans_of_one_group() {
    let stacked = |how: Stacking, cap: Option<StackCap>| {
        let mut commission = plan("commission", &[("0", "0.12", 0)]);
        let stack = |rank, cap| {
            Some(Stack {
                group: "sales".to_owned(),
                how,
                rank,
                cap,
            })
        };
        commission.policy.stack = stack(1, cap);
        let mut spiff = plan("spiff", &[("0", "0", 15_000)]);
        spiff.measure.source = Source::Count;
        spiff.policy.stack = stack(2, None);
        awards(
            &[commission, spiff],
            &told(&[invoice("i-1", "2026-05-04", 100_000)]),
        )
    };
    let best = stacked(Stacking::BestOf, None);
    assert_eq!(
        best.iter().map(|award| award.entitled).collect::<Vec<_>>(),
        [0, 15_000]
    );
    assert_eq!(
        best[0].not_paid,
        Some(NotPaid::StackedOut(plan_id("spiff")))
    );
    let paid = |awards: Vec<trellis_evaluation::evaluate::Award>| {
        awards
            .iter()
            .map(|award| award.entitled)
            .collect::<Vec<_>>()
    };
    assert_eq!(paid(stacked(Stacking::Add, None)), [12_000, 15_000]);
    assert_eq!(paid(stacked(Stacking::First, None)), [12_000, 0]);
    let capped = stacked(Stacking::Add, Some(StackCap::Share(rate("0.2"))));
    assert_eq!(paid(capped), [12_000, 8_000]);
}

#[test]
fn n43_a_budget_runs_out() {
    let mut plan = plan("plan", &[("0", "0", 15_000)]);
    plan.measure.source = Source::Count;
    plan.limits.limits = vec![cap(LimitScope::Plan, Window::Lifetime, 100_000)];
    let facts: Vec<Fact> = (1..=8)
        .map(|at| invoice(&format!("i-{at}"), "2026-05-04", 1))
        .collect();
    let paid = awards(std::slice::from_ref(&plan), &told(&facts));
    let expected = [vec![15_000; 6], vec![10_000, 0]].concat();
    assert_eq!(amounts(&paid), expected);
    let eighth = paid
        .iter()
        .find(|award| award.key.scope == "fact/i-8")
        .unwrap();
    assert_eq!(reason(eighth), "BUDGET_EXHAUSTED");
}

#[test]
fn n44_and_n45_a_limit_per_customer_and_a_refund() {
    let mut plan = plan("plan", &[("0", "1", 0)]);
    plan.limits.limits = vec![cap(LimitScope::Customer, Window::Month, 50_000)];
    let sale = |at: usize| invoice(&format!("i-{at}"), &format!("2026-05-{at:02}"), 20_000);
    let four: Vec<Fact> = (1..=4).map(sale).collect();
    let paid = awards(std::slice::from_ref(&plan), &told(&four));
    assert_eq!(amounts(&paid), [20_000, 20_000, 10_000, 0]);
    // Another customer, and another month, have limits of their own.
    let mut other = sale(5);
    other.customer = Some("fabrikam".to_owned());
    let june = invoice("i-6", "2026-06-01", 20_000);
    let more = [four.clone(), vec![other, june]].concat();
    assert_eq!(
        amounts(&awards(std::slice::from_ref(&plan), &told(&more)))[4..],
        [20_000, 20_000]
    );
    // The first is refunded: the limit is applied anew, so that 400 of the 500 stay.
    let three = &four[..3];
    let before = awards(std::slice::from_ref(&plan), &told(three));
    let refund = back("r-1", FactKind::Refund, "i-1", "2026-05-20", 20_000);
    let facts = [three, &[refund]].concat();
    let after = awards(std::slice::from_ref(&plan), &posted(&facts, &before));
    assert_eq!(amounts(&after), [0, 20_000, 20_000]);
    assert_eq!(after.iter().map(|award| award.delta).sum::<i64>(), -10_000);
}

/// What is earned before takes from a budget, and is news to those only of whom it takes something.
#[test]
fn what_others_took_is_news_where_it_cuts() {
    let mut plan = plan("plan", &[("0", "0.1", 0)]);
    plan.limits.limits = vec![cap(LimitScope::Plan, Window::Year, 100_000)];
    let mut facts = vec![
        invoice("i-2", "2026-05-05", 900_000),
        invoice("i-3", "2026-05-06", 500_000),
        invoice("i-4", "2026-05-07", 500_000),
    ];
    let before = awards(std::slice::from_ref(&plan), &told(&facts));
    assert_eq!(amounts(&before), [90_000, 10_000, 0]);
    facts.push(invoice("i-1", "2026-05-04", 100));
    let after = awards(std::slice::from_ref(&plan), &told(&facts));
    assert_eq!(amounts(&after), [10, 90_000, 9_990, 0]);
    let same: Vec<bool> = before
        .iter()
        .zip(&after[1..])
        .map(|(before, after)| before.trace.hash() == after.trace.hash())
        .collect();
    assert_eq!(same, [true, false, true]);
}
