//! What the models share, and that it is always the whole.

use proptest::prelude::*;
use trellis_store::deal::part::Role;

use super::*;

const DAY: i64 = 86_400_000_000;

fn touch(partner: &str, day: i64, kind: EvidenceKind) -> Touch {
    Touch {
        time: Timestamp::from_micros(day * DAY),
        kind,
        partner: PartnerId::try_new(partner).unwrap(),
        source: None,
    }
}

fn met(partners: &[&str]) -> Journey {
    let touches = (0_i64..)
        .zip(partners)
        .map(|(day, partner)| touch(partner, day, EvidenceKind::Meeting));
    Journey {
        touches: touches.collect(),
        parts: Vec::new(),
        create_time: Timestamp::from_micros(0),
    }
}

fn points(model: Model, journey: &Journey) -> Vec<i64> {
    share(model, journey, 0, &Settings::default()).touches
}

#[test]
fn first_last_and_linear() {
    let three = met(&["a", "b", "c"]);
    assert_eq!(points(Model::First, &three), [10_000, 0, 0]);
    assert_eq!(points(Model::Last, &three), [0, 0, 10_000]);
    // What is left of a third goes to the earliest.
    assert_eq!(points(Model::Linear, &three), [3_334, 3_333, 3_333]);
}

#[test]
fn u_gives_the_ends_forty_percent() {
    assert_eq!(points(Model::UShaped, &met(&["a"])), [10_000]);
    assert_eq!(points(Model::UShaped, &met(&["a", "b"])), [5_000, 5_000]);
    assert_eq!(
        points(Model::UShaped, &met(&["a", "b", "c"])),
        [4_000, 2_000, 4_000]
    );
    assert_eq!(
        points(Model::UShaped, &met(&["a", "b", "c", "d", "e"])),
        [4_000, 667, 667, 666, 4_000]
    );
}

/// Ten thousand dollars over five touches: what is left of a cent goes to the earlier ones.
#[test]
fn u_shares_money_to_the_cent() {
    let five = met(&["a", "b", "c", "d", "e"]);
    let shared = share(Model::UShaped, &five, 1_000_000, &Settings::default());
    let amounts: Vec<i64> = shared
        .credits
        .iter()
        .map(|credit| credit.amount_minor)
        .collect();
    assert_eq!(amounts, [400_000, 66_667, 66_667, 66_666, 400_000]);
}

#[test]
fn w_gives_thirty_percent_to_each_of_three_touches() {
    let journey = Journey {
        touches: vec![
            touch("a", 0, EvidenceKind::Introduction),
            touch("b", 1, EvidenceKind::Registration),
            touch("c", 2, EvidenceKind::Meeting),
            touch("d", 3, EvidenceKind::Quote),
            touch("e", 9, EvidenceKind::Email),
        ],
        parts: Vec::new(),
        create_time: Timestamp::from_micros(3 * DAY),
    };
    assert_eq!(
        points(Model::WShaped, &journey),
        [3_000, 3_000, 500, 3_000, 500]
    );
    // The first that is the claim too has the share of both, and without others nothing is left for
    // them.
    let two = Journey {
        touches: journey.touches[1..=1].to_vec(),
        ..journey.clone()
    };
    assert_eq!(points(Model::WShaped, &two), [10_000]);
    let no_claim = met(&["a", "b"]);
    // The first made the deal too: 60 of 70.
    assert_eq!(points(Model::WShaped, &no_claim), [8_571, 1_429]);
}

#[test]
fn a_touch_that_is_a_half_life_older_counts_half() {
    let journey = Journey {
        touches: vec![
            touch("a", 0, EvidenceKind::Meeting),
            touch("b", 30, EvidenceKind::Meeting),
            touch("c", 60, EvidenceKind::Meeting),
        ],
        ..met(&[])
    };
    assert_eq!(points(Model::TimeDecay, &journey), [1_429, 2_857, 5_714]);
}

fn part(partner: &str, role: Role, worth: u64) -> Part {
    Part {
        partner: PartnerId::try_new(partner).unwrap(),
        role,
        worth,
    }
}

fn by_parts(parts: Vec<Part>) -> Vec<(String, i64, i64)> {
    let journey = Journey {
        parts,
        ..met(&["z"])
    };
    let shared = share(Model::RoleWeighted, &journey, 1_001, &Settings::default());
    assert!(shared.touches.is_empty());
    let told = |credit: Credit| {
        (
            credit.partner.as_str().to_owned(),
            credit.basis_points,
            credit.amount_minor,
        )
    };
    shared.credits.into_iter().map(told).collect()
}

