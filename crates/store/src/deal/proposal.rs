//! What one side wrote to a field of a deal that the other owns, kept until that one decides.

use sea_orm::IntoActiveModel;
use sea_orm::QueryOrder;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};
use trellis_core::lifecycle::Named;
use trellis_core::{DealId, EcosystemId, Order, Page, PageQuery, PartnerId, Timestamp};

use super::field::Value;
use crate::page::{self, Columns};
use crate::reach::Reach;
use crate::record::insert_many;
use crate::{Error, Txn, View};

/// A side of a deal.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Side {
    /// The vendor.
    Vendor,
    /// A partner.
    Partner,
}

/// Where a proposal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum State {
    /// Nobody has decided.
    Open,
    /// The deal has the value.
    Accepted,
    /// The owner did not take it.
    Rejected,
    /// The same side has said something else.
    Superseded,
}

impl Named for State {
    fn name(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Accepted => "ACCEPTED",
            Self::Rejected => "REJECTED",
            Self::Superseded => "SUPERSEDED",
        }
    }
}

/// One proposal.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "deal_proposals")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The deal.
    #[sea_orm(primary_key, auto_increment = false)]
    pub deal: DealId,
    /// Its place, counted from 1 without gaps.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i64,
    /// Which side proposed it.
    pub side: Side,
    /// The partner that proposed it, or that is to decide. No other partner knows of it.
    pub partner: PartnerId,
    /// The field.
    pub field: String,
    /// The value.
    pub value: Value,
    /// Who proposed it.
    pub actor: String,
    /// The system that the value comes from.
    pub source_system: Option<String>,
    /// When it was written there.
    pub source_time: Option<Timestamp>,
    /// Where it stands.
    pub state: State,
    /// Who decided.
    pub decider: Option<String>,
    /// What they had to say.
    pub note: Option<String>,
    /// When.
    pub decide_time: Option<Timestamp>,
    /// When it was proposed.
    pub create_time: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

impl Columns for Entity {
    const ID: Column = Column::Number;

    fn column(field: &str) -> Option<Column> {
        Some(match field {
            "number" => Column::Number,
            "field" => Column::Field,
            "state" => Column::State,
            _ => return None,
        })
    }
}

/// The order that proposals are listed in.
const LATEST_FIRST: Order = Order {
    field: "number",
    descending: true,
};

/// Those of a deal that the scope reaches: for a partner's people those with their partner.
fn of(view: &View, deal: &DealId) -> Select<Entity> {
    let all = Entity::find()
        .filter(COLUMN.ecosystem.eq(view.ecosystem().clone()))
        .filter(COLUMN.deal.eq(deal.clone()));
    // The staff have found the deal, and see what is proposed in it.
    let own = (!view.scope().is_staff()).then(|| Reach::Partner(Column::Partner).within(view));
    match own.flatten() {
        Some(own) => all.filter(own),
        None => all,
    }
}

/// Reads one page of the proposals of a deal, the latest first. The caller has found the deal in the
/// view.
///
/// # Errors
/// [`Error::BadCursor`] when the page token was made for another query.
pub async fn page(view: &View, deal: &DealId, query: &PageQuery) -> Result<Page<Model>, Error> {
    let query = PageQuery {
        order: vec![LATEST_FIRST],
        ..query.clone()
    };
    page::page(&view.db(), of(view, deal), &query).await
}

/// Finds a proposal that the scope reaches. The caller has found the deal in the view.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn find(view: &View, deal: &DealId, number: i64) -> Result<Option<Model>, Error> {
    let select = of(view, deal).filter(COLUMN.number.eq(number));
    Ok(select.one(&view.db()).await?)
}

/// Proposals of a deal by their numbers, in that order, whoever reaches them. The caller holds the
/// lock of the deal.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn numbered(txn: &Txn, deal: &DealId, numbers: Vec<i64>) -> Result<Vec<Model>, Error> {
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    let select = Entity::find()
        .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
        .filter(COLUMN.deal.eq(deal.clone()))
        .filter(COLUMN.number.is_in(numbers))
        .order_by_asc(Column::Number);
    Ok(select.all(&txn.db()).await?)
}

/// The proposals of some deals that are open or were rejected, whoever reaches them, in the order of the
/// numbers. The caller holds the locks of the deals.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn open_or_rejected(
    txn: &Txn,
    deals: impl IntoIterator<Item = DealId>,
) -> Result<Vec<Model>, Error> {
    let select = Entity::find()
        .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
        .filter(COLUMN.deal.is_in(deals))
        .filter(COLUMN.state.is_in([State::Open, State::Rejected]))
        .order_by_asc(Column::Deal)
        .order_by_asc(Column::Number);
    Ok(select.all(&txn.db()).await?)
}

/// Adds proposals. The caller holds the locks of the deals.
///
/// # Errors
/// [`Error::Exists`] when a number is taken.
pub async fn propose(txn: &Txn, proposals: Vec<Model>) -> Result<(), Error> {
    insert_many::<Entity>(txn, proposals).await
}

/// Writes what was decided about an open proposal. The caller holds the lock of the deal.
///
/// # Errors
/// [`Error::Contended`] when somebody decided in between.
pub async fn decide(txn: &Txn, model: Model) -> Result<(), Error> {
    let (deal, number) = (model.deal.clone(), model.number);
    let mut row = model.into_active_model().reset_all();
    for key in [Column::Ecosystem, Column::Deal, Column::Number] {
        row.not_set(key);
    }
    let decided = Entity::update_many()
        .set(row)
        .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
        .filter(COLUMN.deal.eq(deal))
        .filter(COLUMN.number.eq(number))
        .filter(COLUMN.state.eq(State::Open))
        .exec(&txn.db())
        .await?;
    if decided.rows_affected == 1 {
        Ok(())
    } else {
        Err(Error::Contended)
    }
}
