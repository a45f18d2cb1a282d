//! What one side wrote to a field of a deal that the other owns, kept until that one decides.

use sea_orm::entity::prelude::*;
use sea_orm::{IntoActiveModel, QueryOrder, QuerySelect, QueryTrait};
use serde::{Deserialize, Serialize};
use trellis_core::lifecycle::Named;
use trellis_core::{DealId, EcosystemId, Order, Page, PageQuery, PartnerId, Timestamp};

use super::deal;
use super::field::Value;
use crate::page::{self, Columns};
use crate::reach::Reach;
use crate::record::{insert_many, scoped};
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
            "create_time" => Column::CreateTime,
            "deal" => Column::Deal,
            "number" => Column::Number,
            "field" => Column::Field,
            "state" => Column::State,
            _ => return None,
        })
    }
}

/// The order of proposals in a deal.
const LATEST_FIRST: Order = Order {
    field: "number",
    descending: true,
};

/// The order of proposals of several deals, before that.
const ACROSS_DEALS: [Order; 2] = [
    Order {
        field: "create_time",
        descending: true,
    },
    Order {
        field: "deal",
        descending: false,
    },
];

/// Those of all deals, whether or not the scope reaches the deal: for a partner's people those with their
/// partner.
fn with_own(view: &View) -> Select<Entity> {
    let all = Entity::find().filter(COLUMN.ecosystem.eq(view.ecosystem().clone()));
    // The staff see what is proposed in every deal that they find.
    let own = (!view.scope().is_staff()).then(|| Reach::Partner(Column::Partner).within(view));
    match own.flatten() {
        Some(own) => all.filter(own),
        None => all,
    }
}

/// Those of a deal, which the scope reaches.
fn of(view: &View, deal: &DealId) -> Select<Entity> {
    with_own(view).filter(COLUMN.deal.eq(deal.clone()))
}

/// Those of all deals that the scope reaches.
fn of_all(view: &View) -> Select<Entity> {
    if view.scope().is_whole() {
        return with_own(view);
    }
    let deals = scoped::<deal::Entity>(view)
        .select_only()
        .column(deal::Column::Id)
        .into_query();
    with_own(view).filter(Column::Deal.in_subquery(deals))
}

/// Reads one page of the proposals of a deal, or of all that the scope reaches, the latest first. The
/// caller has found the deal in the view.
///
/// # Errors
/// [`Error::BadCursor`] when the page token was made for another query.
pub async fn page(
    view: &View,
    deal: Option<&DealId>,
    query: &PageQuery,
) -> Result<Page<Model>, Error> {
    let (select, mut order) = match deal {
        Some(deal) => (of(view, deal), Vec::new()),
        None => (of_all(view), ACROSS_DEALS.to_vec()),
    };
    order.push(LATEST_FIRST);
    let query = PageQuery {
        order,
        ..query.clone()
    };
    page::page(&view.db(), select, &query).await
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
