//! Entries of the audit trail. A row is written once; what may change in it is that the names of people
//! are erased.

use sea_orm::entity::prelude::*;
use sea_orm::{DatabaseBackend, QuerySelect, Statement, Value};
use trellis_core::{Actor, Call, EcosystemId, Page, PageQuery, Position, Timestamp};

use super::row::personal_hash;
use crate::event::place::{InOrder, START, cut, goes_on, settled_of};
use crate::page::{self, Columns};
use crate::{Error, TOLD, Txn, View};

/// The code of what succeeded.
pub(super) const OK: &str = "OK";

/// One entry.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_entries")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// Its place in the trail, first part.
    #[sea_orm(primary_key, auto_increment = false)]
    pub epoch: i64,
    /// The same, second part.
    #[sea_orm(primary_key, auto_increment = false)]
    pub xid: i64,
    /// The same, third part.
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence: i64,
    /// When, by the deployment's clock.
    pub time: Timestamp,
    /// What was called.
    pub method: String,
    /// What the request was about, by its full name.
    pub resource: String,
    /// What came of it: a code of gRPC.
    pub code: String,
    /// Why it was refused.
    pub reason: Option<String>,
    /// Finds the call in the server's log.
    pub call_id: Option<String>,
    /// What made it idempotent.
    pub request_id: Option<Uuid>,
    /// The place of its last event in the change feed.
    pub position: Option<String>,
    /// Who called. Nobody knows, or it was erased.
    pub principal: Option<Actor>,
    /// The person behind it, where one is known and was not erased.
    pub person: Option<Actor>,
    /// What the hash of the two names is salted with, until they are erased.
    pub salt: Option<Vec<u8>>,
    /// The salted hash of the two names.
    pub personal_hash: Vec<u8>,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The entry's place in the trail.
    #[must_use]
    pub fn place(&self) -> Position {
        Position {
            epoch: self.epoch,
            xid: self.xid,
            sequence: self.sequence,
        }
    }
}

/// An entry that is to be written.
#[derive(Clone, Debug)]
pub struct Draft {
    /// When, by the deployment's clock.
    pub time: Timestamp,
    /// What was called.
    pub method: String,
    /// What the request was about.
    pub resource: String,
    /// What came of it.
    pub code: &'static str,
    /// Why it was refused.
    pub reason: Option<String>,
    /// Finds the call in the server's log.
    pub call_id: Option<String>,
    /// What made it idempotent.
    pub request_id: Option<Uuid>,
    /// Who called, as far as that is known.
    pub principal: Option<Actor>,
    /// The person behind it.
    pub person: Option<Actor>,
}

impl Draft {
    /// The entry of a command that is done; nothing of what a part of the server does by itself.
    #[must_use]
    pub fn of(call: &Call, time: Timestamp) -> Option<Self> {
        let asked = call.asked.as_ref().filter(|_| TOLD)?;
        Some(Self {
            time,
            method: call.method.to_owned(),
            resource: asked.resource.clone(),
            code: OK,
            reason: None,
            call_id: asked.call_id.clone(),
            request_id: call.request_id,
            principal: Some(call.actor.clone()),
            person: call.person.clone(),
        })
    }

    /// What its row binds, in the order of [`COLUMNS`].
    fn values(&self, ecosystem: &EcosystemId) -> [Value; 12] {
        let Self {
            time,
            method,
            resource,
            code,
            reason,
            call_id,
            request_id,
            principal,
            person,
        } = self;
        let name = |actor: &Option<Actor>| actor.as_ref().map(|actor| actor.as_str().to_owned());
        let salt: [u8; SALT] = rand::random();
        let (principal, person) = (name(principal), name(person));
        let bytes = |name: &Option<String>| name.as_deref().unwrap_or_default().as_bytes().to_vec();
        let hash = personal_hash(&salt, &bytes(&principal), &bytes(&person));
        [
            ecosystem.as_str().into(),
            time.micros().into(),
            method.as_str().into(),
            resource.as_str().into(),
            (*code).into(),
            reason.clone().into(),
            call_id.clone().into(),
            (*request_id).into(),
            principal.into(),
            person.into(),
            salt.to_vec().into(),
            hash.to_vec().into(),
        ]
    }
}

/// How long a salt is, in bytes.
const SALT: usize = 32;

/// The columns that an entry binds.
const COLUMNS: &str = "ecosystem, time, method, resource, code, reason, call_id, request_id, \
    principal, person, salt, personal_hash";

