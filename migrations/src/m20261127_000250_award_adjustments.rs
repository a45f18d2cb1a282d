//! Awards of which more is due than their facts come to, or less, because somebody has ruled so.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::{rebuild, run, run_on};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

// Also what was added can be rejected: no longer what the award comes to bounds it, but what is due.
const OF_FACTS: &str = "rejected_minor >= 0 AND rejected_minor <= entitled_minor";
const OF_DUE: &str = "rejected_minor >= 0";

/// PostgreSQL names a check by its table alone where it is of several columns, and counts them.
const POSTGRES: &[&str] = &[
    "ALTER TABLE ledger_journals DROP CONSTRAINT ledger_journals_kind_check",
    "ALTER TABLE ledger_journals ADD CONSTRAINT ledger_journals_kind_check
        CHECK (kind IN ('ACCRUAL', 'RELEASE', 'APPROVAL', 'CLAWBACK', 'PAYOUT_RESERVE',
            'PAYOUT_CANCEL', 'PAYOUT_SEND', 'PAYOUT_SETTLE', 'APPROVAL_REVERSAL',
            'PAYOUT_FAIL', 'PAYOUT_RETURN', 'REJECTION', 'REJECTION_REVERSAL',
            'HOLD', 'HOLD_RELEASE', 'ADJUSTMENT'))",
    "ALTER TABLE awards DROP CONSTRAINT awards_check2",
    "ALTER TABLE awards ADD CONSTRAINT awards_rejected_minor_check CHECK (rejected_minor >= 0)",
];

const SHARED: &[&str] = &[
    "ALTER TABLE awards ADD COLUMN adjusted_minor {int} NOT NULL DEFAULT 0
        CHECK (entitled_minor + adjusted_minor - rejected_minor >= 0)",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run_on(manager, DbBackend::Postgres, POSTGRES).await?;
        let kinds = [("'HOLD_RELEASE')", "'HOLD_RELEASE', 'ADJUSTMENT')")];
        rebuild(manager, "ledger_journals", &kinds).await?;
        rebuild(manager, "awards", &[(OF_FACTS, OF_DUE)]).await?;
        run(manager, SHARED).await
    }
}
