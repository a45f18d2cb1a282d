//! Of what waits for a webhook the first about each resource is tried, and is found whatever waits behind it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use sea_orm::ConnectionTrait;
use trellis_core::{Actor, EcosystemId, WebhookDeliveryId, WebhookId};
use trellis_store::platform::webhook::{self, SigningKey};
use trellis_store::platform::webhook_delivery::{self, Attempts, Model, State};
use trellis_store::worker::transact;
use trellis_store::{Error, Txn, check, record};

use crate::on_both;
use crate::support::{Fixture, call, one_connection};

const MINUTE: Duration = Duration::from_secs(60);

fn crm() -> WebhookId {
    WebhookId::try_new("crm").unwrap()
}

fn webhook(txn: &Txn) -> webhook::Model {
    webhook::Model {
        ecosystem: txn.ecosystem().clone(),
        id: crm(),
        display_name: "CRM".to_owned(),
        url: "https://crm.example".to_owned(),
        partner: None,
        filter: None,
        disabled: false,
        disable_reason: None,
        told_epoch: 0,
        told_xid: 0,
        told_sequence: 0,
        secret: SigningKey(vec![1; 32]),
        seed: SigningKey(vec![2; 32]),
        previous_secret: None,
        previous_seed: None,
        previous_expire_time: None,
        failing_since_time: None,
        creator: Actor::anonymous(),
        version: 1,
        create_time: txn.now(),
        update_time: txn.now(),
    }
}

/// The delivery of the event of this number.
fn delivery(txn: &Txn, sequence: i64, resource: &str) -> Model {
    Model {
        ecosystem: txn.ecosystem().clone(),
        webhook: crm(),
        id: WebhookDeliveryId::generate(txn.now()),
        epoch: 1,
        xid: 0,
        sequence,
        event_type: "partner.updated".to_owned(),
        resource: resource.to_owned(),
        state: State::Pending,
        attempts: Attempts::default(),
        attempt_count: 0,
        next_attempt_time: Some(txn.now()),
        lease_expire_time: None,
        create_time: txn.now(),
        update_time: txn.now(),
        head: false,
    }
}

/// The queue of a webhook, which is worked on while its row is locked.
struct Queue(Fixture);

impl Queue {
    async fn open(fixture: Fixture) -> Self {
        let queue = Self(fixture);
        let made = queue.work(|txn| async move {
            record::insert::<webhook::Entity>(&txn, webhook(&txn)).await?;
            Ok(())
        });
        made.await;
        queue
    }

    async fn work<T, F>(&self, work: impl Fn(Txn) -> F + Clone + Send + Sync + 'static) -> T
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let acme = EcosystemId::try_new("acme").unwrap();
        let done = transact(&self.0.store, &acme, "test", move |txn| {
            let work = work.clone();
            async move {
                record::lock::<webhook::Entity>(&txn, &crm()).await?;
                work(txn).await
            }
        });
        done.await.unwrap()
    }

