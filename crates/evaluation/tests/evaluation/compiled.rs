//! A compiled plan is equal to `evaluate`: over random plans and histories of all terms, and over
//! amounts and rates at the edges of what fits, to the error where it does not.

use crate::twice::compare;
use crate::wide::{amounts_at_the_edge, at_the_edge, far, wide_history, wide_plan};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use trellis_evaluation::compiled::{Compiled, NotCompiled};
use trellis_evaluation::evaluate::Ready;
use trellis_evaluation::plan::{Fx, FxDate, FxType, Stack, Stacking};

#[test]
fn random_histories_come_to_the_same() {
    let mut rng = StdRng::seed_from_u64(35);
    let (mut paid, mut overflowed) = (0, 0);
    for round in 0..10_000 {
        let plan = wide_plan(&mut rng);
        let mut facts = wide_history(&mut rng, &plan);
        if round % 50 == 0 {
            for fact in &mut facts.facts {
                if rng.random_ratio(1, 4) {
                    fact.date = far(&mut rng);
                }
            }
        }
        let ready = Ready::new(plan.clone()).unwrap();
        let compiled = Compiled::new(&ready).unwrap();
        let compared = compare(&ready, &compiled, &facts, 1 + round % 3);
        if let Some(difference) = compared.difference {
            panic!("round {round}\n{plan:#?}\n{:#?}\n{difference}", facts.facts);
        }
        paid += compared.paid;
        overflowed += usize::from(compared.overflowed);
    }
    println!("{paid} awards were paid, {overflowed} histories did not fit");
    assert!(paid > 5_000 && overflowed == 0, "{paid}, {overflowed}");
}

/// Compares so many plans and histories of amounts at the edges.
fn edges(cases: usize, seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    let (mut paid, mut overflowed) = (0, 0);
    for round in 0..cases {
        let mut plan = wide_plan(&mut rng);
        at_the_edge(&mut rng, &mut plan);
        let mut facts = wide_history(&mut rng, &plan);
        amounts_at_the_edge(&mut rng, &mut facts.facts);
        facts.facts.truncate(6);
        let ready = Ready::new(plan.clone()).unwrap();
        let compiled = Compiled::new(&ready).unwrap();
        let compared = compare(&ready, &compiled, &facts, 1);
        if let Some(difference) = compared.difference {
            panic!("round {round}\n{plan:#?}\n{:#?}\n{difference}", facts.facts);
        }
        paid += compared.paid;
        overflowed += usize::from(compared.overflowed);
    }
    println!("{cases} cases: {paid} awards were paid, {overflowed} did not fit");
    assert!(
        paid > cases / 20 && overflowed > cases / 20,
        "{paid}, {overflowed}"
    );
}

#[test]
fn amounts_at_the_edge_fit_or_fail_alike() {
    edges(3_000, 36);
}

/// The same a million times, or as often as `TRELLIS_TESTS_MONEY_CASES` says. `make endurance` runs it
/// with optimisation and with checks of every sum.
#[test]
#[ignore = "takes minutes"]
fn a_million_amounts_at_the_edge_fit_or_fail_alike() {
    edges(crate::support::money_cases(), 37);
}

#[test]
fn what_is_not_compiled_says_so() {
    let mut plan = crate::scene::plan("plan", &[("0", "0.1", 0)]);
    plan.policy.fx = Some(Fx {
        rate: FxType::Spot,
        date: FxDate::Event,
    });
    let compiled = |plan| Compiled::new(&Ready::new(plan).unwrap()).map(|_| ());
    assert_eq!(compiled(plan.clone()), Err(NotCompiled::Exchange));
    plan.policy.stack = Some(Stack {
        group: "sales".to_owned(),
        how: Stacking::Add,
        rank: 1,
        cap: None,
    });
    assert_eq!(
        compiled(plan.clone()),
        Err(NotCompiled::Stack("sales".to_owned()))
    );
    plan.policy = Default::default();
    assert_eq!(compiled(plan), Ok(()));
}
