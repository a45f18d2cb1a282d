//! Many events to somebody who takes them badly: all arrive, in order for each resource, whatever becomes of
//! single requests, and the signatures are good throughout a rotation.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::join_all;
use trellis_api::platform::v1 as pb;
use trellis_tests::{number, on_both};

use super::receiver::{Came, Receiver, Reply, WELL, is_by_secret};
use super::scene::Scene;

/// What the events are about.
const RESOURCES: usize = 20;

/// How many events there are when nobody says otherwise.
const EVENTS: usize = 100;

/// What is done about an attempt of an event: 30 % are refused, 5 % are cut, and a number of a thousand hang, as
/// chance has it, which is the same each time.
fn chance(id: &str, attempt: usize, hang: u64) -> Reply {
    // Nobody fails for ever: an event would be given up after ten attempts.
    if attempt > 6 {
        return WELL;
    }
    let mut hash = DefaultHasher::new();
    (id, attempt).hash(&mut hash);
    match hash.finish() % 1_000 {
        0..300 => Reply::Status(500),
        300..350 => Reply::Reset,
        other if other < 350 + hang => Reply::After(Duration::from_secs(11)),
        _ => WELL,
    }
}

/// Whether the requests about each resource were taken in the order of the feed: each event for the first time
/// after all before it.
fn in_order(came: &[Came]) -> Result<(), String> {
    let mut taken: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for one in came.iter().filter(|one| one.is_taken()) {
        let of = taken.entry(one.subject()).or_default();
        let mut parts = one.id().split('-').map(|part| part.parse::<u64>().unwrap());
        let sequence = parts.next_back().unwrap();
        if !of.contains(&sequence) {
            of.push(sequence);
        }
    }
    for (subject, sequences) in taken {
        if !sequences.is_sorted() {
            return Err(format!("{subject}: {sequences:?}"));
        }
    }
    Ok(())
}

#[test]
fn a_reversed_order_is_noticed() {
    let came = |id: &str| Came {
        headers: [("webhook-id".parse().unwrap(), id.parse().unwrap())]
            .into_iter()
            .collect(),
        body: hyper::body::Bytes::new(),
        event: serde_json::json!({ "subject": "x" }),
        reply: WELL,
        at: std::time::Instant::now(),
    };
    assert!(in_order(&[came("1-0-1"), came("1-0-2"), came("1-0-1")]).is_ok());
    assert!(in_order(&[came("1-0-2"), came("1-0-1")]).is_err());
}

on_both! {
    async fn everything_arrives_in_order_at_somebody_who_takes_it_badly(world: World) {
        let scene = Scene::open(world).await;
        let receiver = Receiver::open().await;
        let events = number("TRELLIS_TESTS_WEBHOOKS").unwrap_or(EVENTS);
        // Each that hangs takes ten seconds; a tenth of them do when there is time for that.
        let hang = if events > EVENTS { 100 } else { 5 };
        let attempts: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
        receiver.replies(move |event, _| {
            let id = event["id"].as_str().unwrap();
            let mut attempts = attempts.lock().unwrap();
            let attempt = attempts.entry(id.to_owned()).or_default();
            *attempt += 1;
            chance(id, *attempt, hang)
        });
        let made = scene.tell(&receiver, "type = \"partner.updated\"").await;
        let name = made.webhook.name.clone();
        let mut partners = Vec::new();
        for number in 0..RESOURCES {
            partners.push(scene.partner(&format!("p{number}")).await);
        }
        let rounds = events / RESOURCES;
        let mut secrets = vec![made.secret.clone()];
        for round in 0..rounds {
            if round == rounds / 2 {
                // Something was sent with the first secret.
                receiver.until(1).await;
                let request = pb::RotateWebhookSecretRequest {
                    name: name.clone(),
                    overlap: Some(prost_types::Duration { seconds: 3_600, nanos: 0 }),
                    ..pb::RotateWebhookSecretRequest::default()
                };
                let rotated = scene.webhooks().rotate_webhook_secret(request).await;
                secrets.push(rotated.unwrap().into_inner().secret);
            }
            let renames = partners.iter().map(|partner| async {
                scene.rename(partner, &format!("Round {round}")).await;
            });
            join_all(renames).await;
        }
        // Time passes until everything was taken: each step is longer than any interval. The log forgets what
        // ended long ago, so that what came is counted.
        let taken = || -> BTreeSet<String> {
            let came = receiver.came();
            let taken = came.iter().filter(|one| one.is_taken());
            taken.map(|one| one.id().to_owned()).collect()
        };
        while taken().len() < rounds * RESOURCES {
            tokio::time::sleep(Duration::from_millis(300)).await;
            scene.advance(Duration::from_secs(27 * 3_600)).await;
            let (webhook, taken) = (scene.get(&name).await, taken().len());
            assert!(!webhook.disabled, "{taken} were taken");
        }
        assert!(scene.deliveries(&name, "state = FAILED").await.is_empty());
        let (came, ids) = (receiver.came(), taken());
        let listed = scene.events("type = \"partner.updated\"").await;
        assert!(listed.iter().all(|event| ids.contains(event.position.as_str())));
        assert_eq!(ids.len(), rounds * RESOURCES);
        assert!(came.len() > ids.len() * 5 / 4, "{} requests for {}", came.len(), ids.len());
        in_order(&came).unwrap();
        let by = |one: &Came, secret: &String| is_by_secret(one, secret);
        assert!(came.iter().all(|one| secrets.iter().any(|secret| by(one, secret))));
        let newest = secrets.last().unwrap();
        let new = came.iter().filter(|one| by(one, newest)).count();
        assert!(new > 0 && new < came.len(), "the rotation was midway: {new}");
    }
}
