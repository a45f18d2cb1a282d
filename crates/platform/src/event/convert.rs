//! Between the wire and the rows.

use std::time::Duration;

use prost_types::Any;
use serde_json::Value as Json;
use trellis_api::platform::v1 as pb;
use trellis_api::platform::v1::watch_events_request::Start;
use trellis_api::{Field, Fields, duration, ecosystem_name};
use trellis_core::Position;
use trellis_store::event::{Begin, Model};

use super::events::List;
use super::snapshot::{self, Kind, Resources};
use super::watching::Asked;

/// What lists filter by. The order is the feed's own.
pub const FIELDS: &[Field] = &[
    Field::text("type"),
    Field::text("resource"),
    Field::text("actor"),
    Field::time("time"),
    Field::text("reason_code"),
];

/// After how long there is a heartbeat when nothing is asked.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// What of an event's data a partner reads. Whatever else it says is for the vendor: who else has a
/// part in a deal, or where in a line somebody stands.
const TOLD: &[&str] = &[
    "accept_by_time",
    "account",
    "act_by_time",
    "adjusted_minor",
    "amount_minor",
    "approved_minor",
    "churn_date",
    "close_date",
    "currency",
    "currency_code",
    "deal",
    "deal_type",
    "delta_minor",
    "entitled_minor",
    "from",
    "held_minor",
    "invoice_date",
    "invoiced_minor",
    "lead",
    "lines",
    "not_paid_reason",
    "partner",
    "products",
    "program",
    "protection_end_time",
    "refund_date",
    "refunded_minor",
    "registration",
    "rejected_minor",
    "released_minor",
    "scope",
    "stage",
    "state",
    "territory",
    "tier",
    "to",
    "won_time",
];

/// An event as a partner reads it.
#[must_use]
pub fn told(mut event: pb::Event) -> pb::Event {
    if let Some(data) = &mut event.data {
        data.fields.retain(|field, _| is_told(field));
    }
    pb::Event {
        state: None,
        changed_fields: Vec::new(),
        trace_parent: String::new(),
        trace_state: String::new(),
        ..event
    }
}

/// Whether a partner reads a field of an event's data.
pub(crate) fn is_told(field: &str) -> bool {
    TOLD.contains(&field)
}

/// An event on the wire.
#[must_use]
pub fn wire(event: Model) -> pb::Event {
    let position = event.position().to_string();
    let Model {
        ecosystem,
        epoch: _,
        xid: _,
        sequence: _,
        kind,
        resource,
        actor,
        time,
        reason_code,
        note,
        data,
        partner: _,
        state_kind,
        state,
        changed_fields,
        trace_parent,
        trace_state,
    } = event;
    let changed_fields = state.as_ref().and(changed_fields).map(names);
    let state = state_kind.zip(state).map(|(kind, value)| Any {
        type_url: format!("{TYPE_URL}{kind}"),
        value,
    });
    pb::Event {
        name: format!("{}/events/{position}", ecosystem_name(&ecosystem)),
        position,
        r#type: kind,
        resource,
        actor: actor.to_string(),
        time: Some(trellis_api::time::wire(time)),
        reason_code: reason_code.unwrap_or_default(),
        note: note.unwrap_or_default(),
        data: trellis_api::json::object(data),
        state,
        changed_fields: changed_fields.unwrap_or_default(),
        trace_parent: trace_parent.unwrap_or_default(),
        trace_state: trace_state.unwrap_or_default(),
    }
}

/// How what says of an `Any` what it holds begins.
pub(super) const TYPE_URL: &str = "type.googleapis.com/";

/// The names in a list.
fn names(list: Json) -> Vec<String> {
    serde_json::from_value(list).unwrap_or_default()
}

/// A position that was told before.
fn position(fields: &mut Fields, text: &str) -> Option<Position> {
    let read = text.parse().ok();
    if read.is_none() {
        let description = "must be a position of this feed";
        fields.refuse("after_position", "position", description);
    }
    read
}

