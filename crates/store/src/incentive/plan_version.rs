//! The versions of plans: what each pays during its days. A version's key holds its plan; versions
//! are numbered from 1.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::ExprTrait;
use sea_orm::{FromJsonQueryResult, IntoActiveModel, NotSet, QueryOrder, QuerySelect, QueryTrait};
use serde::{Deserialize, Serialize};
use trellis_core::lifecycle::Named;
use trellis_core::{
    AwardId, Currency, Date, DealId, EcosystemId, Page, PageQuery, PartnerId, PlanId, ProgramId,
    TimeZone, Timestamp,
};

pub use super::terms::Kind;
use super::terms::Terms;
use crate::page::{self, Columns};
use crate::{Error, Txn, View, record};

/// Where a version stands, as far as it was written down. A first or last day that has come counts
/// before it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum State {
    /// Being written.
    Draft,
    /// Decided; its first day is still to come.
    Scheduled,
    /// It holds.
    Active,
    /// It holds no longer.
    Retired,
}

impl Named for State {
    fn name(self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::Scheduled => "SCHEDULED",
            Self::Active => "ACTIVE",
            Self::Retired => "RETIRED",
        }
    }
}

/// How far the past of a version has been looked at, while it has not been to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct CatchUp {
    /// Whether it took days from other versions, and their awards have not all been looked at.
    #[serde(default)]
    pub takes_days: bool,
    /// The last award of theirs that was looked at.
    #[serde(default)]
    pub after_award: Option<AwardId>,
    /// The last win that was looked at; none at the beginning.
    pub after: Option<(PartnerId, Date, DealId, i64)>,
    /// The last partner whose facts were looked at, where awards are computed from facts.
    #[serde(default)]
    pub after_partner: Option<PartnerId>,
}

/// One version of a plan.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "plan_versions")]
pub struct Model {
    /// The ecosystem that it belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The plan.
    #[sea_orm(primary_key, auto_increment = false)]
    pub plan: PlanId,
    /// Its number, counted from 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i32,
    /// The program of the plan, which never changes.
    pub program: ProgramId,
    /// Where it stands.
    pub state: State,
    /// The first day on which it holds.
    pub effective_from: Date,
    /// The first day on which it no longer holds, if it has an end.
    pub effective_until: Option<Date>,
    /// The first day on which it no longer holds because it was retired.
    pub retire_date: Option<Date>,
    /// When that was decided.
    pub retire_decision_time: Option<Timestamp>,
    /// The currency that it pays in.
    pub currency: Currency,
    /// What sort of payment it is.
    pub kind: Kind,
    /// What it pays.
    pub terms: Terms,
    /// The time zone of the program, which does not change once it is published. Set when the
    /// version is scheduled.
    pub time_zone: Option<TimeZone>,
    /// When its first day begins. Set when it is scheduled.
    pub start_time: Option<Timestamp>,
    /// When its last day has ended, if it has an end. Set from when it is scheduled.
    pub end_time: Option<Timestamp>,
    /// When it was scheduled.
    pub schedule_time: Option<Timestamp>,
    /// Set while wins that were recorded before it was scheduled have not all been looked at.
    pub catch_up: Option<CatchUp>,
    /// Counts the changes.
    pub version: i64,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The first day on which it no longer holds, whatever ends it.
    #[must_use]
    pub fn end(&self) -> Option<Date> {
        match (self.effective_until, self.retire_date) {
            (Some(until), Some(retired)) => Some(Ord::min(until, retired)),
            (until, retired) => until.or(retired),
        }
    }

    /// The first day on which it no longer holds, as far as that had been decided by a moment.
    #[must_use]
    pub fn end_known_at(&self, moment: Timestamp) -> Option<Date> {
        let decided = self.retire_decision_time.is_none_or(|time| time <= moment);
        if decided {
            self.end()
        } else {
            self.effective_until
        }
    }

