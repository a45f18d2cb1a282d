//! The use cases of webhooks. Each that writes is one transaction.

use std::time::Duration;

use trellis_api::platform::v1 as pb;
use trellis_api::{Etag, filter, name};
use trellis_core::{
    Call, Filter, Page, PageQuery, PartnerId, Problem, Scope, Timestamp, Violation, WebhookId,
    Written,
};
use trellis_store::event::{self, NewEvent};
use trellis_store::partner::partner;
use trellis_store::platform::webhook::{self, Entity, Model, SigningKey};
use trellis_store::platform::webhook_delivery;
use trellis_store::{Store, Txn, View, record};

use super::convert::wire;
use super::{Lanes, signature, worker};
use crate::Error;
use crate::event::convert::FIELDS;
use crate::event::envelope::Reader;

/// How many webhooks the vendor may have in an ecosystem.
const OF_VENDOR_MAX: u64 = 50;

/// How many webhooks a partner may have.
const OF_PARTNER_MAX: u64 = 10;

/// What of the feed's fields only the staff filter by.
const OF_STAFF: [&str; 2] = ["actor", "reason_code"];

/// Makes a webhook.
#[derive(Clone, Debug)]
pub(super) struct Create {
    pub(super) id: Option<WebhookId>,
    pub(super) display_name: String,
    pub(super) url: String,
    pub(super) partner: Option<PartnerId>,
    pub(super) filter: Option<String>,
    pub(super) disabled: bool,
}

/// Changes to a webhook; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub(super) struct Edit {
    pub(super) display_name: Option<String>,
    pub(super) url: Option<String>,
    pub(super) filter: Option<Option<String>>,
    pub(super) disabled: Option<bool>,
}

/// Edits a webhook.
#[derive(Clone, Debug)]
pub(super) struct Update {
    pub(super) on: On,
    pub(super) mask: trellis_api::Mask,
    pub(super) edit: Edit,
}

/// Names a webhook at a version.
#[derive(Clone, Debug)]
pub(super) struct On {
    pub(super) id: WebhookId,
    pub(super) etag: Etag,
}

/// What of the feed a webhook is told at most.
pub(super) fn scope(webhook: &Model) -> Scope {
    match &webhook.partner {
        Some(partner) => Scope::of_partners(vec![partner.clone()]),
        None => Scope::whole(),
    }
}

/// As whom a webhook is told.
pub(super) fn reader(webhook: &Model) -> Reader {
    match &webhook.partner {
        Some(_) => Reader::Partner,
        None => Reader::Vendor,
    }
}

/// Which events of those a webhook is told.
///
/// # Errors
/// What is wrong with its filter.
pub(super) fn filter_of(webhook: &Model) -> Result<Option<Filter>, Violation> {
    let of_partner = webhook.partner.is_some();
    let table: Vec<_> = FIELDS
        .iter()
        .filter(|field| !(of_partner && OF_STAFF.contains(&field.name())))
        .copied()
        .collect();
    let text = webhook.filter.as_deref().unwrap_or_default();
    filter::read(text, &table, Some(&webhook.ecosystem))
}

/// Creates a webhook; answers it, and its secret unless the call was sent again.
///
/// # Errors
/// `INVALID_FIELDS`; `RESOURCE_NOT_FOUND` for the partner, `RESOURCE_EXISTS` for the id,
/// `TOO_MANY_WEBHOOKS`.
pub(super) async fn create(
    store: &Store,
    lanes: &Lanes,
    call: Call,
    create: Create,
) -> Result<(Written<pb::Webhook>, Option<String>), Error> {
    let (secret, seed) = (signature::generate(), signature::generate());
    let told = (secret.clone(), seed.clone(), call.validate_only);
    let sender = lanes.sender().clone();
    let real = store.clock_now();
    let written = store
        .write(
            call,
            (create, secret, seed),
            move |txn, (create, secret, seed)| {
                let sender = sender.clone();
                async move {
                    let mut webhook = fresh(&txn, create, secret, seed);
                    webhook.tell_after(event::head(&txn.whole()).await?);
                    valid(&sender, &webhook)?;
                    let resource = name(txn.ecosystem(), &webhook.id);
                    if let Some(of) = &webhook.partner {
                        let found = record::find::<partner::Entity>(&txn, of).await?;
                        found.ok_or_else(|| absent(&txn, of))?;
                    }
                    let webhook = record::insert::<Entity>(&txn, webhook).await.map_err(
                        |error| match error {
                            trellis_store::Error::Exists { field } => {
                                Problem::Exists { resource, field }.into()
                            }
                            other => Error::from(other),
                        },
                    )?;
                    limited(&txn, webhook.partner.as_ref()).await?;
                    event::append(&txn, self::told(&txn, &webhook, "webhook.created"));
                    Ok::<_, Error>(wire(webhook, real))
                }
            },
        )
        .await?;
    let told = told_once(&written, told);
    Ok((written, told))
}

