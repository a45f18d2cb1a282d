//! The worker of webhooks: puts the events of the feed into the queues of those that are told of them.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use trellis_core::{EcosystemId, Position, WebhookDeliveryId};
use trellis_store::event::{self, Model as Event};
use trellis_store::platform::cursor;
use trellis_store::platform::webhook::{self, Model};
use trellis_store::platform::webhook_delivery::{self, Attempts, Model as Delivery, State};
use trellis_store::worker::{WorkError, Worker};
use trellis_store::{Error, Store, Txn, record};

use super::Lanes;
use super::webhooks::{filter_of, scope};

/// Events of one statement.
const BATCH: u64 = 500;

/// For how long what has ended is kept.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3_600);

/// What of it is forgotten in one transaction.
const FORGOTTEN: u64 = 500;

/// The worker of webhooks.
pub struct Deliveries {
    store: Store,
    lanes: Arc<Lanes>,
    /// The ecosystems in which something may be sent.
    woken: Mutex<HashSet<EcosystemId>>,
}

impl Deliveries {
    /// Its name, which keys its place in the feed.
    pub const NAME: &'static str = super::lanes::PART;

    /// A worker that fills the queues of these lanes.
    #[must_use]
    pub fn new(store: Store, lanes: Arc<Lanes>) -> Self {
        Self {
            store,
            lanes,
            woken: Mutex::default(),
        }
    }

    fn wake(&self, ecosystem: &EcosystemId) {
        let mut woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
        woken.insert(ecosystem.clone());
    }
}

impl Worker for Deliveries {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    /// None is read as long as nobody is told of any.
    fn kinds(&self) -> Option<&'static [&'static str]> {
        Some(&[])
    }

    fn follows(&self) -> bool {
        true
    }

    fn consume<'a>(
        &'a self,
        _txn: &'a Txn,
        _events: &'a [Event],
    ) -> BoxFuture<'a, Result<(), WorkError>> {
        Box::pin(async { Ok(()) })
    }

    fn pass<'a>(
        &'a self,
        txn: &'a Txn,
        from: Position,
        to: Position,
    ) -> BoxFuture<'a, Result<(), WorkError>> {
        Box::pin(async move {
            for webhook in webhook::enabled(txn).await? {
                if queue(txn, &webhook, (from, to)).await? > 0 {
                    self.wake(txn.ecosystem());
                }
            }
            Ok(())
        })
    }

    fn committed(&self, ecosystem: &EcosystemId) {
        let mut woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
        if woken.remove(ecosystem) {
            self.lanes.wake(ecosystem.clone());
        }
    }

    fn sweep<'a>(&'a self, txn: &'a Txn) -> BoxFuture<'a, Result<usize, WorkError>> {
        Box::pin(async move {
            let due = webhook_delivery::due(txn, self.store.clock_now()).await?;
            if !due.is_empty() {
                self.wake(txn.ecosystem());
            }
            let long_ago = txn.now().saturating_sub(KEPT);
            let forgotten = webhook_delivery::forget(txn, long_ago, FORGOTTEN).await?;
            Ok(usize::try_from(forgotten).unwrap_or(usize::MAX))
        })
    }
}

/// Puts the events between two places that a webhook is told of into its queue; answers how many. Its row is
/// locked if there are any.
async fn queue(
    txn: &Txn,
    webhook: &Model,
    (from, to): (Position, Position),
) -> Result<usize, Error> {
    let range = Range { from, to: Some(to) };
    if told(txn, webhook, range, 1).await?.is_empty() {
        return Ok(0);
    }
    // It may be another one by now.
    match record::lock::<webhook::Entity>(txn, &webhook.id).await? {
        Some(webhook) if !webhook.disabled => fill(txn, &webhook, range).await,
        _ => Ok(0),
    }
}

/// Puts what happened before now into the queue of a webhook as far as the worker has not come to it. Whoever is
/// about to tell it nothing, or something else, and has locked its row, does so first: what it is told of an event
/// does not depend on how late the worker is.
pub(super) async fn catch_up(txn: &Txn, webhook: &Model) -> Result<(), Error> {
    let from = cursor::place(txn, Deliveries::NAME).await?;
    fill(txn, webhook, Range { from, to: None }).await?;
    Ok(())
}

/// A part of the feed: after one place, up to another one that has been settled, or all there is.
#[derive(Clone, Copy)]
struct Range {
    from: Position,
    to: Option<Position>,
}

/// Puts what a webhook, whose row is locked, is told of into its queue; answers how many events that are.
async fn fill(txn: &Txn, webhook: &Model, mut range: Range) -> Result<usize, Error> {
    let mut queued = 0;
    loop {
        let events = told(txn, webhook, range, BATCH).await?;
        let Some(last) = events.last() else {
            return Ok(queued);
        };
        range.from = last.position();
        queued += events.len();
        let rows = events
            .into_iter()
            .map(|event| delivery(txn, webhook, event));
        webhook_delivery::queue(txn, &webhook.id, rows.collect()).await?;
    }
}

/// The first events of a part of the feed that a webhook is told of.
async fn told(txn: &Txn, webhook: &Model, range: Range, most: u64) -> Result<Vec<Event>, Error> {
    let filter = match filter_of(webhook) {
        Ok(filter) => filter,
        Err(violation) => {
            // It could be read when it was written; nothing that is told of it can be right now.
            let (ecosystem, id) = (&webhook.ecosystem, &webhook.id);
            tracing::error!(%ecosystem, %id, ?violation, "the filter of a webhook cannot be read");
            return Ok(Vec::new());
        }
    };
    let from = range.from.max(webhook.told_after());
    let view = txn.within(scope(webhook));
    match range.to {
        Some(to) => event::between(&view, (from, to), filter.as_ref(), most).await,
        None => event::committed(&view, from, filter.as_ref(), most).await,
    }
}

/// The delivery of an event, to be tried at once.
pub(super) fn delivery(txn: &Txn, webhook: &Model, event: Event) -> Delivery {
    Delivery {
        ecosystem: txn.ecosystem().clone(),
        webhook: webhook.id.clone(),
        id: WebhookDeliveryId::generate(txn.now()),
        epoch: event.epoch,
        xid: event.xid,
        sequence: event.sequence,
        event_type: event.kind,
        resource: event.resource,
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
