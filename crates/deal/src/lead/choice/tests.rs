use std::collections::HashMap;

use proptest::prelude::*;
use trellis_core::PartnerId;
use trellis_store::deal::lead_routing::Ineligibility;

use super::*;

fn candidate(at: usize, weight: i32, open_leads: i64, eligible: bool) -> Candidate {
    Candidate {
        partner: PartnerId::try_new(&format!("partner-{at}")).unwrap(),
        ineligibilities: if eligible {
            Vec::new()
        } else {
            vec![Ineligibility::AtCapacity]
        },
        weight,
        open_leads,
        capacity: 0,
        drawn_from: false,
    }
}

fn of(weights: &[i32], open: &[i64]) -> Vec<Candidate> {
    let pairs = weights.iter().zip(open).enumerate();
    pairs
        .map(|(at, (weight, open))| candidate(at, *weight, *open, true))
        .collect()
}

fn place(weights: &[i32], chosen: &PartnerId) -> usize {
    let names = (0..weights.len()).map(|at| format!("partner-{at}"));
    names
        .into_iter()
        .position(|name| name == chosen.as_str())
        .unwrap()
}

/// What each partner gets of so many leads that all stay open.
fn kept_open(
    weights: &[i32],
    leads: usize,
    rule: impl Fn(&str, Vec<Candidate>) -> usize,
) -> Vec<i64> {
    let mut open = vec![0; weights.len()];
    for lead in 0..leads {
        let at = rule(&format!("lead-{lead}"), of(weights, &open));
        open[at] += 1;
    }
    open
}

fn chosen(weights: &[i32]) -> impl Fn(&str, Vec<Candidate>) -> usize {
    let weights = weights.to_vec();
    move |lead, candidates| {
        let routing = choose(lead, 7, candidates);
        place(&weights, &routing.partner.unwrap())
    }
}

/// The most by which somebody is above their part of all leads.
fn most_above(weights: &[i32], got: &[i64]) -> f64 {
    let all: i64 = got.iter().sum();
    let sum: i32 = weights.iter().sum();
    let above = weights.iter().zip(got).map(|(weight, got)| {
        #[expect(clippy::cast_precision_loss, reason = "small counts")]
        let part = all as f64 * f64::from(*weight) / f64::from(sum);
        #[expect(clippy::cast_precision_loss, reason = "small counts")]
        let got = *got as f64;
        got - part
    });
    above.fold(0.0, f64::max)
}

proptest! {
    #[test]
    fn whoever_is_chosen_is_eligible_and_nobody_eligible_has_less(
        rows in prop::collection::vec((1_i32..50, 0_i64..50, any::<bool>()), 0..20),
        seed in 0_i64..,
    ) {
        let rows = rows.iter().enumerate();
        let candidates: Vec<_> = rows
            .map(|(at, (weight, open, eligible))| candidate(at, *weight, *open, *eligible))
            .collect();
        let routing = choose("lead", seed, candidates.clone());
        let eligible: Vec<_> =
            candidates.iter().filter(|one| one.ineligibilities.is_empty()).collect();
        match &routing.partner {
            None => prop_assert!(eligible.is_empty()),
            Some(partner) => {
                let chosen = eligible.iter().find(|one| one.partner == *partner);
                let chosen = chosen.expect("whoever is chosen is eligible");
                for other in &eligible {
                    let (mine, theirs) = (
                        chosen.open_leads * i64::from(other.weight),
                        other.open_leads * i64::from(chosen.weight),
                    );
                    prop_assert!(mine <= theirs, "{chosen:?} {other:?}");
                }
            }
        }
    }

    #[test]
    fn the_same_seed_chooses_the_same_in_whatever_order_the_candidates_come(
        rows in prop::collection::vec((1_i32..50, 0_i64..3), 1..20),
        seed in 0_i64..,
        turn in 0_usize..20,
    ) {
        let (weights, open): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        let one = of(&weights, &open);
        let mut other = one.clone();
        other.rotate_left(turn % one.len());
        prop_assert_eq!(choose("lead", seed, one), choose("lead", seed, other));
    }

    #[test]
    fn of_leads_that_stay_open_nobody_has_more_than_one_above_their_part(
        weights in prop::collection::vec(1_i32..20, 1..8),
        leads in 1_usize..200,
    ) {
        let got = kept_open(&weights, leads, chosen(&weights));
        prop_assert!(most_above(&weights, &got) <= 1.0 + 1e-9, "{got:?} of {weights:?}");
    }
}

