//! The change feed loses nothing and repeats nothing, whoever commits when.

use std::sync::Arc;
use std::time::Duration;

use trellis_core::{Position, Resource, Stored};
use trellis_store::event::{self, NewEvent};
use trellis_store::partner::partner;
use trellis_store::{Error, record};

use crate::on_both;
use crate::support::{call, everything, partner as row};

on_both! {
    async fn a_reader_that_follows_the_feed_misses_no_event_of_concurrent_writers(
        fixture: Fixture
    ) {
        let fixture = Arc::new(fixture);
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                let fixture = fixture.clone();
                tokio::spawn(async move {
                    for index in 0..25_u64 {
                        let id = format!("w-{writer}-{index}");
                        let pause = Duration::from_micros((writer * 37 + index * 91) % 2_000);
                        fixture
                            .store
                            .write(call("acme"), id, move |txn, id| async move {
                                record::insert::<partner::Entity>(&txn, row(&txn, &id)).await?;
                                tokio::time::sleep(pause).await;
                                event::append(&txn, NewEvent::new("partner.created", id));
                                Ok::<(), Error>(())
                            })
                            .await
                            .unwrap();
                    }
                })
            })
            .collect();
        let mut place = Position { epoch: 0, xid: 0, sequence: 0 };
        let mut seen = Vec::new();
        let mut idle = 0;
        while idle < 2 {
            let view = fixture.store.read(&call("acme")).await.unwrap();
            let events = event::after(&view, place, 7).await.unwrap();
            if let Some(last) = events.last() {
                place = last.position();
            }
            if events.is_empty() && writers.iter().all(tokio::task::JoinHandle::is_finished) {
                fixture.settled().await;
                idle += 1;
            }
            seen.extend(events.into_iter().map(|event| event.resource));
        }
        let distinct: std::collections::BTreeSet<_> = seen.iter().collect();
        assert_eq!(distinct.len(), 200, "the reader missed events");
        assert_eq!(seen.len(), 200, "the reader saw events twice");
    }
}

/// The control of the test above, and the reason for the feed's order: two transactions get their
/// numbers in one order and commit in the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_follows_the_number_alone_loses_what_commits_late() {
    use sea_orm::{ConnectionTrait, Statement, TransactionTrait};

    let Some(fixture) = crate::support::postgres().await else {
        return;
    };
    let (database, other) = (fixture.beneath("acme").await, fixture.beneath("acme").await);
    let insert = |resource: &str| {
        format!(
            "INSERT INTO events (ecosystem, kind, resource, actor, time, data) \
             VALUES ('acme', 'thing.happened', '{resource}', 'somebody', 1, 'null')"
        )
    };
    let by_number = |after: i64| {
        let backend = database.get_database_backend();
        let sql = "SELECT sequence, resource FROM events WHERE sequence > $1 ORDER BY sequence";
        Statement::from_sql_and_values(backend, sql, [after.into()])
    };
    let view = fixture.store.read(&call("acme")).await.unwrap();
    let start = Position {
        epoch: 0,
        xid: 0,
        sequence: 0,
    };

    let early = database.begin().await.unwrap();
    early.execute_unprepared(&insert("early")).await.unwrap();
    let late = other.begin().await.unwrap();
    late.execute_unprepared(&insert("late")).await.unwrap();
    late.commit().await.unwrap();

    let first = other.query_all_raw(by_number(0)).await.unwrap();
    let reached: i64 = first.last().unwrap().try_get("", "sequence").unwrap();
    // The feed holds the newer one back while the older is under way.
    assert!(event::after(&view, start, 10).await.unwrap().is_empty());
    early.commit().await.unwrap();

    let second = database.query_all_raw(by_number(reached)).await.unwrap();
    assert!(
        second.is_empty(),
        "the reader by number goes on after the event that came late"
    );
    let seen = first.len() + second.len();
    assert_eq!(seen, 1, "of two events the reader by number has seen one");
    fixture.settled().await;
    let settled = event::after(&view, start, 10).await.unwrap();
    let settled: Vec<_> = settled
        .iter()
        .map(|event| event.resource.as_str())
        .collect();
    assert_eq!(settled, ["early", "late"]);
}

