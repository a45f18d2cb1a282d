//! That nothing is lost and nothing told in the wrong order, whoever commits when and whoever goes
//! away and comes back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use prost_types::value::Kind;
use rand::Rng as _;
use serde_json::json;
use sqlx::{Connection as _, PgConnection, Row as _};
use tokio::time::{sleep, timeout};
use trellis_api::platform::v1 as pb;
use trellis_core::{Actor, Call, PartnerId};
use trellis_store::event::{self, NewEvent};
use trellis_store::partner::partner;
use trellis_store::{Error, Store, record};
use trellis_tests::{Caller, Engine, World, number};

use super::scene::{Watcher, acme, after, from_first, make_rows};

const WRITERS: usize = 16;

const WATCHERS: usize = 2;

/// How many rows the writers change, so that they often meet.
const ROWS: usize = 12;

/// How many writes are made by hand, whose commits come late.
const LATE: usize = 20;

/// How many changes are made.
fn changes() -> usize {
    number("TRELLIS_TESTS_FEED_EVENTS").unwrap_or(3_000)
}

/// How long an idle transaction holds the feed back, in seconds.
fn held() -> u64 {
    number("TRELLIS_TESTS_FEED_HELD").unwrap_or(2)
}

fn row(index: usize) -> PartnerId {
    PartnerId::try_new(&format!("row-{index}")).unwrap()
}

/// A connection of the tables' owner that says whose work it does.
async fn beneath(owner_url: &str) -> PgConnection {
    let mut connection = PgConnection::connect(owner_url).await.unwrap();
    let set = "SELECT set_config('trellis.ecosystem', 'acme', false)";
    sqlx::query(set).execute(&mut connection).await.unwrap();
    connection
}

/// Begins a transaction that has written and does nothing more, until it is dropped.
pub(crate) async fn hold(owner_url: &str) -> PgConnection {
    let mut connection = beneath(owner_url).await;
    sqlx::raw_sql("BEGIN; SELECT pg_current_xact_id()")
        .execute(&mut connection)
        .await
        .unwrap();
    connection
}

/// What the writers have done: which version each row has come to, by each change that was committed.
#[derive(Default)]
struct Done {
    committed: AtomicUsize,
    rolled_back: AtomicUsize,
    all: AtomicBool,
}

/// Changes a row, or says that it does not.
async fn change(store: &Store, began: Instant, pause: Duration, fails: bool) -> bool {
    let index = rand::rng().random_range(0..ROWS);
    let call = Call {
        actor: Actor::try_new("writer").unwrap(),
        request_id: Some(uuid::Uuid::from_u128(rand::rng().random())),
        ..Call::of_system(acme(), "test")
    };
    let write = store.write(call, (), move |txn, ()| async move {
        let model = record::lock::<partner::Entity>(&txn, &row(index))
            .await?
            .unwrap();
        let model = record::update::<partner::Entity>(&txn, model).await?;
        sleep(pause).await;
        let at = u64::try_from(began.elapsed().as_micros()).unwrap();
        let data = json!({ "version": model.version, "at": at });
        event::append(
            &txn,
            NewEvent::new("row.changed", row(index).as_str()).with(data),
        );
        // Whatever is no meeting of two ends it.
        if fails {
            Err(Error::OutOfReach)
        } else {
            Ok(())
        }
    });
    write.await.is_ok()
}

async fn write(world: World, done: Arc<Done>, began: Instant, count: usize) {
    // On SQLite whoever rests within a transaction lets nobody else write.
    let within = world.engine() == Engine::Postgres;
    for _ in 0..count {
        let (pause, fails) = {
            let mut dice = rand::rng();
            let pause = if dice.random_range(0..4) == 0 {
                dice.random_range(0..3_000)
            } else {
                0
            };
            (Duration::from_micros(pause), dice.random_range(0..10) == 0)
        };
        let inside = if within { pause } else { Duration::ZERO };
        if change(world.store(), began, inside, fails).await {
            done.committed.fetch_add(1, Ordering::SeqCst);
        } else {
            done.rolled_back.fetch_add(1, Ordering::SeqCst);
        }
        if !within {
            sleep(pause).await;
        }
    }
}

/// Writes events whose commits come late, as a transaction that does more after them would.
async fn write_late(owner_url: &str, done: &Done) {
    let mut connection = beneath(owner_url).await;
    for number in 0..LATE {
        let mut transaction = connection.begin().await.unwrap();
        let insert = "INSERT INTO events (ecosystem, kind, resource, actor, time, data) \
            VALUES ('acme', 'row.changed', $1, 'late', 1, '{\"version\": 2, \"at\": 0}')";
        let insert = sqlx::query(insert).bind(format!("late-{number}"));
        insert.execute(&mut *transaction).await.unwrap();
        sleep(Duration::from_millis(30)).await;
        transaction.commit().await.unwrap();
        done.committed.fetch_add(1, Ordering::SeqCst);
        sleep(Duration::from_millis(20)).await;
    }
}

/// An event that was told, and how long that was after it was written, in microseconds.
struct Told {
    event: pb::Event,
    after: u64,
}

