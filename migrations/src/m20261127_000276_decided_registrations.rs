//! What a partner has asked for at a customer before.

use sea_orm_migration::prelude::*;

use crate::run;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const UP: &[&str] = &[
    // registration::decided_before, with every decision: of all that the partner ever asked for those at
    // a few accounts that came to an end or were granted.
    "CREATE INDEX registrations_decided ON registrations (ecosystem, partner, account, id)
        WHERE state IN ('REJECTED', 'REVOKED', 'EXPIRED', 'APPROVED')",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await
    }
}
