//! Journals that take an approval back.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::{rebuild, run_on};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const POSTGRES: &[&str] = &[
    "ALTER TABLE ledger_journals DROP CONSTRAINT ledger_journals_kind_check",
    "ALTER TABLE ledger_journals ADD CONSTRAINT ledger_journals_kind_check
        CHECK (kind IN ('ACCRUAL', 'RELEASE', 'APPROVAL', 'CLAWBACK', 'PAYOUT_RESERVE',
            'PAYOUT_CANCEL', 'PAYOUT_SEND', 'PAYOUT_SETTLE', 'APPROVAL_REVERSAL'))",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run_on(manager, DbBackend::Postgres, POSTGRES).await?;
        let kinds = [("'PAYOUT_SETTLE')", "'PAYOUT_SETTLE', 'APPROVAL_REVERSAL')")];
        rebuild(manager, "ledger_journals", &kinds).await
    }
}
