//! Payout batches: one run of payouts in one currency.

use sea_orm::entity::prelude::*;
use sea_orm::{ExprTrait, FromJsonQueryResult, Set};
use serde::{Deserialize, Serialize};
use trellis_core::lifecycle::Named;
use trellis_core::{Actor, BatchId, Currency, EcosystemId, PartnerId, Timestamp};

use crate::{Error, Txn};

/// Where a batch stands. The legal moves are the incentive service's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum State {
    /// Built; its amounts are reserved.
    Draft,
    /// Waiting for a second person.
    Submitted,
    /// Ready to be sent.
    Approved,
    /// With the bank.
    Sent,
    /// Confirmed by the bank.
    Settled,
    /// Given up.
    Cancelled,
}

impl Named for State {
    fn name(self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::Submitted => "SUBMITTED",
            Self::Approved => "APPROVED",
            Self::Sent => "SENT",
            Self::Settled => "SETTLED",
            Self::Cancelled => "CANCELLED",
        }
    }
}

/// Whom a batch is for; none means everybody who is due something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Partners(pub Vec<PartnerId>);

/// One batch.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payout_batches")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The id, last part of the name.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: BatchId,
    /// The currency that it pays in.
    pub currency: Currency,
    /// The least that is worth a payout, in minor units.
    pub minimum_minor: i64,
    /// Whom it is for.
    pub partners: Partners,
    /// Only what had become payable by then is paid.
    pub cut_off_time: Option<Timestamp>,
    /// Where it stands.
    pub state: State,
    /// What is due to the partners that it pays.
    pub gross_minor: i64,
    /// How much of it is kept for what they owe.
    pub set_off_minor: i64,
    /// What it pays.
    pub net_minor: i64,
    /// How many partners it pays.
    pub item_count: i64,
    /// How many of its items are blocked.
    pub blocked_item_count: i64,
    /// Whether it had no room for everybody who is due something.
    pub is_full: bool,
    /// The hash of its lines.
    pub content_hash: Vec<u8>,
    /// Who created it.
    pub creator: Actor,
    /// Who submitted it.
    pub submitter: Option<Actor>,
    /// Who approved it: neither of the two.
    pub approver: Option<Actor>,
    /// When it was submitted.
    pub submit_time: Option<Timestamp>,
    /// When it was approved.
    pub approve_time: Option<Timestamp>,
    /// When it was sent.
    pub send_time: Option<Timestamp>,
    /// When its last item was settled.
    pub settle_time: Option<Timestamp>,
    /// When it was cancelled.
    pub cancel_time: Option<Timestamp>,
    /// Counts the changes.
    pub version: i64,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

crate::record!(id: BatchId, Id; reach: crate::reach::Reach::Staff; {
    "state" => State,
    "currency_code" => Currency,
    "creator" => Creator,
    "submitter" => Submitter,
    "approver" => Approver,
    "send_time" => SendTime,
    "settle_time" => SettleTime,
    "create_time" => CreateTime,
    "update_time" => UpdateTime,
});

/// Approves a batch if it may be: the one statement decides, whatever anybody else does to the
/// batch at the same moment. Answers whether it did.
///
/// It may be approved while it is submitted, at the version that the approver has read, by a person
/// who neither created nor submitted it.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn approve(txn: &Txn, id: &BatchId, version: Option<i64>) -> Result<bool, Error> {
    let Some(approver) = txn.person().cloned() else {
        return Ok(false);
    };
    let row = ActiveModel {
        state: Set(State::Approved),
        approver: Set(Some(approver.clone())),
        approve_time: Set(Some(txn.now())),
        update_time: Set(txn.now()),
        ..Default::default()
    };
    let mut update = Entity::update_many()
        .set(row)
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
        .filter(COLUMN.id.eq(id.clone()))
        .filter(COLUMN.state.eq(State::Submitted))
        .filter(Column::Creator.ne(approver.clone()))
        .filter(Column::Submitter.ne(approver));
    if let Some(version) = version {
        update = update.filter(COLUMN.version.eq(version));
    }
    Ok(update.exec(&txn.db()).await?.rows_affected == 1)
}
