//! What is published, and that nobody waits for it.

use std::time::{Duration, Instant};

use async_nats::jetstream::stream::Config;
use serde_json::json;
use trellis_api::platform::v1 as pb;
use trellis_tests::{Engine, World, run};

use super::nats::{Nats, STREAM, consumed, count};
use super::scene::{
    assert_published, eventually, happen, is_at_the_end, listed, on_both_engines, published,
    put_back, wrong,
};

/// An address at which nobody listens.
const NOBODY: &str = "nats://127.0.0.1:9";

on_both_engines! {
    async fn a_consumer_gets_what_the_feed_lists(engine) {
        let Some(nats) = Nats::start() else { return };
        run(engine, &[("nats-url", &nats.url())], async |world: World| {
            for ecosystem in ["acme", "globex"] {
                world.ecosystem(ecosystem).await;
            }
            tokio::join!(
                happen(world.store(), "acme", 120),
                happen(world.store(), "globex", 80)
            );
            let jetstream = nats.jetstream().await;
            assert_published(&world, &jetstream, &["acme", "globex"]).await;
            let got = consumed(&jetstream, STREAM).await;
            let told = got.iter().find(|one| one.event["type"] == "row.changed");
            let told = told.unwrap();
            let source = told.event["source"].as_str().unwrap();
            let ecosystem = source.strip_prefix("ecosystems/").unwrap();
            assert_eq!(told.subject, format!("trellis.{ecosystem}.row.changed"));
            assert_eq!(told.id, format!("trellis.{ecosystem}.{}", told.position()));
            assert_eq!(told.media_type, "application/cloudevents+json; charset=utf-8");
            let listed = listed(&world, ecosystem).await;
            let same = listed.iter().find(|event| event.position == told.position()).unwrap();
            assert_eq!(told.event["subject"], same.resource.as_str());
            assert_eq!(told.event["specversion"], "1.0");
            assert_eq!(told.event["data"]["number"], json!(0));
            assert_eq!(told.event["actor"], same.actor.as_str());
            let made = got.iter().find(|one| one.event["type"] == "ecosystem.created").unwrap();
            let resource = &made.event["data"]["resource"];
            assert_eq!(resource["@type"], "type.googleapis.com/trellis.platform.v1.Ecosystem");
            assert_eq!(resource["name"], made.event["subject"]);
        })
        .await;
    }

    async fn what_is_published_again_comes_once(engine) {
        let Some(nats) = Nats::start() else { return };
        run(engine, &[("nats-url", &nats.url())], async |world: World| {
            world.ecosystem("acme").await;
            happen(world.store(), "acme", 300).await;
            let jetstream = nats.jetstream().await;
            assert_published(&world, &jetstream, &["acme"]).await;
            put_back(&world, "acme").await;
            happen(world.store(), "acme", 1).await;
            eventually("it is published again", || is_at_the_end(&world, "acme")).await;
            assert_published(&world, &jetstream, &["acme"]).await;
        })
        .await;
    }

    /// The control: a stream that soon forgets what it has stores all of it again.
    async fn after_the_window_it_comes_again_in_order(engine) {
        let Some(nats) = Nats::start() else { return };
        let jetstream = nats.jetstream().await;
        let forgetful = Config {
            name: STREAM.to_owned(),
            subjects: vec!["trellis.>".to_owned()],
            duplicate_window: Duration::from_millis(100),
            ..Config::default()
        };
        jetstream.create_stream(forgetful).await.unwrap();
        run(engine, &[("nats-url", &nats.url())], async |world: World| {
            world.ecosystem("acme").await;
            happen(world.store(), "acme", 300).await;
            assert_published(&world, &jetstream, &["acme"]).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
            put_back(&world, "acme").await;
            happen(world.store(), "acme", 1).await;
            eventually("it is published again", || is_at_the_end(&world, "acme")).await;
            let got = published(&world, &jetstream, &["acme"]).await;
            let listed = listed(&world, "acme").await;
            assert!(got.len() > listed.len() + 250, "{} came", got.len());
            assert_eq!(wrong(&got, "acme", &listed), None);
        })
        .await;
    }

    async fn nobody_waits_for_a_broker_that_is_not_there(engine) {
        run(engine, &[("nats-url", NOBODY)], async |world: World| {
            let parent = world.sandbox("acme").await;
            let begun = Instant::now();
            happen(world.store(), "acme", 20).await;
            let advance = pb::AdvanceClockRequest {
                name: parent.clone(),
                duration: Some(prost_types::Duration { seconds: 86_400, nanos: 0 }),
                ..pb::AdvanceClockRequest::default()
            };
            world.ecosystems().advance_clock(advance).await.unwrap();
            let mark = world.mark(&parent).await;
            let get = pb::GetEcosystemRequest { name: parent.clone() };
            world.since(&mark).ecosystems().get_ecosystem(get).await.unwrap();
            assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
            // The control: it is switched on, and has published nothing.
            assert!(!is_at_the_end(&world, "acme").await);
        })
        .await;
    }

    async fn from_now_on_leaves_out_what_was_and_nothing_of_what_comes(engine) {
        let Some(nats) = Nats::start() else { return };
        run(engine, &[], async |world: World| {
            world.ecosystem("acme").await;
            happen(world.store(), "acme", 10).await;
            world.settled("ecosystems/acme").await;
            let before = listed(&world, "acme").await;
            let url = nats.url();
            let flags = [("nats-url", url.as_str()), ("nats-start", "now")];
            // Nothing that happens between the first start and the next is left out by the next.
            world.beside(&flags).await.stop().await;
            happen(world.store(), "acme", 10).await;
            world.ecosystem("globex").await;
            let running = world.beside(&flags).await;
            world.settled("ecosystems/acme").await;
            world.settled("ecosystems/globex").await;
            let (acme, globex) = (listed(&world, "acme").await, listed(&world, "globex").await);
            let jetstream = nats.jetstream().await;
            let happened = acme.len() - before.len() + globex.len();
            eventually("everything is published", || async {
                count(&jetstream, STREAM).await >= happened
            })
            .await;
            let got = consumed(&jetstream, STREAM).await;
            assert_eq!(got.len(), happened);
            assert_eq!(wrong(&got, "acme", &acme[before.len()..]), None);
            assert_eq!(wrong(&got, "globex", &globex), None);
            running.stop().await;
        })
        .await;
    }
}
