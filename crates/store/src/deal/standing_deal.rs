//! Deals as far as registrations ask about them: the vendor's own that are open, and those that
//! partners won.

use sea_orm::QueryOrder;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::ExprTrait;
use trellis_core::{AccountId, Timestamp};

use super::deal::{COLUMN, Column, Entity, Model, Stage};
use crate::record::scoped;
use crate::{Error, View};

/// The deals at some accounts that registrations ask about, each in the order of their ids.
#[derive(Debug, Default)]
pub struct StandingDeals {
    /// The open ones that no partner sourced.
    pub direct: Vec<Model>,
    /// Those that partners won and whose customer is still one.
    pub won: Vec<Model>,
}

/// Reads the vendor's own that were changed, and the partners' that were won, since a moment each. One
/// statement, whether or not there are any.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn at(
    view: &View,
    accounts: &[AccountId],
    changed_since: Timestamp,
    won_since: Timestamp,
) -> Result<StandingDeals, Error> {
    let direct = COLUMN
        .partner
        .is_null()
        .and(COLUMN.stage.is_not_in([Stage::Won, Stage::Lost]))
        .and(Column::UpdateTime.gte(changed_since));
    let won = COLUMN
        .partner
        .is_not_null()
        .and(COLUMN.stage.eq(Stage::Won))
        .and(Column::ChurnDate.is_null())
        .and(Column::WonTime.gte(won_since));
    let select = scoped::<Entity>(view)
        .filter(COLUMN.account.is_in(accounts.iter().cloned()))
        .filter(direct.or(won))
        .order_by_asc(Column::Id);
    let found = select.all(&view.db()).await?;
    let (direct, won) = found.into_iter().partition(|deal| deal.partner.is_none());
    Ok(StandingDeals { direct, won })
}
