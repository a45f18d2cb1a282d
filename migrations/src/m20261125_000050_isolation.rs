//! The database itself keeps ecosystems apart: row level security on every table that there is.
//!
//! A table that a later migration adds calls [`isolate`](crate::isolate) in that migration; this
//! one closes those that came before. See [`isolation`](crate::isolation) for what it means.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::Statement;

use crate::isolation::{isolate, show_to_all};
use crate::run_on;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const TABLES: &str = "SELECT t.relname::text AS name FROM pg_class AS t \
    JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attname = 'ecosystem' AND a.attnum > 0 \
    WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind IN ('r', 'p') \
    AND NOT t.relrowsecurity ORDER BY t.relname";

// The checks of the ledger, with the lines of each journal looked up by a query of its own. As joins
// they would be planned anew under the policy: it fixes the ecosystem, so that reading all journals
// of one for every line looks cheap while there are none, and that plan stays.
const LEDGER: &[&str] = &[
    "CREATE OR REPLACE FUNCTION ledger_seal() RETURNS trigger LANGUAGE plpgsql
        SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    BEGIN
        IF EXISTS (SELECT 1 FROM added WHERE line_count <> (SELECT COUNT(*) FROM ledger_lines
                WHERE ecosystem = added.ecosystem AND journal = added.id)) THEN
            RAISE EXCEPTION 'ledger: the journal does not have all of its lines'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        IF EXISTS (SELECT 1 FROM added CROSS JOIN LATERAL (SELECT 1 FROM ledger_lines AS line
                WHERE line.ecosystem = added.ecosystem AND line.journal = added.id
                GROUP BY line.currency, line.award
                HAVING SUM(line.debit_minor) <> SUM(line.credit_minor)) AS unbalanced) THEN
            RAISE EXCEPTION 'ledger: the lines of the journal do not balance'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        IF EXISTS (SELECT 1 FROM added CROSS JOIN LATERAL (SELECT 1 FROM ledger_lines AS line
                WHERE line.ecosystem = added.ecosystem AND line.journal = added.id
                    AND line.account LIKE 'set-off.%'
                GROUP BY line.account
                HAVING SUM(line.debit_minor) <> SUM(line.credit_minor)) AS unclosed) THEN
            RAISE EXCEPTION 'ledger: the journal does not close its set-off'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NULL;
    END $$",
    "CREATE OR REPLACE FUNCTION ledger_unsealed() RETURNS trigger LANGUAGE plpgsql
        SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    BEGIN
        IF EXISTS (SELECT 1 FROM added WHERE 0 < (SELECT COUNT(*) FROM ledger_journals AS journal
                WHERE journal.ecosystem = added.ecosystem AND journal.id = added.journal)) THEN
            RAISE EXCEPTION 'ledger: the journal is sealed'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NULL;
    END $$",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        if backend != sea_orm_migration::sea_orm::DbBackend::Postgres {
            return Ok(());
        }
        run_on(manager, backend, LEDGER).await?;
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