/// The secret, unless nothing was written, or the answer is that of an earlier call: then another secret was
/// told.
fn told_once(
    written: &Written<pb::Webhook>,
    (secret, seed, tried): (SigningKey, SigningKey, bool),
) -> Option<String> {
    let fresh = signature::public_key(&seed).is_some_and(|key| key == written.value.public_key);
    (fresh && !tried).then(|| signature::secret(&secret))
}

fn fresh(txn: &Txn, create: Create, secret: SigningKey, seed: SigningKey) -> Model {
    let Create {
        id,
        display_name,
        url,
        partner,
        filter,
        disabled,
    } = create;
    Model {
        ecosystem: txn.ecosystem().clone(),
        id: id.unwrap_or_else(|| WebhookId::generate(txn.now())),
        display_name,
        url,
        partner,
        filter,
        disabled,
        disable_reason: None,
        told_epoch: 0,
        told_xid: 0,
        told_sequence: 0,
        secret,
        seed,
        previous_secret: None,
        previous_seed: None,
        previous_expire_time: None,
        failing_since_time: None,
        creator: txn.actor().clone(),
        version: 1,
        create_time: txn.now(),
        update_time: txn.now(),
    }
}

/// Checks where a webhook is, and that its filter can be read.
fn valid(sender: &super::sender::Sender, webhook: &Model) -> Result<(), Problem> {
    let target = sender.target(&webhook.url).err();
    let target = target.map(|why| Violation::new("webhook.url", "webhook.url", why.to_string()));
    let filter = filter_of(webhook).err().map(|violation| Violation {
        field: "webhook.filter".into(),
        ..violation
    });
    let violations: Vec<Violation> = target.into_iter().chain(filter).collect();
    if violations.is_empty() {
        Ok(())
    } else {
        Err(Problem::Invalid(violations))
    }
}

/// Holds the vendor, or a partner, to how many webhooks they may have.
async fn limited(txn: &Txn, of: Option<&PartnerId>) -> Result<(), Error> {
    webhook::lock_all_of(txn, of).await?;
    let limit = if of.is_some() {
        OF_PARTNER_MAX
    } else {
        OF_VENDOR_MAX
    };
    if webhook::count(txn, of).await? > limit {
        let resource = of.map_or_else(
            || trellis_api::ecosystem_name(txn.ecosystem()),
            |partner| name(txn.ecosystem(), partner),
        );
        return Err(Error::TooManyWebhooks { resource, limit });
    }
    Ok(())
}

/// What has become of a webhook, for its partner too.
pub(super) fn told(txn: &Txn, webhook: &Model, kind: &'static str) -> NewEvent {
    NewEvent::new(kind, name(txn.ecosystem(), &webhook.id)).for_partner(&webhook.partner)
}

/// Gets a webhook.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub(super) async fn get(store: &Store, call: Call, id: WebhookId) -> Result<pb::Webhook, Error> {
    let view = store.read(&call).await?;
    Ok(wire(find(&view, &id).await?, store.clock_now()))
}

/// Finds a webhook.
pub(super) async fn find(view: &View, id: &WebhookId) -> Result<Model, Error> {
    let webhook = record::find::<Entity>(view, id).await?;
    Ok(webhook.ok_or_else(|| absent(view, id))?)
}

/// Lists webhooks.
///
/// # Errors
/// `INVALID_FIELDS` when the page token was made for another request.
pub(super) async fn list(
    store: &Store,
    call: Call,
    query: &PageQuery,
) -> Result<Page<pb::Webhook>, Error> {
    let view = store.read(&call).await?;
    let now = store.clock_now();
    let page = record::page::<Entity>(&view, query).await?;
    Ok(page.map(|webhook| wire(webhook, now)))
}

/// Edits a webhook.
///
/// # Errors
/// `INVALID_FIELDS`, `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`.
pub(super) async fn update(
    store: &Store,
    lanes: &std::sync::Arc<Lanes>,
    call: Call,
    update: Update,
) -> Result<Written<pb::Webhook>, Error> {
    let ecosystem = call.ecosystem.clone();
    let sender = lanes.sender().clone();
    let real = store.clock_now();
    let written = store
        .write(call, update, move |txn, Update { on, mask, edit }| {
            let sender = sender.clone();
            async move {
                let mut webhook = lock(&txn, &on, real).await?;
                mask.unchanged(&wire(webhook.clone(), real))?;
                let was = webhook.clone();
                apply(&mut webhook, edit);
                valid(&sender, &webhook)?;
                tell(&txn, &was, &mut webhook).await?;
                let webhook = record::update::<Entity>(&txn, webhook).await?;
                event::append(&txn, told(&txn, &webhook, "webhook.updated"));
                Ok::<_, Error>(wire(webhook, real))
            }
        })
        .await?;
    lanes.wake(ecosystem);
    Ok(written)
}

