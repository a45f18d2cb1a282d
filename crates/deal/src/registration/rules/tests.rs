use proptest::prelude::*;
use trellis_core::{AccountId, Currency, DealId, HouseAccountId, Money, PartnerId, ProgramId};
use trellis_core::{TimeZone, Timestamp};
use trellis_store::deal::claim::{EntityScope, Proof, ProofKind};
use trellis_store::deal::deal::DealType;
use trellis_store::deal::eligibility::Facts;
use trellis_store::deal::registration::{Screening, State};
use trellis_store::partner::partner;
use trellis_store::program::program;

use super::*;
use crate::registration::basis::{
    AsksAPerson, Business, Claim, House, Others, RULES_VERSION, Relation, Rival,
};
use crate::registration::conflict::Place;

const DAY: i64 = 86_400_000_000;

/// The beginning of a day, counted from the submission.
fn day(day: i64) -> Timestamp {
    Timestamp::from_micros((20_000 + day) * DAY)
}

fn product(id: &str) -> ProductId {
    ProductId::try_new(id).unwrap()
}

fn relation(certain: bool) -> Relation {
    Relation {
        certain,
        level: "SAME".into(),
        rule: "DOMAIN_AND_NAME".into(),
        score: 980,
        evidence: vec!["DOMAIN \"a\" agrees with \"a\"".into()],
    }
}

fn place(id: &str, submitted: i64) -> Place {
    Place {
        nominated: false,
        submit_time: Some(day(submitted)),
        evidence_score: 0,
        incumbent: false,
        registration: RegistrationId::try_new(id).unwrap(),
    }
}

fn partner(id: &str) -> PartnerId {
    PartnerId::try_new(id).unwrap()
}

/// A registration of the firewall and of backup that nothing stands in the way of, in a program that
/// approves by itself.
pub(in crate::registration) fn free() -> Basis {
    Basis {
        rules_version: RULES_VERSION,
        matching_version: 1,
        now: day(0),
        by_a_person: false,
        waited: false,
        overdue: false,
        asks_a_person: None,
        claim: Claim {
            partner: partner("nimbus"),
            program: ProgramId::try_new("gold").unwrap(),
            account: AccountId::try_new("initech").unwrap(),
            entity_scope: EntityScope::Entity,
            site: None,
            products: vec![product("firewall"), product("backup")],
            territory: None,
            deal_type: DealType::New,
            value: Money::new(100, Currency::USD),
            receive_time: day(0),
            proofs: Vec::new(),
            tender_publish_time: None,
            accept_partial: false,
        },
        place: place("asking", 0),
        facts: Facts {
            partner_state: partner::State::Active,
            suspend_until_time: None,
            program_state: program::State::Active,
            time_zone: TimeZone::utc(),
            currency: Currency::USD,
            registration_clock: program::RegistrationClock::default(),
            protection_days: 90,
            auto_approve: true,
            auto_approve_limit_minor: None,
            conflict_disclosure: program::ConflictDisclosure::Sealed,
            daily_account_budget: 20,
            monthly_account_budget: 100,
            person_open_limit: 100,
            partner_open_limit: 0,
            direct_lookback_days: 180,
            teaming: false,
            incumbent_days: 365,
            evidence_minimum: 0,
            enrolled: true,
        },
        screening: Screening::default(),
        rivals: Vec::new(),
        others: Others::default(),
        neighbours: Vec::new(),
        house: Vec::new(),
        direct: Vec::new(),
        won: Vec::new(),
    }
}

fn with(change: impl FnOnce(&mut Basis)) -> Basis {
    let mut basis = free();
    change(&mut basis);
    basis
}

fn rival(id: &str, of: &str, state: State, products: &[&str]) -> Rival {
    Rival {
        registration: RegistrationId::try_new(id).unwrap(),
        partner: partner(of),
        account: AccountId::try_new("initech").unwrap(),
        relation: relation(true),
        products: products.iter().map(|id| product(id)).collect(),
        state,
        protection_end_time: (state == State::Approved).then(|| day(30)),
        place: place(id, -1),
    }
}

fn kept() -> House {
    House {
        house_account: HouseAccountId::try_new("kept").unwrap(),
        relation: relation(true),
        products: vec![product("backup")],
        valid_from_time: None,
        valid_until_time: None,
    }
}

