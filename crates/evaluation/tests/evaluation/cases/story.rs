//! What is not known is a reason, and what is known a story.

use crate::scene::*;
use trellis_evaluation::evaluate::{Fact, NotPaid};
use trellis_evaluation::plan::*;
use trellis_evaluation::predicate::Value;

#[test]
fn what_is_not_known_is_named() {
    let mut plan = plan("plan", &[("0", "0.1", 0)]);
    plan.audience = "partner.tier == 'gold'".to_owned();
    let mut sale = invoice("i-1", "2026-05-04", 80_000);
    let named = |plan: &PlanVersion, fact: &Fact| only(plan, std::slice::from_ref(fact)).not_paid;
    let missing = |field: &str| Some(NotPaid::MissingFact(field.to_owned()));
    assert_eq!(named(&plan, &sale), missing("partner.tier"));
    sale.fields.set("partner.tier", Value::from("silver"));
    assert_eq!(named(&plan, &sale).unwrap().name(), "NOT_IN_AUDIENCE");
    sale.fields.set("partner.tier", Value::from("gold"));
    assert_eq!(named(&plan, &sale), None);
    sale.amount_minor = None;
    assert_eq!(named(&plan, &sale), missing("amount_minor"));
    plan.measure.source = Source::LineMargin;
    sale.amount_minor = Some(80_000);
    assert_eq!(named(&plan, &sale), missing("cost_minor"));
    sale.cost_minor = Some(50_000);
    assert_eq!(only(&plan, std::slice::from_ref(&sale)).entitled, 3_000);
    sale.currency = Some(currency("EUR"));
    assert_eq!(named(&plan, &sale).unwrap().name(), "CURRENCY_MISMATCH");
    plan.limits.term = Term::FirstEvent;
    sale.customer = None;
    assert_eq!(named(&plan, &sale), missing("customer"));
}

#[test]
fn as_it_was_known_then() {
    let plan = plan("plan", &[("0", "0.1", 0)]);
    let mut sale = invoice("i-1", "2026-05-04", 80_000);
    sale.recorded = trellis_core::Timestamp::from_micros(10);
    let mut corrected = sale.clone();
    (corrected.revision, corrected.amount_minor) = (2, Some(90_000));
    corrected.recorded = trellis_core::Timestamp::from_micros(20);
    let mut withdrawn = corrected.clone();
    (withdrawn.revision, withdrawn.withdrawn) = (3, true);
    withdrawn.recorded = trellis_core::Timestamp::from_micros(30);
    let facts = told(&[withdrawn, sale, corrected]);
    let at = |micros| {
        let moment = trellis_core::Timestamp::from_micros(micros);
        let found = trellis_evaluation::evaluate::evaluate(
            &ready(std::slice::from_ref(&plan)),
            &facts,
            moment,
        );
        found
            .unwrap()
            .iter()
            .map(|award| award.entitled)
            .collect::<Vec<_>>()
    };
    assert_eq!(at(9), Vec::<i64>::new());
    assert_eq!(at(10), [8_000]);
    assert_eq!(at(20), [9_000]);
    assert_eq!(at(30), Vec::<i64>::new());
}

#[test]
fn the_story_of_an_award() {
    let plan = over(
        Window::Quarter,
        Mode::Whole,
        &[
            ("0", "0.05", 0),
            ("10000000", "0.06", 0),
            ("25000000", "0.08", 0),
        ],
    );
    let mut facts = told(&[
        invoice("i-1", "2026-05-04", 12_000_000),
        invoice("i-2", "2026-06-04", 8_000_000),
    ]);
    facts.posted.insert(
        key("2026-Q2"),
        trellis_evaluation::evaluate::Posted {
            minor: 577_125,
            paid_minor: 0,
            version: 1,
            before: Vec::new(),
        },
    );
    let award = &awards(&[plan], &facts)[0];
    assert_eq!(
        award.trace.summary(),
        "Version 1 of plan plan holds for 2026-Q2. 2 of 2026-Q2 reached 200,000.00 USD. The band from \
         100,000.00 USD applies to all of it: 6 % of 200,000.00 USD: 12,000.00 USD. Already credited \
         5,771.25 USD. Now credited 6,228.75 USD."
    );
    assert_eq!(award.next.unwrap().missing, 5_000_000);
    assert_eq!(
        award.next_band().unwrap(),
        "50,000.00 USD more reach the band from 250,000.00 USD."
    );
}

#[test]
fn a_trace_is_the_same_bytes_for_the_same_inputs() {
    let plan = plan("plan", &[("0", "0.1", 0)]);
    let sale = invoice("i-1", "2026-05-04", 80_000);
    let hash = |plan: &PlanVersion, fact: &Fact| {
        let award = only(plan, std::slice::from_ref(fact));
        assert_eq!(
            award.trace.canonical_bytes(),
            only(plan, std::slice::from_ref(fact))
                .trace
                .canonical_bytes()
        );
        award.trace.hash()
    };
    let told = hash(&plan, &sale);
    // Kept, so that a change of the arithmetic or of the form is seen.
    assert_eq!(
        told,
        "9e03692617ad3b5c8c3fd17b85fa8b374dde7b41bf5e151c285d800319bcc614"
    );
    let mut later = sale.clone();
    later.recorded = trellis_core::Timestamp::from_micros(5);
    assert_eq!(
        hash(&plan, &later),
        told,
        "when it became known is no part of it"
    );
    let mut other = sale.clone();
    other.fields.set("customer.country", "DE");
    assert_ne!(hash(&plan, &other), told);
    let mut renamed = plan.clone();
    renamed.name = "another".to_owned();
    assert_eq!(
        hash(&renamed, &sale),
        told,
        "what people call the plan is no part of it"
    );
    let mut other = plan.clone();
    other.policy.may_reduce_paid = !plan.policy.may_reduce_paid;
    assert_ne!(hash(&other, &sale), told, "what it says is");
}
