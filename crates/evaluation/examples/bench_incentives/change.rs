//! What one changed fact costs, by how long the history of its award is.

use std::time::Instant;

use trellis_core::{Currency, PartnerId, Timestamp};
use trellis_evaluation::compiled::{Compiled, Loader};
use trellis_evaluation::evaluate::Fact;
use trellis_evaluation::plan::FactKind;

use crate::facts::Made;
use crate::plans::{Rule, Which};

fn sale(line: usize) -> Fact {
    let partner = PartnerId::try_new("partner").unwrap();
    let date = Made::first_day();
    let mut fact = Fact::new(
        &format!("l-{line:08}"),
        FactKind::OrderLine,
        Some(partner),
        date,
    );
    fact.amount_minor = Some(1 + (line as i64 * 7_919) % 50);
    fact.currency = Some(Currency::USD);
    fact
}

fn refund(of: &Fact) -> Fact {
    let mut refund = Fact::new("r-1", FactKind::Refund, None, of.date);
    refund.about = Some(of.id.clone());
    refund.amount_minor = Some(1);
    refund.currency = Some(Currency::USD);
    refund
}

/// The middle of the times of the longest history, in microseconds.
pub(crate) fn measure() -> f64 {
    println!("\n| facts of the award | one refund us | all facts again us |\n|---|---|---|");
    let rules = Rule::all();
    let rule = rules
        .iter()
        .find(|rule| rule.which == Which::MarginalWithCap)
        .unwrap();
    let plans = rule.compiled();
    let mut last = 0.0;
    for facts in [1_000, 100_000, 1_000_000] {
        last = of_history(&plans[0], facts);
    }
    last
}

fn of_history(plan: &Compiled, facts: usize) -> f64 {
    let columns = |refunded: Option<&Fact>| {
        let mut loader = Loader::new(&[plan], Timestamp::EPOCH);
        for line in 0..facts {
            loader.push(&sale(line)).unwrap();
        }
        if let Some(refund) = refunded {
            loader.push(refund).unwrap();
        }
        loader.finish().unwrap()
    };
    let before = columns(None);
    let entitlements = plan.entitle(&before, 1).unwrap();
    let tally = entitlements.iter().next().unwrap().tally().unwrap();
    let changed = sale(facts / 2);
    let refund = refund(&changed);
    let mut times = Vec::new();
    let mut entitled = 0;
    for _ in 0..1_001 {
        let begin = Instant::now();
        let was = plan.counts(&changed, &[]).unwrap();
        let is = plan.counts(&changed, &[&refund]).unwrap();
        entitled = plan.of_tally(tally.changed(was, is), None).unwrap();
        times.push(begin.elapsed());
    }
    times.sort_unstable();
    let after = columns(Some(&refund));
    let begin = Instant::now();
    let again = plan.entitle(&after, 1).unwrap();
    let all = begin.elapsed();
    assert_eq!(again.total(), i128::from(entitled));
    let one = times[times.len() / 2].as_secs_f64() * 1e6;
    println!("| {facts} | {one:.1} | {:.0} |", all.as_secs_f64() * 1e6);
    one
}
