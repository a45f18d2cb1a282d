//! What currencies are worth. Rows are added, never changed: a rate that was wrong is followed by
//! another one for the same day, and the last counts.

use sea_orm::QueryOrder;
use sea_orm::entity::prelude::*;
use trellis_core::incentive::plan::FxType;
use trellis_core::{Currency, Date, EcosystemId, Page, PageQuery, Rate, Timestamp};

use crate::page::{self, Columns};
use crate::record::insert_many;
use crate::{Error, Txn, View};

/// One exchange rate.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "exchange_rates")]
pub struct Model {
    /// The ecosystem that it belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// Its id, which every award that uses it names.
    #[sea_orm(primary_key, auto_increment = false)]
    pub external_id: String,
    /// Which kind of rate it is.
    pub kind: FxType,
    /// What is exchanged.
    pub from_currency: Currency,
    /// What it is exchanged for.
    pub to_currency: Currency,
    /// On which day; for an average of a month, any day of it.
    pub rate_date: Date,
    /// How many units of the one a unit of the other is worth.
    pub rate: Rate,
    /// Who recorded it.
    pub actor: String,
    /// When.
    pub record_time: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

impl Columns for Entity {
    const ID: Column = Column::ExternalId;

    fn column(field: &str) -> Option<Column> {
        Some(match field {
            "from_currency_code" => Column::FromCurrency,
            "to_currency_code" => Column::ToCurrency,
            "kind" => Column::Kind,
            _ => return None,
        })
    }
}

fn scoped(view: &View) -> Select<Entity> {
    Entity::find().filter(COLUMN.ecosystem.eq(view.ecosystem().clone()))
}

/// Reads one page of exchange rates, by their ids.
///
/// # Errors
/// [`Error::BadCursor`] when the page token was made for another query.
pub async fn page(view: &View, query: &PageQuery) -> Result<Page<Model>, Error> {
    page::page(&view.db(), scoped(view), query).await
}

/// All exchange rates into some currencies.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn into_currencies(view: &View, to: Vec<Currency>) -> Result<Vec<Model>, Error> {
    if to.is_empty() {
        return Ok(Vec::new());
    }
    let select = scoped(view)
        .filter(Column::ToCurrency.is_in(to))
        .order_by_asc(Column::ExternalId);
    Ok(select.all(&view.db()).await?)
}

/// The exchange rates with some ids.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn of_ids(view: &View, ids: Vec<String>) -> Result<Vec<Model>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let select = scoped(view).filter(Column::ExternalId.is_in(ids));
    Ok(select.all(&view.db()).await?)
}

/// Adds exchange rates.
///
/// # Errors
/// [`Error::Exists`] when an id is taken.
pub async fn append(txn: &Txn, rates: Vec<Model>) -> Result<(), Error> {
    insert_many::<Entity>(txn, rates).await
}
