//! What happens to a lead at the same moment.

use std::collections::BTreeSet;
use std::future::Future;

use futures::future::join_all;
use tonic::{Code, Status};
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::lead::State;
use trellis_api::deal::v1::lead::offer::Outcome;
use trellis_core::Timestamp;
use trellis_tests::on_both;

use super::scene::{Scene, Terms, Verb, does, mark, whose};

/// Makes a move until it is answered or refused for good: whoever meets too many others is told to
/// try again.
async fn settled<T, F>(make: impl Fn() -> F) -> Result<T, Status>
where
    F: Future<Output = Result<T, Status>>,
{
    loop {
        match make().await {
            Err(status) if status.code() == Code::Aborted => {}
            other => return other,
        }
    }
}

/// Makes the same move as often at once; answers how many were made.
async fn at_once(scene: &Scene, verb: Verb, name: &str, times: usize) -> usize {
    let moves = (0..times).map(|_| {
        let (scene, name) = (scene.clone(), name.to_owned());
        tokio::spawn(async move { settled(|| does(&scene, verb, &name)).await })
    });
    let answers = join_all(moves).await;
    let mut made = 0;
    for answer in answers {
        match answer.unwrap() {
            Ok(_) => made += 1,
            Err(status) => assert_eq!(status.code(), Code::FailedPrecondition, "{status}"),
        }
    }
    made
}

on_both! {
    async fn of_those_who_accept_or_route_at_once_one_does(world: World) {
        let scene = Scene::open(world).await;
        for id in ["nimbus", "stratus", "cirrus"] {
            scene.member(id, Terms::default()).await;
        }
        let lead = scene.lead(scene.somebody()).await;
        assert_eq!(at_once(&scene, Verb::Route, &lead.name, 8).await, 1);
        assert_eq!(scene.read(&lead.name).await.offers.len(), 1);
        assert_eq!(at_once(&scene, Verb::Accept, &lead.name, 8).await, 1);
        let told = scene.read(&lead.name).await;
        assert_eq!((told.state(), told.offers.len()), (State::Accepted, 1));
        scene.tells(
            &lead.name, &["lead.created", "lead.routed", "lead.offered", "lead.accepted"],
        ).await;
    }

    async fn leads_that_are_routed_at_once_do_not_overrun_a_capacity(world: World) {
        let scene = Scene::open(world).await;
        scene.member("nimbus", Terms { capacity: 3, ..Terms::default() }).await;
        let mut names = Vec::new();
        for _ in 0..16 {
            names.push(scene.lead(scene.somebody()).await.name);
        }
        let routes = names.into_iter().map(|name| {
            let scene = scene.clone();
            tokio::spawn(async move { settled(|| does(&scene, Verb::Route, &name)).await.unwrap() })
        });
        let states: Vec<_> =
            join_all(routes).await.into_iter().map(|lead| lead.unwrap().state()).collect();
        let offered = states.iter().filter(|state| **state == State::Offered);
        assert_eq!(offered.count(), 3, "{states:?}");
        let stranded = states.iter().filter(|state| **state == State::Unroutable);
        assert_eq!(stranded.count(), 13);
    }

    async fn who_accepts_while_the_time_runs_out_has_it_or_has_it_not(world: World) {
        let scene = Scene::plain(world).await;
        for id in ["nimbus", "stratus"] {
            scene.member(id, Terms::default()).await;
        }
        let mut ends = BTreeSet::new();
        for _ in 0..12 {
            let lead = scene.routed(scene.somebody()).await;
            let seat = std::sync::Arc::new(whose(&scene, &lead).await);
            let by = lead.accept_by_time.unwrap().seconds;
            let accept = {
                let (seat, name) = (seat.clone(), lead.name.clone());
                tokio::spawn(async move { settled(|| does(&seat, Verb::Accept, &name)).await })
            };
            tokio::task::yield_now().await;
            scene.clock().set(Timestamp::from_micros(by * 1_000_000));
            // Somebody routes it anew, if nobody has yet.
            let again = settled(|| does(&scene, Verb::Route, &lead.name)).await;
            let accepted = accept.await.unwrap();
            let told = scene.read(&lead.name).await;
            let first = told.offers.first().unwrap();
            match accepted {
                Ok(mine) => {
                    assert_eq!((told.state(), &told.partner), (State::Accepted, &lead.partner));
                    assert_eq!((mine.state(), told.offers.len()), (State::Accepted, 1));
                    assert_eq!(again.unwrap_err().code(), Code::FailedPrecondition);
                }
                Err(status) => {
                    assert_eq!(status.code(), Code::NotFound, "{status}");
                    assert_ne!(told.partner, lead.partner);
                    assert_eq!(first.outcome(), Outcome::Lapsed);
                    assert_eq!((told.state(), told.offers.len()), (State::Offered, 2));
                }
            }
            ends.insert(first.outcome() as i32);
        }
        println!("outcomes {ends:?}");
    }

    async fn two_leads_never_become_duplicates_of_each_other(world: World) {
        let scene = Scene::open(world).await;
        for _ in 0..8 {
            let pair: [pb::Lead; 2] =
                [scene.lead(scene.somebody()).await, scene.lead(scene.somebody()).await];
            let marks = [(0, 1), (1, 0)].map(|(one, other)| {
                let scene = scene.clone();
                let (one, other) = (pair[one].name.clone(), pair[other].name.clone());
                tokio::spawn(async move {
                    settled(|| mark(&scene, &one, &other)).await
                })
            });
            let marked = join_all(marks).await.into_iter().filter(|mark| {
                mark.as_ref().unwrap().is_ok()
            });
            assert_eq!(marked.count(), 1);
        }
    }
}
