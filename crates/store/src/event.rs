//! The change feed: what happened in an ecosystem, in an order that loses nothing.
//!
//! A use case appends its events with [`append`]; they are written in the use case's own
//! transaction, all in one statement at its end.
//!
//! The place of an event is `(epoch, xid, sequence)`. On PostgreSQL numbers are handed out before
//! transactions commit, so a reader that followed the sequence alone would pass over what commits
//! late. A reader therefore follows the transaction id first and reads only transactions older than
//! every one still running (`pg_snapshot_xmin`). The id is the event's own transaction's, or a later
//! one's that had ended when the event was written: so changes of one row are told in their order,
//! although whoever waited for it may have begun first. On SQLite one writer makes the sequence the
//! order of commits. `epoch` is raised by an operator who restores a dump into another cluster, whose
//! transaction ids begin anew.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::ExprTrait;
use sea_orm::{QueryResult, QuerySelect, Statement};
use trellis_core::{Actor, EcosystemId, Page, PageQuery, PartnerId, Position, Timestamp, filter};

use crate::page::{self, Columns};
use crate::platform::cursor;
use crate::{Error, View};

pub mod follow;
mod held;
mod holds;
pub(crate) mod place;
mod removed;
mod report;
mod shown;
mod state;
mod tail;
mod watch;

pub use held::held;
use place::{InOrder, START, at, cut, goes_on, of_ecosystem, require, settled, tuple};
pub use place::{head, newest_place};
use removed::require_kept;
pub use removed::{is_kept, remove, removed_until};
pub(crate) use report::{Few, Last, flush, take_few};
pub use report::{NewEvent, append};
use shown::shown;
pub use state::{LARGEST, is, was};
pub(crate) use state::{States, of_answer};
pub(crate) use tail::Tails;
pub use watch::{Begin, Watch};

/// One event.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "events")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// Which life of the feed.
    #[sea_orm(primary_key, auto_increment = false)]
    pub epoch: i64,
    /// The transaction that wrote it, or the newest that had ended by then (PostgreSQL; 0 on SQLite).
    #[sea_orm(primary_key, auto_increment = false)]
    pub xid: i64,
    /// Its number.
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence: i64,
    /// What happened: `deal.won`.
    pub kind: String,
    /// The resource name of what it happened to.
    pub resource: String,
    /// Who did it.
    pub actor: Actor,
    /// When, by the ecosystem's clock.
    pub time: Timestamp,
    /// Why, in a word that reports can count.
    pub reason_code: Option<String>,
    /// Why, in a sentence.
    pub note: Option<String>,
    /// What a reader needs to know of it.
    pub data: Json,
    /// The partner that may read it. Without one it is for the vendor alone.
    pub partner: Option<PartnerId>,
    /// What the resource is in the contract, where what it is after the change is told, or was.
    pub state_kind: Option<String>,
    /// The resource after the change, as whoever sees all of it is answered. Nothing when it is too large,
    /// or was erased.
    pub state: Option<Vec<u8>>,
    /// The names of its fields that changed, as a list.
    pub changed_fields: Option<Json>,
    /// Where the call that did it stands in its caller's trace.
    pub trace_parent: Option<String>,
    /// What systems on the way add to that.
    pub trace_state: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The event's place in the feed.
    #[must_use]
    pub fn position(&self) -> Position {
        Position {
            epoch: self.epoch,
            xid: self.xid,
            sequence: self.sequence,
        }
    }
}

/// The place in the feed that a row tells.
pub(crate) fn place_of(row: &QueryResult) -> Result<Position, DbErr> {
    Ok(Position {
        epoch: row.try_get("", "epoch")?,
        xid: row.try_get("", "xid")?,
        sequence: row.try_get("", "sequence")?,
    })
}

