//! Programs with their tiers and revisions, and the enrolments of partners in them.

use sea_orm_migration::prelude::*;

use crate::run;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const UP: &[&str] = &[
    "CREATE TABLE programs (
        ecosystem TEXT NOT NULL,
        id TEXT NOT NULL,
        display_name TEXT NOT NULL,
        description TEXT NOT NULL,
        time_zone TEXT NOT NULL,
        currency TEXT NOT NULL,
        protection_days INTEGER NOT NULL CHECK (protection_days > 0),
        extension_days INTEGER NOT NULL CHECK (extension_days >= 0),
        hard_stop_days INTEGER NOT NULL CHECK (hard_stop_days >= protection_days),
        auto_approve {bool} NOT NULL,
        auto_approve_limit_minor {int} CHECK (auto_approve_limit_minor > 0),
        state TEXT NOT NULL CHECK (state IN ('DRAFT', 'ACTIVE', 'RETIRED')),
        revision_number INTEGER NOT NULL CHECK (revision_number >= 0),
        publish_time {int},
        retire_time {int},
        version {int} NOT NULL,
        create_time {int} NOT NULL,
        update_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, id)
    ) {strict}",
    "CREATE TABLE tiers (
        ecosystem TEXT NOT NULL,
        program TEXT NOT NULL,
        id TEXT NOT NULL,
        display_name TEXT NOT NULL,
        rank INTEGER NOT NULL CHECK (rank > 0),
        description TEXT NOT NULL,
        version {int} NOT NULL,
        create_time {int} NOT NULL,
        update_time {int} NOT NULL,
        delete_time {int},
        PRIMARY KEY (ecosystem, program, id),
        FOREIGN KEY (ecosystem, program) REFERENCES programs (ecosystem, id)
    ) {strict}",
    // No two living tiers of a program share a rank; a deleted one gives its rank free.
    "CREATE UNIQUE INDEX tiers__rank ON tiers (ecosystem, program, rank)
        WHERE delete_time IS NULL",
    "CREATE TABLE program_revisions (
        ecosystem TEXT NOT NULL,
        program TEXT NOT NULL,
        number INTEGER NOT NULL CHECK (number > 0),
        snapshot {json} NOT NULL,
        actor TEXT NOT NULL,
        create_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, program, number),
        FOREIGN KEY (ecosystem, program) REFERENCES programs (ecosystem, id)
    ) {strict}",
    "CREATE TABLE enrollments (
        ecosystem TEXT NOT NULL,
        id TEXT NOT NULL,
        program TEXT NOT NULL,
        partner TEXT NOT NULL,
        tier TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('ENROLLED')),
        enroll_time {int} NOT NULL,
        version {int} NOT NULL,
        create_time {int} NOT NULL,
        update_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, id),
        FOREIGN KEY (ecosystem, program, tier) REFERENCES tiers (ecosystem, program, id)
    ) {strict}",
    // A partner is in a program once; registrations and awards look its tier up by the pair.
    "CREATE UNIQUE INDEX enrollments__partner ON enrollments (ecosystem, program, partner)",
    // Before a tier is deleted: does anybody hold it? Lists ask for the holders of a tier.
    "CREATE INDEX enrollments_tier ON enrollments (ecosystem, program, tier)",
    // Lists ask for the programs of a partner.
    "CREATE INDEX enrollments_partner ON enrollments (ecosystem, partner)",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await
    }
}
