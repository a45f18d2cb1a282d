//! Submissions: what each partner has handed in, at what cost, and how it ended. Budgets and the
//! screening of registrations go by these alone, so that they tell a partner of nobody else.

use std::collections::HashSet;

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{
    Alias, ExprTrait, Func, InsertStatement, OnConflict, Query, SelectStatement, SimpleExpr,
};
use sea_orm::{IntoActiveModel, QueryOrder, QuerySelect, QueryTrait};
use trellis_core::{EcosystemId, PartnerId, RegistrationId, Timestamp};

use super::{registration, submission_key};
use crate::bundle::{Bundle, Found, Part};
use crate::{Error, Txn, View, given};

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

/// The lock that lets one submission of a partner be counted at a time. Taken before those of any
/// customer, so that nobody waits for it who holds one.
#[must_use]
pub fn counting(partner: &PartnerId) -> String {
    format!("submissions:{partner}")
}

/// The statements that add a submission, with the keys of its customer. What is handed in a second time,
/// as another claim, costs more and is decided anew.
pub(super) fn adding(submission: Model, keys: &[String]) -> [InsertStatement; 2] {
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
    let keys = submission_key::Entity::insert_many(keys.iter().map(key))
        .on_conflict(known.do_nothing().to_owned())
        .into_query();
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
    let submission = Entity::insert(submission.into_active_model().reset_all())
        .on_conflict(again)
        .into_query();
    [keys, submission]
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

/// What a partner's submissions tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Those of the keys that were asked about by which customers of its submissions were known.
    pub known: HashSet<String>,
    /// What each one cost that was not free, with its time, oldest first; none unless it was asked for.
    pub spent: Vec<(Timestamp, i64)>,
    /// When they set off an alarm the last time, if they did.
    pub alarm_time: Option<Timestamp>,
    /// Whether each of the last decided ones was refused, whenever that was.
    pub outcomes: Vec<bool>,
}

/// What is asked of a partner's submissions.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Whose.
    pub partner: &'a PartnerId,
    /// The keys that are asked about.
    pub keys: &'a [String],
    /// From when on.
    pub since: Timestamp,
    /// Whether it is asked what they cost.
    pub spent: bool,
    /// Of how many it is asked how they ended.
    pub last: u64,
}

/// The reads that make up a history.
pub(super) struct Reads {
    known: Part<(String,)>,
    spent: Option<Part<(i64, i64)>>,
    alarmed: Part<(i64,)>,
    outcomes: Part<(i64,)>,
}

/// Those of the keys that a submission had. Each key is looked up by itself: a list of keys would let
/// PostgreSQL read all that the partner ever handed in where it thinks that there is little of it.
fn known(view: &View, asked: &Asked<'_>) -> SelectStatement {
    let last = submission_key::Entity::find()
        .filter(
            submission_key::COLUMN
                .ecosystem
                .eq(view.ecosystem().clone()),
        )
        .filter(submission_key::COLUMN.partner.eq(asked.partner.clone()))
        .filter(Expr::col((submission_key::Entity, submission_key::Column::Key)).eq(given::text()))
        .select_only()
        .column_as(submission_key::Column::Time.max(), "last")
        .into_query();
    let keys = asked.keys.iter().map(String::as_str).collect();
    let keys = given::table(view.db().get_database_backend(), keys);
    Query::select()
        .expr_as(given::text(), "key")
        .from_function(keys, given::alias())
        .and_where(SimpleExpr::from(last).gt(asked.since))
        .take()
}

/// Adds the reads of a history to others.
pub(super) fn history<'a>(bundle: &mut Bundle<'a>, view: &'a View, asked: &'a Asked<'_>) -> Reads {
    let mine = move || of(view, asked.partner).select_only();
    let recent = move || {
        mine()
            .filter(Column::Time.gt(asked.since))
            .column(Column::Time)
    };
    let spent = move || {
        recent()
            .filter(COLUMN.cost.gt(0))
            .order_by_asc(Column::Time)
            .column(Column::Cost)
            .into_query()
    };
    let alarmed = move || {
        recent()
            .filter(COLUMN.alarm.is_not_null())
            .order_by_desc(Column::Time)
            .limit(1)
            .into_query()
    };
    let outcomes = move || {
        let refused = Expr::case(Expr::col((Entity, Column::Refused)), 1).finally(0);
        mine()
            .filter(Column::DecideTime.is_not_null())
            .order_by_desc(Column::DecideTime)
            .order_by_desc(Column::Registration)
            .limit(asked.last)
            .expr_as(refused, "refused")
            .into_query()
    };
    Reads {
        known: bundle.columns(move || known(view, asked), &["key"]),
        spent: asked
            .spent
            .then(|| bundle.columns(spent, &["time", "cost"])),
        alarmed: bundle.columns(alarmed, &["time"]),
        outcomes: bundle.columns(outcomes, &["refused"]),
    }
}

impl Reads {
    /// The history that was read.
    pub(super) fn take(self, found: &mut Found) -> Result<History, Error> {
        let known = found.columns(&self.known)?.into_iter();
        let spent = self.spent.map(|spent| found.columns(&spent));
        let spent = spent.transpose()?.unwrap_or_default().into_iter();
        let alarmed = found.columns(&self.alarmed)?.pop();
        let outcomes = found.columns(&self.outcomes)?.into_iter();
        let mut spent: Vec<(Timestamp, i64)> = spent
            .map(|(time, cost)| (Timestamp::from_micros(time), cost))
            .collect();
        spent.sort_unstable();
        Ok(History {
            known: known.map(|(key,)| key).collect(),
            spent,
            alarm_time: alarmed.map(|(time,)| Timestamp::from_micros(time)),
            outcomes: outcomes.map(|(refused,)| refused != 0).collect(),
        })
    }
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
