//! To whom rows belong, where they did not say so yet; and what partners are told of conflicts.

use sea_orm_migration::prelude::*;

use crate::run;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const UP: &[&str] = &[
    // Who drafted the registration. Nobody knows it of those that are there already; no name of a
    // caller is empty.
    "ALTER TABLE registrations ADD COLUMN creator TEXT NOT NULL DEFAULT ''",
    // When it was handed in by the clock. Its place in the line, `submit_time`, may be later, and
    // then tells that somebody stood there.
    "ALTER TABLE registrations ADD COLUMN receive_time {int}",
    "UPDATE registrations SET receive_time = submit_time",
    // When it is approved by itself, where its partner is not told at once.
    "ALTER TABLE registrations ADD COLUMN tick_time {int}",
    // registration::ticking: whose tick has come.
    "CREATE INDEX registrations_ticking ON registrations (ecosystem, tick_time)
        WHERE tick_time IS NOT NULL",
    // The partner that brought the customer. Rows without one are the vendor's.
    "ALTER TABLE accounts ADD COLUMN partner TEXT",
    // ListAccounts of a partner, in the order of the ids.
    "CREATE INDEX accounts_partner ON accounts (ecosystem, partner, id)",
    "ALTER TABLE programs ADD COLUMN conflict_disclosure TEXT NOT NULL DEFAULT 'SEALED'
        CHECK (conflict_disclosure IN ('SEALED', 'STATE'))",
    // The partner that may read the event. Rows without one are for the vendor alone.
    "ALTER TABLE events ADD COLUMN partner TEXT",
    // ListEvents of a partner, in the order of the feed.
    "CREATE INDEX events_partner ON events (ecosystem, partner, epoch, xid, sequence)
        WHERE partner IS NOT NULL",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await
    }
}
