//! Workers deal with each event once, in order, whatever stops them; a moved clock is followed by
//! what fell due before anything that came after it.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use sea_orm::{ConnectionTrait, DatabaseBackend, Statement};
use tokio_util::sync::CancellationToken;
use trellis_core::{Call, Failure, Role};
use trellis_store::event::{self, NewEvent};
use trellis_store::platform::parked;
use trellis_store::worker::{self, Awaited, CLOCK_ADVANCED, Concern, WorkError, Worker};
use trellis_store::{Error, Txn};

use crate::on_both;
use crate::support::{Fixture, call, one_connection, scope};

/// Writes down what it is given. Its notes are made inside the transaction and counted by the
/// feed, so a batch that is rolled back shows as a repetition here and nowhere else.
#[derive(Default)]
struct Scribe {
    seen: Mutex<Vec<String>>,
    /// What is still due, as the sweep finds it.
    due: AtomicUsize,
    /// How long it takes to look what is due, in milliseconds.
    slow: AtomicU64,
    /// How often it meets somebody else before it can deal with anything.
    refusals: AtomicUsize,
}

impl Worker for Scribe {
    fn name(&self) -> &'static str {
        "test.scribe"
    }

    fn consume<'a>(
        &'a self,
        _txn: &'a Txn,
        events: &'a [event::Model],
    ) -> BoxFuture<'a, Result<(), WorkError>> {
        Box::pin(async move {
            if events.iter().any(|event| event.kind == "poison") {
                return Err(WorkError::from(Error::Panicked));
            }
            let less = |refusals: usize| refusals.checked_sub(1);
            let refusals = &self.refusals;
            if refusals
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
                .is_ok()
            {
                return Err(WorkError::from(Error::Deadline));
            }
            let mut seen = self.seen.lock().unwrap();
            seen.extend(events.iter().map(|event| event.resource.clone()));
            Ok(())
        })
    }

    fn sweep<'a>(&'a self, _txn: &'a Txn) -> BoxFuture<'a, Result<usize, WorkError>> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(self.slow.load(Ordering::Relaxed))).await;
            let left = self.due.load(Ordering::Relaxed);
            if left == 0 {
                return Ok(0);
            }
            self.due.store(left - 1, Ordering::Relaxed);
            self.seen.lock().unwrap().push("swept".into());
            Ok(1)
        })
    }
}

