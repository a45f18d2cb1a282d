//! Events that a worker could not deal with and put aside, each with what was wrong.

use sea_orm::Set;
use sea_orm::entity::prelude::*;
use trellis_core::{EcosystemId, Timestamp};

use crate::{Error, Txn, View, event};

/// One event that one worker put aside.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "parked_events")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The worker.
    #[sea_orm(primary_key, auto_increment = false)]
    pub worker: String,
    /// The event's place, first part.
    #[sea_orm(primary_key, auto_increment = false)]
    pub epoch: i64,
    /// The same, second part.
    #[sea_orm(primary_key, auto_increment = false)]
    pub xid: i64,
    /// The same, third part.
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence: i64,
    /// What was wrong.
    pub error: String,
    /// When it was put aside.
    pub time: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

pub(crate) async fn insert(
    txn: &Txn,
    worker: &str,
    event: &event::Model,
    error: &str,
) -> Result<(), Error> {
    let row = ActiveModel {
        ecosystem: Set(txn.ecosystem().clone()),
        worker: Set(worker.to_owned()),
        epoch: Set(event.epoch),
        xid: Set(event.xid),
        sequence: Set(event.sequence),
        error: Set(error.to_owned()),
        time: Set(txn.now()),
    };
    Entity::insert(row)
        .exec_without_returning(&txn.db())
        .await?;
    Ok(())
}

/// Everything that workers put aside in this ecosystem.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn all(view: &View) -> Result<Vec<Model>, Error> {
    Ok(Entity::find()
        .filter(COLUMN.ecosystem.eq(view.ecosystem().clone()))
        .all(&view.db())
        .await?)
}
