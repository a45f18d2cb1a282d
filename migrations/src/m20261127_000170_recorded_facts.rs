//! Facts of all kinds, what is to be reached, what currencies are worth; awards that are computed from
//! facts.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::isolation::isolate;
use crate::{rebuild, run, run_on};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const UP: &[&str] = &[
    // What a win says besides its amount. Wins that were recorded before say nothing.
    "ALTER TABLE incentive_facts ADD COLUMN detail {json}",
    // When it was decided that a version retires: before that it held on all its days.
    "ALTER TABLE plan_versions ADD COLUMN retire_decision_time {int}",
    "ALTER TABLE awards ADD COLUMN earner TEXT",
    "ALTER TABLE awards ADD COLUMN basis {json}",
    "CREATE TABLE recorded_facts (
        ecosystem TEXT NOT NULL,
        source TEXT NOT NULL,
        external_id TEXT NOT NULL,
        revision {day} NOT NULL CHECK (revision > 0),
        kind TEXT NOT NULL,
        withdrawn {bool} NOT NULL,
        partner TEXT,
        about TEXT,
        occur_date {day} NOT NULL,
        standing TEXT,
        said {json} NOT NULL,
        digest TEXT NOT NULL,
        actor TEXT NOT NULL,
        record_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, source, external_id, revision)
    ) {strict}",
    // recorded_fact::of_partners: everything that a partner's awards are computed from.
    "CREATE INDEX recorded_facts_partner ON recorded_facts (ecosystem, partner, occur_date)
        WHERE partner IS NOT NULL",
    // recorded_fact::of_partners: what takes back of a fact, and names no partner.
    "CREATE INDEX recorded_facts_about ON recorded_facts (ecosystem, source, about)
        WHERE about IS NOT NULL",
    "CREATE TABLE quotas (
        ecosystem TEXT NOT NULL,
        partner TEXT NOT NULL,
        quota TEXT NOT NULL,
        period_start {day} NOT NULL,
        revision {day} NOT NULL CHECK (revision > 0),
        amount {int} NOT NULL CHECK (amount >= 0),
        currency TEXT,
        actor TEXT NOT NULL,
        record_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, partner, quota, period_start, revision)
    ) {strict}",
    "CREATE TABLE exchange_rates (
        ecosystem TEXT NOT NULL,
        external_id TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('SPOT', 'MONTH_AVERAGE', 'PLAN_FIXED')),
        from_currency TEXT NOT NULL,
        to_currency TEXT NOT NULL,
        rate_date {day} NOT NULL,
        rate TEXT NOT NULL,
        actor TEXT NOT NULL,
        record_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, external_id)
    ) {strict}",
];

const INDEXES: &[&str] = &[
    // award::lock_earned: what facts of a partner have made under plans.
    "CREATE INDEX awards_earner ON awards (ecosystem, plan, earner) WHERE earner IS NOT NULL",
];

const WINDOWS: &str = "'EVENT', 'MONTH', 'QUARTER', 'HALF', 'YEAR'";
const MORE_WINDOWS: &str = "'EVENT', 'MONTH', 'QUARTER', 'HALF', 'YEAR', 'LIFETIME'";
const OF_DEAL: &str = "(window_kind = 'EVENT') = (deal IS NOT NULL)";
const OF_DEAL_OR_FACT: &str = "earner IS NOT NULL OR (window_kind = 'EVENT') = (deal IS NOT NULL)";

/// PostgreSQL names a check by its table and column, or by its table alone where it is of several.
const POSTGRES: &[&str] = &[
    "ALTER TABLE awards DROP CONSTRAINT awards_window_kind_check",
    "ALTER TABLE awards ADD CONSTRAINT awards_window_kind_check
        CHECK (window_kind IN ('EVENT', 'MONTH', 'QUARTER', 'HALF', 'YEAR', 'LIFETIME'))",
    "ALTER TABLE awards DROP CONSTRAINT awards_check",
    "ALTER TABLE awards ADD CONSTRAINT awards_check
        CHECK (earner IS NOT NULL OR (window_kind = 'EVENT') = (deal IS NOT NULL))",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await?;
        run_on(manager, DbBackend::Postgres, POSTGRES).await?;
        let changes = [(WINDOWS, MORE_WINDOWS), (OF_DEAL, OF_DEAL_OR_FACT)];
        rebuild(manager, "awards", &changes).await?;
        run(manager, INDEXES).await?;
        isolate(manager, &["recorded_facts", "quotas", "exchange_rates"]).await
    }
}
