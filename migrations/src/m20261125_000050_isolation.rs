//! The database itself keeps ecosystems apart: row level security on every table that there is.
//!
//! A table that a later migration adds calls [`isolate`](crate::isolate) in that migration; this
//! one closes those that came before. See [`isolation`](crate::isolation) for what it means.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::Statement;

use crate::isolation::{isolate, show_to_all};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const TABLES: &str = "SELECT t.relname::text AS name FROM pg_class AS t \
    JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attname = 'ecosystem' AND a.attnum > 0 \
    WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind IN ('r', 'p') \
    AND NOT t.relrowsecurity ORDER BY t.relname";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        if backend != sea_orm_migration::sea_orm::DbBackend::Postgres {
            return Ok(());
        }
        let found = manager
            .get_connection()
            .query_all_raw(Statement::from_string(backend, TABLES))
            .await?;
        for table in found {
            let name: String = table.try_get("", "name")?;
            isolate(manager, &[name.as_str()]).await?;
        }
        // The list of ecosystems is the one thing that is read across them.
        show_to_all(manager, "ecosystems").await
    }
}
