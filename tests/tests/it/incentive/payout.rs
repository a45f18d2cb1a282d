//! `PayoutService`.

use std::collections::BTreeSet;

use prost_types::Timestamp;
use tonic::{Code, Response};
use trellis_api::incentive::v1 as pb;
use trellis_api::incentive::v1::payout_batch::State;
use trellis_api::incentive::v1::payout_item::{BlockReason, State as ItemState};
use trellis_api::partner::v1::{ReinstatePartnerRequest, SuspendPartnerRequest};
use trellis_api::platform::v1::ListEventsRequest;
use trellis_core::{Clock, Currency, PartnerId};
use trellis_store::incentive::ledger::Account;
use trellis_tests::{on_both, refused};

use super::books::{Books, clawback, earned, in_payout, owed, payable, receivable, usd};
use super::desk::{Answer, CHECKER, Desk, MAKER, approved, cash, clearing, dollars};

/// What `item` tells: its partner, state, why it is blocked, and its three amounts.
fn told(item: &pb::PayoutItem) -> (&str, ItemState, BlockReason, [Option<i64>; 3]) {
    let minor = |money: &Option<trellis_api::google::r#type::Money>| {
        money
            .as_ref()
            .map(|money| money.units * 100 + i64::from(money.nanos / 10_000_000))
    };
    (
        item.partner.rsplit('/').next().unwrap(),
        item.state(),
        item.block_reason(),
        [
            minor(&item.gross_amount),
            minor(&item.set_off_amount),
            minor(&item.net_amount),
        ],
    )
}

async fn suspend(books: &Books, partner: &str) {
    let request = SuspendPartnerRequest {
        name: books.name(&format!("partners/{partner}")),
        reason_code: "COMPLIANCE_REVIEW".to_owned(),
        ..SuspendPartnerRequest::default()
    };
    books
        .world
        .partners()
        .suspend_partner(request)
        .await
        .unwrap();
}

