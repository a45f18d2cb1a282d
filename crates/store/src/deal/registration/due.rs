//! Registrations for which a deadline has passed.

use sea_orm::entity::prelude::*;
use sea_orm::{QueryOrder, QuerySelect};

use super::{Column, Entity, Model};
use crate::record::scoped;
use crate::{Error, View};

/// Some registrations whose protection has ended by the view's clock and was not yet acted upon,
/// the longest over first.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn due(view: &View, limit: u64) -> Result<Vec<Model>, Error> {
    let select = scoped::<Entity>(view)
        .filter(Expr::col((Entity, Column::Contends)))
        .filter(Column::ProtectionEndTime.lte(view.now()))
        .order_by_asc(Column::ProtectionEndTime)
        .order_by_asc(Column::Id)
        .limit(limit);
    Ok(select.all(&view.db()).await?)
}

/// Some registrations whose tick has come by the view's clock, the longest due first.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn ticking(view: &View, limit: u64) -> Result<Vec<Model>, Error> {
    let select = scoped::<Entity>(view)
        .filter(Column::TickTime.lte(view.now()))
        .order_by_asc(Column::TickTime)
        .order_by_asc(Column::Id)
        .limit(limit);
    Ok(select.all(&view.db()).await?)
}

/// Some registrations whose partner has not answered what the staff wanted to know by the view's clock,
/// the longest overdue first.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn unanswered(view: &View, limit: u64) -> Result<Vec<Model>, Error> {
    let select = scoped::<Entity>(view)
        .filter(Expr::cust("registrations.state = 'NEEDS_INFO'"))
        .filter(Column::InfoDueTime.lte(view.now()))
        .order_by_asc(Column::InfoDueTime)
        .order_by_asc(Column::Id)
        .limit(limit);
    Ok(select.all(&view.db()).await?)
}

/// Some registrations that the vendor has not responded to by the view's clock, the longest overdue
/// first.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn unresponded(view: &View, limit: u64) -> Result<Vec<Model>, Error> {
    let select = scoped::<Entity>(view)
        .filter(Column::EscalationTime.lte(view.now()))
        .order_by_asc(Column::EscalationTime)
        .order_by_asc(Column::Id)
        .limit(limit);
    Ok(select.all(&view.db()).await?)
}
