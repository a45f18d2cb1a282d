//! Awards are looked up by their keys, whatever PostgreSQL has counted of them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::run_on;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Until PostgreSQL has counted what is in a table, which takes it a minute, all its indexes cost the same
/// where one row is expected, and it takes the newest of them. An index made later, by the partner, was
/// taken for the key then, and all awards of a partner were looked at for each. A first import is over in
/// less than a minute.
const UP: &[&str] = &[
    "DROP INDEX awards__key",
    "CREATE UNIQUE INDEX awards__key ON awards (ecosystem, plan, partner, scope)",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run_on(manager, DbBackend::Postgres, UP).await
    }
}
