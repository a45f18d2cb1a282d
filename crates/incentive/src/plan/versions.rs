//! The use cases of plan versions. Each that writes is one transaction.

use serde_json::json;
use trellis_api::incentive::v1 as pb;
use trellis_api::{Etag, child_name, name, numbered_name};
use trellis_core::lifecycle::Named;
use trellis_core::{Call, Date, Page, PageQuery, PlanId, Problem, TimeZone, Violation, Written};
use trellis_store::event::{self, NewEvent};
use trellis_store::incentive::plan;
use trellis_store::incentive::plan_version::{self, CatchUp, Model, State};
use trellis_store::incentive::terms::{Kind, Sharing};
use trellis_store::program::{program, tier};
use trellis_store::{Store, Txn, View};

use super::convert::wire_version;
use super::days::{left, taken, whole_periods};
use super::edit::{Edit, apply, broken, draft};
use super::lifecycle::{self, Verb};
use super::{plans, reading};
use crate::Error;

/// Makes a version of a plan.
#[derive(Clone, Debug)]
pub(crate) struct Create {
    /// The plan.
    pub(crate) plan: PlanId,
    /// Its fields, all of them set.
    pub(crate) edit: Edit,
}

/// The name of a version.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    /// The plan.
    pub(crate) plan: PlanId,
    /// Its number.
    pub(crate) number: i32,
}

/// Edits a draft.
#[derive(Clone, Debug)]
pub(crate) struct Update {
    /// Which one.
    pub(crate) key: Key,
    /// The version that the caller read.
    pub(crate) etag: Etag,
    /// What to change.
    pub(crate) edit: Edit,
}

/// Schedules a draft.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    /// Which one.
    pub(crate) key: Key,
    /// The version that the caller read.
    pub(crate) etag: Etag,
    /// The first of its days on which another version holds, if it takes days.
    pub(crate) supersede_from: Option<Date>,
    /// Why, in a sentence.
    pub(crate) note: String,
}

/// Retires a version.
#[derive(Clone, Debug)]
pub(crate) struct Retire {
    /// Which one.
    pub(crate) key: Key,
    /// The version that the caller read.
    pub(crate) etag: Etag,
    /// The first day on which it no longer holds.
    pub(crate) date: Date,
    /// Why, in a sentence.
    pub(crate) note: String,
}

/// Creates a draft with the next number.
///
/// # Errors
/// `INVALID_FIELDS`; `RESOURCE_NOT_FOUND` when there is no such plan, or a tier does not exist.
pub(crate) async fn create(
    store: &Store,
    call: Call,
    create: Create,
) -> Result<Written<pb::PlanVersion>, Error> {
    store
        .write(call, create, |txn, Create { plan, edit }| async move {
            // Numbers are given one after the other.
            let plan = plans::lock(&txn, &plan).await?;
            let number = plan_version::newest_number(&txn, &plan.id).await? + 1;
            let version = draft(&plan, number, &edit, txn.now()).ok_or_else(incomplete)?;
            check(&txn, &plan, &version, &edit, None).await?;
            let version = plan_version::insert(&txn, version).await?;
            event::append(
                &txn,
                NewEvent::new("plan_version.created", resource(&txn, &version)),
            );
            Ok(wire_version(version))
        })
        .await
}

/// A new version says everything: what the contract's rules have checked.
fn incomplete() -> Problem {
    let violation = Violation::new("plan_version", "required", "misses a required field");
    Problem::Invalid(vec![violation])
}

/// Gets a version.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub(crate) async fn get(store: &Store, call: Call, key: Key) -> Result<pb::PlanVersion, Error> {
    let view = store.read(&call).await?;
    let version = plan_version::find(&view, &key.plan, key.number).await?;
    let version = version.ok_or_else(|| absent(&view, &key))?;
    Ok(wire_version(lifecycle::as_of(version, view.now())))
}

