//! The use cases of products. Each that writes is one transaction.

use trellis_api::deal::v1 as pb;
use trellis_api::{Etag, name};
use trellis_core::{Call, FamilyId, Money, Page, PageQuery, ProductId, Written};
use trellis_store::deal::product::{Entity, Model};
use trellis_store::deal::product_family;
use trellis_store::event::{self, NewEvent};
use trellis_store::{Store, Txn, View, record};

use super::convert::wire;
use crate::Error;
use crate::edit::set;
use crate::error::{absent, exists};

/// Makes a product.
#[derive(Clone, Debug)]
pub struct Create {
    /// The id that the caller chose.
    pub id: Option<ProductId>,
    /// Its fields, all of them set.
    pub edit: Edit,
}

/// Changes to the fields of a product; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    /// The name that people read.
    pub display_name: Option<String>,
    /// The family that it belongs to.
    pub product_family: Option<Option<FamilyId>>,
    /// The number under which it is ordered.
    pub sku: Option<Option<String>>,
    /// What one of it costs. Not negative.
    pub list_price: Option<Option<Money>>,
    /// Its id elsewhere.
    pub external_id: Option<Option<String>>,
}

/// Edits a product.
#[derive(Clone, Debug)]
pub struct Update {
    /// Which one.
    pub id: ProductId,
    /// The version that the caller read.
    pub etag: Etag,
    /// What to change.
    pub edit: Edit,
}

/// Creates a product.
///
/// # Errors
/// `RESOURCE_NOT_FOUND` when there is no such family; `RESOURCE_EXISTS` when the id, the SKU or
/// the external id is taken.
pub async fn create(
    store: &Store,
    call: Call,
    create: Create,
) -> Result<Written<pb::Product>, Error> {
    store
        .write(call, create, |txn, Create { id, edit }| async move {
            family_exists(&txn, &edit).await?;
            let id = id.unwrap_or_else(|| ProductId::generate(txn.now()));
            let resource = name(txn.ecosystem(), &id);
            let product = record::insert::<Entity>(&txn, fresh(&txn, id, edit))
                .await
                .map_err(|error| exists(error, &resource))?;
            event::append(&txn, NewEvent::new("product.created", resource));
            Ok(wire(product))
        })
        .await
}

/// The row of a new product.
pub(super) fn fresh(txn: &Txn, id: ProductId, edit: Edit) -> Model {
    let now = txn.now();
    let mut product = Model {
        ecosystem: txn.ecosystem().clone(),
        id,
        display_name: String::new(),
        product_family: None,
        sku: None,
        list_price_minor: None,
        list_price_currency: None,
        external_id: None,
        version: 1,
        create_time: now,
        update_time: now,
    };
    apply(&mut product, edit);
    product
}

/// Gets a product.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn get(store: &Store, call: Call, id: ProductId) -> Result<pb::Product, Error> {
    let view = store.read(&call).await?;
    let product = record::find::<Entity>(&view, &id).await?;
    Ok(wire(product.ok_or_else(|| absent(&view, &id))?))
}

/// Lists products.
///
/// # Errors
/// `INVALID_FIELDS` when the page token was made for another request.
pub async fn list(
    store: &Store,
    call: Call,
    query: &PageQuery,
) -> Result<Page<pb::Product>, Error> {
    let view = store.read(&call).await?;
    Ok(record::page::<Entity>(&view, query).await?.map(wire))
}

/// Edits a product.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, also when there is no such family; `ETAG_MISMATCH`; `RESOURCE_EXISTS` when
/// the SKU or the external id is taken.
pub async fn update(
    store: &Store,
    call: Call,
    update: Update,
) -> Result<Written<pb::Product>, Error> {
    store
        .write(call, update, |txn, Update { id, etag, edit }| async move {
            let resource = name(txn.ecosystem(), &id);
            let product = record::lock::<Entity>(&txn, &id).await?;
            let mut product = product.ok_or_else(|| absent(&txn, &id))?;
            etag.check(product.version, &resource)?;
            event::was(&txn, wire(product.clone()));
            family_exists(&txn, &edit).await?;
            apply(&mut product, edit);
            let product = record::update::<Entity>(&txn, product)
                .await
                .map_err(|error| exists(error, &resource))?;
            event::append(&txn, NewEvent::new("product.updated", resource));
            Ok(wire(product))
        })
        .await
}

async fn family_exists(view: &View, edit: &Edit) -> Result<(), Error> {
    let Some(Some(family)) = &edit.product_family else {
        return Ok(());
    };
    let found = record::find::<product_family::Entity>(view, family).await?;
    found.map(|_| ()).ok_or_else(|| absent(view, family))
}

pub(super) fn apply(product: &mut Model, edit: Edit) {
    let Edit {
        display_name,
        product_family,
        sku,
        list_price,
        external_id,
    } = edit;
    set(&mut product.display_name, display_name);
    set(&mut product.product_family, product_family);
    set(&mut product.sku, sku);
    if let Some(price) = list_price {
        product.list_price_minor = price.map(|price| price.minor);
        product.list_price_currency = price.map(|price| price.currency);
    }
    set(&mut product.external_id, external_id);
}
