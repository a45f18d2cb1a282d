//! The answers that are kept for request ids. Whoever sends such a request again is told that its answer was
//! erased; that it was done stays known.

use sea_orm::entity::prelude::*;
use sea_orm::{Statement, Value};
use trellis_core::{Actor, EcosystemId};

use super::{contains, in_steps};
use crate::{Error, Store, Txn};

/// Answers that are looked through in one transaction.
const STEP: i64 = 5_000;

/// A request of the ecosystem: its caller, its method and its id.
type Key = (String, String, Uuid);

/// The last request of a step; nothing when none comes after the one that is given.
const LAST: &str = "SELECT actor, method, request_id FROM (SELECT actor, method, request_id FROM requests \
    WHERE ecosystem = $1 AND (actor, method, request_id) > ($2, $3, $4) \
    ORDER BY actor, method, request_id LIMIT $5) AS step \
    ORDER BY actor DESC, method DESC, request_id DESC LIMIT 1";

pub(super) async fn erase(
    store: &Store,
    ecosystem: &EcosystemId,
    name: &Actor,
) -> Result<u64, Error> {
    let name = name.clone();
    let first = (String::new(), String::new(), Uuid::nil());
    in_steps(store, ecosystem, first, move |txn, key| {
        let name = name.clone();
        async move { step(&txn, &name, key).await }
    })
    .await
}

async fn step(txn: &Txn, name: &Actor, from: Key) -> Result<Option<(Key, u64)>, Error> {
    let db = txn.db();
    let backend = db.get_database_backend();
    let key = |(actor, method, id): Key| [actor.into(), method.into(), id.into()];
    let mut values: Vec<Value> = vec![txn.ecosystem().as_str().into()];
    values.extend(key(from));
    let mut of_last = values.clone();
    of_last.push(STEP.into());
    let last = Statement::from_sql_and_values(backend, LAST, of_last);
    let Some(last) = db.query_one_raw(last).await? else {
        return Ok(None);
    };
    let to = (
        last.try_get("", "actor")?,
        last.try_get("", "method")?,
        last.try_get("", "request_id")?,
    );
    values.extend(key(to.clone()));
    values.push(name.as_str().as_bytes().to_vec().into());
    let sql = format!(
        "UPDATE requests SET answer = NULL WHERE ecosystem = $1 \
         AND (actor, method, request_id) > ($2, $3, $4) \
         AND (actor, method, request_id) <= ($5, $6, $7) \
         AND answer IS NOT NULL AND {}",
        contains(txn, "answer", 8)
    );
    let erase = Statement::from_sql_and_values(backend, sql, values);
    let erased = db.execute_raw(erase).await?.rows_affected();
    Ok(Some((to, erased)))
}
