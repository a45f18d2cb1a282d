//! Payout batches, their items (one for each partner) and their lines (one for each award).
//!
//! What a batch has reserved is in the ledger; these tables say for whom and why. The lines are
//! what an approver approves, so the database refuses to change them, as it refuses an approver who
//! prepared the batch.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::{run, run_on};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const SHARED: &[&str] = &[
    "CREATE TABLE payout_batches (
        ecosystem TEXT NOT NULL,
        id TEXT NOT NULL,
        currency TEXT NOT NULL,
        minimum_minor {int} NOT NULL CHECK (minimum_minor >= 0),
        partners {json} NOT NULL,
        cut_off_time {int},
        state TEXT NOT NULL CHECK (state IN ('DRAFT', 'SUBMITTED', 'APPROVED', 'SENT', 'SETTLED',
            'CANCELLED')),
        gross_minor {int} NOT NULL,
        set_off_minor {int} NOT NULL,
        net_minor {int} NOT NULL,
        item_count {int} NOT NULL,
        blocked_item_count {int} NOT NULL,
        is_full {bool} NOT NULL,
        content_hash {bytes} NOT NULL,
        creator TEXT NOT NULL,
        submitter TEXT,
        approver TEXT,
        submit_time {int},
        approve_time {int},
        send_time {int},
        settle_time {int},
        cancel_time {int},
        version {int} NOT NULL,
        create_time {int} NOT NULL,
        update_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, id),
        CONSTRAINT payout_batches_adds_up CHECK (net_minor = gross_minor - set_off_minor),
        CONSTRAINT payout_batches_four_eyes CHECK (approver IS NULL
            OR (approver <> creator AND approver <> submitter AND approver <> 'anonymous'))
    ) {strict}",
    "CREATE TABLE payout_items (
        ecosystem TEXT NOT NULL,
        batch TEXT NOT NULL,
        partner TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('READY', 'BLOCKED', 'SENT', 'SETTLED', 'CANCELLED')),
        block_reason TEXT CHECK (block_reason IN ('PARTNER_SUSPENDED', 'BELOW_MINIMUM')),
        gross_minor {int} NOT NULL CHECK (gross_minor >= 0),
        set_off_minor {int} NOT NULL CHECK (set_off_minor >= 0),
        net_minor {int} NOT NULL CHECK (net_minor >= 0),
        send_time {int},
        settle_time {int},
        update_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, batch, partner),
        CONSTRAINT payout_items_adds_up CHECK (net_minor = gross_minor - set_off_minor),
        CONSTRAINT payout_items_block_reason CHECK (
            (state = 'BLOCKED') = (block_reason IS NOT NULL))
    ) {strict}",
    "CREATE TABLE payout_lines (
        ecosystem TEXT NOT NULL,
        batch TEXT NOT NULL,
        partner TEXT NOT NULL,
        award TEXT NOT NULL,
        gross_minor {int} NOT NULL CHECK (gross_minor >= 0),
        set_off_minor {int} NOT NULL CHECK (set_off_minor BETWEEN 0 AND gross_minor),
        recovered_minor {int} NOT NULL CHECK (recovered_minor >= 0),
        PRIMARY KEY (ecosystem, batch, partner, award)
    ) {strict}",
];

const SQLITE: &[&str] = &[
    "CREATE TRIGGER payout_lines_no_update BEFORE UPDATE ON payout_lines
    BEGIN SELECT RAISE(ABORT, 'payout: lines are never changed'); END",
    "CREATE TRIGGER payout_lines_no_delete BEFORE DELETE ON payout_lines
    BEGIN SELECT RAISE(ABORT, 'payout: lines are never removed'); END",
];

const POSTGRES: &[&str] = &[
    "CREATE TRIGGER payout_lines_never BEFORE UPDATE OR DELETE OR TRUNCATE ON payout_lines
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
