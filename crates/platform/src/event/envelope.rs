//! An event as it is sent to other systems: CloudEvents 1.0 in JSON.

use serde_json::{Value, json};
use trellis_api::ecosystem_name;
use trellis_core::{EcosystemId, Timestamp};
use trellis_store::event::Model;

use super::convert::{TYPE_URL, is_told};
use super::sight;

/// The media type of the body.
pub const MEDIA_TYPE: &str = "application/cloudevents+json; charset=utf-8";

/// Who is told of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// The vendor, who is told everything.
    Vendor,
    /// A partner, who is told what it reads in the feed.
    Partner,
}

/// What is sent: the event's id, which a webhook has as its `webhook-id`, and the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The id.
    pub id: String,
    /// The body.
    pub body: Vec<u8>,
}

/// An event as somebody is told it.
#[must_use]
pub fn of(event: Model, reader: Reader) -> Letter {
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
        state_kind,
        state,
        changed_fields,
        trace_parent,
        trace_state,
        ..
    } = event;
    let mut body = around(&ecosystem, &id, &kind, time);
    body.insert("subject".into(), resource.into());
    if reader == Reader::Partner {
        if let Value::Object(fields) = &mut data {
            fields.retain(|field, _| is_told(field));
        }
    } else {
        body.insert("actor".into(), actor.as_str().into());
        let beside = [
            ("reasoncode", reason_code),
            ("note", note),
            ("traceparent", trace_parent),
            ("tracestate", trace_state),
        ];
        let told = |(name, text): (&str, Option<String>)| Some((name.into(), text?.into()));
        body.extend(beside.into_iter().filter_map(told));
        if let Some(resource) = resource_of(state_kind, state) {
            if data.is_null() {
                data = json!({});
            }
            if let Value::Object(fields) = &mut data {
                fields.insert("resource".into(), resource);
                let changed = changed_fields.unwrap_or_else(|| json!([]));
                fields.insert("changed_fields".into(), changed);
            }
        }
    }
    if !data.is_null() {
        body.insert("data".into(), data);
    }
    letter(id, body)
}

/// What the resource is after the change, as `google.protobuf.Any` is written in JSON.
fn resource_of(kind: Option<String>, state: Option<Vec<u8>>) -> Option<Value> {
    let kind = kind.filter(|kind| sight::is_told(kind))?;
    let mut resource = trellis_api::json::message(&kind, &state?)?;
    if let Value::Object(fields) = &mut resource {
        fields.insert("@type".into(), format!("{TYPE_URL}{kind}").into());
    }
    Some(resource)
}

/// What a webhook of this name is sent to test it.
pub(crate) fn test(ecosystem: &EcosystemId, name: String, id: String, time: Timestamp) -> Letter {
    let mut body = around(ecosystem, &id, "webhook.test", time);
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
