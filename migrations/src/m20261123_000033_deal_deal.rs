//! Deals, and what was recorded about won ones.

use sea_orm_migration::prelude::*;

use crate::run;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const UP: &[&str] = &[
    "CREATE TABLE deals (
        ecosystem TEXT NOT NULL,
        id TEXT NOT NULL,
        display_name TEXT NOT NULL,
        account TEXT,
        partner TEXT,
        roles {json} NOT NULL,
        lines {json} NOT NULL,
        amount_minor {int} CHECK (amount_minor >= 0),
        currency TEXT,
        deal_type TEXT CHECK (deal_type IN ('NEW', 'EXPANSION', 'RENEWAL')),
        territory TEXT,
        engage_date {day},
        expected_close_date {day},
        external_id TEXT,
        stage TEXT NOT NULL CHECK (stage IN ('PROSPECT', 'QUALIFIED', 'TECHNICAL_VALIDATION',
            'BUSINESS_VALIDATION', 'COMMITTED', 'WON', 'LOST')),
        closed_from TEXT,
        close_date {day},
        period {day},
        lost_reason_code TEXT,
        win {int} NOT NULL,
        won_time {int},
        invoiced_minor {int} NOT NULL CHECK (invoiced_minor >= 0),
        refunded_minor {int} NOT NULL CHECK (refunded_minor >= 0),
        churn_date {day},
        registration TEXT,
        program TEXT,
        version {int} NOT NULL,
        create_time {int} NOT NULL,
        update_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, id),
        CHECK ((amount_minor IS NULL) = (currency IS NULL)
            AND (stage IN ('WON', 'LOST')) = (close_date IS NOT NULL)
            AND (stage = 'WON') = (won_time IS NOT NULL)
            AND (stage <> 'WON' OR (amount_minor IS NOT NULL AND win > 0))
            AND refunded_minor <= COALESCE(amount_minor, 0))
    ) {strict}",
    // deal::lock_by_external_ids: imports find their rows again; no two deals may share one.
    "CREATE UNIQUE INDEX deals__external_id ON deals (ecosystem, external_id)
        WHERE external_id IS NOT NULL",
    // ListDeals by partner, by account and by stage, in the order of the ids.
    // A partner's deals of one stage have an index of their own: each of the two fields alone would
    // leave thousands of rows to be looked through for a page.
    "CREATE INDEX deals_partner_stage ON deals (ecosystem, partner, stage, id)",
    "CREATE INDEX deals_partner ON deals (ecosystem, partner, id)",
    "CREATE INDEX deals_account ON deals (ecosystem, account, id)",
    "CREATE INDEX deals_stage ON deals (ecosystem, stage, id)",
    // What was recorded about a win, once each. `win` says about which.
    "CREATE TABLE deal_records (
        ecosystem TEXT NOT NULL,
        deal TEXT NOT NULL,
        win {int} NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('INVOICE', 'REFUND', 'CHURN')),
        external_id TEXT NOT NULL,
        amount_minor {int} CHECK (amount_minor > 0),
        date {day} NOT NULL,
        reason_code TEXT,
        create_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, deal, win, kind, external_id),
        CHECK ((kind = 'CHURN') = (amount_minor IS NULL))
    ) {strict}",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await
    }
}
