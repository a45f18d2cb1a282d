//! What holds for all facts and plans. The numbers are those of the invariants that the whole service is tested for.

use proptest::prelude::*;
use trellis_core::incentive::Kind;
use trellis_core::incentive::terms::{self, Below, Limits, Mode, Terms, Threshold, Window};
use trellis_core::{DealId, PartnerId, PlanId};

use super::entitlement::Entitlement;
use super::measure::{Amounts, by_deal, changes, standing_win};
use super::period::Scope;
use super::trace::{self, Subject};
use super::vectors::{Told, amounts, date, fact, facts, rules, terms};

/// Up to five bands by rising beginning. `rising` makes rates that do not fall.
fn bands(rising: bool) -> impl Strategy<Value = Vec<terms::Band>> {
    let one = (1..1_000_000_i64, 0..=100_i64, 0..1_000_i64);
    prop::collection::vec(one, 1..5).prop_map(move |mut raw| {
        let (mut from, mut least) = (0, 0);
        raw.iter_mut()
            .enumerate()
            .map(|(index, (step, percent, fixed))| {
                if index > 0 {
                    from += *step;
                }
                if rising {
                    *percent = (*percent).max(least);
                    least = *percent;
                }
                let rate = format!("{}.{:02}", *percent / 100, *percent % 100);
                let fixed_minor = if rising { 0 } else { *fixed };
                terms::Band {
                    from_minor: from,
                    rate: rate.parse().unwrap(),
                    fixed_minor,
                }
            })
            .collect()
    })
}

fn mode() -> impl Strategy<Value = Mode> {
    prop_oneof![Just(Mode::Marginal), Just(Mode::Whole)]
}

fn any_terms() -> impl Strategy<Value = Terms> {
    let threshold = prop_oneof![Just(Threshold::AtOrAbove), Just(Threshold::Above)];
    (bands(false), mode(), threshold, 0..60_i32).prop_map(|(bands, mode, threshold, hold_days)| {
        let mut terms = terms(mode, bands);
        terms.schedule.threshold = threshold;
        terms.hold_days = hold_days;
        terms
    })
}

/// The facts of some deals: each won, perhaps refunded, perhaps reopened, perhaps won again.
fn any_facts() -> impl Strategy<Value = Vec<Told>> {
    let deal = (
        1..1_000_000_i64,
        0..=100_i64,
        any::<bool>(),
        any::<bool>(),
        0..90_i32,
    );
    prop::collection::vec(deal, 1..8).prop_map(|deals| {
        let mut facts = Vec::new();
        for (index, (won, refunded, reopened, again, day)) in deals.into_iter().enumerate() {
            let mut of_deal = vec![fact(Kind::DealWon, 1, won)];
            if refunded > 0 {
                of_deal.push(fact(Kind::DealRefunded, 1, won * refunded / 100));
            }
            if reopened {
                of_deal.push(fact(Kind::DealReopened, 1, 0));
                if again {
                    of_deal.push(fact(Kind::DealWon, 2, won / 2));
                }
            }
            for fact in &mut of_deal {
                fact.deal = DealId::try_new(&format!("deal-{index}")).unwrap();
                fact.occur_date = date("2026-04-01").plus_days(day);
            }
            facts.extend(of_deal);
        }
        facts
    })
}

fn added_up(told: &[Told]) -> Amounts {
    let mut amounts = Amounts::new();
    for facts in by_deal(facts(told)).into_values() {
        if let Some(win) = standing_win(facts.iter().copied()) {
            let sum = amounts.entry(win.group()).or_default();
            *sum = sum.plus(win.sum()).unwrap();
        }
    }
    amounts
}

fn hash(entitlement: &Entitlement) -> String {
    let (plan, partner) = (
        PlanId::try_new("p").unwrap(),
        PartnerId::try_new("n").unwrap(),
    );
    let deal = DealId::try_new("deal-1").unwrap();
    let scope = Scope::of(&deal, date("2026-05-04"), Window::Quarter);
    let subject = Subject {
        plan: &plan,
        version: Some(1),
        version_hash: &[0; 32],
        partner: &partner,
        scope: &scope,
    };
    trace::hash(&subject, entitlement)
}

