//! Items of payout batches: what a batch does for one partner.

use sea_orm::entity::prelude::*;
use sea_orm::{QueryOrder, Set};
use trellis_core::lifecycle::Named;
use trellis_core::{BatchId, EcosystemId, Page, PageQuery, PartnerId, Timestamp};

use crate::page::{self, Columns};
use crate::{Error, Txn, View};

/// Where an item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum State {
    /// Reserved.
    Ready,
    /// Not paid by this batch; nothing is reserved for it.
    Blocked,
    /// With the bank.
    Sent,
    /// Confirmed by the bank.
    Settled,
    /// Given up together with its batch.
    Cancelled,
    /// Sent, and not paid by the bank; due again.
    Failed,
    /// Paid, and returned by the bank; due again.
    Returned,
}

/// Why an item is not paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum BlockReason {
    /// The partner is suspended.
    PartnerSuspended,
    /// It would pay less than the batch's minimum, or nothing.
    BelowMinimum,
}

/// One item.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payout_items")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The batch.
    #[sea_orm(primary_key, auto_increment = false)]
    pub batch: BatchId,
    /// The partner, which is the item's id in its batch.
    #[sea_orm(primary_key, auto_increment = false)]
    pub partner: PartnerId,
    /// Where it stands.
    pub state: State,
    /// Why it is not paid.
    pub block_reason: Option<BlockReason>,
    /// What the partner is due, in minor units of the batch's currency.
    pub gross_minor: i64,
    /// How much of it is kept for what the partner owes.
    pub set_off_minor: i64,
    /// What is paid, or would be.
    pub net_minor: i64,
    /// When it was sent.
    pub send_time: Option<Timestamp>,
    /// When it was settled.
    pub settle_time: Option<Timestamp>,
    /// Why the bank has not paid it, or returned it, in a word.
    pub bank_reason_code: Option<String>,
    /// When it was last changed.
    pub update_time: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

impl Columns for Entity {
    const ID: Column = Column::Partner;

    fn column(field: &str) -> Option<Column> {
        Some(match field {
            "state" => Column::State,
            "block_reason" => Column::BlockReason,
            "bank_reason_code" => Column::BankReasonCode,
            "partner" => Column::Partner,
            _ => return None,
        })
    }
}

fn of_batch(view: &View, batch: &BatchId) -> Select<Entity> {
    Entity::find()
        .filter(COLUMN.ecosystem.eq(view.ecosystem().clone()))
        .filter(COLUMN.batch.eq(batch.clone()))
}

/// Finds the item of a partner in a batch.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn find(
    view: &View,
    batch: &BatchId,
    partner: &PartnerId,
) -> Result<Option<Model>, Error> {
    let select = of_batch(view, batch).filter(COLUMN.partner.eq(partner.clone()));
    Ok(select.one(&view.db()).await?)
}

/// The items of a batch that are in a state, in the order of their partners. They change only under
/// the lock of their batch.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn in_state(view: &View, batch: &BatchId, state: State) -> Result<Vec<Model>, Error> {
    Ok(of_batch(view, batch)
        .filter(COLUMN.state.eq(state))
        .order_by_asc(Column::Partner)
        .all(&view.db())
        .await?)
}

/// Reads one page of the items of a batch.
///
/// # Errors
/// [`Error::BadCursor`] when the page token was made for another query.
pub async fn page(view: &View, batch: &BatchId, asked: &PageQuery) -> Result<Page<Model>, Error> {
    page::page(&view.db(), of_batch(view, batch), asked).await
}

/// Moves items of a batch from one state to another. Only a move to [`State::Blocked`] has a reason.
///
/// # Errors
/// [`Error::Contended`] when some of them are not in the state that the move begins at.
pub async fn make(
    txn: &Txn,
    batch: &BatchId,
    partners: &[PartnerId],
    (from, to): (State, State),
    block_reason: Option<BlockReason>,
) -> Result<(), Error> {
    /// Partners of one statement, so that the bound values stay within what SQLite takes.
    const CHUNK: usize = 500;
    let now = txn.now();
    let mut row = ActiveModel {
        state: Set(to),
        block_reason: Set(block_reason),
        update_time: Set(now),
        ..Default::default()
    };
    match to {
        State::Sent => row.send_time = Set(Some(now)),
        State::Settled => row.settle_time = Set(Some(now)),
        State::Ready | State::Blocked | State::Cancelled | State::Failed | State::Returned => {}
    }
    for chunk in partners.chunks(CHUNK) {
        let moved = Entity::update_many()
            .set(row.clone())
            .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
            .filter(COLUMN.batch.eq(batch.clone()))
            .filter(COLUMN.partner.is_in(chunk.to_vec()))
            .filter(COLUMN.state.eq(from))
            .exec(&txn.db())
            .await?;
        if moved.rows_affected != u64::try_from(chunk.len()).unwrap_or(u64::MAX) {
            return Err(Error::Contended);
        }
    }
    Ok(())
}

/// Notes that the bank has not paid an item, or returned it.
///
/// # Errors
/// [`Error::Contended`] when the item is not in the state that the move begins at.
pub async fn take_back(
    txn: &Txn,
    batch: &BatchId,
    partner: &PartnerId,
    moved: (State, State),
    reason_code: &str,
) -> Result<(), Error> {
    make(txn, batch, std::slice::from_ref(partner), moved, None).await?;
    Entity::update_many()
        .col_expr(Column::BankReasonCode, Expr::value(reason_code))
        .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
        .filter(COLUMN.batch.eq(batch.clone()))
        .filter(COLUMN.partner.eq(partner.clone()))
        .exec(&txn.db())
        .await?;
    Ok(())
}

impl Named for State {
    fn name(self) -> &'static str {
        match self {
            Self::Ready => "READY",
            Self::Blocked => "BLOCKED",
            Self::Sent => "SENT",
            Self::Settled => "SETTLED",
            Self::Cancelled => "CANCELLED",
            Self::Failed => "FAILED",
            Self::Returned => "RETURNED",
        }
    }
}
