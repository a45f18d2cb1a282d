//! What somebody is told who watches.

use std::time::{Duration, Instant};

use tonic::{Code, Request};
use trellis_api::partner::v1 as partner;
use trellis_api::platform::v1 as pb;
use trellis_tests::{Caller, World, on_both, refused};

use super::scene::{Watcher, after, from_first, from_now};

async fn create(world: &World, id: &str) {
    let create = partner::CreatePartnerRequest {
        parent: "ecosystems/acme".to_owned(),
        partner_id: id.to_owned(),
        partner: Some(partner::Partner {
            display_name: id.to_owned(),
            partner_type: partner::partner::PartnerType::Reseller.into(),
            ..partner::Partner::default()
        }),
        ..partner::CreatePartnerRequest::default()
    };
    world.partners().create_partner(create).await.unwrap();
}

async fn listed(world: &World) -> Vec<pb::Event> {
    let list = pb::ListEventsRequest {
        parent: "ecosystems/acme".to_owned(),
        page_size: 1_000,
        ..pb::ListEventsRequest::default()
    };
    world
        .events()
        .list_events(list)
        .await
        .unwrap()
        .into_inner()
        .events
}

async fn watching(by: &Caller, request: pb::WatchEventsRequest) -> Watcher {
    Watcher::open(by, request).await.unwrap()
}

fn about(events: &[pb::Event]) -> Vec<&str> {
    events
        .iter()
        .filter_map(|event| event.resource.rsplit('/').next())
        .collect()
}

on_both! {
    async fn events_are_told_as_they_are_listed(world: World) {
        world.ecosystem("acme").await;
        create(&world, "nimbus").await;
        world.settled("ecosystems/acme").await;
        let before = listed(&world).await;
        // The first heartbeat does not wait for its time.
        let rarely = pb::WatchEventsRequest {
            heartbeat_interval: Some(prost_types::Duration {
                seconds: 300,
                nanos: 0,
            }),
            ..from_first("acme")
        };
        let (mut first, mut now) = (
            watching(&world, rarely).await,
            watching(&world, from_now("acme")).await,
        );
        let (told, position) = first.until_heartbeat().await;
        assert_eq!(told, before);
        assert_eq!(position, before.last().unwrap().position);
        // Who begins now is told where that is, and nothing of before.
        assert_eq!(now.until_heartbeat().await, (Vec::new(), position.clone()));

        create(&world, "cirrus").await;
        let told = now.events(1).await;
        assert_eq!(about(&told), ["cirrus"]);
        assert_eq!(first.events(1).await, told);

        // After a position comes what came after it, event by event and heartbeat by heartbeat.
        let all = listed(&world).await;
        for (index, event) in all.iter().enumerate() {
            let mut again = watching(&world, after("acme", &event.position)).await;
            assert_eq!(again.until_heartbeat().await.0, all[index + 1..]);
        }
        let mut again = watching(&world, after("acme", &position)).await;
        assert_eq!(again.until_heartbeat().await.0, told);
    }

    async fn a_filter_leaves_out_and_heartbeats_go_past_it(world: World) {
        world.ecosystem("acme").await;
        let filtered = |filter: &str| pb::WatchEventsRequest {
            filter: filter.to_owned(),
            ..from_first("acme")
        };
        let one = "type = \"partner.created\" AND resource = \"ecosystems/acme/partners/cirrus\"";
        let mut one = watching(&world, filtered(one)).await;
        // What the database alone can say.
        let mut ending = watching(&world, filtered("resource : \"RATUS\"")).await;
        for id in ["nimbus", "cirrus", "stratus"] {
            create(&world, id).await;
        }
        assert_eq!(about(&one.events(1).await), ["cirrus"]);
        assert_eq!(about(&ending.events(1).await), ["stratus"]);
        world.settled("ecosystems/acme").await;
        let newest = listed(&world).await.pop().unwrap().position;
        while one.until_heartbeat().await.1 != newest {}
        while ending.until_heartbeat().await.1 != newest {}
    }

    async fn a_heartbeat_comes_when_nothing_does_and_not_sooner(world: World) {
        world.ecosystem("acme").await;
        let slow = pb::WatchEventsRequest {
            heartbeat_interval: Some(prost_types::Duration { seconds: 3, nanos: 0 }),
            ..from_now("acme")
        };
        // Each heartbeat comes its interval after the one before, and the first not before it was asked for,
        // whenever we come to read it.
        let began = Instant::now();
        let (mut fast, mut slow) = (
            watching(&world, from_now("acme")).await,
            watching(&world, slow).await,
        );
        let (_, at) = fast.until_heartbeat().await;
        slow.until_heartbeat().await;
        for _ in 0..2 {
            assert_eq!(fast.until_heartbeat().await, (Vec::new(), at.clone()));
        }
        let took = began.elapsed();
        assert!(took >= Duration::from_secs(2) && took < Duration::from_secs(10), "{took:?}");
        slow.until_heartbeat().await;
        assert!(began.elapsed() >= Duration::from_secs(3), "{:?}", began.elapsed());
    }

    async fn what_cannot_be_watched_is_refused_at_once(world: World) {
        world.ecosystem("acme").await;
        let now = || from_now("acme");
        let heartbeat = |seconds| Some(prost_types::Duration { seconds, nanos: 0 });
        let wrong = [
            pb::WatchEventsRequest { start: 0, ..now() },
            pb::WatchEventsRequest { after_position: "1-1-1".to_owned(), ..now() },
            pb::WatchEventsRequest { start: 9, ..now() },
            pb::WatchEventsRequest { after_position: "nonsense".to_owned(), start: 0, ..now() },
            pb::WatchEventsRequest { filter: "note = \"x\"".to_owned(), ..now() },
            pb::WatchEventsRequest { heartbeat_interval: heartbeat(0), ..now() },
            pb::WatchEventsRequest { heartbeat_interval: heartbeat(301), ..now() },
        ];
        for request in wrong {
            let answer = world.events().watch_events(request.clone()).await;
            let refused = refused(answer, Code::InvalidArgument, "INVALID_FIELDS");
            assert_eq!(refused.violations.len(), 1, "{request:?}: {refused:?}");
        }
        // A position of another life of the feed, and one beyond its end.
        for position in ["2-0-0", "1-999999999-999999999"] {
            let answer = world.events().watch_events(after("acme", position)).await;
            refused(answer, Code::FailedPrecondition, "POSITION_UNKNOWN");
        }
    }

    async fn a_deadline_is_kept_and_none_is_made_up(world: World) {
        world.ecosystem("acme").await;
        let mut request = Request::new(from_now("acme"));
        request.set_timeout(Duration::from_millis(1_500));
        let bounded = Watcher::open(&world, request).await.unwrap();
        let mut free = watching(&world, from_now("acme")).await;
        let (status, took) = bounded.end().await;
        // The client's own clock may be the first to say so.
        assert!(matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled), "{status:?}");
        assert!(took < Duration::from_secs(5), "{took:?}");
        free.until_heartbeat().await;
        free.until_heartbeat().await;
    }
}
