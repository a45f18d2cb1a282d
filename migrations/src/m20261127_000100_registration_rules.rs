//! What the ordered rules of registrations look at, and what each decision was made from.

use sea_orm_migration::prelude::*;

use crate::isolation::isolate;
use crate::run;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const UP: &[&str] = &[
    "ALTER TABLE registrations ADD COLUMN entity_scope TEXT NOT NULL DEFAULT 'ENTITY'
        CHECK (entity_scope IN ('ENTITY', 'GROUP', 'SITE'))",
    "ALTER TABLE registrations ADD COLUMN site TEXT",
    "ALTER TABLE registrations ADD COLUMN proofs {json} NOT NULL DEFAULT '[]'",
    "ALTER TABLE registrations ADD COLUMN tender_publish_time {int}",
    "ALTER TABLE registrations ADD COLUMN accept_partial {bool} NOT NULL DEFAULT FALSE",
    // What makes its place in the line besides the time. Set when it is handed in.
    "ALTER TABLE registrations ADD COLUMN nominated {bool} NOT NULL DEFAULT FALSE",
    "ALTER TABLE registrations ADD COLUMN evidence_score {int} NOT NULL DEFAULT 0",
    "ALTER TABLE registrations ADD COLUMN incumbent {bool} NOT NULL DEFAULT FALSE",
    // The part that its partner was granted. Older registrations were granted the one there was.
    "ALTER TABLE registrations ADD COLUMN granted_role TEXT
        CHECK (granted_role IN ('SOURCED', 'CO_SELL'))",
    "ALTER TABLE programs ADD COLUMN direct_lookback_days INTEGER NOT NULL DEFAULT 180
        CHECK (direct_lookback_days >= 0)",
    "ALTER TABLE programs ADD COLUMN teaming {bool} NOT NULL DEFAULT FALSE",
    "ALTER TABLE programs ADD COLUMN incumbent_days INTEGER NOT NULL DEFAULT 365
        CHECK (incumbent_days >= 0)",
    "ALTER TABLE programs ADD COLUMN evidence_minimum INTEGER NOT NULL DEFAULT 0
        CHECK (evidence_minimum >= 0)",
    // registration_decision::of: every decision about a registration, in their order. The basis is
    // text and not JSON: its hash is that of its bytes.
    "CREATE TABLE registration_decisions (
        ecosystem TEXT NOT NULL,
        registration TEXT NOT NULL,
        number {int} NOT NULL CHECK (number > 0),
        occasion TEXT NOT NULL CHECK (occasion IN
            ('SUBMISSION', 'TICK', 'PROMOTION', 'APPROVAL', 'REJECTION')),
        rule TEXT NOT NULL,
        reason_code TEXT NOT NULL,
        rules_version {int} NOT NULL,
        actor TEXT NOT NULL,
        note TEXT,
        decide_time {int} NOT NULL,
        basis TEXT NOT NULL,
        basis_sha256 TEXT NOT NULL,
        outcome TEXT NOT NULL,
        PRIMARY KEY (ecosystem, registration, number)
    ) {strict}",
    // Accounts that the vendor keeps to itself.
    "CREATE TABLE house_accounts (
        ecosystem TEXT NOT NULL,
        id TEXT NOT NULL,
        account TEXT NOT NULL,
        program TEXT,
        products {json} NOT NULL,
        product_families {json} NOT NULL,
        territories {json} NOT NULL,
        note TEXT,
        valid_from_time {int},
        valid_until_time {int},
        version {int} NOT NULL,
        create_time {int} NOT NULL,
        update_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, id),
        CHECK (valid_until_time > valid_from_time)
    ) {strict}",
    // house_account::at: those of some accounts.
    "CREATE INDEX house_accounts_account ON house_accounts (ecosystem, account, id)",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await?;
        isolate(manager, &["registration_decisions", "house_accounts"]).await
    }
}