on_both! {
    async fn a_batch_pays_what_is_payable_once_a_second_person_has_agreed(world: World) {
        let books = Books::open(world, &["cirrus", "nimbus"]).await;
        books.post(vec![
            earned("nimbus", "a", 10_000),
            earned("nimbus", "b", 2_550),
            earned("cirrus", "c", 700),
        ]).await;
        let (maker, checker) = (Desk::of(&books, MAKER), Desk::of(&books, CHECKER));

        let batch = maker.made("march", dollars()).await;
        assert_eq!(batch.name, "ecosystems/acme/payoutBatches/march");
        assert_eq!(batch.state(), State::Draft);
        assert_eq!(batch.net_amount, usd(13_250));
        assert_eq!((batch.gross_amount.clone(), batch.set_off_amount.clone()), (usd(13_250), usd(0)));
        assert_eq!((batch.item_count, batch.blocked_item_count, batch.full), (2, 0, false));
        assert_eq!(batch.content_hash.len(), 64);
        assert_eq!((batch.creator.as_str(), batch.submitter.as_str()), (MAKER, ""));
        assert_eq!(books.balance(&payable("nimbus")).await, 0);
        assert_eq!(books.balance(&in_payout("nimbus")).await, 12_550);

        let submitted = maker.submit(&batch.name).await.unwrap().into_inner();
        assert_eq!((submitted.state(), submitted.submitter.as_str()), (State::Submitted, MAKER));
        let approved = checker.approve(&batch.name).await.unwrap().into_inner();
        assert_eq!((approved.state(), approved.approver.as_str()), (State::Approved, CHECKER));
        assert_eq!(approved.content_hash, batch.content_hash);
        assert!(approved.approve_time.is_some() && approved.send_time.is_none());

        let sent = checker.send(&batch.name).await.unwrap().into_inner();
        assert_eq!(sent.state(), State::Sent);
        assert_eq!(books.balance(&in_payout("nimbus")).await, 0);
        assert_eq!(books.balance(&clearing()).await, 13_250);

        let some = checker.settle(&batch.name, &["cirrus"]).await.unwrap().into_inner();
        assert_eq!((some.state(), some.settle_time.is_some()), (State::Sent, false));
        assert_eq!(books.balance(&clearing()).await, 12_550);
        let all = checker.settle(&batch.name, &[]).await.unwrap().into_inner();
        assert_eq!((all.state(), all.settle_time.is_some()), (State::Settled, true));
        assert_eq!(books.balance(&clearing()).await, 0);
        assert_eq!(books.balance(&cash()).await, -13_250);
        assert_eq!(maker.get(&batch.name).await, all);
        let items = maker.items(&batch.name, "").await;
        assert!(items.iter().all(|item| item.state() == ItemState::Settled));
        assert!(items.iter().all(|item| item.send_time.is_some() && item.settle_time.is_some()));
        books.assert_sound().await;
    }

    async fn each_move_is_reported_with_who_made_it(world: World) {
        let books = Books::open(world, &["nimbus"]).await;
        books.post(vec![earned("nimbus", "a", 100)]).await;
        let batch = approved(&books, "march").await;
        let checker = Desk::of(&books, CHECKER);
        checker.send(&batch.name).await.unwrap();
        let last = checker.settle(&batch.name, &[]).await.unwrap();
        let request = ListEventsRequest {
            parent: books.ecosystem.clone(),
            filter: format!("resource = \"{}\"", batch.name),
            ..ListEventsRequest::default()
        };
        // The feed shows an event once no older transaction is under way, and a worker has seen it.
        let reader = books.world.after(&last);
        let events = reader.events().list_events(request).await.unwrap().into_inner().events;
        let told: Vec<(&str, &str)> =
            events.iter().map(|event| (event.r#type.as_str(), event.actor.as_str())).collect();
        assert_eq!(told, [
            ("payout_batch.created", MAKER),
            ("payout_batch.submitted", MAKER),
            ("payout_batch.approved", CHECKER),
            ("payout_batch.sent", CHECKER),
            ("payout_batch.settled", CHECKER),
        ]);
    }

    /// 130.00 due, 75.50 owed: 54.50 is paid.
    async fn what_a_partner_owes_is_set_off_against_what_it_is_due(world: World) {
        let books = Books::open(world, &["nimbus"]).await;
        books.post(owed("nimbus", "old", 7_550)).await;
        books.post(vec![earned("nimbus", "a", 12_000), earned("nimbus", "b", 1_000)]).await;
        let batch = Desk::of(&books, MAKER).made("march", dollars()).await;
        let amounts = (batch.gross_amount, batch.set_off_amount, batch.net_amount);
        assert_eq!(amounts, (usd(13_000), usd(7_550), usd(5_450)));
        assert_eq!(books.balance(&receivable("nimbus")).await, 0);
        assert_eq!(books.balance(&in_payout("nimbus")).await, 5_450);
        let lines = Desk::of(&books, MAKER).lines(&batch.name, "").await;
        let told: Vec<_> = lines
            .iter()
            .map(|line| {
                let award = line.award.rsplit('/').next().unwrap();
                (award, &line.gross_amount, &line.set_off_amount, &line.recovered_amount)
            })
            .collect();
        let none = usd(0);
        assert_eq!(told, [
            ("a", &usd(12_000), &usd(7_550), &none),
            ("b", &usd(1_000), &none, &none),
            ("old", &none, &none, &usd(7_550)),
        ]);
        books.assert_sound().await;
    }

    /// 32.10, and 17.89 more is 49.99: below 50.00 it is carried. One cent more and it is paid.
    async fn what_is_below_the_minimum_is_carried_to_a_later_batch(world: World) {
        let books = Books::open(world, &["cirrus", "nimbus"]).await;
        let desk = Desk::of(&books, MAKER);
        let fifty = || pb::PayoutBatch { minimum_amount: usd(5_000), ..dollars() };
        books.post(vec![earned("nimbus", "a", 3_210), earned("nimbus", "b", 1_789)]).await;
        let nothing = refused(
            desk.create("one", fifty()).await,
            Code::FailedPrecondition,
            "NOTHING_PAYABLE",
        );
        assert_eq!(nothing.metadata["resource"], books.name("payoutBatches/one"));
        // Somebody else is paid; the first is told why it is not, and nothing is reserved for it.
        books.post(vec![earned("cirrus", "c", 9_000)]).await;
        let batch = desk.made("two", fifty()).await;
        assert_eq!((batch.item_count, batch.blocked_item_count), (1, 1));
        let items = desk.items(&batch.name, "").await;
        let unpaid = [Some(4_999), Some(0), Some(4_999)];
        assert_eq!(items.iter().map(told).collect::<Vec<_>>(), [
            ("cirrus", ItemState::Ready, BlockReason::Unspecified, [Some(9_000), Some(0), Some(9_000)]),
            ("nimbus", ItemState::Blocked, BlockReason::BelowMinimum, unpaid),
        ]);
        assert_eq!(books.balance(&payable("nimbus")).await, 4_999);
        books.post(vec![earned("nimbus", "d", 1)]).await;
        let batch = desk.made("three", fifty()).await;
        assert_eq!(batch.net_amount, usd(5_000));
        books.assert_sound().await;
    }

    /// 120.00 due and 75.50 owed is 44.50, below 50.00: nothing is posted, nothing set off.
    async fn the_minimum_is_compared_with_what_is_left_after_the_set_off(world: World) {
        let books = Books::open(world, &["nimbus"]).await;
        books.post(owed("nimbus", "old", 7_550)).await;
        books.post(vec![earned("nimbus", "a", 12_000)]).await;
        let desk = Desk::of(&books, MAKER);
        let batch = pb::PayoutBatch { minimum_amount: usd(5_000), ..dollars() };
        let answer = desk.create("one", batch.clone()).await;
        refused(answer, Code::FailedPrecondition, "NOTHING_PAYABLE");
        assert_eq!(books.balance(&receivable("nimbus")).await, 7_550);
        books.post(vec![earned("nimbus", "b", 1_000)]).await;
        assert_eq!(desk.made("two", batch).await.net_amount, usd(5_450));
        // Who owes more than they are due is paid nothing, whatever the minimum.
        books.partners(&["stratus"]).await;
        books.post(owed("stratus", "s", 500)).await;
        books.post(vec![earned("stratus", "t", 400)]).await;
        let answer = desk.create("three", dollars()).await;
        refused(answer, Code::FailedPrecondition, "NOTHING_PAYABLE");
        assert_eq!(books.balance(&payable("stratus")).await, 400);
    }

    async fn a_suspended_partner_is_not_paid_even_after_the_approval(world: World) {
        let books = Books::open(world, &["cirrus", "nimbus", "stratus"]).await;
        books.post(vec![
            earned("cirrus", "c", 100),
            earned("nimbus", "n", 200),
            earned("stratus", "s", 300),
        ]).await;
        suspend(&books, "cirrus").await;
        let batch = approved(&books, "march").await;
        assert_eq!((batch.item_count, batch.blocked_item_count), (2, 1));
        assert_eq!(batch.net_amount, usd(500));
        suspend(&books, "nimbus").await;
        let desk = Desk::of(&books, CHECKER);
        let sent = desk.send(&batch.name).await.unwrap().into_inner();
        assert_eq!((sent.state(), sent.net_amount), (State::Sent, usd(300)));
        assert_eq!((sent.item_count, sent.blocked_item_count), (1, 2));
        assert_eq!(books.balance(&payable("nimbus")).await, 200);
        let blocked = desk.items(&batch.name, "block_reason = PARTNER_SUSPENDED").await;
        let partners: Vec<&str> = blocked.iter().map(|item| told(item).0).collect();
        assert_eq!(partners, ["cirrus", "nimbus"]);
        books.assert_sound().await;
        // Once it may work again it is paid.
        let request = ReinstatePartnerRequest {
            name: books.name("partners/nimbus"),
            ..ReinstatePartnerRequest::default()
        };
        books.world.partners().reinstate_partner(request).await.unwrap();
        let batch = Desk::of(&books, MAKER).made("april", dollars()).await;
        assert_eq!((batch.net_amount, batch.item_count), (usd(200), 1));
        books.assert_sound().await;
    }

    async fn a_batch_of_nobody_who_may_be_paid_is_cancelled_by_sending_it(world: World) {
        let books = Books::open(world, &["nimbus"]).await;
        books.post(owed("nimbus", "old", 30)).await;
        books.post(vec![earned("nimbus", "a", 100)]).await;
        let batch = approved(&books, "march").await;
        suspend(&books, "nimbus").await;
        let sent = Desk::of(&books, CHECKER).send(&batch.name).await.unwrap().into_inner();
        assert_eq!((sent.state(), sent.item_count), (State::Cancelled, 0));
        assert!(sent.cancel_time.is_some() && sent.send_time.is_none());
        assert_eq!(books.balance(&payable("nimbus")).await, 100);
        assert_eq!(books.balance(&receivable("nimbus")).await, 30);
        books.assert_sound().await;
    }

    async fn only_the_partners_that_are_named_are_paid(world: World) {
        let books = Books::open(world, &["cirrus", "nimbus"]).await;
        books.post(vec![earned("cirrus", "c", 100), earned("nimbus", "n", 200)]).await;
        let desk = Desk::of(&books, MAKER);
        let named = |id: &str| pb::PayoutBatch {
            partners: vec![books.name(&format!("partners/{id}"))],
            ..dollars()
        };
        let answer = desk.create("one", named("nobody")).await;
        let absent = refused(answer, Code::NotFound, "RESOURCE_NOT_FOUND");
        assert_eq!(absent.metadata["resource"], books.name("partners/nobody"));
        let batch = desk.made("two", named("nimbus")).await;
        assert_eq!((batch.net_amount, batch.partners), (usd(200), named("nimbus").partners));
        assert_eq!(books.balance(&payable("cirrus")).await, 100);
    }

    async fn a_cut_off_pays_what_was_payable_by_then_and_still_is(world: World) {
        let books = Books::open(world, &["nimbus"]).await;
        books.post(vec![earned("nimbus", "a", 100), earned("nimbus", "b", 50)]).await;
        let seconds = books.world.clock().now().micros() / 1_000_000;
        books.world.clock().advance(std::time::Duration::from_secs(60));
        books.post(vec![
            earned("nimbus", "c", 7),
            clawback("nimbus", "a", 2, payable("nimbus"), 40),
        ]).await;
        let desk = Desk::of(&books, MAKER);
        let at = |seconds| pb::PayoutBatch {
            cut_off_time: Some(Timestamp { seconds, nanos: 0 }),
            ..dollars()
        };
        let answer = desk.create("one", at(seconds + 61)).await;
        let ahead = refused(answer, Code::InvalidArgument, "INVALID_FIELDS");
        assert_eq!(ahead.fields(), ["batch.cut_off_time"]);
        let answer = desk.create("two", at(seconds - 1)).await;
        refused(answer, Code::FailedPrecondition, "NOTHING_PAYABLE");
        let batch = desk.made("three", at(seconds)).await;
        assert_eq!(batch.net_amount, usd(110));
        assert_eq!(batch.cut_off_time, at(seconds).cut_off_time);
        assert_eq!(books.balance(&payable("nimbus")).await, 7);
        books.assert_sound().await;
    }

    async fn whoever_prepared_a_batch_cannot_approve_it_and_neither_can_nobody(world: World) {
        let books = Books::open(world, &["nimbus"]).await;
        books.post(vec![earned("nimbus", "a", 100)]).await;
        let (maker, checker) = (Desk::of(&books, MAKER), Desk::of(&books, CHECKER));
        let batch = maker.made("march", dollars()).await;
        checker.submit(&batch.name).await.unwrap();
        let nobody = Desk { caller: (*books.world).clone(), ecosystem: books.ecosystem.clone() };
        let named_nobody = Desk::of(&books, "anonymous");
        for (desk, actor) in [
            (&maker, MAKER),
            (&checker, CHECKER),
            (&nobody, "anonymous"),
            (&named_nobody, "anonymous"),
        ] {
            let answer = desk.approve(&batch.name).await;
            let refusal = refused(answer, Code::PermissionDenied, "FOUR_EYES");
            assert_eq!(refusal.metadata["actor"], actor);
            assert_eq!(refusal.metadata["resource"], batch.name);
        }
        assert_eq!(maker.get(&batch.name).await.state(), State::Submitted);
        let third = Desk::of(&books, "alan@acme.example");
        let approved = third.approve(&batch.name).await.unwrap().into_inner();
        assert_eq!(approved.state(), State::Approved);
    }

    async fn every_verb_refuses_every_state_that_it_does_not_begin_at(world: World) {
        let partners = ["p1", "p2", "p3", "p4", "p5", "p6"];
        let books = Books::open(world, &partners).await;
        for partner in partners {
            books.post(vec![earned(partner, partner, 100)]).await;
        }
        let (maker, checker) = (Desk::of(&books, MAKER), Desk::of(&books, CHECKER));
        // One batch in each state, each with one partner.
        let states = ["DRAFT", "SUBMITTED", "APPROVED", "SENT", "SETTLED", "CANCELLED"];
        let mut names = Vec::new();
        for (at, partner) in partners.iter().enumerate() {
            let batch = pb::PayoutBatch {
                partners: vec![books.name(&format!("partners/{partner}"))],
                ..dollars()
            };
            let name = maker.made(&format!("b{at}"), batch).await.name;
            if (1..5).contains(&at) {
                maker.submit(&name).await.unwrap();
            }
            if (2..5).contains(&at) {
                checker.approve(&name).await.unwrap();
            }
            if (3..5).contains(&at) {
                checker.send(&name).await.unwrap();
            }
            match at {
                4 => drop(checker.settle(&name, &[]).await.unwrap()),
                5 => drop(maker.cancel(&name).await.unwrap()),
                _ => {}
            }
            names.push(name);
        }
        for (at, (name, state)) in names.iter().zip(states).enumerate() {
            let before = maker.get(name).await;
            assert_eq!(before.state().as_str_name(), format!("STATE_{state}"));
            let allowed = match at {
                0 => "SUBMIT,CANCEL",
                1 => "APPROVE,CANCEL",
                2 => "SEND",
                3 => "SETTLE,FAIL,RETURN",
                4 => "RETURN",
                _ => "",
            };
            let item = format!("{name}/items/{}", partners[at]);
            for (verb, answer) in [
                ("SUBMIT", if at == 0 { None } else { Some(maker.submit(name).await) }),
                ("APPROVE", if at == 1 { None } else { Some(checker.approve(name).await) }),
                ("CANCEL", if at <= 1 { None } else { Some(maker.cancel(name).await) }),
                ("SEND", if at == 2 { None } else { Some(checker.send(name).await) }),
                ("SETTLE", if at == 3 { None } else { Some(checker.settle(name, &[]).await) }),
                ("FAIL", if at == 3 { None } else { Some(checker.fail(&item).await) }),
                ("RETURN", if (3..5).contains(&at) { None } else { Some(checker.come_back(&item).await) }),
            ] {
                let Some(answer) = answer else { continue };
                let illegal = refused(answer, Code::FailedPrecondition, "ILLEGAL_TRANSITION");
                assert_eq!(illegal.metadata["resource"], *name);
                assert_eq!(illegal.metadata["state"], state);
                assert_eq!(illegal.metadata["move"], verb);
                assert_eq!(illegal.metadata["allowed"], allowed);
            }
            assert_eq!(maker.get(name).await, before, "nothing has changed");
        }
        books.assert_sound().await;
    }

    async fn a_stale_etag_is_told_by_every_verb(world: World) {
        let books = Books::open(world, &["nimbus"]).await;
        books.post(vec![earned("nimbus", "a", 100)]).await;
        let (maker, checker) = (Desk::of(&books, MAKER), Desk::of(&books, CHECKER));
        let batch = maker.made("march", dollars()).await;
        let name = batch.name.clone();
        let etag = "\"99\"".to_owned();
        let payouts = || checker.caller.payouts();
        let stale = |answer: Answer| refused(answer, Code::Aborted, "ETAG_MISMATCH");
        stale(payouts().submit_batch(pb::SubmitBatchRequest {
            name: name.clone(), etag: etag.clone(), ..Default::default()
        }).await);
        stale(payouts().cancel_batch(pb::CancelBatchRequest {
            name: name.clone(), etag: etag.clone(), ..Default::default()
        }).await);
        // The etag that was read is good.
        let submitted = maker.caller.payouts().submit_batch(pb::SubmitBatchRequest {
            name: name.clone(), etag: batch.etag, ..Default::default()
        }).await.unwrap().into_inner();
        stale(payouts().approve_batch(pb::ApproveBatchRequest {
            name: name.clone(), etag: etag.clone(), ..Default::default()
        }).await);
        payouts().approve_batch(pb::ApproveBatchRequest {
            name: name.clone(), etag: submitted.etag, ..Default::default()
        }).await.unwrap();
        stale(payouts().send_batch(pb::SendBatchRequest {
            name: name.clone(), etag: etag.clone(), ..Default::default()
        }).await);
        checker.send(&name).await.unwrap();
        stale(payouts().settle_items(pb::SettleItemsRequest {
            name: name.clone(), etag, ..Default::default()
        }).await);
        checker.settle(&name, &[]).await.unwrap();
    }

    async fn cancelling_undoes_all_that_was_reserved_and_the_money_can_be_paid_later(world: World) {
        let books = Books::open(world, &["nimbus"]).await;
        books.post(owed("nimbus", "old", 30)).await;
        books.post(vec![earned("nimbus", "a", 100), earned("nimbus", "b", 5)]).await;
        let desk = Desk::of(&books, MAKER);
        let batch = desk.made("march", dollars()).await;
        assert_eq!(batch.net_amount, usd(75));
        desk.submit(&batch.name).await.unwrap();
        books.world.clock().advance(std::time::Duration::from_secs(1));
        let cancelled = desk.cancel(&batch.name).await.unwrap().into_inner();
        assert_eq!(cancelled.state(), State::Cancelled);
        assert!(cancelled.cancel_time.is_some());
        assert_eq!(books.balance(&payable("nimbus")).await, 105);
        assert_eq!(books.balance(&receivable("nimbus")).await, 30);
        assert_eq!(books.balance(&in_payout("nimbus")).await, 0);
        let items = desk.items(&batch.name, "").await;
        assert!(items.iter().all(|item| item.state() == ItemState::Cancelled));
        // The inverse names what it reverses.
        let request = pb::ListJournalsRequest {
            parent: books.ecosystem.clone(),
            filter: "kind = PAYOUT_RESERVE OR kind = PAYOUT_CANCEL".to_owned(),
            ledger_account: books.name(&format!("ledgerAccounts/{}", in_payout("nimbus").id())),
            ..pb::ListJournalsRequest::default()
        };
        let journals = books.world.ledger().list_journals(request).await.unwrap().into_inner();
        let cause = format!("{}/items/nimbus", batch.name);
        let of_batch: Vec<_> =
            journals.journals.iter().filter(|journal| journal.cause == cause).collect();
        let [reserve, cancel] = of_batch[..] else { panic!("{of_batch:#?}") };
        assert_eq!(cancel.reverses, reserve.name);
        let again = desk.made("april", dollars()).await;
        assert_eq!(again.net_amount, usd(75));
        books.assert_sound().await;
    }

    async fn items_are_settled_by_name_all_or_none(world: World) {
        let books = Books::open(world, &["cirrus", "nimbus", "stratus"]).await;
        books.post(vec![
            earned("cirrus", "c", 100),
            earned("nimbus", "n", 200),
            earned("stratus", "s", 1),
        ]).await;
        let maker = Desk::of(&books, MAKER);
        let desk = Desk::of(&books, CHECKER);
        let batch = pb::PayoutBatch { minimum_amount: usd(50), ..dollars() };
        let name = maker.made("march", batch).await.name;
        maker.submit(&name).await.unwrap();
        desk.approve(&name).await.unwrap();
        desk.send(&name).await.unwrap();
        let absent = refused(
            desk.settle(&name, &["nimbus", "nobody"]).await,
            Code::NotFound,
            "RESOURCE_NOT_FOUND",
        );
        assert_eq!(absent.metadata["resource"], format!("{name}/items/nobody"));
        let blocked = refused(
            desk.settle(&name, &["nimbus", "stratus"]).await,
            Code::FailedPrecondition,
            "ILLEGAL_TRANSITION",
        );
        assert_eq!(blocked.metadata["resource"], format!("{name}/items/stratus"));
        assert_eq!(blocked.metadata["state"], "BLOCKED");
        let items = vec![books.name("payoutBatches/other/items/nimbus"), "x".to_owned()];
        let request = pb::SettleItemsRequest { name: name.clone(), items, ..Default::default() };
        let foreign = refused(
            desk.caller.payouts().settle_items(request).await,
            Code::InvalidArgument,
            "INVALID_FIELDS",
        );
        assert_eq!(foreign.fields(), ["items[0]", "items[1]"]);
        assert_eq!(books.balance(&clearing()).await, 300, "none was settled");
        desk.settle(&name, &["nimbus"]).await.unwrap();
        let twice = refused(
            desk.settle(&name, &["cirrus", "nimbus"]).await,
            Code::FailedPrecondition,
            "ILLEGAL_TRANSITION",
        );
        assert_eq!(twice.metadata["state"], "SETTLED");
        let done = desk.settle(&name, &["cirrus"]).await.unwrap().into_inner();
        assert_eq!(done.state(), State::Settled);
        books.assert_sound().await;
    }

    async fn what_is_taken_back_while_it_is_in_a_live_batch_is_owed_and_set_off_later(world: World) {
        let books = Books::open(world, &["nimbus"]).await;
        books.post(vec![earned("nimbus", "a", 1_000)]).await;
        let batch = approved(&books, "march").await;
        // Nothing of the award is payable any more, so what is taken back is owed.
        books.post(vec![clawback("nimbus", "a", 2, receivable("nimbus"), 300)]).await;
        let desk = Desk::of(&books, CHECKER);
        let sent = desk.send(&batch.name).await.unwrap().into_inner();
        assert_eq!(sent.net_amount, usd(1_000), "the batch is frozen");
        desk.settle(&batch.name, &[]).await.unwrap();
        assert_eq!(books.balance(&receivable("nimbus")).await, 300);
        books.post(vec![earned("nimbus", "b", 500)]).await;
        let next = Desk::of(&books, MAKER).made("april", dollars()).await;
        assert_eq!((next.set_off_amount, next.net_amount), (usd(300), usd(200)));
        books.assert_sound().await;
    }

    async fn many_creates_at_once_never_take_the_same_money_twice(world: World) {
        let partners: Vec<String> = (0..20).map(|at| format!("p{at}")).collect();
        let ids: Vec<&str> = partners.iter().map(String::as_str).collect();
        let books = Books::open(world, &ids).await;
        for round in 0..3 {
            let award = |partner: &str| format!("{partner}-r{round}");
            books.post(ids.iter().map(|id| earned(id, &award(id), 100)).collect()).await;
            let creates = (0..8).map(|at| {
                let desk = Desk::of(&books, MAKER);
                tokio::spawn(async move { desk.create(&format!("b{round}-{at}"), dollars()).await })
            });
            let mut made = Vec::new();
            for create in creates.collect::<Vec<_>>() {
                match create.await.unwrap() {
                    Ok(batch) => made.push(batch.into_inner()),
                    Err(status) => {
                        refused(Err::<Response<()>, _>(status), Code::FailedPrecondition, "NOTHING_PAYABLE");
                    }
                }
            }
            let [batch] = &made[..] else { panic!("{} batches took the money", made.len()) };
            assert_eq!(batch.net_amount, usd(2_000));
        }
        for id in ids {
            assert_eq!(books.balance(&payable(id)).await, 0);
            assert_eq!(books.balance(&in_payout(id)).await, 300);
        }
        books.assert_sound().await;
    }

    async fn approving_and_cancelling_at_once_ends_in_one_decision(world: World) {
        let books = Books::open(world, &["nimbus"]).await;
        let maker = Desk::of(&books, MAKER);
        let mut decided = BTreeSet::new();
        for round in 0..12 {
            books.post(vec![earned("nimbus", &format!("a{round}"), 100)]).await;
            let name = maker.made(&format!("b{round}"), dollars()).await.name;
            maker.submit(&name).await.unwrap();
            let deciders = (0..6).map(|at| {
                let desk = Desk::of(&books, &format!("decider-{at}"));
                let name = name.clone();
                tokio::spawn(async move {
                    if at % 2 == 0 { desk.approve(&name).await } else { desk.cancel(&name).await }
                })
            });
            let mut decisions = Vec::new();
            for decider in deciders.collect::<Vec<_>>() {
                match decider.await.unwrap() {
                    Ok(batch) => decisions.push(batch.into_inner().state()),
                    Err(status) => {
                        let late = Err::<Response<()>, _>(status);
                        refused(late, Code::FailedPrecondition, "ILLEGAL_TRANSITION");
                    }
                }
            }
            let [decision] = decisions[..] else { panic!("{} decisions", decisions.len()) };
            assert_eq!(maker.get(&name).await.state(), decision);
            let reserved = books.balance(&in_payout("nimbus")).await;
            if decision == State::Approved {
                assert!(reserved > 0);
                Desk::of(&books, CHECKER).send(&name).await.unwrap();
            }
            assert_eq!(books.balance(&in_payout("nimbus")).await, 0);
            decided.insert(decision.as_str_name());
        }
        books.assert_sound().await;
        assert!(!decided.is_empty());
    }

    async fn one_request_id_is_one_batch_however_often_it_is_sent(world: World) {
        let books = Books::open(world, &["nimbus"]).await;
        books.post(vec![earned("nimbus", "a", 100)]).await;
        let request = pb::CreateBatchRequest {
            parent: books.ecosystem.clone(),
            batch: Some(dollars()),
            request_id: "5f0c4c2e-0f5e-4b57-9d53-3f6f0f1f9b11".to_owned(),
            ..pb::CreateBatchRequest::default()
        };
        let dry = pb::CreateBatchRequest { validate_only: true, ..request.clone() };
        let caller = books.world.actor(MAKER);
        let would = caller.payouts().create_batch(dry).await.unwrap().into_inner();
        assert_eq!(would.net_amount, usd(100));
        assert_eq!(books.balance(&payable("nimbus")).await, 100, "a dry run takes nothing");
        let sends = (0..20).map(|_| {
            let (caller, request) = (caller.clone(), request.clone());
            tokio::spawn(async move { caller.payouts().create_batch(request).await })
        });
        let mut answers = Vec::new();
        for send in sends.collect::<Vec<_>>() {
            answers.push(send.await.unwrap().unwrap().into_inner());
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]));
        let desk = Desk::of(&books, MAKER);
        desk.submit(&answers[0].name).await.unwrap();
        // The verbs too: approving twice with one request id is one approval.
        let approve = pb::ApproveBatchRequest {
            name: answers[0].name.clone(),
            request_id: "5f0c4c2e-0f5e-4b57-9d53-3f6f0f1f9b12".to_owned(),
            ..pb::ApproveBatchRequest::default()
        };
        let checker = books.world.actor(CHECKER);
        let once = checker.payouts().approve_batch(approve.clone()).await.unwrap().into_inner();
        let twice = checker.payouts().approve_batch(approve).await.unwrap().into_inner();
        assert_eq!(once, twice);
        books.assert_sound().await;
    }

    async fn everything_that_is_wrong_with_a_batch_is_told_at_once(world: World) {
        let books = Books::open(world, &[]).await;
        let request = pb::CreateBatchRequest {
            parent: books.ecosystem.clone(),
            batch_id: "No".to_owned(),
            batch: Some(pb::PayoutBatch {
                currency_code: "usd".to_owned(),
                minimum_amount: Some(trellis_api::google::r#type::Money {
                    currency_code: "USD".to_owned(),
                    units: 1,
                    nanos: 1,
                }),
                partners: vec!["ecosystems/other/partners/nimbus".to_owned()],
                ..pb::PayoutBatch::default()
            }),
            request_id: "no".to_owned(),
            ..pb::CreateBatchRequest::default()
        };
        let answer = books.world.payouts().create_batch(request).await;
        let wrong = refused(answer, Code::InvalidArgument, "INVALID_FIELDS");
        assert_eq!(wrong.fields(), [
            "batch_id",
            "request_id",
            "batch.currency_code",
            "batch.minimum_amount.nanos",
            "batch.partners[0]",
        ]);
        for (minimum, field) in [
            (Some(trellis_api::google::r#type::Money {
                currency_code: "EUR".to_owned(), units: 1, nanos: 0,
            }), "batch.minimum_amount.currency_code"),
            (usd(-100), "batch.minimum_amount.units"),
        ] {
            let batch = pb::PayoutBatch { minimum_amount: minimum, ..dollars() };
            let answer = Desk::of(&books, MAKER).create("b", batch).await;
            let wrong = refused(answer, Code::InvalidArgument, "INVALID_FIELDS");
            assert_eq!(wrong.fields(), [field]);
        }
    }

    async fn a_batch_that_does_not_exist_is_not_found_by_any_method(world: World) {
        let books = Books::open(world, &["nimbus"]).await;
        books.post(vec![earned("nimbus", "a", 100)]).await;
        let desk = Desk::of(&books, MAKER);
        desk.made("march", dollars()).await;
        refused(desk.create("march", dollars()).await, Code::FailedPrecondition, "NOTHING_PAYABLE");
        books.post(vec![earned("nimbus", "b", 100)]).await;
        let taken = refused(desk.create("march", dollars()).await, Code::AlreadyExists, "RESOURCE_EXISTS");
        assert_eq!(taken.metadata["resource"], books.name("payoutBatches/march"));
        // Nobody sees the batches of another ecosystem.
        let other = books.world.ecosystem("other").await;
        for name in [books.name("payoutBatches/nope"), format!("{other}/payoutBatches/march")] {
            for answer in [
                desk.submit(&name).await,
                desk.approve(&name).await,
                desk.cancel(&name).await,
                desk.send(&name).await,
                desk.settle(&name, &[]).await,
                desk.caller.payouts().get_batch(pb::GetBatchRequest { name: name.clone() }).await,
            ] {
                let absent = refused(answer, Code::NotFound, "RESOURCE_NOT_FOUND");
                assert_eq!(absent.metadata["resource"], name);
            }
            let parent = name.clone();
            let items = pb::ListItemsRequest { parent, ..pb::ListItemsRequest::default() };
            let answer = desk.caller.payouts().list_items(items).await;
            refused(answer, Code::NotFound, "RESOURCE_NOT_FOUND");
            let lines = pb::ListLinesRequest { parent: name, ..pb::ListLinesRequest::default() };
            let answer = desk.caller.payouts().list_lines(lines).await;
            refused(answer, Code::NotFound, "RESOURCE_NOT_FOUND");
        }
    }

    async fn batches_items_and_lines_are_listed_in_pages_and_filtered(world: World) {
        let partners: Vec<String> = (0..7).map(|at| format!("p{at}")).collect();
        let ids: Vec<&str> = partners.iter().map(String::as_str).collect();
        let books = Books::open(world, &ids).await;
        let desk = Desk::of(&books, MAKER);
        let mut postings = Vec::new();
        for id in &ids {
            for at in 0..3 {
                postings.push(earned(id, &format!("{id}-a{at}"), 100));
            }
        }
        books.post(postings).await;
        let name = desk.made("b1", dollars()).await.name;
        books.post(vec![earned("p0", "more", 5)]).await;
        desk.made("b2", dollars()).await;
        desk.submit(&name).await.unwrap();

        let list = |filter: &str| pb::ListBatchesRequest {
            parent: books.ecosystem.clone(),
            filter: filter.to_owned(),
            ..pb::ListBatchesRequest::default()
        };
        let batches = async |filter: &str| -> Vec<String> {
            let page = desk.caller.payouts().list_batches(list(filter)).await.unwrap().into_inner();
            page.batches.iter().map(|batch| batch.name.rsplit('/').next().unwrap().to_owned()).collect()
        };
        assert_eq!(batches("").await, ["b1", "b2"]);
        assert_eq!(batches("state = SUBMITTED").await, ["b1"]);
        assert_eq!(batches(&format!("creator = \"{MAKER}\" AND currency_code = USD")).await.len(), 2);
        assert!(batches("approver:*").await.is_empty());
        let answer = desk.caller.payouts().list_batches(list("nope = 1")).await;
        refused(answer, Code::InvalidArgument, "INVALID_FIELDS");

        let (mut items, mut token) = (Vec::new(), String::new());
        loop {
            let request = pb::ListItemsRequest {
                parent: name.clone(), page_size: 3, page_token: token, ..Default::default()
            };
            let page = desk.caller.payouts().list_items(request).await.unwrap().into_inner();
            items.extend(page.items);
            token = page.next_page_token;
            if token.is_empty() { break; }
        }
        assert_eq!(items, desk.items(&name, "").await);
        assert_eq!(items.len(), 7);
        let of = format!("partner = \"{}\"", books.name("partners/p3"));
        assert_eq!(desk.items(&name, &of).await.len(), 1);
        assert!(desk.items(&name, "state = BLOCKED").await.is_empty());

        let (mut lines, mut token) = (Vec::new(), String::new());
        loop {
            let request = pb::ListLinesRequest {
                parent: name.clone(), page_size: 4, page_token: token, ..Default::default()
            };
            let page = desk.caller.payouts().list_lines(request).await.unwrap().into_inner();
            lines.extend(page.lines);
            token = page.next_page_token;
            if token.is_empty() { break; }
        }
        assert_eq!(lines, desk.lines(&name, "").await);
        let keys: Vec<(&str, &str)> =
            lines.iter().map(|line| (line.item.as_str(), line.award.as_str())).collect();
        assert!(keys.is_sorted() && keys.len() == 21);
        assert_eq!(desk.lines(&name, &of).await.len(), 3);
    }

    async fn a_batch_takes_a_thousand_partners_and_leaves_the_rest_for_the_next(world: World) {
        let partners: Vec<String> = (0..1_003).map(|at| format!("p{at:04}")).collect();
        let ids: Vec<&str> = partners.iter().map(String::as_str).collect();
        let books = Books::open(world, &ids).await;
        books.post(ids.iter().map(|id| earned(id, id, 100)).collect()).await;
        let desk = Desk::of(&books, MAKER);
        let first = desk.made("first", dollars()).await;
        assert_eq!((first.item_count, first.full), (1_000, true));
        assert_eq!(first.net_amount, usd(100_000));
        let second = desk.made("second", dollars()).await;
        assert_eq!((second.item_count, second.full), (3, false));
        assert_ne!(first.content_hash, second.content_hash);
        let last = PartnerId::try_new("p1002").unwrap();
        assert_eq!(books.balance(&Account::payable(&last, Currency::USD)).await, 0);
        desk.submit(&first.name).await.unwrap();
        let checker = Desk::of(&books, CHECKER);
        checker.approve(&first.name).await.unwrap();
        checker.send(&first.name).await.unwrap();
        let settled = checker.settle(&first.name, &[]).await.unwrap().into_inner();
        assert_eq!(settled.state(), State::Settled);
        desk.cancel(&second.name).await.unwrap();
        books.assert_sound().await;
    }

    async fn a_batch_takes_ten_thousand_awards_and_leaves_the_rest_for_the_next(world: World) {
        let books = Books::open(world, &["cirrus", "nimbus"]).await;
        for at in 0..10 {
            let of = |n: i64| format!("n-{at}-{n}");
            books.post((0..1_001).map(|n| earned("nimbus", &of(n), 1)).collect()).await;
        }
        books.post(vec![earned("cirrus", "c", 100)]).await;
        let desk = Desk::of(&books, MAKER);
        // The first partner goes in whole; there is no room for all of the second one.
        let first = desk.made("first", dollars()).await;
        assert_eq!((first.item_count, first.full), (1, true));
        assert_eq!(first.net_amount, usd(100));
        // Alone it is too large for any batch: it is paid as far as there is room.
        let second = desk.made("second", dollars()).await;
        assert_eq!((second.item_count, second.full), (1, true));
        assert_eq!(second.net_amount, usd(10_000));
        let third = desk.made("third", dollars()).await;
        assert_eq!((third.full, third.net_amount), (false, usd(10)));
        desk.cancel(&second.name).await.unwrap();
        books.assert_sound().await;
    }
}
