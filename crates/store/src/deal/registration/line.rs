//! The line in which registrations wait at a customer.

use std::collections::BTreeSet;

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::ExprTrait;
use sea_orm::{QueryOrder, QuerySelect, QueryTrait};
use trellis_core::{AccountId, RegistrationId};

use super::{ActiveModel, COLUMN, Column, Entity, Model, State};
use crate::deal::registration_decision;
use crate::record::{self, scoped};
use crate::{Error, Txn, View};

/// The registrations that wait for another one and stand at some accounts, wait for what stands there, or
/// wait, at whatever account, behind the same as those there: all whose place may be another one when what
/// these accounts are recognised by changes. In the order in which they were handed in.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn waiting_about(
    view: &View,
    accounts: &BTreeSet<AccountId>,
) -> Result<Vec<Model>, Error> {
    let at = || COLUMN.account.is_in(accounts.iter().cloned());
    let standing = Entity::find()
        .filter(COLUMN.ecosystem.eq(view.ecosystem().clone()))
        .filter(Expr::col((Entity, Column::Contends)))
        .filter(at())
        .select_only()
        .column(Column::Id);
    let blocked_by = || Expr::cust("registrations.decision ->> 'blocked_by'");
    let ahead = Entity::find()
        .filter(COLUMN.ecosystem.eq(view.ecosystem().clone()))
        .filter(COLUMN.state.eq(State::Waitlisted))
        .filter(at())
        .select_only()
        .expr(blocked_by());
    let select = scoped::<Entity>(view)
        .filter(COLUMN.state.eq(State::Waitlisted))
        .filter(blocked_by().is_not_null())
        .filter(
            at().or(blocked_by().in_subquery(QueryTrait::into_query(standing)))
                .or(blocked_by().in_subquery(QueryTrait::into_query(ahead))),
        )
        .order_by_asc(Column::SubmitTime)
        .order_by_asc(Column::Id);
    Ok(select.all(&view.db()).await?)
}

/// Writes a changed registration back, as [`record::update`] does, and the decision about it.
///
/// # Errors
/// As for [`record::update`].
pub async fn update_decided(
    txn: &Txn,
    registration: Model,
    decision: &registration_decision::Model,
) -> Result<Model, Error> {
    let beside = registration_decision::beside(decision);
    record::update_beside::<Entity>(txn, registration, beside).await
}

/// Notes what was decided about a locked registration that stays where it is, or waits from now on. That
/// is no change of its partner's: its version and time of change stay, so that they tell nothing of
/// what others did.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn note(txn: &Txn, registration: &Model) -> Result<(), Error> {
    let mut row: ActiveModel = registration.clone().into();
    row.reset(Column::State);
    row.reset(Column::WaitlistPosition);
    row.reset(Column::Decision);
    row.reset(Column::TickTime);
    row.reset(Column::Suspicion);
    row.reset(Column::Screening);
    row.reset(Column::Judged);
    row.reset(Column::EscalationTime);
    row.reset(Column::FinalEscalationTime);
    row.reset(Column::EscalationLevel);
    Entity::update_many()
        .set(row)
        .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
        .filter(COLUMN.id.eq(registration.id.clone()))
        .exec(&txn.db())
        .await?;
    Ok(())
}

/// Moves registrations that wait one place up. That is no change of theirs: their versions stay,
/// so that an etag which a partner holds does not grow stale because somebody else left the line.
///
/// # Errors
/// [`Error::Contended`] when a lock cannot be had in time.
pub async fn move_up(
    txn: &Txn,
    ids: impl IntoIterator<Item = RegistrationId>,
) -> Result<(), Error> {
    shift(txn, ids, -1).await
}

/// Puts registrations that wait one place back, because somebody came before them.
///
/// # Errors
/// [`Error::Contended`] when a lock cannot be had in time.
pub async fn move_down(
    txn: &Txn,
    ids: impl IntoIterator<Item = RegistrationId>,
) -> Result<(), Error> {
    shift(txn, ids, 1).await
}

async fn shift(
    txn: &Txn,
    ids: impl IntoIterator<Item = RegistrationId>,
    by: i64,
) -> Result<(), Error> {
    let position = Expr::col(Column::WaitlistPosition);
    Entity::update_many()
        .col_expr(Column::WaitlistPosition, position.add(by))
        .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
        .filter(COLUMN.id.is_in(ids))
        .exec(&txn.db())
        .await?;
    Ok(())
}