fn business(of: Option<&str>) -> Business {
    Business {
        deal: DealId::try_new("deal").unwrap(),
        relation: relation(true),
        partner: of.map(partner),
        products: vec![product("backup")],
        deal_type: None,
        create_time: day(-300),
        update_time: day(-10),
        won_time: of.map(|_| day(-100)),
    }
}

fn proof(kind: ProofKind) -> Proof {
    Proof {
        kind,
        date: "2024-01-01".parse().unwrap(),
        note: None,
        sha256: None,
    }
}

fn nominated(basis: &mut Basis) {
    basis.claim.proofs.push(proof(ProofKind::NominationLetter));
    basis.place.nominated = true;
}

fn said(basis: &Basis) -> (String, String) {
    let outcome = decide(basis);
    (outcome.rule, outcome.reason_code)
}

type Change = fn(&mut Basis);

/// What makes each rule decide, in the order of the rules.
const FOUND: [(&str, &str, Change); 9] = [
    ("R1", "INELIGIBLE", |basis| basis.facts.enrolled = false),
    ("R2", "INCOMPLETE", |basis| basis.facts.evidence_minimum = 2),
    ("R3", "TENDER", |basis| {
        basis.claim.tender_publish_time = Some(day(-1));
    }),
    ("R4", "HOUSE", |basis| basis.house.push(kept())),
    ("R5", "DIRECT_ACTIVE", |basis| {
        basis.direct.push(business(None));
    }),
    ("R6", "DUPLICATE_ACTIVE", |basis| {
        let both = &["firewall", "backup"];
        basis
            .rivals
            .push(rival("other", "stratus", State::Approved, both));
    }),
    ("R7", "INCUMBENT", |basis| {
        basis.claim.deal_type = DealType::Renewal;
        basis.won.push(business(Some("stratus")));
    }),
    ("R9", "IDENTITY_REVIEW", |basis| {
        let mut perhaps = rival("perhaps", "stratus", State::Approved, &["backup"]);
        perhaps.relation.certain = false;
        basis.rivals.push(perhaps);
    }),
    ("R10", "ABOVE_LIMIT", |basis| {
        basis.facts.auto_approve_limit_minor = Some(1);
    }),
];

#[test]
fn the_first_rule_that_decides_counts() {
    assert_eq!(said(&free()), ("R10".into(), "AUTOMATIC".into()));
    for (index, (rule, reason_code, _)) in FOUND.iter().enumerate() {
        // All those after it would decide too.
        let basis = with(|basis| {
            for (_, _, find) in &FOUND[index..] {
                find(basis);
            }
        });
        assert_eq!(
            said(&basis),
            ((*rule).to_owned(), (*reason_code).to_owned())
        );
        let answers = decide(&basis).answers;
        let (last, before) = answers.split_last().unwrap();
        assert_eq!(last.result, Result::Decided);
        assert!(
            before.iter().all(|answer| answer.result == Result::Passed),
            "{before:?}"
        );
    }
}

#[test]
fn a_nomination_sets_four_rules_aside_and_asks_a_person() {
    for (rule, _, find) in FOUND {
        let basis = with(|basis| {
            find(basis);
            nominated(basis);
        });
        let yields = ["R4", "R5", "R6", "R7"].contains(&rule);
        let expected = if rule == "R2" {
            "R2"
        } else if yields {
            "R8"
        } else {
            rule
        };
        // A letter is a proof, and one is not two.
        assert_eq!(said(&basis).0, expected, "{rule}");
        if yields {
            let outcome = decide(&basis);
            assert_eq!(outcome.verdict, Verdict::Review);
            let aside = outcome
                .answers
                .iter()
                .find(|answer| answer.rule == rule)
                .unwrap();
            assert_eq!(aside.result, Result::SetAside);
        }
    }
    assert_eq!(said(&with(nominated)), ("R10".into(), "AUTOMATIC".into()));
}

#[test]
fn a_person_is_held_to_who_may_ask_and_who_was_first_and_to_nothing_else() {
    for (rule, _, find) in FOUND {
        for letter in [false, true] {
            let basis = with(|basis| {
                find(basis);
                basis.by_a_person = true;
                if letter {
                    nominated(basis);
                }
            });
            let approved = decide(&basis).verdict == Verdict::Approve;
            assert_eq!(approved, !["R1", "R6"].contains(&rule), "{rule} {letter}");
        }
    }
}

