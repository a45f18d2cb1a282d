//! Reporting events, and writing those that a transaction has reported.

use sea_orm::entity::prelude::*;
use sea_orm::{DatabaseBackend, Statement, Value};
use trellis_core::{PartnerId, Position, Trace};

use super::place_of;
use super::shown::readable;
use super::state::State;
use crate::{Error, TOLD, Txn};

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

    pub(crate) fn kind(&self) -> &'static str {
        self.kind
    }

    pub(crate) fn is_about(&self, resource: &str) -> bool {
        self.resource == resource
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
    if TOLD {
        txn.push(event);
    }
}

/// Events of one statement; each binds fourteen values, and SQLite takes 32,766 in one statement.
const CHUNK: usize = 1_000;

/// Up to how many events are written by a statement for each on SQLite.
const EACH: usize = 8;

/// Events that are written as a part of another statement.
pub(crate) struct Few {
    /// What writes them, in their order.
    pub(crate) sql: String,
    /// What that binds.
    pub(crate) values: Vec<Value>,
    /// How many there are.
    pub(crate) count: i64,
    /// How many come after the last one that the caller may read, if there is one: where the feed stands
    /// after what a partner must not know of would tell them of it.
    pub(crate) hidden: Option<i64>,
}

/// Takes the reported events, if there are any and one statement is enough for them.
pub(crate) fn take_few(txn: &Txn) -> Option<Few> {
    if !(1..=CHUNK).contains(&txn.count_events()) {
        return None;
    }
    let events = txn.take_events();
    let (sql, values) = match txn.db().get_database_backend() {
        DatabaseBackend::Sqlite if events.len() <= EACH => inserting_each(txn, &events),
        backend => inserting(txn, backend, &events),
    };
    let is_readable = |event: &NewEvent| readable(txn.scope(), event.partner.as_ref());
    Some(Few {
        sql,
        values,
        count: i64::try_from(events.len()).unwrap_or(i64::MAX),
        hidden: (0..)
            .zip(events.iter().rev())
            .find_map(|(after, event)| is_readable(event).then_some(after)),
    })
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
    let (mut sql, values) = inserting(txn, backend, events);
    sql.push_str(" RETURNING epoch, xid, sequence, partner");
    let statement = Statement::from_sql_and_values(backend, sql, values);
    for row in db.query_all_raw(statement).await? {
        let place = Some(place_of(&row)?);
        last.of_all = Ord::max(last.of_all, place);
        let partner: Option<PartnerId> = row.try_get("", "partner")?;
        if readable(txn.scope(), partner.as_ref()) {
            last.shown = Ord::max(last.shown, place);
        }
    }
    Ok(())
}

/// What is written of an event, but for its place.
const WRITTEN: [&str; 14] = [
    "ecosystem",
    "kind",
    "resource",
    "actor",
    "time",
    "reason_code",
    "note",
    "data",
    "partner",
    "state_kind",
    "state",
    "changed_fields",
    "trace_parent",
    "trace_state",
];

/// The number of an ecosystem's newest event on SQLite, or 0. The one writer counts for itself, so the numbers
/// of an ecosystem have no gaps. The whole beginning of the key is named, or all events would be looked
/// through for the last one.
fn newest(ecosystem: &str) -> String {
    format!(
        "COALESCE((SELECT MAX(sequence) FROM events \
         WHERE ecosystem = {ecosystem} AND epoch = 1 AND xid = 0), 0)"
    )
}

/// The statement that writes some events, and what it binds.
fn inserting(txn: &Txn, backend: DatabaseBackend, events: &[NewEvent]) -> (String, Vec<Value>) {
    let values = all_written(txn, events);
    let rows = (0..events.len()).map(|index| placeholders(index * WRITTEN.len()));
    let columns = WRITTEN.join(", ");
    let sql = match backend {
        DatabaseBackend::Sqlite => {
            let rows = (1..).zip(rows);
            let rows: Vec<String> = rows
                .map(|(number, row)| format!("({number}, {row})"))
                .collect();
            let given: Vec<String> = (0..WRITTEN.len())
                .map(|index| format!("column{}", index + 2))
                .collect();
            format!(
                "INSERT INTO events (epoch, xid, sequence, {columns}) \
                 SELECT 1, 0, column1 + {}, {} FROM (VALUES {})",
                newest("column2"),
                given.join(", "),
                rows.join(", ")
            )
        }
        _ => {
            let rows: Vec<String> = rows.map(|row| format!("({row})")).collect();
            format!("INSERT INTO events ({columns}) VALUES {}", rows.join(", "))
        }
    };
    (sql, values)
}

/// The same on SQLite as one statement for each: one that asks for the newest event and writes several puts
/// all of them into a table of its own first.
fn inserting_each(txn: &Txn, events: &[NewEvent]) -> (String, Vec<Value>) {
    let columns = WRITTEN.join(", ");
    let each: Vec<String> = (0..events.len())
        .map(|index| index * WRITTEN.len())
        .map(|before| {
            format!(
                "INSERT INTO events (epoch, xid, sequence, {columns}) VALUES (1, 0, 1 + {}, {})",
                newest(&format!("${}", before + 1)),
                placeholders(before)
            )
        })
        .collect();
    (each.join("; "), all_written(txn, events))
}

/// What an event binds, after so many values.
fn placeholders(before: usize) -> String {
    let each: Vec<String> = (1..=WRITTEN.len())
        .map(|offset| format!("${}", before + offset))
        .collect();
    each.join(", ")
}

/// The values of some events.
fn all_written(txn: &Txn, events: &[NewEvent]) -> Vec<Value> {
    let states = txn.states();
    let each = events.iter();
    each.flat_map(|event| written(txn, event, states.of(&event.resource)))
        .collect()
}

/// The values of an event, in the order of [`WRITTEN`].
fn written(txn: &Txn, event: &NewEvent, state: Option<&State>) -> [Value; WRITTEN.len()] {
    let NewEvent {
        kind,
        resource,
        reason_code,
        note,
        data,
        partner,
    } = event;
    let trace = txn.trace();
    [
        txn.ecosystem().as_str().into(),
        (*kind).into(),
        resource.as_str().into(),
        txn.actor().as_str().into(),
        txn.now().micros().into(),
        reason_code.clone().into(),
        note.clone().into(),
        data.clone().into(),
        partner.as_ref().map(|partner| partner.as_str()).into(),
        state.map(|state| state.kind).into(),
        state.and_then(|state| state.message.clone()).into(),
        state.map(|state| state.changed.clone()).into(),
        trace.map(Trace::parent).into(),
        trace.and_then(Trace::state).into(),
    ]
}
