//! Products: what an ecosystem sells.

use sea_orm::QueryOrder;
use sea_orm::entity::prelude::*;
use trellis_core::{Currency, EcosystemId, FamilyId, ProductId, Timestamp};

use crate::record::{self, scoped};
use crate::{Error, Txn, View};

/// One product.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "products")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The id, last part of the name.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ProductId,
    /// The name that people read.
    pub display_name: String,
    /// The family that it belongs to.
    pub product_family: Option<FamilyId>,
    /// The number under which it is ordered; unique when set.
    pub sku: Option<String>,
    /// What one of it costs before any discount, in minor units of `list_price_currency`.
    pub list_price_minor: Option<i64>,
    /// The currency of the list price; there while there is one.
    pub list_price_currency: Option<Currency>,
    /// Its id in the caller's own system; unique when set.
    pub external_id: Option<String>,
    /// Counts the changes.
    pub version: i64,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

crate::record!(id: ProductId, Id; reach: crate::reach::Reach::Everybody; {
    "display_name" => DisplayName,
    "product_family" => ProductFamily,
    "sku" => Sku,
    "external_id" => ExternalId,
    "create_time" => CreateTime,
    "update_time" => UpdateTime,
});

/// Finds the products that carry one of these external ids, locked.
///
/// # Errors
/// [`Error::Contended`] when a lock cannot be had in time.
pub async fn lock_by_external_ids(
    txn: &Txn,
    external_ids: impl IntoIterator<Item = String>,
) -> Result<Vec<Model>, Error> {
    let select = scoped::<Entity>(txn)
        .filter(COLUMN.external_id.is_in(external_ids))
        .order_by_asc(Column::Id);
    Ok(record::for_update(txn, select).all(&txn.db()).await?)
}

/// Finds the products that are ordered under one of these numbers.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn by_skus(
    view: &View,
    skus: impl IntoIterator<Item = String>,
) -> Result<Vec<Model>, Error> {
    let select = scoped::<Entity>(view).filter(COLUMN.sku.is_in(skus));
    Ok(select.all(&view.db()).await?)
}
