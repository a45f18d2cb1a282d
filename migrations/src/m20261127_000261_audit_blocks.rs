//! Blocks of the audit trail, and what their checkpoints are signed with where the operator gives no key.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::isolation::isolate;
use crate::{run, run_on};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const UP: &[&str] = &[
    "CREATE TABLE audit_blocks (
        ecosystem TEXT NOT NULL,
        number {int} NOT NULL,
        tree_size {int} NOT NULL,
        last_epoch {int} NOT NULL,
        last_xid {int} NOT NULL,
        last_sequence {int} NOT NULL,
        leaves {bytes} NOT NULL,
        peaks {bytes} NOT NULL,
        previous_root {bytes} NOT NULL,
        root {bytes} NOT NULL,
        checkpoint {bytes} NOT NULL,
        PRIMARY KEY (ecosystem, number)
    ) {strict}",
    // block::find: the checkpoint of a size.
    "CREATE UNIQUE INDEX audit_blocks__size ON audit_blocks (ecosystem, tree_size)",
];

const SQLITE: &[&str] = &[
    "CREATE TRIGGER audit_blocks_no_update BEFORE UPDATE ON audit_blocks
    BEGIN SELECT RAISE(ABORT, 'audit: blocks are never changed'); END",
    "CREATE TRIGGER audit_blocks_no_delete BEFORE DELETE ON audit_blocks
    BEGIN SELECT RAISE(ABORT, 'audit: blocks are never removed'); END",
    "INSERT INTO deployment_secrets (name, value) VALUES ('audit', randomblob(32))",
];

const POSTGRES: &[&str] = &[
    "CREATE TRIGGER audit_blocks_never BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_blocks
        FOR EACH STATEMENT EXECUTE FUNCTION audit_never()",
    "INSERT INTO deployment_secrets (name, value)
        VALUES ('audit', uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await?;
        run_on(manager, DbBackend::Sqlite, SQLITE).await?;
        run_on(manager, DbBackend::Postgres, POSTGRES).await?;
        isolate(manager, &["audit_blocks"]).await
    }
}
