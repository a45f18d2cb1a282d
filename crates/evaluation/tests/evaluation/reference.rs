//! Random plans over random histories, each computed a second time by the plainest code that there
//! is: everything anew for every award, with fractions that have no bound, and by other formulas.
//! Each award is computed a third time from its trace alone.

use std::collections::BTreeMap;

use crate::checker;
use crate::fraction::Fraction;
use crate::naive;
use crate::random::{random_history, random_plan};
use crate::scene::*;
use num_bigint::BigInt;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use trellis_core::Timestamp;
use trellis_evaluation::evaluate::{Award, Facts, evaluate};
use trellis_evaluation::plan::*;

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
        let reference = naive::awards(std::slice::from_ref(&plan), &facts, "1");
        let ours = told_by(&all);
        for (key, (amount, parts)) in &reference {
            let (our_amount, our_parts) = &ours[key];
            assert_eq!(
                our_amount, amount,
                "round {round}, {key:?}\n{plan:#?}\n{facts:#?}"
            );
            if *amount > 0 {
                let parts: Vec<i64> = parts.iter().map(|(_, minor)| *minor).collect();
                assert_eq!(
                    our_parts, &parts,
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
