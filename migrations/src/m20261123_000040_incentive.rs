//! Plans, their versions, facts, totals and awards.

use sea_orm_migration::prelude::*;

use crate::run;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const UP: &[&str] = &[
    "CREATE TABLE plans (
        ecosystem TEXT NOT NULL,
        id TEXT NOT NULL,
        display_name TEXT NOT NULL,
        description TEXT NOT NULL,
        program TEXT NOT NULL,
        version {int} NOT NULL,
        create_time {int} NOT NULL,
        update_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, id)
    ) {strict}",
    // Lists by program.
    "CREATE INDEX plans_program ON plans (ecosystem, program)",
    "CREATE TABLE plan_versions (
        ecosystem TEXT NOT NULL,
        plan TEXT NOT NULL,
        number {day} NOT NULL,
        program TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('DRAFT', 'SCHEDULED', 'ACTIVE', 'RETIRED')),
        effective_from {day} NOT NULL,
        effective_until {day},
        retire_date {day},
        currency TEXT NOT NULL,
        kind TEXT NOT NULL,
        terms {json} NOT NULL,
        time_zone TEXT,
        start_time {int},
        end_time {int},
        schedule_time {int},
        catch_up {json},
        version {int} NOT NULL,
        create_time {int} NOT NULL,
        update_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, plan, number),
        CHECK (state = 'DRAFT' OR (time_zone IS NOT NULL AND start_time IS NOT NULL))
    ) {strict}",
    // The worker asks which versions hold on the days of its facts.
    "CREATE INDEX plan_versions_days ON plan_versions (ecosystem, effective_from)
        WHERE state <> 'DRAFT'",
    // The sweep writes down which first days have come, and which last days have passed.
    "CREATE INDEX plan_versions_start ON plan_versions (ecosystem, start_time)
        WHERE state = 'SCHEDULED'",
    "CREATE INDEX plan_versions_end ON plan_versions (ecosystem, end_time)
        WHERE state IN ('SCHEDULED', 'ACTIVE')",
    "CREATE INDEX plan_versions_catch_up ON plan_versions (ecosystem, plan, number)
        WHERE catch_up IS NOT NULL",
    "CREATE TABLE incentive_facts (
        ecosystem TEXT NOT NULL,
        source TEXT NOT NULL,
        external_id TEXT NOT NULL,
        revision {int} NOT NULL,
        supersedes {int},
        kind TEXT NOT NULL CHECK (kind IN ('DEAL_WON', 'DEAL_REOPENED', 'DEAL_REFUNDED',
            'DEAL_INVOICED', 'DEAL_CHURNED')),
        deal TEXT NOT NULL,
        win {int} NOT NULL,
        partner TEXT,
        standing TEXT,
        amount_minor {int} NOT NULL CHECK (amount_minor >= 0),
        currency TEXT,
        occur_date {day} NOT NULL,
        record_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, source, external_id, revision)
    ) {strict}",
    // What a deal counts for is computed from all its facts.
    "CREATE INDEX incentive_facts_deal ON incentive_facts (ecosystem, deal)",
    // The wins of a partner's period, and those that a new plan version catches up with.
    "CREATE INDEX incentive_facts_wins ON incentive_facts
        (ecosystem, partner, occur_date, deal, win) WHERE kind = 'DEAL_WON'",
    "CREATE TABLE incentive_totals (
        ecosystem TEXT NOT NULL,
        partner TEXT NOT NULL,
        occur_date {day} NOT NULL,
        currency TEXT NOT NULL,
        standing TEXT NOT NULL,
        deal_count {int} NOT NULL,
        won_minor {int} NOT NULL,
        net_minor {int} NOT NULL,
        PRIMARY KEY (ecosystem, partner, occur_date, currency, standing)
    ) {strict}",
    "CREATE TABLE awards (
        ecosystem TEXT NOT NULL,
        id TEXT NOT NULL,
        plan TEXT NOT NULL,
        plan_version {day} NOT NULL,
        program TEXT NOT NULL,
        partner TEXT NOT NULL,
        scope TEXT NOT NULL,
        window_kind TEXT NOT NULL CHECK (window_kind IN ('EVENT', 'MONTH', 'QUARTER', 'HALF', 'YEAR')),
        deal TEXT,
        scope_date {day} NOT NULL,
        currency TEXT NOT NULL,
        accounting_class TEXT NOT NULL CHECK (accounting_class IN ('CONTRA_REVENUE',
            'COMMISSION_EXPENSE')),
        entitled_minor {int} NOT NULL CHECK (entitled_minor >= 0),
        posted_before_minor {int} NOT NULL CHECK (posted_before_minor >= 0),
        not_paid TEXT,
        release_time {int},
        posting_count {int} NOT NULL,
        trace_hash TEXT NOT NULL,
        version {int} NOT NULL,
        create_time {int} NOT NULL,
        update_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, id),
        CHECK ((window_kind = 'EVENT') = (deal IS NOT NULL)),
        CHECK ((entitled_minor = 0) = (not_paid IS NOT NULL))
    ) {strict}",
    // One award for each plan, partner and scope, whatever happens at the same time.
    "CREATE UNIQUE INDEX awards__key ON awards (ecosystem, plan, partner, scope)",
    // ListAwards by partner, in the order of the ids; by partner and plan the key above finds them.
    "CREATE INDEX awards_partner ON awards (ecosystem, partner, id)",
    "CREATE INDEX awards_deal ON awards (ecosystem, deal) WHERE deal IS NOT NULL",
    // The sweep of the holds looks only at awards that have something held.
    "CREATE INDEX awards_release ON awards (ecosystem, release_time)
        WHERE release_time IS NOT NULL",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await
    }
}
