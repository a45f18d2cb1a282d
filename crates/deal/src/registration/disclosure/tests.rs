use trellis_api::deal::v1 as pb;
use trellis_core::{AccountId, Currency, EcosystemId, PartnerId, ProductId, RegistrationId};
use trellis_store::deal::claim::{EntityScope, Proofs};
use trellis_store::deal::deal::DealType;
use trellis_store::deal::registration::Products;

use super::*;

const SEALED: Seen = Seen::Partner(ConflictDisclosure::Sealed);
const TOLD: Seen = Seen::Partner(ConflictDisclosure::State);

fn decision(rule: &str, reason_code: &str) -> Decision {
    Decision {
        rule: rule.to_owned(),
        reason_code: reason_code.to_owned(),
        note: Some("Cirrus was first".to_owned()),
        blocked_by: Some(RegistrationId::try_new("rival").unwrap()),
        actor: "kim".to_owned(),
        decide_time: Timestamp::from_micros(70),
    }
}

fn registration(state: State, decision: Option<Decision>) -> Model {
    let granted = matches!(
        state,
        State::Approved | State::Converted | State::Expired | State::Revoked
    );
    Model {
        ecosystem: EcosystemId::try_new("acme").unwrap(),
        id: RegistrationId::try_new("one").unwrap(),
        display_name: None,
        partner: PartnerId::try_new("nimbus").unwrap(),
        creator: "ada".to_owned(),
        program: ProgramId::try_new("gold").unwrap(),
        account: AccountId::try_new("initech").unwrap(),
        products: Products(vec![ProductId::try_new("firewall").unwrap()]),
        territory: None,
        deal_type: DealType::New,
        estimated_minor: 0,
        currency: Currency::USD,
        expected_close_date: None,
        note: None,
        evidence: None,
        entity_scope: EntityScope::Entity,
        site: None,
        proofs: Proofs::default(),
        tender_publish_time: None,
        accept_partial: false,
        state,
        contends: true,
        nominated: false,
        evidence_score: 0,
        incumbent: false,
        submit_time: (state != State::Draft).then(|| Timestamp::from_micros(51)),
        receive_time: (state != State::Draft).then(|| Timestamp::from_micros(50)),
        tick_time: None,
        decision,
        suspicion: None,
        screening: None,
        judged: None,
        waitlist_position: (state == State::Waitlisted).then_some(3),
        granted_role: None,
        protection_start_time: granted.then(|| Timestamp::from_micros(60)),
        protection_end_time: granted.then(|| Timestamp::from_micros(90)),
        deal: None,
        info_request: None,
        info_due_time: None,
        resubmission_count: 0,
        extension_count: 0,
        response_due_time: None,
        response_days_left: None,
        escalation_time: None,
        final_escalation_time: None,
        escalation_level: 0,
        transfers: Transfers::default(),
        version: 2,
        create_time: Timestamp::EPOCH,
        update_time: Timestamp::from_micros(50),
    }
}

/// What the wire would show of a registration.
fn visible(registration: &Model, seen: Seen) -> pb::Registration {
    crate::registration::convert::wire(shown(registration.clone(), seen))
}

#[test]
fn under_the_seal_one_that_waits_is_like_one_that_nobody_decided_about() {
    let free = registration(State::Submitted, Some(decision("R10", "MANUAL_APPROVAL")));
    let mut first = free.clone();
    first.submit_time = first.receive_time;
    for reason in ["DUPLICATE_ACTIVE", "PROMOTED"] {
        let taken = registration(State::Waitlisted, Some(decision("R6", reason)));
        assert_eq!(visible(&taken, SEALED), visible(&first, SEALED));
        // The control: the staff see which is which.
        assert_ne!(visible(&taken, Seen::Staff), visible(&first, Seen::Staff));
    }
}

#[test]
fn whatever_is_told_names_no_rule_and_nobody() {
    let states = [
        State::Draft,
        State::Submitted,
        State::Approved,
        State::Rejected,
        State::Waitlisted,
        State::Converted,
        State::Expired,
        State::Withdrawn,
        State::NeedsInfo,
        State::Revoked,
    ];
    for state in states {
        for seen in [SEALED, TOLD] {
            let told = visible(&registration(state, Some(decision("R6", "BEATEN"))), seen);
            assert_eq!(told.waitlist_position, 0, "{state:?}");
            let Some(decision) = told.decision else {
                continue;
            };
            assert_eq!(
                (decision.rule, decision.note),
                (String::new(), String::new())
            );
            let coarse = ["APPROVED", NOT_ELIGIBLE, INCOMPLETE, POLICY];
            assert!(coarse.contains(&decision.reason_code.as_str()), "{state:?}");
        }
    }
}

#[test]
fn a_refusal_has_one_of_three_reasons() {
    let reason = |word: &str| {
        let told = [State::Rejected, State::Revoked].map(|state| {
            let refused = registration(state, Some(decision("STAFF", word)));
            shown(refused, SEALED).decision.unwrap().reason_code
        });
        assert_eq!(told[0], told[1]);
        told[0].clone()
    };
    assert_eq!(reason("INELIGIBLE"), "NOT_ELIGIBLE");
    assert_eq!(reason("NO_EVIDENCE"), "INCOMPLETE");
    assert_eq!(reason("DUPLICATE_ACTIVE"), "POLICY");
    assert_eq!(reason("CIRRUS_WAS_FIRST"), "POLICY");
}

#[test]
fn a_program_that_tells_says_that_one_waits_and_no_more() {
    let taken = registration(State::Waitlisted, Some(decision("R6", "DUPLICATE_ACTIVE")));
    let told = shown(taken.clone(), TOLD);
    assert_eq!(told.state, State::Waitlisted);
    let promoted = registration(State::Waitlisted, Some(decision("R10", "PROMOTED")));
    assert_eq!(visible(&promoted, TOLD), visible(&taken, TOLD));
}

#[test]
fn a_tick_is_a_full_hour_at_least_a_quarter_away() {
    let at = |minutes: i64| tick(Timestamp::from_micros(minutes * MINUTE)).micros() / MINUTE;
    assert_eq!(at(0), 60);
    assert_eq!(at(45), 60);
    assert_eq!(at(46), 120);
    assert_eq!(at(60), 120);
    let later = tick(Timestamp::from_micros(45 * MINUTE + 1)).micros();
    assert_eq!(later, 120 * MINUTE);
}

#[test]
fn a_filter_finds_what_is_shown() {
    let test = |field, comparison, text: &str| Filter::Test {
        field,
        comparison,
        value: Value::Text(text.to_owned()),
    };
    let state = |text: &str| test("state", Comparison::Equal, text);
    let gold = ProgramId::try_new("gold").unwrap();

    let submitted = filtered(state("SUBMITTED"), &[]);
    let both = Filter::Any(vec![state("SUBMITTED"), state("WAITLISTED")]);
    assert_eq!(submitted, both);
    let waiting = filtered(state("WAITLISTED"), &[]);
    let never = Filter::All(vec![state("WAITLISTED"), state("SUBMITTED")]);
    assert_eq!(waiting, never);
    let told = filtered(state("WAITLISTED"), &[gold]);
    let of_gold = Filter::Any(vec![test("program", Comparison::Equal, "gold")]);
    assert_eq!(told, Filter::All(vec![state("WAITLISTED"), of_gold]));
    let other = filtered(test("state", Comparison::NotEqual, "SUBMITTED"), &[]);
    assert_eq!(other, Filter::Not(Box::new(both)));
    let when = filtered(test("submit_time", Comparison::Less, "1"), &[]);
    assert_eq!(when, test("receive_time", Comparison::Less, "1"));
}
