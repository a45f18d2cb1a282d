//! Of a budget some awards can be computed without the others: what those have taken is told as a sum. It
//! comes to the same, to the byte, as long as all that is cut is computed.

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use trellis_core::Timestamp;
use trellis_evaluation::evaluate::{Award, Fact, Facts, Ready, evaluate};
use trellis_evaluation::plan::{LimitScope, PlanVersion, Window};

use crate::scene::{cap, day, invoice, partner, plan, ready, told};

const KNOWN: Timestamp = Timestamp::from_micros(1);

/// A tenth of every invoice, until the budget is spent.
fn budgeted(window: Window, most: i64) -> PlanVersion {
    let mut plan = plan("plan", &[("0", "0.1", 0)]);
    plan.limits.limits = vec![cap(LimitScope::Plan, window, most)];
    plan
}

/// Invoices of one year, many of them on the same days.
fn history(rng: &mut StdRng) -> Vec<Fact> {
    let count = rng.random_range(1..40);
    let invoices = (0..count).map(|at| {
        let date = day("2026-03-01").plus_days(rng.random_range(0..5));
        let minor = rng.random_range(0..40) * 10;
        let mut fact = invoice(&format!("i-{at:02}"), &date.to_string(), minor);
        fact.partner = Some(partner(["nimbus", "orbit"][rng.random_range(0..2)]));
        fact
    });
    invoices.collect()
}

/// What some facts come to when the others have taken so much.
fn beside(ready: &[Ready], facts: &[Fact], window: Window, spent: i64) -> Vec<Award> {
    let from = window.cadence().map(|_| day("2026-01-01"));
    let plan = ready[0].version().plan.clone();
    let facts = Facts {
        spent: [((plan, from), spent)].into(),
        ..told(facts)
    };
    evaluate(ready, &facts, KNOWN).unwrap()
}

/// Random histories of which random awards are left out; answers how many come out otherwise, and how many
/// were cut.
fn compare(forgets: i64) -> (usize, usize) {
    let mut rng = StdRng::seed_from_u64(60);
    let (mut otherwise, mut cut) = (0, 0);
    for _ in 0..2_000 {
        let window = [Window::Year, Window::Lifetime][rng.random_range(0..2)];
        let ready = ready(&[budgeted(window, rng.random_range(1..600))]);
        let mut facts = history(&mut rng);
        facts.shuffle(&mut rng);
        let whole = evaluate(&ready, &told(&facts), KNOWN).unwrap();
        let kept: Vec<Award> = whole
            .iter()
            .filter(|award| award.is_cut() || rng.random())
            .cloned()
            .collect();
        let of = |awards: &[Award]| awards.iter().map(|award| award.entitled).sum::<i64>();
        let ids: Vec<&String> = kept
            .iter()
            .flat_map(|award| &award.trace.fact_ids)
            .collect();
        facts.retain(|fact| ids.contains(&&fact.id));
        let spent = (of(&whole) - of(&kept) - forgets).max(0);
        let found = beside(&ready, &facts, window, spent);
        cut += kept.iter().filter(|award| award.is_cut()).count();
        otherwise += usize::from(found != kept);
    }
    (otherwise, cut)
}

#[test]
fn what_others_have_taken_may_be_told_as_a_sum() {
    let (otherwise, cut) = compare(0);
    println!("{cut} awards were cut");
    assert_eq!(otherwise, 0);
    assert!(cut > 1_000, "{cut}");
}

/// The control: a sum that is a coin less is noticed.
#[test]
fn a_coin_that_others_have_taken_is_noticed() {
    let (otherwise, _) = compare(1);
    println!("{otherwise} histories come out otherwise");
    assert!(otherwise > 100, "{otherwise}");
}
