//! Who reaches a row: how the scope of a call becomes a condition of each query.
//!
//! An entity says once to whom its rows belong, and every query of it that starts from a view is
//! bound by that.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{ExprTrait, Query, SelectStatement};
use sea_orm::{Condition, Iterable};
use trellis_core::Scope;

use crate::View;
use crate::partner::partner;

/// To whom the rows of an entity belong, and so who reaches them.
#[derive(Clone, Copy, Debug)]
pub enum Reach<C> {
    /// To the ecosystem: whoever may ask sees all of them.
    Everybody,
    /// To the vendor: a role of a partner reaches none.
    Staff,
    /// To the partner in a column. Rows without one are the vendor's.
    Partner(C),
    /// To the partner in the first column, and there to who created them, in the second.
    PartnerAndCreator(C, C),
    /// To the partner in the first column until the moment in the second, if there is one. Rows without
    /// a partner are the vendor's, and no manager's.
    Lent(C, C),
    /// To whoever the rows of another table say: the ids in the column are among those that the select
    /// answers for the view. What is not among them is nobody's but the vendor's whole.
    Named(C, fn(&View) -> SelectStatement),
    /// Of the vendor's people as with [`Reach::Partner`] by the first column; of a partner's people to
    /// whoever the rows of another table say, as with [`Reach::Named`] by the second.
    Shared(C, C, fn(&View) -> SelectStatement),
    /// To the ecosystem once a column no longer has a value; before that to the vendor.
    Published(C, &'static str),
}

impl<C: ColumnTrait + Iterable> Reach<C> {
    /// The condition under which a row is reached; none when every row is.
    pub(crate) fn within(self, view: &View) -> Option<Condition> {
        let scope = view.scope();
        if scope.is_whole() {
            return None;
        }
        match self {
            Self::Everybody => None,
            Self::Staff => (!scope.is_staff()).then(nothing),
            Self::Partner(partner) => Some(belonging(view, partner, None)),
            Self::PartnerAndCreator(partner, creator) => {
                Some(belonging(view, partner, Some(creator)))
            }
            Self::Lent(partner, until) => {
                let held = Expr::col((partner.entity_name(), partner)).is_not_null();
                let held = Condition::all()
                    .add(belonging(view, partner, None))
                    .add(held);
                if scope.is_staff() {
                    return Some(held);
                }
                let until = || Expr::col((until.entity_name(), until));
                Some(held.add(until().is_null().or(until().gt(view.now()))))
            }
            Self::Named(column, among) => {
                let named = Expr::col((column.entity_name(), column));
                Some(Condition::all().add(named.in_subquery(among(view))))
            }
            Self::Shared(partner, _, _) if scope.is_staff() => Some(belonging(view, partner, None)),
            Self::Shared(_, column, among) => Self::Named(column, among).within(view),
            Self::Published(column, draft) => {
                (!scope.is_staff()).then(|| Condition::all().add(Expr::col(column).ne(draft)))
            }
        }
    }
}

/// Rows that belong to somebody whom the scope reaches.
fn belonging<C: ColumnTrait>(view: &View, partner: C, creator: Option<C>) -> Condition {
    let scope = view.scope();
    let column = || Expr::col((partner.entity_name(), partner));
    let mut any = nothing();
    if !scope.managers().is_empty() {
        any = any
            .add(column().in_subquery(managed(view)))
            .add(column().is_null());
    }
    if !scope.partners().is_empty() {
        let partners = scope.partners().iter();
        any = any.add(column().is_in(partners.map(|partner| partner.as_str())));
    }
    for (own, actor) in scope.own() {
        let of_partner = column().eq(own.as_str());
        any = any.add(match creator {
            Some(creator) => {
                of_partner.and(Expr::col((creator.entity_name(), creator)).eq(actor.as_str()))
            }
            // Of what remembers no creator a partner's people reach what is the partner's.
            None => of_partner,
        });
    }
    any
}

/// The partners that the scope's managers look after, and those that nobody looks after.
fn managed(view: &View) -> SelectStatement {
    let managers = view.scope().managers().iter();
    let managers = managers.map(|manager| manager.as_str());
    Query::select()
        .column(partner::Column::Id)
        .from(partner::Entity)
        .and_where(Expr::col(partner::Column::Ecosystem).eq(view.ecosystem().as_str()))
        .cond_where(
            Condition::any()
                .add(Expr::col(partner::Column::ChannelManager).is_in(managers))
                .add(Expr::col(partner::Column::ChannelManager).is_null()),
        )
        .to_owned()
}

/// No row at all.
fn nothing() -> Condition {
    Condition::any().add(Expr::val(1).eq(0))
}

/// Whether a scope that reaches parts of the ecosystem reaches a partner.
///
/// # Errors
/// [`crate::Error::Driver`] and its kin.
pub async fn reaches(view: &View, partner: &trellis_core::PartnerId) -> Result<bool, crate::Error> {
    let scope: &Scope = view.scope();
    if scope.is_whole() || scope.partners().contains(partner) {
        return Ok(true);
    }
    let found = crate::record::find::<partner::Entity>(view, partner).await?;
    Ok(found.is_some())
}
