//! A relay hands on each event until it is taken, in order, and goes on where its sink says it is.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;
use trellis_store::event::{self, NewEvent};
use trellis_store::relay::{self, Refusal, Relay, Sink, Taken};
use trellis_store::{Error, Store};

use crate::on_both;
use crate::support::call;

/// How long everything may take.
const SOON: Duration = Duration::from_secs(30);

/// Takes a few at a time, none now and then, and of one kind none at all.
#[derive(Default)]
struct Moody {
    asked: Mutex<usize>,
    taken: Mutex<Vec<String>>,
}

impl Moody {
    fn taken(&self) -> Vec<String> {
        self.taken.lock().unwrap().clone()
    }
}

impl Sink for Moody {
    fn name(&self) -> &'static str {
        "test.moody"
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }

    fn take(&self, events: Vec<event::Model>) -> BoxFuture<'_, Taken> {
        let mut asked = self.asked.lock().unwrap();
        *asked += 1;
        let (few, away) = (*asked % 5, asked.is_multiple_of(7));
        drop(asked);
        let given = events.len();
        let good = events.iter().take_while(|event| event.kind != "poison");
        let few: Vec<_> = good.take(few).map(|event| event.resource.clone()).collect();
        let count = few.len();
        let poison = events.get(count).is_some_and(|next| next.kind == "poison");
        self.taken.lock().unwrap().extend(few);
        let refusal = match () {
            () if poison => Some(Refusal::Refused("poison".to_owned())),
            () if away => Some(Refusal::Away("not now".to_owned())),
            () => None,
        };
        assert!(given > 0, "nothing is handed on");
        Box::pin(async move { Taken { count, refusal } })
    }
}

async fn report(store: &Store, ecosystem: &str, kind: &'static str, resource: String) {
    let written = store.write(call(ecosystem), resource, move |txn, resource| async move {
        event::append(&txn, NewEvent::new(kind, resource));
        Ok::<(), Error>(())
    });
    written.await.unwrap();
}

async fn until(moody: &Moody, count: usize) {
    let waiting = async {
        while moody.taken().len() < count {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let waited = tokio::time::timeout(SOON, waiting).await;
    assert!(waited.is_ok(), "{} of {count}", moody.taken().len());
}

on_both! {
    async fn each_event_is_taken_once_and_in_order_across_restarts(fixture: Fixture) {
        let moody = Arc::new(Moody::default());
        let mut expected = Vec::new();
        for life in 0..3 {
            let stop = CancellationToken::new();
            let relay = Relay::new(&fixture.store, moody.clone());
            let backlog = relay.backlog();
            let running = tokio::spawn(relay.run(stop.clone()));
            for index in 0..30 {
                let resource = format!("{life}-{index}");
                expected.push(resource.clone());
                report(&fixture.store, "acme", "thing.happened", resource).await;
            }
            until(&moody, expected.len()).await;
            // What was taken last may still have to be noted.
            while !backlog.age().is_zero() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            stop.cancel();
            running.await.unwrap();
        }
        assert_eq!(moody.taken(), expected);
    }
}

on_both! {
    async fn what_is_refused_is_not_passed_over(fixture: Fixture) {
        let moody = Arc::new(Moody::default());
        for (kind, resource) in [("thing.happened", "a"), ("poison", "b"), ("thing.happened", "c")] {
            report(&fixture.store, "acme", kind, resource.to_owned()).await;
        }
        let stop = CancellationToken::new();
        let relay = Relay::new(&fixture.store, moody.clone());
        let backlog = relay.backlog();
        let running = tokio::spawn(relay.run(stop.clone()));
        until(&moody, 1).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(moody.taken(), ["a"]);
        assert!(backlog.age() > Duration::from_secs(3), "{:?}", backlog.age());
        stop.cancel();
        running.await.unwrap();
    }
}

on_both! {
    async fn whoever_begins_now_is_handed_what_comes_and_only_once(fixture: Fixture) {
        let moody = Arc::new(Moody::default());
        report(&fixture.store, "acme", "thing.happened", "before".to_owned()).await;
        fixture.settled().await;
        relay::begin_now(&fixture.store, moody.name()).await.unwrap();
        report(&fixture.store, "acme", "thing.happened", "after".to_owned()).await;
        // Beginning again, as a restart does, leaves out nothing.
        relay::begin_now(&fixture.store, moody.name()).await.unwrap();
        let stop = CancellationToken::new();
        let running = tokio::spawn(Relay::new(&fixture.store, moody.clone()).run(stop.clone()));
        until(&moody, 1).await;
        assert_eq!(moody.taken(), ["after"]);
        stop.cancel();
        running.await.unwrap();
    }
}
