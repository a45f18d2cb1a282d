//! The ledger: journals and their lines, which are only ever added, and what follows from them: the
//! totals of each account, and of each award on each account.
//!
//! The database keeps the books too, whoever writes to it. Lines come first and a journal seals
//! them: it is refused unless all of its lines are there and balance, no line can be added to a
//! sealed journal, and neither can be changed or removed. A line tells the balance after it, and
//! one that would take a constrained account below zero is refused.
//!
//! The tables have no foreign keys: measured, they cost posting two fifths of its speed, and the
//! only writer makes both ends in one transaction. `VerifyLedger` checks the ends instead.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::{run, run_on};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const SHARED: &[&str] = &[
    // One row for each account, made by its first line. `entries` counts its lines, and numbers
    // them: the lock on this row is what puts the lines of an account in one order.
    "CREATE TABLE ledger_accounts (
        ecosystem TEXT NOT NULL,
        id TEXT NOT NULL,
        class TEXT NOT NULL CHECK (class IN ('CASH', 'PAYOUT_CLEARING', 'RECEIVABLE', 'HELD',
            'REVIEW', 'PAYABLE', 'IN_PAYOUT', 'SET_OFF', 'CONTRA_REVENUE',
            'COMMISSION_EXPENSE')),
        partner TEXT,
        program TEXT,
        rail TEXT,
        detail TEXT,
        currency TEXT NOT NULL,
        debit_minor {int} NOT NULL CHECK (debit_minor >= 0),
        credit_minor {int} NOT NULL CHECK (credit_minor >= 0),
        entries {int} NOT NULL CHECK (entries >= 0),
        create_time {int} NOT NULL,
        update_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, id)
    ) {strict}",
    // The accounts of one partner: statements and payouts.
    "CREATE INDEX ledger_accounts_partner ON ledger_accounts (ecosystem, partner, id)
        WHERE partner IS NOT NULL",
    // What each award has on each account.
    "CREATE TABLE ledger_slices (
        ecosystem TEXT NOT NULL,
        account TEXT NOT NULL,
        award TEXT NOT NULL,
        debit_minor {int} NOT NULL CHECK (debit_minor >= 0),
        credit_minor {int} NOT NULL CHECK (credit_minor >= 0),
        entries {int} NOT NULL CHECK (entries >= 0),
        PRIMARY KEY (ecosystem, account, award)
    ) {strict}",
    // The parts of one award.
    "CREATE INDEX ledger_slices_award ON ledger_slices (ecosystem, award, account)",
    // What is still there to be paid or set off, without the history of what was.
    "CREATE INDEX ledger_slices_open ON ledger_slices (ecosystem, account, award)
        WHERE debit_minor <> credit_minor",
    "CREATE TABLE ledger_lines (
        ecosystem TEXT NOT NULL,
        journal TEXT NOT NULL,
        line {int} NOT NULL,
        account TEXT NOT NULL,
        entry {int} NOT NULL CHECK (entry > 0),
        award TEXT,
        currency TEXT NOT NULL,
        debit_minor {int} NOT NULL,
        credit_minor {int} NOT NULL,
        constrained {bool} NOT NULL,
        balance_minor {int} NOT NULL,
        award_balance_minor {int},
        effective_date {day} NOT NULL,
        record_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, journal, line),
        CONSTRAINT ledger_lines_one_side CHECK (
            (debit_minor > 0 AND credit_minor = 0) OR (debit_minor = 0 AND credit_minor > 0)),
        CONSTRAINT ledger_lines_award_balance CHECK (
            (award IS NULL) = (award_balance_minor IS NULL)),
        CONSTRAINT ledger_lines_never_below_zero CHECK (NOT constrained
            OR (balance_minor >= 0 AND (award IS NULL OR award_balance_minor >= 0)))
    ) {strict}",
    // The lines of an account in their one order: balances as of a time, statements.
    "CREATE UNIQUE INDEX ledger_lines__entry ON ledger_lines (ecosystem, account, entry)",
    // The lines of an award, wherever they are.
    "CREATE INDEX ledger_lines_award ON ledger_lines (ecosystem, award, account)
        WHERE award IS NOT NULL",
    "CREATE TABLE ledger_journals (
        ecosystem TEXT NOT NULL,
        id TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('ACCRUAL', 'RELEASE', 'APPROVAL', 'CLAWBACK',
            'PAYOUT_RESERVE', 'PAYOUT_CANCEL', 'PAYOUT_SEND', 'PAYOUT_SETTLE')),
        cause TEXT NOT NULL,
        sequence {int} NOT NULL,
        content_hash {bytes} NOT NULL,
        effective_date {day} NOT NULL,
        record_time {int} NOT NULL,
        reverses TEXT,
        line_count {int} NOT NULL CHECK (line_count >= 2),
        PRIMARY KEY (ecosystem, id)
    ) {strict}",
    // Nothing is posted twice.
    "CREATE UNIQUE INDEX ledger_journals__sequence ON ledger_journals (ecosystem, cause, sequence)",
    // Nothing is undone twice.
    "CREATE UNIQUE INDEX ledger_journals__reverses ON ledger_journals (ecosystem, reverses)
        WHERE reverses IS NOT NULL",
    // Lists and exports of a period.
    "CREATE INDEX ledger_journals_effective ON ledger_journals (ecosystem, effective_date, id)",
];

