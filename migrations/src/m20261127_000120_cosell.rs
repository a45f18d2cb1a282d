//! What is remembered of a deal: how it moved, who had which part in it when, and what was disputed.

use sea_orm_migration::prelude::*;

use crate::isolation::isolate;
use crate::run;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const UP: &[&str] = &[
    // How many rows each history has: the next one is numbered by it under the lock of the deal.
    "ALTER TABLE deals ADD COLUMN stage_change_count {int} NOT NULL DEFAULT 0",
    "ALTER TABLE deals ADD COLUMN role_change_count {int} NOT NULL DEFAULT 0",
    "ALTER TABLE deals ADD COLUMN disputes {json} NOT NULL DEFAULT '[]'",
    "CREATE TABLE deal_stage_changes (
        ecosystem TEXT NOT NULL,
        deal TEXT NOT NULL,
        number {int} NOT NULL CHECK (number > 0),
        from_stage TEXT,
        to_stage TEXT NOT NULL,
        amount_minor {int},
        currency TEXT,
        close_date {day},
        actor TEXT NOT NULL,
        reason_code TEXT,
        note TEXT,
        create_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, deal, number),
        CHECK ((amount_minor IS NULL) = (currency IS NULL))
    ) {strict}",
    "CREATE TABLE deal_role_changes (
        ecosystem TEXT NOT NULL,
        deal TEXT NOT NULL,
        number {int} NOT NULL CHECK (number > 0),
        cause TEXT NOT NULL CHECK (cause IN ('CREATED', 'SET', 'IMPORTED', 'DISPUTE')),
        roles {json} NOT NULL,
        actor TEXT NOT NULL,
        note TEXT,
        create_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, deal, number)
    ) {strict}",
    // deal::won_between: what was won in a period.
    "CREATE INDEX deals_won ON deals (ecosystem, close_date, id) WHERE stage = 'WON'",
    // lead::of_deals: what leads became.
    "CREATE INDEX leads_deal ON leads (ecosystem, deal) WHERE deal IS NOT NULL",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await?;
        isolate(manager, &["deal_stage_changes", "deal_role_changes"]).await
    }
}
