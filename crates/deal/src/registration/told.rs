//! What the events of registrations say, and to whom.

use serde_json::{Value, json};
use trellis_api::name;
use trellis_core::RegistrationId;
use trellis_core::lifecycle::Named;
use trellis_store::Txn;
use trellis_store::deal::registration::Model;
use trellis_store::event::{self, NewEvent};
use trellis_store::program::program::ConflictDisclosure;

/// Whether the partner of a registration may read an event of this kind under a program that tells
/// so much. That nothing stands in the way, or nothing any more, tells of others as well.
fn is_for_partner(kind: &str, disclosure: ConflictDisclosure) -> bool {
    match kind {
        "registration.approved" | "registration.rejected" | "registration.protection_ended" => true,
        "registration.waitlisted" => disclosure == ConflictDisclosure::State,
        _ => false,
    }
}

/// Reports what a decision made of a registration.
pub(super) fn report(
    txn: &Txn,
    kind: &'static str,
    registration: &Model,
    note: &str,
    disclosure: ConflictDisclosure,
) {
    let partner = is_for_partner(kind, disclosure).then_some(&registration.partner);
    let mut event = NewEvent::new(kind, name(txn.ecosystem(), &registration.id))
        .noting(note)
        .for_partner(partner)
        .with(told(registration));
    if let Some(decision) = &registration.decision {
        event = event.because(decision.reason_code.as_str());
    }
    event::append(txn, event);
}

/// Tells the staff that others of the group of a granted registration's customer are protected too,
/// each for its own account.
pub(super) fn report_neighbours(txn: &Txn, registration: &Model, neighbours: &[RegistrationId]) {
    if neighbours.is_empty() {
        return;
    }
    let resource = name(txn.ecosystem(), &registration.id);
    let neighbours: Vec<&str> = neighbours.iter().map(|one| one.as_str()).collect();
    let data = saying(
        told_of_claim(registration),
        [("neighbours", neighbours.into())],
    );
    event::append(
        txn,
        NewEvent::new("registration.group_protected", resource).with(data),
    );
}

/// What an event says, and more, or something else.
pub(super) fn saying<const N: usize>(mut data: Value, more: [(&str, Value); N]) -> Value {
    if let Value::Object(data) = &mut data {
        data.extend(more.map(|(field, value)| (field.to_owned(), value)));
    }
    data
}

/// What an event says of a registration whose partner must not learn from it where it stands.
pub(super) fn told_of_claim(registration: &Model) -> serde_json::Value {
    json!({
        "registration": registration.id,
        "partner": registration.partner,
        "program": registration.program,
        "account": registration.account,
        "products": registration.products,
    })
}

/// What the other events of a registration say.
pub(super) fn told(registration: &Model) -> serde_json::Value {
    json!({
        "registration": registration.id,
        "partner": registration.partner,
        "program": registration.program,
        "account": registration.account,
        "products": registration.products,
        "state": registration.state.name(),
        "waitlist_position": registration.waitlist_position,
        "protection_end_time": registration.protection_end_time,
        "deal": registration.deal,
    })
}
