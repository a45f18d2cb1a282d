//! What a transaction makes of the resources that its events are about.
//!
//! What a write answers is the resource after the change, so whoever answers with one need not say so. A
//! use case says what was [before](was), from which follow the fields that changed; and what there
//! [is now](is), where what it answers is not all of that.

use std::any::Any;
use std::collections::HashMap;

use sea_orm::{ConnectionTrait, DatabaseBackend, Statement, Value};
use trellis_core::{Actor, EcosystemId, Position, Resource, Stored};

use super::place::START;
use super::place_of;
use crate::{Error, Store, TOLD, Txn, worker};

/// The largest state that is told, in bytes: as many as are in the memory of a process at a time for
/// those who watch are to fit there.
pub const LARGEST: usize = 16 * 1_024;

/// What a transaction knows of resources, by their names.
#[derive(Default)]
pub(crate) struct States {
    before: HashMap<String, Box<dyn Any + Send>>,
    after: HashMap<String, State>,
}

/// What a resource is after a transaction.
pub(crate) struct State {
    pub(crate) kind: &'static str,
    /// The message; nothing when it is too large.
    pub(crate) message: Option<Vec<u8>>,
    /// The names of the fields that changed, as a list.
    pub(crate) changed: serde_json::Value,
}

impl States {
    pub(crate) fn of(&self, resource: &str) -> Option<&State> {
        self.after.get(resource)
    }

    fn put<T: Stored + 'static>(&mut self, after: &T, Resource { kind, name }: Resource<'_>) {
        let before = self.before.get(name);
        let before = before.and_then(|before| before.downcast_ref::<T>());
        let changed = before.map(|before| after.changed(before));
        let message = after.to_stored();
        let state = State {
            kind,
            message: (message.len() <= LARGEST).then_some(message),
            changed: changed.unwrap_or_default().into(),
        };
        self.after.insert(name.to_owned(), state);
    }
}

/// Says what a resource was before the transaction, as whoever sees all of it would be answered.
pub fn was<T: Stored + 'static>(txn: &Txn, before: T) {
    let named = before.resource().filter(|_| TOLD);
    if let Some(name) = named.map(|resource| resource.name.to_owned()) {
        let mut states = txn.states();
        // What a transaction has changed already was not before it.
        states
            .before
            .entry(name)
            .or_insert_with(|| Box::new(before));
    }
}

/// Says what a resource is after the transaction, as whoever sees all of it would be answered. Only what is
/// answered with less, or not at all, needs saying.
pub fn is<T: Stored + 'static>(txn: &Txn, after: &T) {
    if let Some(resource) = after.resource().filter(|_| TOLD) {
        txn.states().put(after, resource);
    }
}

/// Takes what is answered for what there is, unless the use case has said so, or reports nothing about it.
pub(crate) fn of_answer<T: Stored + 'static>(txn: &Txn, answer: &T) {
    if let Some(resource) = answer.resource()
        && txn.reports(resource.name)
    {
        let mut states = txn.states();
        if states.of(resource.name).is_none() {
            states.put(answer, resource);
        }
    }
}

/// Events that are looked through in one transaction.
const STEP: i64 = 5_000;

/// The part of the server that erases.
const PART: &str = "platform.erasure";

/// The place of the last event of a step; nothing when no event comes after the place.
const LAST: &str = "SELECT epoch, xid, sequence FROM (SELECT epoch, xid, sequence FROM events \
    WHERE ecosystem = $1 AND (epoch, xid, sequence) > ($2, $3, $4) \
    ORDER BY epoch, xid, sequence LIMIT $5) AS step \
    ORDER BY epoch DESC, xid DESC, sequence DESC LIMIT 1";

/// Erases the states of the events of an ecosystem that have a name anywhere in them; answers of how many
/// events. It goes through the feed in steps, each a transaction of its own.
///
/// # Errors
/// [`Error::Driver`] and its kin. What was erased by then stays so.
pub async fn erase(store: &Store, ecosystem: &EcosystemId, name: &Actor) -> Result<u64, Error> {
    let (mut place, mut erased) = (START, 0);
    loop {
        let name = name.clone();
        let step = worker::transact(store, ecosystem, PART, move |txn| {
            let name = name.clone();
            async move { erase_step(&txn, &name, place).await }
        });
        match step.await? {
            Some((to, count)) => (place, erased) = (to, erased + count),
            None => return Ok(erased),
        }
    }
}

async fn erase_step(
    txn: &Txn,
    name: &Actor,
    from: Position,
) -> Result<Option<(Position, u64)>, Error> {
    let db = txn.db();
    let backend = db.get_database_backend();
    let place = |place: Position| [place.epoch, place.xid, place.sequence].map(Value::from);
    let mut values: Vec<Value> = vec![txn.ecosystem().as_str().into()];
    values.extend(place(from));
    let mut of_last = values.clone();
    of_last.push(STEP.into());
    let last = Statement::from_sql_and_values(backend, LAST, of_last);
    let Some(last) = db.query_one_raw(last).await? else {
        return Ok(None);
    };
    let to = place_of(&last)?;
    values.extend(place(to));
    values.push(name.as_str().as_bytes().to_vec().into());
    let found = match backend {
        DatabaseBackend::Postgres => "position($8 IN state)",
        _ => "instr(state, $8)",
    };
    let sql = format!(
        "UPDATE events SET state = NULL WHERE ecosystem = $1 \
         AND (epoch, xid, sequence) > ($2, $3, $4) AND (epoch, xid, sequence) <= ($5, $6, $7) \
         AND state IS NOT NULL AND {found} > 0"
    );
    let erase = Statement::from_sql_and_values(backend, sql, values);
    let erased = db.execute_raw(erase).await?.rows_affected();
    Ok(Some((to, erased)))
}
