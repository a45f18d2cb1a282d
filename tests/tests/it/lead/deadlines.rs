//! Deadlines at the second before, at and after local midnight, across both changes of the clocks.

use tonic::{Code, Response};
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::lead::State;
use trellis_api::deal::v1::lead::offer::Outcome;
use trellis_core::Timestamp;
use trellis_tests::{on_both, refused};

use super::scene::{Scene, Terms, Verb, does, found, get, whose};

/// Noon of 20 March 2026 by UTC. In Berlin the clocks are put forward on the 29th.
const IN_MARCH: i64 = 1_774_008_000;

/// Midnight in Berlin after 3 April, the fourteenth day after: 22:00 by UTC, and not 23:00.
const ACCEPT_BY: i64 = 1_775_253_600;

/// Noon of 10 September 2026 by UTC. In Berlin the clocks are put back on 25 October.
const IN_SEPTEMBER: i64 = 1_789_041_600;

/// Midnight in Berlin after 9 November, the sixtieth day after: 23:00 by UTC, and not 22:00.
const ACT_BY: i64 = 1_794_265_200;

fn seconds(time: Option<prost_types::Timestamp>) -> i64 {
    let time = time.expect("it is set");
    assert_eq!(time.nanos, 0);
    time.seconds
}

async fn members(scene: &Scene) {
    for id in ["nimbus", "stratus"] {
        scene.member(id, Terms::default()).await;
    }
}

/// Asserts that an offer to a partner is over, and has become one to somebody else.
fn has_gone_on(before: &pb::Lead, now: &pb::Lead, at: i64) {
    assert_eq!(now.state(), State::Offered);
    assert_ne!(now.partner, before.partner);
    let [lapsed, next] = now.offers.as_slice() else {
        panic!("two offers: {:?}", now.offers);
    };
    assert_eq!(
        (lapsed.outcome(), next.outcome()),
        (Outcome::Lapsed, Outcome::Open)
    );
    assert_eq!(lapsed.partner, before.partner);
    assert_eq!(seconds(lapsed.end_time), at);
}

