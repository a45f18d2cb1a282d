//! An event as it is sent: CloudEvents 1.0 in JSON.

use serde_json::{Value, json};
use trellis_api::ecosystem_name;
use trellis_core::{EcosystemId, Timestamp};
use trellis_store::event::Model;
use trellis_store::platform::webhook;

use crate::event::convert::is_told;

/// The media type of the body.
pub(super) const MEDIA_TYPE: &str = "application/cloudevents+json; charset=utf-8";

/// What a request says: its `webhook-id`, and its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Letter {
    pub(super) id: String,
    pub(super) body: Vec<u8>,
}

/// An event as a webhook is told it. Of a partner's it has what the partner reads in the feed.
pub(super) fn of(event: Model, webhook: &webhook::Model) -> Letter {
    let id = event.position().to_string();
    let Model {
        ecosystem,
        kind,
        resource,
        actor,
        time,
        reason_code,
        note,
        mut data,
        ..
    } = event;
    let mut body = around(&ecosystem, &id, &kind, time);
    body.insert("subject".into(), resource.into());
    if webhook.partner.is_some() {
        if let Value::Object(fields) = &mut data {
            fields.retain(|field, _| is_told(field));
        }
    } else {
        body.insert("actor".into(), actor.as_str().into());
        let why = [("reasoncode", reason_code), ("note", note)];
        body.extend(
            why.into_iter()
                .filter_map(|(name, text)| Some((name.into(), text?.into()))),
        );
    }
    if !data.is_null() {
        body.insert("data".into(), data);
    }
    letter(id, body)
}

/// What a webhook is sent to test it.
pub(super) fn test(webhook: &webhook::Model, id: String, time: Timestamp) -> Letter {
    let mut body = around(&webhook.ecosystem, &id, "webhook.test", time);
    let name = trellis_api::name(&webhook.ecosystem, &webhook.id);
    body.insert("subject".into(), name.into());
    letter(id, body)
}

fn around(
    ecosystem: &EcosystemId,
    id: &str,
    kind: &str,
    time: Timestamp,
) -> serde_json::Map<String, Value> {
    let body = json!({
        "specversion": "1.0",
        "id": id,
        "source": ecosystem_name(ecosystem),
        "type": kind,
        "time": time.to_string(),
        "datacontenttype": "application/json",
    });
    match body {
        Value::Object(fields) => fields,
        _ => serde_json::Map::new(),
    }
}

fn letter(id: String, body: serde_json::Map<String, Value>) -> Letter {
    Letter {
        id,
        body: Value::Object(body).to_string().into_bytes(),
    }
}
