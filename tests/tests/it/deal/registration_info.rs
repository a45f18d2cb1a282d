//! `RequestRegistrationInfo`: asking a partner for more, and what becomes of its place in the line.

use tonic::Code;
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::registration::State;
use trellis_core::Timestamp;
use trellis_tests::{on_both, refused};

use super::desk::{read, seconds};
use super::market::{Market, automatic, manual, usd};

/// Noon of Friday, 20 March 2026 by UTC. In Berlin the clocks are put forward on the 29th.
const IN_MARCH: i64 = 1_774_008_000;

/// Midnight in Berlin after Friday, 3 April, the tenth business day after: 22:00 by UTC, and not 23:00.
const INFO_DUE: i64 = 1_775_253_600;

/// Noon of Friday, 23 October 2026 by UTC. In Berlin the clocks are put back on the 25th.
const IN_OCTOBER: i64 = 1_792_756_800;

/// Midnight in Berlin after Friday, 6 November: 23:00 by UTC, and not 22:00.
const INFO_DUE_IN_NOVEMBER: i64 = 1_794_006_000;

/// One that stands first in the line, and one behind it.
async fn two(market: &Market) -> [pb::Registration; 2] {
    let [nimbus, stratus] = market.partners_at_work(["nimbus", "stratus"]).await;
    let first = market.submit(market.claim(&nimbus)).await;
    let second = market.submit(market.claim(&stratus)).await;
    assert_eq!(second.state(), State::Waitlisted);
    [first, second]
}

fn reason(registration: &pb::Registration) -> &str {
    registration
        .decision
        .as_ref()
        .map_or("", |decision| decision.reason_code.as_str())
}

