//! How far each worker has read the change feed of each ecosystem, and what it had to put aside.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{LockBehavior, LockType, OnConflict};
use sea_orm::{DatabaseBackend, QuerySelect, Set, UpdateMany};
use trellis_core::{EcosystemId, Position};

use crate::event::place::START;
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
    Entity::insert(at_start(txn, worker))
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(&db)
        .await?;
    Ok(select.one(&db).await?.map(|found| found.position()))
}

/// Moves the worker's cursor, which this transaction holds.
pub(crate) async fn advance(txn: &Txn, worker: &str, to: Position) -> Result<(), Error> {
    moving(txn, worker, to).exec(&txn.db()).await?;
    Ok(())
}

/// A place before everything.
fn at_start(txn: &Txn, worker: &str) -> ActiveModel {
    ActiveModel {
        ecosystem: Set(txn.ecosystem().clone()),
        worker: Set(worker.to_owned()),
        epoch: Set(0),
        xid: Set(0),
        sequence: Set(0),
    }
}

fn moving(txn: &Txn, worker: &str, to: Position) -> UpdateMany<Entity> {
    Entity::update_many()
        .col_expr(Column::Epoch, Expr::value(to.epoch))
        .col_expr(Column::Xid, Expr::value(to.xid))
        .col_expr(Column::Sequence, Expr::value(to.sequence))
        .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
        .filter(COLUMN.worker.eq(worker))
}

/// A place in this ecosystem's feed, if anybody has it.
pub(crate) async fn find(view: &View, worker: &str) -> Result<Option<Position>, Error> {
    let found = Entity::find()
        .filter(COLUMN.ecosystem.eq(view.ecosystem().clone()))
        .filter(COLUMN.worker.eq(worker))
        .one(&view.db())
        .await?;
    Ok(found.map(|found| found.position()))
}

/// How far a worker has come in this ecosystem's feed.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn place(view: &View, worker: &str) -> Result<Position, Error> {
    Ok(find(view, worker).await?.unwrap_or(START))
}

/// Moves a place that nobody holds, made if it is not there, unless somebody has moved it from where it was.
pub(crate) async fn replace(
    txn: &Txn,
    worker: &str,
    from: Position,
    to: Position,
) -> Result<(), Error> {
    let db = txn.db();
    Entity::insert(at_start(txn, worker))
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(&db)
        .await?;
    moving(txn, worker, to)
        .filter(COLUMN.epoch.eq(from.epoch))
        .filter(COLUMN.xid.eq(from.xid))
        .filter(COLUMN.sequence.eq(from.sequence))
        .exec(&db)
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
