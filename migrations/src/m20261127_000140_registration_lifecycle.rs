//! Registrations that the staff want to know more about, and revoked ones; the clocks of programs.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::{rebuild, run, run_on};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const UP: &[&str] = &[
    // What a program leaves out is as usual.
    "ALTER TABLE programs ADD COLUMN registration_clock {json} NOT NULL DEFAULT '{}'",
    "ALTER TABLE registrations ADD COLUMN info_request {json}",
    "ALTER TABLE registrations ADD COLUMN info_due_time {int}",
    "ALTER TABLE registrations ADD COLUMN resubmission_count INTEGER NOT NULL DEFAULT 0",
];

const INDEXES: &[&str] = &[
    // registration::unanswered: whose partner has not answered in time.
    "CREATE INDEX registrations_unanswered ON registrations (ecosystem, info_due_time)
        WHERE state = 'NEEDS_INFO'",
];

const STATES: &str = "'DRAFT', 'SUBMITTED', 'APPROVED', 'REJECTED',
            'WAITLISTED', 'CONVERTED', 'EXPIRED', 'WITHDRAWN'";
const MORE_STATES: &str = "'DRAFT', 'SUBMITTED', 'APPROVED', 'REJECTED',
            'WAITLISTED', 'CONVERTED', 'EXPIRED', 'WITHDRAWN', 'NEEDS_INFO', 'REVOKED'";
const PROTECTED: &str = "state IN ('APPROVED', 'CONVERTED', 'EXPIRED')";
const MORE_PROTECTED: &str = "state IN ('APPROVED', 'CONVERTED', 'EXPIRED', 'REVOKED')";

/// PostgreSQL names a check by its table and column, or by its table alone where it is of several.
const POSTGRES: &[&str] = &[
    "ALTER TABLE registrations DROP CONSTRAINT registrations_state_check",
    "ALTER TABLE registrations DROP CONSTRAINT registrations_check",
    "ALTER TABLE registrations ADD CONSTRAINT registrations_state_check
        CHECK (state IN ('DRAFT', 'SUBMITTED', 'APPROVED', 'REJECTED', 'WAITLISTED', 'CONVERTED',
            'EXPIRED', 'WITHDRAWN', 'NEEDS_INFO', 'REVOKED'))",
    "ALTER TABLE registrations ADD CONSTRAINT registrations_check
        CHECK ((state = 'DRAFT' OR submit_time IS NOT NULL OR state = 'WITHDRAWN')
            AND (state = 'WAITLISTED') = (waitlist_position IS NOT NULL)
            AND (state IN ('APPROVED', 'CONVERTED', 'EXPIRED', 'REVOKED'))
                = (protection_end_time IS NOT NULL)
            AND (state = 'CONVERTED') = (deal IS NOT NULL)
            AND (state <> 'NEEDS_INFO' OR info_due_time IS NOT NULL))",
    "ALTER TABLE registration_decisions DROP CONSTRAINT registration_decisions_occasion_check",
    "ALTER TABLE registration_decisions ADD CONSTRAINT registration_decisions_occasion_check
        CHECK (occasion IN
            ('SUBMISSION', 'TICK', 'PROMOTION', 'BREACH', 'APPROVAL', 'REJECTION'))",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await?;
        run_on(manager, DbBackend::Postgres, POSTGRES).await?;
        let same_deal = "(state = 'CONVERTED') = (deal IS NOT NULL)";
        let due = format!(
            "{same_deal}\n            AND (state <> 'NEEDS_INFO' OR info_due_time IS NOT NULL)"
        );
        rebuild(
            manager,
            "registrations",
            &[
                (STATES, MORE_STATES),
                (PROTECTED, MORE_PROTECTED),
                (same_deal, &due),
            ],
        )
        .await?;
        let breach = [(
            "'PROMOTION', 'APPROVAL'",
            "'PROMOTION', 'BREACH', 'APPROVAL'",
        )];
        rebuild(manager, "registration_decisions", &breach).await?;
        run(manager, INDEXES).await
    }
}
