//! Decisions that are made because a customer is recognised by something else.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::{rebuild, run_on};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const POSTGRES: &[&str] = &[
    "ALTER TABLE registration_decisions DROP CONSTRAINT registration_decisions_occasion_check",
    "ALTER TABLE registration_decisions ADD CONSTRAINT registration_decisions_occasion_check
        CHECK (occasion IN
            ('SUBMISSION', 'TICK', 'PROMOTION', 'RECOGNITION', 'BREACH', 'APPROVAL', 'REJECTION'))",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run_on(manager, DbBackend::Postgres, POSTGRES).await?;
        let recognition = [(
            "'PROMOTION', 'BREACH'",
            "'PROMOTION', 'RECOGNITION', 'BREACH'",
        )];
        rebuild(manager, "registration_decisions", &recognition).await
    }
}
