//! Between the wire and the rows.

use std::time::Duration;

use trellis_api::platform::v1 as pb;
use trellis_api::{Etag, Field, Fields, child_name, duration, ecosystem_name, name, time};
use trellis_core::{PageQuery, PartnerId, Position, Timestamp, WebhookId};
use trellis_store::platform::webhook::{DisableReason, Model};
use trellis_store::platform::webhook_delivery::{self, Attempt, State};

use super::deliveries::{List, Redeliver};
use super::signature;
use super::webhooks::{Create, Edit, On, Update};

/// What lists of webhooks filter and order by.
const FIELDS: &[Field] = &[
    Field::text("display_name").sortable(),
    Field::id::<PartnerId>("partner"),
    Field::boolean("disabled"),
    Field::time("create_time").sortable(),
    Field::time("update_time").sortable(),
];

/// What lists of deliveries filter and order by.
const DELIVERY_FIELDS: &[Field] = &[
    Field::state("state", "STATE", &["PENDING", "DELIVERED", "FAILED"]),
    Field::text("event_type"),
    Field::text("resource"),
    Field::time("create_time").sortable(),
    Field::time("update_time").sortable(),
];

/// The fields that an update may change.
const MUTABLE: &[&str] = &["display_name", "url", "filter", "disabled"];

/// A webhook on the wire; `now` is the deployment's time.
pub(super) fn wire(webhook: Model, now: Timestamp) -> pb::Webhook {
    let public_key = signature::public_key(&webhook.seed);
    let Model {
        ecosystem,
        id,
        display_name,
        url,
        partner,
        filter,
        disabled,
        disable_reason,
        told_epoch: _,
        told_xid: _,
        told_sequence: _,
        secret: _,
        seed: _,
        previous_secret: _,
        previous_seed: _,
        previous_expire_time,
        failing_since_time,
        creator,
        version,
        create_time,
        update_time,
    } = webhook;
    let previous = previous_expire_time.filter(|end| now < *end);
    pb::Webhook {
        name: name(&ecosystem, &id),
        display_name,
        url,
        partner: partner.map(|id| name(&ecosystem, &id)).unwrap_or_default(),
        filter: filter.unwrap_or_default(),
        disabled,
        disable_reason: disable_reason.map(wire_reason).unwrap_or_default().into(),
        public_key: public_key.unwrap_or_default(),
        previous_secret_expire_time: previous.map(time::wire),
        failing_since_time: failing_since_time.map(time::wire),
        create_time: Some(time::wire(create_time)),
        update_time: Some(time::wire(update_time)),
        creator: creator.into(),
        etag: Etag::of(version).to_string(),
    }
}

fn wire_reason(reason: DisableReason) -> pb::webhook::DisableReason {
    match reason {
        DisableReason::Failing => pb::webhook::DisableReason::Failing,
        DisableReason::Gone => pb::webhook::DisableReason::Gone,
    }
}

/// A delivery on the wire.
pub(super) fn wire_delivery(delivery: webhook_delivery::Model) -> pb::WebhookDelivery {
    let position = delivery.position();
    let webhook_delivery::Model {
        ecosystem,
        webhook,
        id,
        epoch: _,
        xid: _,
        sequence: _,
        event_type,
        resource,
        state,
        attempts,
        attempt_count: _,
        next_attempt_time,
        lease_expire_time: _,
        create_time,
        update_time,
        head: _,
    } = delivery;
    pb::WebhookDelivery {
        name: child_name(&ecosystem, &webhook, &id),
        event: format!("{}/events/{position}", ecosystem_name(&ecosystem)),
        event_type,
        resource,
        state: wire_state(state).into(),
        attempts: attempts.0.into_iter().map(wire_attempt).collect(),
        next_attempt_time: next_attempt_time.map(time::wire),
        create_time: Some(time::wire(create_time)),
        update_time: Some(time::wire(update_time)),
    }
}

fn wire_state(state: State) -> pb::webhook_delivery::State {
    match state {
        State::Pending => pb::webhook_delivery::State::Pending,
        State::Delivered => pb::webhook_delivery::State::Delivered,
        State::Failed => pb::webhook_delivery::State::Failed,
    }
}

