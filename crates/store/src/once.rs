//! Idempotency: a request id is claimed before the work and answered after it, both in the work's
//! own transaction. So an effect and its answer are durable together or not at all.
//!
//! A second call with the same id waits for the first one's row lock and then finds its answer. An
//! id belongs to the caller and the method; used for another request it is refused, told by the
//! hash of the request.

use sea_orm::entity::prelude::*;
use sea_orm::{DatabaseBackend, Statement, Value};
use trellis_core::{Call, Position, Timestamp};

use crate::audit::entry::{self, Draft};
use crate::view::Source;
use crate::{Error, Txn, event};

pub(crate) enum Claim {
    /// Nobody has used the id: do the work.
    Fresh,
    /// The work was done before.
    Answered {
        answer: Vec<u8>,
        position: Option<Position>,
    },
}

const INSERT: &str = "INSERT INTO requests \
    (ecosystem, actor, method, request_id, request_hash, create_time) \
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";

const SELECT: &str = "SELECT request_hash, answer, epoch, xid, sequence FROM requests \
    WHERE ecosystem = $1 AND actor = $2 AND method = $3 AND request_id = $4";

fn key(call: &Call, request_id: Uuid) -> Vec<Value> {
    vec![
        call.ecosystem.as_str().into(),
        call.actor.as_str().into(),
        call.method.into(),
        request_id.into(),
    ]
}

fn statement(source: &Source, sql: &str, values: Vec<Value>) -> Statement {
    Statement::from_sql_and_values(source.db().get_database_backend(), sql, values)
}

/// Claims the call's request id, and bounds the transaction's statements by the call's deadline.
pub(crate) async fn claim(source: &Source, call: &Call, now: Timestamp) -> Result<Claim, Error> {
    bound_statements(source, call).await?;
    let Some(request_id) = call.request_id else {
        return Ok(Claim::Fresh);
    };
    let mut values = key(call, request_id);
    values.push(call.request_hash.to_vec().into());
    values.push(now.micros().into());
    let inserted = source
        .db()
        .execute_raw(statement(source, INSERT, values))
        .await?;
    if inserted.rows_affected() == 1 {
        return Ok(Claim::Fresh);
    }
    let select = statement(source, SELECT, key(call, request_id));
    let Some(row) = source.db().query_one_raw(select).await? else {
        // The holder rolled back between the two statements: the id is free again.
        return Err(Error::Contended);
    };
    let hash: Vec<u8> = row.try_get("", "request_hash")?;
    if hash != call.request_hash {
        return Err(Error::RequestIdReused {
            request_id: request_id.to_string(),
        });
    }
    let answer: Option<Vec<u8>> = row.try_get("", "answer")?;
    let position = match (
        row.try_get::<Option<i64>>("", "epoch")?,
        row.try_get::<Option<i64>>("", "xid")?,
        row.try_get::<Option<i64>>("", "sequence")?,
    ) {
        (Some(epoch), Some(xid), Some(sequence)) => Some(Position {
            epoch,
            xid,
            sequence,
        }),
        _ => None,
    };
    // It is committed with its answer.
    let answer = answer.ok_or_else(|| Error::AnswerErased {
        request_id: request_id.to_string(),
    })?;
    Ok(Claim::Answered { answer, position })
}

/// The statement that stores an answer; `first` is the number of its first value, which are those of the
/// key, the answer, and the place of its last event.
fn answering(first: usize) -> String {
    let [actor, method, request_id, answer, epoch, xid, sequence] =
        [1, 2, 3, 4, 5, 6, 7].map(|offset| first + offset);
    format!(
        "UPDATE requests SET answer = ${answer}, epoch = ${epoch}, xid = ${xid}, \
         sequence = ${sequence} WHERE ecosystem = ${first} AND actor = ${actor} \
         AND method = ${method} AND request_id = ${request_id}"
    )
}

