//! Between the wire and the rows.

use trellis_api::platform::v1 as pb;
use trellis_api::{Field, Fields, ecosystem_name, time};
use trellis_core::{Actor, PageQuery};
use trellis_store::audit::entry::Model;

/// What lists filter by. The order is the trail's own.
const FIELDS: &[Field] = &[
    Field::time("time"),
    Field::text("principal"),
    Field::text("person"),
    Field::text("method"),
    Field::text("resource"),
    Field::text("code"),
    Field::text("reason"),
    Field::text("call_id"),
];

/// An entry on the wire.
pub(super) fn wire(entry: Model) -> pb::AuditEntry {
    let place = entry.place();
    let Model {
        ecosystem,
        epoch: _,
        xid: _,
        sequence: _,
        time: at,
        method,
        resource,
        code,
        reason,
        call_id,
        request_id,
        position,
        principal,
        person,
        salt,
        personal_hash,
    } = entry;
    let name = |actor: Option<Actor>| actor.map(String::from).unwrap_or_default();
    pb::AuditEntry {
        name: format!("{}/auditEntries/{place}", ecosystem_name(&ecosystem)),
        time: Some(time::wire(at)),
        principal: name(principal),
        person: name(person),
        method,
        resource,
        code,
        reason: reason.unwrap_or_default(),
        call_id: call_id.unwrap_or_default(),
        request_id: request_id.map(|id| id.to_string()).unwrap_or_default(),
        position: position.unwrap_or_default(),
        salt: salt.unwrap_or_default(),
        personal_hash,
    }
}

pub(super) fn list(request: pb::ListAuditEntriesRequest, fields: &mut Fields) -> Option<PageQuery> {
    fields.page(&request, FIELDS)
}