#[test]
fn a_partner_that_takes_less_is_granted_what_is_free() {
    for rule in ["R4", "R5", "R6", "R7"] {
        let (_, reason_code, find) = FOUND.iter().find(|found| found.0 == rule).unwrap();
        let partly = |basis: &mut Basis| {
            find(basis);
            for rival in &mut basis.rivals {
                rival.products = vec![product("backup")];
            }
        };
        let all_or_nothing = decide(&with(partly));
        assert_eq!(all_or_nothing.free, [product("firewall")], "{rule}");
        let expected = if rule == "R6" {
            "PARTIAL_OVERLAP"
        } else {
            reason_code
        };
        assert_eq!(all_or_nothing.reason_code, expected);
        let less = decide(&with(|basis| {
            partly(basis);
            basis.claim.accept_partial = true;
        }));
        assert_eq!(less.verdict, Verdict::Approve, "{rule}");
        assert_eq!(less.products, [product("firewall")]);
        let all_taken = decide(&with(|basis| {
            partly(basis);
            basis.claim.accept_partial = true;
            basis.claim.products = vec![product("backup")];
        }));
        assert_ne!(all_taken.verdict, Verdict::Approve, "{rule}");
    }
}

#[test]
fn the_vendors_own_deal_counts_while_it_is_worked_on() {
    let deal = |change: fn(&mut Business)| {
        let mut deal = business(None);
        change(&mut deal);
        said(&with(|basis| basis.direct.push(deal))).1
    };
    assert_eq!(deal(|_| {}), "DIRECT_ACTIVE");
    assert_eq!(deal(|deal| deal.update_time = day(-180)), "DIRECT_ACTIVE");
    assert_eq!(deal(|deal| deal.update_time = day(-181)), "AUTOMATIC");
    assert_eq!(deal(|deal| deal.create_time = day(0)), "AUTOMATIC");
    assert_eq!(
        deal(|deal| deal.deal_type = Some(DealType::Renewal)),
        "AUTOMATIC"
    );
    let off = with(|basis| {
        basis.direct.push(business(None));
        basis.facts.direct_lookback_days = 0;
    });
    assert_eq!(said(&off).1, "AUTOMATIC");
}

#[test]
fn a_partner_that_can_prove_something_sells_with_the_vendor_where_that_is_wanted() {
    let team = |proofs: &[ProofKind]| {
        decide(&with(|basis| {
            basis.direct.push(business(None));
            basis.facts.teaming = true;
            basis.claim.proofs = proofs.iter().map(|kind| proof(*kind)).collect();
        }))
    };
    let granted = team(&[ProofKind::Poc]);
    assert_eq!(
        (granted.verdict, granted.role),
        (Verdict::Approve, GrantedRole::CoSell)
    );
    assert_eq!(granted.products.len(), 2);
    let refused = team(&[]);
    assert_eq!(refused.verdict, Verdict::Reject);
    assert_eq!(refused.offered_role, Some(OfferedRole::CoSell));
}

#[test]
fn whoever_has_the_customer_renews_and_nobody_else_does() {
    let renewal = |of: &str, change: fn(&mut Basis)| {
        said(&with(|basis| {
            basis.claim.deal_type = DealType::Renewal;
            basis.won.push(business(Some(of)));
            change(basis);
        }))
        .1
    };
    assert_eq!(renewal("stratus", |_| {}), "INCUMBENT");
    assert_eq!(renewal("nimbus", |_| {}), "AUTOMATIC");
    assert_eq!(
        renewal("stratus", |basis| basis.claim.deal_type = DealType::New),
        "AUTOMATIC"
    );
    assert_eq!(
        renewal("stratus", |basis| basis.now = day(265)),
        "INCUMBENT"
    );
    assert_eq!(
        renewal("stratus", |basis| basis.now = day(266)),
        "AUTOMATIC"
    );
    assert_eq!(
        renewal("stratus", |basis| basis.facts.incumbent_days = 0),
        "AUTOMATIC"
    );
    // Both won it: neither keeps the other away.
    let both = |basis: &mut Basis| basis.won.push(business(Some("nimbus")));
    assert_eq!(renewal("stratus", both), "AUTOMATIC");
}

