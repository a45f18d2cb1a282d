//! How far the events of a feed have been removed: nothing as long as everything is there.

use sea_orm::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use trellis_core::{EcosystemId, Position};

use crate::{Error, Txn, View};

/// The mark of a feed.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "feed_marks")]
pub struct Model {
    /// The ecosystem whose feed it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The place of the last event that was removed, first part.
    pub epoch: i64,
    /// The same, second part.
    pub xid: i64,
    /// The same, third part.
    pub sequence: i64,
    /// The place of the first event that is left, first part.
    pub first_epoch: i64,
    /// The same, second part.
    pub first_xid: i64,
    /// The same, third part.
    pub first_sequence: i64,
    /// How many events were removed in all.
    pub removed_count: i64,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The place of the last event that was removed.
    #[must_use]
    pub fn position(&self) -> Position {
        Position {
            epoch: self.epoch,
            xid: self.xid,
            sequence: self.sequence,
        }
    }

    /// The place of the first event that is left.
    #[must_use]
    pub fn first(&self) -> Position {
        Position {
            epoch: self.first_epoch,
            xid: self.first_xid,
            sequence: self.first_sequence,
        }
    }
}

/// The mark of this ecosystem's feed.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn find(view: &View) -> Result<Option<Model>, Error> {
    let find = Entity::find().filter(COLUMN.ecosystem.eq(view.ecosystem().clone()));
    Ok(find.one(&view.db()).await?)
}

/// Puts the mark: up to where events were removed, the first that is left, and how many were removed in all.
pub(crate) async fn put(
    txn: &Txn,
    (to, first): (Position, Position),
    removed_count: i64,
) -> Result<(), Error> {
    let mark = ActiveModel {
        ecosystem: Set(txn.ecosystem().clone()),
        epoch: Set(to.epoch),
        xid: Set(to.xid),
        sequence: Set(to.sequence),
        first_epoch: Set(first.epoch),
        first_xid: Set(first.xid),
        first_sequence: Set(first.sequence),
        removed_count: Set(removed_count),
    };
    let moves = OnConflict::column(Column::Ecosystem)
        .update_columns([
            Column::Epoch,
            Column::Xid,
            Column::Sequence,
            Column::FirstEpoch,
            Column::FirstXid,
            Column::FirstSequence,
            Column::RemovedCount,
        ])
        .to_owned();
    Entity::insert(mark)
        .on_conflict(moves)
        .exec_without_returning(&txn.db())
        .await?;
    Ok(())
}