/// The same where the row may tell none.
pub(crate) fn place_if_any(row: &QueryResult) -> Result<Option<Position>, DbErr> {
    let is_told = row.try_get::<Option<i64>>("", "epoch")?.is_some();
    is_told.then(|| place_of(row)).transpose()
}

/// The next events after a place, oldest first.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn after(view: &View, position: Position, limit: u64) -> Result<Vec<Model>, Error> {
    Ok(settled(view, position)
        .oldest_first()
        .limit(limit)
        .all(&view.db())
        .await?)
}

/// The next events of some kinds after a place, oldest first, and how far they are all that there
/// are; nothing when there is nothing to read.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub(crate) async fn after_of(
    view: &View,
    place: Position,
    kinds: &[&str],
    limit: u64,
) -> Result<(Vec<Model>, Option<Position>), Error> {
    let head = head(view).await?;
    if head <= place {
        return Ok((Vec::new(), None));
    }
    let events = settled(view, place)
        .filter(at().lte(tuple(head)))
        .filter(COLUMN.kind.is_in(kinds.iter().copied()))
        .oldest_first()
        .limit(limit)
        .all(&view.db())
        .await?;
    let is_all = u64::try_from(events.len()).is_ok_and(|count| count < limit);
    let to = match events.last() {
        Some(last) if !is_all => last.position(),
        _ => head,
    };
    Ok((events, Some(to)))
}

/// The next events after a place, up to another one, that no later commit can precede and that the view's
/// scope may read, oldest first, filtered.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn between(
    view: &View,
    (from, to): (Position, Position),
    filter: Option<&filter::Filter>,
    limit: u64,
) -> Result<Vec<Model>, Error> {
    let select = settled(view, from).filter(at().lte(tuple(to)));
    first_shown(view, select, filter, limit).await
}

/// The same of all that is committed after a place, although more may come between them yet.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn committed(
    view: &View,
    from: Position,
    filter: Option<&filter::Filter>,
    limit: u64,
) -> Result<Vec<Model>, Error> {
    let select = of_ecosystem(view).filter(at().gt(tuple(from)));
    first_shown(view, select, filter, limit).await
}

async fn first_shown(
    view: &View,
    select: Select<Entity>,
    filter: Option<&filter::Filter>,
    limit: u64,
) -> Result<Vec<Model>, Error> {
    Ok(page::narrowed(shown(view, select), filter)?
        .oldest_first()
        .limit(limit)
        .all(&view.db())
        .await?)
}

/// The places and kinds of all events after a place up to that at another one; nothing when there are more
/// than `most`, or when it is not known yet whether these are all.
pub(crate) async fn kinds_until(
    view: &View,
    (from, to): (Position, Position),
    most: u64,
) -> Result<Option<Vec<(Position, String)>>, Error> {
    let rows: Vec<(i64, i64, i64, String)> = settled(view, from)
        .filter(at().lte(tuple(to)))
        .select_only()
        .columns([Column::Epoch, Column::Xid, Column::Sequence, Column::Kind])
        .newest_first()
        .limit(most + 1)
        .into_tuple()
        .all(&view.db())
        .await?;
    let events: Vec<(Position, String)> = rows
        .into_iter()
        .map(|(epoch, xid, sequence, kind)| {
            let place = Position {
                epoch,
                xid,
                sequence,
            };
            (place, kind)
        })
        .collect();
    let are_few = u64::try_from(events.len()).is_ok_and(|count| count <= most);
    let are_all = events.first().is_some_and(|(last, _)| *last == to);
    Ok((are_few && are_all).then_some(events))
}

/// The event at a place, if the view's scope may read it and no later commit can precede it.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn find(view: &View, place: Position) -> Result<Option<Model>, Error> {
    let select = shown(view, settled(view, START)).filter(at().eq(tuple(place)));
    Ok(select.one(&view.db()).await?)
}