#[test]
fn a_house_account_counts_from_its_beginning_until_its_end() {
    let kept = |from: i64, until: i64| {
        said(&with(|basis| {
            basis.house.push(House {
                valid_from_time: Some(day(from)),
                valid_until_time: Some(day(until)),
                ..kept()
            });
        }))
        .1
    };
    assert_eq!(kept(0, 1), "HOUSE");
    assert_eq!(kept(1, 2), "AUTOMATIC");
    assert_eq!(kept(-1, 0), "AUTOMATIC");
}

#[test]
fn what_may_be_the_same_customer_asks_a_person_whatever_it_is() {
    let perhaps: [fn(&mut Basis); 3] = [
        |basis| basis.house.push(kept()),
        |basis| basis.direct.push(business(None)),
        |basis| {
            basis.claim.deal_type = DealType::Renewal;
            basis.won.push(business(Some("stratus")));
        },
    ];
    for find in perhaps {
        let basis = with(|basis| {
            find(basis);
            let house = basis.house.iter_mut().map(|one| &mut one.relation);
            let deals = basis.direct.iter_mut().chain(&mut basis.won);
            for relation in house.chain(deals.map(|one| &mut one.relation)) {
                relation.certain = false;
            }
        });
        assert_eq!(said(&basis), ("R9".into(), "IDENTITY_REVIEW".into()));
    }
}

#[test]
fn a_tender_counts_from_the_moment_of_its_publication() {
    let published = |at| said(&with(|basis| basis.claim.tender_publish_time = Some(at))).1;
    assert_eq!(published(day(-1)), "TENDER");
    assert_eq!(published(day(0)), "AUTOMATIC");
}

#[test]
fn what_is_missing_is_told_all_at_once() {
    let basis = with(|basis| {
        basis.facts.evidence_minimum = 2;
        basis.claim.entity_scope = EntityScope::Site;
        basis.claim.proofs = vec![Proof {
            date: "2030-01-01".parse().unwrap(),
            ..proof(ProofKind::Mail)
        }];
    });
    let Verdict::NeedsInfo { missing } = decide(&basis).verdict else {
        panic!("it is complete");
    };
    let fields: Vec<_> = missing.iter().map(|one| one.field.as_str()).collect();
    let expected = [
        "registration.proofs",
        "registration.proofs[0].date",
        "registration.site",
    ];
    assert_eq!(fields, expected);
}

#[test]
fn a_person_goes_on_with_what_was_asked_about_or_tried_again_whatever_the_program_does_by_itself() {
    for (why, reason_code) in [
        (AsksAPerson::TriedAgain, "COOL_OFF"),
        (AsksAPerson::AskedForMore, "MANUAL_APPROVAL"),
    ] {
        let mut basis = free();
        assert_eq!(decide(&basis).verdict, Verdict::Approve);
        basis.asks_a_person = Some(why);
        let outcome = decide(&basis);
        assert_eq!(
            (
                outcome.verdict,
                outcome.rule.as_str(),
                outcome.reason_code.as_str()
            ),
            (Verdict::Review, "R10", reason_code)
        );
        // Neither its turn nor a breach changes that.
        basis.overdue = true;
        assert_eq!(decide(&basis).verdict, Verdict::Review);
        basis.waited = true;
        let outcome = decide(&basis);
        assert_eq!(
            (outcome.verdict, outcome.reason_code.as_str()),
            (Verdict::Review, "PROMOTED")
        );
    }
}

#[test]
fn nobodys_response_approves_only_what_the_rules_approve() {
    let mut basis = free();
    basis.facts.auto_approve = false;
    assert_eq!(decide(&basis).reason_code, "MANUAL_APPROVAL");
    basis.overdue = true;
    let outcome = decide(&basis);
    assert_eq!(
        (outcome.verdict, outcome.reason_code.as_str()),
        (Verdict::Approve, "RESPONSE_OVERDUE")
    );
    basis.facts.auto_approve_limit_minor = Some(99);
    assert_eq!(decide(&basis).reason_code, "ABOVE_LIMIT");
}

/// One of the partner's own that came in the same minute, with fewer proofs.
fn own_behind() -> Rival {
    let mut own = rival("own", "nimbus", State::Waitlisted, &["firewall"]);
    own.place.submit_time = Some(day(0));
    own
}

