//! Between the wire and the rows.

use trellis_api::platform::v1 as pb;
use trellis_api::{Field, Fields, ecosystem_name};
use trellis_core::Position;
use trellis_store::event::Model;

use super::events::List;

/// What lists filter by. The order is the feed's own.
pub const FIELDS: &[Field] = &[
    Field::text("type"),
    Field::text("resource"),
    Field::text("actor"),
    Field::time("time"),
    Field::text("reason_code"),
];

/// The place before the first event.
const START: Position = Position {
    epoch: 0,
    xid: 0,
    sequence: 0,
};

/// What of an event's data a partner reads. Whatever else it says is for the vendor: who else has a
/// part in a deal, or where in a line somebody stands.
const TOLD: &[&str] = &[
    "accept_by_time",
    "account",
    "act_by_time",
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
    event
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
    } = event;
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
    }
}

pub(super) fn list(request: pb::ListEventsRequest, fields: &mut Fields) -> Option<List> {
    let after = match request.after_position.as_str() {
        "" => Some(START),
        text => match text.parse() {
            Ok(position) => Some(position),
            Err(_) => {
                fields.refuse(
                    "after_position",
                    "position",
                    "must be a position of this feed",
                );
                None
            }
        },
    };
    let query = fields.page(&request, FIELDS);
    Some(List {
        after: after?,
        query: query?,
    })
}

pub(super) fn get_position(_: pb::GetPositionRequest, _: &mut Fields) -> Option<()> {
    Some(())
}
