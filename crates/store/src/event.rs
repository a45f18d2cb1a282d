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
use sea_orm::{DatabaseBackend, QueryOrder, QueryResult, QuerySelect, Statement, Value};
use trellis_core::{Actor, EcosystemId, Page, PageQuery, PartnerId, Position, Timestamp, filter};

use crate::page::{self, Columns};
use crate::{Error, Txn, View};

pub mod follow;
mod held;
mod holds;
pub(crate) mod place;
mod shown;
mod tail;
mod watch;

pub use held::held;
use place::{START, at, cut, goes_on, require, settled, tuple};
pub use place::{head, newest_place};
use shown::{readable, shown};
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

/// An event that a use case reports.
#[derive(Clone, Debug)]
pub struct NewEvent {
    kind: &'static str,
    resource: String,
    reason_code: Option<String>,
    note: Option<String>,
    data: Json,
    partner: Option<PartnerId>,
}

impl NewEvent {
    /// An event of a kind about a resource, given by its full name.
    #[must_use]
    pub fn new(kind: &'static str, resource: impl Into<String>) -> Self {
        Self {
            kind,
            resource: resource.into(),
            reason_code: None,
            note: None,
            data: Json::Null,
            partner: None,
        }
    }

    /// Says why, in a word that reports can count.
    #[must_use]
    pub fn because(mut self, reason_code: impl Into<String>) -> Self {
        self.reason_code = Some(reason_code.into());
        self
    }

    /// Says why, in a sentence. An empty one is none.
    #[must_use]
    pub fn noting(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into()).filter(|note| !note.is_empty());
        self
    }

    /// Adds what a reader needs to know.
    #[must_use]
    pub fn with(mut self, data: Json) -> Self {
        self.data = data;
        self
    }

    /// Lets a partner read it; without this only the vendor does. What it is about must belong to the
    /// partner, and that it happened, too: it may tell of nothing that another partner did.
    #[must_use]
    pub fn for_partner<'a>(mut self, partner: impl Into<Option<&'a PartnerId>>) -> Self {
        self.partner = partner.into().cloned();
        self
    }
}

/// Reports an event. It is written when the use case has ended, in the same transaction.
pub fn append(txn: &Txn, event: NewEvent) {
    txn.push(event);
}

/// Events of one statement; each binds nine values, and SQLite takes 32,766 in one statement.
const CHUNK: usize = 1_000;

/// Takes the reported events, if one statement is enough for them, to be written as a part of
/// another one: its text, which answers their places, and what it binds. Nothing for a partner's
/// call, whose answer tells the place of what the partner may read and not that of the last.
pub(crate) fn take_few(txn: &Txn) -> Option<(String, Vec<Value>)> {
    if !txn.scope().is_staff() || !(1..=CHUNK).contains(&txn.count_events()) {
        return None;
    }
    let backend = txn.db().get_database_backend();
    Some(inserting(txn, backend, &txn.take_events()))
}

/// The places of the last of some events: of all of them, and of those that the caller may read.
#[derive(Clone, Copy, Default)]
pub(crate) struct Last {
    pub(crate) of_all: Option<Position>,
    pub(crate) shown: Option<Position>,
}

/// Writes the reported events; answers the place of the last.
pub(crate) async fn flush(txn: &Txn) -> Result<Last, Error> {
    let events = txn.take_events();
    let mut last = Last::default();
    for chunk in events.chunks(CHUNK) {
        insert(txn, chunk, &mut last).await?;
    }
    Ok(last)
}

async fn insert(txn: &Txn, events: &[NewEvent], last: &mut Last) -> Result<(), Error> {
    let db = txn.db();
    let backend = db.get_database_backend();
    let (sql, values) = inserting(txn, backend, events);
    let statement = Statement::from_sql_and_values(backend, sql, values);
    for row in db.query_all_raw(statement).await? {
        let place = Some(place_of(&row)?);
        last.of_all = Ord::max(last.of_all, place);
        // Where the feed stands after what a partner must not know of would tell them of it.
        let partner: Option<PartnerId> = row.try_get("", "partner")?;
        if readable(txn.scope(), partner.as_ref()) {
            last.shown = Ord::max(last.shown, place);
        }
    }
    Ok(())
}

/// The place in the feed that a row tells.
pub(crate) fn place_of(row: &QueryResult) -> Result<Position, DbErr> {
    Ok(Position {
        epoch: row.try_get("", "epoch")?,
        xid: row.try_get("", "xid")?,
        sequence: row.try_get("", "sequence")?,
    })
}

