//! How far each worker has read the change feed of each ecosystem, and what it had to put aside.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{LockBehavior, LockType, OnConflict};
use sea_orm::{DatabaseBackend, QuerySelect, Set};
use trellis_core::{EcosystemId, Position};

use crate::{Error, Txn, View};

/// One worker's place.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "feed_cursors")]
pub struct Model {
    /// The ecosystem whose feed it reads.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The worker.
    #[sea_orm(primary_key, auto_increment = false)]
    pub worker: String,
    /// The place of the last event that it has dealt with.
    pub epoch: i64,
    /// The same, second part.
    pub xid: i64,
    /// The same, third part.
    pub sequence: i64,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The place as a position.
    #[must_use]
    pub fn position(&self) -> Position {
        Position {
            epoch: self.epoch,
            xid: self.xid,
            sequence: self.sequence,
        }
    }
}

/// Takes the worker's cursor for this transaction. `None`: another replica is at work on it.
pub(crate) async fn lock(txn: &Txn, worker: &str) -> Result<Option<Position>, Error> {
    let row = ActiveModel {
        ecosystem: Set(txn.ecosystem().clone()),
        worker: Set(worker.to_owned()),
        epoch: Set(0),
        xid: Set(0),
        sequence: Set(0),
    };
    let db = txn.db();
    let mut select = Entity::find()
        .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
        .filter(COLUMN.worker.eq(worker));
    if db.get_database_backend() == DatabaseBackend::Postgres {
        select = select.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    }
    if let Some(found) = select.clone().one(&db).await? {
        return Ok(Some(found.position()));
    }
    Entity::insert(row)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(&db)
        .await?;
    Ok(select.one(&db).await?.map(|found| found.position()))
}

/// Moves the worker's cursor, which this transaction holds.
pub(crate) async fn advance(txn: &Txn, worker: &str, to: Position) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::Epoch, Expr::value(to.epoch))
        .col_expr(Column::Xid, Expr::value(to.xid))
        .col_expr(Column::Sequence, Expr::value(to.sequence))
        .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
        .filter(COLUMN.worker.eq(worker))
        .exec(&txn.db())
        .await?;
    Ok(())
}

/// Every worker's place in this ecosystem's feed.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn all(view: &View) -> Result<Vec<Model>, Error> {
    of(&view.db(), view.ecosystem()).await
}

pub(crate) async fn of(
    db: &impl ConnectionTrait,
    ecosystem: &EcosystemId,
) -> Result<Vec<Model>, Error> {
    Ok(Entity::find()
        .filter(COLUMN.ecosystem.eq(ecosystem.clone()))
        .all(db)
        .await?)
}
