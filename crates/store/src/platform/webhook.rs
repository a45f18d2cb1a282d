//! Webhooks: addresses of others that are told of events.

use sea_orm::entity::prelude::*;
use trellis_core::lifecycle::Named;
use trellis_core::{Actor, EcosystemId, PartnerId, Position, Timestamp, WebhookId};

use crate::reach::Reach;
use crate::{Error, Txn, View};

/// What requests are signed with. Nothing that is written for people shows it.
#[derive(Clone, PartialEq, Eq, DeriveValueType)]
pub struct SigningKey(pub Vec<u8>);

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey")
    }
}

/// Why the server has disabled a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum DisableReason {
    /// It took nothing for as long as an event is tried.
    Failing,
    /// It said that there is nothing any more.
    Gone,
}

impl Named for DisableReason {
    fn name(self) -> &'static str {
        match self {
            Self::Failing => "FAILING",
            Self::Gone => "GONE",
        }
    }
}

/// One webhook.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhooks")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The id, last part of the name.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: WebhookId,
    /// What people call it.
    pub display_name: String,
    /// Where requests are sent.
    pub url: String,
    /// The partner that is told; none for the vendor.
    pub partner: Option<PartnerId>,
    /// Which events, as the caller wrote it; none for all.
    pub filter: Option<String>,
    /// Whether it is told nothing.
    pub disabled: bool,
    /// Why, if the server has done it.
    pub disable_reason: Option<DisableReason>,
    /// It is told of what came after this place in the feed, first part.
    pub told_epoch: i64,
    /// The same, second part.
    pub told_xid: i64,
    /// The same, third part.
    pub told_sequence: i64,
    /// What requests are signed with by HMAC-SHA256.
    pub secret: SigningKey,
    /// What requests are signed with by Ed25519.
    pub seed: SigningKey,
    /// The secret before the latest rotation.
    pub previous_secret: Option<SigningKey>,
    /// The seed before the latest rotation.
    pub previous_seed: Option<SigningKey>,
    /// Until when requests are signed with those before, too, by the deployment's clock.
    pub previous_expire_time: Option<Timestamp>,
    /// Since when it has taken nothing.
    pub failing_since_time: Option<Timestamp>,
    /// Who created it.
    pub creator: Actor,
    /// Counts the changes.
    pub version: i64,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The place in the feed after which it is told of what happened.
    #[must_use]
    pub fn told_after(&self) -> Position {
        Position {
            epoch: self.told_epoch,
            xid: self.told_xid,
            sequence: self.told_sequence,
        }
    }

    /// Has it told of what comes after a place in the feed, and nothing before.
    pub fn tell_after(&mut self, place: Position) {
        self.told_epoch = place.epoch;
        self.told_xid = place.xid;
        self.told_sequence = place.sequence;
    }
}

crate::record!(id: WebhookId, Id; reach: Reach::Partner(Column::Partner); {
    "display_name" => DisplayName,
    "partner" => Partner,
    "disabled" => Disabled,
    "create_time" => CreateTime,
    "update_time" => UpdateTime,
});

fn of_ecosystem(view: &View) -> Select<Entity> {
    Entity::find().filter(COLUMN.ecosystem.eq(view.ecosystem().clone()))
}

/// The webhooks of an ecosystem that are told of something.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn enabled(view: &View) -> Result<Vec<Model>, Error> {
    Ok(enabled_of(view).all(&view.db()).await?)
}

/// A select of the webhooks of an ecosystem that are told of something.
pub(super) fn enabled_of(view: &View) -> Select<Entity> {
    of_ecosystem(view).filter(COLUMN.disabled.eq(false))
}

/// How many webhooks a partner has, or the vendor.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn count(view: &View, of: Option<&PartnerId>) -> Result<u64, Error> {
    let select = match of {
        Some(partner) => of_ecosystem(view).filter(COLUMN.partner.eq(partner.clone())),
        None => of_ecosystem(view).filter(Column::Partner.is_null()),
    };
    Ok(select.count(&view.db()).await?)
}

/// Notes since when a webhook has taken nothing, or that it has taken something. That is no change of it: its
/// version stays.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn note_failing(
    txn: &Txn,
    id: &WebhookId,
    since: Option<Timestamp>,
) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::FailingSinceTime, Expr::value(since))
        .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
        .filter(COLUMN.id.eq(id.clone()))
        .exec(&txn.db())
        .await?;
    Ok(())
}

/// Locks the webhooks of a partner, or of the vendor, so that nobody counts them at the same time.
///
/// # Errors
/// [`Error::Contended`] when a lock cannot be had in time.
pub async fn lock_all_of(txn: &Txn, of: Option<&PartnerId>) -> Result<(), Error> {
    let key = format!("webhooks:{}", of.map_or("", |partner| partner.as_str()));
    crate::lock::keys(txn, &[key]).await
}

/// Deletes a webhook.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn remove(txn: &Txn, id: &WebhookId) -> Result<(), Error> {
    Entity::delete_many()
        .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
        .filter(COLUMN.id.eq(id.clone()))
        .exec(&txn.db())
        .await?;
    Ok(())
}