proptest! {
    /// I10: whatever the order in which facts arrive, the result and its trace are the same.
    #[test]
    fn the_order_of_facts_makes_no_difference(
        (facts, shuffled) in any_facts().prop_flat_map(|facts| {
            (Just(facts.clone()), Just(facts).prop_shuffle())
        }),
        terms in any_terms(),
    ) {
        let rules = rules(terms);
        let one = rules.entitle(&added_up(&facts)).unwrap();
        let other = rules.entitle(&added_up(&shuffled)).unwrap();
        prop_assert_eq!(hash(&one), hash(&other));
        prop_assert_eq!(one, other);
    }

    /// However the facts are cut into batches, the changes add up to the same amounts.
    #[test]
    fn changes_add_up_to_the_amounts_of_all_facts(
        told in any_facts().prop_shuffle(), batch in 1..5_usize,
    ) {
        let mut running = Amounts::new();
        let mut known: Vec<Told> = Vec::new();
        for fresh in told.chunks(batch) {
            for ((_, group), change) in changes(&facts(&known), &facts(fresh)).unwrap() {
                let sum = running.entry(group).or_default();
                *sum = sum.plus(change).unwrap();
            }
            known.extend_from_slice(fresh);
        }
        running.retain(|_, sum| sum.deals != 0);
        prop_assert_eq!(running, added_up(&told));
    }

    /// I12: under a plan whose rates do not fall, selling more never earns less.
    #[test]
    fn selling_more_never_earns_less(
        bands in bands(true), mode in mode(), less in 0..5_000_000_i64, more in 0..5_000_000_i64,
    ) {
        let rules = rules(terms(mode, bands));
        let entitled = |minor| {
            rules.entitle(&amounts(&[("2026-05-04", minor, minor)])).unwrap().entitled
        };
        prop_assert!(entitled(less) <= entitled(less + more));
    }

    /// I13: an award is never negative and never above its cap.
    #[test]
    fn an_award_is_never_negative_and_never_above_its_cap(
        mut plan in any_terms(),
        minor in 0..5_000_000_i64,
        minimum in prop::option::of(0..10_000_i64),
        above_minimum in prop::option::of(0..1_000_000_i64),
        raise in any::<bool>(),
    ) {
        let maximum_minor = above_minimum.map(|above| minimum.unwrap_or_default() + above);
        let below = if raise { Below::RaiseTo } else { Below::Forfeit };
        plan.limits = Limits { minimum_minor: minimum, below, maximum_minor };
        let result = rules(plan).entitle(&amounts(&[("2026-05-04", minor, minor)])).unwrap();
        prop_assert!(result.entitled >= 0);
        prop_assert!(maximum_minor.is_none_or(|maximum| result.entitled <= maximum));
        prop_assert_eq!(result.not_paid.is_some(), result.entitled == 0);
    }

    /// The slices are the whole: their bases add up to the measure above the floor, their amounts to
    /// the exact result, and rounding moves that by half a coin at most.
    #[test]
    fn the_slices_add_up(plan in any_terms(), minor in 1..5_000_000_i64) {
        let mode = plan.schedule.mode;
        let result = rules(plan).entitle(&amounts(&[("2026-05-04", minor, minor)])).unwrap();
        let bases: i128 = result.slices.iter().map(|slice| slice.base).sum();
        if mode == Mode::Marginal || !result.slices.is_empty() {
            prop_assert_eq!(bases, i128::from(minor));
        }
        let exact: super::schedule::Exact = result.slices.iter().map(|slice| slice.exact).sum();
        prop_assert_eq!(exact, result.exact);
        let off = exact - num_rational::Ratio::from(i128::from(result.rounded));
        prop_assert!(off * 2 <= 1.into() && off * 2 >= (-1).into());
    }

    /// What is out of its hold is never more than what was earned, and all of it in the end.
    #[test]
    fn every_hold_ends(facts in any_facts(), plan in any_terms(), day in 0..200_i32) {
        let rules = rules(plan);
        let amounts = added_up(&facts);
        let entitled = rules.entitle(&amounts).unwrap().entitled;
        let today = date("2026-04-01").plus_days(day);
        let maturity = rules.maturity(&amounts, entitled, today);
        prop_assert!((0..=entitled).contains(&maturity.matured));
        prop_assert!(maturity.next.is_none_or(|next| next > today));
        if maturity.next.is_none() {
            prop_assert_eq!(maturity.matured, entitled);
        }
    }
}
