//! Removing the oldest events of a feed, and what it means for whoever reads.
//!
//! Events are removed from the first one on and without holes, and the [mark] says up to where, in the
//! transaction that removes them. So whoever reads after a place, and finds the mark not beyond it
//! [afterwards](stands), has missed nothing: no lock is needed. The newest event always stays, because what
//! comes next goes on from it.
//!
//! [mark]: crate::platform::feed_mark

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::ExprTrait;
use sea_orm::{QuerySelect, Statement, Value};
use trellis_core::{Position, Timestamp};

use super::place::{InOrder, START, at, of_ecosystem, settled, tuple};
use super::{Column, Entity, place_of};
use crate::platform::{cursor, feed_mark, webhook_delivery};
use crate::{Error, Txn, View};

/// The place up to which a feed was removed: before everything, as long as all of it is there.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn removed_until(view: &View) -> Result<Position, Error> {
    let mark = feed_mark::find(view).await?;
    Ok(mark.map_or(START, |mark| mark.position()))
}

/// Requires that nothing that comes after a place was removed. Whoever reads that asks when they have.
///
/// # Errors
/// [`Error::PositionExpired`].
pub(super) async fn stands(view: &View, place: Position) -> Result<(), Error> {
    require_kept(place, removed_until(view).await?)
}

/// The same, of a feed that was removed up to another place.
///
/// # Errors
/// [`Error::PositionExpired`].
pub(super) fn require_kept(place: Position, removed: Position) -> Result<(), Error> {
    match place >= removed {
        true => Ok(()),
        false => Err(expired(place, removed)),
    }
}

/// Requires that the event at a place was not removed.
///
/// # Errors
/// [`Error::PositionExpired`].
pub async fn is_kept(view: &View, place: Position) -> Result<(), Error> {
    let until = removed_until(view).await?;
    match place > until {
        true => Ok(()),
        false => Err(expired(place, until)),
    }
}

fn expired(position: Position, oldest: Position) -> Error {
    Error::PositionExpired {
        position: position.to_string(),
        oldest: oldest.to_string(),
    }
}

/// Removes the oldest events, those that happened before a moment, at most so many, and what is kept of
/// their deliveries; answers how many events. None is removed that somebody still needs: a worker or a relay
/// that has not passed it, `awaited` are those who must have begun; a webhook that is to be told of it; and
/// whoever looks after what was put aside.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn remove(
    txn: &Txn,
    before: Timestamp,
    awaited: &[&str],
    most: u64,
) -> Result<usize, Error> {
    let mark = feed_mark::find(txn).await?;
    let (from, removed) = mark.map_or((START, 0), |mark| (mark.position(), mark.removed_count));
    // Mostly the first is too young, and nothing else is read.
    if oldest(txn, from, before, 1).await?.is_empty() {
        return Ok(0);
    }
    let Some(hold) = Hold::of(txn, awaited).await? else {
        return Ok(0);
    };
    let mut old = oldest(txn, from, before, most).await?;
    old.retain(|place| hold.lets(*place));
    let newest = match old.last() {
        Some(last) => next(txn, *last).await?.is_none(),
        None => false,
    };
    if newest {
        old.pop();
    }
    let Some(to) = old.last().copied() else {
        return Ok(0);
    };
    let first = next(txn, to).await?.unwrap_or(to);
    // None that waits is about an event up to there.
    delete(txn, "webhook_deliveries WHERE state <> 'PENDING' AND", to).await?;
    delete(txn, "events WHERE", to).await?;
    let count = i64::try_from(old.len()).unwrap_or(i64::MAX);
    feed_mark::put(txn, (to, first), removed.saturating_add(count)).await?;
    Ok(old.len())
}

/// Deletes those of some rows that are of events up to a place.
async fn delete(txn: &Txn, rows: &str, to: Position) -> Result<(), Error> {
    let db = txn.db();
    let sql =
        format!("DELETE FROM {rows} ecosystem = $1 AND (epoch, xid, sequence) <= ($2, $3, $4)");
    let place = [to.epoch, to.xid, to.sequence].map(Value::from);
    let values = [txn.ecosystem().as_str().into()].into_iter().chain(place);
    let delete = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    db.execute_raw(delete).await?;
    Ok(())
}

/// The places of some events in their order, and when these happened.
async fn places(
    view: &View,
    select: Select<Entity>,
    most: u64,
) -> Result<Vec<(Position, Timestamp)>, Error> {
    let rows: Vec<(i64, i64, i64, i64)> = select
        .select_only()
        .columns([Column::Epoch, Column::Xid, Column::Sequence, Column::Time])
        .oldest_first()
        .limit(most)
        .into_tuple()
        .all(&view.db())
        .await?;
    let place = |(epoch, xid, sequence, time)| {
        let place = Position {
            epoch,
            xid,
            sequence,
        };
        (place, Timestamp::from_micros(time))
    };
    Ok(rows.into_iter().map(place).collect())
}

/// The places of the first events after a place, up to the first that did not happen before a moment.
async fn oldest(
    view: &View,
    from: Position,
    before: Timestamp,
    most: u64,
) -> Result<Vec<Position>, Error> {
    let first = places(view, settled(view, from), most).await?.into_iter();
    let old = first.take_while(|(_, time)| *time < before);
    Ok(old.map(|(place, _)| place).collect())
}

/// The place of the event after a place, whether or not it can be read yet.
async fn next(view: &View, place: Position) -> Result<Option<Position>, Error> {
    let after = of_ecosystem(view).filter(at().gt(tuple(place)));
    let next = places(view, after, 1).await?.into_iter().next();
    Ok(next.map(|(place, _)| place))
}

/// What holds removal back.
struct Hold {
    /// Every worker and relay has passed this place.
    passed: Position,
    /// The first event that is needed although they have.
    needed: Option<Position>,
}

/// The first event that was put aside.
const PARKED: &str = "SELECT epoch, xid, sequence FROM parked_events WHERE ecosystem = $1 \
    ORDER BY epoch, xid, sequence LIMIT 1";

impl Hold {
    /// What holds it back now; nothing when that is not known, because somebody who is awaited has not begun.
    async fn of(txn: &Txn, awaited: &[&str]) -> Result<Option<Self>, Error> {
        let cursors = cursor::all(txn).await?;
        let has_begun = |name: &&str| cursors.iter().any(|cursor| cursor.worker == *name);
        if !awaited.iter().all(has_begun) {
            return Ok(None);
        }
        let passed = cursors.iter().map(cursor::Model::position).min();
        let Some(passed) = passed else {
            return Ok(None);
        };
        let db = txn.db();
        let values = [txn.ecosystem().as_str().into()];
        let parked = Statement::from_sql_and_values(db.get_database_backend(), PARKED, values);
        let parked = db.query_one_raw(parked).await?;
        let parked = parked.as_ref().map(place_of).transpose()?;
        let waiting = webhook_delivery::oldest_waiting(txn).await?;
        let needed = parked.into_iter().chain(waiting).min();
        Ok(Some(Self { passed, needed }))
    }

    fn lets(&self, place: Position) -> bool {
        place <= self.passed && self.needed.is_none_or(|needed| place < needed)
    }
}