    /// Has events wait that have these numbers and are about these resources.
    async fn add(&self, events: Vec<(i64, &'static str)>) {
        let added = self.work(move |txn| {
            let events = events.clone();
            async move {
                let events = events.into_iter();
                let rows = events.map(|(sequence, resource)| delivery(&txn, sequence, resource));
                let rows = rows.collect();
                webhook_delivery::queue(&txn, &crm(), rows).await
            }
        });
        added.await;
    }

    /// What is tried now, for a minute.
    async fn claim(&self) -> Vec<Model> {
        let now = self.0.store.clock_now();
        let claimed = self.work(move |txn| async move {
            let lease = (now, now.saturating_add(MINUTE));
            webhook_delivery::claim(&txn, &crm(), 100, lease).await
        });
        claimed.await
    }

    /// Ends a claimed delivery, or has it tried again after so long.
    async fn settle(&self, claimed: &Model, again: Option<Duration>) {
        let claimed = claimed.clone();
        let settled = self.work(move |txn| {
            let claimed = claimed.clone();
            async move {
                let next = again.map(|span| txn.now().saturating_add(span));
                let settled = Model {
                    state: next.map_or(State::Delivered, |_| State::Pending),
                    next_attempt_time: next,
                    lease_expire_time: None,
                    ..claimed.clone()
                };
                webhook_delivery::settle(&txn, &claimed, &settled).await
            }
        });
        assert!(settled.await);
    }

    /// Has a delivery tried again at once.
    async fn again(&self, delivery: &Model) {
        let delivery = delivery.clone();
        let again = self.work(move |txn| {
            let delivery = delivery.clone();
            async move { webhook_delivery::again(&txn, delivery).await }
        });
        assert_eq!(again.await.state, State::Pending);
    }

    /// Whether something is to be tried.
    async fn is_due(&self) -> bool {
        let view = self.0.store.read(&call("acme")).await.unwrap();
        let due = webhook_delivery::due(&view, self.0.store.clock_now());
        let due = due.await.unwrap();
        assert!(due.is_empty() || due == [crm()]);
        !due.is_empty()
    }

    fn pass(&self, span: Duration) {
        self.0.clock.advance(span);
    }
}

fn numbers(deliveries: &[Model]) -> Vec<i64> {
    deliveries.iter().map(|one| one.sequence).collect()
}

on_both! {
    async fn of_each_resource_the_first_that_waits_is_tried(fixture: Fixture) {
        let queue = Queue::open(fixture).await;
        assert!(!queue.is_due().await);
        queue.add(vec![(1, "partners/a"), (2, "partners/a"), (3, "partners/b")]).await;
        queue.add(vec![(4, "partners/a"), (5, "partners/c")]).await;
        assert!(queue.is_due().await);
        let first = queue.claim().await;
        assert_eq!(numbers(&first), [1, 3, 5]);
        assert!(!queue.is_due().await);
        assert!(queue.claim().await.is_empty());
        // One is to be tried again later, one was taken, and of one nobody says anything any more.
        queue.settle(&first[0], Some(2 * MINUTE)).await;
        queue.settle(&first[1], None).await;
        assert!(!queue.is_due().await, "those behind wait");
        queue.pass(MINUTE);
        assert!(queue.is_due().await);
        let left = queue.claim().await;
        assert_eq!(numbers(&left), [5]);
        queue.settle(&left[0], None).await;
        queue.pass(MINUTE);
        for number in [1, 2, 4] {
            let next = queue.claim().await;
            assert_eq!(numbers(&next), [number]);
            queue.settle(&next[0], None).await;
        }
        assert!(!queue.is_due().await);
        // What comes when nothing waits is tried at once.
        queue.add(vec![(6, "partners/a")]).await;
        assert_eq!(numbers(&queue.claim().await), [6]);
    }
}

on_both! {
    async fn one_that_is_asked_for_again_goes_before_those_after_it(fixture: Fixture) {
        let queue = Queue::open(fixture).await;
        queue.add(vec![(1, "partners/a"), (2, "partners/a"), (3, "partners/a")]).await;
        let first = queue.claim().await.remove(0);
        queue.settle(&first, None).await;
        let second = queue.claim().await.remove(0);
        queue.settle(&second, Some(60 * MINUTE)).await;
        queue.again(&first).await;
        let next = queue.claim().await;
        assert_eq!(numbers(&next), [1]);
        assert!(queue.claim().await.is_empty());
        queue.settle(&next[0], None).await;
        // It was put off before, and is not any more.
        let next = queue.claim().await;
        assert_eq!(numbers(&next), [2]);
        queue.settle(&next[0], Some(MINUTE)).await;
        queue.again(&next[0]).await;
        let next = queue.claim().await;
        assert_eq!(numbers(&next), [2]);
        queue.settle(&next[0], None).await;
        let third = queue.claim().await;
        assert_eq!(numbers(&third), [3]);
        // It is under way, and not taken; another is to go before it by then.
        queue.again(&first).await;
        queue.settle(&third[0], Some(Duration::ZERO)).await;
        assert_eq!(numbers(&queue.claim().await), [1]);
    }
}

on_both! {
    async fn what_was_there_before_the_feed_came_to_it_holds_nothing_up(fixture: Fixture) {
        let queue = Queue::open(fixture).await;
        queue.add(vec![(1, "partners/a")]).await;
        let first = queue.claim().await.remove(0);
        queue.settle(&first, None).await;
        queue.add(vec![(1, "partners/a"), (2, "partners/a"), (3, "partners/b")]).await;
        assert_eq!(numbers(&queue.claim().await), [2, 3]);
    }
}

on_both! {
    async fn nothing_is_due_to_a_webhook_that_is_disabled(fixture: Fixture) {
        let queue = Queue::open(fixture).await;
        queue.add(vec![(1, "partners/a")]).await;
        assert!(queue.is_due().await);
        let disabled = queue.work(|txn| async move {
            let webhook = record::find::<webhook::Entity>(&txn, &crm()).await?.unwrap();
            let disabled = webhook::Model { disabled: true, ..webhook };
            record::update::<webhook::Entity>(&txn, disabled).await
        });
        disabled.await;
        assert!(!queue.is_due().await);
    }
}

on_both! {
    async fn however_many_wait_what_is_next_is_found_as_fast(fixture: Fixture) {
        const FEW: i64 = 100;
        const MANY: i64 = 20_000;
        let queue = Queue::open(fixture).await;
        let line = |numbers: std::ops::Range<i64>| numbers.map(|number| (number, "partners/a"));
        queue.add(line(0..FEW).collect()).await;
        let few = queue.takes().await;
        let numbers: Vec<_> = line(FEW..MANY).collect();
        for some in numbers.chunks(1_000) {
            queue.add(some.to_vec()).await;
        }
        let many = queue.takes().await;
        assert!(many < few * 4, "{few:?} with {FEW} that wait, {many:?} with {MANY}");
    }
}

on_both! {
    async fn what_waited_before_there_were_heads_has_them(fixture: Fixture) {
        let queue = Queue::open(fixture).await;
        queue.add(vec![(1, "partners/a"), (2, "partners/a"), (3, "partners/b")]).await;
        let taken = queue.claim().await.remove(0);
        queue.settle(&taken, None).await;
        queue.add(vec![(4, "partners/a")]).await;
        let url = &queue.0.owner_url;
        let owner = one_connection(url).await;
        for statement in [
            "DROP INDEX webhook_deliveries_due",
            "ALTER TABLE webhook_deliveries DROP COLUMN head",
            "CREATE INDEX webhook_deliveries_due ON webhook_deliveries
                (ecosystem, webhook, next_attempt_time) WHERE state = 'PENDING'",
            "DELETE FROM seaql_migrations WHERE version = 'm20261129_000303_heads_of_deliveries'",
        ] {
            owner.execute_unprepared(statement).await.unwrap();
        }
        owner.close().await.unwrap();
        let applied = trellis_migrations::up(url).await.unwrap();
        assert_eq!(applied, ["m20261129_000303_heads_of_deliveries"]);
        queue.pass(MINUTE);
        assert_eq!(numbers(&queue.claim().await), [2, 3]);
    }
}

on_both! {
    async fn a_line_of_which_none_is_tried_is_found(fixture: Fixture) {
        let queue = Queue::open(fixture).await;
        queue.add(vec![(1, "partners/a"), (2, "partners/a"), (3, "partners/b")]).await;
        let view = queue.0.store.read(&call("acme")).await.unwrap();
        assert_eq!(check::feed(&view).await.unwrap(), []);
        let beneath = queue.0.beneath("acme").await;
        let lose = "UPDATE webhook_deliveries SET head = FALSE WHERE sequence = 1";
        beneath.execute_unprepared(lose).await.unwrap();
        beneath.close().await.unwrap();
        let found = check::feed(&view).await.unwrap();
        let found: Vec<_> = found.iter().map(|one| (one.place.as_str(), one.what.as_str())).collect();
        assert_eq!(
            found,
            [("webhook_deliveries crm", "none of those about partners/a is tried, though some wait")]
        );
    }
}

impl Queue {
    /// How long it takes to look what is due, to take the next, to put it off, and to put another behind all
    /// others.
    async fn takes(&self) -> Duration {
        static NEXT: AtomicI64 = AtomicI64::new(1_000_000);
        let mut took = Vec::new();
        for _ in 0..21 {
            let another = NEXT.fetch_add(1, Ordering::Relaxed);
            let begun = Instant::now();
            assert!(self.is_due().await);
            let next = self.claim().await.remove(0);
            self.settle(&next, Some(MINUTE)).await;
            self.add(vec![(another, "partners/a")]).await;
            assert!(self.claim().await.is_empty());
            took.push(begun.elapsed());
            self.pass(MINUTE);
        }
        took.sort_unstable();
        took[took.len() / 2]
    }
}