on_both! {
    async fn an_offer_ends_at_local_midnight(world: World) {
        let scene = Scene::open(world).await;
        members(&scene).await;
        scene.until(IN_MARCH).await;
        let accepted = scene.routed(scene.somebody()).await;
        let lapsing = scene.routed(scene.somebody()).await;
        for lead in [&accepted, &lapsing] {
            assert_eq!(seconds(lead.accept_by_time), ACCEPT_BY);
        }
        let (one, other) = (whose(&scene, &accepted).await, whose(&scene, &lapsing).await);

        let before = scene.until(ACCEPT_BY - 1).await;
        assert_eq!(get(&before, &lapsing.name).await.unwrap().into_inner(), lapsing);
        let taken = does(&one, Verb::Accept, &accepted.name).await.unwrap();
        assert_eq!(taken.state(), State::Accepted);

        for at in [ACCEPT_BY, ACCEPT_BY + 1] {
            let now = scene.until(at).await;
            let lead = get(&now, &lapsing.name).await.unwrap().into_inner();
            has_gone_on(&lapsing, &lead, ACCEPT_BY);
            let late = does(&other, Verb::Accept, &lapsing.name).await;
            refused(late.map(Response::new), Code::NotFound, "RESOURCE_NOT_FOUND");
            let own = found(&other, &scene.parent, "").await;
            assert!(own.iter().all(|lead| lead.name != lapsing.name), "{own:?}");
            let kept = get(&now, &accepted.name).await.unwrap().into_inner();
            assert_eq!(kept.state(), State::Accepted);
        }
        scene.tells(&lapsing.name, &[
            "lead.created", "lead.routed", "lead.offered", "lead.offer_lapsed", "lead.routed",
            "lead.offered",
        ]).await;
    }

    async fn what_is_not_acted_on_is_lost_at_local_midnight(world: World) {
        let scene = Scene::open(world).await;
        members(&scene).await;
        scene.until(IN_SEPTEMBER).await;
        let begun = scene.read(&scene.in_state(State::Accepted).await).await;
        let lost = scene.read(&scene.in_state(State::Accepted).await).await;
        for lead in [&begun, &lost] {
            assert_eq!(seconds(lead.act_by_time), ACT_BY);
        }
        let (one, other) = (whose(&scene, &begun).await, whose(&scene, &lost).await);

        let before = scene.until(ACT_BY - 1).await;
        assert_eq!(get(&before, &lost.name).await.unwrap().into_inner(), lost);
        let working = does(&one, Verb::Work, &begun.name).await.unwrap();
        assert_eq!(working.state(), State::Working);

        for at in [ACT_BY, ACT_BY + 1] {
            let now = scene.until(at).await;
            let lead = get(&now, &lost.name).await.unwrap().into_inner();
            assert_eq!((lead.state(), &lead.partner), (State::LostAuto, &lost.partner));
            let [offer] = lead.offers.as_slice() else {
                panic!("one offer: {:?}", lead.offers);
            };
            assert_eq!((offer.outcome(), seconds(offer.end_time)), (Outcome::Lost, ACT_BY));
            let late = does(&other, Verb::Work, &lost.name).await;
            refused(late.map(Response::new), Code::NotFound, "RESOURCE_NOT_FOUND");
            let kept = get(&now, &begun.name).await.unwrap().into_inner();
            assert_eq!(kept.state(), State::Working);
        }
        let kinds = ["lead.created", "lead.routed", "lead.offered", "lead.accepted", "lead.lost"];
        scene.tells(&lost.name, &kinds).await;
    }

    async fn a_second_across_local_midnight_is_a_day_more(world: World) {
        let scene = Scene::open(world).await;
        members(&scene).await;
        // The last second of 28 March in Berlin, and the first of the day that has 23 hours.
        scene.until(1_774_738_799).await;
        let evening = scene.routed(scene.somebody()).await;
        scene.until(1_774_738_800).await;
        let morning = scene.routed(scene.somebody()).await;
        assert_eq!(seconds(evening.accept_by_time), 1_775_944_800);
        assert_eq!(seconds(morning.accept_by_time), 1_775_944_800 + 86_400);
    }

    async fn a_deadline_counts_as_passed_before_anybody_acted_upon_it(world: World) {
        let scene = Scene::plain(world).await;
        members(&scene).await;
        let offered = scene.routed(scene.somebody()).await;
        let second = scene.routed(scene.somebody()).await;
        let accepted = does(&scene, Verb::Accept, &second.name).await.unwrap();
        let set = |at: i64| scene.clock().set(Timestamp::from_micros(at * 1_000_000));
        let seat = whose(&scene, &offered).await;

        set(seconds(offered.accept_by_time) - 1);
        assert_eq!(get(&seat, &offered.name).await.unwrap().into_inner().state(), State::Offered);
        set(seconds(offered.accept_by_time));
        // Whoever acts upon it may or may not have been quicker: it makes no difference.
        let late = does(&seat, Verb::Accept, &offered.name).await;
        refused(late.map(Response::new), Code::NotFound, "RESOURCE_NOT_FOUND");
        refused(get(&seat, &offered.name).await, Code::NotFound, "RESOURCE_NOT_FOUND");
        assert!(found(&seat, &scene.parent, "").await.iter().all(|lead| lead.name != offered.name));
        let told = scene.read(&offered.name).await;
        assert_ne!(told.partner, offered.partner, "{:?}", told.state());

        let seat = whose(&scene, &accepted).await;
        set(seconds(accepted.act_by_time) - 1);
        assert_eq!(get(&seat, &accepted.name).await.unwrap().into_inner().state(), State::Accepted);
        set(seconds(accepted.act_by_time));
        refused(get(&seat, &accepted.name).await, Code::NotFound, "RESOURCE_NOT_FOUND");
        assert_eq!(scene.read(&accepted.name).await.state(), State::LostAuto);
        let late = does(&scene, Verb::Work, &accepted.name).await;
        refused(late.map(Response::new), Code::FailedPrecondition, "ILLEGAL_TRANSITION")
            .tells("state", "LOST_AUTO");
    }
}
