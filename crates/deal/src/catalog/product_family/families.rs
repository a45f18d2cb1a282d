//! The use cases of product families. Each that writes is one transaction.

use trellis_api::deal::v1 as pb;
use trellis_api::{Etag, name};
use trellis_core::{Call, FamilyId, Page, PageQuery, Written};
use trellis_store::deal::product_family::{Entity, Model};
use trellis_store::event::{self, NewEvent};
use trellis_store::{Store, Txn, record};

use super::convert::wire;
use crate::Error;
use crate::edit::set;
use crate::error::{absent, exists};

/// Makes a product family.
#[derive(Clone, Debug)]
pub struct Create {
    /// The id that the caller chose.
    pub id: Option<FamilyId>,
    /// Its fields, all of them set.
    pub edit: Edit,
}

/// Changes to the fields of a family; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    /// The name that people read.
    pub display_name: Option<String>,
    /// What belongs to it.
    pub description: Option<Option<String>>,
    /// Its id elsewhere.
    pub external_id: Option<Option<String>>,
}

/// Edits a product family.
#[derive(Clone, Debug)]
pub struct Update {
    /// Which one.
    pub id: FamilyId,
    /// The version that the caller read.
    pub etag: Etag,
    /// What to change.
    pub edit: Edit,
}

/// Creates a product family.
///
/// # Errors
/// `RESOURCE_EXISTS` when the id, the display name or the external id is taken.
pub async fn create(
    store: &Store,
    call: Call,
    create: Create,
) -> Result<Written<pb::ProductFamily>, Error> {
    store
        .write(call, create, |txn, Create { id, edit }| async move {
            let id = id.unwrap_or_else(|| FamilyId::generate(txn.now()));
            let resource = name(txn.ecosystem(), &id);
            let family = record::insert::<Entity>(&txn, fresh(&txn, id, edit))
                .await
                .map_err(|error| exists(error, &resource))?;
            event::append(&txn, NewEvent::new("product_family.created", resource));
            Ok(wire(family))
        })
        .await
}

/// The row of a new family.
pub(crate) fn fresh(txn: &Txn, id: FamilyId, edit: Edit) -> Model {
    let now = txn.now();
    let mut family = Model {
        ecosystem: txn.ecosystem().clone(),
        id,
        display_name: String::new(),
        description: None,
        external_id: None,
        version: 1,
        create_time: now,
        update_time: now,
    };
    apply(&mut family, edit);
    family
}

/// Gets a product family.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn get(store: &Store, call: Call, id: FamilyId) -> Result<pb::ProductFamily, Error> {
    let view = store.read(&call).await?;
    let family = record::find::<Entity>(&view, &id).await?;
    Ok(wire(family.ok_or_else(|| absent(&view, &id))?))
}

/// Lists product families.
///
/// # Errors
/// `INVALID_FIELDS` when the page token was made for another request.
pub async fn list(
    store: &Store,
    call: Call,
    query: &PageQuery,
) -> Result<Page<pb::ProductFamily>, Error> {
    let view = store.read(&call).await?;
    Ok(record::page::<Entity>(&view, query).await?.map(wire))
}

/// Edits a product family.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `RESOURCE_EXISTS` when the display name or the external
/// id is taken.
pub async fn update(
    store: &Store,
    call: Call,
    update: Update,
) -> Result<Written<pb::ProductFamily>, Error> {
    store
        .write(call, update, |txn, Update { id, etag, edit }| async move {
            let resource = name(txn.ecosystem(), &id);
            let family = record::lock::<Entity>(&txn, &id).await?;
            let mut family = family.ok_or_else(|| absent(&txn, &id))?;
            etag.check(family.version, &resource)?;
            event::was(&txn, wire(family.clone()));
            apply(&mut family, edit);
            let family = record::update::<Entity>(&txn, family)
                .await
                .map_err(|error| exists(error, &resource))?;
            event::append(&txn, NewEvent::new("product_family.updated", resource));
            Ok(wire(family))
        })
        .await
}

fn apply(family: &mut Model, edit: Edit) {
    let Edit {
        display_name,
        description,
        external_id,
    } = edit;
    set(&mut family.display_name, display_name);
    set(&mut family.description, description);
    set(&mut family.external_id, external_id);
}
