//! The use cases of territories. Each that writes is one transaction.

use trellis_api::deal::v1 as pb;
use trellis_api::{Etag, name};
use trellis_core::{Call, Page, PageQuery, TerritoryId, Written};
use trellis_store::deal::territory::{self, Entity, Model, RegionCodes};
use trellis_store::event::{self, NewEvent};
use trellis_store::{Store, Txn, lock, record};

use super::convert::wire;
use crate::edit::set;
use crate::error::{absent, exists};
use crate::{Error, hierarchy};

/// Makes a territory.
#[derive(Clone, Debug)]
pub struct Create {
    /// The id that the caller chose.
    pub id: Option<TerritoryId>,
    /// Its fields, all of them set.
    pub edit: Edit,
}

/// Changes to the fields of a territory; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    /// The name that people read.
    pub display_name: Option<String>,
    /// The places that it consists of.
    pub region_codes: Option<Vec<String>>,
    /// The territory that it lies within.
    pub parent_territory: Option<Option<TerritoryId>>,
    /// Its id elsewhere.
    pub external_id: Option<Option<String>>,
}

/// Edits a territory.
#[derive(Clone, Debug)]
pub struct Update {
    /// Which one.
    pub id: TerritoryId,
    /// The version that the caller read.
    pub etag: Etag,
    /// What to change.
    pub edit: Edit,
}

/// Creates a territory.
///
/// # Errors
/// `RESOURCE_NOT_FOUND` when there is no such parent; `RESOURCE_EXISTS` when the id or the
/// external id is taken.
pub async fn create(
    store: &Store,
    call: Call,
    create: Create,
) -> Result<Written<pb::Territory>, Error> {
    store
        .write(call, create, |txn, Create { id, edit }| async move {
            let id = id.unwrap_or_else(|| TerritoryId::generate(txn.now()));
            let resource = name(txn.ecosystem(), &id);
            let territory = fresh(&txn, id, edit);
            if let Some(parent) = &territory.parent_territory {
                // Nothing lies within a territory that is only being made, so no circle can close.
                let found = record::find::<Entity>(&txn, parent).await?;
                found.ok_or_else(|| absent(&txn, parent))?;
            }
            let territory = record::insert::<Entity>(&txn, territory)
                .await
                .map_err(|error| exists(error, &resource))?;
            event::append(&txn, NewEvent::new("territory.created", resource));
            Ok(wire(territory))
        })
        .await
}

/// The row of a new territory.
pub(super) fn fresh(txn: &Txn, id: TerritoryId, edit: Edit) -> Model {
    let now = txn.now();
    let mut territory = Model {
        ecosystem: txn.ecosystem().clone(),
        id,
        display_name: String::new(),
        region_codes: RegionCodes::default(),
        parent_territory: None,
        external_id: None,
        version: 1,
        create_time: now,
        update_time: now,
    };
    apply(&mut territory, edit);
    territory
}

/// Gets a territory.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn get(store: &Store, call: Call, id: TerritoryId) -> Result<pb::Territory, Error> {
    let view = store.read(&call).await?;
    let territory = record::find::<Entity>(&view, &id).await?;
    Ok(wire(territory.ok_or_else(|| absent(&view, &id))?))
}

/// Lists territories.
///
/// # Errors
/// `INVALID_FIELDS` when the page token was made for another request.
pub async fn list(
    store: &Store,
    call: Call,
    query: &PageQuery,
) -> Result<Page<pb::Territory>, Error> {
    let view = store.read(&call).await?;
    Ok(record::page::<Entity>(&view, query).await?.map(wire))
}

/// Edits a territory.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, also when there is no such parent; `ETAG_MISMATCH`; `CYCLE` when the
/// parent lies within it; `RESOURCE_EXISTS` when the external id is taken.
pub async fn update(
    store: &Store,
    call: Call,
    update: Update,
) -> Result<Written<pb::Territory>, Error> {
    store
        .write(call, update, |txn, Update { id, etag, edit }| async move {
            if edit.parent_territory.is_some() {
                lock::keys(&txn, &[territory::LINKS]).await?;
            }
            let resource = name(txn.ecosystem(), &id);
            let territory = record::lock::<Entity>(&txn, &id).await?;
            let mut territory = territory.ok_or_else(|| absent(&txn, &id))?;
            etag.check(territory.version, &resource)?;
            event::was(&txn, wire(territory.clone()));
            if let Some(Some(parent)) = &edit.parent_territory {
                let chain = territory::chain(&txn, parent).await?;
                if chain.is_empty() {
                    return Err(absent(&txn, parent));
                }
                if let Some(circle) = circle(&id, &chain) {
                    let path = circle.iter().map(|id| name(txn.ecosystem(), id)).collect();
                    return Err(Error::Cycle { resource, path });
                }
            }
            apply(&mut territory, edit);
            let territory = record::update::<Entity>(&txn, territory)
                .await
                .map_err(|error| exists(error, &resource))?;
            event::append(&txn, NewEvent::new("territory.updated", resource));
            Ok(wire(territory))
        })
        .await
}

/// The circle that would close if a territory lay within the first of a chain.
pub(super) fn circle(territory: &TerritoryId, chain: &[Model]) -> Option<Vec<TerritoryId>> {
    let chain: Vec<TerritoryId> = chain.iter().map(|outer| outer.id.clone()).collect();
    hierarchy::circle(territory, &chain)
}

pub(super) fn apply(territory: &mut Model, edit: Edit) {
    let Edit {
        display_name,
        region_codes,
        parent_territory,
        external_id,
    } = edit;
    set(&mut territory.display_name, display_name);
    set(&mut territory.region_codes, region_codes.map(RegionCodes));
    set(&mut territory.parent_territory, parent_territory);
    set(&mut territory.external_id, external_id);
}
