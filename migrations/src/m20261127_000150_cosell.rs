//! What is remembered of a deal: how it moved, who had which part in it when, and what was disputed; and
//! which partners have a part in it.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::isolation::isolate;
use crate::{run, run_on};

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
    // Which partners reach which deals: those that have a part.
    "CREATE TABLE deal_participants (
        ecosystem TEXT NOT NULL,
        partner TEXT NOT NULL,
        deal TEXT NOT NULL,
        PRIMARY KEY (ecosystem, partner, deal)
    ) {strict}",
    // deal_participant::follow: who had a part before.
    "CREATE INDEX deal_participants_deal ON deal_participants (ecosystem, deal)",
    // deal::won_between, origin::of_won: what was won in a period.
    "CREATE INDEX deals_closed ON deals (ecosystem, stage, close_date, id)",
    // origin::of_deal: which lead a deal came of.
    "CREATE INDEX leads_deal ON leads (ecosystem, deal) WHERE deal IS NOT NULL",
];

/// Who has a part in the deals that stand.
const STANDING_POSTGRES: &[&str] = &[
    "ALTER TABLE deals NO FORCE ROW LEVEL SECURITY",
    "INSERT INTO deal_participants (ecosystem, partner, deal)
        SELECT DISTINCT deals.ecosystem, part.value ->> 'partner', deals.id
        FROM deals, jsonb_array_elements(deals.roles) AS part(value)",
    "ALTER TABLE deals FORCE ROW LEVEL SECURITY",
];

/// The same on SQLite.
const STANDING_SQLITE: &[&str] = &["INSERT INTO deal_participants (ecosystem, partner, deal)
        SELECT DISTINCT deals.ecosystem, json_extract(part.value, '$.partner'), deals.id
        FROM deals, json_each(deals.roles) AS part"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await?;
        run_on(manager, DbBackend::Postgres, STANDING_POSTGRES).await?;
        run_on(manager, DbBackend::Sqlite, STANDING_SQLITE).await?;
        let tables = [
            "deal_stage_changes",
            "deal_role_changes",
            "deal_participants",
        ];
        isolate(manager, &tables).await
    }
}
