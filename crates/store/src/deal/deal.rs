//! Deals: business with customers, from the first contact to the signature and beyond.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::ExprTrait;
use sea_orm::{FromJsonQueryResult, QueryOrder};
use serde::{Deserialize, Serialize};
use trellis_core::lifecycle::Named;
use trellis_core::{
    AccountId, Currency, Date, DealId, EcosystemId, PartnerId, ProductId, ProgramId,
    RegistrationId, TerritoryId, Timestamp,
};

use super::deal_participant;
use crate::record::{self, scoped};
use crate::{Error, Txn, View};

pub use super::field::{Contacts, ExternalIds, Writes};
pub use super::part::{Disputes, PartnerRole, Role, Roles};

/// What kind of business a registration or a deal is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DealType {
    /// The customer buys for the first time.
    New,
    /// The customer buys more.
    Expansion,
    /// The customer goes on with what it has.
    Renewal,
}

/// How far a deal has come, from the first stage to the last two. The legal moves are the deal
/// service's.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    Serialize,
    Deserialize,
)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Stage {
    /// Somebody may want something.
    Prospect,
    /// There is a need, a budget and somebody who decides.
    Qualified,
    /// The product is being tried.
    TechnicalValidation,
    /// Price and terms are being settled.
    BusinessValidation,
    /// The signature is missing.
    Committed,
    /// Signed.
    Won,
    /// Not to be had.
    Lost,
}

impl Named for Stage {
    fn name(self) -> &'static str {
        match self {
            Self::Prospect => "PROSPECT",
            Self::Qualified => "QUALIFIED",
            Self::TechnicalValidation => "TECHNICAL_VALIDATION",
            Self::BusinessValidation => "BUSINESS_VALIDATION",
            Self::Committed => "COMMITTED",
            Self::Won => "WON",
            Self::Lost => "LOST",
        }
    }
}

/// One product of a deal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The product.
    pub product: ProductId,
    /// How many.
    pub quantity: i64,
    /// What all of them together are worth, in minor units of the deal's currency. None as long as
    /// nobody has said.
    pub amount_minor: Option<i64>,
}

/// What the customer buys, in the order in which it was given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Lines(pub Vec<Line>);

/// One deal.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "deals")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The id, last part of the name.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DealId,
    /// What people call it.
    pub display_name: String,
    /// The customer.
    pub account: Option<AccountId>,
    /// The partner that sourced it: the one of `roles` whose part that is.
    pub partner: Option<PartnerId>,
    /// Who plays which part.
    pub roles: Roles,
    /// What the customer buys.
    pub lines: Lines,
    /// What it is worth, in minor units of `currency`.
    pub amount_minor: Option<i64>,
    /// The currency of its amounts; there while there is an amount.
    pub currency: Option<Currency>,
    /// What kind of business it is.
    pub deal_type: Option<DealType>,
    /// Where the customer is served.
    pub territory: Option<TerritoryId>,
    /// When work on it began.
    pub engage_date: Option<Date>,
    /// When it is expected to close.
    pub expected_close_date: Option<Date>,
    /// Its id in the caller's own system; unique when set.
    pub external_id: Option<String>,
    /// How far it has come.
    pub stage: Stage,
    /// The open stage from which it was won or lost, if it was open here.
    pub closed_from: Option<Stage>,
    /// When it was won or lost.
    pub close_date: Option<Date>,
    /// The first day of the month of `close_date` or else of `expected_close_date`. The pipeline is
    /// gathered by it.
    pub period: Option<Date>,
    /// Why it was lost.
    pub lost_reason_code: Option<String>,
    /// How often it was won.
    pub win: i64,
    /// When the present win was recorded.
    pub won_time: Option<Timestamp>,
    /// What was invoiced since.
    pub invoiced_minor: i64,
    /// What was paid back since.
    pub refunded_minor: i64,
    /// When the customer left.
    pub churn_date: Option<Date>,
    /// The registration that it was made from.
    pub registration: Option<RegistrationId>,
    /// The program of that registration.
    pub program: Option<ProgramId>,
    /// How many moves of its stage are remembered.
    pub stage_change_count: i64,
    /// How often its parts were set, as far as that is remembered.
    pub role_change_count: i64,
    /// What was disputed about its parts.
    pub disputes: Disputes,
    /// What its partner does next.
    pub next_step: Option<String>,
    /// Whom its partner knows at the customer.
    pub contacts: Contacts,
    /// What of its own its partner sells with it.
    pub partner_product: Option<String>,
    /// Its ids in other systems, one in each.
    pub external_ids: ExternalIds,
    /// Who wrote which field when.
    pub writes: Writes,
    /// How many proposals there were.
    pub proposal_count: i64,
    /// Counts the changes.
    pub version: i64,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

