//! Holding awards by hand.

use tonic::Code;
use trellis_api::incentive::v1 as pb;
use trellis_api::incentive::v1::award::HoldReason;
use trellis_tests::{on_both, refused};

use super::ruled::{DAY, PLANS, hold, is, journals, promise, reject, rejection, release, reverse};
use super::scene::{Scene, buckets, minor, percent};

fn on_hold(award: &pb::Award) -> i64 {
    minor(&award.buckets.as_ref().unwrap().on_hold_amount)
}

on_both! {
    /// 100.00 are payable and 50.00 in review when the award is held. Then 20.00 more are earned, and 30.00
    /// are lost.
    async fn nothing_of_a_held_award_gets_on_until_it_is_released(world: World) {
        let scene = Scene::new(world).await;
        promise(&scene).await;
        scene.win("deal-1", "nimbus", 100_000, "2026-03-02").await;
        for plan in PLANS {
            scene.approve(&[&scene.award(plan).await]).await;
        }
        scene.win("deal-2", "nimbus", 50_000, "2026-03-02").await;
        is(&scene, 15_000, 0, [0, 5_000, 10_000, 0, 0, 0]).await;
        for plan in PLANS {
            let award = scene.award(plan).await;
            let held = hold(&scene, &award, HoldReason::Dispute).await.unwrap().into_inner();
            assert_eq!(held, scene.award(plan).await);
            assert_eq!((held.hold_reason(), on_hold(&held)), (HoldReason::Dispute, 15_000));
            assert!(held.hold_time.is_some());
            let again = hold(&scene, &award, HoldReason::Fraud).await;
            let refusal = refused(again, Code::FailedPrecondition, "AWARD_ON_HOLD");
            assert_eq!(refusal.metadata["hold_reason"], "DISPUTE");
            let request = pb::ApproveAwardsRequest {
                parent: scene.name.clone(),
                names: vec![award.name.clone()],
                ..pb::ApproveAwardsRequest::default()
            };
            let approval = scene.world.awards().approve_awards(request).await;
            refused(approval, Code::FailedPrecondition, "AWARD_ON_HOLD").tells("resource", &award.name);
        }
        is(&scene, 15_000, 0, [15_000, 0, 0, 0, 0, 0]).await;
        let account = format!("{}/ledgerAccounts/held.nimbus.dispute.usd", scene.name);
        let request = pb::GetLedgerAccountRequest { name: account };
        let account = scene.now().ledger().get_ledger_account(request).await.unwrap().into_inner();
        assert_eq!((minor(&account.balance), account.detail.as_str()), (30_000, "dispute"));
        let payout = scene.try_pay_out().await.map(tonic::Response::new);
        refused(payout, Code::FailedPrecondition, "NOTHING_PAYABLE");
        let filter = "hold_reason = DISPUTE";
        assert_eq!(scene.awards(filter).await.len(), 2);
        // What is earned meanwhile is held, and no time frees it.
        scene.win("deal-3", "nimbus", 20_000, "2026-03-02").await;
        is(&scene, 17_000, 0, [17_000, 0, 0, 0, 0, 0]).await;
        scene.pass(60 * DAY).await;
        is(&scene, 17_000, 0, [17_000, 0, 0, 0, 0, 0]).await;
        // What is lost is taken of that first, then of what waited for approval.
        scene.refund("deal-1", "some", 30_000).await;
        is(&scene, 14_000, 0, [14_000, 0, 0, 0, 0, 0]).await;
        for plan in PLANS {
            let award = scene.award(plan).await;
            let released = release(&scene, &award).await.unwrap().into_inner();
            assert_eq!(released, scene.award(plan).await);
            assert_eq!((released.hold_reason(), released.hold_time), (HoldReason::Unspecified, None));
            let again = release(&scene, &award).await;
            refused(again, Code::FailedPrecondition, "AWARD_NOT_ON_HOLD").tells("resource", &award.name);
            let told = ["award.posted", "award.approved", "award.posted", "award.held", "award.posted",
                "award.posted", "award.hold_released"];
            scene.has_events(&award.name, &told).await;
        }
        is(&scene, 14_000, 0, [0, 4_000, 10_000, 0, 0, 0]).await;
        scene.pay_out().await;
        is(&scene, 14_000, 0, [0, 4_000, 0, 0, 10_000, 0]).await;
    }

    async fn the_hold_of_a_plan_does_not_end_while_somebody_holds_the_award(world: World) {
        let scene = Scene::new(world).await;
        for (plan, condition) in PLANS.into_iter().zip(["", "event.amount_minor > 0"]) {
            let version = pb::PlanVersion {
                hold_days: 5,
                trigger_condition: condition.to_owned(),
                ..percent("0.1")
            };
            scene.promise(plan, version).await;
        }
        scene.win("deal-1", "nimbus", 100_000, "2026-03-02").await;
        for plan in PLANS {
            let award = scene.award(plan).await;
            assert!(award.release_time.is_some(), "{plan}");
            let held = hold(&scene, &award, HoldReason::Fraud).await.unwrap().into_inner();
            assert_eq!((on_hold(&held), held.release_time), (0, None));
        }
        // Nothing was moved for it.
        assert!(journals(&scene, "HOLD").await.is_empty());
        scene.pass(10 * DAY).await;
        is(&scene, 10_000, 0, [10_000, 0, 0, 0, 0, 0]).await;
        for plan in PLANS {
            release(&scene, &scene.award(plan).await).await.unwrap();
        }
        is(&scene, 10_000, 0, [0, 10_000, 0, 0, 0, 0]).await;
        // Released before its time, the plan holds it as long as it says.
        scene.win("deal-2", "nimbus", 50_000, "2026-03-12").await;
        let [_, second] = &scene.of_plan("sales").await[..] else { panic!("two awards") };
        hold(&scene, second, HoldReason::Review).await.unwrap();
        let released = release(&scene, second).await.unwrap().into_inner();
        assert_eq!(released.release_time, second.release_time);
        assert_eq!(buckets(&released), [5_000, 0, 0, 0, 0, 0]);
        scene.is_sound().await;
    }

    async fn what_comes_back_from_a_payout_is_not_paid_while_it_is_held(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", percent("0.1")).await;
        scene.win("deal-1", "nimbus", 100_000, "2026-03-02").await;
        scene.approve(&[&scene.award("spiff").await]).await;
        let create = || pb::CreateBatchRequest {
            parent: scene.name.clone(),
            batch: Some(pb::PayoutBatch { currency_code: "USD".to_owned(), ..Default::default() }),
            ..Default::default()
        };
        let mut payouts = scene.world.payouts();
        let batch = payouts.create_batch(create()).await.unwrap().into_inner();
        let award = scene.award("spiff").await;
        let held = hold(&scene, &award, HoldReason::Fraud).await.unwrap().into_inner();
        assert_eq!((buckets(&held), on_hold(&held)), ([0, 0, 0, 10_000, 0, 0], 0));
        let cancel = pb::CancelBatchRequest { name: batch.name, ..Default::default() };
        payouts.cancel_batch(cancel).await.unwrap();
        assert_eq!(buckets(&scene.award("spiff").await), [0, 0, 10_000, 0, 0, 0]);
        refused(payouts.create_batch(create()).await, Code::FailedPrecondition, "NOTHING_PAYABLE");
        release(&scene, &award).await.unwrap();
        scene.pay_out().await;
        assert_eq!(buckets(&scene.award("spiff").await), [0, 0, 0, 0, 10_000, 0]);
        scene.is_sound().await;
    }

    /// The fraud was one: what was payable too is rejected. Then it was none after all.
    async fn what_is_held_is_rejected_and_taken_back(world: World) {
        let scene = Scene::new(world).await;
        promise(&scene).await;
        scene.win("deal-1", "nimbus", 100_000, "2026-03-02").await;
        for plan in PLANS {
            let award = scene.award(plan).await;
            scene.approve(&[&award]).await;
            hold(&scene, &award, HoldReason::Fraud).await.unwrap();
            reject(&scene, rejection(&award, 7_000)).await.unwrap();
        }
        is(&scene, 10_000, 7_000, [3_000, 0, 0, 0, 0, 0]).await;
        for plan in PLANS {
            release(&scene, &scene.award(plan).await).await.unwrap();
        }
        is(&scene, 10_000, 7_000, [0, 0, 3_000, 0, 0, 0]).await;
        for rejection in journals(&scene, "REJECTION").await {
            reverse(&scene, &rejection.name).await.unwrap();
        }
        is(&scene, 10_000, 0, [0, 7_000, 3_000, 0, 0, 0]).await;
    }

    async fn a_hold_says_what_is_wrong_with_it(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", percent("0.1")).await;
        scene.win("deal-1", "nimbus", 100_000, "2026-03-02").await;
        let award = scene.award("spiff").await;
        let wrong = pb::HoldAwardRequest {
            name: "awards".to_owned(),
            etag: "7".to_owned(),
            ..pb::HoldAwardRequest::default()
        };
        let answer = scene.world.awards().hold_award(wrong).await;
        let refusal = refused(answer, Code::InvalidArgument, "INVALID_FIELDS");
        let mut fields = refusal.fields();
        fields.sort_unstable();
        assert_eq!(fields, ["etag", "name", "reason"]);
        let stale = pb::HoldAwardRequest {
            name: award.name.clone(),
            etag: "\"999\"".to_owned(),
            reason: HoldReason::Review.into(),
            ..pb::HoldAwardRequest::default()
        };
        let answer = scene.world.awards().hold_award(stale.clone()).await;
        refused(answer, Code::Aborted, "ETAG_MISMATCH");
        // Sent twice it is done once.
        let once = pb::HoldAwardRequest {
            etag: award.etag.clone(),
            request_id: "0b0b7a8e-8d1f-4c6e-8c35-0a6f1b9f3f77".to_owned(),
            ..stale
        };
        let held = scene.world.awards().hold_award(once.clone()).await.unwrap().into_inner();
        let again = scene.world.awards().hold_award(once).await.unwrap().into_inner();
        assert_eq!((&again, on_hold(&held)), (&held, 10_000));
        scene.is_sound().await;
    }
}
