//! Protections: what an approved registration keeps others from.
//!
//! The locks on a customer's identity keys decide who gets a protection. The unique index over the
//! active rows is the backstop behind them.

use sea_orm::entity::prelude::*;
use trellis_core::{EcosystemId, PartnerId, ProductId, RegistrationId, Timestamp};

use super::deal::DealType;
use super::registration;
use crate::{Error, Txn, record};

/// One product of an approved registration, under one identity of its customer.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "protections")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The registration.
    #[sea_orm(primary_key, auto_increment = false)]
    pub registration: RegistrationId,
    /// An identity key of the customer when the registration was approved.
    #[sea_orm(primary_key, auto_increment = false)]
    pub identity: String,
    /// The product.
    #[sea_orm(primary_key, auto_increment = false)]
    pub product: ProductId,
    /// Where; empty means everywhere. Not null, because a unique index takes nulls for different.
    pub territory: String,
    /// What kind of business.
    pub deal_type: DealType,
    /// Who is protected.
    pub partner: PartnerId,
    /// From when.
    pub start_time: Timestamp,
    /// Until when; at that moment it is over.
    pub end_time: Timestamp,
    /// Whether its end has not been acted upon yet.
    pub active: bool,
}

impl ActiveModelBehavior for ActiveModel {}

/// Protects an approved registration under each identity key of its customer.
///
/// # Errors
/// [`Error::Contended`] when the database finds the business granted already: the caller decided
/// on what it could not see, and decides anew.
pub async fn grant(
    txn: &Txn,
    registration: &registration::Model,
    identities: &[String],
    (start_time, end_time): (Timestamp, Timestamp),
) -> Result<(), Error> {
    let territory = registration
        .territory
        .as_ref()
        .map_or("", |territory| territory.as_str());
    let rows = identities.iter().flat_map(|identity| {
        registration.products.0.iter().map(move |product| Model {
            ecosystem: registration.ecosystem.clone(),
            registration: registration.id.clone(),
            identity: identity.clone(),
            product: product.clone(),
            territory: territory.to_owned(),
            deal_type: registration.deal_type,
            partner: registration.partner.clone(),
            start_time,
            end_time,
            active: true,
        })
    });
    match record::insert_many::<Entity>(txn, rows.collect()).await {
        Err(Error::Exists { .. }) => Err(Error::Contended),
        outcome => outcome,
    }
}

/// Ends the protections of registrations.
///
/// # Errors
/// [`Error::Contended`] when a lock cannot be had in time.
pub async fn release(
    txn: &Txn,
    registrations: impl IntoIterator<Item = RegistrationId>,
) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::Active, Expr::value(false))
        .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
        .filter(COLUMN.registration.is_in(registrations))
        .exec(&txn.db())
        .await?;
    Ok(())
}

/// Lets the protections of a registration last until another moment.
///
/// # Errors
/// [`Error::Contended`] when a lock cannot be had in time.
pub async fn extend(txn: &Txn, of: &RegistrationId, end_time: Timestamp) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::EndTime, Expr::value(end_time))
        .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
        .filter(COLUMN.registration.eq(of.clone()))
        .exec(&txn.db())
        .await?;
    Ok(())
}

/// Gives the protections of a registration to another partner.
///
/// # Errors
/// [`Error::Contended`] when a lock cannot be had in time.
pub async fn hand_on(txn: &Txn, of: &RegistrationId, partner: &PartnerId) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::Partner, Expr::value(partner.as_str()))
        .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
        .filter(COLUMN.registration.eq(of.clone()))
        .exec(&txn.db())
        .await?;
    Ok(())
}
