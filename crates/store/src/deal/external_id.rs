//! Which deal has which id in another system.
//!
//! The ids stand in the deals; this table says the same by id, so that a deal is found by it and no
//! two have the same.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::Condition;
use sea_orm::entity::prelude::*;
use trellis_core::{DealId, EcosystemId};

use super::field::ExternalId;
use crate::record::insert_many;
use crate::{Error, Txn, View};

/// One id of one deal.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "deal_external_ids")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The system.
    #[sea_orm(primary_key, auto_increment = false)]
    pub system: String,
    /// The id there.
    #[sea_orm(primary_key, auto_increment = false)]
    pub external_id: String,
    /// The deal.
    pub deal: DealId,
}

impl ActiveModelBehavior for ActiveModel {}

/// Ids of one statement; SQLite binds at most 32,766 values.
const CHUNK: usize = 5_000;

/// Which deals have these ids, whoever reaches them.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn holders(
    view: &View,
    ids: &BTreeSet<ExternalId>,
) -> Result<BTreeMap<ExternalId, DealId>, Error> {
    let mut by_system: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for one in ids {
        by_system
            .entry(&one.system)
            .or_default()
            .push(&one.external_id);
    }
    let mut holders = BTreeMap::new();
    for (system, ids) in by_system {
        for some in ids.chunks(CHUNK) {
            let named = Condition::all()
                .add(COLUMN.ecosystem.eq(view.ecosystem().clone()))
                .add(COLUMN.system.eq(system))
                .add(COLUMN.external_id.is_in(some.iter().copied()));
            let found = Entity::find().filter(named).all(&view.db()).await?;
            holders.extend(found.into_iter().map(|row| {
                let Model {
                    ecosystem: _,
                    system,
                    external_id,
                    deal,
                } = row;
                let id = ExternalId {
                    system,
                    external_id,
                };
                (id, deal)
            }));
        }
    }
    Ok(holders)
}

/// Writes the ids that deals have now in place of those that they had. The caller holds the locks of
/// the deals, but for those that it is making.
///
/// # Errors
/// [`Error::Exists`] when another deal has one of them.
pub async fn follow(txn: &Txn, deals: Vec<(DealId, Vec<ExternalId>)>) -> Result<(), Error> {
    let changed = deals.iter().map(|(deal, _)| deal.clone());
    Entity::delete_many()
        .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
        .filter(COLUMN.deal.is_in(changed))
        .exec(&txn.db())
        .await?;
    let row = |deal: &DealId, one: ExternalId| Model {
        ecosystem: txn.ecosystem().clone(),
        system: one.system,
        external_id: one.external_id,
        deal: deal.clone(),
    };
    let rows = deals.into_iter().flat_map(|(deal, ids)| {
        ids.into_iter()
            .map(move |one| row(&deal, one))
            .collect::<Vec<_>>()
    });
    insert_many::<Entity>(txn, rows.collect()).await
}