/// Writes the events of a piece of work and its entry in the audit trail, and stores its answer beside its
/// effect; answers the place of the last event. `now` is the deployment's time.
pub(crate) async fn finish(
    txn: &Txn,
    call: &Call,
    answer: Vec<u8>,
    now: Timestamp,
) -> Result<Option<Position>, Error> {
    let entry = Draft::of(call, now);
    let key = call.request_id.map(|request_id| key(call, request_id));
    let postgres = txn.db().get_database_backend() == DatabaseBackend::Postgres;
    if postgres
        && (key.is_some() || entry.is_some())
        && let Some(events) = event::take_few(txn)
    {
        let answer = key.map(|key| (key, answer));
        return tell_and_answer(txn, events, entry.as_ref(), answer).await;
    }
    let last = event::flush(txn).await?;
    let Some(mut answering) = key else {
        if let Some(entry) = &entry {
            entry::insert_one(txn, entry, last.of_all).await?;
        }
        return Ok(last.shown);
    };
    answering.push(answer.into());
    answering.push(last.shown.map(|position| position.epoch).into());
    answering.push(last.shown.map(|position| position.xid).into());
    answering.push(last.shown.map(|position| position.sequence).into());
    note_and_answer(txn, entry.as_ref(), last.of_all, answering).await?;
    Ok(last.shown)
}

/// Writes the entry and stores the answer: on PostgreSQL in one statement.
async fn note_and_answer(
    txn: &Txn,
    entry: Option<&Draft>,
    last: Option<Position>,
    answer: Vec<Value>,
) -> Result<(), Error> {
    let db = txn.db();
    let backend = db.get_database_backend();
    let (sql, values) = match entry {
        Some(entry) if backend == DatabaseBackend::Postgres => {
            let position = last.map(|last| format!("'{last}'"));
            let (noting, mut values) = entry::beside(txn, entry, 1, position.as_deref());
            let answering = answering(values.len() + 1);
            values.extend(answer);
            (format!("WITH noted AS ({noting}) {answering}"), values)
        }
        entry => {
            if let Some(entry) = entry {
                entry::insert_one(txn, entry, last).await?;
            }
            (answering(1), answer)
        }
    };
    db.execute_raw(Statement::from_sql_and_values(backend, sql, values))
        .await?;
    Ok(())
}

/// Everything in one statement: a write takes as long as its round trips.
async fn tell_and_answer(
    txn: &Txn,
    (sql, mut values): (String, Vec<Value>),
    entry: Option<&Draft>,
    answer: Option<(Vec<Value>, Vec<u8>)>,
) -> Result<Option<Position>, Error> {
    let mut sql = format!(
        "WITH told AS ({sql}), newest AS (SELECT epoch, xid, sequence FROM told \
         ORDER BY epoch DESC, xid DESC, sequence DESC LIMIT 1)"
    );
    if let Some(entry) = entry {
        let position = "(SELECT epoch || '-' || xid || '-' || sequence FROM newest)";
        let (noting, bound) = entry::beside(txn, entry, values.len() + 1, Some(position));
        sql.push_str(&format!(", noted AS ({noting})"));
        values.extend(bound);
    }
    match answer {
        Some((key, answer)) => {
            let first = values.len() + 1;
            let [actor, method, request_id, stored] = [1, 2, 3, 4].map(|offset| first + offset);
            sql.push_str(&format!(
                " UPDATE requests SET answer = ${stored}, epoch = newest.epoch, xid = newest.xid, \
                 sequence = newest.sequence FROM newest WHERE ecosystem = ${first} \
                 AND actor = ${actor} AND method = ${method} AND request_id = ${request_id} \
                 RETURNING newest.epoch, newest.xid, newest.sequence"
            ));
            values.extend(key);
            values.push(answer.into());
        }
        None => sql.push_str(" SELECT epoch, xid, sequence FROM newest"),
    }
    let statement = Statement::from_sql_and_values(DatabaseBackend::Postgres, sql, values);
    let row = txn.db().query_one_raw(statement).await?;
    let row = row.ok_or_else(|| Error::Corrupt {
        table: "requests",
        what: "a claimed request id is not there".into(),
    })?;
    Ok(Some(event::place_of(&row)?))
}

/// On PostgreSQL the deadline bounds each statement, so that work whose caller has given up does
/// not go on holding locks. Connections are bounded to five seconds anyway; only a nearer deadline
/// costs a statement.
async fn bound_statements(source: &Source, call: &Call) -> Result<(), Error> {
    let db = source.db();
    let Some(deadline) = call.deadline else {
        return Ok(());
    };
    let left = deadline.saturating_duration_since(std::time::Instant::now());
    if left.is_zero() {
        return Err(Error::Deadline);
    }
    if db.get_database_backend() == DatabaseBackend::Postgres && left.as_secs() < 4 {
        let milliseconds = left.as_millis().max(1);
        db.execute_unprepared(&format!("SET LOCAL statement_timeout = {milliseconds}"))
            .await?;
    }
    Ok(())
}