/// The statement that writes some events and tells their places, and what it binds.
fn inserting(txn: &Txn, backend: DatabaseBackend, events: &[NewEvent]) -> (String, Vec<Value>) {
    let mut values: Vec<Value> = Vec::with_capacity(events.len() * 9);
    let mut rows = String::new();
    for (index, event) in events.iter().enumerate() {
        let NewEvent {
            kind,
            resource,
            reason_code,
            note,
            data,
            partner,
        } = event;
        let first = values.len();
        let place: Vec<String> = (1..=9)
            .map(|offset| format!("${}", first + offset))
            .collect();
        if index > 0 {
            rows.push_str(", ");
        }
        let place = place.join(", ");
        match backend {
            DatabaseBackend::Sqlite => rows.push_str(&format!("({}, {place})", index + 1)),
            _ => rows.push_str(&format!("({place})")),
        }
        values.extend([
            Value::from(txn.ecosystem().as_str()),
            (*kind).into(),
            resource.as_str().into(),
            txn.actor().as_str().into(),
            txn.now().micros().into(),
            reason_code.clone().into(),
            note.clone().into(),
            data.clone().into(),
            partner.as_ref().map(|partner| partner.as_str()).into(),
        ]);
    }
    let sql = match backend {
        // The one writer counts for itself, so the numbers of an ecosystem have no gaps. The whole
        // beginning of the key is named, or all events would be looked through for the last one.
        DatabaseBackend::Sqlite => format!(
            "INSERT INTO events (ecosystem, epoch, xid, sequence, kind, resource, actor, time, \
             reason_code, note, data, partner) \
             SELECT column2, 1, 0, column1 + COALESCE((SELECT MAX(sequence) FROM events \
             WHERE ecosystem = column2 AND epoch = 1 AND xid = 0), 0), column3, column4, column5, \
             column6, column7, column8, column9, column10 FROM (VALUES {rows}) \
             RETURNING epoch, xid, sequence, partner"
        ),
        _ => format!(
            "INSERT INTO events (ecosystem, kind, resource, actor, time, reason_code, note, data, \
             partner) VALUES {rows} RETURNING epoch, xid, sequence, partner"
        ),
    };
    (sql, values)
}

/// The next events after a place, oldest first.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn after(view: &View, position: Position, limit: u64) -> Result<Vec<Model>, Error> {
    Ok(settled(view, position)
        .order_by_asc(Column::Epoch)
        .order_by_asc(Column::Xid)
        .order_by_asc(Column::Sequence)
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
        .order_by_asc(Column::Epoch)
        .order_by_asc(Column::Xid)
        .order_by_asc(Column::Sequence)
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
    let select = shown(view, settled(view, from)).filter(at().lte(tuple(to)));
    Ok(page::narrowed(select, filter)?
        .order_by_asc(Column::Epoch)
        .order_by_asc(Column::Xid)
        .order_by_asc(Column::Sequence)
        .limit(limit)
        .all(&view.db())
        .await?)
}

/// The event at a place, if the view's scope may read it and no later commit can precede it.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn find(view: &View, place: Position) -> Result<Option<Model>, Error> {
    let select = shown(view, settled(view, START)).filter(at().eq(tuple(place)));
    Ok(select.one(&view.db()).await?)
}

/// A page of the events after a place that the view's scope may read, oldest first, filtered.
///
/// # Errors
/// [`Error::PositionUnknown`]; [`Error::Driver`] and its kin.
pub async fn page(view: &View, from: Position, query: &PageQuery) -> Result<Page<Model>, Error> {
    let (from, begins) = match &query.after {
        Some(cursor) => (goes_on(cursor)?, false),
        None => (from, true),
    };
    let rows = page::filtered(shown(view, settled(view, from)), query)?
        .order_by_asc(Column::Epoch)
        .order_by_asc(Column::Xid)
        .order_by_asc(Column::Sequence)
        .limit(u64::from(query.size) + 1)
        .all(&view.db())
        .await?;
    // What comes after it in the same life of the feed shows that the feed has come to the place.
    let comes_after = |event: &Model| event.epoch == from.epoch;
    if begins && !rows.first().is_some_and(comes_after) {
        require(view, from).await?;
    }
    Ok(cut(rows, query, Model::position))
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
