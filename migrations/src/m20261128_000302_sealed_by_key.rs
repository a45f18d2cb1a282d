//! Whether a journal is sealed is looked up by its key, whenever the connection made its plans.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::run_on;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// What a function asks is planned once for each connection. Planned while there were no journals, this
/// looked for them by their day, the newest of the indexes that cost the same then, and went through all of
/// an ecosystem's for each new line. What it executes from a text is planned each time, by how large the
/// table is, counted or not. The key of the table cannot be made anew to be the newest.
const UP: &[&str] = &[
    "CREATE OR REPLACE FUNCTION ledger_unsealed() RETURNS trigger LANGUAGE plpgsql
        SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    DECLARE
        sealed boolean;
    BEGIN
        EXECUTE 'SELECT EXISTS (SELECT 1 FROM added WHERE 0 < (SELECT COUNT(*) FROM ledger_journals AS journal
                WHERE journal.ecosystem = added.ecosystem AND journal.id = added.journal))' INTO sealed;
        IF sealed THEN
            RAISE EXCEPTION 'ledger: the journal is sealed'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NULL;
    END $$",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run_on(manager, DbBackend::Postgres, UP).await
    }
}
