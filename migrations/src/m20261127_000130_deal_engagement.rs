//! Engagements, their members, and what was shared with each.

use sea_orm_migration::prelude::*;

use crate::isolation::isolate;
use crate::run;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const UP: &[&str] = &[
    "CREATE TABLE engagements (
        ecosystem TEXT NOT NULL,
        id TEXT NOT NULL,
        title TEXT NOT NULL,
        customer_name TEXT NOT NULL,
        region_code TEXT,
        industry TEXT,
        size_band TEXT,
        description TEXT,
        expected_roles {json} NOT NULL,
        estimated_minor {int} CHECK (estimated_minor >= 0),
        currency TEXT,
        members_visible {bool} NOT NULL,
        external_id TEXT,
        state TEXT NOT NULL CHECK (state IN ('DRAFT', 'ACTIVE', 'SUSPENDED', 'CLOSED')),
        reason_code TEXT,
        close_time {int},
        version {int} NOT NULL,
        create_time {int} NOT NULL,
        update_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, id),
        CHECK ((estimated_minor IS NULL) = (currency IS NULL)
            AND (state = 'CLOSED') = (close_time IS NOT NULL)
            AND (state = 'CLOSED') = (reason_code IS NOT NULL))
    ) {strict}",
    "CREATE UNIQUE INDEX engagements__external_id ON engagements (ecosystem, external_id)
        WHERE external_id IS NOT NULL",
    // ListEngagements by state, in the order of the ids.
    "CREATE INDEX engagements_state ON engagements (ecosystem, state, id)",
    "CREATE TABLE engagement_members (
        ecosystem TEXT NOT NULL,
        engagement TEXT NOT NULL,
        id TEXT NOT NULL,
        partner TEXT NOT NULL,
        role TEXT NOT NULL,
        message TEXT,
        expire_time {int} NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('INVITED', 'ACCEPTED', 'REJECTED', 'EXPIRED',
            'CANCELLED', 'LEFT', 'REMOVED')),
        until_time {int},
        accept_time {int},
        end_time {int},
        reason_code TEXT,
        version {int} NOT NULL,
        create_time {int} NOT NULL,
        update_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, engagement, id),
        FOREIGN KEY (ecosystem, engagement) REFERENCES engagements (ecosystem, id),
        CHECK ((state = 'ACCEPTED') = (until_time IS NULL)
            AND (state IN ('INVITED', 'ACCEPTED')) = (end_time IS NULL)
            AND (state IN ('ACCEPTED', 'LEFT', 'REMOVED')) = (accept_time IS NOT NULL))
    ) {strict}",
    // A partner is in an engagement once. member::open: whether it is.
    "CREATE UNIQUE INDEX engagement_members__partner
        ON engagement_members (ecosystem, engagement, partner)
        WHERE state IN ('INVITED', 'ACCEPTED')",
    // member::held: what a partner is invited to and a member of.
    "CREATE INDEX engagement_members_held ON engagement_members (ecosystem, partner)",
    // member::due: the invitations whose time has passed and was not yet acted upon.
    "CREATE INDEX engagement_members_due ON engagement_members (ecosystem, until_time)
        WHERE state = 'INVITED'",
    "CREATE TABLE engagement_snapshots (
        ecosystem TEXT NOT NULL,
        engagement TEXT NOT NULL,
        id TEXT NOT NULL,
        member TEXT NOT NULL,
        resource TEXT NOT NULL,
        revision INTEGER NOT NULL CHECK (revision > 0),
        first_snapshot TEXT NOT NULL,
        fields {json} NOT NULL,
        content {json} NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('SHARED', 'REVOKED')),
        revoke_time {int},
        version {int} NOT NULL,
        create_time {int} NOT NULL,
        update_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, engagement, id),
        FOREIGN KEY (ecosystem, engagement, member)
            REFERENCES engagement_members (ecosystem, engagement, id),
        CHECK ((state = 'REVOKED') = (revoke_time IS NOT NULL))
    ) {strict}",
    // snapshot::latest: what a member was shared of a resource. Each revision is one.
    "CREATE UNIQUE INDEX engagement_snapshots__revision
        ON engagement_snapshots (ecosystem, engagement, member, resource, revision)",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await?;
        let tables = ["engagements", "engagement_members", "engagement_snapshots"];
        isolate(manager, &tables).await
    }
}
