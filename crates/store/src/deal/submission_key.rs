//! The keys by which the customer of a submission was known when it was handed in. They stay, also
//! when the account gets other domains.

use sea_orm::entity::prelude::*;
use trellis_core::{EcosystemId, PartnerId, RegistrationId, Timestamp};

/// That the customer of a submission had a key.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "submission_keys")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// Who handed the registration in.
    #[sea_orm(primary_key, auto_increment = false)]
    pub partner: PartnerId,
    /// The key, such as `domain:acme.co.uk`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// The registration.
    #[sea_orm(primary_key, auto_increment = false)]
    pub registration: RegistrationId,
    /// When it was handed in.
    pub time: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
