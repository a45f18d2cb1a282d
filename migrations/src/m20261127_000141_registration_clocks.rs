//! Extensions, response clocks and transfers of registrations, and what partners do for them.

use sea_orm_migration::prelude::*;

use crate::isolation::isolate;
use crate::run;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const UP: &[&str] = &[
    "ALTER TABLE registrations ADD COLUMN extension_count INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE registrations ADD COLUMN response_due_time {int}",
    "ALTER TABLE registrations ADD COLUMN response_days_left INTEGER",
    "ALTER TABLE registrations ADD COLUMN escalation_time {int}",
    "ALTER TABLE registrations ADD COLUMN final_escalation_time {int}",
    "ALTER TABLE registrations ADD COLUMN escalation_level INTEGER NOT NULL DEFAULT 0
        CHECK (escalation_level BETWEEN 0 AND 2)",
    "ALTER TABLE registrations ADD COLUMN transfers {json} NOT NULL DEFAULT '[]'",
    // registration::unresponded: who has waited longest beyond the time to respond.
    "CREATE INDEX registrations_escalation ON registrations (ecosystem, escalation_time)
        WHERE escalation_time IS NOT NULL",
    "CREATE TABLE registration_activities (
        ecosystem TEXT NOT NULL,
        registration TEXT NOT NULL,
        number INTEGER NOT NULL,
        partner TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('MEETING', 'CALL', 'DEMONSTRATION', 'PROOF_OF_CONCEPT',
            'QUOTE', 'OTHER')),
        activity_date {day} NOT NULL,
        note TEXT NOT NULL,
        create_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, registration, number)
    ) {strict}",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await?;
        isolate(manager, &["registration_activities"]).await
    }
}
