//! Registrations, and the protections that approved ones have.

use sea_orm_migration::prelude::*;

use crate::run;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const UP: &[&str] = &[
    "CREATE TABLE registrations (
        ecosystem TEXT NOT NULL,
        id TEXT NOT NULL,
        display_name TEXT,
        partner TEXT NOT NULL,
        program TEXT NOT NULL,
        account TEXT NOT NULL,
        products {json} NOT NULL,
        territory TEXT,
        deal_type TEXT NOT NULL CHECK (deal_type IN ('NEW', 'EXPANSION', 'RENEWAL')),
        estimated_minor {int} NOT NULL CHECK (estimated_minor >= 0),
        currency TEXT NOT NULL,
        expected_close_date {day},
        note TEXT,
        evidence TEXT,
        state TEXT NOT NULL CHECK (state IN ('DRAFT', 'SUBMITTED', 'APPROVED', 'REJECTED',
            'WAITLISTED', 'CONVERTED', 'EXPIRED', 'WITHDRAWN')),
        contends {bool} NOT NULL,
        submit_time {int},
        decision {json},
        waitlist_position {int},
        protection_start_time {int},
        protection_end_time {int},
        deal TEXT,
        version {int} NOT NULL,
        create_time {int} NOT NULL,
        update_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, id),
        CHECK ((state = 'DRAFT' OR submit_time IS NOT NULL OR state = 'WITHDRAWN')
            AND (state = 'WAITLISTED') = (waitlist_position IS NOT NULL)
            AND (state IN ('APPROVED', 'CONVERTED', 'EXPIRED')) = (protection_end_time IS NOT NULL)
            AND (state = 'CONVERTED') = (deal IS NOT NULL))
    ) {strict}",
    // registration::lock_rivals: what stands at a customer. Few rows of a long history do.
    "CREATE INDEX registrations_contending ON registrations (ecosystem, account)
        WHERE contends",
    // registration::due: whose protection has ended and was not yet cleared away.
    "CREATE INDEX registrations_protected ON registrations (ecosystem, protection_end_time)
        WHERE contends AND protection_end_time IS NOT NULL",
    // ListRegistrations by partner, by account and by state, in the order of the ids.
    // A partner's registrations in one state, which is how partners look at theirs, have an index of
    // their own.
    "CREATE INDEX registrations_partner_state ON registrations (ecosystem, partner, state, id)",
    "CREATE INDEX registrations_partner ON registrations (ecosystem, partner, id)",
    "CREATE INDEX registrations_account ON registrations (ecosystem, account, id)",
    "CREATE INDEX registrations_state ON registrations (ecosystem, state, id)",
    // One row for each identity of the customer and each product that an approved registration
    // covers. An empty territory means everywhere.
    "CREATE TABLE protections (
        ecosystem TEXT NOT NULL,
        registration TEXT NOT NULL,
        identity TEXT NOT NULL,
        product TEXT NOT NULL,
        territory TEXT NOT NULL,
        deal_type TEXT NOT NULL,
        partner TEXT NOT NULL,
        start_time {int} NOT NULL,
        end_time {int} NOT NULL CHECK (end_time > start_time),
        active {bool} NOT NULL,
        PRIMARY KEY (ecosystem, registration, identity, product)
    ) {strict}",
    // The backstop behind the locks: the database itself grants a piece of business once.
    "CREATE UNIQUE INDEX protections__exclusive
        ON protections (ecosystem, identity, product, territory, deal_type) WHERE active",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await
    }
}
