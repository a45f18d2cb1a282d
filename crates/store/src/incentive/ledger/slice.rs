//! Slices: what one award has on one account. Written by [`append`](super::append) only.
//!
//! They follow from the lines, as the totals of the accounts do. They are kept because a payout must
//! find what is still payable without reading what ever was.

use sea_orm::entity::prelude::*;
use trellis_core::{AwardId, EcosystemId, LedgerAccountId};

/// What one award has on one account.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger_slices")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The account.
    #[sea_orm(primary_key, auto_increment = false)]
    pub account: LedgerAccountId,
    /// The award.
    #[sea_orm(primary_key, auto_increment = false)]
    pub award: AwardId,
    /// The sum of its debits.
    pub debit_minor: i64,
    /// The sum of its credits.
    pub credit_minor: i64,
    /// How many lines that are.
    pub entries: i64,
}

impl ActiveModelBehavior for ActiveModel {}
