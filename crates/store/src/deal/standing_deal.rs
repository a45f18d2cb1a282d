//! Deals as far as registrations ask about them: the vendor's own that are open, and those that
//! partners won.

use sea_orm::QueryOrder;
use sea_orm::entity::prelude::*;
use trellis_core::{AccountId, Timestamp};

use super::deal::{COLUMN, Column, Entity, Model, Stage};
use crate::record::scoped;
use crate::{Error, View};

/// The open deals of some accounts that no partner sourced and that were changed since a moment, in
/// the order of their ids.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn direct(
    view: &View,
    accounts: &[AccountId],
    since: Timestamp,
) -> Result<Vec<Model>, Error> {
    let select = scoped::<Entity>(view)
        .filter(COLUMN.account.is_in(accounts.iter().cloned()))
        .filter(COLUMN.partner.is_null())
        .filter(COLUMN.stage.is_not_in([Stage::Won, Stage::Lost]))
        .filter(Column::UpdateTime.gte(since))
        .order_by_asc(Column::Id);
    Ok(select.all(&view.db()).await?)
}

/// The deals of some accounts that partners won since a moment and whose customer is still one, in
/// the order of their ids.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn won(
    view: &View,
    accounts: &[AccountId],
    since: Timestamp,
) -> Result<Vec<Model>, Error> {
    let select = scoped::<Entity>(view)
        .filter(COLUMN.account.is_in(accounts.iter().cloned()))
        .filter(COLUMN.partner.is_not_null())
        .filter(COLUMN.stage.eq(Stage::Won))
        .filter(Column::ChurnDate.is_null())
        .filter(Column::WonTime.gte(since))
        .order_by_asc(Column::Id);
    Ok(select.all(&view.db()).await?)
}
