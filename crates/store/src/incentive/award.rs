//! Awards: what partners have earned under plans, each for one deal or one period.
//!
//! A row holds what was computed last and how to compute it again. Where the money is stands in the
//! ledger.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Alias, OnConflict};
use sea_orm::{
    Condition, ConnectionTrait, FromJsonQueryResult, IntoActiveModel, QueryOrder, QuerySelect,
    QueryTrait,
};
use serde::{Deserialize, Serialize};
use trellis_core::{
    AwardId, Currency, Date, DealId, EcosystemId, PartnerId, PlanId, ProgramId, Timestamp,
};

pub use trellis_core::incentive::plan::Window;
pub use trellis_core::incentive::{NotPaid, Ruling, RulingKind, Rulings};

use super::ledger::HoldReason;
use super::{Span, within};
use crate::record::{self, scoped};
use crate::{Error, Txn, View, given};

/// Which account bears what a partner earns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum AccountingClass {
    /// The partner is a customer: it reduces revenue.
    ContraRevenue,
    /// The partner brings customers: it is an expense.
    CommissionExpense,
}

/// Why an award is held by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum Hold {
    /// Its partner disputes it.
    Dispute,
    /// It may be a fraud.
    Fraud,
    /// Somebody looks at it.
    Review,
}

impl Hold {
    /// The reason as it is written down.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dispute => "DISPUTE",
            Self::Fraud => "FRAUD",
            Self::Review => "REVIEW",
        }
    }

    /// The reason as accounts tell it.
    #[must_use]
    pub const fn of_account(self) -> HoldReason {
        match self {
            Self::Dispute => HoldReason::Dispute,
            Self::Fraud => HoldReason::Fraud,
            Self::Review => HoldReason::Review,
        }
    }
}

/// One award.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "awards")]
pub struct Model {
    /// The ecosystem that it belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AwardId,
    /// The plan that promised it.
    pub plan: PlanId,
    /// The version under which it was computed last.
    pub plan_version: i32,
    /// The program of the plan.
    pub program: ProgramId,
    /// The partner that earned it.
    pub partner: PartnerId,
    /// What it is for and its currency, as a text; once for each plan and partner.
    pub scope: String,
    /// Whether it is for a deal or for a period, and for which kind of period.
    #[sea_orm(column_name = "window_kind")]
    pub window: Window,
    /// The deal, if it is for one.
    pub deal: Option<DealId>,
    /// The day of the deal, or the first day of the period.
    pub scope_date: Date,
    /// The currency of the award. It never changes.
    pub currency: Currency,
    /// Which account bears it. It never changes.
    pub accounting_class: AccountingClass,
    /// What the partner is entitled to by the facts, in minor units.
    pub entitled_minor: i64,
    /// How much of that is not due, because it was rejected.
    pub rejected_minor: i64,
    /// How much more is due, or less where it is below zero, because it was adjusted.
    pub adjusted_minor: i64,
    /// What had been posted before the last posting that changed the entitlement.
    pub posted_before_minor: i64,
    /// Why it is nothing.
    pub not_paid: Option<NotPaid>,
    /// When the hold of the next part ends, while something is held.
    pub release_time: Option<Timestamp>,
    /// How many postings it has caused.
    pub posting_count: i64,
    /// The hash of the evaluation.
    pub trace_hash: String,
    /// The partner that the facts are credited to, if it is computed from facts: another one than
    /// `partner` where that one gets a part for its role.
    pub earner: Option<PartnerId>,
    /// What it is told besides its facts, and until when its parts are held, if it is computed from
    /// facts.
    pub basis: Option<Basis>,
    /// What people have ruled about it, if they have.
    pub rulings: Option<Rulings>,
    /// Why it is held by hand, if it is.
    pub hold_reason: Option<Hold>,
    /// Since when it is.
    pub hold_time: Option<Timestamp>,
    /// How much of what is held by hand was payable when it was held.
    pub hold_payable_minor: i64,
    /// Counts the changes.
    pub version: i64,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

/// What an award that is computed from facts was told besides them, and what came out for later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Basis {
    /// What the facts are for, as the evaluation says it.
    pub scope: String,
    /// As of when the facts were known.
    pub known_time: Timestamp,
    /// How much was posted for all who get a part of it, in minor units.
    pub posted_minor: i64,
    /// How much of that was paid out.
    pub paid_minor: i64,
    /// Under which version of the plan it was posted.
    pub posted_version: i32,
    /// What had been paid under other versions when this one took over that may not reduce it.
    #[serde(default)]
    pub paid_before: Vec<PaidBefore>,
    /// The version of the arithmetic that computed it.
    #[serde(default = "Basis::engine_before")]
    pub engine_version: u32,
    /// The hash of what it comes to, whatever was posted and whenever it is computed.
    pub essence: String,
    /// The parts of this award, and until when each is held.
    pub held: Vec<HeldPart>,
}