/// Lists the versions of a plan.
///
/// # Errors
/// `RESOURCE_NOT_FOUND` when there is no such plan; `INVALID_FIELDS` when the page token was made
/// for another request.
pub(crate) async fn list(
    store: &Store,
    call: Call,
    plan: PlanId,
    query: &PageQuery,
) -> Result<Page<pb::PlanVersion>, Error> {
    let view = store.read(&call).await?;
    plans::find(&view, &plan).await?;
    let page = plan_version::page(&view, &plan, query).await?;
    Ok(page.map(|version| wire_version(lifecycle::as_of(version, view.now()))))
}

/// Edits a draft.
///
/// # Errors
/// `INVALID_FIELDS`, `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`; `NOT_EDITABLE` once it is scheduled.
pub(crate) async fn update(
    store: &Store,
    call: Call,
    update: Update,
) -> Result<Written<pb::PlanVersion>, Error> {
    store
        .write(call, update, |txn, Update { key, etag, edit }| async move {
            let before = lock(&txn, &key, &etag).await?;
            if before.state != State::Draft {
                return Err(Error::Problem(Problem::NotEditable {
                    resource: resource(&txn, &before),
                    state: before.state.name(),
                    fields: edit.fields(),
                }));
            }
            let plan = plans::find(&txn, &key.plan).await?;
            let mut version = before.clone();
            apply(&mut version, &edit);
            check(&txn, &plan, &version, &edit, Some(&before)).await?;
            let version = plan_version::update(&txn, version).await?;
            event::append(
                &txn,
                NewEvent::new("plan_version.updated", resource(&txn, &version)),
            );
            Ok(wire_version(version))
        })
        .await
}

/// Schedules a draft. What happened on its days before is looked at by the worker, and what was awarded
/// for it under versions from which it takes days.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`, `VERSION_OVERLAP`; `PRECONDITION`
/// when the program is not published, a period would be cut, or it may not take the days of another
/// version.
pub(crate) async fn schedule(
    store: &Store,
    call: Call,
    schedule: Schedule,
) -> Result<Written<pb::PlanVersion>, Error> {
    store
        .write(
            call,
            schedule,
            |txn,
             Schedule {
                 key,
                 etag,
                 supersede_from,
                 note,
             }| async move {
                // Versions of one plan are scheduled one after the other.
                let plan = plans::lock(&txn, &key.plan).await?;
                let mut version = lock(&txn, &key, &etag).await?;
                let resource = resource(&txn, &version);
                version.state = lifecycle::moved(version.state, Verb::Schedule, &resource)?;
                let program = published(&txn, &plan).await?;
                whole_periods(&version, &resource)?;
                accrues(&version, &resource)?;
                let name = |version: &Model| self::resource(&txn, version);
                let all = plan_version::of_plans(&txn, [key.plan]).await?;
                let taken: Vec<String> = taken(&version, &all, supersede_from, name)?
                    .into_iter()
                    .map(name)
                    .collect();
                version.start_time = Some(program.time_zone.midnight(version.effective_from));
                version.end_time = version.end().map(|date| program.time_zone.midnight(date));
                version.time_zone = Some(program.time_zone);
                version.schedule_time = Some(txn.now());
                version.catch_up = Some(CatchUp {
                    takes_days: !taken.is_empty(),
                    ..CatchUp::default()
                });
                let version = plan_version::update(&txn, version).await?;
                let event = NewEvent::new("plan_version.scheduled", resource).noting(note);
                let data = json!({
                    "supersedes": taken,
                    "supersede_from_date": supersede_from.map(|date| date.to_string()),
                });
                event::append(&txn, event.with(data));
                Ok(wire_version(lifecycle::as_of(version, txn.now())))
            },
        )
        .await
}