on_both! {
    async fn whoever_is_asked_answers_from_the_place_that_it_has(world: World) {
        let market = Market::open(world).await;
        let [first, second] = two(&market).await;
        let asked = market.ask(&first.name).await.unwrap().into_inner();
        assert_eq!(asked.state(), State::NeedsInfo);
        let question = asked.info_request.clone().unwrap();
        assert_eq!((question.note.as_str(), question.fields.as_slice()), (
            "Whom did you meet?", &["evidence".to_owned()][..],
        ));
        refused(
            market.approve(&first.name).await, Code::FailedPrecondition, "ILLEGAL_TRANSITION",
        ).tells("state", "NEEDS_INFO");
        // Nobody overtakes meanwhile.
        refused(
            market.approve(&second.name).await, Code::FailedPrecondition, "REGISTRATION_CONFLICT",
        );
        // To ask for less is no other claim.
        let mended = pb::Registration {
            evidence: "Met Ms Lumbergh on 2026-02-20.".to_owned(),
            estimated_value: usd(4_000),
            ..asked.clone()
        };
        market.edit(mended, &["evidence", "estimated_value"]).await.unwrap();
        let again = market.hand_in(&first.name).await.unwrap().into_inner();
        assert_eq!((again.state(), again.resubmission_count), (State::Submitted, 1));
        assert_eq!(again.submit_time, first.submit_time);
        assert_eq!((reason(&again), again.info_due_time), ("MANUAL_APPROVAL", None));
        assert_eq!(market.registration(&second.name).await.waitlist_position, 1);
        refused(
            market.approve(&second.name).await, Code::FailedPrecondition, "REGISTRATION_CONFLICT",
        );
        market.approve(&first.name).await.unwrap();
        market.tells(&first.name, &[
            "registration.created", "registration.submitted", "registration.cleared",
            "registration.screened", "registration.info_requested", "registration.updated",
            "registration.resubmitted", "registration.cleared", "registration.approved",
        ]).await;
    }

    async fn another_claim_gives_the_place_up_at_once(world: World) {
        let market = Market::open(world).await;
        let [first, second] = two(&market).await;
        let emea = market.territory("emea", "", &["DE"]).await;
        let asked = market.ask(&first.name).await.unwrap().into_inner();
        let raised = pb::Registration { estimated_value: usd(5_001), ..asked };
        let raised = market.edit(raised, &["estimated_value"]).await.unwrap().into_inner();
        assert_eq!(raised.state(), State::NeedsInfo);
        // The next one has its turn before the first is handed in again.
        let next = market.registration(&second.name).await;
        assert_eq!(reason(&next), "PROMOTED");
        let again = market.hand_in(&first.name).await.unwrap().into_inner();
        assert_eq!((again.state(), again.waitlist_position), (State::Waitlisted, 2));
        assert_eq!(again.resubmission_count, 1);
        market.approve(&second.name).await.unwrap();

        // Each of the others is another claim as well.
        let [cirrus, stratus] = market.partners_at_work(["cirrus", "altus"]).await;
        let globex = |partner: &str| pb::Registration {
            account: market.name("accounts", "globex"), ..market.claim(partner)
        };
        type Change = fn(&Market, pb::Registration) -> pb::Registration;
        let changes: [(&str, Change); 4] = [
            ("products", |market, one| pb::Registration {
                products: vec![market.name("products", "backup"), market.name("products", "firewall")],
                ..one
            }),
            ("territory", |market, one| pb::Registration {
                territory: market.name("territories", "emea"), ..one
            }),
            ("deal_type", |_, one| pb::Registration {
                deal_type: pb::DealType::Renewal.into(), ..one
            }),
            ("account", |market, one| pb::Registration {
                account: market.name("accounts", "initech"), ..one
            }),
        ];
        assert!(!emea.is_empty());
        for (field, change) in changes {
            let ahead = market.submit(globex(&cirrus)).await;
            let behind = market.submit(globex(&stratus)).await;
            assert_eq!(behind.state(), State::Waitlisted, "{field}");
            let asked = market.ask(&ahead.name).await.unwrap().into_inner();
            market.edit(change(&market, asked), &[field]).await.unwrap();
            assert_eq!(reason(&market.registration(&behind.name).await), "PROMOTED", "{field}");
            market.withdraw(&ahead.name).await.unwrap();
            market.withdraw(&behind.name).await.unwrap();
        }
    }

    async fn nobody_keeps_a_place_at_a_customer_that_was_not_asked_for_in_time(world: World) {
        let market = Market::open(world).await;
        let [first, _] = two(&market).await;
        let asked = market.ask(&first.name).await.unwrap().into_inner();
        let account = market.name("accounts", "globex");
        market.edit(pb::Registration { account: account.clone(), ..asked }, &["account"]).await.unwrap();
        let cirrus = market.partner("cirrus").await;
        market.enroll(&cirrus, "gold").await;
        let other = market.submit(pb::Registration { account, ..market.claim(&cirrus) }).await;
        assert_eq!(other.state(), State::Submitted);
        let again = market.hand_in(&first.name).await.unwrap().into_inner();
        assert_eq!(again.state(), State::Waitlisted);
    }

    async fn another_customer_costs_of_the_budget_and_the_same_one_does_not(world: World) {
        let market = Market::open(world).await;
        let mut settings = manual();
        settings.daily_account_budget = Some(1);
        market.program("narrow", settings).await;
        let nimbus = market.partner("nimbus").await;
        market.enroll(&nimbus, "narrow").await;
        let claim = pb::Registration {
            program: market.name("programs", "narrow"), ..market.claim(&nimbus)
        };
        let one = market.submit(claim).await;
        let asked = market.ask(&one.name).await.unwrap().into_inner();
        // The control: what is no other customer is no other cost.
        let raised = pb::Registration { estimated_value: usd(6_000), ..asked };
        market.edit(raised, &["estimated_value"]).await.unwrap();
        market.hand_in(&one.name).await.unwrap();
        let asked = market.ask(&one.name).await.unwrap().into_inner();
        let account = market.name("accounts", "globex");
        market.edit(pb::Registration { account, ..asked }, &["account"]).await.unwrap();
        let over = market.hand_in(&one.name).await;
        refused(over, Code::ResourceExhausted, "SUBMISSION_BUDGET").tells("spent", "1");
    }

    async fn one_that_waited_is_asked_alike_and_waits_again_where_it_stood(world: World) {
        let market = Market::open(world).await;
        let [first, second] = two(&market).await;
        let cirrus = market.partner("cirrus").await;
        market.enroll(&cirrus, "gold").await;
        let third = market.submit(market.claim(&cirrus)).await;
        assert_eq!(third.waitlist_position, 2);
        // Under the seal, being asked tells neither that somebody is first nor that nobody is.
        let seats = [market.admin(&first.partner).await, market.admin(&second.partner).await];
        let mut told = Vec::new();
        for (seat, one) in seats.iter().zip([&first, &second]) {
            market.ask(&one.name).await.unwrap();
            let asked = read(seat, &one.name).await;
            assert_eq!((asked.state(), asked.decision.clone()), (State::NeedsInfo, None));
            market.hand_in(&one.name).await.unwrap();
            let again = read(seat, &one.name).await;
            assert_eq!((again.state(), again.decision.clone()), (State::Submitted, None));
            let events = market.events_about(&one.name).await.len();
            told.push((asked.etag, again.etag, again.waitlist_position, events));
        }
        assert_eq!(told[0], told[1]);
        let places = |registration: pb::Registration| {
            (registration.state(), registration.waitlist_position)
        };
        assert_eq!(places(market.registration(&second.name).await), (State::Waitlisted, 1));
        assert_eq!(places(market.registration(&third.name).await), (State::Waitlisted, 2));
        market.ask(&second.name).await.unwrap();
        assert_eq!(places(market.registration(&third.name).await), (State::Waitlisted, 1));
        // Whoever is asked keeps those behind waiting, also when nobody is ahead any more.
        market.withdraw(&first.name).await.unwrap();
        assert_eq!(reason(&market.registration(&third.name).await), "DUPLICATE_ACTIVE");
        let again = market.hand_in(&second.name).await.unwrap().into_inner();
        assert_eq!(again.state(), State::Submitted);
    }

    async fn a_partner_is_asked_as_often_as_the_program_lets_it_answer(world: World) {
        let market = Market::open(world).await;
        let [first, _] = two(&market).await;
        for answered in 1..=3 {
            market.ask(&first.name).await.unwrap();
            let again = market.hand_in(&first.name).await.unwrap().into_inner();
            assert_eq!(again.resubmission_count, answered);
        }
        refused(market.ask(&first.name).await, Code::FailedPrecondition, "PRECONDITION")
            .tells("resource", &first.name);
        market.approve(&first.name).await.unwrap();
    }

    async fn what_is_not_answered_is_taken_back_at_local_midnight(world: World) {
        let market = Market::open(world).await;
        for (asked_at, due) in [(IN_MARCH, INFO_DUE), (IN_OCTOBER, INFO_DUE_IN_NOVEMBER)] {
            let ids = match due {
                INFO_DUE => ["nimbus", "stratus", "cirrus"],
                _ => ["altus", "boreas", "corona"],
            };
            let partners = market.partners_at_work(ids).await;
            market.until(asked_at).await;
            let [first, second, other] = partners;
            let first = market.submit(market.claim(&first)).await;
            let second = market.submit(market.claim(&second)).await;
            let account = market.name("accounts", "globex");
            let other = market.submit(pb::Registration { account, ..market.claim(&other) }).await;
            for one in [&first, &other] {
                let asked = market.ask(&one.name).await.unwrap().into_inner();
                assert_eq!(seconds(asked.info_due_time), due);
            }
            let seat = market.admin(&first.partner).await;
            let before = market.until(due - 1).await;
            assert_eq!(read(&before, &first.name).await.state(), State::NeedsInfo);
            let answered = market.hand_in(&other.name).await.unwrap().into_inner();
            assert_eq!(answered.state(), State::Submitted);
            for at in [due, due + 1] {
                let now = market.until(at).await;
                let late = read(&now, &first.name).await;
                assert_eq!((late.state(), reason(&late)), (State::Withdrawn, "INFO_DEADLINE_PASSED"));
                assert_eq!(seconds(late.decision.unwrap().decide_time), due);
                assert_eq!(late.info_due_time, None);
                assert_eq!(reason(&read(&seat, &first.name).await), "INFO_DEADLINE_PASSED");
                assert_eq!(reason(&read(&now, &second.name).await), "PROMOTED");
                assert_eq!(read(&now, &other.name).await.state(), State::Submitted);
                let late = market.hand_in(&first.name).await;
                refused(late, Code::FailedPrecondition, "ILLEGAL_TRANSITION")
                    .tells("state", "WITHDRAWN");
            }
            market.tells(&first.name, &[
                "registration.created", "registration.submitted", "registration.cleared",
                "registration.screened", "registration.info_requested", "registration.withdrawn",
            ]).await;
            for one in [&second, &other] {
                market.withdraw(&one.name).await.unwrap();
            }
        }
    }

    async fn what_was_not_answered_stands_in_nobodys_way_before_anybody_swept(world: World) {
        let market = Market::open(world).await;
        let parent = market.ecosystem("plain").await;
        let plain = Market { world: market.world.clone(), parent };
        plain.product("firewall", None).await;
        plain.account("initech", &[]).await;
        plain.program("gold", automatic(usd(1))).await;
        let [nimbus, stratus] = plain.partners_at_work(["nimbus", "stratus"]).await;
        let first = plain.submit(plain.claim(&nimbus)).await;
        let asked = plain.ask(&first.name).await.unwrap().into_inner();
        let draft = plain.draft(plain.claim(&stratus)).await;
        let due = seconds(asked.info_due_time);
        plain.clock().set(Timestamp::from_micros(due * 1_000_000));
        // The sweep may or may not have been quicker: it makes no difference.
        let second = plain.hand_in(&draft.name).await.unwrap().into_inner();
        assert_eq!(second.state(), State::Submitted);
        let first = plain.registration(&first.name).await;
        assert_eq!((first.state(), reason(&first)), (State::Withdrawn, "INFO_DEADLINE_PASSED"));
    }

    async fn a_dry_run_tells_a_partner_what_handing_in_again_would(world: World) {
        let market = Market::open(world).await;
        let [_, second] = two(&market).await;
        market.ask(&second.name).await.unwrap();
        let seat = market.admin(&second.partner).await;
        let request = |validate_only| pb::SubmitRegistrationRequest {
            name: second.name.clone(), validate_only, ..pb::SubmitRegistrationRequest::default()
        };
        let mut would = seat.registrations().submit_registration(request(true)).await.unwrap().into_inner();
        let was = seat.registrations().submit_registration(request(false)).await.unwrap().into_inner();
        would.update_time = was.update_time;
        assert_eq!(would, was);
        assert_eq!((was.state(), was.decision), (State::Submitted, None));
    }

    async fn a_revoked_protection_is_over_at_once_and_the_next_one_has_its_turn(world: World) {
        let market = Market::open(world).await;
        let [first, second] = two(&market).await;
        market.approve(&first.name).await.unwrap();
        let revoked = market.revoke(&first.name).await.unwrap().into_inner();
        assert_eq!((revoked.state(), reason(&revoked)), (State::Revoked, "FALSE_EVIDENCE"));
        assert!(revoked.protection_end_time.unwrap().seconds < first.submit_time.unwrap().seconds + 86_400);
        let seat = market.admin(&first.partner).await;
        let told = read(&seat, &first.name).await.decision.unwrap();
        assert_eq!((told.reason_code.as_str(), told.note.as_str()), ("POLICY", ""));
        assert_eq!(reason(&market.registration(&second.name).await), "PROMOTED");
        refused(market.convert(&first.name).await, Code::FailedPrecondition, "ILLEGAL_TRANSITION")
            .tells("state", "REVOKED");
        market.approve(&second.name).await.unwrap();
        market.tells(&first.name, &[
            "registration.created", "registration.submitted", "registration.cleared",
            "registration.screened", "registration.approved", "registration.revoked",
        ]).await;
        // What has become a deal is worked on there.
        market.convert(&second.name).await.unwrap();
        refused(market.revoke(&second.name).await, Code::FailedPrecondition, "ILLEGAL_TRANSITION")
            .tells("state", "CONVERTED");
    }
}