impl Scribe {
    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

/// The scribe, as every reader waits for it.
const SCRIBE: Awaited = Awaited {
    name: "test.scribe",
    shown_by: &[""],
    concern: Concern::Everything,
};

async fn report(fixture: &Fixture, kind: &'static str, resource: String) -> Call {
    let written = fixture
        .store
        .write(call("acme"), resource, move |txn, resource| async move {
            event::append(&txn, NewEvent::new(kind, resource));
            Ok::<(), Error>(())
        })
        .await
        .unwrap();
    Call {
        min_position: written.position,
        ..call("acme")
    }
}

on_both! {
    async fn a_worker_sees_every_event_once_and_in_order_across_restarts(fixture: Fixture) {
        let scribe = Arc::new(Scribe::default());
        let mut expected = Vec::new();
        for life in 0..3 {
            let stop = CancellationToken::new();
            let tasks = worker::start(&fixture.store, vec![scribe.clone()], &[SCRIBE], &stop);
            let mut last = None;
            for index in 0..30 {
                let resource = format!("{life}-{index}");
                expected.push(resource.clone());
                last = Some(report(&fixture, "thing.happened", resource).await);
            }
            // A read at the last position waits for the worker.
            fixture.store.read(&last.unwrap()).await.unwrap();
            stop.cancel();
            for task in tasks {
                task.await.unwrap();
            }
        }
        assert_eq!(scribe.seen(), expected);
    }
}

on_both! {
    async fn a_read_waits_no_longer_than_its_deadline_for_a_worker_that_does_not_run(
        fixture: Fixture
    ) {
        let stop = CancellationToken::new();
        worker::start(&fixture.store, Vec::new(), &[SCRIBE], &stop);
        let at = report(&fixture, "thing.happened", "x".into()).await;
        let deadline = Some(Instant::now() + Duration::from_millis(200));
        let Err(refused) = fixture.store.read(&Call { deadline, ..at }).await else {
            panic!("nobody dealt with the event");
        };
        assert_eq!(refused.reason(), "POSITION_NOT_REACHED");
    }
}

on_both! {
    async fn a_read_waits_for_the_workers_whose_doings_it_shows_and_for_no_others(
        fixture: Fixture
    ) {
        let stop = CancellationToken::new();
        let scribe = Arc::new(Scribe::default());
        let late = Awaited { name: "test.nobody", shown_by: &["/late."], ..SCRIBE };
        let tasks = worker::start(&fixture.store, vec![scribe.clone()], &[SCRIBE, late], &stop);
        let at = report(&fixture, "thing.happened", "x".into()).await;
        let read = async |method| {
            let deadline = Some(Instant::now() + Duration::from_millis(500));
            fixture.store.read(&Call { deadline, method, ..at.clone() }).await.map(drop)
        };
        let Err(refused) = read("/late.Service/Get").await else {
            panic!("nobody dealt with the event");
        };
        assert_eq!(refused.reason(), "POSITION_NOT_REACHED");
        read("/soon.Service/Get").await.unwrap();
        assert_eq!(scribe.seen(), ["x"]);
        stop.cancel();
        for task in tasks {
            task.await.unwrap();
        }
    }
}

on_both! {
    async fn a_read_waits_for_no_worker_that_has_only_to_come_past_what_is_none_of_its_concern(
        fixture: Fixture
    ) {
        // It runs nowhere, so that whatever is waited for never comes.
        let stop = CancellationToken::new();
        let picky = Awaited { concern: Concern::Kinds(&["thing.mattered"]), ..SCRIBE };
        worker::start(&fixture.store, Vec::new(), &[picky], &stop);
        let read = async |at: &Call| {
            let deadline = Some(Instant::now() + Duration::from_millis(300));
            let read = fixture.store.read(&Call { deadline, ..at.clone() }).await;
            read.map(drop).map_err(|refused| refused.reason())
        };
        for resource in ["a", "b"] {
            let at = report(&fixture, "thing.happened", resource.into()).await;
            assert_eq!(read(&at).await, Ok(()));
        }
        for kind in ["thing.mattered", CLOCK_ADVANCED] {
            let before = report(&fixture, "thing.happened", "before".into()).await;
            let at = report(&fixture, kind, "it".into()).await;
            assert_eq!(read(&at).await, Err("POSITION_NOT_REACHED"), "{kind}");
            let after = report(&fixture, "thing.happened", "after".into()).await;
            assert_eq!(read(&after).await, Err("POSITION_NOT_REACHED"), "{kind}");
            if kind == "thing.mattered" {
                assert_eq!(read(&before).await, Ok(()));
            }
        }
    }
}

/// Deals with what matters, and with nothing else.
#[derive(Default)]
struct Picky(Scribe);

impl Worker for Picky {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn kinds(&self) -> Option<&'static [&'static str]> {
        Some(&["thing.mattered"])
    }

    fn consume<'a>(
        &'a self,
        txn: &'a Txn,
        events: &'a [event::Model],
    ) -> BoxFuture<'a, Result<(), WorkError>> {
        self.0.consume(txn, events)
    }

    fn sweep<'a>(&'a self, txn: &'a Txn) -> BoxFuture<'a, Result<usize, WorkError>> {
        self.0.sweep(txn)
    }
}

