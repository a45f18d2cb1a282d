//! API keys, the roles of principals, and the deployment's own secrets.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::isolation::{isolate, show_to_all};
use crate::{run, run_on};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const UP: &[&str] = &[
    "CREATE TABLE api_keys (
        ecosystem TEXT NOT NULL,
        id TEXT NOT NULL,
        display_name TEXT NOT NULL,
        person TEXT,
        partner TEXT,
        secret_prefix TEXT NOT NULL,
        secret_hash {bytes} NOT NULL,
        previous_hash {bytes},
        previous_expire_time {int},
        expire_time {int},
        last_use_time {int},
        revoke_time {int},
        creator TEXT NOT NULL,
        version {int} NOT NULL,
        create_time {int} NOT NULL,
        update_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, id)
    ) {strict}",
    // A partner's administrators list the keys of their own people.
    "CREATE INDEX api_keys_partner ON api_keys (ecosystem, partner) WHERE partner IS NOT NULL",
    "CREATE TABLE role_grants (
        ecosystem TEXT NOT NULL,
        id TEXT NOT NULL,
        principal TEXT NOT NULL,
        role TEXT NOT NULL CHECK (role IN ('ecosystem_admin', 'channel_manager',
            'finance_approver', 'partner_admin', 'partner_rep', 'service', 'auditor')),
        partner TEXT,
        limit_minor {int},
        limit_currency TEXT,
        creator TEXT NOT NULL,
        version {int} NOT NULL,
        create_time {int} NOT NULL,
        update_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, id),
        CHECK ((role IN ('partner_admin', 'partner_rep')) = (partner IS NOT NULL)),
        CHECK ((limit_minor IS NULL) = (limit_currency IS NULL))
    ) {strict}",
    // The roles of a principal are read with each of its calls that is not remembered; none twice.
    "CREATE UNIQUE INDEX role_grants__principal ON role_grants
        (ecosystem, principal, role, COALESCE(partner, ''))",
    "CREATE INDEX role_grants_partner ON role_grants (ecosystem, partner)
        WHERE partner IS NOT NULL",
    "CREATE TABLE deployment_secrets (
        name TEXT NOT NULL PRIMARY KEY,
        value {bytes} NOT NULL
    ) {strict}",
];

// Random bytes that the database makes itself: 256 bits of SQLite's generator, 244 of PostgreSQL's.
const RANDOM_ON_SQLITE: &str = "INSERT INTO deployment_secrets (name, value)
    VALUES ('api_keys', randomblob(32)), ('page_tokens', randomblob(32))";
const RANDOM_ON_POSTGRES: &str = "INSERT INTO deployment_secrets (name, value)
    SELECT name, uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
    FROM (VALUES ('api_keys'), ('page_tokens')) AS secrets (name)";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await?;
        run_on(manager, DbBackend::Sqlite, &[RANDOM_ON_SQLITE]).await?;
        run_on(manager, DbBackend::Postgres, &[RANDOM_ON_POSTGRES]).await?;
        isolate(manager, &["api_keys", "role_grants"]).await?;
        // Whether there is any key at all is asked across ecosystems.
        show_to_all(manager, "api_keys").await
    }
}
