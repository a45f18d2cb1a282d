//! What partners do for the business of their registrations: logged and listed.

use serde_json::json;
use trellis_api::deal::v1 as pb;
use trellis_api::{Fields, date, name, numbered_name, time};
use trellis_core::lifecycle::Named;
use trellis_core::{Call, Date, Page, PageQuery, Problem, RegistrationId, Violation, Written};
use trellis_store::deal::registration::Entity;
use trellis_store::deal::registration_activity::{self as activity, Kind, Model};
use trellis_store::event::{self, NewEvent};
use trellis_store::program::program;
use trellis_store::{Store, record};

use super::lifecycle::{self, Verb};
use super::registrations::find;
use crate::{Error, absent};

/// Logs an activity.
#[derive(Clone, Debug)]
pub struct Log {
    /// For which registration.
    pub registration: RegistrationId,
    /// What was done.
    pub kind: Kind,
    /// On which day.
    pub date: Date,
    /// What came of it.
    pub note: String,
}

/// Asks for activities.
#[derive(Clone, Debug)]
pub struct Activities {
    /// Of which registration.
    pub registration: RegistrationId,
    /// Which page.
    pub query: PageQuery,
}

/// Logs what was done for the business of a registration.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ILLEGAL_TRANSITION`; `INVALID_FIELDS` when the day is in the future.
pub async fn log(
    store: &Store,
    call: Call,
    log: Log,
) -> Result<Written<pb::RegistrationActivity>, Error> {
    store
        .write(call, log, |txn, log| async move {
            let registration = record::lock::<Entity>(&txn, &log.registration).await?;
            let registration = registration.ok_or_else(|| absent(&txn, &log.registration))?;
            let registration = lifecycle::as_of(registration, txn.now());
            let resource = name(txn.ecosystem(), &registration.id);
            lifecycle::moved(registration.state, Verb::LogActivity, &resource)?;
            let program =
                record::find::<program::Entity>(&txn.whole(), &registration.program).await?;
            let program = program.ok_or_else(|| absent(&txn, &registration.program))?;
            if log.date > program.time_zone.local_date(txn.now()) {
                let future =
                    Violation::new("activity_date", "date.past", "must not be in the future");
                return Err(Problem::Invalid(vec![future]).into());
            }
            let activity = Model {
                ecosystem: txn.ecosystem().clone(),
                registration: registration.id,
                number: activity::next(&txn, &log.registration).await?,
                partner: registration.partner,
                kind: log.kind,
                activity_date: log.date,
                note: log.note,
                create_time: txn.now(),
            };
            activity::append(&txn, activity.clone()).await?;
            // What came of it may name people, and events are kept for ever.
            let data = json!({
                "registration": activity.registration,
                "partner": activity.partner,
                "number": activity.number,
                "kind": activity.kind.name(),
                "activity_date": activity.activity_date.to_string(),
            });
            event::append(
                &txn,
                NewEvent::new("registration.activity_logged", resource)
                    .for_partner(&activity.partner)
                    .with(data),
            );
            Ok(wire(activity))
        })
        .await
}

/// Lists what was done for the business of a registration, the latest first. A partner is told what it has
/// logged itself.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`; `INVALID_FIELDS` when the page token was made for another request.
pub async fn list(
    store: &Store,
    call: Call,
    activities: &Activities,
) -> Result<Page<pb::RegistrationActivity>, Error> {
    let view = store.read(&call).await?;
    let registration = find(&view, &activities.registration).await?;
    let partner = Some(&registration.partner).filter(|_| !view.scope().is_whole());
    let page = activity::page(&view, &registration.id, partner, &activities.query).await?;
    Ok(page.map(wire))
}

fn wire(activity: Model) -> pb::RegistrationActivity {
    let Model {
        ecosystem,
        registration,
        number,
        partner: _,
        kind,
        activity_date,
        note,
        create_time,
    } = activity;
    pb::RegistrationActivity {
        name: numbered_name(&ecosystem, &registration, "activities", number.into()),
        kind: wire_kind(kind).into(),
        activity_date: Some(date::wire(activity_date)),
        note,
        create_time: Some(time::wire(create_time)),
    }
}

fn wire_kind(kind: Kind) -> pb::registration_activity::Kind {
    match kind {
        Kind::Meeting => pb::registration_activity::Kind::Meeting,
        Kind::Call => pb::registration_activity::Kind::Call,
        Kind::Demonstration => pb::registration_activity::Kind::Demonstration,
        Kind::ProofOfConcept => pb::registration_activity::Kind::ProofOfConcept,
        Kind::Quote => pb::registration_activity::Kind::Quote,
        Kind::Other => pb::registration_activity::Kind::Other,
    }
}

/// Values that are none are refused by the contract's own rules.
fn kind(sent: i32) -> Option<Kind> {
    use pb::registration_activity::Kind as Wire;
    Some(match Wire::try_from(sent).ok()? {
        Wire::Unspecified => return None,
        Wire::Meeting => Kind::Meeting,
        Wire::Call => Kind::Call,
        Wire::Demonstration => Kind::Demonstration,
        Wire::ProofOfConcept => Kind::ProofOfConcept,
        Wire::Quote => Kind::Quote,
        Wire::Other => Kind::Other,
    })
}

pub(super) fn read_log(request: pb::LogActivityRequest, fields: &mut Fields) -> Option<Log> {
    let registration = fields.id("name", &request.name);
    let date = fields.optional_date("activity_date", request.activity_date);
    Some(Log {
        registration: registration?,
        kind: kind(request.kind)?,
        date: date??,
        note: request.note,
    })
}

pub(super) fn read_list(
    request: pb::ListActivitiesRequest,
    fields: &mut Fields,
) -> Option<Activities> {
    let registration = fields.id("parent", &request.parent);
    let query = fields.page(&request, &[]);
    Some(Activities {
        registration: registration?,
        query: query?,
    })
}
