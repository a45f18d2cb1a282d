//! Items of payout batches that the bank does not pay, or returns.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::{rebuild, run, run_on};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const POSTGRES: &[&str] = &[
    "ALTER TABLE ledger_journals DROP CONSTRAINT ledger_journals_kind_check",
    "ALTER TABLE ledger_journals ADD CONSTRAINT ledger_journals_kind_check
        CHECK (kind IN ('ACCRUAL', 'RELEASE', 'APPROVAL', 'CLAWBACK', 'PAYOUT_RESERVE',
            'PAYOUT_CANCEL', 'PAYOUT_SEND', 'PAYOUT_SETTLE', 'APPROVAL_REVERSAL',
            'PAYOUT_FAIL', 'PAYOUT_RETURN'))",
    "ALTER TABLE payout_items DROP CONSTRAINT payout_items_state_check",
    "ALTER TABLE payout_items ADD CONSTRAINT payout_items_state_check
        CHECK (state IN ('READY', 'BLOCKED', 'SENT', 'SETTLED', 'CANCELLED', 'FAILED', 'RETURNED'))",
];

const SHARED: &[&str] = &["ALTER TABLE payout_items ADD COLUMN bank_reason_code TEXT
    CHECK (bank_reason_code IS NULL OR state IN ('FAILED', 'RETURNED'))"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run_on(manager, DbBackend::Postgres, POSTGRES).await?;
        let kinds = [(
            "'APPROVAL_REVERSAL')",
            "'APPROVAL_REVERSAL', 'PAYOUT_FAIL', 'PAYOUT_RETURN')",
        )];
        rebuild(manager, "ledger_journals", &kinds).await?;
        let states = [("'CANCELLED'))", "'CANCELLED', 'FAILED', 'RETURNED'))")];
        rebuild(manager, "payout_items", &states).await?;
        run(manager, SHARED).await
    }
}
