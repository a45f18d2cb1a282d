//! Webhooks, and the events on their way to them.

use sea_orm_migration::prelude::*;

use crate::isolation::isolate;
use crate::run;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const UP: &[&str] = &[
    "CREATE TABLE webhooks (
        ecosystem TEXT NOT NULL,
        id TEXT NOT NULL,
        display_name TEXT NOT NULL,
        url TEXT NOT NULL,
        partner TEXT,
        filter TEXT,
        disabled {bool} NOT NULL,
        disable_reason TEXT CHECK (disable_reason IN ('FAILING', 'GONE')),
        told_epoch {int} NOT NULL,
        told_xid {int} NOT NULL,
        told_sequence {int} NOT NULL,
        secret {bytes} NOT NULL,
        seed {bytes} NOT NULL,
        previous_secret {bytes},
        previous_seed {bytes},
        previous_expire_time {int},
        failing_since_time {int},
        creator TEXT NOT NULL,
        version {int} NOT NULL,
        create_time {int} NOT NULL,
        update_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, id),
        CHECK (disable_reason IS NULL OR disabled),
        CHECK ((previous_secret IS NULL) = (previous_seed IS NULL)),
        CHECK ((previous_secret IS NULL) = (previous_expire_time IS NULL))
    ) {strict}",
    // A partner's administrators list those of their partner.
    "CREATE INDEX webhooks_partner ON webhooks (ecosystem, partner) WHERE partner IS NOT NULL",
    "CREATE TABLE webhook_deliveries (
        ecosystem TEXT NOT NULL,
        webhook TEXT NOT NULL,
        id TEXT NOT NULL,
        epoch {int} NOT NULL,
        xid {int} NOT NULL,
        sequence {int} NOT NULL,
        event_type TEXT NOT NULL,
        resource TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('PENDING', 'DELIVERED', 'FAILED')),
        attempts {json} NOT NULL,
        attempt_count {int} NOT NULL,
        next_attempt_time {int},
        lease_expire_time {int},
        create_time {int} NOT NULL,
        update_time {int} NOT NULL,
        PRIMARY KEY (ecosystem, webhook, id),
        CHECK ((state = 'PENDING') = (next_attempt_time IS NOT NULL)),
        CHECK (lease_expire_time IS NULL OR state = 'PENDING')
    ) {strict}",
    // An event is on its way to a webhook once, however often it is asked for.
    "CREATE UNIQUE INDEX webhook_deliveries__event ON webhook_deliveries
        (ecosystem, webhook, epoch, xid, sequence)",
    // webhook_delivery::claim: what is due, unless something about the same resource is before it.
    "CREATE INDEX webhook_deliveries_due ON webhook_deliveries
        (ecosystem, webhook, next_attempt_time) WHERE state = 'PENDING'",
    "CREATE INDEX webhook_deliveries_order ON webhook_deliveries
        (ecosystem, webhook, resource, epoch, xid, sequence) WHERE state = 'PENDING'",
    // webhook_delivery::forget: what has ended long ago.
    "CREATE INDEX webhook_deliveries_ended ON webhook_deliveries (ecosystem, update_time)
        WHERE state <> 'PENDING'",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await?;
        isolate(manager, &["webhooks", "webhook_deliveries"]).await
    }
}
