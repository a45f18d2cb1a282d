//! Sends what waits: each webhook has a lane of its own, with a bound on what is under way, so that one that is
//! slow or down takes nothing from any other.
//!
//! A lane begins when there is something to send, and ends when there is nothing. In turns, each one transaction,
//! it writes down what was answered and takes what is next; between them it holds no connection to the database.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::Notify;
use trellis_core::lifecycle::Named as _;
use trellis_core::{Call, EcosystemId, Timestamp, WebhookId};
use trellis_store::event;
use trellis_store::platform::webhook;
use trellis_store::platform::webhook_delivery::{self, Model as Delivery};
use trellis_store::worker::transact;
use trellis_store::{Store, Txn, record};

use super::outcome;
use super::sender::{LONGEST, Sender, Sent};
use super::webhooks::told;
use super::{signature, worker};
use crate::Error;
use crate::event::envelope::{self, Letter};

/// The part of the server that sends.
pub(super) const PART: &str = "platform.webhooks";

/// How many requests of one webhook are under way at a time.
const ABREAST: usize = 8;

/// Of a webhook that has taken nothing for longer than this it is tried with a single request at a time whether it
/// does again.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a delivery belongs to whoever took it: a request takes [`LONGEST`], and then it is written down.
const LEASE: Duration = Duration::from_secs(60);

/// Whose lane it is.
type Lane = (EcosystemId, WebhookId);

/// All lanes of this process.
pub struct Lanes {
    store: Store,
    sender: Sender,
    /// Those that are at work, and how each is told of news.
    at_work: Mutex<HashMap<Lane, Arc<Notify>>>,
}

/// A request that is to be made.
struct Order {
    delivery: Delivery,
    url: String,
    letter: Letter,
    signed: (i64, String),
}

/// A delivery, and what came of its request.
type Answered = (Delivery, Sent);

impl Lanes {
    /// Lanes over a store. None is at work yet.
    #[must_use]
    pub fn new(store: Store, sender: Sender) -> Arc<Self> {
        Arc::new(Self {
            store,
            sender,
            at_work: Mutex::default(),
        })
    }

    pub(super) fn sender(&self) -> &Sender {
        &self.sender
    }

    /// Has the webhooks of an ecosystem looked at to which something may be sent.
    pub(super) fn wake(self: &Arc<Self>, ecosystem: EcosystemId) {
        let lanes = self.clone();
        tokio::spawn(async move {
            if let Err(error) = lanes.look(&ecosystem).await {
                // What waits is found by the next sweep.
                tracing::warn!(%ecosystem, ?error, "the queues of webhooks cannot be read");
            }
        });
    }

    async fn look(self: &Arc<Self>, ecosystem: &EcosystemId) -> Result<(), Error> {
        let call = Call::of_system(ecosystem.clone(), PART);
        let view = self.store.read(&call).await?;
        for webhook in webhook_delivery::due(&view, self.store.clock_now()).await? {
            self.open(ecosystem.clone(), webhook);
        }
        Ok(())
    }

    fn open(self: &Arc<Self>, ecosystem: EcosystemId, webhook: WebhookId) {
        let lane = (ecosystem, webhook);
        // One step, so that nobody else opens it in between.
        match self.lanes().entry(lane.clone()) {
            Entry::Occupied(at_work) => at_work.get().notify_one(),
            Entry::Vacant(closed) => {
                let news = closed.insert(Arc::default()).clone();
                tokio::spawn(run(Arc::downgrade(self), lane, news));
            }
        }
    }

    /// Whether a lane that has nothing to do may end: there have been no news since it looked.
    fn close(&self, lane: &Lane, news: &Notify) -> bool {
        let mut lanes = self.lanes();
        if news.notified().now_or_never().is_some() {
            return false;
        }
        lanes.remove(lane);
        true
    }

    fn lanes(&self) -> std::sync::MutexGuard<'_, HashMap<Lane, Arc<Notify>>> {
        self.at_work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down what was answered, and takes what is next, as long as there is room.
    async fn turn(
        &self,
        lane: &Lane,
        answered: Vec<Answered>,
        under_way: usize,
    ) -> Result<Vec<Order>, Error> {
        let (ecosystem, id) = lane;
        let (id, answered) = (id.clone(), Arc::new(answered));
        let now = self.store.clock_now();
        transact(&self.store, ecosystem, PART, move |txn| {
            let (id, answered) = (id.clone(), answered.clone());
            async move { turn(&txn, &id, &answered, under_way, now).await }
        })
        .await
    }
}

