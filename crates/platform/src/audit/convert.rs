//! Between the wire and the rows.

use trellis_api::platform::v1 as pb;
use trellis_api::platform::v1::verify_audit_response::Part;
use trellis_api::{Field, Fields, ecosystem_name, time};
use trellis_core::{Actor, InvalidActor, PageQuery, Violation};
use trellis_store::audit::entry::Model;

use super::note::{Checkpoint, Signer};
use super::verify::{Finding, Verdict};

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

/// What was verified so far.
pub(super) fn progress(verdict: &Verdict, tree_size: i64) -> pb::VerifyAuditResponse {
    let progress = pb::AuditProgress {
        entry_count: count(verdict.entries),
        tree_size,
    };
    pb::VerifyAuditResponse {
        part: Some(Part::Progress(progress)),
    }
}

/// What a verification found.
pub(super) fn verdict(verdict: Verdict) -> pb::VerifyAuditResponse {
    let Verdict {
        entries,
        blocks,
        unsealed,
        findings,
    } = verdict;
    let wire = |Finding { subject, what }| pb::AuditFinding { subject, what };
    let verdict = pb::AuditVerdict {
        entry_count: count(entries),
        block_count: count(blocks),
        unsealed_count: count(unsealed),
        findings: findings.into_iter().map(wire).collect(),
    };
    pb::VerifyAuditResponse {
        part: Some(Part::Verdict(verdict)),
    }
}

fn count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(super) fn get_checkpoint(
    request: pb::GetCheckpointRequest,
    _: &mut Fields,
) -> Option<Option<i64>> {
    Some(Some(request.tree_size).filter(|size| *size > 0))
}

/// Reads a request to verify, with what was kept of the trail of its ecosystem.
pub(super) fn verify(
    signer: &Signer,
) -> impl FnOnce(pb::VerifyAuditRequest, &mut Fields) -> Option<Option<Checkpoint>> {
    move |request, fields| {
        if request.checkpoint.is_empty() {
            return Some(None);
        }
        match signer.read(&fields.ecosystem()?, &request.checkpoint) {
            Ok(kept) => Some(Some(kept)),
            Err(unproven) => {
                fields.refuse("checkpoint", "checkpoint", unproven.to_string());
                None
            }
        }
    }
}

pub(super) fn erase(request: pb::ErasePersonalDataRequest, fields: &mut Fields) -> Option<Actor> {
    let read = Actor::try_new(&request.principal);
    let wrong = |wrong: InvalidActor| Violation::new("", "actor", wrong.to_string());
    fields.take("principal", read.map_err(wrong))
}

pub(super) fn list(request: pb::ListAuditEntriesRequest, fields: &mut Fields) -> Option<PageQuery> {
    fields.page(&request, FIELDS)
}
