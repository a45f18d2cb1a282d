//! What ends a stream that nothing else ends, and what it leaves.

use std::time::{Duration, Instant};

use tonic::Code;
use trellis_server::Drained;
use trellis_store::event::NewEvent;
use trellis_tests::{Engine, Started, refused};

use super::scene::{Watcher, from_first, from_now, report};

#[tokio::test]
async fn a_server_that_stops_ends_streams_at_once_and_says_so() {
    let started = Started::new(Engine::Sqlite, &[("drain-limit", "20s")])
        .await
        .unwrap();
    let world = started.world.clone();
    world.ecosystem("acme").await;
    let mut idle = Watcher::open(&world, from_now("acme")).await.unwrap();
    idle.until_heartbeat().await;
    // One that has more to tell than the other side reads.
    let busy = Watcher::open(&world, from_first("acme")).await.unwrap();
    let store = world.store().clone();
    let writing = tokio::spawn(async move {
        loop {
            let events = (0..50)
                .map(|_| NewEvent::new("thing.happened", "a"))
                .collect();
            report(&store, "acme", events).await;
        }
    });
    let busy = tokio::spawn(busy.end());
    tokio::time::sleep(Duration::from_millis(300)).await;
    let began = Instant::now();
    let stopping = tokio::spawn(started.running.stop());
    let (status, _) = idle.end().await;
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    let (status, _) = busy.await.unwrap();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert_eq!(stopping.await.unwrap(), Drained::Whole);
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
    writing.abort();
}

#[tokio::test]
async fn an_old_connection_ends_its_streams_before_it_is_cut() {
    let flags = [
        ("connection-age-max", "1s"),
        ("connection-age-grace", "60s"),
    ];
    let started = Started::new(Engine::Sqlite, &flags).await.unwrap();
    started.world.ecosystem("acme").await;
    let watcher = Watcher::open(&started.world, from_now("acme"))
        .await
        .unwrap();
    let (status, took) = watcher.end().await;
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert!(status.message().contains("call again"), "{status:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
    // The control: whoever calls again is served on.
    let mut again = Watcher::open(&started.world, from_now("acme"))
        .await
        .unwrap();
    again.until_heartbeat().await;
    started.end().await;
}

#[tokio::test]
async fn a_caller_watches_in_so_many_streams_and_whoever_goes_leaves_room() {
    let flags = [("principal-watches-max", "3"), ("principal-calls-max", "2")];
    let started = Started::new(Engine::Sqlite, &flags).await.unwrap();
    let world = &started.world;
    world.ecosystem("acme").await;
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut watcher = Watcher::open(world, from_now("acme")).await.unwrap();
        watcher.until_heartbeat().await;
        open.push(watcher);
    }
    let fourth = world.events().watch_events(from_now("acme")).await;
    let refused = refused(fourth, Code::ResourceExhausted, "QUOTA_EXCEEDED");
    assert_eq!(refused.metadata["quota"], "watches_under_way");
    assert_eq!(refused.metadata["limit"], "3");
    // Streams take nothing of what other calls may.
    world.mark("ecosystems/acme").await;
    // One that goes away is noticed although there is nothing to tell it.
    open.pop();
    let began = Instant::now();
    while world.events().watch_events(from_now("acme")).await.is_err() {
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "its place is still taken"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    started.end().await;
}
