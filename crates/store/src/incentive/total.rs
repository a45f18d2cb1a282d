//! Totals: what the wins of a partner add up to, for each day.
//!
//! They are computed from the facts and from nothing else, and are kept so that a period with a
//! hundred thousand deals costs no more to evaluate than one with ten. Adding is all that is done
//! to them, so the order of facts leaves no trace in them.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{ExprTrait, OnConflict};
use sea_orm::{Condition, IntoActiveModel, QueryOrder, QuerySelect};
use trellis_core::{Currency, Date, EcosystemId, PartnerId};

use super::standing::Standing;
use crate::{Error, Txn, View};

/// What a partner won on one day, in one currency, with one standing.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "incentive_totals")]
pub struct Model {
    /// The ecosystem that it belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The partner.
    #[sea_orm(primary_key, auto_increment = false)]
    pub partner: PartnerId,
    /// The day.
    #[sea_orm(primary_key, auto_increment = false)]
    pub occur_date: Date,
    /// The currency.
    #[sea_orm(primary_key, auto_increment = false)]
    pub currency: Currency,
    /// What the partner was then.
    #[sea_orm(primary_key, auto_increment = false)]
    pub standing: Standing,
    /// How many deals.
    pub deal_count: i64,
    /// What they were won for, in minor units.
    pub won_minor: i64,
    /// The same less what was refunded.
    pub net_minor: i64,
}

impl ActiveModelBehavior for ActiveModel {}

/// Some days of a partner.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Days {
    /// The partner.
    pub partner: PartnerId,
    /// The first day.
    pub from: Date,
    /// The first day after.
    pub until: Date,
}

/// What some partners won on some days, in no order that anybody may rely on.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn of_days(view: &View, days: &[Days]) -> Result<Vec<Model>, Error> {
    if days.is_empty() {
        return Ok(Vec::new());
    }
    let any = days.iter().fold(
        Condition::any(),
        |any,
         Days {
             partner,
             from,
             until,
         }| {
            any.add(
                Column::Partner
                    .eq(partner.clone())
                    .and(Column::OccurDate.gte(*from))
                    .and(Column::OccurDate.lt(*until)),
            )
        },
    );
    let select = Entity::find()
        .filter(Column::Ecosystem.eq(view.ecosystem().clone()))
        .filter(any);
    Ok(select.order_by_asc(Column::Partner).all(&view.db()).await?)
}

/// The currencies that anything was won in.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn currencies(view: &View) -> Result<Vec<Currency>, Error> {
    let select = Entity::find()
        .filter(Column::Ecosystem.eq(view.ecosystem().clone()))
        .select_only()
        .column(Column::Currency)
        .distinct()
        .order_by_asc(Column::Currency);
    Ok(select.into_tuple().all(&view.db()).await?)
}

/// Adds to totals; those that are not there yet begin with nothing.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn add(txn: &Txn, changes: Vec<Model>) -> Result<(), Error> {
    if changes.is_empty() {
        return Ok(());
    }
    let key = [
        Column::Ecosystem,
        Column::Partner,
        Column::OccurDate,
        Column::Currency,
        Column::Standing,
    ];
    let mut added = OnConflict::columns(key);
    for column in [Column::DealCount, Column::WonMinor, Column::NetMinor] {
        let there = Expr::col((Entity, column));
        let more = Expr::col((sea_orm::sea_query::Alias::new("excluded"), column));
        added.value(column, there.add(more));
    }
    let rows = changes
        .into_iter()
        .map(|change| change.into_active_model().reset_all());
    Entity::insert_many(rows)
        .on_conflict(added)
        .exec_without_returning(&txn.db())
        .await?;
    Ok(())
}
