//! Adjusting awards.

use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use tonic::{Code, Response, Status};
use tonic_types::StatusExt as _;
use trellis_api::incentive::v1 as pb;
use trellis_api::platform::v1::{Event, ListEventsRequest};
use trellis_core::access::{Grant, Rights};
use trellis_core::incentive::Rulings;
use trellis_core::{Actor, Currency, EcosystemId, Principal, Role};
use trellis_tests::{Caller, Seat, number, on_both, refused};

use super::ruled::{
    DAY, PLANS, adjust, adjustment, hold, is, journals, promise, reject, rejection, release,
    reverse,
};
use super::scene::{Scene, buckets, day, minor, percent, usd};

/// Somebody who looks after a partner's own.
async fn partner_admin(scene: &Scene, partner: &str) -> Seat {
    let actor = Actor::try_new(&format!("mia@{partner}.example")).unwrap();
    let partner = trellis_core::PartnerId::try_new(partner).unwrap();
    let grant = Grant::new(Role::PartnerAdmin, Some(partner));
    let rights = vec![(EcosystemId::try_new("acme").unwrap(), vec![grant])];
    let principal = Principal {
        person: Some(actor.clone()),
        actor,
        rights: Rights::Granted(rights),
    };
    Seat::take(&scene.world, principal).await
}

