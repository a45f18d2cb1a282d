//! Journals: what was posted, and why. Only ever added; each one seals its lines.

use sea_orm::entity::prelude::*;
use trellis_core::{Date, EcosystemId, JournalId, LedgerPeriodId, Timestamp};

use super::posting::Kind;
use crate::page::Columns;

/// One journal.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger_journals")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The id. Those made later sort later.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: JournalId,
    /// What it records.
    pub kind: Kind,
    /// The name of what caused it, without the ecosystem.
    pub cause: String,
    /// Which of the journals of its cause it is.
    pub sequence: i64,
    /// Tells a posting that is sent again from another one under the same key.
    pub content_hash: Vec<u8>,
    /// The day on which it counts.
    pub effective_date: Date,
    /// The month that it belongs to, if it counts in a later one.
    pub attributed_period: Option<LedgerPeriodId>,
    /// When it was written.
    pub record_time: Timestamp,
    /// The journal of which it is the exact inverse.
    pub reverses: Option<JournalId>,
    /// How many lines it has.
    pub line_count: i64,
}

impl ActiveModelBehavior for ActiveModel {}

impl Columns for Entity {
    const ID: Column = Column::Id;

    fn column(field: &str) -> Option<Column> {
        Some(match field {
            "kind" => Column::Kind,
            "cause" => Column::Cause,
            "sequence" => Column::Sequence,
            "effective_date" => Column::EffectiveDate,
            "attributed_period" => Column::AttributedPeriod,
            "record_time" => Column::RecordTime,
            "reverses" => Column::Reverses,
            _ => return None,
        })
    }
}