/// Has a webhook that is edited told what it was to be told until now, and from now on what it is to be.
async fn tell(txn: &Txn, was: &Model, webhook: &mut Model) -> Result<(), Error> {
    match (was.disabled, webhook.disabled) {
        (false, disabled) if disabled || webhook.filter != was.filter => {
            worker::catch_up(txn, was).await?;
        }
        (true, false) => {
            // What cannot be read yet may happen after this.
            webhook.tell_after(event::head(&txn.whole()).await?);
            webhook_delivery::hurry(txn, &webhook.id).await?;
        }
        _ => {}
    }
    Ok(())
}

fn apply(webhook: &mut Model, edit: Edit) {
    let Edit {
        display_name,
        url,
        filter,
        disabled,
    } = edit;
    if let Some(display_name) = display_name {
        webhook.display_name = display_name;
    }
    if let Some(url) = url.filter(|url| *url != webhook.url) {
        webhook.url = url;
        webhook.failing_since_time = None;
    }
    if let Some(filter) = filter {
        webhook.filter = filter;
    }
    if let Some(disabled) = disabled {
        webhook.disabled = disabled;
        webhook.disable_reason = None;
        webhook.failing_since_time = webhook.failing_since_time.filter(|_| disabled);
    }
}

/// Deletes a webhook and all that is kept of it; answers it as it was.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`.
pub(super) async fn delete(
    store: &Store,
    call: Call,
    on: On,
) -> Result<Written<pb::Webhook>, Error> {
    let real = store.clock_now();
    let written = store.write(call, on, move |txn, on| async move {
        let webhook = lock(&txn, &on, real).await?;
        webhook_delivery::forget_all(&txn, &webhook.id).await?;
        webhook::remove(&txn, &webhook.id).await?;
        event::append(&txn, told(&txn, &webhook, "webhook.deleted"));
        Ok::<_, Error>(wire(webhook, real))
    });
    written.await
}

/// Gives a webhook new keys; answers the new secret unless the call was sent again.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`.
pub(super) async fn rotate(
    store: &Store,
    call: Call,
    on: On,
    overlap: Duration,
) -> Result<(Written<pb::Webhook>, Option<String>), Error> {
    let (secret, seed) = (signature::generate(), signature::generate());
    let told = (secret.clone(), seed.clone(), call.validate_only);
    let real = store.clock_now();
    let written = store
        .write(
            call,
            (on, secret, seed),
            move |txn, (on, secret, seed)| async move {
                let mut webhook = lock(&txn, &on, real).await?;
                rotated(&mut webhook, secret, seed, real, overlap);
                let webhook = record::update::<Entity>(&txn, webhook).await?;
                event::append(&txn, self::told(&txn, &webhook, "webhook.secret_rotated"));
                Ok::<_, Error>(wire(webhook, real))
            },
        )
        .await?;
    let told = told_once(&written, told);
    Ok((written, told))
}

fn rotated(
    webhook: &mut Model,
    secret: SigningKey,
    seed: SigningKey,
    now: Timestamp,
    overlap: Duration,
) {
    let overlaps = !overlap.is_zero();
    let before = std::mem::replace(&mut webhook.secret, secret);
    webhook.previous_secret = overlaps.then_some(before);
    let before = std::mem::replace(&mut webhook.seed, seed);
    webhook.previous_seed = overlaps.then_some(before);
    webhook.previous_expire_time = overlaps.then(|| now.saturating_add(overlap));
}

/// A webhook that nobody else changes until the transaction ends, nor what waits for it.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub(super) async fn held(txn: &Txn, id: &WebhookId) -> Result<Model, Error> {
    let webhook = record::lock::<Entity>(txn, id).await?;
    Ok(webhook.ok_or_else(|| absent(txn, id))?)
}

async fn lock(txn: &Txn, on: &On, now: Timestamp) -> Result<Model, Error> {
    let webhook = held(txn, &on.id).await?;
    on.etag
        .check(webhook.version, &name(txn.ecosystem(), &on.id))?;
    event::was(txn, wire(webhook.clone(), now));
    Ok(webhook)
}

fn absent<I: trellis_api::name::Collection>(view: &View, id: &I) -> Problem {
    Problem::NotFound {
        resource: name(view.ecosystem(), id),
    }
}