/// A page of the events that the view's scope may read, oldest first, filtered: after a place, or the first
/// that there are; and up to where those before them were removed, if any were.
///
/// # Errors
/// [`Error::PositionUnknown`], [`Error::PositionExpired`]; [`Error::Driver`] and its kin.
pub async fn page(
    view: &View,
    after: Option<Position>,
    query: &PageQuery,
) -> Result<(Page<Model>, Option<Position>), Error> {
    let (from, begins) = match &query.after {
        Some(cursor) => (goes_on(cursor)?, false),
        None => (after.unwrap_or(START), true),
    };
    let mut rows = page::filtered(shown(view, settled(view, from)), query)?
        .oldest_first()
        .limit(u64::from(query.size) + 1)
        .all(&view.db())
        .await?;
    // What comes after it in the same life of the feed shows that the feed has come to the place.
    let comes_after = |event: &Model| event.epoch == from.epoch;
    let removed = removed_until(view).await?;
    if !begins || after.is_some() {
        require_kept(from, removed)?;
    }
    if begins && !rows.first().is_some_and(comes_after) {
        require(view, from).await?;
    }
    let oldest = (removed > START).then_some(removed);
    let size = Ord::min(query.size, fitting(&rows));
    rows.truncate(
        usize::try_from(size)
            .unwrap_or(usize::MAX)
            .saturating_add(1),
    );
    let query = PageQuery {
        size,
        ..query.clone()
    };
    Ok((cut(rows, &query, Model::position), oldest))
}

/// What the states in a page come to at most, in bytes, so that it fits into an answer.
const PAGE_BYTES: usize = 2 * 1_024 * 1_024;

/// How many of some events make a page: one at least.
fn fitting(events: &[Model]) -> u32 {
    let sizes = events
        .iter()
        .map(|event| event.state.as_ref().map_or(0, Vec::len));
    let sums = sizes.scan(0, |sum, size| {
        *sum += size;
        Some(*sum)
    });
    let fit = sums.take_while(|sum| *sum <= PAGE_BYTES).count();
    u32::try_from(fit.max(1)).unwrap_or(u32::MAX)
}

/// Whether a worker's place is behind the newest committed event, readable or not.
pub(crate) async fn is_behind(
    db: &impl ConnectionTrait,
    ecosystem: &EcosystemId,
    worker: &str,
) -> Result<bool, Error> {
    // The newest event is found before it is compared, or all would be looked through whenever the
    // worker has dealt with every one.
    let sql = "SELECT 1 AS behind FROM (SELECT epoch, xid, sequence FROM events \
        WHERE ecosystem = $1 ORDER BY epoch DESC, xid DESC, sequence DESC LIMIT 1) AS e \
        LEFT JOIN feed_cursors AS c ON c.ecosystem = $1 AND c.worker = $2 \
        WHERE c.ecosystem IS NULL OR (e.epoch, e.xid, e.sequence) > (c.epoch, c.xid, c.sequence)";
    let values = [ecosystem.as_str().into(), worker.into()];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    Ok(db.query_one_raw(statement).await?.is_some())
}

/// Whether committed events of some kinds, readable or not, are after a worker's place.
pub(crate) async fn waits_for(view: &View, worker: &str, kinds: &[&str]) -> Result<bool, Error> {
    let place = cursor::place(view, worker).await?;
    let first: Option<i64> = of_ecosystem(view)
        .filter(at().gt(tuple(place)))
        .filter(COLUMN.kind.is_in(kinds.iter().copied()))
        .select_only()
        .column(Column::Sequence)
        .oldest_first()
        .limit(1)
        .into_tuple()
        .one(&view.db())
        .await?;
    Ok(first.is_some())
}

impl Columns for Entity {
    const ID: Column = Column::Sequence;

    fn column(field: &str) -> Option<Column> {
        Some(match field {
            "type" => Column::Kind,
            "resource" => Column::Resource,
            "actor" => Column::Actor,
            "time" => Column::Time,
            "reason_code" => Column::ReasonCode,
            _ => return None,
        })
    }
}