/// Two change one row after the other. The second one was given its transaction's id first, because it
/// claimed its request id before it waited for the row.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_of_one_row_are_told_in_their_order_whoever_began_first() {
    let Some(fixture) = crate::support::postgres().await else {
        return;
    };
    fixture.add(call("acme"), "nimbus").await.unwrap();
    let fixture = Arc::new(fixture);
    let nimbus = || trellis_core::PartnerId::try_new("nimbus").unwrap();
    let (begun, go) = (
        Arc::new(tokio::sync::Notify::new()),
        Arc::new(tokio::sync::Notify::new()),
    );
    let change = async |id: u128, kind: &'static str, waits: bool| {
        let call = trellis_core::Call {
            request_id: Some(uuid::Uuid::from_u128(id)),
            ..call("acme")
        };
        let (begun, go) = (begun.clone(), go.clone());
        let write = fixture.store.write(call, (), move |txn, ()| {
            let (begun, go) = (begun.clone(), go.clone());
            async move {
                if waits {
                    begun.notify_one();
                    go.notified().await;
                }
                let row = record::lock::<partner::Entity>(&txn, &nimbus())
                    .await?
                    .unwrap();
                record::update::<partner::Entity>(&txn, row).await?;
                event::append(&txn, NewEvent::new(kind, "nimbus"));
                Ok::<(), Error>(())
            }
        });
        write.await.unwrap()
    };
    let early = change(1, "thing.second", true);
    let late = async {
        begun.notified().await;
        change(2, "thing.first", false).await;
        go.notify_one();
    };
    tokio::join!(early, late);
    fixture.settled().await;
    let view = fixture.store.read(&call("acme")).await.unwrap();
    let start = Position {
        epoch: 0,
        xid: 0,
        sequence: 0,
    };
    let told = event::after(&view, start, 10).await.unwrap();
    let told: Vec<_> = told.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(told, ["partner.created", "thing.first", "thing.second"]);
}

/// A resource of which the feed tells so many bytes.
struct Large(String, usize);

impl Stored for Large {
    fn to_stored(&self) -> Vec<u8> {
        vec![b'x'; self.1]
    }

    fn from_stored(_bytes: &[u8]) -> Option<Self> {
        None
    }

    fn resource(&self) -> Option<Resource<'_>> {
        Some(Resource {
            kind: "test.Large",
            name: &self.0,
        })
    }
}

/// What the states of a page may come to, so that it fits into an answer.
const PAGE: usize = 2 * 1_024 * 1_024;

on_both! {
    async fn a_page_holds_as_many_events_as_fit_into_an_answer(fixture: Fixture) {
        for index in 0..300 {
            // The last one tells more than any event may.
            let size = event::LARGEST + index / 299;
            let written = fixture.store.write(call("acme"), index.to_string(), move |txn, id| async move {
                event::append(&txn, NewEvent::new("thing.changed", id.clone()));
                Ok::<_, Error>(Large(id, size))
            });
            written.await.unwrap();
        }
        fixture.settled().await;
        let mut query = everything(1_000);
        let mut pages = Vec::new();
        loop {
            let view = fixture.store.read(&call("acme")).await.unwrap();
            let (page, _) = event::page(&view, None, &query).await.unwrap();
            pages.push(page.rows);
            match page.next {
                Some(next) => query.after = Some(next),
                None => break,
            }
        }
        let told = |event: &event::Model| event.state.as_ref().map_or(0, Vec::len);
        let counts: Vec<_> = pages.iter().map(Vec::len).collect();
        assert_eq!(counts, [128, 128, 44], "each as full as it may be");
        assert_eq!(pages[0].iter().map(told).sum::<usize>(), PAGE);
        let events: Vec<_> = pages.concat();
        let last = events.last().unwrap();
        assert_eq!((told(last), last.state_kind.as_deref()), (0, Some("test.Large")));
        let names = events.into_iter().map(|event| event.resource);
        let expected: Vec<_> = (0..300).map(|index| index.to_string()).collect();
        assert_eq!(names.collect::<Vec<_>>(), expected, "none is lost or repeated");
    }
}