/// Retires a version from a day on.
///
/// # Errors
/// `INVALID_FIELDS` when the day has passed; `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`,
/// `ILLEGAL_TRANSITION`; `PRECONDITION` when the version ends by then anyway, a period would be cut, or
/// it has held and another version would hold again.
pub(crate) async fn retire(
    store: &Store,
    call: Call,
    retire: Retire,
) -> Result<Written<pb::PlanVersion>, Error> {
    store
        .write(
            call,
            retire,
            |txn,
             Retire {
                 key,
                 etag,
                 date,
                 note,
             }| async move {
                plans::lock(&txn, &key.plan).await?;
                let mut version = lock(&txn, &key, &etag).await?;
                let resource = resource(&txn, &version);
                lifecycle::moved(version.state, Verb::Retire, &resource)?;
                let zone = version.time_zone.clone().unwrap_or_else(TimeZone::utc);
                let days = (date, zone.local_date(txn.now()));
                let name = |version: &Model| self::resource(&txn, version);
                let all = plan_version::of_plans(&txn, [version.plan.clone()]).await?;
                for other in left(&version, &all, days, name)? {
                    // Whatever happened on its days is looked at again.
                    plan_version::set_catch_up(&txn, other, Some(CatchUp::default())).await?;
                }
                version.retire_date = Some(date);
                version.retire_decision_time = Some(txn.now());
                version.end_time = version.end().map(|date| zone.midnight(date));
                let version = lifecycle::as_of(version, txn.now());
                let version = plan_version::update(&txn, version).await?;
                let data = json!({ "retire_date": date.to_string() });
                let event = NewEvent::new("plan_version.retired", resource)
                    .noting(note)
                    .with(data);
                event::append(&txn, event);
                Ok(wire_version(version))
            },
        )
        .await
}

/// Locks a version at the state that the caller read, and applies the days that have come.
async fn lock(txn: &Txn, key: &Key, etag: &Etag) -> Result<Model, Error> {
    let version = plan_version::lock(txn, &key.plan, key.number).await?;
    let version = version.ok_or_else(|| absent(txn, key))?;
    etag.check(version.version, &resource(txn, &version))?;
    let version = lifecycle::as_of(version, txn.now());
    event::was(txn, wire_version(version.clone()));
    Ok(version)
}

/// Checks what a draft says as a whole, and that the tiers of its audience are there.
async fn check(
    txn: &Txn,
    plan: &plan::Model,
    version: &Model,
    edit: &Edit,
    before: Option<&Model>,
) -> Result<(), Error> {
    let mut violations = broken(plan, version, edit, before);
    if violations.is_empty() {
        violations = reading::wrong(version);
    }
    if !violations.is_empty() {
        return Err(Problem::Invalid(violations).into());
    }
    if edit.audience.is_some() && !version.terms.audience.tiers.is_empty() {
        let living = tier::living(txn, &plan.program).await?;
        let mut tiers = version.terms.audience.tiers.iter();
        if let Some(missing) = tiers.find(|id| living.iter().all(|tier| tier.id != **id)) {
            let resource = child_name(txn.ecosystem(), &plan.program, missing);
            return Err(Problem::NotFound { resource }.into());
        }
    }
    Ok(())
}

/// The program of a plan, which stays published until the transaction ends.
async fn published(txn: &Txn, plan: &plan::Model) -> Result<program::Model, Error> {
    let resource = name(txn.ecosystem(), &plan.program);
    match program::hold(txn, &plan.program).await? {
        None => Err(Problem::NotFound { resource }.into()),
        Some(program) if program.state != program::State::Active => {
            let requires = "the program must be ACTIVE".to_owned();
            Err(Problem::Precondition { resource, requires }.into())
        }
        Some(program) => Ok(program),
    }
}

/// What is credited to a marketing fund needs one: such terms can be simulated and not yet scheduled.
pub(super) fn accrues(version: &Model, resource: &str) -> Result<(), Problem> {
    let field = match (&version.terms.sharing, version.kind) {
        (Sharing::Funds(_), _) => "sharing",
        (_, Kind::FundAccrual) => "kind",
        (Sharing::Single | Sharing::RoleWeights { .. }, _) => return Ok(()),
    };
    Err(Problem::Precondition {
        resource: resource.to_owned(),
        requires: format!(
            "its terms must be such that awards are accrued by them, which is not so for {field}: \
             there are no marketing funds yet; SimulateAwards computes them"
        ),
    })
}

/// The full name of a version.
pub(crate) fn resource(view: &View, version: &Model) -> String {
    numbered_name(
        view.ecosystem(),
        &version.plan,
        "versions",
        version.number.into(),
    )
}

pub(crate) fn absent(view: &View, key: &Key) -> Error {
    let resource = numbered_name(view.ecosystem(), &key.plan, "versions", key.number.into());
    Problem::NotFound { resource }.into()
}
