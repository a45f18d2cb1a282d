//! What a decision went by is kept in its row.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::run_on;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// A decision has some three thousand bytes. PostgreSQL would compress what it went by, and, as that is
/// still more than two thousand, write it to a table of its own, with an index: with every decision,
/// while the customer is held.
const UP: &[&str] = &["ALTER TABLE registration_decisions SET (toast_tuple_target = 4080)"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run_on(manager, DbBackend::Postgres, UP).await
    }
}
