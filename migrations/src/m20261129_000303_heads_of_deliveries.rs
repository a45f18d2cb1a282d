//! What is tried next is found without looking at what waits behind it.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::{run, run_on};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// The rows are those of all ecosystems, which nobody sees as long as row level security holds the table's
/// owner to one.
const SHOW: &str = "ALTER TABLE webhook_deliveries NO FORCE ROW LEVEL SECURITY";
const HIDE: &str = "ALTER TABLE webhook_deliveries FORCE ROW LEVEL SECURITY";

const UP: &[&str] = &[
    "ALTER TABLE webhook_deliveries ADD COLUMN head {bool} NOT NULL DEFAULT FALSE
        CHECK (NOT head OR state = 'PENDING')",
    "UPDATE webhook_deliveries SET head = TRUE WHERE state = 'PENDING' AND id = (
        SELECT first.id FROM webhook_deliveries AS first
        WHERE first.ecosystem = webhook_deliveries.ecosystem
            AND first.webhook = webhook_deliveries.webhook
            AND first.resource = webhook_deliveries.resource
            AND first.state = 'PENDING'
        ORDER BY first.epoch, first.xid, first.sequence LIMIT 1)",
    // webhook_delivery::claim: what is due, though not what waits for another about the same resource, of
    // which there can be any number.
    "DROP INDEX webhook_deliveries_due",
    "CREATE INDEX webhook_deliveries_due ON webhook_deliveries
        (ecosystem, webhook, next_attempt_time) WHERE head",
];

/// Of the indexes that begin with an ecosystem and a webhook PostgreSQL takes the newest for a delivery's key,
/// as long as it has not counted the table, and went through all that ever waited for the webhook.
const BY_KEY: &str = "ALTER TABLE webhook_deliveries DROP CONSTRAINT webhook_deliveries_pkey,
    ADD PRIMARY KEY (ecosystem, webhook, id)";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run_on(manager, DbBackend::Postgres, &[SHOW]).await?;
        run(manager, UP).await?;
        run_on(manager, DbBackend::Postgres, &[HIDE, BY_KEY]).await
    }
}
