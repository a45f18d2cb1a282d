//! How far the events of a feed have been removed.

use sea_orm_migration::prelude::*;

use crate::isolation::isolate;
use crate::run;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const UP: &[&str] = &[
    // The place of the last event that was removed, that of the first one that is left, and how many were
    // removed in all.
    "CREATE TABLE feed_marks (
        ecosystem TEXT NOT NULL PRIMARY KEY,
        epoch {int} NOT NULL,
        xid {int} NOT NULL,
        sequence {int} NOT NULL,
        first_epoch {int} NOT NULL,
        first_xid {int} NOT NULL,
        first_sequence {int} NOT NULL,
        removed_count {int} NOT NULL
    ) {strict}",
    // removed::held_by: the oldest event that waits for a webhook.
    "CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries
        (ecosystem, epoch, xid, sequence) WHERE state = 'PENDING'",
    // removed::remove: what is kept of events that are removed. Not of those that wait, or SQLite would look
    // for the oldest of these here.
    "CREATE INDEX webhook_deliveries_place ON webhook_deliveries
        (ecosystem, epoch, xid, sequence) WHERE state <> 'PENDING'",
    // removed::held_by: the oldest event that was put aside.
    "CREATE INDEX parked_events_place ON parked_events (ecosystem, epoch, xid, sequence)",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await?;
        isolate(manager, &["feed_marks"]).await
    }
}
