//! Proposals across deals.

use sea_orm_migration::prelude::*;

use crate::run;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const UP: &[&str] = &[
    // ListDealProposals of all deals, the latest first.
    "CREATE INDEX deal_proposals__latest
        ON deal_proposals (ecosystem, create_time DESC, deal, number DESC)",
    // The same of those that wait for an answer, which are few among all that were ever made.
    "CREATE INDEX deal_proposals__state
        ON deal_proposals (ecosystem, state, create_time DESC, deal, number DESC)",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await
    }
}
