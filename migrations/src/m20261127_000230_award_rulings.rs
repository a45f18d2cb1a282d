//! What people rule about awards: that something is not paid.

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
            'PAYOUT_FAIL', 'PAYOUT_RETURN', 'REJECTION', 'REJECTION_REVERSAL'))",
];

// The rulings of an award are read with it, each time it is computed.
const SHARED: &[&str] = &[
    "ALTER TABLE awards ADD COLUMN rejected_minor {int} NOT NULL DEFAULT 0
        CHECK (rejected_minor >= 0 AND rejected_minor <= entitled_minor)",
    "ALTER TABLE awards ADD COLUMN rulings {json}",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run_on(manager, DbBackend::Postgres, POSTGRES).await?;
        let kinds = [(
            "'PAYOUT_RETURN')",
            "'PAYOUT_RETURN', 'REJECTION', 'REJECTION_REVERSAL')",
        )];
        rebuild(manager, "ledger_journals", &kinds).await?;
        run(manager, SHARED).await
    }
}
