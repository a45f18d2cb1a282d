//! A feed whose oldest events are removed: nobody is told a part as if it were all, and nothing is removed
//! that somebody needs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tonic::Code;
use tonic_types::StatusExt as _;
use trellis_api::platform::v1 as pb;
use trellis_api::platform::v1::watch_events_request::Start;
use trellis_core::{EcosystemId, Position};
use trellis_store::event::{self, NewEvent};
use trellis_store::platform::{cursor, webhook_delivery};
use trellis_store::{Store, check};
use trellis_tests::{Caller, Engine, Started, World, position};

use super::scene::{SOON, Watcher, acme, after, from_first, from_now, named, report};
use crate::canary::copy::past_everything;
use crate::identity::scene::{Made, partner_key};

const DAY: Duration = Duration::from_secs(86_400);

/// Before everything.
const NOWHERE: Position = Position {
    epoch: 0,
    xid: 0,
    sequence: 0,
};

/// How long events stay.
const KEPT: &str = "30d";

/// Makes a test on SQLite and one on PostgreSQL of each function, whose server keeps events for thirty days.
macro_rules! on_both_that_forget {
    ($($(#[$about:meta])* async fn $name:ident($world:ident) $body:block)+) => {$(
        mod $name {
            use super::*;

            $(#[$about])*
            async fn body(engine: Engine) {
                trellis_tests::run(engine, &[("feed-retention", KEPT)], async |$world: World| $body).await;
            }

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

async fn advance(by: &Caller, span: Duration) -> String {
    position(&by.advance("ecosystems/acme", span).await)
}

/// A page of the events after a position, or of all.
async fn page(
    by: &Caller,
    after: &str,
    size: i32,
) -> Result<pb::ListEventsResponse, tonic::Status> {
    let list = pb::ListEventsRequest {
        parent: "ecosystems/acme".to_owned(),
        after_position: after.to_owned(),
        page_size: size,
        ..pb::ListEventsRequest::default()
    };
    by.events()
        .list_events(list)
        .await
        .map(tonic::Response::into_inner)
}

/// Makes partners; answers the position after each.
async fn make(by: &Caller, names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut positions = Vec::new();
    for name in names {
        let made = by.partners().create_partner(named(&name)).await.unwrap();
        positions.push(position(&made));
    }
    positions
}

/// Waits until so much was removed that the oldest position is this one, or a later one.
async fn removed_until(by: &Caller, at_least: &str) -> String {
    let wanted: Position = at_least.parse().unwrap();
    let begun = Instant::now();
    loop {
        let oldest = page(by, "", 1).await.unwrap().oldest_position;
        if oldest
            .parse()
            .is_ok_and(|oldest: Position| oldest >= wanted)
        {
            return oldest;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(120),
            "removed until {oldest:?} only"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// That a position is refused as one that events after it were removed of, and the oldest that is told.
#[track_caller]
fn expired<T: std::fmt::Debug>(refused: Result<T, tonic::Status>, position: &str) -> String {
    let status = refused.expect_err("it is refused");
    assert_eq!(status.code(), Code::FailedPrecondition, "{status:?}");
    let info = status.get_details_error_info().unwrap();
    assert_eq!(info.reason, "POSITION_EXPIRED");
    assert_eq!(info.metadata["position"], position);
    info.metadata["oldest_position"].clone()
}

/// From where on somebody was told everything, and the positions of what they were told.
type Run = (Position, Vec<Position>);

/// Reads on, a page at a time; whoever is refused begins anew where they may. Answers whether there was
/// anything to read.
async fn read_on(by: &Caller, runs: &mut Vec<Run>, size: i32) -> bool {
    let place = runs
        .last()
        .map(|(from, told)| told.last().unwrap_or(from).to_string());
    let place = place.unwrap_or_default();
    match page(by, &place, size).await {
        Ok(page) => {
            if runs.is_empty() {
                let oldest = page.oldest_position.parse().unwrap_or(NOWHERE);
                runs.push((oldest, Vec::new()));
            }
            let told = page.events.iter();
            let told = told.map(|event| event.position.parse::<Position>().unwrap());
            runs.last_mut().unwrap().1.extend(told);
            !page.events.is_empty()
        }
        Err(status) => {
            let oldest = expired(Err::<(), _>(status), &place);
            runs.push((oldest.parse().unwrap(), Vec::new()));
            true
        }
    }
}

async fn findings(store: &Store) -> Vec<String> {
    let found = check::feed(&store.read_access(&acme())).await.unwrap();
    found.into_iter().map(|finding| finding.what).collect()
}

on_both_that_forget! {
    async fn what_was_removed_is_said_and_the_snapshot_takes_over(world) {
        world.sandbox("acme").await;
        let positions = make(&world, (0..20).map(|number| format!("old-{number}"))).await;
        world.settled("ecosystems/acme").await;
        assert_eq!(page(&world, "", 1).await.unwrap().oldest_position, "");
        let mut watcher = Watcher::open(&world, from_first("acme")).await.unwrap();
        assert_eq!(watcher.events(21).await.len(), 21);

        advance(&world, 40 * DAY).await;
        make(&world, ["young".to_owned()]).await;
        let oldest = removed_until(&world, &positions[19]).await;
        // What is left begins behind it, and it is the oldest position that can be had.
        let left = page(&world, &oldest, 1_000).await.unwrap();
        assert_eq!(left.events, page(&world, "", 1_000).await.unwrap().events);
        assert!(left.events.iter().any(|event| event.resource.ends_with("/young")));
        assert!(left.events.iter().all(|event| !event.resource.contains("/old-")));
        assert_eq!(left.oldest_position, oldest);
        for before in ["0-0-0", positions[0].as_str(), positions[18].as_str()] {
            assert_eq!(expired(page(&world, before, 1).await, before), oldest);
            let (ended, _) = Watcher::open(&world, after("acme", before)).await.map(drop).map_or_else(
                |status| (status, ()),
                |()| panic!("{before} is watched"),
            );
            assert_eq!(expired(Err::<(), _>(ended), before), oldest);
        }
        let first = Watcher::open(&world, from_first("acme")).await.map(drop);
        assert_eq!(expired(first, "0-0-0"), oldest);
        // Whoever was there all along, and whoever begins behind it, goes on.
        let told = watcher.events(3).await;
        assert!(told[2].resource.ends_with("/young"), "{told:?}");
        let mut on = Watcher::open(&world, after("acme", &oldest)).await.unwrap();
        assert_eq!(on.events(left.events.len()).await, left.events);

        // The snapshot tells what there is, and its position is good.
        let request = pb::WatchEventsRequest {
            start: Start::Snapshot.into(),
            resource_types: vec!["trellis.dev/Partner".to_owned()],
            ..from_now("acme")
        };
        let mut whole = Watcher::open(&world, request).await.unwrap();
        let mut resources = 0;
        let position = loop {
            let message = whole.message().await;
            if message.snapshot_complete {
                break message.position;
            }
            resources += usize::from(message.resource.is_some());
        };
        assert_eq!(resources, 21);
        make(&world, ["younger".to_owned()]).await;
        let mut since = Watcher::open(&world, after("acme", &position)).await.unwrap();
        assert!(since.events(1).await[0].resource.ends_with("/younger"));
        assert_eq!(findings(world.store()).await, [""; 0]);
    }

    /// While many write and many read, nobody is told of a part as if it were all.
    async fn whoever_reads_meanwhile_is_told_all_or_refused(world) {
        world.sandbox("acme").await;
        let stop = Arc::new(AtomicBool::new(false));
        let writing = (0..3).map(|writer| {
            let (by, stop) = (Caller::new(world.channel()), stop.clone());
            tokio::spawn(async move {
                let mut made = Vec::new();
                while !stop.load(Ordering::SeqCst) {
                    let name = format!("by-{writer}-{}", made.len());
                    made.extend(make(&by, [name]).await);
                }
                made
            })
        });
        let writing: Vec<_> = writing.collect();
        let reading = {
            let (by, stop) = (Caller::new(world.channel()), stop.clone());
            tokio::spawn(async move {
                let mut runs = Vec::new();
                while !stop.load(Ordering::SeqCst) {
                    read_on(&by, &mut runs, 3).await;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                runs
            })
        };
        let begun = Instant::now();
        let mut marks = Vec::new();
        while marks.len() < 3 && begun.elapsed() < 3 * SOON {
            let at = advance(&world, 31 * DAY).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            let oldest = page(&world, "", 1).await.unwrap().oldest_position;
            if marks.last() != Some(&oldest) && !oldest.is_empty() {
                marks.push(oldest);
            }
            assert_ne!(at, "");
        }
        assert_eq!(marks.len(), 3, "{marks:?}");
        stop.store(true, Ordering::SeqCst);
        let mut made = Vec::new();
        for writer in writing {
            made.extend(writer.await.unwrap());
        }
        let mut runs = reading.await.unwrap();
        world.settled("ecosystems/acme").await;
        while read_on(&world, &mut runs, 1_000).await {}
        let made: Vec<Position> = made.iter().map(|at| at.parse().unwrap()).collect();
        let read: usize = runs.iter().map(|(_, told)| told.len()).sum();
        println!("{} were made, {read} events read in {} runs", made.len(), runs.len());
        assert!(read > 0 && made.len() > 50);
        for (from, told) in &runs {
            assert!(told.is_sorted());
            let Some(to) = told.last() else { continue };
            let missed = made.iter().filter(|at| from < at && at <= &to && !told.contains(at));
            assert_eq!(missed.count(), 0, "between {from} and {to}");
        }
        let end = runs.last().and_then(|(_, told)| told.last());
        assert!(end >= made.iter().max());
        assert_eq!(findings(world.store()).await, [""; 0]);
    }

    /// What a webhook has not taken stays until it has.
    async fn a_webhook_that_is_late_holds_removal_back(world) {
        world.sandbox("acme").await;
        let create = pb::CreateWebhookRequest {
            parent: "ecosystems/acme".to_owned(),
            webhook_id: "late".to_owned(),
            webhook: Some(pb::Webhook {
                display_name: "Late".to_owned(),
                url: "http://127.0.0.1:9/".to_owned(),
                filter: "type = \"partner.created\"".to_owned(),
                ..pb::Webhook::default()
            }),
            ..pb::CreateWebhookRequest::default()
        };
        world.webhooks().create_webhook(create).await.unwrap();
        let positions = make(&world, ["first".to_owned(), "second".to_owned()]).await;
        let view = world.store().read_access(&acme());
        let waiting = async || {
            let list = pb::ListDeliveriesRequest {
                parent: "ecosystems/acme/webhooks/late".to_owned(),
                filter: "state = PENDING".to_owned(),
                ..pb::ListDeliveriesRequest::default()
            };
            world.webhooks().list_deliveries(list).await.unwrap().into_inner().deliveries
        };
        let begun = Instant::now();
        while waiting().await.len() < 2 {
            assert!(begun.elapsed() < 3 * SOON, "nothing waits");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // Three days of attempts do not pass where the queue is not worked on: nobody listens, and the
        // webhook is disabled before the clock moves.
        let disable = pb::UpdateWebhookRequest {
            webhook: Some(pb::Webhook {
                name: "ecosystems/acme/webhooks/late".to_owned(),
                disabled: true,
                ..pb::Webhook::default()
            }),
            update_mask: Some(prost_types::FieldMask { paths: vec!["disabled".to_owned()] }),
            ..pb::UpdateWebhookRequest::default()
        };
        world.webhooks().update_webhook(disable).await.unwrap();
        advance(&world, 60 * DAY).await;
        // Everything before the first that waits may go, and nothing from there on.
        let first: Position = positions[0].parse().unwrap();
        let begun = Instant::now();
        loop {
            let until = event::removed_until(&view).await.unwrap();
            assert!(until < first, "{until} was removed");
            if until > NOWHERE {
                break;
            }
            assert!(begun.elapsed() < 3 * SOON, "nothing is removed");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(event::removed_until(&view).await.unwrap() < first);
        assert_eq!(waiting().await.len(), 2);
        // Once nobody needs it any more, it goes.
        let delete = pb::DeleteWebhookRequest {
            name: "ecosystems/acme/webhooks/late".to_owned(),
            ..pb::DeleteWebhookRequest::default()
        };
        world.webhooks().delete_webhook(delete).await.unwrap();
        removed_until(&world, &positions[1]).await;
        assert_eq!(findings(world.store()).await, [""; 0]);
    }

    async fn whoever_has_not_passed_an_event_keeps_it(world) {
        world.sandbox("acme").await;
        let positions = make(&world, (0..5).map(|number| format!("old-{number}"))).await;
        world.settled("ecosystems/acme").await;
        // A relay that was switched off after the third.
        let third: Position = positions[2].parse().unwrap();
        let relay = format!(
            "INSERT INTO feed_cursors (ecosystem, worker, epoch, xid, sequence) \
             VALUES ('acme', 'broker.nats', {}, {}, {})",
            third.epoch, third.xid, third.sequence
        );
        past_everything(&world, &relay).await;
        advance(&world, 60 * DAY).await;
        assert_eq!(removed_until(&world, &positions[2]).await, positions[2]);
        // What was put aside is kept, too.
        let fourth: Position = positions[3].parse().unwrap();
        let parked = format!(
            "DELETE FROM feed_cursors WHERE worker = 'broker.nats'; \
             INSERT INTO parked_events (ecosystem, worker, epoch, xid, sequence, error, time) \
             VALUES ('acme', 'test', {}, {}, {}, 'no', 0)",
            fourth.epoch, fourth.xid, fourth.sequence
        );
        past_everything(&world, &parked).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(page(&world, "", 1).await.unwrap().oldest_position, positions[2]);
        past_everything(&world, "DELETE FROM parked_events").await;
        removed_until(&world, &positions[4]).await;
    }

    /// The newest event stays, and a partner of which nothing is left has a position all the same.
    async fn a_feed_goes_on_where_it_was(world) {
        world.sandbox("acme").await;
        let of_nimbus = make(&world, ["nimbus".to_owned(), "cirrus".to_owned()]).await;
        let admin = world.first("acme", trellis_core::Role::EcosystemAdmin).await;
        let request = partner_key("nimbus", &[trellis_api::options::v1::Role::PartnerRep]);
        let made = admin.access().create_api_key(request).await.unwrap().into_inner();
        let made = Made { key: made.api_key.unwrap(), secret: made.secret };
        let nimbus = Caller::new(world.channel()).bearing(&made.secret);
        let newest = advance(&admin, 60 * DAY).await;
        let oldest = removed_until(&admin, &of_nimbus[1]).await;
        // By its own time the newest is old by now, too.
        advance(&admin, 60 * DAY).await;
        removed_until(&admin, &newest).await;
        let left = page(&admin, "", 10).await.unwrap();
        assert_eq!(left.events.len(), 1, "{left:?}");
        assert_eq!(expired(page(&nimbus, &of_nimbus[0], 1).await, &of_nimbus[0]), left.oldest_position);
        let name = "ecosystems/acme".to_owned();
        let get = pb::GetPositionRequest { name };
        let at = nimbus.events().get_position(get).await.unwrap().into_inner().position;
        assert_eq!(at, left.oldest_position);
        assert!(at.parse::<Position>().unwrap() >= oldest.parse().unwrap());
        assert_eq!(page(&nimbus, &at, 10).await.unwrap().events, []);
        let mut watcher = Watcher::open(&nimbus, after("acme", &at)).await.unwrap();
        let rename = trellis_api::partner::v1::UpdatePartnerRequest {
            partner: Some(trellis_api::partner::v1::Partner {
                name: "ecosystems/acme/partners/nimbus".to_owned(),
                display_name: "Nimbus".to_owned(),
                ..trellis_api::partner::v1::Partner::default()
            }),
            ..trellis_api::partner::v1::UpdatePartnerRequest::default()
        };
        admin.partners().update_partner(rename).await.unwrap();
        assert_eq!(watcher.events(1).await[0].r#type, "partner.updated");
        assert_eq!(findings(world.store()).await, [""; 0]);
    }

    async fn a_feed_that_was_cut_past_its_mark_is_found(world) {
        world.sandbox("acme").await;
        let positions = make(&world, (0..6).map(|number| format!("old-{number}"))).await;
        world.settled("ecosystems/acme").await;
        assert_eq!(findings(world.store()).await, [""; 0]);
        let cut = |at: &str| {
            let at: Position = at.parse().unwrap();
            format!(
                "DELETE FROM events WHERE ecosystem = 'acme' AND (epoch, xid, sequence) <= ({}, {}, {})",
                at.epoch, at.xid, at.sequence
            )
        };
        past_everything(&world, &cut(&positions[0])).await;
        let found = findings(world.store()).await;
        assert!(found.iter().any(|what| what.contains("CreatePartner is not there")), "{found:?}");
        // With a mark that tells of it, it fits; beyond that it does not.
        let acme = acme();
        let count = |events: usize| i64::try_from(events).unwrap();
        let first: Position = positions[1].parse().unwrap();
        let until: Position = positions[0].parse().unwrap();
        let mark = format!(
            "INSERT INTO feed_marks VALUES ('{acme}', {}, {}, {}, {}, {}, {}, {})",
            until.epoch, until.xid, until.sequence, first.epoch, first.xid, first.sequence, count(2)
        );
        past_everything(&world, &mark).await;
        assert_eq!(findings(world.store()).await, [""; 0]);
        past_everything(&world, &cut(&positions[2])).await;
        let found = findings(world.store()).await;
        assert!(found[0].contains("it is to be"), "{found:?}");
    }
}

/// Without a setting nothing is ever removed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_says_to_remove_stays() {
    let started = Started::new(Engine::Sqlite, &[]).await.unwrap();
    let world = &started.world;
    world.sandbox("acme").await;
    report(
        world.store(),
        "acme",
        vec![NewEvent::new("row.changed", "rows/1").with(json!({}))],
    )
    .await;
    advance(world, 300 * DAY).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let view = world
        .store()
        .read_access(&EcosystemId::try_new("acme").unwrap());
    assert_eq!(event::removed_until(&view).await.unwrap(), NOWHERE);
    assert!(
        cursor::all(&view)
            .await
            .unwrap()
            .iter()
            .all(|one| one.worker != "platform.retention")
    );
    assert_eq!(webhook_delivery::due(&view, view.now()).await.unwrap(), []);
    started.end().await;
}
