//! Entries as the tree holds them: byte by byte as they stand in their rows, so that one that says what no
//! entry can say is still read, and found.

use std::fmt::Display;

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::ExprTrait as _;
use sea_orm::{FromQueryResult, QueryResult, QuerySelect, TryGetable};
use sha2::{Digest, Sha256};
use trellis_core::{EcosystemId, Position};

use super::entry::{self, COLUMN, Column, Entity, settled};
use super::merkle::{self, Hash};
use crate::event::place::{at, tuple};
use crate::{Error, View};

/// How the bytes begin that a leaf is the hash of.
const VERSION: &[u8] = b"trellis-audit-entry/1";

/// What stands before the bytes of what cannot be read: no text has it.
const UNREADABLE: u8 = 0xff;

/// Before every place, also those that no entry can have.
const NOWHERE: Position = Position {
    epoch: i64::MIN,
    xid: i64::MIN,
    sequence: i64::MIN,
};

/// An entry. What it does not say is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    place: Position,
    time: i64,
    method: Vec<u8>,
    resource: Vec<u8>,
    code: Vec<u8>,
    reason: Vec<u8>,
    call_id: Vec<u8>,
    request_id: Vec<u8>,
    position: Vec<u8>,
    principal: Vec<u8>,
    person: Vec<u8>,
    salt: Option<Vec<u8>>,
    personal_hash: Vec<u8>,
}

impl FromQueryResult for Row {
    fn from_query_result(row: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        let number = |column| row.try_get(prefix, column);
        let text = |column| bytes::<String>(row, prefix, column);
        Ok(Self {
            place: Position {
                epoch: number("epoch")?,
                xid: number("xid")?,
                sequence: number("sequence")?,
            },
            time: number("time")?,
            method: text("method")?,
            resource: text("resource")?,
            code: text("code")?,
            reason: text("reason")?,
            call_id: text("call_id")?,
            request_id: bytes::<Uuid>(row, prefix, "request_id")?,
            position: text("position")?,
            principal: text("principal")?,
            person: text("person")?,
            salt: row.try_get(prefix, "salt")?,
            personal_hash: row.try_get(prefix, "personal_hash")?,
        })
    }
}

/// The bytes of a column as they are spelled, or as they stand there when they are no such value.
fn bytes<T: TryGetable + Display>(
    row: &QueryResult,
    prefix: &str,
    column: &str,
) -> Result<Vec<u8>, DbErr> {
    if let Ok(value) = row.try_get::<Option<T>>(prefix, column) {
        return Ok(value.map_or_else(Vec::new, |value| value.to_string().into_bytes()));
    }
    let mut bytes: Vec<u8> = row.try_get(prefix, column)?;
    bytes.insert(0, UNREADABLE);
    Ok(bytes)
}

impl Row {
    /// Its place in the trail.
    #[must_use]
    pub fn place(&self) -> Position {
        self.place
    }

    /// The hash by which it stands in the tree: of everything that it says but who called, and of the
    /// salted hash of that. `docs/audit.md` says it byte by byte.
    #[must_use]
    pub fn leaf(&self, ecosystem: &EcosystemId) -> Hash {
        let Self {
            place,
            time,
            method,
            resource,
            code,
            reason,
            call_id,
            request_id,
            position,
            principal: _,
            person: _,
            salt: _,
            personal_hash,
        } = self;
        let mut data = Vec::with_capacity(512);
        data.extend_from_slice(VERSION);
        put(&mut data, name(ecosystem, *place).as_bytes());
        put(&mut data, time.to_string().as_bytes());
        for said in [
            method,
            resource,
            code,
            reason,
            call_id,
            request_id,
            position,
            personal_hash,
        ] {
            put(&mut data, said);
        }
        merkle::leaf(&data)
    }

    /// Whether who called, as far as the row still says it, is who it says by its hash.
    #[must_use]
    pub fn says_who(&self) -> bool {
        match &self.salt {
            Some(salt) => {
                let hash = personal_hash(salt, &self.principal, &self.person);
                hash.as_slice() == self.personal_hash
            }
            None => self.principal.is_empty() && self.person.is_empty(),
        }
    }

    /// Whether the names of who called were erased.
    #[must_use]
    pub fn is_erased(&self) -> bool {
        self.salt.is_none()
    }

    /// What was done by a method, if that was done.
    #[must_use]
    pub fn done_by(&self, method: &str) -> Option<&[u8]> {
        let done = self.method == method.as_bytes() && self.code == entry::OK.as_bytes();
        done.then_some(&self.resource)
    }
}

/// The resource name of an entry.
#[must_use]
pub fn name(ecosystem: &EcosystemId, place: Position) -> String {
    format!("ecosystems/{ecosystem}/auditEntries/{place}")
}

/// The hash of who called: SHA-256 of the salt and both names, each behind its length.
pub(super) fn personal_hash(salt: &[u8], principal: &[u8], person: &[u8]) -> [u8; 32] {
    let mut data = salt.to_vec();
    put(&mut data, principal);
    put(&mut data, person);
    Sha256::digest(data).into()
}

/// Adds bytes behind their length, so that no two lists of texts are the same bytes.
fn put(data: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    data.extend_from_slice(&length.to_be_bytes());
    data.extend_from_slice(bytes);
}

/// The next entries after a place, or from the first one on, oldest first, of those that no later commit can
/// precede any more.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn after(view: &View, place: Option<Position>, limit: u64) -> Result<Vec<Row>, Error> {
    let next = settled(view, place.unwrap_or(NOWHERE))
        .limit(limit)
        .into_model::<Row>();
    Ok(next.all(&view.db()).await?)
}

/// Whether there is such an entry.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn any_after(view: &View, place: Option<Position>) -> Result<bool, Error> {
    let first: Option<i64> = settled(view, place.unwrap_or(NOWHERE))
        .select_only()
        .column(Column::Sequence)
        .limit(1)
        .into_tuple()
        .one(&view.db())
        .await?;
    Ok(first.is_some())
}

/// The entries of a method after a place, or from the first one on, also of those that a later commit can
/// still precede.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn of_method(
    view: &View,
    method: &str,
    after: Option<Position>,
) -> Result<Vec<Row>, Error> {
    let all = Entity::find()
        .filter(COLUMN.ecosystem.eq(view.ecosystem().clone()))
        .filter(COLUMN.method.eq(method))
        .filter(at().gt(tuple(after.unwrap_or(NOWHERE))));
    Ok(all.into_model::<Row>().all(&view.db()).await?)
}
