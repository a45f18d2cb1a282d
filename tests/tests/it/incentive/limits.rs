//! How much somebody may approve at once.

use tonic::Code;
use trellis_api::incentive::v1 as pb;
use trellis_core::access::{Grant, Rights};
use trellis_core::{Actor, Currency, EcosystemId, Money, Principal, Role};
use trellis_store::incentive::ledger::Kind;
use trellis_tests::{Seat, World, on_both, refused};

use super::books::{Books, earned, expense, moving, payable, review};
use super::scene::{Scene, percent, usd};

/// A finance approver with these limits, each by a role of its own.
async fn approver(world: &World, limits: &[Option<Money>]) -> Seat {
    let grant = |limit: &Option<Money>| Grant {
        approval_limit: *limit,
        ..Grant::new(Role::FinanceApprover, None)
    };
    let grants = limits.iter().map(grant).collect();
    let actor = Actor::try_new("kim@acme.example").unwrap();
    let principal = Principal {
        person: Some(actor.clone()),
        actor,
        rights: Rights::Granted(vec![(EcosystemId::try_new("acme").unwrap(), grants)]),
    };
    Seat::take(world, principal).await
}

fn dollars(minor: i64) -> Option<Money> {
    Some(Money::new(minor, Currency::USD))
}

fn euros(minor: i64) -> Option<Money> {
    Some(Money::new(minor, Currency::EUR))
}

