//! Idempotency: a request id is claimed before the work and answered after it, both in the work's
//! own transaction. So an effect and its answer are durable together or not at all.
//!
//! A second call with the same id waits for the first one's row lock and then finds its answer. An
//! id belongs to the caller and the method; used for another request it is refused, told by the
//! hash of the request.

mod ending;

use sea_orm::entity::prelude::*;
use sea_orm::{DatabaseBackend, Statement, Value};
use trellis_core::{Call, Position, Stored, Timestamp, Written};

use self::ending::{Answer, Told};
use crate::audit::entry::Draft;
use crate::view::Source;
use crate::{Error, Txn, event};

pub(crate) enum Claim {
    /// Nobody has used the id: do the work.
    Fresh,
    /// The work was done before.
    Answered(Kept),
}

/// The answer to work that was done before.
pub(crate) struct Kept {
    answer: Vec<u8>,
    position: Option<Position>,
}

impl Kept {
    /// The answer as it was.
    pub(crate) fn read<T: Stored>(self) -> Result<Written<T>, Error> {
        let value = T::from_stored(&self.answer).ok_or_else(|| Error::Corrupt {
            table: "requests",
            what: "an answer of another type".into(),
        })?;
        Ok(Written {
            value,
            position: self.position,
        })
    }
}

const INSERT: &str = "INSERT INTO requests \
    (ecosystem, actor, method, request_id, request_hash, create_time) \
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";

const SELECT: &str = "SELECT request_hash, answer, epoch, xid, sequence FROM requests \
    WHERE ecosystem = $1 AND actor = $2 AND method = $3 AND request_id = $4";

fn key(call: &Call, request_id: Uuid) -> [Value; 4] {
    [
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
    let mut values = key(call, request_id).to_vec();
    values.push(call.request_hash.to_vec().into());
    values.push(now.micros().into());
    let inserted = source
        .db()
        .execute_raw(statement(source, INSERT, values))
        .await?;
    if inserted.rows_affected() == 1 {
        return Ok(Claim::Fresh);
    }
    // The holder may have rolled back between the two statements: the id is free again.
    let kept = answered(source, call).await?.ok_or(Error::Contended)?;
    Ok(Claim::Answered(kept))
}

/// What is kept for the call's request id, if it is used.
pub(crate) async fn answered(source: &Source, call: &Call) -> Result<Option<Kept>, Error> {
    let Some(request_id) = call.request_id else {
        return Ok(None);
    };
    let select = statement(source, SELECT, key(call, request_id).to_vec());
    let Some(row) = source.db().query_one_raw(select).await? else {
        return Ok(None);
    };
    let hash: Vec<u8> = row.try_get("", "request_hash")?;
    if hash != call.request_hash {
        return Err(Error::RequestIdReused {
            request_id: request_id.to_string(),
        });
    }
    let answer: Option<Vec<u8>> = row.try_get("", "answer")?;
    let position = event::place_if_any(&row)?;
    // It is committed with its answer.
    let answer = answer.ok_or_else(|| Error::AnswerErased {
        request_id: request_id.to_string(),
    })?;
    Ok(Some(Kept { answer, position }))
}

/// Writes the events of a piece of work and its entry in the audit trail, and stores its answer beside its
/// effect; answers the place of the last event that the caller may read. `now` is the deployment's time.
pub(crate) async fn finish(
    txn: &Txn,
    call: &Call,
    answer: Vec<u8>,
    now: Timestamp,
) -> Result<Option<Position>, Error> {
    let entry = Draft::of(call, now);
    let answer = call.request_id.map(|request_id| Answer {
        key: key(call, request_id),
        message: answer,
    });
    if entry.is_none() && answer.is_none() {
        return Ok(event::flush(txn).await?.shown);
    }
    let told = match event::take_few(txn) {
        Some(few) => Told::Now(few),
        None => Told::Before(event::flush(txn).await?),
    };
    ending::write(txn, told, entry.as_ref(), answer).await
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
