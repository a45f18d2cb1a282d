//! API keys: what programs prove who they are with.

use sea_orm::QuerySelect;
use sea_orm::entity::prelude::*;
use trellis_core::{Actor, ApiKeyId, EcosystemId, PartnerId, Timestamp};

use crate::reach::Reach;
use crate::{Error, Store, Txn};

/// The keyed hash of a secret. Nothing that is written for people shows it.
#[derive(Clone, PartialEq, Eq, DeriveValueType)]
pub struct KeyHash(pub Vec<u8>);

impl std::fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyHash")
    }
}

/// One key.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_keys")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The id, last part of the name.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ApiKeyId,
    /// What people call it.
    pub display_name: String,
    /// The person who uses it; none for a system's.
    pub person: Option<Actor>,
    /// The partner whose people use it; none for the vendor's own.
    pub partner: Option<PartnerId>,
    /// How the secret begins.
    pub secret_prefix: String,
    /// The keyed hash of the secret.
    pub secret_hash: KeyHash,
    /// That of the secret before the latest rotation.
    pub previous_hash: Option<KeyHash>,
    /// Until when the secret before is accepted.
    pub previous_expire_time: Option<Timestamp>,
    /// When it ends, by the deployment's clock.
    pub expire_time: Option<Timestamp>,
    /// When it was last used, roughly.
    pub last_use_time: Option<Timestamp>,
    /// When it was revoked.
    pub revoke_time: Option<Timestamp>,
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

crate::record!(id: ApiKeyId, Id; reach: Reach::Partner(Column::Partner); {
    "display_name" => DisplayName,
    "person" => Person,
    "partner" => Partner,
    "create_time" => CreateTime,
    "update_time" => UpdateTime,
});

/// Notes that a key was used. That is no change of it: its version stays.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn note_use(txn: &Txn, id: &ApiKeyId, time: Timestamp) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::LastUseTime, Expr::value(time))
        .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
        .filter(COLUMN.id.eq(id.clone()))
        .exec(&txn.db())
        .await?;
    Ok(())
}

/// Whether there is any key in any ecosystem, whatever has become of it.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn any(store: &Store) -> Result<bool, Error> {
    let first = Entity::find()
        .select_only()
        .column(Column::Id)
        .limit(1)
        .into_tuple::<ApiKeyId>()
        .one(&store.reading_all().db())
        .await?;
    Ok(first.is_some())
}
