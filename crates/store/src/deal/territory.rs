//! Territories: parts of the market, which may lie within one another.

use std::collections::HashMap;

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Alias, CommonTableExpression, ExprTrait, Query, UnionType, WithClause};
use sea_orm::{FromJsonQueryResult, JoinType, QueryOrder, QuerySelect, QueryTrait};
use serde::{Deserialize, Serialize};
use trellis_core::{EcosystemId, TerritoryId, Timestamp};

use crate::record::{self, scoped};
use crate::{Error, Txn, View, given};

/// The name of the lock that every transaction takes, before any row, that may put a territory
/// below another one. Two that each close half of a circle wait for each other, and the second one
/// sees it.
pub const LINKS: &str = "territories/links";

/// Countries and their subdivisions, each once, in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct RegionCodes(pub Vec<String>);

/// One territory.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "territories")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The id, last part of the name.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TerritoryId,
    /// The name that people read.
    pub display_name: String,
    /// The places that it consists of.
    pub region_codes: RegionCodes,
    /// The territory that it lies within. Nobody is their own ancestor.
    pub parent_territory: Option<TerritoryId>,
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

crate::record!(id: TerritoryId, Id; reach: crate::reach::Reach::Everybody; {
    "display_name" => DisplayName,
    "parent_territory" => ParentTerritory,
    "external_id" => ExternalId,
    "create_time" => CreateTime,
    "update_time" => UpdateTime,
});

/// Finds the territories that carry one of these external ids, locked.
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

/// Every territory.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn all(view: &View) -> Result<Vec<Model>, Error> {
    Ok(scoped::<Entity>(view).all(&view.db()).await?)
}

/// A territory and those around it, from the inside to the outside. Empty if it does not exist.
///
/// # Errors
/// [`Error::Corrupt`] when they form a circle.
pub async fn chain(view: &View, id: &TerritoryId) -> Result<Vec<Model>, Error> {
    chain_over(view, id, &HashMap::new()).await
}

/// Some territories and all those around them, in no order. One statement, and always the same one, however
/// many there are and however deep they lie.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn around(
    view: &View,
    ids: impl IntoIterator<Item = &TerritoryId>,
) -> Result<Vec<Model>, Error> {
    let db = view.db();
    let backend = db.get_database_backend();
    let (up, id) = (Alias::new("up"), Alias::new("id"));
    let found = || Expr::col((up.clone(), id.clone()));
    let inside = Expr::col((Entity, Column::Id)).eq(found());
    let outside = scoped::<Entity>(view)
        .filter(COLUMN.parent_territory.is_not_null())
        .select_only()
        .column(Column::ParentTerritory)
        .into_query()
        .join(JoinType::InnerJoin, up.clone(), inside)
        .take();
    // Each once: a circle, which nobody can make, has an end.
    let ids = given::select(backend, ids.into_iter().map(TerritoryId::as_str).collect())
        .union(UnionType::Distinct, outside)
        .take();
    let found = Query::select().expr(found()).from(up.clone()).take();
    let territories = scoped::<Entity>(view)
        .filter(Column::Id.in_subquery(found))
        .into_query();
    let mut around = CommonTableExpression::new();
    around.table_name(up).column(id).query(ids);
    let mut with = WithClause::new();
    with.recursive(true).cte(around);
    let rows = db.query_all(&territories.with(with)).await?;
    rows.iter().map(record::model_of::<Entity>).collect()
}

/// Like [`chain`], with rows that are not written yet, or not written back: those of `ahead` count
/// before those of the database.
///
/// # Errors
/// [`Error::Corrupt`] when they form a circle.
pub async fn chain_over(
    view: &View,
    id: &TerritoryId,
    ahead: &HashMap<TerritoryId, Model>,
) -> Result<Vec<Model>, Error> {
    let mut chain: Vec<Model> = Vec::new();
    let mut next = Some(id.clone());
    while let Some(id) = next {
        if chain.iter().any(|territory| territory.id == id) {
            return Err(Error::Corrupt {
                table: "territories",
                what: format!("{id} lies within itself"),
            });
        }
        let found = match ahead.get(&id) {
            Some(row) => Some(row.clone()),
            None => record::find::<Entity>(view, &id).await?,
        };
        let Some(territory) = found else {
            break;
        };
        next = territory.parent_territory.clone();
        chain.push(territory);
    }
    Ok(chain)
}