    /// Whether it holds on a day. A draft never does.
    #[must_use]
    pub fn holds_on(&self, date: Date) -> bool {
        self.state != State::Draft
            && self.effective_from <= date
            && self.end().is_none_or(|end| date < end)
    }
}

impl Columns for Entity {
    const ID: Column = Column::Number;

    fn column(field: &str) -> Option<Column> {
        Some(match field {
            "currency_code" => Column::Currency,
            "kind" => Column::Kind,
            "create_time" => Column::CreateTime,
            "update_time" => Column::UpdateTime,
            _ => return None,
        })
    }
}

fn scoped(view: &View) -> Select<Entity> {
    Entity::find().filter(Column::Ecosystem.eq(view.ecosystem().clone()))
}

fn by_key(view: &View, plan: &PlanId, number: i32) -> Select<Entity> {
    scoped(view)
        .filter(Column::Plan.eq(plan.clone()))
        .filter(Column::Number.eq(number))
}

/// Finds a version.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn find(view: &View, plan: &PlanId, number: i32) -> Result<Option<Model>, Error> {
    Ok(by_key(view, plan, number).one(&view.db()).await?)
}

/// Finds a version and locks it until the transaction ends.
///
/// # Errors
/// [`Error::Contended`] when its lock cannot be had in time.
pub async fn lock(txn: &Txn, plan: &PlanId, number: i32) -> Result<Option<Model>, Error> {
    Ok(record::for_update(txn, by_key(txn, plan, number))
        .one(&txn.db())
        .await?)
}

/// The number of a plan's newest version; 0 if it has none. The plan must be locked by whoever
/// means to use the next.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn newest_number(txn: &Txn, plan: &PlanId) -> Result<i32, Error> {
    let newest: Option<i32> = scoped(txn)
        .filter(Column::Plan.eq(plan.clone()))
        .order_by_desc(Column::Number)
        .select_only()
        .column(Column::Number)
        .into_tuple()
        .one(&txn.db())
        .await?;
    Ok(newest.unwrap_or(0))
}

/// The versions of all plans of which one holds, or has held, or will hold on some day of `from..=to`.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn of_plans_holding(view: &View, from: Date, to: Date) -> Result<Vec<Model>, Error> {
    let holding = scoped(view)
        .filter(Column::State.ne(State::Draft))
        .filter(Column::EffectiveFrom.lte(to))
        .filter(
            Column::EffectiveUntil
                .is_null()
                .or(Column::EffectiveUntil.gt(from)),
        )
        .filter(Column::RetireDate.is_null().or(Column::RetireDate.gt(from)))
        .select_only()
        .column(Column::Plan)
        .into_query();
    let select = scoped(view)
        .filter(Column::State.ne(State::Draft))
        .filter(Column::Plan.in_subquery(holding))
        .order_by_asc(Column::Plan)
        .order_by_asc(Column::Number);
    Ok(select.all(&view.db()).await?)
}

/// The versions of some plans that are no drafts.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn of_plans(
    view: &View,
    plans: impl IntoIterator<Item = PlanId>,
) -> Result<Vec<Model>, Error> {
    let select = scoped(view)
        .filter(Column::State.ne(State::Draft))
        .filter(Column::Plan.is_in(plans))
        .order_by_asc(Column::Plan)
        .order_by_asc(Column::Number);
    Ok(select.all(&view.db()).await?)
}

/// The versions of all plans that are no drafts.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn decided(view: &View) -> Result<Vec<Model>, Error> {
    let select = scoped(view)
        .filter(Column::State.ne(State::Draft))
        .order_by_asc(Column::Plan)
        .order_by_asc(Column::Number);
    Ok(select.all(&view.db()).await?)
}

/// The versions of all plans of a program that are no drafts.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn of_program(view: &View, program: &ProgramId) -> Result<Vec<Model>, Error> {
    let select = scoped(view)
        .filter(Column::State.ne(State::Draft))
        .filter(Column::Program.eq(program.clone()))
        .order_by_asc(Column::Plan)
        .order_by_asc(Column::Number);
    Ok(select.all(&view.db()).await?)
}

