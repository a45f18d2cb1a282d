//! Places in the feed: what lies after one, how far the feed has come, and who may know it.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{ExprTrait, SimpleExpr};
use sea_orm::{Condition, DatabaseBackend, Order, QueryOrder, QuerySelect};
use trellis_core::{Cursor, Page, PageQuery, Position, filter};

use super::removed::removed_until;
use super::shown::shown;
use super::{COLUMN, Column, Entity};
use crate::{Error, View};

/// Before everything.
pub(crate) const START: Position = Position {
    epoch: 0,
    xid: 0,
    sequence: 0,
};

/// The place of an event.
pub(crate) fn at() -> SimpleExpr {
    Expr::tuple([
        Expr::col(Column::Epoch),
        Expr::col(Column::Xid),
        Expr::col(Column::Sequence),
    ])
}

/// A place to compare it with.
pub(crate) fn tuple(place: Position) -> SimpleExpr {
    Expr::tuple([
        Expr::value(place.epoch),
        Expr::value(place.xid),
        Expr::value(place.sequence),
    ])
}

/// The order of what has places as events have them.
pub(crate) trait InOrder: QueryOrder {
    fn oldest_first(self) -> Self {
        ordered(self, Order::Asc)
    }

    fn newest_first(self) -> Self {
        ordered(self, Order::Desc)
    }
}

impl<E: EntityTrait> InOrder for Select<E> {}

fn ordered<S: QueryOrder>(select: S, order: Order) -> S {
    let by = [Column::Epoch, Column::Xid, Column::Sequence].into_iter();
    by.fold(select, |select, column| {
        select.order_by(Expr::col(column), order.clone())
    })
}

pub(super) fn of_ecosystem(view: &View) -> Select<Entity> {
    Entity::find().filter(COLUMN.ecosystem.eq(view.ecosystem().clone()))
}

/// The events of this ecosystem after a place that no later commit can precede any more.
pub(super) fn settled(view: &View, after: Position) -> Select<Entity> {
    settled_of(view, of_ecosystem(view), after)
}

/// Of rows that have places as events have them: those after a place that no later commit can precede any
/// more.
pub(crate) fn settled_of<E: EntityTrait>(
    view: &View,
    select: Select<E>,
    after: Position,
) -> Select<E> {
    select
        .filter(at().gt(tuple(after)))
        .filter(is_settled(view))
}

/// Whether no later commit can precede the place of a row any more.
pub(crate) fn is_settled(view: &View) -> Condition {
    let mut settled = Condition::all();
    if view.db().get_database_backend() == DatabaseBackend::Postgres {
        settled = settled.add(Expr::col(Column::Xid).lt(Expr::cust(
            "(pg_snapshot_xmin(pg_current_snapshot())::text::bigint)",
        )));
    }
    settled
}

/// A page of rows that have places, of which one more was read than it takes.
pub(crate) fn cut<M>(
    mut rows: Vec<M>,
    query: &PageQuery,
    place: impl Fn(&M) -> Position,
) -> Page<M> {
    let more = rows.len() > usize::try_from(query.size).unwrap_or(usize::MAX);
    if more {
        rows.pop();
    }
    let next = rows.last().filter(|_| more).map(|last| {
        let last = place(last);
        Cursor(vec![
            filter::Value::Integer(last.epoch),
            filter::Value::Integer(last.xid),
            filter::Value::Integer(last.sequence),
        ])
    });
    Page { rows, next }
}

/// Where a page goes on.
///
/// # Errors
/// [`Error::BadCursor`].
pub(crate) fn goes_on(Cursor(values): &Cursor) -> Result<Position, Error> {
    match &values[..] {
        [
            filter::Value::Integer(epoch),
            filter::Value::Integer(xid),
            filter::Value::Integer(sequence),
        ] => Ok(Position {
            epoch: *epoch,
            xid: *xid,
            sequence: *sequence,
        }),
        _ => Err(Error::BadCursor),
    }
}

/// The place of the newest event that no later commit can precede and that the view's scope may
/// read, or up to where the feed was removed if none of those is left; nothing has happened yet: zero.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn head(view: &View) -> Result<Position, Error> {
    let last = last_place(view, shown(view, settled(view, START))).await?;
    match last == START {
        true => removed_until(view).await,
        false => Ok(last),
    }
}

/// The same, of the events up to a place.
pub(super) async fn head_until(view: &View, place: Position) -> Result<Position, Error> {
    let until = settled(view, START).filter(at().lte(tuple(place)));
    let last = last_place(view, shown(view, until)).await?;
    match last == START {
        true => Ok(removed_until(view).await?.min(place)),
        false => Ok(last),
    }
}

/// The place of the newest committed event, whether or not it can be read yet; nothing has happened yet: zero.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn newest_place(view: &View) -> Result<Position, Error> {
    last_place(view, of_ecosystem(view)).await
}

async fn last_place(view: &View, select: Select<Entity>) -> Result<Position, Error> {
    let last: Option<(i64, i64, i64)> = select
        .select_only()
        .columns([Column::Epoch, Column::Xid, Column::Sequence])
        .newest_first()
        .limit(1)
        .into_tuple()
        .one(&view.db())
        .await?;
    Ok(last.map_or(START, |(epoch, xid, sequence)| Position {
        epoch,
        xid,
        sequence,
    }))
}

/// Requires that the feed has come to a place in the same life, with something that the view's scope
/// may read: what others have done does not tell of itself by this.
///
/// What was committed and cannot be read yet counts, because whoever wrote it was told its place.
pub(super) async fn require(view: &View, place: Position) -> Result<(), Error> {
    if place == START || place == removed_until(view).await? {
        return Ok(());
    }
    let beyond = of_ecosystem(view)
        .filter(COLUMN.epoch.eq(place.epoch))
        .filter(at().gte(tuple(place)))
        .oldest_first();
    match shown(view, beyond).one(&view.db()).await? {
        Some(_) => Ok(()),
        None => Err(Error::PositionUnknown {
            position: place.to_string(),
        }),
    }
}
