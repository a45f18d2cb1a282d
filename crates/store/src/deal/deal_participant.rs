//! Which partners have a part in which deals, whatever the part.
//!
//! The parts stand in the deals; this table says the same by partner, so that what a partner reaches is
//! found by an index. It is written wherever parts are remembered, see
//! [`history::remember`](super::history::remember).

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::SelectStatement;
use sea_orm::{QuerySelect, QueryTrait};
use trellis_core::{DealId, EcosystemId, PartnerId};

use super::history::{Cause, role_change};
use crate::reach::Reach;
use crate::record::insert_many;
use crate::{Error, Txn, View};

/// One partner in one deal.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "deal_participants")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The partner.
    #[sea_orm(primary_key, auto_increment = false)]
    pub partner: PartnerId,
    /// The deal.
    #[sea_orm(primary_key, auto_increment = false)]
    pub deal: DealId,
}

impl ActiveModelBehavior for ActiveModel {}

/// The ids of the deals in which somebody has a part whom the scope reaches.
pub(super) fn deals(view: &View) -> SelectStatement {
    let all = Entity::find().filter(COLUMN.ecosystem.eq(view.ecosystem().clone()));
    let held = match Reach::Partner(Column::Partner).within(view) {
        Some(own) => all.filter(own),
        None => all,
    };
    held.select_only().column(Column::Deal).into_query()
}

/// Writes who has a part in the deals of which that is remembered anew; of each deal the last counts.
pub(super) async fn follow(txn: &Txn, changes: &[role_change::Model]) -> Result<(), Error> {
    let last: BTreeMap<&DealId, &role_change::Model> = changes
        .iter()
        .map(|change| (&change.deal, change))
        .collect();
    let stood: Vec<DealId> = changes
        .iter()
        .filter(|change| change.cause != Cause::Created)
        .map(|change| change.deal.clone())
        .collect();
    if !stood.is_empty() {
        Entity::delete_many()
            .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
            .filter(COLUMN.deal.is_in(stood))
            .exec(&txn.db())
            .await?;
    }
    let held: BTreeSet<(&DealId, &PartnerId)> = last
        .values()
        .flat_map(|change| {
            change
                .roles
                .0
                .iter()
                .map(|role| (&change.deal, &role.partner))
        })
        .collect();
    let row = |(deal, partner): (&DealId, &PartnerId)| Model {
        ecosystem: txn.ecosystem().clone(),
        partner: partner.clone(),
        deal: deal.clone(),
    };
    insert_many::<Entity>(txn, held.into_iter().map(row).collect()).await
}
