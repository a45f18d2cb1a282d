//! The lines of the journals. Only ever added, and only before their journal.

use sea_orm::entity::prelude::*;
use trellis_core::{AwardId, Currency, Date, EcosystemId, JournalId, LedgerAccountId, Timestamp};

use super::chart::{Account, Side};
use super::posting;

/// One line.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger_lines")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The journal.
    #[sea_orm(primary_key, auto_increment = false)]
    pub journal: JournalId,
    /// Which of the lines of its journal it is, from 0.
    #[sea_orm(primary_key, auto_increment = false)]
    pub line: i64,
    /// The account.
    pub account: LedgerAccountId,
    /// Which of the lines of its account it is, from 1.
    pub entry: i64,
    /// The award that it belongs to.
    pub award: Option<AwardId>,
    /// The currency of the account.
    pub currency: Currency,
    /// The amount, if it is a debit; else 0.
    pub debit_minor: i64,
    /// The amount, if it is a credit; else 0.
    pub credit_minor: i64,
    /// Whether the balances after it must not be below zero.
    pub constrained: bool,
    /// The balance of the account after it, positive on the normal side.
    pub balance_minor: i64,
    /// What the award has on the account after it, positive on the normal side.
    pub award_balance_minor: Option<i64>,
    /// The day on which it counts: its journal's.
    pub effective_date: Date,
    /// When it was written: with its journal.
    pub record_time: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The side that it is on.
    #[must_use]
    pub const fn side(&self) -> Side {
        if self.debit_minor > 0 {
            Side::Debit
        } else {
            Side::Credit
        }
    }

    /// The amount.
    #[must_use]
    pub const fn minor(&self) -> i64 {
        if self.debit_minor > 0 {
            self.debit_minor
        } else {
            self.credit_minor
        }
    }

    /// The line as it was posted. Nothing, if its account is not in the chart.
    #[must_use]
    pub fn posted(&self) -> Option<posting::Line> {
        Some(posting::Line {
            account: Account::parse(&self.account)?,
            award: self.award.clone(),
            side: self.side(),
            minor: self.minor(),
        })
    }
}
