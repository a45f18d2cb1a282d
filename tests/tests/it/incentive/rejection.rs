//! Rejecting awards.

use futures::stream::{self, StreamExt as _};
use tonic::{Code, Response, Status};
use trellis_api::incentive::v1 as pb;
use trellis_core::Currency;
use trellis_tests::{World, number, on_both, refused};

use super::ruled::{DAY, PLANS, is, journals, promise, reject, rejection, reverse};
use super::scene::{Scene, buckets, day, minor, percent, usd};

on_both! {
    /// 40.00 of 100.00 are rejected, the rest is paid; the customer gives back the 40.00 and more; then
    /// another deal is won.
    async fn what_is_rejected_stays_so_and_nothing_is_taken_back_twice(world: World) {
        let scene = Scene::new(world).await;
        promise(&scene).await;
        scene.win("deal-1", "nimbus", 100_000, "2026-02-02").await;
        for plan in PLANS {
            let award = scene.award(plan).await;
            let rejected = reject(&scene, rejection(&award, 4_000)).await.unwrap().into_inner();
            assert_eq!(rejected, scene.award(plan).await);
            assert_ne!(rejected.etag, award.etag);
        }
        is(&scene, 10_000, 4_000, [0, 6_000, 0, 0, 0, 0]).await;
        // Whatever makes the worker look at it once more.
        scene.win("deal-2", "nimbus", 0, "2026-02-02").await;
        is(&scene, 10_000, 4_000, [0, 6_000, 0, 0, 0, 0]).await;
        for plan in PLANS {
            scene.approve(&[&scene.award(plan).await]).await;
        }
        scene.pay_out().await;
        let steps: [(&str, i64, i64, i64, [i64; 6]); 4] = [
            // The customer gives back what was rejected: nothing of what was paid is owed.
            ("refund", 40_000, 6_000, 0, [0, 0, 0, 0, 6_000, 0]),
            // And a hundred more.
            ("refund", 10_000, 5_000, 0, [0, 0, 0, 0, 6_000, 1_000]),
            // What comes back up to 100.00 is rejected still.
            ("win", 50_000, 10_000, 4_000, [0, 0, 0, 0, 6_000, 0]),
            // What comes on top of that is judged anew.
            ("win", 20_000, 12_000, 4_000, [0, 2_000, 0, 0, 6_000, 0]),
        ];
        for (at, (what, amount, entitled, rejected, there)) in steps.into_iter().enumerate() {
            match what {
                "refund" => scene.refund("deal-1", &format!("r-{at}"), amount).await,
                _ => scene.win(&format!("more-{at}"), "nimbus", amount, "2026-02-03").await,
            }
            is(&scene, entitled, rejected, there).await;
            for plan in PLANS {
                let told = scene.explain(&scene.award(plan).await).await;
                assert_eq!(minor(&told.due_amount), entitled - rejected);
                let ruled = "The last 40.00 USD of 100.00 USD were rejected (NOT_ELIGIBLE).";
                assert!(told.summary.contains(ruled), "{}", told.summary);
            }
        }
    }

    async fn a_rejection_is_told_to_the_cent_and_taken_back_once(world: World) {
        let scene = Scene::new(world).await;
        promise(&scene).await;
        scene.win("deal-1", "nimbus", 100_000, "2026-02-02").await;
        let mut awards = Vec::new();
        for plan in PLANS {
            let award = scene.award(plan).await;
            // Nothing is written by asking what would be.
            let tried = pb::RejectAwardRequest { validate_only: true, ..rejection(&award, 1) };
            let would = scene.world.awards().reject_award(tried).await.unwrap().into_inner();
            assert_eq!(buckets(&would), [0, 9_999, 0, 0, 0, 0]);
            assert_eq!(scene.award(plan).await, award);
            // All of it, sent twice.
            let all = pb::RejectAwardRequest {
                amount: None,
                etag: award.etag.clone(),
                note: "The customer is the partner itself.".to_owned(),
                request_id: format!("0b0b7a8e-8d1f-4c6e-8c35-0a6f1b9f3f{:02}", plan.len()),
                ..rejection(&award, 1)
            };
            let once = reject(&scene, all.clone()).await.unwrap().into_inner();
            assert_eq!(reject(&scene, all).await.unwrap().into_inner(), once);
            scene.has_events(&award.name, &["award.posted", "award.rejected"]).await;
            awards.push(once);
        }
        is(&scene, 10_000, 10_000, [0; 6]).await;
        let told = scene.explain(&awards[0]).await;
        assert_eq!((told.rulings.len(), told.rulings[0].kind()), (1, pb::award_ruling::Kind::Rejected));
        assert_eq!(told.rulings[0].amount, usd(10_000));
        let rejections = journals(&scene, "REJECTION").await;
        assert_eq!(rejections.len(), 2);
        for rejection in &rejections {
            let lines: Vec<_> = rejection
                .lines
                .iter()
                .map(|line| (line.ledger_account.rsplit('/').next().unwrap(), line.side(), minor(&line.amount)))
                .collect();
            assert_eq!(lines, [
                ("review.nimbus.usd", pb::Side::Debit, 10_000),
                ("contra-revenue.channel.usd", pb::Side::Credit, 10_000),
            ]);
            // It was for a quarter that goes on.
            assert_eq!(rejection.attributed_period, "");
        }
        let request = pb::GetStatementRequest {
            parent: format!("{}/partners/nimbus", scene.name),
            start_date: day("2026-03-01"),
            end_date: day("2026-04-01"),
            ..pb::GetStatementRequest::default()
        };
        let statement = scene.now().ledger().get_statement(request).await.unwrap().into_inner();
        let dollars = &statement.currencies[0];
        assert_eq!((&dollars.earned_amount, &dollars.rejected_amount), (&usd(20_000), &usd(20_000)));
        assert_eq!((&dollars.clawed_back_amount, &dollars.closing_balance), (&usd(0), &usd(0)));
        let rejected = statement.movements.iter()
            .filter(|one| one.kind() == pb::statement_movement::Kind::Rejected);
        assert_eq!(rejected.map(|one| minor(&one.amount)).collect::<Vec<_>>(), [-10_000, -10_000]);
        // Half of it is given back by the customer before anybody sees that it was a mistake.
        scene.refund("deal-1", "half", 50_000).await;
        is(&scene, 5_000, 5_000, [0; 6]).await;
        for rejection in &rejections {
            let back = reverse(&scene, &rejection.name).await.unwrap().into_inner();
            assert_eq!(back.kind(), pb::journal::Kind::RejectionReversal);
            let again = reverse(&scene, &rejection.name).await;
            refused(again, Code::FailedPrecondition, "JOURNAL_ALREADY_REVERSED");
        }
        is(&scene, 5_000, 0, [0, 5_000, 0, 0, 0, 0]).await;
        assert!(scene.explain(&awards[0]).await.rulings.is_empty());
        scene.win("deal-2", "nimbus", 10_000, "2026-02-03").await;
        is(&scene, 6_000, 0, [0, 6_000, 0, 0, 0, 0]).await;
    }

    /// Two slices: 60.00 in review, 40.00 held until April. Whoever rejects what is in review does not
    /// free what is held.
    async fn what_is_held_stays_held_for_its_time(world: World) {
        let scene = Scene::new(world).await;
        let mut plan = percent("0.1");
        plan.protection = Some(pb::Protection {
            holdback: Some(pb::Holdback {
                share: Some(trellis_api::google::r#type::Decimal { value: "0.4".to_owned() }),
                days: 40,
            }),
            ..pb::Protection::default()
        });
        scene.promise("spiff", plan).await;
        scene.win("deal-1", "nimbus", 100_000, "2026-03-02").await;
        let award = scene.award("spiff").await;
        assert_eq!(buckets(&award), [4_000, 6_000, 0, 0, 0, 0]);
        reject(&scene, rejection(&award, 6_000)).await.unwrap();
        scene.pass(DAY).await;
        assert_eq!(buckets(&scene.award("spiff").await), [4_000, 0, 0, 0, 0, 0]);
        let held = scene.award("spiff").await;
        assert!(held.release_time.is_some());
        reject(&scene, rejection(&held, 1_000)).await.unwrap();
        assert_eq!(buckets(&scene.award("spiff").await), [3_000, 0, 0, 0, 0, 0]);
        scene.pass(40 * DAY).await;
        let out = scene.award("spiff").await;
        assert_eq!((buckets(&out), out.release_time), ([0, 3_000, 0, 0, 0, 0], None));
        scene.is_sound().await;
    }

    async fn a_rejection_says_what_there_is_to_reject(world: World) {
        let scene = Scene::new(world).await;
        promise(&scene).await;
        scene.win("deal-1", "nimbus", 100_000, "2026-02-02").await;
        let award = scene.award("sales").await;
        let more = reject(&scene, rejection(&award, 10_001)).await;
        let refusal = refused(more, Code::FailedPrecondition, "AMOUNT_NOT_AVAILABLE");
        assert_eq!(refusal.metadata["available"], "100.00 USD");
        assert_eq!(refusal.metadata["resource"], award.name);
        let wrong = pb::RejectAwardRequest {
            name: "ecosystems/acme/deals/deal-1".to_owned(),
            amount: usd(-1),
            reason_code: "because".to_owned(),
            etag: "7".to_owned(),
            ..pb::RejectAwardRequest::default()
        };
        let refusal = refused(reject(&scene, wrong).await, Code::InvalidArgument, "INVALID_FIELDS");
        let mut fields = refusal.fields();
        fields.sort_unstable();
        assert_eq!(fields, ["amount", "etag", "name", "reason_code"]);
        let euros = pb::RejectAwardRequest {
            amount: Some(trellis_api::money::wire(trellis_core::Money::new(1, Currency::EUR))),
            ..rejection(&award, 1)
        };
        let refusal = refused(reject(&scene, euros).await, Code::InvalidArgument, "INVALID_FIELDS");
        assert_eq!(refusal.fields(), ["amount.currency_code"]);
        scene.approve(&[&award]).await;
        let stale = pb::RejectAwardRequest { etag: award.etag.clone(), ..rejection(&award, 1) };
        refused(reject(&scene, stale).await, Code::Aborted, "ETAG_MISMATCH");
        // What is payable is not rejected.
        let late = pb::RejectAwardRequest { amount: None, ..rejection(&award, 1) };
        let refusal = refused(reject(&scene, late).await, Code::FailedPrecondition, "AMOUNT_NOT_AVAILABLE");
        assert_eq!(refusal.metadata["available"], "0.00 USD");
        let none = pb::Award { name: format!("{}/awards/none", scene.name), ..award };
        refused(reject(&scene, rejection(&none, 1)).await, Code::NotFound, "RESOURCE_NOT_FOUND");
        assert_eq!(buckets(&scene.award("sales").await), [0, 0, 10_000, 0, 0, 0]);
        scene.is_sound().await;
    }

    /// One approves each of many awards while another one rejects it.
    async fn of_two_who_approve_and_reject_at_once_one_does(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", percent("0.1")).await;
        let count = number("TRELLIS_TESTS_REJECTIONS").unwrap_or(60);
        for at in 0..count {
            scene.win(&format!("deal-{at}"), "nimbus", 1_000, "2026-03-02").await;
        }
        let awards = scene.of_plan("spiff").await;
        assert_eq!(awards.len(), count);
        let outcomes = stream::iter(&awards).map(|award| async {
            let (approved, rejected) = futures::join!(
                tokio::spawn(decided(scene.world.clone(), award.clone(), true)),
                tokio::spawn(decided(scene.world.clone(), award.clone(), false)),
            );
            let (approved, rejected) = (approved.unwrap(), rejected.unwrap());
            assert!(approved != rejected, "{}: both or none", award.name);
            approved
        });
        let approved = outcomes.buffer_unordered(8).filter(|approved| {
            let approved = *approved;
            async move { approved }
        }).count().await;
        let payable = scene.of_plan("spiff").await;
        assert_eq!(payable.iter().filter(|award| buckets(award)[2] == 100).count(), approved);
        assert_eq!(
            payable.iter().filter(|award| buckets(award) == [0; 6]).count(), count - approved
        );
        println!("{:?}: {approved} of {count} were approved", scene.world.engine());
        scene.is_sound().await;
    }
}

/// Approves or rejects; answers whether it was done. Whoever meets too many others tries again.
async fn decided(world: World, award: pb::Award, approves: bool) -> bool {
    loop {
        let answer = if approves {
            let request = pb::ApproveAwardsRequest {
                parent: "ecosystems/acme".to_owned(),
                names: vec![award.name.clone()],
                ..pb::ApproveAwardsRequest::default()
            };
            let answer = world.awards().approve_awards(request).await;
            answer.map(|_| ())
        } else {
            let request = pb::RejectAwardRequest {
                amount: None,
                ..rejection(&award, 1)
            };
            world.awards().reject_award(request).await.map(|_| ())
        };
        let Err(status) = answer else { return true };
        if status.code() == Code::Aborted {
            continue;
        }
        let reason = if approves {
            "NOTHING_TO_APPROVE"
        } else {
            "AMOUNT_NOT_AVAILABLE"
        };
        let refusal: Result<Response<()>, Status> = Err(status);
        refused(refusal, Code::FailedPrecondition, reason);
        return false;
    }
}
