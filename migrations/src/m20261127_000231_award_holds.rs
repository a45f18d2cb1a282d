//! Awards that somebody holds, until somebody releases them.

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
            'PAYOUT_FAIL', 'PAYOUT_RETURN', 'REJECTION', 'REJECTION_REVERSAL',
            'HOLD', 'HOLD_RELEASE'))",
];

const SHARED: &[&str] = &[
    "ALTER TABLE awards ADD COLUMN hold_reason TEXT
        CHECK (hold_reason IN ('DISPUTE', 'FRAUD', 'REVIEW'))",
    "ALTER TABLE awards ADD COLUMN hold_time {int}
        CHECK ((hold_time IS NULL) = (hold_reason IS NULL))",
    "ALTER TABLE awards ADD COLUMN hold_payable_minor {int} NOT NULL DEFAULT 0
        CHECK (hold_payable_minor >= 0 AND (hold_payable_minor = 0 OR hold_reason IS NOT NULL))",
    // due::payable_slices: whatever is payable of these is left out of payouts.
    "CREATE INDEX awards_hold ON awards (ecosystem, id) WHERE hold_reason IS NOT NULL",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run_on(manager, DbBackend::Postgres, POSTGRES).await?;
        let kinds = [(
            "'REJECTION_REVERSAL')",
            "'REJECTION_REVERSAL', 'HOLD', 'HOLD_RELEASE')",
        )];
        rebuild(manager, "ledger_journals", &kinds).await?;
        run(manager, SHARED).await
    }
}