pub(super) fn list(request: pb::ListEventsRequest, fields: &mut Fields) -> Option<List> {
    let after = match request.after_position.as_str() {
        "" => Some(None),
        text => position(fields, text).map(Some),
    };
    let query = fields.page(&request, FIELDS);
    Some(List {
        after: after?,
        query: query?,
    })
}

pub(super) fn watch(request: pb::WatchEventsRequest, fields: &mut Fields) -> Option<Asked> {
    let begin = match (request.after_position.as_str(), request.start()) {
        // Whatever a snapshot misses has happened after where the feed stands before it.
        ("", Start::Now | Start::Snapshot) => Some(Begin::Now),
        ("", Start::First) => Some(Begin::First),
        (text, Start::Unspecified) if !text.is_empty() => position(fields, text).map(Begin::After),
        (text, _) => {
            let (field, rule) = match text.is_empty() {
                true => ("start", "required"),
                false => ("start", "either"),
            };
            fields.refuse(field, rule, "give either after_position or start");
            None
        }
    };
    // What lists are filtered by, as far as it is shown to the caller.
    let shown = fields.shown::<pb::ListEventsRequest>(FIELDS);
    let filter = fields.filter("filter", &request.filter, &shown);
    let heartbeat = match &request.heartbeat_interval {
        Some(interval) => fields.take("heartbeat_interval", duration::read(interval)),
        None => Some(HEARTBEAT),
    };
    let resources = resources(fields, &request);
    Some(Asked {
        begin: begin?,
        resources: resources?,
        filter: filter?,
        heartbeat: heartbeat?,
    })
}

/// Which resources are told before the events.
fn resources(fields: &mut Fields, request: &pb::WatchEventsRequest) -> Option<Resources> {
    let asked = &request.resource_types;
    if request.start() != Start::Snapshot {
        if !asked.is_empty() {
            let description = "are told with START_SNAPSHOT only; leave them out";
            fields.refuse("resource_types", "snapshot", description);
            return None;
        }
        return Some(Resources::None);
    }
    if asked.is_empty() {
        return Some(Resources::All);
    }
    let read = asked.iter().enumerate().map(|(index, name)| {
        let kind = snapshot::named(name);
        if kind.is_none() {
            let description = format!("must be one of {}", snapshot::names());
            fields.refuse(format!("resource_types[{index}]"), "type", description);
        }
        kind
    });
    // All are read before the first that is unknown ends it.
    let read: Vec<Option<&Kind>> = read.collect();
    read.into_iter().collect::<Option<_>>().map(Resources::Of)
}

/// That an event has happened.
pub(super) fn told_of(event: pb::Event) -> pb::WatchEventsResponse {
    pb::WatchEventsResponse {
        position: event.position.clone(),
        event: Some(event),
        ..pb::WatchEventsResponse::default()
    }
}

/// That there is a resource.
pub(super) fn there_is(resource: Any) -> pb::WatchEventsResponse {
    pb::WatchEventsResponse {
        resource: Some(resource),
        ..pb::WatchEventsResponse::default()
    }
}

/// That every resource has been told, and from where on events follow.
pub(super) fn complete(position: Position) -> pb::WatchEventsResponse {
    pb::WatchEventsResponse {
        snapshot_complete: true,
        ..heartbeat(position)
    }
}

/// That everything has been told up to a position.
pub(super) fn heartbeat(position: Position) -> pb::WatchEventsResponse {
    pb::WatchEventsResponse {
        position: position.to_string(),
        ..pb::WatchEventsResponse::default()
    }
}

/// That there is more to tell of a snapshot, which has no position yet.
pub(super) fn pulse() -> pb::WatchEventsResponse {
    pb::WatchEventsResponse::default()
}

pub(super) fn get_position(_: pb::GetPositionRequest, _: &mut Fields) -> Option<()> {
    Some(())
}