on_both! {
    async fn what_is_too_much_to_look_through_a_worker_comes_past_as_soon_as_somebody_waits(
        fixture: Fixture
    ) {
        let picky = Arc::new(Picky::default());
        // A round that takes a second is followed by half a minute of rest.
        picky.0.slow.store(1_000, Ordering::Relaxed);
        let stop = CancellationToken::new();
        let awaited = Awaited { concern: Concern::of(&*picky), ..SCRIBE };
        let tasks = worker::start(&fixture.store, vec![picky.clone()], &[awaited], &stop);
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        report(&fixture, "thing.mattered", "a".into()).await;
        let many = fixture.store.write(call("acme"), (), |txn, ()| async move {
            for index in 0..2_500 {
                event::append(&txn, NewEvent::new("thing.happened", index.to_string()));
            }
            Ok::<(), Error>(())
        });
        let min_position = many.await.unwrap().position;
        let deadline = Some(Instant::now() + Duration::from_secs(10));
        let at = Call { min_position, deadline, ..call("acme") };
        fixture.store.read(&at).await.unwrap();
        stop.cancel();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(picky.0.seen(), ["a"]);
    }
}

on_both! {
    async fn what_a_partner_does_for_the_vendor_alone_is_dealt_with_at_once(fixture: Fixture) {
        let scribe = Arc::new(Scribe::default());
        // A round that takes a second is followed by half a minute of rest.
        scribe.slow.store(1_000, Ordering::Relaxed);
        let stop = CancellationToken::new();
        let tasks = worker::start(&fixture.store, vec![scribe.clone()], &[SCRIBE], &stop);
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        let by_partner = Call { scope: scope(&[(Role::PartnerAdmin, "nimbus")]), ..call("acme") };
        let written = fixture.store.write(by_partner, (), |txn, ()| async move {
            event::append(&txn, NewEvent::new("thing.happened", "a"));
            Ok::<(), Error>(())
        });
        assert_eq!(written.await.unwrap().position, None);
        let patience = Instant::now() + Duration::from_secs(10);
        while scribe.seen().is_empty() {
            assert!(Instant::now() < patience, "it waits for a round");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stop.cancel();
        for task in tasks {
            task.await.unwrap();
        }
    }
}

on_both! {
    async fn what_fell_due_is_done_between_what_came_before_and_after_the_clock_moved(
        fixture: Fixture
    ) {
        let scribe = Arc::new(Scribe::default());
        report(&fixture, "thing.happened", "before".into()).await;
        report(&fixture, CLOCK_ADVANCED, "clock".into()).await;
        let at = report(&fixture, "thing.happened", "after".into()).await;
        // The first look sweeps too, for what fell due while nobody ran; it comes last.
        scribe.due.store(3, Ordering::Relaxed);
        let stop = CancellationToken::new();
        worker::start(&fixture.store, vec![scribe.clone()], &[SCRIBE], &stop);
        fixture.store.read(&at).await.unwrap();
        stop.cancel();
        assert_eq!(scribe.seen(), ["before", "swept", "swept", "swept", "clock", "after"]);
    }
}

on_both! {
    async fn an_event_that_cannot_be_dealt_with_is_put_aside_and_holds_up_nothing(
        fixture: Fixture
    ) {
        let scribe = Arc::new(Scribe::default());
        report(&fixture, "thing.happened", "a".into()).await;
        report(&fixture, "poison", "b".into()).await;
        let at = report(&fixture, "thing.happened", "c".into()).await;
        let stop = CancellationToken::new();
        worker::start(&fixture.store, vec![scribe.clone()], &[SCRIBE], &stop);
        let view = fixture.store.read(&at).await.unwrap();
        stop.cancel();
        assert_eq!(scribe.seen(), ["a", "c"]);
        let parked = parked::all(&view).await.unwrap();
        assert_eq!(parked.len(), 1);
        assert_eq!(parked[0].worker, "test.scribe");
    }
}

on_both! {
    async fn what_could_not_be_dealt_with_is_tried_again_long_before_the_next_round(
        fixture: Fixture
    ) {
        let scribe = Arc::new(Scribe::default());
        // A round that takes a second is followed by half a minute of rest.
        scribe.slow.store(1_000, Ordering::Relaxed);
        let stop = CancellationToken::new();
        worker::start(&fixture.store, vec![scribe.clone()], &[SCRIBE], &stop);
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        scribe.refusals.store(2, Ordering::Relaxed);
        let at = report(&fixture, "thing.happened", "a".into()).await;
        let deadline = Some(Instant::now() + Duration::from_secs(10));
        fixture.store.read(&Call { deadline, ..at }).await.unwrap();
        stop.cancel();
        assert_eq!(scribe.seen(), ["a"]);
        assert_eq!(scribe.refusals.load(Ordering::Relaxed), 0);
    }
}

on_both! {
    async fn what_a_worker_cannot_do_is_told_for_as_long_as_it_cannot(fixture: Fixture) {
        let scribe = Arc::new(Scribe::default());
        let stop = CancellationToken::new();
        worker::start(&fixture.store, vec![scribe.clone()], &[SCRIBE], &stop);
        let at = report(&fixture, "thing.happened", "a".into()).await;
        fixture.store.read(&at).await.unwrap();
        let stalls = fixture.store.stalls();
        let span = || stalls.longest().get("test.scribe").copied();
        assert_eq!(span(), None);
        scribe.refusals.store(usize::MAX, Ordering::Relaxed);
        let at = report(&fixture, "thing.happened", "b".into()).await;
        // It was tried again meanwhile, and is told from the first time on.
        let patience = Instant::now() + Duration::from_secs(20);
        while span() < Some(Duration::from_millis(1_500)) {
            assert!(Instant::now() < patience, "{:?}", span());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(scribe.refusals.load(Ordering::Relaxed) < usize::MAX - 1);
        scribe.refusals.store(0, Ordering::Relaxed);
        let deadline = Some(Instant::now() + Duration::from_secs(10));
        fixture.store.read(&Call { deadline, ..at }).await.unwrap();
        while span().is_some() {
            assert!(Instant::now() < patience, "{:?}", span());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        stop.cancel();
        assert_eq!(scribe.seen(), ["a", "b"]);
    }
}

/// Whatever has happened before, whoever has dealt with all of it looks at the newest event and no further,
/// however often it is asked to. SQLite runs the same statement, and tells of none how much it read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_up_to_date_does_not_look_through_what_has_happened() {
    const OLD: i64 = 5_000;
    const NEW: i64 = 40;
    let Some(fixture) = crate::support::postgres().await else {
        return;
    };
    let database = one_connection(&fixture.superuser_url).await;
    let old = format!(
        "INSERT INTO events (ecosystem, kind, resource, actor, time, data) \
         SELECT 'acme', 'thing.happened', 'old', 'system', 1, '{{}}' FROM generate_series(1, {OLD})"
    );
    database.execute_unprepared(&old).await.unwrap();
    let stop = CancellationToken::new();
    let scribe = Arc::new(Scribe::default());
    let tasks = worker::start(&fixture.store, vec![scribe.clone()], &[SCRIBE], &stop);
    for index in 0..NEW {
        let at = report(&fixture, "thing.happened", format!("new-{index}")).await;
        fixture.store.read(&at).await.unwrap();
        event::held(&fixture.store, &at.ecosystem).await.unwrap();
    }
    stop.cancel();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(i64::try_from(scribe.seen().len()).unwrap(), OLD + NEW);
    // A session tells what it has read at the latest when it ends.
    drop(fixture);
    let counted = "SELECT sum(idx_scan)::bigint, \
        (sum(idx_tup_read) + (SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'events'))::bigint \
        FROM pg_stat_user_indexes WHERE relname = 'events'";
    let patience = Instant::now() + Duration::from_secs(30);
    let read = loop {
        let ask = Statement::from_string(DatabaseBackend::Postgres, counted);
        let row = database.query_one_raw(ask).await.unwrap().unwrap();
        let scans: i64 = row.try_get_by_index(0).unwrap();
        if scans >= 2 * NEW {
            break row.try_get_by_index::<i64>(1).unwrap();
        }
        assert!(Instant::now() < patience, "{scans} reads were told of");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    database.close().await.unwrap();
    // The worker reads each once, some hundreds at a time, and looks what comes next.
    assert!(read < 4 * OLD, "{read} entries were looked at");
}