/// The versions of a plan that have not retired, the newest first.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn unretired(view: &View, plan: &PlanId, limit: u64) -> Result<Vec<Model>, Error> {
    let select = scoped(view)
        .filter(Column::Plan.eq(plan.clone()))
        .filter(Column::State.ne(State::Retired))
        .order_by_desc(Column::Number)
        .limit(limit);
    Ok(select.all(&view.db()).await?)
}

/// Locks some versions whose first or last day has come and was not written down yet.
///
/// # Errors
/// [`Error::Contended`] when a lock cannot be had in time.
pub async fn lock_due(txn: &Txn, limit: u64) -> Result<Vec<Model>, Error> {
    let now = txn.now();
    let due = sea_orm::Condition::any()
        .add(
            Column::State
                .eq(State::Scheduled)
                .and(Column::StartTime.lte(now)),
        )
        .add(
            Column::State
                .is_in([State::Scheduled, State::Active])
                .and(Column::EndTime.lte(now)),
        );
    let select = scoped(txn)
        .filter(due)
        .order_by_asc(Column::Plan)
        .order_by_asc(Column::Number)
        .limit(limit);
    Ok(record::for_update(txn, select).all(&txn.db()).await?)
}

/// A version whose past has not been looked at to its end.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn catching_up(view: &View) -> Result<Option<Model>, Error> {
    let select = scoped(view)
        .filter(Column::CatchUp.is_not_null())
        .order_by_asc(Column::Plan)
        .order_by_asc(Column::Number);
    Ok(select.one(&view.db()).await?)
}

/// Writes down how far the past of a version has been looked at. That is no change of the version.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn set_catch_up(
    txn: &Txn,
    model: &Model,
    catch_up: Option<CatchUp>,
) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::CatchUp, Expr::value(catch_up))
        .filter(Column::Ecosystem.eq(model.ecosystem.clone()))
        .filter(Column::Plan.eq(model.plan.clone()))
        .filter(Column::Number.eq(model.number))
        .exec(&txn.db())
        .await?;
    Ok(())
}

/// Reads one page of a plan's versions.
///
/// # Errors
/// [`Error::BadCursor`] when the page token was made for another query.
pub async fn page(view: &View, plan: &PlanId, query: &PageQuery) -> Result<Page<Model>, Error> {
    page::page(
        &view.db(),
        scoped(view).filter(Column::Plan.eq(plan.clone())),
        query,
    )
    .await
}

/// Adds a version.
///
/// # Errors
/// [`Error::Exists`] when its number is taken.
pub async fn insert(txn: &Txn, model: Model) -> Result<Model, Error> {
    let row = model.clone().into_active_model().reset_all();
    Entity::insert(row)
        .exec_without_returning(&txn.db())
        .await?;
    Ok(model)
}

/// Writes a changed version back whole, guarded by the version it was read at.
///
/// # Errors
/// [`Error::Contended`] when somebody else changed it in between.
pub async fn update(txn: &Txn, mut model: Model) -> Result<Model, Error> {
    let before = model.version;
    model.version += 1;
    model.update_time = txn.now();
    let mut row = model.clone().into_active_model().reset_all();
    row.ecosystem = NotSet;
    row.plan = NotSet;
    row.number = NotSet;
    let updated = Entity::update_many()
        .set(row)
        .filter(Column::Ecosystem.eq(model.ecosystem.clone()))
        .filter(Column::Plan.eq(model.plan.clone()))
        .filter(Column::Number.eq(model.number))
        .filter(Column::Version.eq(before))
        .exec(&txn.db())
        .await?;
    if updated.rows_affected == 1 {
        Ok(model)
    } else {
        Err(Error::Contended)
    }
}