/// What a caller is told in the feed of the one adjustment of an award.
async fn events(caller: &Caller, scene: &Scene, award: &str) -> Event {
    let request = ListEventsRequest {
        parent: scene.name.clone(),
        filter: format!("resource = \"{award}\" AND type = \"award.adjusted\""),
        ..ListEventsRequest::default()
    };
    for _ in 0..200 {
        let listed = caller.events().list_events(request.clone()).await.unwrap();
        if let Some(event) = listed.into_inner().events.pop() {
            return event;
        }
        // On PostgreSQL the newest are hidden while an older transaction runs.
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("nobody is told of it");
}

/// A partner's statement of March.
fn march(scene: &Scene, partner: &str) -> pb::GetStatementRequest {
    pb::GetStatementRequest {
        parent: format!("{}/partners/{partner}", scene.name),
        start_date: day("2026-03-01"),
        end_date: day("2026-04-01"),
        ..pb::GetStatementRequest::default()
    }
}

fn approval(scene: &Scene, award: &pb::Award) -> pb::ApproveAwardsRequest {
    pb::ApproveAwardsRequest {
        parent: scene.name.clone(),
        names: vec![award.name.clone()],
        ..pb::ApproveAwardsRequest::default()
    }
}

on_both! {
    /// 30.00 are added to 100.00 and paid; then the award falls to 20.00, and rises to 150.00.
    async fn what_is_added_is_approved_by_somebody_else_and_stays(world: World) {
        let scene = Scene::new(world).await;
        promise(&scene).await;
        scene.win("deal-1", "nimbus", 100_000, "2026-03-02").await;
        let (maker, checker) = (scene.world.actor("ada@acme.example"), scene.world.actor("grace@acme.example"));
        for plan in PLANS {
            let award = scene.award(plan).await;
            let request = pb::AdjustAwardRequest {
                etag: award.etag.clone(),
                request_id: format!("0b0b7a8e-8d1f-4c6e-8c35-0a6f1b9f3f{:02}", plan.len()),
                ..adjustment(&award, 3_000)
            };
            let once = maker.awards().adjust_award(request.clone()).await.unwrap().into_inner();
            let again = maker.awards().adjust_award(request).await.unwrap().into_inner();
            assert_eq!((&again, &again.adjusted_amount), (&once, &usd(3_000)));
            assert_eq!(scene.award(plan).await, once);
            let own = maker.awards().approve_awards(approval(&scene, &award)).await;
            refused(own, Code::PermissionDenied, "FOUR_EYES").tells("resource", &award.name);
            checker.awards().approve_awards(approval(&scene, &award)).await.unwrap();
            scene.has_events(&award.name, &["award.posted", "award.adjusted", "award.approved"]).await;
        }
        for (entitled, there) in [
            (10_000, [0, 0, 13_000, 0, 0, 0]),
            (2_000, [0, 0, 0, 0, 13_000, 8_000]),
            (15_000, [0, 5_000, 0, 0, 13_000, 0]),
        ] {
            match entitled {
                2_000 => {
                    scene.pay_out().await;
                    scene.refund("deal-1", "most", 80_000).await;
                }
                15_000 => scene.win("deal-2", "nimbus", 130_000, "2026-03-03").await,
                _ => {}
            }
            for plan in PLANS {
                let award = scene.award(plan).await;
                let said = (minor(&award.entitled_amount), minor(&award.adjusted_amount));
                assert_eq!((said, buckets(&award)), ((entitled, 3_000), there), "{plan}");
                let told = scene.explain(&award).await;
                let words = "30.00 USD were added (DISPUTE_SETTLED).";
                assert!(told.summary.contains(words), "{}", told.summary);
                assert_eq!(minor(&told.due_amount), entitled + 3_000);
            }
            scene.is_sound().await;
        }
        assert_eq!(journals(&scene, "ADJUSTMENT").await.len(), 2);
    }

    /// 100.00 were paid and 10.00 wait; 30.00 are taken off, then the opposite, which waits for approval and
    /// forgives nobody what is owed. Then the award falls below what is taken off.
    async fn what_is_taken_off_is_taken_as_a_clawback_takes_it(world: World) {
        let scene = Scene::new(world).await;
        promise(&scene).await;
        scene.win("deal-1", "nimbus", 100_000, "2026-03-02").await;
        for plan in PLANS {
            scene.approve(&[&scene.award(plan).await]).await;
        }
        scene.pay_out().await;
        scene.win("deal-2", "nimbus", 10_000, "2026-03-02").await;
        let checks = [
            (-3_000, [0, 0, 0, 0, 10_000, 2_000]),
            (3_000, [0, 3_000, 0, 0, 10_000, 2_000]),
            (-3_000, [0, 0, 0, 0, 10_000, 2_000]),
        ];
        for (minor, there) in checks {
            for plan in PLANS {
                let award = scene.award(plan).await;
                adjust(&scene, adjustment(&award, minor)).await.unwrap();
                assert_eq!(buckets(&scene.award(plan).await), there, "{plan}, {minor}");
            }
            scene.is_sound().await;
        }
        let statement = scene.now().ledger().get_statement(march(&scene, "nimbus")).await;
        let statement = statement.unwrap().into_inner();
        let dollars = &statement.currencies[0];
        assert_eq!((minor(&dollars.earned_amount), minor(&dollars.adjusted_amount)), (22_000, -6_000));
        let adjusted = statement.movements.iter()
            .filter(|one| one.kind() == pb::statement_movement::Kind::Adjusted);
        assert_eq!(adjusted.count(), 6);
        for adjustment in journals(&scene, "ADJUSTMENT").await {
            let refusal = refused(
                reverse(&scene, &adjustment.name).await, Code::FailedPrecondition, "JOURNAL_NOT_REVERSIBLE"
            );
            assert_eq!(refusal.metadata["instead"], "adjust the award by the opposite");
        }
        scene.refund("deal-1", "most", 90_000).await;
        // What is added then makes up for what could not be taken off, and the rest of it is due.
        let rises = [(0, -2_000, 0), (400, -2_000, 0), (1_000, -1_600, 400), (-400, -2_000, 0)];
        for (minor_added, adjusted, review) in rises {
            for plan in PLANS {
                let award = scene.award(plan).await;
                if minor_added != 0 {
                    let answer = adjust(&scene, adjustment(&award, minor_added)).await;
                    let answer = answer.unwrap().into_inner();
                    assert_ne!(answer.etag, award.etag);
                    assert_eq!(answer, scene.award(plan).await);
                }
                let award = scene.award(plan).await;
                let said = (minor(&award.entitled_amount), minor(&award.adjusted_amount));
                assert_eq!(said, (2_000, adjusted), "{plan}, {minor_added}");
                assert_eq!(buckets(&award), [0, review, 0, 0, 10_000, 10_000]);
            }
            scene.is_sound().await;
        }
        // What moved nothing is in no journal: three before, and two of the three since.
        assert_eq!(journals(&scene, "ADJUSTMENT").await.len(), 10);
    }

    /// 100.00 were paid, of which 80.00 are owed. Of 50.00 that are added nothing is set off before somebody
    /// else has approved them.
    async fn what_is_added_to_a_debt_waits_for_approval_too(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", percent("0.1")).await;
        scene.win("deal-1", "nimbus", 100_000, "2026-03-02").await;
        scene.approve(&[&scene.award("spiff").await]).await;
        scene.pay_out().await;
        scene.refund("deal-1", "most", 80_000).await;
        let award = scene.award("spiff").await;
        assert_eq!(buckets(&award), [0, 0, 0, 0, 10_000, 8_000]);
        adjust(&scene, adjustment(&award, 9_000)).await.unwrap();
        assert_eq!(buckets(&scene.award("spiff").await), [0, 9_000, 0, 0, 10_000, 8_000]);
        let nothing = scene.try_pay_out().await.map(Response::new);
        refused(nothing, Code::FailedPrecondition, "NOTHING_PAYABLE");
        let grace = scene.world.actor("grace@acme.example");
        grace.awards().approve_awards(approval(&scene, &award)).await.unwrap();
        scene.pay_out().await;
        assert_eq!(buckets(&scene.award("spiff").await), [0, 0, 0, 0, 11_000, 0]);
        scene.is_sound().await;
    }

    async fn a_partner_is_told_the_amount_and_the_reason_code(world: World) {
        let scene = Scene::new(world).await;
        promise(&scene).await;
        scene.win("deal-1", "nimbus", 100_000, "2026-03-02").await;
        let award = scene.award("growth").await;
        adjust(&scene, adjustment(&award, -2_500)).await.unwrap();
        for (partner, sees) in [("nimbus", true), ("cirrus", false)] {
            let seat = partner_admin(&scene, partner).await;
            let get = pb::GetAwardRequest { name: award.name.clone() };
            let explain = pb::ExplainAwardRequest { name: award.name.clone() };
            if !sees {
                refused(seat.awards().get_award(get).await, Code::NotFound, "RESOURCE_NOT_FOUND");
                refused(
                    seat.awards().explain_award(explain).await, Code::NotFound, "RESOURCE_NOT_FOUND"
                );
                continue;
            }
            let found = seat.awards().get_award(get).await.unwrap().into_inner();
            assert_eq!(found.adjusted_amount, usd(-2_500));
            let told = seat.awards().explain_award(explain).await.unwrap().into_inner();
            let told = told.explanation.unwrap();
            let words = "25.00 USD were taken off (DISPUTE_SETTLED). What is due of it is 75.00 USD.";
            assert!(told.summary.contains(words), "{}", told.summary);
            let ruling = &told.rulings[0];
            assert_eq!(
                (ruling.kind(), &ruling.amount, ruling.reason_code.as_str()),
                (pb::award_ruling::Kind::Adjusted, &usd(-2_500), "DISPUTE_SETTLED")
            );
            let adjusted = events(&seat, &scene, &award.name).await;
            let data = &adjusted.data.as_ref().unwrap().fields;
            assert!(data.contains_key("adjusted_minor"), "{adjusted:?}");
            assert_eq!(adjusted.note, "");
            let statement = seat.ledger().get_statement(march(&scene, "nimbus")).await;
            let statement = statement.unwrap().into_inner();
            assert_eq!(statement.currencies[0].adjusted_amount, usd(-2_500));
        }
    }

    async fn what_is_added_is_held_with_an_award_that_somebody_holds(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", pb::PlanVersion { hold_days: 9, ..percent("0.1") }).await;
        scene.win("deal-1", "nimbus", 100_000, "2026-03-02").await;
        let award = scene.award("spiff").await;
        // Its plan holds what it has earned, and nothing else.
        adjust(&scene, adjustment(&award, 500)).await.unwrap();
        assert_eq!(buckets(&scene.award("spiff").await), [10_000, 500, 0, 0, 0, 0]);
        hold(&scene, &award, pb::award::HoldReason::Dispute).await.unwrap();
        adjust(&scene, adjustment(&award, 700)).await.unwrap();
        scene.pass(20 * DAY).await;
        assert_eq!(buckets(&scene.award("spiff").await), [11_200, 0, 0, 0, 0, 0]);
        release(&scene, &award).await.unwrap();
        assert_eq!(buckets(&scene.award("spiff").await), [0, 11_200, 0, 0, 0, 0]);
        // All of it can be rejected, what was added too.
        reject(&scene, rejection(&award, 11_200)).await.unwrap();
        assert_eq!(buckets(&scene.award("spiff").await), [0; 6]);
        scene.is_sound().await;
    }

    async fn an_adjustment_says_what_is_wrong_with_it(world: World) {
        let scene = Scene::new(world).await;
        promise(&scene).await;
        scene.win("deal-1", "nimbus", 100_000, "2026-03-02").await;
        let award = scene.award("sales").await;
        let wrong = pb::AdjustAwardRequest {
            etag: "7".to_owned(),
            reason_code: "because".to_owned(),
            note: String::new(),
            ..adjustment(&award, 0)
        };
        let refusal = refused(adjust(&scene, wrong).await, Code::InvalidArgument, "INVALID_FIELDS");
        let mut fields = refusal.fields();
        fields.sort_unstable();
        assert_eq!(fields, ["amount", "etag", "note", "reason_code"]);
        let more = adjust(&scene, adjustment(&award, -10_001)).await;
        let refusal = refused(more, Code::FailedPrecondition, "AMOUNT_NOT_AVAILABLE");
        assert_eq!(refusal.metadata["available"], "100.00 USD");
        let stale = pb::AdjustAwardRequest { etag: "\"999\"".to_owned(), ..adjustment(&award, 1) };
        refused(adjust(&scene, stale).await, Code::Aborted, "ETAG_MISMATCH");
        let euros = pb::AdjustAwardRequest {
            amount: Some(trellis_api::money::wire(trellis_core::Money::new(1, Currency::EUR))),
            ..adjustment(&award, 1)
        };
        let refusal = refused(adjust(&scene, euros).await, Code::InvalidArgument, "INVALID_FIELDS");
        assert_eq!(refusal.fields(), ["amount.currency_code"]);
        // No amount is too large to be refused.
        for most in [i64::MAX, i64::MIN] {
            let beyond = adjust(&scene, adjustment(&award, most)).await;
            let refusal = refused(beyond, Code::FailedPrecondition, "AMOUNT_NOT_AVAILABLE");
            let available = if most > 0 { "99,999,999,999,900.00 USD" } else { "100.00 USD" };
            assert_eq!(refusal.metadata["available"], available);
        }
        let tried = pb::AdjustAwardRequest { validate_only: true, ..adjustment(&award, -10_000) };
        let would = scene.world.awards().adjust_award(tried).await.unwrap().into_inner();
        assert_eq!((buckets(&would), would.adjusted_amount), ([0; 6], usd(-10_000)));
        is(&scene, 10_000, 0, [0, 10_000, 0, 0, 0, 0]).await;
    }

    async fn something_is_ruled_about_an_award_so_many_times_and_no_more(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", percent("0.1")).await;
        scene.win("deal-1", "nimbus", 100_000, "2026-03-02").await;
        let award = scene.award("spiff").await;
        for at in 0..Rulings::MOST {
            let (up, down) = (adjustment(&award, 1), adjustment(&award, -1));
            adjust(&scene, if at % 2 == 0 { up } else { down }).await.unwrap();
        }
        let refusals = [
            adjust(&scene, adjustment(&award, 1)).await,
            reject(&scene, rejection(&award, 1)).await,
        ];
        for refusal in refusals {
            let refusal = refused(refusal, Code::ResourceExhausted, "TOO_MANY_RULINGS");
            assert_eq!(refusal.metadata["limit"], "100");
            refusal.tells("resource", &award.name);
        }
        assert_eq!(buckets(&scene.award("spiff").await), [0, 10_000, 0, 0, 0, 0]);
        scene.is_sound().await;
    }

    /// Of each of many awards of 100.00, at the same time: one adds 50.00 and approves, another takes 60.00
    /// off and rejects all that it can.
    async fn of_those_who_rule_about_an_award_at_once_each_does_so_once_or_not_at_all(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", percent("0.1")).await;
        let count = number("TRELLIS_TESTS_REJECTIONS").unwrap_or(12);
        for at in 0..count {
            scene.win(&format!("deal-{at}"), "nimbus", 100_000, "2026-03-02").await;
        }
        let awards = scene.of_plan("spiff").await;
        let ruled = stream::iter(awards).map(|award| all_at_once(&scene, award));
        let ruled: Vec<[bool; 4]> = ruled.buffer_unordered(4).collect().await;
        let done = |which: usize| ruled.iter().filter(|did| did[which]).count();
        println!(
            "{:?}: of {count}, {} were approved, from {} something was taken off, of {} rejected",
            scene.world.engine(), done(1), done(2), done(3)
        );
        assert_eq!(journals(&scene, "ADJUSTMENT").await.len(), done(0) + done(2));
        scene.is_sound().await;
    }
}

/// Lets four rule about an award at once, and answers which of them did: who adds to it, who approves it
/// under the same name, who takes something off, who rejects it.
async fn all_at_once(scene: &Scene, award: pb::Award) -> [bool; 4] {
    let seats = ["ada", "ada", "grace", "grace"]
        .map(|name| scene.world.actor(&format!("{name}@acme.example")));
    let [adds, approves, takes, rejects] = seats;
    let ruled = futures::join!(
        at_once(|| async {
            adds.awards()
                .adjust_award(adjustment(&award, 5_000))
                .await
                .map(drop)
        }),
        at_once(|| async {
            approves
                .awards()
                .approve_awards(approval(scene, &award))
                .await
                .map(drop)
        }),
        at_once(|| async {
            takes
                .awards()
                .adjust_award(adjustment(&award, -6_000))
                .await
                .map(drop)
        }),
        at_once(|| async {
            let all = pb::RejectAwardRequest {
                amount: None,
                ..rejection(&award, 1)
            };
            rejects.awards().reject_award(all).await.map(drop)
        }),
    );
    let (added, approved, taken, rejected) = ruled;
    assert_eq!(added, None, "nothing stands in the way of adding");
    let not_approved = ["FOUR_EYES", "NOTHING_TO_APPROVE"];
    assert!(
        approved
            .as_deref()
            .is_none_or(|because| not_approved.contains(&because)),
        "{approved:?}"
    );
    for because in [&taken, &rejected].into_iter().flatten() {
        assert_eq!(because, "AMOUNT_NOT_AVAILABLE");
    }
    let get = pb::GetAwardRequest {
        name: award.name.clone(),
    };
    let after = scene
        .world
        .awards()
        .get_award(get)
        .await
        .unwrap()
        .into_inner();
    let adjusted = if taken.is_none() { -1_000 } else { 5_000 };
    assert_eq!(minor(&after.adjusted_amount), adjusted, "{after:?}");
    assert_eq!(
        minor(&after.rejected_amount) > 0,
        rejected.is_none(),
        "{after:?}"
    );
    let [held, review, payable, ..] = buckets(&after);
    assert_eq!(
        review,
        10_000 + adjusted - minor(&after.rejected_amount) - payable
    );
    // Nobody has approved what they had added themselves.
    let most = if approved.is_none() { 10_000 } else { 0 };
    assert!(held == 0 && payable <= most, "{after:?}");
    [added, approved, taken, rejected].map(|because| because.is_none())
}

/// Calls until nobody else was in the way; answers why it was refused, if it was.
async fn at_once<F: Future<Output = Result<(), Status>>>(call: impl Fn() -> F) -> Option<String> {
    loop {
        let Err(status) = call().await else {
            return None;
        };
        if status.code() != Code::Aborted {
            let info = status.get_details_error_info();
            return Some(info.map_or_else(|| format!("{status:?}"), |info| info.reason));
        }
    }
}