async fn turn(
    txn: &Txn,
    id: &WebhookId,
    answered: &[Answered],
    under_way: usize,
    now: Timestamp,
) -> Result<Vec<Order>, Error> {
    let Some(mut webhook) = record::lock::<webhook::Entity>(txn, id).await? else {
        return Ok(Vec::new());
    };
    note(txn, &mut webhook, answered).await?;
    let failing = webhook.failing_since_time;
    let abreast = match failing.map(|since| txn.now().since(since)) {
        _ if webhook.disabled => 0,
        Some(span) if span > PATIENCE => 1,
        _ => ABREAST,
    };
    let room = u64::try_from(abreast.saturating_sub(under_way)).unwrap_or_default();
    let mut orders = Vec::new();
    if room > 0 {
        let lease = (now, now.saturating_add(LEASE));
        for delivery in webhook_delivery::claim(txn, id, room, lease).await? {
            orders.extend(order(txn, &webhook, delivery, now).await?);
        }
    }
    Ok(orders)
}

/// Writes down what was answered, and what follows from it for the webhook.
async fn note(txn: &Txn, webhook: &mut webhook::Model, answered: &[Answered]) -> Result<(), Error> {
    let before = webhook.failing_since_time;
    let mut disables = None;
    for (claimed, sent) in answered {
        let settled = outcome::settled(claimed, sent, txn.now(), rand::random());
        if !webhook_delivery::settle(txn, claimed, &settled).await? {
            continue;
        }
        let since = outcome::failing_since(webhook.failing_since_time, sent, txn.now());
        disables = disables.or(outcome::disables(&settled, sent, since));
        webhook.failing_since_time = since;
    }
    if let Some(reason) = disables.filter(|_| !webhook.disabled) {
        worker::catch_up(txn, webhook).await?;
        webhook.disabled = true;
        webhook.disable_reason = Some(reason);
        *webhook = record::update::<webhook::Entity>(txn, webhook.clone()).await?;
        event::append(
            txn,
            told(txn, webhook, "webhook.disabled").because(reason.name()),
        );
    } else if webhook.failing_since_time != before {
        webhook::note_failing(txn, &webhook.id, webhook.failing_since_time).await?;
    }
    Ok(())
}

/// The request for a claimed delivery. One whose event the webhook may no longer be told of is given up.
async fn order(
    txn: &Txn,
    webhook: &webhook::Model,
    delivery: Delivery,
    now: Timestamp,
) -> Result<Option<Order>, Error> {
    let view = txn.within(super::webhooks::scope(webhook));
    let Some(event) = event::find(&view, delivery.position()).await? else {
        let given_up = Delivery {
            state: webhook_delivery::State::Failed,
            next_attempt_time: None,
            lease_expire_time: None,
            ..delivery.clone()
        };
        webhook_delivery::settle(txn, &delivery, &given_up).await?;
        return Ok(None);
    };
    let letter = envelope::of(event, super::webhooks::reader(webhook));
    let signature = signature::header(webhook, now, &letter.id, &letter.body);
    Ok(Some(Order {
        delivery,
        url: webhook.url.clone(),
        letter,
        signed: (signature::seconds(now), signature),
    }))
}

/// One lane, until there is nothing to send.
async fn run(lanes: Weak<Lanes>, lane: Lane, news: Arc<Notify>) {
    let mut under_way: FuturesUnordered<BoxFuture<'static, Answered>> = FuturesUnordered::new();
    let mut answered = Vec::new();
    loop {
        // When the server ends, what is under way may come twice: its lease ends by itself.
        let Some(all) = lanes.upgrade() else { return };
        let outcome = all
            .turn(&lane, std::mem::take(&mut answered), under_way.len())
            .await;
        let orders = match outcome {
            Ok(orders) => orders,
            Err(error) => {
                let (ecosystem, webhook) = &lane;
                tracing::warn!(%ecosystem, %webhook, ?error, "a queue of a webhook cannot be worked on");
                all.lanes().remove(&lane);
                return;
            }
        };
        for order in orders {
            let sender = all.sender.clone();
            let send = async move {
                let Order {
                    delivery,
                    url,
                    letter,
                    signed,
                } = order;
                let sent = sender.send(&url, letter, signed, LONGEST).await;
                (delivery, sent)
            };
            under_way.push(send.boxed());
        }
        if under_way.is_empty() {
            if all.close(&lane, &news) {
                return;
            }
            continue;
        }
        drop(all);
        // What comes while others are slow is sent beside them.
        tokio::select! {
            done = under_way.next() => answered.extend(done),
            () = news.notified() => {}
        }
        // Whatever else was answered by now is written down together with it.
        while let Some(Some(also)) = under_way.next().now_or_never() {
            answered.push(also);
        }
    }
}
