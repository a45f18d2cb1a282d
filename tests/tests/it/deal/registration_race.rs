//! Partners who register the same business at the same moment.

use std::future::Future;

use futures::future::join_all;
use tonic::{Code, Response, Status};
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::registration::State;
use trellis_tests::on_both;

use super::market::{Market, automatic};

/// How many race.
const PARTNERS: usize = 64;

/// Partners at work in a program, each with a draft for the same business.
async fn drafts(market: &Market, program: &str) -> Vec<pb::Registration> {
    let mut drafts = Vec::with_capacity(PARTNERS);
    for index in 0..PARTNERS {
        let partner = market.partner(&format!("racer-{index}")).await;
        market.enroll(&partner, program).await;
        let claim = pb::Registration {
            program: market.name("programs", program),
            ..market.claim(&partner)
        };
        drafts.push(market.draft(claim).await);
    }
    drafts
}

/// All registrations, as they stand.
async fn standing(market: &Market) -> Vec<pb::Registration> {
    let request = pb::ListRegistrationsRequest {
        parent: market.parent.clone(),
        page_size: 1_000,
        ..pb::ListRegistrationsRequest::default()
    };
    let list = market.registrations().list_registrations(request).await;
    list.unwrap().into_inner().registrations
}

/// Asserts that exactly one is protected and that the others stand in one line behind it.
fn one_is_protected(registrations: &[pb::Registration]) {
    let of = |state| registrations.iter().filter(move |one| one.state() == state);
    assert_eq!(of(State::Approved).count(), 1);
    let mut waiting: Vec<_> = of(State::Waitlisted).cloned().collect();
    assert_eq!(waiting.len(), registrations.len() - 1);
    waiting.sort_by_key(|one| one.waitlist_position);
    one_line(&waiting);
}

/// Asserts that registrations stand at the places 1, 2, 3 and so on, in the order in which they
/// were handed in.
fn one_line(waiting: &[pb::Registration]) {
    let places: Vec<_> = waiting.iter().map(|one| one.waitlist_position).collect();
    assert_eq!(places, (1..).take(waiting.len()).collect::<Vec<_>>());
    let times: Vec<_> = waiting
        .iter()
        .map(|one| one.submit_time.map(|time| (time.seconds, time.nanos)))
        .collect();
    assert!(times.is_sorted_by(|one, next| one < next), "{times:?}");
}

/// Makes a move until it is answered: whoever meets too many others is told to try again.
async fn until_answered<F>(make: impl Fn() -> F) -> pb::Registration
where
    F: Future<Output = Result<Response<pb::Registration>, Status>>,
{
    loop {
        match make().await {
            Ok(answer) => return answer.into_inner(),
            Err(status) => assert_eq!(status.code(), Code::Aborted, "{status}"),
        }
    }
}

on_both! {
    async fn of_sixty_four_partners_who_register_at_once_exactly_one_is_protected(world: World) {
        let market = Market::open(world).await;
        market.program("quick", automatic(None)).await;
        let drafts = drafts(&market, "quick").await;
        let submissions = drafts.iter().map(|draft| {
            let (market, name) = (market.clone(), draft.name.clone());
            tokio::spawn(async move { until_answered(|| market.hand_in(&name)).await })
        });
        let answers: Vec<_> =
            join_all(submissions).await.into_iter().map(Result::unwrap).collect();
        one_is_protected(&answers);
        one_is_protected(&standing(&market).await);
    }

    async fn while_those_ahead_withdraw_at_once_the_line_stays_whole(world: World) {
        let market = Market::open(world).await;
        let drafts = drafts(&market, "gold").await;
        for draft in &drafts {
            market.hand_in(&draft.name).await.unwrap();
        }
        let (leaving, staying) = drafts.split_at(PARTNERS / 2);
        let moves = leaving.iter().map(|draft| {
            let (market, name) = (market.clone(), draft.name.clone());
            tokio::spawn(async move { until_answered(|| market.withdraw(&name)).await })
        });
        join_all(moves).await.into_iter().for_each(|done| assert_eq!(
            done.unwrap().state(), State::Withdrawn
        ));
        let mut waiting = standing(&market).await;
        waiting.retain(|one| one.state() == State::Waitlisted);
        assert_eq!(waiting.len(), staying.len());
        waiting.sort_by_key(|one| one.waitlist_position);
        let names = |line: &[pb::Registration]| -> Vec<String> {
            line.iter().map(|one| one.name.clone()).collect()
        };
        assert_eq!(names(&waiting), names(staying), "nobody has overtaken");
        one_line(&waiting);
        let reasons: Vec<_> =
            waiting.iter().map(|one| one.decision.clone().unwrap().reason_code).collect();
        assert_eq!(reasons.first().unwrap(), "PROMOTED");
        assert!(reasons.iter().skip(1).all(|reason| reason == "DUPLICATE_ACTIVE"));
        market.approve(&waiting.first().unwrap().name).await.unwrap();
    }
}
