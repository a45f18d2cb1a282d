//! The use cases of what is sent to webhooks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use trellis_api::platform::v1 as pb;
use trellis_core::{Call, Page, PageQuery, Position, Problem, WebhookId, Written};
use trellis_store::platform::webhook_delivery;
use trellis_store::{Store, event};

use super::convert::{wire_attempt, wire_delivery};
use super::sender::LONGEST;
use super::webhooks::{find, held, scope};
use super::{Lanes, outcome, signature, worker};
use crate::Error;
use crate::event::envelope;

/// How many tests are under way at a time, so that nobody makes the server knock at others' doors.
static TESTS: Semaphore = Semaphore::const_new(4);

/// How much of a call's time is kept to say that there was no answer.
const SAY_SO: Duration = Duration::from_millis(500);

/// Lists what a webhook was sent.
#[derive(Clone, Debug)]
pub(super) struct List {
    pub(super) webhook: WebhookId,
    pub(super) query: PageQuery,
}

/// Sends an event.
#[derive(Clone, Debug)]
pub(super) struct Redeliver {
    pub(super) webhook: WebhookId,
    pub(super) event: Position,
    /// Its name.
    pub(super) name: String,
}

/// Lists deliveries.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`; `INVALID_FIELDS` when the page token was made for another request.
pub(super) async fn list(
    store: &Store,
    call: Call,
    List { webhook, query }: &List,
) -> Result<Page<pb::WebhookDelivery>, Error> {
    let view = store.read(&call).await?;
    find(&view, webhook).await?;
    let page = webhook_delivery::page(&view, webhook, query).await?;
    Ok(page.map(wire_delivery))
}

/// Has an event sent, once more or for the first time.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`; `PRECONDITION` while the webhook is disabled.
pub(super) async fn redeliver(
    store: &Store,
    lanes: &Arc<Lanes>,
    call: Call,
    command: Redeliver,
) -> Result<Written<pb::WebhookDelivery>, Error> {
    let ecosystem = call.ecosystem.clone();
    let written = store
        .write(
            call,
            command,
            |txn,
             Redeliver {
                 webhook,
                 event,
                 name,
             }| async move {
                let webhook = held(&txn, &webhook).await?;
                if webhook.disabled {
                    return Err(Problem::Precondition {
                        resource: trellis_api::name(txn.ecosystem(), &webhook.id),
                        requires: "enable the webhook first: it is disabled".to_owned(),
                    }
                    .into());
                }
                let view = txn.within(scope(&webhook));
                let Some(event) = event::find(&view, event).await? else {
                    event::is_kept(&txn, event).await?;
                    return Err(Problem::NotFound { resource: name }.into());
                };
                let before =
                    webhook_delivery::of_event(&txn, &webhook.id, event.position()).await?;
                let delivery = match before {
                    Some(before) => webhook_delivery::again(&txn, before).await?,
                    None => {
                        let fresh = worker::delivery(&txn, &webhook, event);
                        webhook_delivery::queue(&txn, &webhook.id, vec![fresh.clone()]).await?;
                        fresh
                    }
                };
                Ok::<_, Error>(wire_delivery(delivery))
            },
        )
        .await?;
    lanes.wake(ecosystem);
    Ok(written)
}

/// Sends a webhook a test, and answers what came of it.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub(super) async fn test(
    store: &Store,
    lanes: &Lanes,
    call: Call,
    id: WebhookId,
) -> Result<pb::TestWebhookResponse, Error> {
    let view = store.read(&call).await?;
    let webhook = find(&view, &id).await?;
    // It is closed by nobody.
    let _turn = TESTS.acquire().await;
    let left = call.deadline.map_or(LONGEST, |deadline| {
        let left = deadline.saturating_duration_since(Instant::now());
        left.saturating_sub(SAY_SO)
    });
    let now = store.clock_now();
    let letter = envelope::test(
        &webhook.ecosystem,
        trellis_api::name(&webhook.ecosystem, &webhook.id),
        format!("test-{}", uuid::Uuid::new_v4()),
        view.now(),
    );
    let signature = signature::header(&webhook, now, &letter.id, &letter.body);
    let signed = (signature::seconds(now), signature);
    let sent = lanes
        .sender()
        .send(&webhook.url, letter, signed, left)
        .await;
    Ok(pb::TestWebhookResponse {
        delivered: sent.is_taken(),
        attempt: Some(wire_attempt(outcome::attempt(&sent, view.now()))),
    })
}
