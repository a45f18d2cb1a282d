//! House accounts: customers, or business with them, that the vendor keeps to itself.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Func, SelectStatement, UnionType};
use sea_orm::{FromJsonQueryResult, Iterable, JoinType, QuerySelect, QueryTrait};
use serde::{Deserialize, Serialize};
use trellis_core::{
    AccountId, EcosystemId, FamilyId, HouseAccountId, ProgramId, TerritoryId, Timestamp,
};

use super::account;
use super::registration::Products;
use crate::record::scoped;
use crate::{Error, Txn, View, given};

/// Product families, each once, in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Families(pub Vec<FamilyId>);

/// Territories, each once, in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Territories(pub Vec<TerritoryId>);

/// One house account.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "house_accounts")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The id, last part of the name.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: HouseAccountId,
    /// The customer.
    pub account: AccountId,
    /// The program that it is kept from; none: all.
    pub program: Option<ProgramId>,
    /// The products that it is kept for.
    pub products: Products,
    /// The families whose products it is kept for. Neither products nor families: all products.
    pub product_families: Families,
    /// Where; none: everywhere.
    pub territories: Territories,
    /// Why, in a sentence.
    pub note: Option<String>,
    /// From when on; none: always was.
    pub valid_from_time: Option<Timestamp>,
    /// Until when; none: without end. At that moment it is over.
    pub valid_until_time: Option<Timestamp>,
    /// Counts the changes.
    pub version: i64,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

crate::record!(id: HouseAccountId, Id; reach: crate::reach::Reach::Staff; {
    "account" => Account,
    "program" => Program,
    "valid_from_time" => ValidFromTime,
    "valid_until_time" => ValidUntilTime,
    "create_time" => CreateTime,
    "update_time" => UpdateTime,
});

/// The house accounts of some accounts. One that was named with an account which was merged since is
/// answered with the one that stands.
pub(super) fn at(view: &View, accounts: &[AccountId]) -> SelectStatement {
    let backend = view.db().get_database_backend();
    let asked = || accounts.iter().map(AccountId::as_str).collect();
    let merged = account::Entity::find()
        .filter(account::COLUMN.ecosystem.eq(view.ecosystem().clone()))
        .select_only()
        .column(account::Column::Id)
        .into_query();
    let into = Expr::col((account::Entity, account::Column::MergedInto));
    let mut named = given::of_each(backend, asked(), merged, into.clone(), &["id"]);
    named.union(UnionType::Distinct, given::select(backend, asked()));
    let account: RelationDef = Entity::belongs_to(account::Entity)
        .from((Column::Ecosystem, Column::Account))
        .to((account::Column::Ecosystem, account::Column::Id))
        .into();
    let column = |column| Expr::col((Entity, column));
    let stands = Func::coalesce([into, column(Column::Account)]);
    let own = Column::iter().filter(|column| !matches!(column, Column::Account));
    let houses = scoped::<Entity>(view)
        .join(JoinType::LeftJoin, account)
        .select_only()
        .columns(own)
        .expr_as(stands, "account")
        .into_query();
    let by = column(Column::Account);
    given::from_each_found(backend, houses, "house_accounts", by, (named, "id"))
        .exprs(Column::iter().map(column))
        .take()
}

/// Takes a house account away.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn remove(txn: &Txn, id: &HouseAccountId) -> Result<(), Error> {
    Entity::delete_many()
        .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
        .filter(COLUMN.id.eq(id.clone()))
        .exec(&txn.db())
        .await?;
    Ok(())
}