#[test]
fn parts_share_by_their_weights_and_the_absent_are_left_out() {
    let told = |partner: &str, points, amount| (partner.to_owned(), points, amount);
    let all = vec![
        part("a", Role::Sourced, 0),
        part("b", Role::CoSell, 0),
        part("c", Role::Fulfil, 0),
        part("d", Role::Influenced, 0),
    ];
    assert_eq!(
        by_parts(all),
        [
            told("a", 5_000, 501),
            told("b", 2_000, 200),
            told("c", 3_000, 300)
        ]
    );
    // 50 of 70 and 20 of 70.
    let two = vec![part("a", Role::Sourced, 0), part("b", Role::CoSell, 0)];
    assert_eq!(
        by_parts(two),
        [told("a", 7_143, 715), told("b", 2_857, 286)]
    );
    // Those who fulfil share by their lines.
    let lines = vec![part("b", Role::Fulfil, 900), part("c", Role::Fulfil, 100)];
    assert_eq!(
        by_parts(lines),
        [told("b", 9_000, 901), told("c", 1_000, 100)]
    );
    // One partner in two parts is credited once.
    let one = vec![part("a", Role::Sourced, 0), part("a", Role::Fulfil, 5)];
    assert_eq!(by_parts(one), [told("a", 10_000, 1_001)]);
    // Nobody is credited for a hand in it alone.
    assert!(by_parts(vec![part("d", Role::Influenced, 0)]).is_empty());
}

fn kinds() -> impl Strategy<Value = EvidenceKind> {
    prop_oneof![
        Just(EvidenceKind::Registration),
        Just(EvidenceKind::Lead),
        Just(EvidenceKind::Meeting),
        Just(EvidenceKind::Record),
    ]
}

fn roles() -> impl Strategy<Value = Role> {
    prop_oneof![
        Just(Role::Sourced),
        Just(Role::CoSell),
        Just(Role::Fulfil),
        Just(Role::Influenced),
    ]
}

prop_compose! {
    fn journeys()(
        touches in prop::collection::vec((0..4_u8, -4_000..4_000_i64, kinds()), 0..40),
        parts in prop::collection::vec((0..6_u8, roles(), 0..u64::MAX), 0..12),
        made in -4_000..4_000_i64,
    ) -> Journey {
        let id = |number: u8| format!("p{number}");
        let mut touches: Vec<Touch> = touches
            .into_iter()
            .map(|(partner, day, kind)| touch(&id(partner), day, kind))
            .collect();
        touches.sort();
        Journey {
            touches,
            parts: parts
                .into_iter()
                .map(|(partner, role, worth)| part(&id(partner), role, worth))
                .collect(),
            create_time: Timestamp::from_micros(made * DAY),
        }
    }
}

proptest! {
    #[test]
    fn every_model_shares_exactly_the_whole(
        journey in journeys(),
        amount in 0..i64::MAX,
        half_life in 1..u64::from(u32::MAX),
        (sourced, co_sell, fulfil) in (0..4_u32, 0..4_u32, 0..1_000_001_u32),
    ) {
        let half_life = Duration::from_secs(half_life);
        let weights = Weights { sourced, co_sell, fulfil };
        let weighs = |role: Role| match role {
            Role::Sourced => sourced > 0,
            Role::CoSell => co_sell > 0,
            Role::Fulfil => fulfil > 0,
            Role::Influenced => false,
        };
        let settings = Settings { half_life, weights };
        for model in Model::ALL {
            let shared = share(model, &journey, amount, &settings);
            let points: i64 = shared.credits.iter().map(|credit| credit.basis_points).sum();
            let amounts: i128 =
                shared.credits.iter().map(|credit| i128::from(credit.amount_minor)).sum();
            let nobody = match model {
                Model::RoleWeighted => !journey.parts.iter().any(|part| weighs(part.role)),
                _ => journey.touches.is_empty(),
            };
            let whole = if nobody { (0, 0) } else { (WHOLE, i128::from(amount)) };
            prop_assert_eq!((points, amounts), whole, "{:?}", model);
            prop_assert!(shared.credits.iter().all(|credit| credit.amount_minor >= 0));
            let by_touch: i64 = shared.touches.iter().sum();
            if model != Model::RoleWeighted {
                prop_assert_eq!(by_touch, whole.0, "{:?}", model);
                prop_assert_eq!(shared.touches.len(), journey.touches.len());
            }
        }
    }

    #[test]
    fn a_later_touch_never_counts_less(journey in journeys(), half_life in 1..u64::from(u32::MAX)) {
        let weights = decay::weights(&journey.touches, Duration::from_secs(half_life));
        prop_assert!(weights.windows(2).all(|pair| pair[0] <= pair[1]), "{weights:?}");
    }
}
