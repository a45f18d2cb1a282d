//! Fields of deals that partners own, what either side proposes for the other's, and the ids of deals in
//! other systems.

use sea_orm_migration::prelude::*;

use crate::isolation::isolate;
use crate::run;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const UP: &[&str] = &[
    "ALTER TABLE deals ADD COLUMN next_step TEXT",
    "ALTER TABLE deals ADD COLUMN contacts {json} NOT NULL DEFAULT '[]'",
    "ALTER TABLE deals ADD COLUMN partner_product TEXT",
    "ALTER TABLE deals ADD COLUMN external_ids {json} NOT NULL DEFAULT '[]'",
    "ALTER TABLE deals ADD COLUMN writes {json} NOT NULL DEFAULT '{}'",
    // How many proposals there were: the next one is numbered by it under the lock of the deal.
    "ALTER TABLE deals ADD COLUMN proposal_count {int} NOT NULL DEFAULT 0",
    "CREATE TABLE deal_proposals (
        ecosystem TEXT NOT NULL,
        deal TEXT NOT NULL,
        number {int} NOT NULL CHECK (number > 0),
        side TEXT NOT NULL CHECK (side IN ('VENDOR', 'PARTNER')),
        partner TEXT NOT NULL,
        field TEXT NOT NULL,
        value {json} NOT NULL,
        actor TEXT NOT NULL,
        source_system TEXT,
        source_time {int},
        state TEXT NOT NULL CHECK (state IN ('OPEN', 'ACCEPTED', 'REJECTED', 'SUPERSEDED')),
        decider TEXT,
        note TEXT,
        decide_time {int},
        create_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, deal, number),
        CHECK ((state = 'OPEN') = (decide_time IS NULL))
    ) {strict}",
    // external_id::find: which deal has an id in a system; no two deals may have the same.
    "CREATE TABLE deal_external_ids (
        ecosystem TEXT NOT NULL,
        system TEXT NOT NULL,
        external_id TEXT NOT NULL,
        deal TEXT NOT NULL,
        PRIMARY KEY (ecosystem, system, external_id)
    ) {strict}",
    // external_id::follow: which ids a deal had. In each system it has one.
    "CREATE UNIQUE INDEX deal_external_ids__deal ON deal_external_ids (ecosystem, deal, system)",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await?;
        isolate(manager, &["deal_proposals", "deal_external_ids"]).await
    }
}
