//! The accounts of the ledger with their totals. Made by their first line and written by
//! [`append`](super::append) only.

use sea_orm::entity::prelude::*;
use trellis_core::{Currency, EcosystemId, LedgerAccountId, PartnerId, ProgramId, Timestamp};

use super::chart::{Class, HoldReason, Rail};
use crate::page::Columns;

/// One account.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger_accounts")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The id, which spells the account out.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: LedgerAccountId,
    /// What it stands for.
    pub class: Class,
    /// The partner, if it is a partner's.
    pub partner: Option<PartnerId>,
    /// The program, if it is a program's.
    pub program: Option<ProgramId>,
    /// The rail, if it is a rail's.
    pub rail: Option<Rail>,
    /// What tells it apart from others of its class and owner.
    pub detail: Option<HoldReason>,
    /// The currency.
    pub currency: Currency,
    /// The sum of its debits.
    pub debit_minor: i64,
    /// The sum of its credits.
    pub credit_minor: i64,
    /// How many lines it has.
    pub entries: i64,
    /// When its first line was written.
    pub create_time: Timestamp,
    /// When its latest line was written.
    pub update_time: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The balance, positive on the normal side of the class.
    #[must_use]
    pub const fn balance_minor(&self) -> i64 {
        self.class
            .normal()
            .balance(self.debit_minor, self.credit_minor)
    }
}

impl Columns for Entity {
    const ID: Column = Column::Id;

    fn column(field: &str) -> Option<Column> {
        Some(match field {
            "account_class" => Column::Class,
            "partner" => Column::Partner,
            "program" => Column::Program,
            "rail" => Column::Rail,
            "detail" => Column::Detail,
            "currency_code" => Column::Currency,
            "create_time" => Column::CreateTime,
            "update_time" => Column::UpdateTime,
            _ => return None,
        })
    }
}
