//! Whatever stops, nothing is lost and nothing comes before what is ahead of it: NATS, a server that
//! publishes, one of two.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::time::sleep;
use trellis_store::Store;
use trellis_tests::{Engine, World, run};

use super::nats::{Nats, STREAM, consumed, count};
use super::scene::{
    assert_published, eventually, happen, is_at_the_end, listed, on_both_engines, wrong,
};
use crate::edge::process::Process;

/// How often something is stopped.
const STOPS: usize = 3;

/// Makes events happen until it is told to stop; answers how long the slowest took.
async fn keep_happening(store: Store, ecosystem: &'static str, stop: Arc<AtomicBool>) -> Duration {
    let mut slowest = Duration::ZERO;
    while !stop.load(Ordering::SeqCst) {
        let begun = Instant::now();
        happen(&store, ecosystem, 1).await;
        slowest = slowest.max(begun.elapsed());
        sleep(Duration::from_millis(2)).await;
    }
    slowest
}

on_both_engines! {
    async fn nats_stops_under_load(engine) {
        let Some(mut nats) = Nats::start() else { return };
        run(engine, &[("nats-url", &nats.url())], async |world: World| {
            let stop = Arc::new(AtomicBool::new(false));
            let mut writing = Vec::new();
            for ecosystem in ["acme", "globex"] {
                world.ecosystem(ecosystem).await;
                let writer = keep_happening(world.store().clone(), ecosystem, stop.clone());
                writing.push(tokio::spawn(writer));
            }
            let jetstream = nats.jetstream().await;
            eventually("something is published", || async {
                count(&jetstream, STREAM).await > 50
            })
            .await;
            for _ in 0..STOPS {
                nats.stop();
                sleep(Duration::from_millis(1_500)).await;
                nats.again();
                sleep(Duration::from_millis(700)).await;
            }
            nats.stop();
            stop.store(true, Ordering::SeqCst);
            for writer in writing {
                let slowest = writer.await.unwrap();
                assert!(slowest < Duration::from_secs(5), "a write took {slowest:?}");
            }
            // The control: what happened meanwhile is not there without NATS.
            assert!(!is_at_the_end(&world, "acme").await);
            nats.again();
            let jetstream = nats.jetstream().await;
            assert_published(&world, &jetstream, &["acme", "globex"]).await;
        })
        .await;
    }

    /// Who deletes the stream deletes what it had. What happens afterwards goes to one that is made anew.
    async fn the_stream_is_deleted(engine) {
        let Some(nats) = Nats::start() else { return };
        run(engine, &[("nats-url", &nats.url())], async |world: World| {
            world.ecosystem("acme").await;
            happen(world.store(), "acme", 20).await;
            let jetstream = nats.jetstream().await;
            assert_published(&world, &jetstream, &["acme"]).await;
            let before = listed(&world, "acme").await.len();
            jetstream.delete_stream(STREAM).await.unwrap();
            happen(world.store(), "acme", 20).await;
            world.settled("ecosystems/acme").await;
            let after = listed(&world, "acme").await.split_off(before);
            eventually("what happens later is published", || async {
                count(&jetstream, STREAM).await >= after.len()
            })
            .await;
            let got = consumed(&jetstream, STREAM).await;
            assert_eq!(wrong(&got, "acme", &after), None);
            assert_eq!(got.len(), after.len());
        })
        .await;
    }

    async fn a_server_is_started_again(engine) {
        let Some(nats) = Nats::start() else { return };
        run(engine, &[], async |world: World| {
            world.ecosystem("acme").await;
            let url = nats.url();
            for _ in 0..STOPS {
                let publisher = world.beside(&[("nats-url", &url)]).await;
                // It is stopped in the middle of it.
                happen(world.store(), "acme", 100).await;
                publisher.stop().await;
                happen(world.store(), "acme", 100).await;
            }
            let publisher = world.beside(&[("nats-url", &url)]).await;
            let jetstream = nats.jetstream().await;
            assert_published(&world, &jetstream, &["acme"]).await;
            publisher.stop().await;
        })
        .await;
    }

    async fn a_publisher_is_killed(engine) {
        let Some(nats) = Nats::start() else { return };
        run(engine, &[], async |world: World| {
            world.ecosystem("acme").await;
            let url = nats.url();
            let start = || {
                Process::start(&[
                    ("database-url", world.database_url()),
                    ("database-connections-max", "8"),
                    ("nats-url", &url),
                ])
            };
            let jetstream = nats.jetstream().await;
            let stop = Arc::new(AtomicBool::new(false));
            let writing = keep_happening(world.store().clone(), "acme", stop.clone());
            let writing = tokio::spawn(writing);
            for _ in 0..STOPS {
                let before = count(&jetstream, STREAM).await;
                let publisher = start();
                eventually("it publishes", || async {
                    count(&jetstream, STREAM).await > before + 20
                })
                .await;
                // As by `kill -9`.
                drop(publisher);
            }
            stop.store(true, Ordering::SeqCst);
            writing.await.unwrap();
            let _publisher = start();
            assert_published(&world, &jetstream, &["acme"]).await;
        })
        .await;
    }
}

/// Servers of one PostgreSQL publish beside each other, and each is written to in all ecosystems.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_publish_beside_each_other() {
    let Some(nats) = Nats::start() else { return };
    run(
        Engine::Postgres,
        &[("nats-url", &nats.url())],
        async |world: World| {
            let (another, _) = world.another().await;
            for ecosystem in ["acme", "globex"] {
                world.ecosystem(ecosystem).await;
            }
            let (one, other) = (world.store(), another.store());
            tokio::join!(
                happen(one, "acme", 300),
                happen(one, "globex", 300),
                happen(other, "acme", 300),
                happen(other, "globex", 300),
            );
            let jetstream = nats.jetstream().await;
            assert_published(&world, &jetstream, &["acme", "globex"]).await;
            // One goes on alone.
            another.stop().await;
            happen(one, "acme", 50).await;
            assert_published(&world, &jetstream, &["acme", "globex"]).await;
        },
    )
    .await;
}
