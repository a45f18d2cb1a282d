//! The use cases of plans. Each that writes is one transaction.

use trellis_api::incentive::v1 as pb;
use trellis_api::{Etag, Mask, name};
use trellis_core::{Call, Page, PageQuery, PlanId, Problem, ProgramId, Written};
use trellis_store::event::{self, NewEvent};
use trellis_store::incentive::plan::{Entity, Model};
use trellis_store::program::program;
use trellis_store::{Store, Txn, View, record};

use super::convert::wire;
use crate::Error;

/// Makes a plan.
#[derive(Clone, Debug)]
pub(crate) struct Create {
    /// The id that the caller chose.
    pub(crate) id: Option<PlanId>,
    /// The name that people read.
    pub(crate) display_name: String,
    /// What it is for.
    pub(crate) description: String,
    /// The program whose partners it pays.
    pub(crate) program: ProgramId,
}

/// Edits the words of a plan.
#[derive(Clone, Debug)]
pub(crate) struct Update {
    /// Which one.
    pub(crate) id: PlanId,
    /// The version that the caller read.
    pub(crate) etag: Etag,
    /// What the caller means to change.
    pub(crate) mask: Mask,
    /// The name that people read.
    pub(crate) display_name: Option<String>,
    /// What it is for.
    pub(crate) description: Option<String>,
}

/// Creates a plan.
///
/// # Errors
/// `RESOURCE_NOT_FOUND` when there is no such program, `RESOURCE_EXISTS` when the id is taken.
pub(crate) async fn create(
    store: &Store,
    call: Call,
    create: Create,
) -> Result<Written<pb::Plan>, Error> {
    store
        .write(
            call,
            create,
            |txn,
             Create {
                 id,
                 display_name,
                 description,
                 program,
             }| async move {
                find_program(&txn, &program).await?;
                let now = txn.now();
                let plan = Model {
                    ecosystem: txn.ecosystem().clone(),
                    id: id.unwrap_or_else(|| PlanId::generate(now)),
                    display_name,
                    description,
                    program,
                    version: 1,
                    create_time: now,
                    update_time: now,
                };
                let resource = name(txn.ecosystem(), &plan.id);
                let plan = record::insert::<Entity>(&txn, plan)
                    .await
                    .map_err(|error| exists(error, &resource))?;
                event::append(&txn, NewEvent::new("plan.created", resource));
                Ok(wire(plan))
            },
        )
        .await
}

/// Gets a plan.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub(crate) async fn get(store: &Store, call: Call, id: PlanId) -> Result<pb::Plan, Error> {
    let view = store.read(&call).await?;
    Ok(wire(find(&view, &id).await?))
}

/// Lists plans.
///
/// # Errors
/// `INVALID_FIELDS` when the page token was made for another request.
pub(crate) async fn list(
    store: &Store,
    call: Call,
    query: &PageQuery,
) -> Result<Page<pb::Plan>, Error> {
    let view = store.read(&call).await?;
    let page = record::page::<Entity>(&view, query).await?;
    Ok(page.map(wire))
}

/// Edits the words of a plan.
///
/// # Errors
/// `INVALID_FIELDS` when the program would change; `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`.
pub(crate) async fn update(
    store: &Store,
    call: Call,
    update: Update,
) -> Result<Written<pb::Plan>, Error> {
    store
        .write(call, update, |txn, update| async move {
            let Update {
                id,
                etag,
                mask,
                display_name,
                description,
            } = update;
            let mut plan = lock(&txn, &id).await?;
            let resource = name(txn.ecosystem(), &id);
            etag.check(plan.version, &resource)?;
            event::was(&txn, wire(plan.clone()));
            mask.unchanged(&wire(plan.clone()))?;
            if let Some(display_name) = display_name {
                plan.display_name = display_name;
            }
            if let Some(description) = description {
                plan.description = description;
            }
            let plan = record::update::<Entity>(&txn, plan).await?;
            event::append(&txn, NewEvent::new("plan.updated", resource));
            Ok(wire(plan))
        })
        .await
}

pub(crate) async fn find(view: &View, id: &PlanId) -> Result<Model, Error> {
    record::find::<Entity>(view, id)
        .await?
        .ok_or_else(|| absent(view, id))
}

/// Finds a plan and locks it: what depends on all its versions is decided under this lock.
pub(super) async fn lock(txn: &Txn, id: &PlanId) -> Result<Model, Error> {
    record::lock::<Entity>(txn, id)
        .await?
        .ok_or_else(|| absent(txn, id))
}

pub(super) async fn find_program(view: &View, id: &ProgramId) -> Result<program::Model, Error> {
    let absent = || Problem::NotFound {
        resource: name(view.ecosystem(), id),
    };
    Ok(record::find::<program::Entity>(view, id)
        .await?
        .ok_or_else(absent)?)
}

fn absent(view: &View, id: &PlanId) -> Error {
    Problem::NotFound {
        resource: name(view.ecosystem(), id),
    }
    .into()
}

fn exists(error: trellis_store::Error, resource: &str) -> Error {
    if matches!(error, trellis_store::Error::Exists { .. }) {
        let resource = resource.to_owned();
        return Problem::Exists {
            resource,
            field: "plan_id".to_owned(),
        }
        .into();
    }
    error.into()
}
