//! Months of the ledger that are closed: no journal counts in one of them any more.
//!
//! The store gives each journal a day that is still open; the database refuses one that has none,
//! whoever writes it. What is closed stays closed.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::isolation::isolate;
use crate::{run, run_on};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const SHARED: &[&str] = &[
    // The month to which a journal belongs that counts in a later one.
    "ALTER TABLE ledger_journals ADD COLUMN attributed_period TEXT",
    // One row for each closed month; the others are open.
    "CREATE TABLE ledger_periods (
        ecosystem TEXT NOT NULL,
        id TEXT NOT NULL,
        start_date {day} NOT NULL,
        end_date {day} NOT NULL,
        journal_count {int} NOT NULL CHECK (journal_count >= 0),
        closer TEXT NOT NULL,
        close_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, id),
        CHECK (start_date < end_date)
    ) {strict}",
    // Up to which day everything is closed.
    "CREATE UNIQUE INDEX ledger_periods__end_date ON ledger_periods (ecosystem, end_date)",
];

const SQLITE: &[&str] = &[
    "CREATE TRIGGER ledger_journals_open BEFORE INSERT ON ledger_journals
    BEGIN
        SELECT RAISE(ABORT, 'ledger: the period is closed')
            WHERE EXISTS (SELECT 1 FROM ledger_periods
                WHERE ecosystem = NEW.ecosystem AND end_date > NEW.effective_date);
    END",
    "CREATE TRIGGER ledger_periods_no_update BEFORE UPDATE ON ledger_periods
    BEGIN SELECT RAISE(ABORT, 'ledger: closed periods are never changed'); END",
    "CREATE TRIGGER ledger_periods_no_delete BEFORE DELETE ON ledger_periods
    BEGIN SELECT RAISE(ABORT, 'ledger: closed periods are never removed'); END",
];

const POSTGRES: &[&str] = &[
    "CREATE FUNCTION ledger_open() RETURNS trigger LANGUAGE plpgsql
        SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    BEGIN
        IF EXISTS (SELECT 1 FROM added JOIN ledger_periods AS period
                ON period.ecosystem = added.ecosystem
                AND period.end_date > added.effective_date) THEN
            RAISE EXCEPTION 'ledger: the period is closed'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NULL;
    END $$",
    "CREATE TRIGGER ledger_journals_open AFTER INSERT ON ledger_journals
        REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger_open()",
    "CREATE TRIGGER ledger_periods_never BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_periods
        FOR EACH STATEMENT EXECUTE FUNCTION ledger_never()",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, SHARED).await?;
        isolate(manager, &["ledger_periods"]).await?;
        run_on(manager, DbBackend::Sqlite, SQLITE).await?;
        run_on(manager, DbBackend::Postgres, POSTGRES).await
    }
}
