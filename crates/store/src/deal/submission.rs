//! Submissions: what each partner has handed in, at what cost, and how it ended. Budgets and the
//! screening of registrations go by these alone, so that they tell a partner of nobody else.

use std::collections::HashSet;

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Alias, ExprTrait, Func, OnConflict};
use sea_orm::{IntoActiveModel, QueryOrder, QuerySelect};
use trellis_core::{EcosystemId, PartnerId, RegistrationId, Timestamp};

use super::{registration, submission_key};
use crate::{Error, Txn, View, lock};

/// What a submission has set off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum Alarm {
    /// It named a canary.
    Canary,
    /// It used its partner's budget up.
    Budget,
}

/// That a partner handed a registration in.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "submissions")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// Who handed it in.
    #[sea_orm(primary_key, auto_increment = false)]
    pub partner: PartnerId,
    /// The registration.
    #[sea_orm(primary_key, auto_increment = false)]
    pub registration: RegistrationId,
    /// When, by the ecosystem's clock.
    pub time: Timestamp,
    /// What it took of the partner's budget.
    pub cost: i64,
    /// What it has set off.
    pub alarm: Option<Alarm>,
    /// When it was granted or refused.
    pub decide_time: Option<Timestamp>,
    /// Whether it was refused; set with `decide_time`.
    pub refused: Option<bool>,
}

impl ActiveModelBehavior for ActiveModel {}

fn of(view: &View, partner: &PartnerId) -> Select<Entity> {
    Entity::find()
        .filter(COLUMN.ecosystem.eq(view.ecosystem().clone()))
        .filter(COLUMN.partner.eq(partner.clone()))
}

/// Lets one submission of a partner be counted at a time, until the transaction ends. Taken before
/// the locks of any customer, so that nobody waits for it who holds one.
///
/// # Errors
/// [`Error::Contended`] when the lock cannot be had in time.
pub async fn count(txn: &Txn, partner: &PartnerId) -> Result<(), Error> {
    lock::keys(txn, &[format!("submissions:{partner}")]).await
}

/// Adds a submission, with the keys of its customer. What is handed in a second time, as another claim,
/// costs more and is decided anew.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn add(txn: &Txn, submission: Model, keys: &[String]) -> Result<(), Error> {
    let key = |key: &String| {
        let row = submission_key::Model {
            ecosystem: submission.ecosystem.clone(),
            partner: submission.partner.clone(),
            key: key.clone(),
            registration: submission.registration.clone(),
            time: submission.time,
        };
        row.into_active_model().reset_all()
    };
    let mut known = OnConflict::columns([
        submission_key::Column::Ecosystem,
        submission_key::Column::Partner,
        submission_key::Column::Key,
        submission_key::Column::Registration,
    ]);
    submission_key::Entity::insert_many(keys.iter().map(key))
        .on_conflict(known.do_nothing().to_owned())
        .exec_without_returning(&txn.db())
        .await?;
    let excluded = |column| Expr::col((Alias::new("excluded"), column));
    let there = |column| Expr::col((Entity, column));
    let mut again = OnConflict::columns([Column::Ecosystem, Column::Partner, Column::Registration]);
    again.update_columns([Column::Time, Column::DecideTime, Column::Refused]);
    again.value(
        Column::Cost,
        there(Column::Cost).add(excluded(Column::Cost)),
    );
    again.value(
        Column::Alarm,
        Func::coalesce([excluded(Column::Alarm), there(Column::Alarm)]),
    );
    Entity::insert(submission.into_active_model().reset_all())
        .on_conflict(again)
        .exec_without_returning(&txn.db())
        .await?;
    Ok(())
}

/// Those of some keys by which customers of a partner's submissions were known since a moment.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn known(
    view: &View,
    partner: &PartnerId,
    keys: &[String],
    since: Timestamp,
) -> Result<HashSet<String>, Error> {
    let known: Vec<String> = submission_key::Entity::find()
        .filter(
            submission_key::COLUMN
                .ecosystem
                .eq(view.ecosystem().clone()),
        )
        .filter(submission_key::COLUMN.partner.eq(partner.clone()))
        .filter(submission_key::COLUMN.key.is_in(keys))
        .filter(submission_key::Column::Time.gt(since))
        .select_only()
        .column(submission_key::Column::Key)
        .distinct()
        .into_tuple()
        .all(&view.db())
        .await?;
    Ok(known.into_iter().collect())
}

/// The keys of one submission's customer when it was handed in. None of registrations that are older
/// than submissions.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn keys_of(view: &View, of: &registration::Model) -> Result<HashSet<String>, Error> {
    let keys: Vec<String> = submission_key::Entity::find()
        .filter(
            submission_key::COLUMN
                .ecosystem
                .eq(view.ecosystem().clone()),
        )
        .filter(submission_key::COLUMN.partner.eq(of.partner.clone()))
        .filter(submission_key::COLUMN.registration.eq(of.id.clone()))
        .select_only()
        .column(submission_key::Column::Key)
        .into_tuple()
        .all(&view.db())
        .await?;
    Ok(keys.into_iter().collect())
}

/// What a partner's submissions cost since a moment, each with its time, oldest first.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn spent(
    view: &View,
    partner: &PartnerId,
    since: Timestamp,
) -> Result<Vec<(Timestamp, i64)>, Error> {
    Ok(of(view, partner)
        .filter(COLUMN.cost.gt(0))
        .filter(Column::Time.gt(since))
        .order_by_asc(Column::Time)
        .select_only()
        .column(Column::Time)
        .column(Column::Cost)
        .into_tuple()
        .all(&view.db())
        .await?)
}

/// When a partner's submissions set off an alarm the last time, if they did since a moment.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn alarmed(
    view: &View,
    partner: &PartnerId,
    since: Timestamp,
) -> Result<Option<Timestamp>, Error> {
    Ok(of(view, partner)
        .filter(COLUMN.alarm.is_not_null())
        .filter(Column::Time.gt(since))
        .order_by_desc(Column::Time)
        .select_only()
        .column(Column::Time)
        .into_tuple()
        .one(&view.db())
        .await?)
}

/// Whether each of the last decided submissions of a partner was refused, the latest first.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn outcomes(view: &View, partner: &PartnerId, last: u64) -> Result<Vec<bool>, Error> {
    Ok(of(view, partner)
        .filter(Column::DecideTime.is_not_null())
        .order_by_desc(Column::DecideTime)
        .order_by_desc(Column::Registration)
        .limit(last)
        .select_only()
        .column(Column::Refused)
        .into_tuple()
        .all(&view.db())
        .await?)
}

fn one(txn: &Txn, of: &registration::Model) -> sea_orm::UpdateMany<Entity> {
    Entity::update_many()
        .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
        .filter(COLUMN.partner.eq(of.partner.clone()))
        .filter(COLUMN.registration.eq(of.id.clone()))
}

/// Notes how a submission ended.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn decided(txn: &Txn, of: &registration::Model, refused: bool) -> Result<(), Error> {
    one(txn, of)
        .col_expr(Column::DecideTime, Expr::value(txn.now()))
        .col_expr(Column::Refused, Expr::value(refused))
        .exec(&txn.db())
        .await?;
    Ok(())
}

/// Notes that a submission has set off an alarm after it was handed in.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn alarm(txn: &Txn, of: &registration::Model, alarm: Alarm) -> Result<(), Error> {
    one(txn, of)
        .col_expr(Column::Alarm, Expr::value(alarm))
        .exec(&txn.db())
        .await?;
    Ok(())
}