crate::record!(id: DealId, Id;
    reach: crate::reach::Reach::Shared(Column::Partner, Column::Id, deal_participant::deals); {
    "display_name" => DisplayName,
    "account" => Account,
    "partner" => Partner,
    "deal_type" => DealType,
    "territory" => Territory,
    "program" => Program,
    "registration" => Registration,
    "external_id" => ExternalId,
    "stage" => Stage,
    "lost_reason_code" => LostReasonCode,
    "expected_close_date" => ExpectedCloseDate,
    "close_date" => CloseDate,
    "won_time" => WonTime,
    "create_time" => CreateTime,
    "update_time" => UpdateTime,
});

/// Finds the deals that carry one of these external ids, locked, in the order of their ids.
///
/// # Errors
/// [`Error::Contended`] when a lock cannot be had in time.
pub async fn lock_by_external_ids(
    txn: &Txn,
    external_ids: impl IntoIterator<Item = String>,
) -> Result<Vec<Model>, Error> {
    let select = scoped::<Entity>(txn)
        .filter(COLUMN.external_id.is_in(external_ids))
        .order_by_asc(Column::Id);
    Ok(record::for_update(txn, select).all(&txn.db()).await?)
}

/// The deals that were won from a day on and before another, in the order of their ids.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn won_between(view: &View, from: Date, until: Date) -> Result<Vec<Model>, Error> {
    let select = scoped::<Entity>(view)
        .filter(COLUMN.stage.eq(Stage::Won))
        .filter(Column::CloseDate.gte(from))
        .filter(Column::CloseDate.lt(until))
        .order_by_asc(Column::Id);
    Ok(select.all(&view.db()).await?)
}

/// Puts the deals of an account, or some of them, at another account; answers which. Their versions
/// count it: what they name has changed.
///
/// # Errors
/// [`Error::Contended`] when a lock cannot be had in time.
pub async fn readdress(
    txn: &Txn,
    from: &AccountId,
    to: &AccountId,
    only: Option<&[DealId]>,
) -> Result<Vec<DealId>, Error> {
    let mut select = scoped::<Entity>(txn).filter(COLUMN.account.eq(from.clone()));
    if let Some(only) = only {
        select = select.filter(COLUMN.id.is_in(only.iter().cloned()));
    }
    let select = select.order_by_asc(Column::Id);
    let found = record::for_update(txn, select).all(&txn.db()).await?;
    let ids: Vec<DealId> = found.into_iter().map(|one| one.id).collect();
    for some in ids.chunks(READDRESSED) {
        Entity::update_many()
            .col_expr(Column::Account, Expr::value(to.as_str()))
            .col_expr(Column::Version, Expr::col(Column::Version).add(1_i64))
            .col_expr(Column::UpdateTime, Expr::value(txn.now()))
            .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
            .filter(COLUMN.id.is_in(some.iter().cloned()))
            .exec(&txn.db())
            .await?;
    }
    Ok(ids)
}

/// Deals of one statement; SQLite binds at most 32,766 values.
const READDRESSED: usize = 10_000;