impl Basis {
    /// The version of those that do not say theirs: there was no other when they were computed.
    fn engine_before() -> u32 {
        3
    }
}

/// What was paid of an award under a version, before another one took its days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaidBefore {
    /// The version.
    pub version: i32,
    /// How much, in minor units.
    pub minor: i64,
}

/// A part of an award that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldPart {
    /// How much, in minor units.
    pub minor: i64,
    /// The first day on which it is not held any longer; none while that is not known.
    pub until: Option<Date>,
}

crate::record!(id: AwardId, Id; reach: crate::reach::Reach::Partner(Column::Partner); {
    "partner" => Partner,
    "plan" => Plan,
    "program" => Program,
    "deal" => Deal,
    "not_paid_reason" => NotPaid,
    "hold_reason" => HoldReason,
    "create_time" => CreateTime,
    "update_time" => UpdateTime,
});

/// What makes an award that of its plan, partner and scope.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The plan.
    pub plan: PlanId,
    /// The partner.
    pub partner: PartnerId,
    /// The scope's text.
    pub scope: String,
}

impl Model {
    /// What is due of it, after all rulings.
    #[must_use]
    pub const fn due_minor(&self) -> i64 {
        self.entitled_minor + self.adjusted_minor - self.rejected_minor
    }

    /// What people have ruled about it, in the order in which they have.
    #[must_use]
    pub fn rulings(&self) -> &[Ruling] {
        self.rulings.as_ref().map_or(&[], |rulings| &rulings.0)
    }

    /// What makes it that of its plan, partner and scope.
    #[must_use]
    pub fn award_key(&self) -> Key {
        Key {
            plan: self.plan.clone(),
            partner: self.partner.clone(),
            scope: self.scope.clone(),
        }
    }
}

/// Finds the awards with some keys and locks them, in the order of their ids. Each key is looked up by
/// itself, however many there are.
///
/// # Errors
/// [`Error::Contended`] when a lock cannot be had in time.
pub async fn lock_by_keys(
    txn: &Txn,
    keys: impl IntoIterator<Item = &Key>,
) -> Result<Vec<Model>, Error> {
    let keys: Vec<String> = keys
        .into_iter()
        .map(
            |Key {
                 plan,
                 partner,
                 scope,
             }| serde_json::json!([plan, partner, scope]).to_string(),
        )
        .collect();
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let backend = txn.db().get_database_backend();
    let column = |column: Column| Expr::col((Entity, column));
    let ids = given::of_each_list(
        backend,
        keys.iter().map(String::as_str).collect(),
        scoped::<Entity>(txn)
            .select_only()
            .column(Column::Id)
            .into_query(),
        [Column::Plan, Column::Partner, Column::Scope].map(column),
        "id",
    );
    let select = scoped::<Entity>(txn)
        .filter(given::is_found(backend, column(Column::Id), ids))
        .order_by_asc(Column::Id);
    Ok(record::for_update(txn, select).all(&txn.db()).await?)
}

/// Some awards whose next part has come to the end of its hold.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn due(view: &View, limit: u64) -> Result<Vec<Model>, Error> {
    let select = scoped::<Entity>(view)
        .filter(Column::ReleaseTime.lte(view.now()))
        .order_by_asc(Column::Id)
        .limit(limit);
    Ok(select.all(&view.db()).await?)
}

/// The next awards, by their ids.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn after(view: &View, after: Option<AwardId>, limit: u64) -> Result<Vec<Model>, Error> {
    let mut select = scoped::<Entity>(view);
    if let Some(after) = after {
        select = select.filter(Column::Id.gt(after));
    }
    let select = select.order_by_asc(Column::Id).limit(limit);
    Ok(select.all(&view.db()).await?)
}

/// The awards of a plan for deals and periods from a day on.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn of_plan_from(view: &View, plan: &PlanId, from: Date) -> Result<Vec<Model>, Error> {
    let select = scoped::<Entity>(view)
        .filter(Column::Plan.eq(plan.clone()))
        .filter(Column::ScopeDate.gte(from))
        .order_by_asc(Column::Id);
    Ok(select.all(&view.db()).await?)
}

/// The next awards of a plan for deals and periods of `from..until`, by their ids.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn of_plan_after(
    view: &View,
    plan: &PlanId,
    (from, until): (Date, Option<Date>),
    after: Option<&AwardId>,
    limit: u64,
) -> Result<Vec<Model>, Error> {
    let mut select = scoped::<Entity>(view)
        .filter(Column::Plan.eq(plan.clone()))
        .filter(Column::ScopeDate.gte(from));
    if let Some(until) = until {
        select = select.filter(Column::ScopeDate.lt(until));
    }
    if let Some(after) = after {
        select = select.filter(Column::Id.gt(after.clone()));
    }
    let select = select.order_by_asc(Column::Id).limit(limit);
    Ok(select.all(&view.db()).await?)
}

