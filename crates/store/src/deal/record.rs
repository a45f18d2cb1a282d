//! What was recorded about won deals: invoices, refunds, the customer's leaving. Append-only.

use sea_orm::IntoActiveModel;
use sea_orm::entity::prelude::*;
use trellis_core::{Date, DealId, EcosystemId, Timestamp};

use crate::{Error, Txn};

/// What kind of record it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum Kind {
    /// The deal was invoiced.
    Invoice,
    /// Money was paid back.
    Refund,
    /// The customer left.
    Churn,
}

/// One record. Its key makes recording repeatable: the caller's id, once for each win.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "deal_records")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The deal.
    #[sea_orm(primary_key, auto_increment = false)]
    pub deal: DealId,
    /// Which win of the deal it is about.
    #[sea_orm(primary_key, auto_increment = false)]
    pub win: i64,
    /// What kind of record it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: Kind,
    /// Its id in the caller's own system.
    #[sea_orm(primary_key, auto_increment = false)]
    pub external_id: String,
    /// How much, in minor units of the deal's currency; none where it is not about money.
    pub amount_minor: Option<i64>,
    /// The day that it is about.
    pub date: Date,
    /// Why, in a word that reports can count.
    pub reason_code: Option<String>,
    /// When it was recorded.
    pub create_time: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

/// Finds a record by its key. The caller holds the lock of the deal's row.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn find(
    txn: &Txn,
    deal: &DealId,
    win: i64,
    kind: Kind,
    external_id: &str,
) -> Result<Option<Model>, Error> {
    let key = (
        txn.ecosystem().clone(),
        deal.clone(),
        win,
        kind,
        external_id.to_owned(),
    );
    Ok(Entity::find_by_id(key).one(&txn.db()).await?)
}

/// Adds a record.
///
/// # Errors
/// [`Error::Exists`] when its key is taken.
pub async fn insert(txn: &Txn, model: Model) -> Result<(), Error> {
    let row = model.into_active_model().reset_all();
    Entity::insert(row)
        .exec_without_returning(&txn.db())
        .await?;
    Ok(())
}
