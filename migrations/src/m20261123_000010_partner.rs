//! Partners.

use sea_orm_migration::prelude::*;

use crate::run;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const UP: &[&str] = &[
    "CREATE TABLE partners (
        ecosystem TEXT NOT NULL,
        id TEXT NOT NULL,
        display_name TEXT NOT NULL,
        partner_type TEXT NOT NULL,
        region_code TEXT,
        domain TEXT,
        contact_email TEXT,
        external_id TEXT,
        channel_manager TEXT,
        state TEXT NOT NULL CHECK (state IN ('PROSPECT', 'INVITED', 'ONBOARDING', 'ACTIVE',
            'SUSPENDED', 'TERMINATING', 'TERMINATED', 'DECLINED', 'EXPIRED')),
        invitation_expire_time {int},
        suspend_until_time {int},
        terminate_time {int},
        version {int} NOT NULL,
        create_time {int} NOT NULL,
        update_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, id)
    ) {strict}",
    // Imports find their rows again by it; no two partners may share one.
    "CREATE UNIQUE INDEX partners__external_id ON partners (ecosystem, external_id)
        WHERE external_id IS NOT NULL",
    // The sweep of each deadline looks only at the rows that have it.
    "CREATE INDEX partners_invited ON partners (ecosystem, invitation_expire_time)
        WHERE state = 'INVITED'",
    "CREATE INDEX partners_suspended ON partners (ecosystem, suspend_until_time)
        WHERE state = 'SUSPENDED'",
    "CREATE INDEX partners_terminating ON partners (ecosystem, terminate_time)
        WHERE state = 'TERMINATING'",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await
    }
}