/// An attempt on the wire.
pub(super) fn wire_attempt(attempt: Attempt) -> pb::DeliveryAttempt {
    pb::DeliveryAttempt {
        time: Some(time::wire(Timestamp::from_micros(attempt.time))),
        status_code: attempt.status_code.unwrap_or_default().into(),
        error: attempt.error.unwrap_or_default(),
        latency: Some(duration::wire(Duration::from_millis(attempt.latency_ms))),
    }
}

pub(super) fn create(request: pb::CreateWebhookRequest, fields: &mut Fields) -> Option<Create> {
    let id = fields.new_id::<WebhookId>("webhook_id", &request.webhook_id);
    let sent = request.webhook?;
    let partner = fields.optional_id("webhook.partner", &sent.partner);
    Some(Create {
        id: id?,
        display_name: sent.display_name,
        url: sent.url,
        partner: partner?,
        filter: some(sent.filter),
        disabled: sent.disabled,
    })
}

/// A text, unless it is empty.
fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

pub(super) fn get(request: pb::GetWebhookRequest, fields: &mut Fields) -> Option<WebhookId> {
    fields.id("name", &request.name)
}

pub(super) fn list(request: pb::ListWebhooksRequest, fields: &mut Fields) -> Option<PageQuery> {
    fields.page(&request, FIELDS)
}

pub(super) fn update(request: pb::UpdateWebhookRequest, fields: &mut Fields) -> Option<Update> {
    let sent = fields.required("webhook", request.webhook)?;
    let mask = fields.mask("webhook", &sent, request.update_mask, MUTABLE);
    let id = fields.id("webhook.name", &sent.name);
    let etag = fields.etag("webhook.etag", &sent.etag);
    let mask = mask?;
    let edit = Edit {
        display_name: mask.keep("display_name", Some(sent.display_name)),
        url: mask.keep("url", Some(sent.url)),
        filter: mask.keep("filter", Some(some(sent.filter))),
        disabled: mask.keep("disabled", Some(sent.disabled)),
    };
    Some(Update {
        on: On {
            id: id?,
            etag: etag?,
        },
        mask,
        edit,
    })
}

pub(super) fn delete(request: pb::DeleteWebhookRequest, fields: &mut Fields) -> Option<On> {
    on(fields, &request.name, &request.etag)
}

fn on(fields: &mut Fields, name: &str, etag: &str) -> Option<On> {
    let id = fields.id("name", name);
    let etag = fields.etag("etag", etag);
    Some(On {
        id: id?,
        etag: etag?,
    })
}

pub(super) fn rotate(
    request: pb::RotateWebhookSecretRequest,
    fields: &mut Fields,
) -> Option<(On, Duration)> {
    let on = on(fields, &request.name, &request.etag);
    let overlap = fields.optional_duration("overlap", request.overlap);
    Some((on?, overlap?.unwrap_or_default()))
}

pub(super) fn test(request: pb::TestWebhookRequest, fields: &mut Fields) -> Option<WebhookId> {
    fields.id("name", &request.name)
}

pub(super) fn list_deliveries(
    request: pb::ListDeliveriesRequest,
    fields: &mut Fields,
) -> Option<List> {
    let webhook = fields.id("parent", &request.parent);
    let query = fields.page(&request, DELIVERY_FIELDS);
    Some(List {
        webhook: webhook?,
        query: query?,
    })
}

pub(super) fn redeliver(
    request: pb::RedeliverEventRequest,
    fields: &mut Fields,
) -> Option<Redeliver> {
    let webhook = fields.id("name", &request.name);
    let ecosystem = fields.ecosystem();
    let event = ecosystem.as_ref().and_then(|ecosystem| {
        let prefix = format!("{}/events/", ecosystem_name(ecosystem));
        request
            .event
            .strip_prefix(&prefix)?
            .parse::<Position>()
            .ok()
    });
    if event.is_none() {
        let ecosystem = ecosystem.map_or_else(String::new, |ecosystem| ecosystem.to_string());
        let form =
            format!("must be the name of an event: ecosystems/{ecosystem}/events/{{position}}");
        fields.refuse("event", "name", form);
    }
    Some(Redeliver {
        webhook: webhook?,
        event: event?,
        name: request.event,
    })
}
