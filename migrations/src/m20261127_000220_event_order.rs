//! Events of one resource in the order in which it changed.
//!
//! On PostgreSQL a transaction may have been given its id before it waited for a row that another one,
//! with a later id, was changing. So the id alone would put the second change before the first.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::run_on;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

// The newest transaction that had ended when the event was written, or its own if that is newer. Who
// waited for another one comes after it; and nobody's event is older than its transaction, so that
// what is read up to the oldest that runs is still complete.
const POSTGRES: &[&str] = &["ALTER TABLE events ALTER COLUMN xid SET DEFAULT GREATEST(
    pg_current_xact_id()::text::bigint,
    pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1)"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run_on(manager, DbBackend::Postgres, POSTGRES).await
    }
}
