//! What makes probing for others' registrations costly and visible: budgets, canaries, and what each
//! partner has handed in.

use sea_orm_migration::prelude::*;

use crate::isolation::isolate;
use crate::run;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const UP: &[&str] = &[
    // 0: no limit.
    "ALTER TABLE programs ADD COLUMN daily_account_budget INTEGER NOT NULL DEFAULT 20
        CHECK (daily_account_budget >= 0)",
    "ALTER TABLE programs ADD COLUMN monthly_account_budget INTEGER NOT NULL DEFAULT 100
        CHECK (monthly_account_budget >= 0)",
    "ALTER TABLE programs ADD COLUMN person_open_limit INTEGER NOT NULL DEFAULT 100
        CHECK (person_open_limit >= 0)",
    "ALTER TABLE programs ADD COLUMN partner_open_limit INTEGER NOT NULL DEFAULT 0
        CHECK (partner_open_limit >= 0)",
    "ALTER TABLE accounts ADD COLUMN canary {bool} NOT NULL DEFAULT FALSE",
    // customer::canaries, and ListAccounts of those that are canaries.
    "CREATE INDEX accounts_canary ON accounts (ecosystem, id) WHERE canary",
    "ALTER TABLE registrations ADD COLUMN suspicion TEXT
        CHECK (suspicion IN ('CANARY', 'ACCOUNT_CHANGED', 'PROBING', 'REFUSALS'))",
    "ALTER TABLE registrations ADD COLUMN screening {json}",
    // ListRegistrations of those that are suspicious, in the order of the ids.
    "CREATE INDEX registrations_suspicion ON registrations (ecosystem, suspicion, id)
        WHERE suspicion IS NOT NULL",
    // One row for each registration that was handed in.
    "CREATE TABLE submissions (
        ecosystem TEXT NOT NULL,
        partner TEXT NOT NULL,
        registration TEXT NOT NULL,
        time {int} NOT NULL,
        cost {int} NOT NULL CHECK (cost >= 0),
        alarm TEXT CHECK (alarm IN ('CANARY', 'BUDGET')),
        decide_time {int},
        refused {bool},
        PRIMARY KEY (ecosystem, partner, registration),
        CHECK ((decide_time IS NULL) = (refused IS NULL))
    ) {strict}",
    // submission::spent: what a partner's submissions cost in the last 30 days.
    "CREATE INDEX submissions_cost ON submissions (ecosystem, partner, time, cost)",
    // submission::alarmed: the latest of a partner's submissions that raised an alarm.
    "CREATE INDEX submissions_alarm ON submissions (ecosystem, partner, time)
        WHERE alarm IS NOT NULL",
    // submission::outcomes: how the last of a partner's submissions ended.
    "CREATE INDEX submissions_decided ON submissions
        (ecosystem, partner, decide_time, registration) WHERE decide_time IS NOT NULL",
    // By which keys the customer of a submission was known when it was handed in.
    "CREATE TABLE submission_keys (
        ecosystem TEXT NOT NULL,
        partner TEXT NOT NULL,
        key TEXT NOT NULL,
        registration TEXT NOT NULL,
        time {int} NOT NULL,
        PRIMARY KEY (ecosystem, partner, key, registration)
    ) {strict}",
    // submission::keys_of: the keys of one submission.
    "CREATE INDEX submission_keys_registration ON submission_keys
        (ecosystem, partner, registration, key)",
    // Which canaries a partner has named; each is told of once.
    "CREATE TABLE canary_hits (
        ecosystem TEXT NOT NULL,
        partner TEXT NOT NULL,
        account TEXT NOT NULL,
        registration TEXT NOT NULL,
        time {int} NOT NULL,
        PRIMARY KEY (ecosystem, partner, account)
    ) {strict}",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await?;
        isolate(manager, &["submissions", "submission_keys", "canary_hits"]).await
    }
}
