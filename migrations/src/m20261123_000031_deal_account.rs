//! Accounts, and the keys by which one customer is told from another.

use sea_orm_migration::prelude::*;

use crate::run;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const UP: &[&str] = &[
    "CREATE TABLE accounts (
        ecosystem TEXT NOT NULL,
        id TEXT NOT NULL,
        display_name TEXT NOT NULL,
        region_code TEXT,
        domains {json} NOT NULL,
        registrable_domains {json} NOT NULL,
        industry TEXT,
        annual_revenue_minor {int} CHECK (annual_revenue_minor >= 0),
        annual_revenue_currency TEXT,
        employee_count {int} NOT NULL CHECK (employee_count >= 0),
        founded_year {int} NOT NULL CHECK (founded_year >= 0),
        parent_account TEXT CHECK (parent_account <> id),
        pending_parent_external_id TEXT,
        external_id TEXT,
        version {int} NOT NULL,
        create_time {int} NOT NULL,
        update_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, id),
        CHECK ((annual_revenue_minor IS NULL) = (annual_revenue_currency IS NULL)
            AND (parent_account IS NULL OR pending_parent_external_id IS NULL))
    ) {strict}",
    // account::lock_by_external_ids: imports find their rows again; no two accounts may share one.
    "CREATE UNIQUE INDEX accounts__external_id ON accounts (ecosystem, external_id)
        WHERE external_id IS NOT NULL",
    // account::lock_waiting: who waits for a parent that has come.
    "CREATE INDEX accounts_pending ON accounts (ecosystem, pending_parent_external_id)
        WHERE pending_parent_external_id IS NOT NULL",
    // ListAccounts by parent, in the order of the ids.
    "CREATE INDEX accounts_parent ON accounts (ecosystem, parent_account, id)",
    // One row for each registrable domain of each account. Several accounts may share a key.
    "CREATE TABLE account_keys (
        ecosystem TEXT NOT NULL,
        key TEXT NOT NULL,
        account TEXT NOT NULL,
        PRIMARY KEY (ecosystem, key, account)
    ) {strict}",
    // account::identity_keys: the keys of one account.
    "CREATE INDEX account_keys_account ON account_keys (ecosystem, account, key)",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await
    }
}
