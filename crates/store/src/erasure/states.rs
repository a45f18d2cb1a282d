//! What events tell of resources.

use sea_orm::{ConnectionTrait as _, Statement, Value};
use trellis_core::{Actor, EcosystemId, Position};

use super::{contains, in_steps};
use crate::event::place::START;
use crate::event::place_of;
use crate::{Error, Store, Txn};

/// Events that are looked through in one transaction.
const STEP: i64 = 5_000;

/// The place of the last event of a step; nothing when no event comes after the place.
const LAST: &str = "SELECT epoch, xid, sequence FROM (SELECT epoch, xid, sequence FROM events \
    WHERE ecosystem = $1 AND (epoch, xid, sequence) > ($2, $3, $4) \
    ORDER BY epoch, xid, sequence LIMIT $5) AS step \
    ORDER BY epoch DESC, xid DESC, sequence DESC LIMIT 1";

pub(super) async fn erase(
    store: &Store,
    ecosystem: &EcosystemId,
    name: &Actor,
) -> Result<u64, Error> {
    let name = name.clone();
    in_steps(store, ecosystem, START, move |txn, place| {
        let name = name.clone();
        async move { step(&txn, &name, place).await }
    })
    .await
}

async fn step(txn: &Txn, name: &Actor, from: Position) -> Result<Option<(Position, u64)>, Error> {
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
    let sql = format!(
        "UPDATE events SET state = NULL WHERE ecosystem = $1 \
         AND (epoch, xid, sequence) > ($2, $3, $4) AND (epoch, xid, sequence) <= ($5, $6, $7) \
         AND state IS NOT NULL AND {}",
        contains(txn, "state", 8)
    );
    let erase = Statement::from_sql_and_values(backend, sql, values);
    let erased = db.execute_raw(erase).await?.rows_affected();
    Ok(Some((to, erased)))
}