/// Watches, is cut off at random, and goes on after the last position that it read, until everything
/// was told.
async fn watch(by: Caller, done: Arc<Done>, began: Instant) -> (Vec<Told>, usize) {
    let (mut told, mut position, mut streams) = (Vec::new(), String::new(), 0);
    loop {
        let request = match position.as_str() {
            "" => from_first("acme"),
            position => after("acme", position),
        };
        let mut watcher = Watcher::open(&by, request).await.unwrap();
        streams += 1;
        let life = Duration::from_millis(rand::rng().random_range(30..600));
        let cut = Instant::now() + life;
        while Instant::now() < cut {
            let left = cut.saturating_duration_since(Instant::now());
            let Ok(message) = timeout(left, watcher.message()).await else {
                break;
            };
            position = message.position;
            if let Some(event) = message.event.filter(|event| event.r#type == "row.changed") {
                let now = u64::try_from(began.elapsed().as_micros()).unwrap();
                let at = number_of(&event, "at");
                told.push(Told {
                    event,
                    after: now.saturating_sub(at),
                });
            }
        }
        if done.all.load(Ordering::SeqCst) && told.len() >= done.committed.load(Ordering::SeqCst) {
            return (told, streams);
        }
        assert!(
            began.elapsed() < Duration::from_secs(600),
            "{} were told",
            told.len()
        );
    }
}

fn number_of(event: &pb::Event, field: &str) -> u64 {
    let value = event.data.as_ref().unwrap().fields[field].kind.clone();
    match value {
        Some(Kind::NumberValue(number)) => number.to_string().parse().unwrap(),
        other => panic!("{field} is {other:?}"),
    }
}

/// Follows the numbers of events alone: what a reader does that takes them for the order of commits.
async fn read_by_number(owner_url: String, done: Arc<Done>) -> usize {
    let mut connection = beneath(&owner_url).await;
    let (mut last, mut seen) = (0_i64, 0);
    loop {
        let ended = done.all.load(Ordering::SeqCst);
        let sql = "SELECT sequence FROM events WHERE ecosystem = 'acme' AND kind = 'row.changed' \
            AND sequence > $1 ORDER BY sequence";
        let rows = sqlx::query(sql)
            .bind(last)
            .fetch_all(&mut connection)
            .await
            .unwrap();
        seen += rows.len();
        if let Some(row) = rows.last() {
            last = row.get(0);
        } else if ended {
            return seen;
        }
        sleep(Duration::from_millis(1)).await;
    }
}

/// Asserts that everything was told once, and each row's changes in their order.
fn assert_whole(told: &[Told], committed: usize) {
    let names: BTreeSet<_> = told.iter().map(|told| &told.event.name).collect();
    assert_eq!(names.len(), committed, "events were lost");
    assert_eq!(
        told.len(),
        committed,
        "events were told twice by what goes on after the last"
    );
    let mut versions: BTreeMap<&str, u64> = BTreeMap::new();
    for Told { event, .. } in told {
        let version = number_of(event, "version");
        let before = versions.insert(&event.resource, version).unwrap_or(1);
        assert_eq!(version, before + 1, "{} out of order", event.resource);
    }
}

fn percentile(told: &[Told], percent: usize) -> Duration {
    let mut after: Vec<_> = told.iter().map(|told| told.after).collect();
    after.sort_unstable();
    Duration::from_micros(after[(after.len() - 1) * percent / 100])
}

async fn nothing_is_lost(world: World) {
    world.ecosystem("acme").await;
    make_rows(world.store(), ROWS, "Row").await;
    let (done, began) = (Arc::new(Done::default()), Instant::now());
    let watchers: Vec<_> = (0..WATCHERS)
        .map(|_| tokio::spawn(watch(Caller::new(world.channel()), done.clone(), began)))
        .collect();
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            tokio::spawn(write(
                world.clone(),
                done.clone(),
                began,
                changes() / WRITERS,
            ))
        })
        .collect();
    let postgres = world.engine() == Engine::Postgres;
    let by_number =
        postgres.then(|| tokio::spawn(read_by_number(world.owner_url().to_owned(), done.clone())));
    if postgres {
        write_late(world.owner_url(), &done).await;
        let held_back = hold(world.owner_url()).await;
        sleep(Duration::from_secs(held())).await;
        drop(held_back);
    }
    for writer in writers {
        writer.await.unwrap();
    }
    done.all.store(true, Ordering::SeqCst);
    let committed = done.committed.load(Ordering::SeqCst);
    let rolled_back = done.rolled_back.load(Ordering::SeqCst);
    assert!(rolled_back > 0 && committed > rolled_back);
    for watcher in watchers {
        let (told, streams) = watcher.await.unwrap();
        assert_whole(&told, committed);
        println!(
            "{:?}: {committed} changes, {rolled_back} rolled back, told in {streams} streams, p50 {:?}, \
             p99 {:?} after they were written, {} s held back",
            world.engine(),
            percentile(&told, 50),
            percentile(&told, 99),
            if postgres { held() } else { 0 },
        );
        assert!(streams > 3, "it was hardly cut off");
    }
    // The control: whoever follows the numbers alone has lost some.
    if let Some(by_number) = by_number {
        let seen = by_number.await.unwrap();
        println!("by number alone {seen} of {committed} are seen");
        assert!(seen < committed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_on_sqlite() {
    trellis_tests::run(Engine::Sqlite, &[], nothing_is_lost).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_on_postgres() {
    trellis_tests::run(Engine::Postgres, &[], nothing_is_lost).await;
}