on_both! {
    async fn a_batch_is_approved_up_to_the_highest_limit_in_its_currency(world: World) {
        let books = Books::open(world, &["nimbus", "cirrus"]).await;
        books.post(vec![earned("nimbus", "a", 60), earned("cirrus", "b", 41)]).await;
        let maker = books.world.actor("ada@acme.example");
        let create = pb::CreateBatchRequest {
            parent: books.ecosystem.clone(),
            batch_id: "march".to_owned(),
            batch: Some(pb::PayoutBatch { currency_code: "USD".to_owned(), ..Default::default() }),
            ..Default::default()
        };
        let name = maker.payouts().create_batch(create).await.unwrap().into_inner().name;
        let submit = pb::SubmitBatchRequest { name: name.clone(), ..Default::default() };
        maker.payouts().submit_batch(submit).await.unwrap();
        let approve = || pb::ApproveBatchRequest { name: name.clone(), ..Default::default() };
        for limits in [
            vec![dollars(100)],
            vec![dollars(5), dollars(100)],
            vec![euros(1_000_000)],
            vec![euros(1_000_000), dollars(100)],
        ] {
            let seat = approver(&books.world, &limits).await;
            let answer = seat.payouts().approve_batch(approve()).await;
            let refusal = refused(answer, Code::PermissionDenied, "APPROVAL_LIMIT");
            assert_eq!(refusal.metadata["amount"], "1.01 USD", "{limits:?}");
            assert_eq!(refusal.metadata["actor"], "kim@acme.example");
            assert_eq!(refusal.metadata["resource"], name);
        }
        for limits in [vec![dollars(101)], vec![dollars(5), None], vec![None]] {
            let seat = approver(&books.world, &limits).await;
            let tried = pb::ApproveBatchRequest { validate_only: true, ..approve() };
            seat.payouts().approve_batch(tried).await.unwrap();
        }
        let get = pb::GetBatchRequest { name: name.clone() };
        let batch = maker.payouts().get_batch(get).await.unwrap().into_inner();
        assert_eq!(batch.state(), pb::payout_batch::State::Submitted);
        assert_eq!(batch.approver, "");
    }

    async fn a_system_is_nobodys_second_person(world: World) {
        let books = Books::open(world, &["nimbus"]).await;
        books.post(vec![earned("nimbus", "a", 60)]).await;
        let maker = books.world.actor("ada@acme.example");
        let create = pb::CreateBatchRequest {
            parent: books.ecosystem.clone(),
            batch_id: "march".to_owned(),
            batch: Some(pb::PayoutBatch { currency_code: "USD".to_owned(), ..Default::default() }),
            ..Default::default()
        };
        let name = maker.payouts().create_batch(create).await.unwrap().into_inner().name;
        let submit = pb::SubmitBatchRequest { name: name.clone(), ..Default::default() };
        maker.payouts().submit_batch(submit).await.unwrap();
        let approve = || pb::ApproveBatchRequest { name: name.clone(), ..Default::default() };
        // The same role, first without a person and then with one.
        for person in [None, Some("kim@acme.example")] {
            let grant = Grant::new(Role::FinanceApprover, None);
            let principal = Principal {
                actor: Actor::try_new("apiKeys/1").unwrap(),
                person: person.map(|person| Actor::try_new(person).unwrap()),
                rights: Rights::Granted(vec![(EcosystemId::try_new("acme").unwrap(), vec![grant])]),
            };
            let seat = Seat::take(&books.world, principal).await;
            let answer = seat.payouts().approve_batch(approve()).await;
            match person {
                None => {
                    let refusal = refused(answer, Code::PermissionDenied, "FOUR_EYES");
                    assert_eq!(refusal.metadata["actor"], "apiKeys/1");
                }
                Some(person) => assert_eq!(answer.unwrap().into_inner().approver, person),
            }
        }
    }

    async fn a_journal_is_reversed_up_to_the_limit(world: World) {
        let books = Books::open(world, &["nimbus"]).await;
        books.post(vec![
            moving("a", 1, Kind::Accrual, expense(), review("nimbus"), 101),
            moving("a", 2, Kind::Approval, review("nimbus"), payable("nimbus"), 101),
        ]).await;
        let list = pb::ListJournalsRequest {
            parent: books.ecosystem.clone(),
            filter: "kind = APPROVAL".to_owned(),
            ..Default::default()
        };
        let listed = books.world.ledger().list_journals(list).await.unwrap().into_inner();
        let reverse = || pb::ReverseJournalRequest {
            name: listed.journals[0].name.clone(),
            reason_code: "OTHER".to_owned(),
            ..Default::default()
        };
        for limits in [vec![dollars(100)], vec![euros(1_000), dollars(100)]] {
            let seat = approver(&books.world, &limits).await;
            let answer = seat.ledger().reverse_journal(reverse()).await;
            let refusal = refused(answer, Code::PermissionDenied, "APPROVAL_LIMIT");
            assert_eq!(refusal.metadata["amount"], "1.01 USD", "{limits:?}");
            assert_eq!(refusal.metadata["resource"], listed.journals[0].name);
        }
        assert_eq!(books.balance(&payable("nimbus")).await, 101);
        let seat = approver(&books.world, &[dollars(101)]).await;
        seat.ledger().reverse_journal(reverse()).await.unwrap();
        assert_eq!(books.balance(&payable("nimbus")).await, 0);
    }

    async fn awards_are_approved_together_up_to_the_limit(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", percent("0.1")).await;
        scene.win("deal-1", "nimbus", 100_000, "2026-03-02").await;
        scene.win("deal-2", "cirrus", 200_000, "2026-03-02").await;
        let awards = scene.of_plan("spiff").await;
        let [first, second] = awards.as_slice() else { panic!("{awards:?}") };
        let approve = |awards: &[&pb::Award]| pb::ApproveAwardsRequest {
            parent: scene.name.clone(),
            names: awards.iter().map(|award| award.name.clone()).collect(),
            ..Default::default()
        };
        let seat = approver(&scene.world, &[dollars(29_999)]).await;
        let answer = seat.awards().approve_awards(approve(&[first, second])).await;
        let refusal = refused(answer, Code::PermissionDenied, "APPROVAL_LIMIT");
        assert_eq!(refusal.metadata["amount"], "300.00 USD");
        assert_eq!(refusal.metadata["resource"], second.name);
        seat.awards().approve_awards(approve(&[second])).await.unwrap();
        let enough = approver(&scene.world, &[dollars(10_000)]).await;
        enough.awards().approve_awards(approve(&[first])).await.unwrap();
    }

    async fn what_was_payable_is_released_up_to_the_limit(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", percent("0.1")).await;
        scene.win("deal-1", "nimbus", 100_000, "2026-03-02").await;
        let award = scene.award("spiff").await;
        scene.approve(&[&award]).await;
        let name = award.name;
        let hold = pb::HoldAwardRequest {
            name: name.clone(),
            reason: pb::award::HoldReason::Review.into(),
            ..Default::default()
        };
        let seat = approver(&scene.world, &[dollars(9_999)]).await;
        seat.awards().hold_award(hold).await.unwrap();
        let release = || pb::ReleaseAwardRequest { name: name.clone(), ..Default::default() };
        let refusal = refused(
            seat.awards().release_award(release()).await, Code::PermissionDenied, "APPROVAL_LIMIT"
        );
        assert_eq!(refusal.metadata["amount"], "100.00 USD");
        let enough = approver(&scene.world, &[dollars(10_000)]).await;
        enough.awards().release_award(release()).await.unwrap();
    }

    async fn an_award_is_adjusted_up_to_the_limit(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", percent("0.1")).await;
        scene.win("deal-1", "nimbus", 100_000, "2026-03-02").await;
        let award = scene.award("spiff").await;
        let adjust = |minor| pb::AdjustAwardRequest {
            name: award.name.clone(),
            amount: usd(minor),
            reason_code: "GOODWILL".to_owned(),
            note: "Letter of March 2.".to_owned(),
            ..Default::default()
        };
        let seat = approver(&scene.world, &[dollars(6_000)]).await;
        for minor in [6_001, -6_001] {
            let answer = seat.awards().adjust_award(adjust(minor)).await;
            let refusal = refused(answer, Code::PermissionDenied, "APPROVAL_LIMIT");
            assert_eq!(refusal.metadata["amount"], "60.01 USD");
        }
        seat.awards().adjust_award(adjust(-6_000)).await.unwrap();
    }

    async fn a_system_approves_nothing_to_which_somebody_has_added(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", percent("0.1")).await;
        scene.win("deal-1", "nimbus", 100_000, "2026-03-02").await;
        let award = scene.award("spiff").await;
        let approve = pb::ApproveAwardsRequest {
            parent: scene.name.clone(),
            names: vec![award.name.clone()],
            validate_only: true,
            ..Default::default()
        };
        let grant = Grant::new(Role::FinanceApprover, None);
        let principal = Principal {
            actor: Actor::try_new("apiKeys/1").unwrap(),
            person: None,
            rights: Rights::Granted(vec![(EcosystemId::try_new("acme").unwrap(), vec![grant])]),
        };
        let system = Seat::take(&scene.world, principal).await;
        system.awards().approve_awards(approve.clone()).await.unwrap();
        let adjust = pb::AdjustAwardRequest {
            name: award.name.clone(),
            amount: usd(1),
            reason_code: "GOODWILL".to_owned(),
            note: "Letter of March 2.".to_owned(),
            ..Default::default()
        };
        scene.world.awards().adjust_award(adjust).await.unwrap();
        let answer = system.awards().approve_awards(approve).await;
        let refusal = refused(answer, Code::PermissionDenied, "FOUR_EYES");
        assert_eq!(refusal.metadata["actor"], "apiKeys/1");
        assert_eq!(refusal.metadata["resource"], award.name);
    }

    async fn an_award_is_rejected_up_to_the_limit(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", percent("0.1")).await;
        scene.win("deal-1", "nimbus", 100_000, "2026-03-02").await;
        let award = scene.award("spiff").await;
        let reject = |minor| pb::RejectAwardRequest {
            name: award.name.clone(),
            amount: usd(minor),
            reason_code: "NOT_ELIGIBLE".to_owned(),
            ..Default::default()
        };
        let seat = approver(&scene.world, &[dollars(6_000)]).await;
        let answer = seat.awards().reject_award(reject(6_001)).await;
        let refusal = refused(answer, Code::PermissionDenied, "APPROVAL_LIMIT");
        assert_eq!(refusal.metadata["amount"], "60.01 USD");
        assert_eq!(refusal.metadata["resource"], award.name);
        seat.awards().reject_award(reject(6_000)).await.unwrap();
    }
}
