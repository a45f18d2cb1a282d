//! Indexes for the lists that people run most.

use sea_orm_migration::prelude::*;

use crate::run;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const UP: &[&str] = &[
    // ListDeals of a partner in a stage: each of the two fields alone would leave thousands of rows
    // to be looked through for a page.
    "CREATE INDEX deals_partner_stage ON deals (ecosystem, partner, stage, id)",
    // ListRegistrations of a partner in a state, which is how partners look at theirs.
    "CREATE INDEX registrations_partner_state ON registrations (ecosystem, partner, state, id)",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await
    }
}
