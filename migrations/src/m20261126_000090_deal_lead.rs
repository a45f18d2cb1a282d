//! Leads, how they were routed, and the settings that they are routed by.

use sea_orm_migration::prelude::*;

use crate::isolation::isolate;
use crate::run;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const UP: &[&str] = &[
    "ALTER TABLE programs ADD COLUMN lead_accept_days INTEGER NOT NULL DEFAULT 14
        CHECK (lead_accept_days > 0)",
    "ALTER TABLE programs ADD COLUMN lead_act_days INTEGER NOT NULL DEFAULT 60
        CHECK (lead_act_days > 0)",
    "ALTER TABLE programs ADD COLUMN lead_offer_limit INTEGER NOT NULL DEFAULT 3
        CHECK (lead_offer_limit > 0)",
    // 0: no leads.
    "ALTER TABLE tiers ADD COLUMN lead_weight INTEGER NOT NULL DEFAULT 1
        CHECK (lead_weight >= 0)",
    // Empty: everywhere, and everything.
    "ALTER TABLE enrollments ADD COLUMN territories {json} NOT NULL DEFAULT '[]'",
    "ALTER TABLE enrollments ADD COLUMN products {json} NOT NULL DEFAULT '[]'",
    // 0: any number.
    "ALTER TABLE enrollments ADD COLUMN lead_capacity INTEGER NOT NULL DEFAULT 0
        CHECK (lead_capacity >= 0)",
    "CREATE TABLE leads (
        ecosystem TEXT NOT NULL,
        id TEXT NOT NULL,
        program TEXT NOT NULL,
        source TEXT NOT NULL,
        campaign TEXT,
        company_name TEXT NOT NULL,
        region_code TEXT,
        industry TEXT,
        domain TEXT,
        account TEXT,
        contact_name TEXT,
        contact_email TEXT,
        contact_phone TEXT,
        products {json} NOT NULL,
        territory TEXT,
        estimated_minor {int} CHECK (estimated_minor >= 0),
        currency TEXT,
        score INTEGER NOT NULL CHECK (score BETWEEN 0 AND 100),
        note TEXT,
        external_id TEXT,
        domain_key TEXT,
        email_key TEXT,
        possible_duplicates {json} NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('NEW', 'OFFERED', 'ACCEPTED', 'WORKING', 'QUALIFIED',
            'CONVERTED', 'DISQUALIFIED', 'UNROUTABLE', 'SPAM', 'DUPLICATE', 'LOST_AUTO')),
        partner TEXT,
        due_time {int},
        offers {json} NOT NULL,
        routing_count INTEGER NOT NULL,
        offer_time {int},
        accept_by_time {int},
        accept_time {int},
        act_by_time {int},
        reason_code TEXT,
        duplicate_of TEXT,
        deal TEXT,
        version {int} NOT NULL,
        create_time {int} NOT NULL,
        update_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, id),
        CHECK ((estimated_minor IS NULL) = (currency IS NULL)
            AND (state = 'CONVERTED') = (deal IS NOT NULL)
            AND (state = 'DUPLICATE') = (duplicate_of IS NOT NULL)
            AND (state IN ('OFFERED', 'ACCEPTED', 'LOST_AUTO')) = (due_time IS NOT NULL)
            AND (state NOT IN ('OFFERED', 'ACCEPTED', 'WORKING', 'QUALIFIED', 'CONVERTED',
                'LOST_AUTO') OR partner IS NOT NULL))
    ) {strict}",
    "CREATE UNIQUE INDEX leads__external_id ON leads (ecosystem, external_id)
        WHERE external_id IS NOT NULL",
    // lead::due: whose deadline has passed and was not yet acted upon.
    "CREATE INDEX leads_due ON leads (ecosystem, due_time)
        WHERE state IN ('OFFERED', 'ACCEPTED')",
    // lead::alike: the open leads with a domain or an e-mail address.
    "CREATE INDEX leads_domain ON leads (ecosystem, domain_key) WHERE domain_key IS NOT NULL",
    "CREATE INDEX leads_email ON leads (ecosystem, email_key) WHERE email_key IS NOT NULL",
    // routing::candidates: how many leads of a program each partner has open.
    "CREATE INDEX leads_open ON leads (ecosystem, program, partner)
        WHERE state IN ('OFFERED', 'ACCEPTED', 'WORKING', 'QUALIFIED')",
    // ListLeads by partner and by state, in the order of the ids.
    "CREATE INDEX leads_partner ON leads (ecosystem, partner, id)",
    "CREATE INDEX leads_state ON leads (ecosystem, state, id)",
    "CREATE TABLE lead_routings (
        ecosystem TEXT NOT NULL,
        lead TEXT NOT NULL,
        number INTEGER NOT NULL CHECK (number > 0),
        routing {json} NOT NULL,
        create_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, lead, number),
        FOREIGN KEY (ecosystem, lead) REFERENCES leads (ecosystem, id)
    ) {strict}",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await?;
        isolate(manager, &["leads", "lead_routings"]).await
    }
}