/// The statement that enters a command, and what it binds, from the value of this number on. `position` is
/// what the place of its last event is computed by.
pub(crate) fn inserting_one(
    txn: &Txn,
    draft: &Draft,
    first: usize,
    position: &str,
) -> (String, [Value; 12]) {
    let values = draft.values(txn.ecosystem());
    let row = placeholders(first, values.len());
    let sql = match txn.db().get_database_backend() {
        DatabaseBackend::Sqlite => format!(
            "INSERT INTO audit_entries (epoch, xid, sequence, {COLUMNS}, position) \
             VALUES (1, 0, 1 + {}, {row}, {position})",
            newest(&format!("${first}"))
        ),
        _ => format!("INSERT INTO audit_entries ({COLUMNS}, position) VALUES ({row}, {position})"),
    };
    (sql, values)
}

/// The number of an ecosystem's newest entry on SQLite, or 0. The one writer counts entries for itself, as it
/// counts events.
fn newest(ecosystem: &str) -> String {
    format!(
        "COALESCE((SELECT MAX(sequence) FROM audit_entries \
         WHERE ecosystem = {ecosystem} AND epoch = 1 AND xid = 0), 0)"
    )
}

/// So many values from this number on, as a statement lists them.
fn placeholders(first: usize, count: usize) -> String {
    let each: Vec<String> = (first..first + count)
        .map(|number| format!("${number}"))
        .collect();
    each.join(", ")
}

/// Entries of one statement; each binds twelve values, and SQLite takes 32,766 in one statement.
const CHUNK: usize = 1_000;

/// Writes entries of what told nothing, in the order given.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn insert(txn: &Txn, drafts: &[Draft]) -> Result<(), Error> {
    for chunk in drafts.chunks(CHUNK) {
        write(txn, chunk).await?;
    }
    Ok(())
}

async fn write(txn: &Txn, drafts: &[Draft]) -> Result<(), Error> {
    let db = txn.db();
    let backend = db.get_database_backend();
    let mut values: Vec<Value> = Vec::with_capacity(drafts.len() * 12);
    let mut rows: Vec<String> = Vec::with_capacity(drafts.len());
    for (index, draft) in (1..).zip(drafts) {
        let bound = draft.values(txn.ecosystem());
        let row = placeholders(values.len() + 1, bound.len());
        rows.push(match backend {
            DatabaseBackend::Sqlite => format!("({index}, {row})"),
            _ => format!("({row})"),
        });
        values.extend(bound);
    }
    let rows = rows.join(", ");
    let sql = match backend {
        DatabaseBackend::Sqlite => format!(
            "INSERT INTO audit_entries (epoch, xid, sequence, {COLUMNS}) \
             SELECT 1, 0, column1 + {}, column2, column3, column4, column5, column6, column7, \
             column8, column9, column10, column11, column12, column13 FROM (VALUES {rows})",
            newest("column2")
        ),
        _ => format!("INSERT INTO audit_entries ({COLUMNS}) VALUES {rows}"),
    };
    let statement = Statement::from_sql_and_values(backend, sql, values);
    db.execute_raw(statement).await?;
    Ok(())
}

/// The entries of this ecosystem after a place that no later commit can precede any more, oldest first.
pub(super) fn settled(view: &View, after: Position) -> Select<Entity> {
    let all = Entity::find().filter(COLUMN.ecosystem.eq(view.ecosystem().clone()));
    settled_of(view, all, after).oldest_first()
}

/// A page of the entries, oldest first, filtered.
///
/// # Errors
/// [`Error::BadCursor`] when the page token was made for another query.
pub async fn page(view: &View, query: &PageQuery) -> Result<Page<Model>, Error> {
    let after = match &query.after {
        Some(cursor) => goes_on(cursor)?,
        None => START,
    };
    let rows = page::filtered(settled(view, after), query)?
        .limit(u64::from(query.size) + 1)
        .all(&view.db())
        .await?;
    Ok(cut(rows, query, Model::place))
}

impl Columns for Entity {
    const ID: Column = Column::Sequence;

    fn column(field: &str) -> Option<Column> {
        Some(match field {
            "time" => Column::Time,
            "principal" => Column::Principal,
            "person" => Column::Person,
            "method" => Column::Method,
            "resource" => Column::Resource,
            "code" => Column::Code,
            "reason" => Column::Reason,
            "call_id" => Column::CallId,
            _ => return None,
        })
    }
}