// A unary plus keeps the planner from grouping by an index over all lines of the ecosystem: the
// lines of a journal are found by their key.
const SQLITE: &[&str] = &[
    "CREATE TRIGGER ledger_journals_seal BEFORE INSERT ON ledger_journals
    BEGIN
        SELECT RAISE(ABORT, 'ledger: the journal does not have all of its lines')
            WHERE NEW.line_count <> (SELECT COUNT(*) FROM ledger_lines
                WHERE ecosystem = NEW.ecosystem AND journal = NEW.id);
        SELECT RAISE(ABORT, 'ledger: the lines of the journal do not balance')
            WHERE EXISTS (SELECT 1 FROM ledger_lines
                WHERE ecosystem = NEW.ecosystem AND journal = NEW.id
                GROUP BY +currency, +award HAVING SUM(debit_minor) <> SUM(credit_minor));
        SELECT RAISE(ABORT, 'ledger: the journal does not close its set-off')
            WHERE EXISTS (SELECT 1 FROM ledger_lines
                WHERE ecosystem = NEW.ecosystem AND journal = NEW.id
                    AND account LIKE 'set-off.%'
                GROUP BY +account HAVING SUM(debit_minor) <> SUM(credit_minor));
    END",
    "CREATE TRIGGER ledger_lines_unsealed BEFORE INSERT ON ledger_lines
    BEGIN
        SELECT RAISE(ABORT, 'ledger: the journal is sealed')
            WHERE EXISTS (SELECT 1 FROM ledger_journals
                WHERE ecosystem = NEW.ecosystem AND id = NEW.journal);
    END",
    "CREATE TRIGGER ledger_journals_no_update BEFORE UPDATE ON ledger_journals
    BEGIN SELECT RAISE(ABORT, 'ledger: journals are never changed'); END",
    "CREATE TRIGGER ledger_journals_no_delete BEFORE DELETE ON ledger_journals
    BEGIN SELECT RAISE(ABORT, 'ledger: journals are never removed'); END",
    "CREATE TRIGGER ledger_lines_no_update BEFORE UPDATE ON ledger_lines
    BEGIN SELECT RAISE(ABORT, 'ledger: lines are never changed'); END",
    "CREATE TRIGGER ledger_lines_no_delete BEFORE DELETE ON ledger_lines
    BEGIN SELECT RAISE(ABORT, 'ledger: lines are never removed'); END",
];

// The two checks look at a whole statement at once, because a batch brings hundreds of rows. They
// may only go through the indexes: a plan that was cached while the tables were small would
// otherwise read all of them for every batch afterwards.
const POSTGRES: &[&str] = &[
    "CREATE FUNCTION ledger_seal() RETURNS trigger LANGUAGE plpgsql
        SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    BEGIN
        IF EXISTS (SELECT 1 FROM added WHERE line_count <> (SELECT COUNT(*) FROM ledger_lines
                WHERE ecosystem = added.ecosystem AND journal = added.id)) THEN
            RAISE EXCEPTION 'ledger: the journal does not have all of its lines'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        IF EXISTS (SELECT 1 FROM added JOIN ledger_lines AS line
                ON line.ecosystem = added.ecosystem AND line.journal = added.id
                GROUP BY line.ecosystem, line.journal, line.currency, line.award
                HAVING SUM(line.debit_minor) <> SUM(line.credit_minor)) THEN
            RAISE EXCEPTION 'ledger: the lines of the journal do not balance'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        IF EXISTS (SELECT 1 FROM added JOIN ledger_lines AS line
                ON line.ecosystem = added.ecosystem AND line.journal = added.id
                WHERE line.account LIKE 'set-off.%'
                GROUP BY line.ecosystem, line.journal, line.account
                HAVING SUM(line.debit_minor) <> SUM(line.credit_minor)) THEN
            RAISE EXCEPTION 'ledger: the journal does not close its set-off'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NULL;
    END $$",
    "CREATE TRIGGER ledger_journals_seal AFTER INSERT ON ledger_journals
        REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger_seal()",
    "CREATE FUNCTION ledger_unsealed() RETURNS trigger LANGUAGE plpgsql
        SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    BEGIN
        IF EXISTS (SELECT 1 FROM added JOIN ledger_journals AS journal
                ON journal.ecosystem = added.ecosystem AND journal.id = added.journal) THEN
            RAISE EXCEPTION 'ledger: the journal is sealed'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NULL;
    END $$",
    "CREATE TRIGGER ledger_lines_unsealed AFTER INSERT ON ledger_lines
        REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger_unsealed()",
    "CREATE FUNCTION ledger_never() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'ledger: % is never changed and never removed', TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation';
    END $$",
    "CREATE TRIGGER ledger_journals_never BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_journals
        FOR EACH STATEMENT EXECUTE FUNCTION ledger_never()",
    "CREATE TRIGGER ledger_lines_never BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_lines
        FOR EACH STATEMENT EXECUTE FUNCTION ledger_never()",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, SHARED).await?;
        run_on(manager, DbBackend::Sqlite, SQLITE).await?;
        run_on(manager, DbBackend::Postgres, POSTGRES).await
    }
}
