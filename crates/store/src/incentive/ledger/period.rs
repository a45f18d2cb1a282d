//! Periods: the months that the ledger is closed by. A row is a month that is closed; one without a
//! row is open.
//!
//! Months are closed in their order, so that one day says it all: no journal counts before it. Who
//! posts shares a lock, and who closes has it alone: nothing is posted by what was known of a month
//! before it was closed.

use sea_orm::QueryOrder;
use sea_orm::entity::prelude::*;
use trellis_core::{Actor, Cadence, Date, EcosystemId, LedgerPeriodId, Period, Timestamp};

use super::query;
use crate::{Error, Txn, View, lock};

/// One closed month.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger_periods")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The month.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: LedgerPeriodId,
    /// Its first day.
    pub start_date: Date,
    /// The day after its last.
    pub end_date: Date,
    /// How many journals count in it, for ever.
    pub journal_count: i64,
    /// Who closed it.
    pub closer: Actor,
    /// When it was closed.
    pub close_time: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

/// The period that a day is of.
#[must_use]
pub fn of(date: Date) -> Period {
    Period::containing(date, Cadence::Month)
}

/// What whoever posts shares, and whoever closes has alone.
pub(super) const LOCK: &str = "ledger-periods";

/// Waits for everybody who posts, and lets nobody post until the transaction ends.
///
/// # Errors
/// [`Error::Contended`] when the lock cannot be had in time.
pub async fn lock(txn: &Txn) -> Result<(), Error> {
    lock::keys(txn, &[LOCK]).await
}

/// The first day that is not closed; nothing, when no day is.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn open_from(view: &View) -> Result<Option<Date>, Error> {
    let sql = "SELECT MAX(end_date) AS day FROM ledger_periods WHERE ecosystem = $1";
    day(view, sql).await
}

/// The first day on which a journal counts.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn first_day(view: &View) -> Result<Option<Date>, Error> {
    let sql = "SELECT MIN(effective_date) AS day FROM ledger_journals WHERE ecosystem = $1";
    day(view, sql).await
}

async fn day(view: &View, sql: &str) -> Result<Option<Date>, Error> {
    let rows = query(view, sql, [view.ecosystem().as_str().into()]).await?;
    match rows.first() {
        Some(row) => Ok(row.try_get("", "day")?),
        None => Ok(None),
    }
}

/// How many journals count in a period.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn count(view: &View, period: Period) -> Result<i64, Error> {
    let sql = "SELECT COUNT(*) AS journals FROM ledger_journals \
        WHERE ecosystem = $1 AND effective_date >= $2 AND effective_date < $3";
    let values = [
        view.ecosystem().as_str().into(),
        period.start().days().into(),
        period.end().days().into(),
    ];
    match query(view, sql, values).await?.first() {
        Some(row) => Ok(row.try_get("", "journals")?),
        None => Ok(0),
    }
}

/// The closed periods, in their order.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn closed(view: &View) -> Result<Vec<Model>, Error> {
    Ok(Entity::find()
        .filter(COLUMN.ecosystem.eq(view.ecosystem().clone()))
        .order_by_asc(Column::StartDate)
        .all(&view.db())
        .await?)
}

/// Finds a closed period.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn find(view: &View, id: &LedgerPeriodId) -> Result<Option<Model>, Error> {
    Ok(Entity::find()
        .filter(COLUMN.ecosystem.eq(view.ecosystem().clone()))
        .filter(COLUMN.id.eq(id.clone()))
        .one(&view.db())
        .await?)
}

/// Closes a period. It must be the next one, under the [`lock`].
///
/// # Errors
/// [`Error::Exists`] when it is closed.
pub async fn close(txn: &Txn, period: Period) -> Result<Model, Error> {
    let model = Model {
        ecosystem: txn.ecosystem().clone(),
        id: LedgerPeriodId::of(period),
        start_date: period.start(),
        end_date: period.end(),
        journal_count: count(txn, period).await?,
        closer: txn.signatory().clone(),
        close_time: txn.now(),
    };
    crate::record::insert_many::<Entity>(txn, vec![model.clone()]).await?;
    Ok(model)
}
