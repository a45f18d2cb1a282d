//! What awards have spent of budgets for all: a sum for each plan and period, and where the budget ended.
//!
//! It says nothing that the awards do not say. It is kept so that a fact costs no more in a period with a
//! hundred thousand awards than in one with ten, and is written in the transaction that writes the awards,
//! under [`lock`].

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Alias, ExprTrait, OnConflict};
use sea_orm::{
    Condition, ConnectionTrait, DatabaseBackend, IntoActiveModel, QueryOrder, QuerySelect,
};
use trellis_core::{AwardId, Date, EcosystemId, PlanId};

use super::{Span, award, within};
use crate::record::{self, scoped};
use crate::{Error, Txn, View};

/// What is spent of a plan's budget for a period.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "plan_budgets")]
pub struct Model {
    /// The ecosystem that it belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The plan.
    #[sea_orm(primary_key, auto_increment = false)]
    pub plan: PlanId,
    /// The first day of the period.
    #[sea_orm(primary_key, auto_increment = false)]
    pub period_start: Date,
    /// The first day after it.
    pub period_end: Date,
    /// What all awards of the period come to together, in minor units.
    pub spent_minor: i64,
    /// The first award that the budget left less to than it came to. All before it have all of theirs; to
    /// all after it nothing was left.
    pub first_cut: Option<AwardId>,
    /// The hash of the terms that it was computed by.
    pub terms: String,
}

impl ActiveModelBehavior for ActiveModel {}

fn of_plan(view: &View, plan: &PlanId) -> Select<Entity> {
    Entity::find()
        .filter(Column::Ecosystem.eq(view.ecosystem().clone()))
        .filter(Column::Plan.eq(plan.clone()))
}

/// Keeps all others from the budgets of a plan until the transaction ends.
///
/// # Errors
/// [`Error::Contended`] when the lock cannot be had in time.
pub async fn lock(txn: &Txn, plan: &PlanId) -> Result<(), Error> {
    crate::lock::keys(txn, &[format!("plan_budgets/{plan}")]).await
}

/// What is spent of a plan's budgets, by their first days.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn spent(view: &View, plan: &PlanId) -> Result<Vec<Model>, Error> {
    let select = of_plan(view, plan).order_by_asc(Column::PeriodStart);
    Ok(select.all(&view.db()).await?)
}

/// Writes down what is spent, where it was known before.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn save(txn: &Txn, budgets: Vec<Model>) -> Result<(), Error> {
    if budgets.is_empty() {
        return Ok(());
    }
    let key = [Column::Ecosystem, Column::Plan, Column::PeriodStart];
    let mut changed = OnConflict::columns(key);
    for column in [
        Column::PeriodEnd,
        Column::SpentMinor,
        Column::FirstCut,
        Column::Terms,
    ] {
        changed.value(column, Expr::col((Alias::new("excluded"), column)));
    }
    let rows = budgets
        .into_iter()
        .map(|budget| budget.into_active_model().reset_all());
    Entity::insert_many(rows)
        .on_conflict(changed)
        .exec_without_returning(&txn.db())
        .await?;
    Ok(())
}

/// Forgets what is spent of a plan's budgets whose first days are among some, or of all.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn forget(txn: &Txn, plan: &PlanId, spans: Option<&[Span]>) -> Result<(), Error> {
    Entity::delete_many()
        .filter(Column::Ecosystem.eq(txn.ecosystem().clone()))
        .filter(Column::Plan.eq(plan.clone()))
        .filter(within(Column::PeriodStart, spans))
        .exec(&txn.db())
        .await?;
    Ok(())
}

/// Where an award stands among those that spend a budget: by its day, and of one day by the bytes of its
/// scope.
pub type Place = (Date, String);

/// Where an award stands.
#[must_use]
pub fn place(award: &award::Model) -> Place {
    (award.scope_date, award.scope.clone())
}

/// The last awards of a plan before a place, or at all, and after another one, that come to anything,
/// the last one first. They are awards of facts on some days.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn last_paid(
    view: &View,
    plan: &PlanId,
    days: Span,
    (after, before): (&Place, Option<&Place>),
    limit: u64,
) -> Result<Vec<award::Model>, Error> {
    // Written as the index says it.
    let mut select = in_places(view, plan, days)
        .filter(Expr::cust("earner IS NOT NULL AND entitled_minor > 0"))
        .filter(stands(view, after).1);
    if let Some(before) = before {
        select = select.filter(stands(view, before).0);
    }
    let select = select
        .order_by_desc(award::Column::ScopeDate)
        .order_by(in_bytes(view), sea_orm::Order::Desc)
        .limit(limit);
    record::all(view, select).await
}

/// The first awards of a plan after a place to which its budget left nothing, the first one first.
/// They are awards of facts on some days.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn first_unpaid(
    view: &View,
    plan: &PlanId,
    days: Span,
    after: &Place,
    limit: u64,
) -> Result<Vec<award::Model>, Error> {
    let select = in_places(view, plan, days)
        .filter(Expr::cust("not_paid = 'BUDGET_EXHAUSTED'"))
        .filter(stands(view, after).1)
        .order_by_asc(award::Column::ScopeDate)
        .order_by(in_bytes(view), sea_orm::Order::Asc)
        .limit(limit);
    record::all(view, select).await
}

fn in_places(view: &View, plan: &PlanId, (from, until): Span) -> Select<award::Entity> {
    scoped::<award::Entity>(view)
        .filter(award::Column::Plan.eq(plan.clone()))
        .filter(award::Column::ScopeDate.gte(from))
        .filter(award::Column::ScopeDate.lt(until))
}

/// The scope, which is compared byte by byte.
fn in_bytes(view: &View) -> Expr {
    match view.db().get_database_backend() {
        DatabaseBackend::Postgres => Expr::cust("scope COLLATE \"C\""),
        _ => Expr::col(award::Column::Scope),
    }
}

/// Whether an award stands before a place, and whether after it.
fn stands(view: &View, (date, scope): &Place) -> (Condition, Condition) {
    let of_day = || Condition::all().add(award::Column::ScopeDate.eq(*date));
    let before = Condition::any()
        .add(award::Column::ScopeDate.lt(*date))
        .add(of_day().add(in_bytes(view).lt(scope.clone())));
    let after = Condition::any()
        .add(award::Column::ScopeDate.gt(*date))
        .add(of_day().add(in_bytes(view).gt(scope.clone())));
    (before, after)
}