#[test]
fn a_draw_alone_does_not_keep_the_shares_of_open_leads() {
    let weights = [3, 2, 1];
    let blind = |lead: &str, candidates: Vec<Candidate>| {
        let level = candidates.into_iter().map(|one| Candidate {
            open_leads: 0,
            ..one
        });
        place(&weights, &choose(lead, 7, level.collect()).partner.unwrap())
    };
    let above = most_above(&weights, &kept_open(&weights, 600, blind));
    assert!(above > 1.0, "{above}");
    let fair = most_above(&weights, &kept_open(&weights, 600, chosen(&weights)));
    assert!(fair <= 1.0, "{fair}");
}

/// Five standard deviations of a binomial count: a right draw is beyond them once in a million.
fn is_within_five_deviations(got: i64, leads: i64, weight: i32, sum: i32) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    let (got, leads) = (got as f64, leads as f64);
    let part = f64::from(weight) / f64::from(sum);
    (got - leads * part).abs() <= 5.0 * (leads * part * (1.0 - part)).sqrt()
}

#[test]
fn of_leads_that_are_done_with_at_once_the_draw_keeps_the_shares() {
    let weights = [5, 3, 1, 1];
    let mut got = [0_i64; 4];
    for lead in 0..20_000 {
        let name = format!("ecosystems/acme/leads/lead-{lead}");
        let routing = choose(&name, seed(&name, 1), of(&weights, &[0; 4]));
        got[place(&weights, &routing.partner.unwrap())] += 1;
    }
    for (weight, got) in weights.into_iter().zip(got) {
        assert!(
            is_within_five_deviations(got, 20_000, weight, 10),
            "{weight}: {got}"
        );
    }
    // The control: shares that are all the same are not these.
    assert!(!is_within_five_deviations(5_000, 20_000, 5, 10));
    println!("{got:?} of {weights:?}");
}

#[test]
fn other_seeds_and_other_leads_choose_otherwise() {
    let weights = [1; 10];
    let count = |routings: &mut dyn Iterator<Item = Routing>| {
        let mut seen = HashMap::new();
        for routing in routings {
            *seen.entry(routing.partner.unwrap()).or_insert(0) += 1;
        }
        seen.len()
    };
    let level = || of(&weights, &[0; 10]);
    assert_eq!(
        count(&mut (0..200).map(|seed| choose("lead", seed, level()))),
        10
    );
    assert_eq!(
        count(&mut (0..200).map(|lead| choose(&format!("lead-{lead}"), 7, level()))),
        10
    );
    assert_eq!(count(&mut (0..200).map(|_| choose("lead", 7, level()))), 1);
}

/// Worked out apart, with Python: `int.from_bytes(sha256((7).to_bytes(8, "big") + name).digest()[:8],
/// "big")`.
#[test]
fn the_draw_is_what_anybody_can_work_out() {
    let name = "ecosystems/acme/leads/initech";
    assert_eq!(drawn(name, 7, i64::MAX), DRAWN);
    assert_eq!(drawn(name, 7, 10), DRAWN_OF_TEN);
    assert_eq!(drawn(name, 7, 0), 0);
}

const DRAWN: i64 = 3_290_350_109_989_561_307;
const DRAWN_OF_TEN: i64 = 4;