/// The awards of some plans that are computed from facts of some partners, or of all, in the order of
/// their ids.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn earned(
    view: &View,
    plans: &[PlanId],
    earners: Option<&[PartnerId]>,
) -> Result<Vec<Model>, Error> {
    let earned = Condition::all().add(Column::Earner.is_not_null());
    let mut found = Vec::new();
    for select in of_plans(view, plans, &earned, Column::Earner, earners) {
        found.extend(select.all(&view.db()).await?);
    }
    Ok(found)
}

/// The awards of some plans for some days that are computed from facts of some partners, or of all;
/// locks them, in the order of their ids.
///
/// # Errors
/// [`Error::Contended`] when a lock cannot be had in time.
pub async fn lock_earned(
    txn: &Txn,
    plans: &[PlanId],
    earners: Option<&[PartnerId]>,
    spans: Option<&[Span]>,
) -> Result<Vec<Model>, Error> {
    let earned = Condition::all()
        .add(Column::Earner.is_not_null())
        .add(within(Column::ScopeDate, spans));
    lock(txn, of_plans(txn, plans, &earned, Column::Earner, earners)).await
}

/// The awards of some plans and of some partners, or of all, that are not computed from facts; locks
/// them, in the order of their ids.
///
/// # Errors
/// [`Error::Contended`] when a lock cannot be had in time.
pub async fn lock_totalled(
    txn: &Txn,
    plans: &[PlanId],
    partners: Option<&[PartnerId]>,
) -> Result<Vec<Model>, Error> {
    let totalled = Condition::all().add(Column::Earner.is_null());
    lock(
        txn,
        of_plans(txn, plans, &totalled, Column::Partner, partners),
    )
    .await
}

/// Whether there are any of those.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn has_totalled(
    view: &View,
    plans: &[PlanId],
    partners: Option<&[PartnerId]>,
) -> Result<bool, Error> {
    let mut select = scoped::<Entity>(view)
        .filter(Column::Plan.is_in(plans.to_vec()))
        .filter(Column::Earner.is_null());
    if let Some([partner]) = partners {
        select = select.filter(Column::Partner.eq(partner.clone()));
    }
    Ok(select.limit(1).one(&view.db()).await?.is_some())
}

async fn lock(txn: &Txn, selects: Vec<Select<Entity>>) -> Result<Vec<Model>, Error> {
    let mut found = Vec::new();
    for select in selects {
        found.extend(record::for_update(txn, select).all(&txn.db()).await?);
    }
    Ok(found)
}

/// What selects such awards of some plans, and of those whom a column names, or of all.
fn of_plans(
    view: &View,
    plans: &[PlanId],
    which: &Condition,
    column: Column,
    partners: Option<&[PartnerId]>,
) -> Vec<Select<Entity>> {
    /// Partners of one statement, so that the bound values stay within what SQLite takes.
    const CHUNK: usize = 500;
    let all = || {
        scoped::<Entity>(view)
            .filter(Column::Plan.is_in(plans.to_vec()))
            .filter(which.clone())
            .order_by_asc(Column::Id)
    };
    match partners {
        None => vec![all()],
        Some(partners) => partners
            .chunks(CHUNK)
            .map(|chunk| all().filter(column.is_in(chunk.to_vec())))
            .collect(),
    }
}

/// Writes awards, new ones and changed ones, each with its version and time of change counted on.
/// The changed ones must be locked.
///
/// # Errors
/// [`Error::Exists`] when there is another award with the same key.
pub async fn save(txn: &Txn, awards: Vec<Model>) -> Result<(), Error> {
    /// 29 columns each: within the 32,766 values that SQLite binds in a statement.
    const CHUNK: usize = 500;
    let mut rows = awards
        .into_iter()
        .map(|award| award.into_active_model().reset_all())
        .peekable();
    while rows.peek().is_some() {
        let chunk: Vec<_> = rows.by_ref().take(CHUNK).collect();
        let mut changed = OnConflict::columns([Column::Ecosystem, Column::Id]);
        for column in [
            Column::PlanVersion,
            Column::Scope,
            Column::ScopeDate,
            Column::EntitledMinor,
            Column::RejectedMinor,
            Column::AdjustedMinor,
            Column::PostedBeforeMinor,
            Column::NotPaid,
            Column::ReleaseTime,
            Column::PostingCount,
            Column::TraceHash,
            Column::Earner,
            Column::Basis,
            Column::Rulings,
            Column::HoldReason,
            Column::HoldTime,
            Column::HoldPayableMinor,
            Column::Version,
            Column::UpdateTime,
        ] {
            changed.value(column, Expr::col((Alias::new("excluded"), column)));
        }
        Entity::insert_many(chunk)
            .on_conflict(changed)
            .exec_without_returning(&txn.db())
            .await?;
    }
    Ok(())
}