#[test]
fn more_proofs_do_not_hand_in_the_same_twice() {
    let basis = with(|basis| {
        basis.place.evidence_score = 4;
        basis.rivals = vec![own_behind()];
    });
    assert!(
        basis
            .in_the_way(&basis.claim.products, true)
            .next()
            .is_none()
    );
    let of = RegistrationId::try_new("own").unwrap();
    assert_eq!(decide(&basis).verdict, Verdict::SelfDuplicate { of });
    // Of another partner it comes first.
    let others = with(|basis| {
        basis.place.evidence_score = 4;
        basis.rivals = vec![Rival {
            partner: partner("stratus"),
            ..own_behind()
        }];
    });
    assert_eq!(decide(&others).verdict, Verdict::Approve);
}

#[test]
fn one_in_the_line_keeps_its_place_before_what_its_partner_asked_later() {
    for by_a_person in [false, true] {
        let basis = with(|basis| {
            basis.place.evidence_score = 4;
            basis.waited = true;
            basis.by_a_person = by_a_person;
            basis.rivals = vec![own_behind()];
        });
        assert_eq!(decide(&basis).verdict, Verdict::Approve);
    }
}

/// A line of others, some of them protected, the partner's own among them or at another account that may be
/// the customer.
fn crowd() -> impl Strategy<Value = Vec<Rival>> {
    let one = (
        0..4_u8,
        0..3_u8,
        prop::bool::weighted(0.7),
        (-3..3_i64, 0..3_i64, prop::bool::weighted(0.1)),
        prop::bool::weighted(0.1),
    );
    let one = one.prop_map(
        |(state, products, certain, (submitted, score, letter), own)| {
            let states = [
                State::Approved,
                State::Waitlisted,
                State::Submitted,
                State::NeedsInfo,
            ];
            let products: &[&str] = match products {
                0 => &["firewall"],
                1 => &["backup"],
                _ => &["firewall", "backup"],
            };
            let who = if own { "nimbus" } else { "stratus" };
            let mut rival = rival("other", who, states[usize::from(state)], products);
            rival.relation.certain = certain;
            rival.place.submit_time = Some(day(submitted));
            rival.place.evidence_score = score;
            rival.place.nominated = letter;
            rival
        },
    );
    prop::collection::vec(one, 0..12).prop_map(|mut rivals| {
        for (number, rival) in rivals.iter_mut().enumerate() {
            let id = RegistrationId::try_new(&format!("r{number}")).unwrap();
            rival.place.registration = id.clone();
            rival.registration = id;
        }
        rivals
    })
}

proptest! {
    #[test]
    fn whoever_is_left_out_of_what_is_kept_decides_nothing(
        rivals in crowd(),
        (partial, by_a_person, waited, letter) in prop::array::uniform4(prop::bool::ANY)
            .prop_map(|[partial, by_a_person, waited, letter]| (partial, by_a_person, waited, letter)),
        house in prop::bool::ANY,
    ) {
        let all = with(|basis| {
            basis.claim.accept_partial = partial;
            basis.by_a_person = by_a_person;
            basis.waited = waited;
            basis.rivals = rivals;
            if letter {
                nominated(basis);
            }
            if house {
                basis.house.push(kept());
            }
        });
        let left = all.clone().kept();
        prop_assert_eq!(decide(&left), decide(&all));
        let others = left.others.ahead + left.others.behind;
        prop_assert_eq!(left.rivals.len() + usize::try_from(others).unwrap(), all.rivals.len());
        let protected = |basis: &Basis| {
            basis.rivals.iter().filter(|one| one.state == State::Approved).count()
        };
        prop_assert_eq!(protected(&left), protected(&all));
        prop_assert_eq!(left.clone().kept(), left);
    }
}

#[test]
fn of_a_long_line_the_first_is_kept_and_the_others_are_counted() {
    let basis = with(|basis| {
        for number in 0..40_i64 {
            let id = format!("r{number}");
            let mut one = rival(&id, "stratus", State::Waitlisted, &["firewall", "backup"]);
            one.place = place(&id, number - 30);
            basis.rivals.push(one);
        }
    });
    let kept = basis.kept();
    let named: Vec<_> = kept
        .rivals
        .iter()
        .map(|one| one.registration.as_str())
        .collect();
    assert_eq!(named, ["r0"]);
    assert_eq!((kept.others.ahead, kept.others.behind), (29, 10));
}
