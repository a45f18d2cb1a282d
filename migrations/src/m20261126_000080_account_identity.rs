//! What identifies an account beside its domains, and what it was judged on.

use sea_orm_migration::prelude::*;

use crate::run;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const UP: &[&str] = &[
    "ALTER TABLE accounts ADD COLUMN identifiers {json} NOT NULL DEFAULT '[]'",
    "ALTER TABLE accounts ADD COLUMN aliases {json} NOT NULL DEFAULT '[]'",
    "ALTER TABLE accounts ADD COLUMN crm_records {json} NOT NULL DEFAULT '[]'",
    "ALTER TABLE accounts ADD COLUMN ultimate_parent TEXT CHECK (ultimate_parent <> id)",
    "ALTER TABLE accounts ADD COLUMN successor_account TEXT CHECK (successor_account <> id)",
    "ALTER TABLE accounts ADD COLUMN state TEXT NOT NULL DEFAULT 'ACTIVE'
        CHECK (state IN ('ACTIVE', 'MERGED'))",
    "ALTER TABLE accounts ADD COLUMN merged_into TEXT
        CHECK ((merged_into IS NULL) = (state = 'ACTIVE'))",
    // What went to the account that it was merged into, to be taken back from there.
    "ALTER TABLE accounts ADD COLUMN moved {json} CHECK ((moved IS NULL) = (merged_into IS NULL))",
    // By which rules its keys were made; 0: by those that knew domains only. The server makes the
    // keys of all that are behind before it serves.
    "ALTER TABLE accounts ADD COLUMN key_version {int} NOT NULL DEFAULT 0",
    // account::unkeyed: those that are behind.
    "CREATE INDEX accounts_key_version ON accounts (ecosystem, key_version, id)",
    // account::group: all that belong to one account, however far down; ListAccounts of those.
    "CREATE INDEX accounts_ultimate_parent ON accounts (ecosystem, ultimate_parent, id)
        WHERE ultimate_parent IS NOT NULL",
    // account::merged_into: what was merged into an account.
    "CREATE INDEX accounts_merged ON accounts (ecosystem, merged_into, id)
        WHERE merged_into IS NOT NULL",
    // The account as it stood when the registration was decided about.
    "ALTER TABLE registrations ADD COLUMN judged {json}",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await
    }
}
