//! What happened to deals, as far as incentives are computed from it.

use sea_orm::entity::prelude::*;

use super::standing::Standing;
use crate::{Currency, Date, DealId, PartnerId};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum Kind {
    /// A deal was won.
    DealWon,
    /// A win was taken back, together with everything that named it.
    DealReopened,
    /// Money of a win was paid back to the customer.
    DealRefunded,
    /// A win was invoiced.
    DealInvoiced,
    /// The customer of a win left.
    DealChurned,
}

/// What an evaluation sees of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fact<'a> {
    /// What happened.
    pub kind: Kind,
    /// To which deal.
    pub deal: &'a DealId,
    /// To which win of the deal, counted from 1.
    pub win: i64,
    /// The partner that a win is credited to, if any is.
    pub partner: Option<&'a PartnerId>,
    /// What that partner was when the win was recorded.
    pub standing: Option<&'a Standing>,
    /// How much it is about, in minor units; 0 where it is about no amount.
    pub amount_minor: i64,
    /// The currency of the amount.
    pub currency: Option<Currency>,
    /// The day on which it happened.
    pub occur_date: Date,
}
