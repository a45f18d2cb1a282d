//! Servers that publish, and what must have come of it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use async_nats::jetstream::Context;
use serde_json::json;
use sqlx::{Connection as _, PgConnection, SqliteConnection};
use trellis_api::platform::v1 as pb;
use trellis_store::Store;
use trellis_store::event::NewEvent;
use trellis_tests::{Caller, Engine, World};

use super::nats::{Got, STREAM, consumed, count};
use crate::watch::scene::report;

/// The resources that events are about.
const RESOURCES: usize = 7;

/// Makes a test on SQLite and a test on PostgreSQL of each function, which gets the database's kind.
macro_rules! on_both_engines {
    ($($(#[$about:meta])* async fn $name:ident($engine:ident) $body:block)+) => {$(
        mod $name {
            use super::*;

            $(#[$about])*
            async fn body($engine: Engine) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                body(Engine::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                body(Engine::Postgres).await;
            }
        }
    )+};
}
pub(super) use on_both_engines;

/// Waits for something that comes about within a minute or two.
pub(super) async fn eventually<F>(what: &str, mut look: impl FnMut() -> F)
where
    F: Future<Output = bool>,
{
    let begun = Instant::now();
    while !look().await {
        assert!(begun.elapsed() < Duration::from_secs(120), "never: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Makes events happen in an ecosystem, one a transaction.
pub(super) async fn happen(store: &Store, ecosystem: &str, events: usize) {
    for number in 0..events {
        let resource = format!("ecosystems/{ecosystem}/rows/{}", number % RESOURCES);
        let event = NewEvent::new("row.changed", resource).with(json!({ "number": number }));
        report(store, ecosystem, vec![event]).await;
    }
}

/// Everything that has happened, as a caller lists it.
pub(super) async fn listed(by: &Caller, ecosystem: &str) -> Vec<pb::Event> {
    let mut all = Vec::new();
    let mut request = pb::ListEventsRequest {
        parent: format!("ecosystems/{ecosystem}"),
        page_size: 1_000,
        ..pb::ListEventsRequest::default()
    };
    loop {
        let page = by.events().list_events(request.clone()).await;
        let page = page.unwrap().into_inner();
        all.extend(page.events);
        if page.next_page_token.is_empty() {
            return all;
        }
        request.page_token = page.next_page_token;
    }
}

/// Waits until a stream has so many messages as the feeds of ecosystems have events, at least; answers
/// what a consumer gets.
pub(super) async fn published(world: &World, jetstream: &Context, ecosystems: &[&str]) -> Vec<Got> {
    let mut happened = 0;
    for ecosystem in ecosystems {
        world.settled(&format!("ecosystems/{ecosystem}")).await;
        happened += listed(world, ecosystem).await.len();
    }
    eventually("everything is published", || async {
        count(jetstream, STREAM).await >= happened
    })
    .await;
    consumed(jetstream, STREAM).await
}

/// What is wrong with what a consumer got of an ecosystem that lists these events: something is missing,
/// made up, or came before what is ahead of it. That something came twice is not.
pub(super) fn wrong(got: &[Got], ecosystem: &str, listed: &[pb::Event]) -> Option<String> {
    let source = format!("ecosystems/{ecosystem}");
    let mut seen = BTreeSet::new();
    let first: Vec<&str> = got
        .iter()
        .filter(|one| one.event["source"] == source.as_str())
        .map(Got::position)
        .filter(|position| seen.insert(*position))
        .collect();
    let listed: Vec<&str> = listed.iter().map(|event| event.position.as_str()).collect();
    let lost = listed.iter().filter(|one| !seen.contains(**one)).count();
    if lost > 0 {
        return Some(format!("{lost} of {} are lost", listed.len()));
    }
    let out = first
        .iter()
        .zip(&listed)
        .position(|(got, told)| got != told);
    match out {
        Some(at) => Some(format!("{} came for {}", first[at], listed[at])),
        None if first.len() > listed.len() => Some("more came than happened".to_owned()),
        None => None,
    }
}

/// Asserts that a consumer got what the feeds list, each event once.
pub(super) async fn assert_published(world: &World, jetstream: &Context, ecosystems: &[&str]) {
    let got = published(world, jetstream, ecosystems).await;
    let mut happened = 0;
    for ecosystem in ecosystems {
        let listed = listed(world, ecosystem).await;
        assert_eq!(wrong(&got, ecosystem, &listed), None, "{ecosystem}");
        happened += listed.len();
    }
    assert_eq!(got.len(), happened, "something came twice");
}

/// Puts the publisher's place back to the beginning, as it is where it was stopped before it moved it.
pub(super) async fn put_back(world: &World, ecosystem: &str) {
    let sql = "UPDATE feed_cursors SET epoch = 0, xid = 0, sequence = 0 \
        WHERE worker = 'broker.nats' AND ecosystem = $1";
    let moved = if world.engine() == Engine::Sqlite {
        let connecting = SqliteConnection::connect(world.database_url());
        let mut connection = connecting.await.unwrap();
        let update = sqlx::query(sql).bind(ecosystem);
        update
            .execute(&mut connection)
            .await
            .unwrap()
            .rows_affected()
    } else {
        let mut connection = PgConnection::connect(world.owner_url()).await.unwrap();
        let set = "SELECT set_config('trellis.ecosystem', $1, false)";
        let set = sqlx::query(set).bind(ecosystem);
        set.execute(&mut connection).await.unwrap();
        let update = sqlx::query(sql).bind(ecosystem);
        update
            .execute(&mut connection)
            .await
            .unwrap()
            .rows_affected()
    };
    assert_eq!(moved, 1, "it has a place");
}

/// Whether the publisher has come to the end of a feed.
pub(super) async fn is_at_the_end(world: &World, ecosystem: &str) -> bool {
    let id = trellis_core::EcosystemId::try_new(ecosystem).unwrap();
    let view = world.store().read_access(&id);
    let head = trellis_store::event::head(&view).await.unwrap();
    let cursors = trellis_store::platform::cursor::all(&view).await.unwrap();
    cursors
        .iter()
        .any(|cursor| cursor.worker == "broker.nats" && cursor.position() == head)
}

#[test]
fn what_is_lost_or_in_the_wrong_order_is_noticed() {
    let got = |position: &str| Got {
        subject: String::new(),
        id: String::new(),
        media_type: String::new(),
        event: json!({ "source": "ecosystems/acme", "id": position }),
    };
    let told = |position: &str| pb::Event {
        position: position.to_owned(),
        ..pb::Event::default()
    };
    let listed = [told("1"), told("2"), told("3")];
    let wrong = |positions: &[&str]| {
        let got: Vec<_> = positions.iter().map(|one| got(one)).collect();
        wrong(&got, "acme", &listed).is_some()
    };
    assert!(!wrong(&["1", "2", "3"]));
    assert!(!wrong(&["1", "2", "1", "2", "3"]));
    assert!(wrong(&["1", "3"]));
    assert!(wrong(&["1", "3", "2"]));
    assert!(wrong(&["1", "2", "3", "4"]));
}
