//! What the rows of a table keep as bytes, in which a name may stand anywhere. So all of it is looked through.

use sea_orm::prelude::Uuid;
use sea_orm::sea_query::IntoValueTuple;
use sea_orm::{ConnectionTrait as _, DatabaseBackend, Statement, TryGetableMany, Value};
use trellis_core::{Actor, EcosystemId};

use super::in_steps;
use crate::{Error, Store, Txn};

/// Rows that are looked through in one transaction.
const STEP: i64 = 5_000;

/// Contents that are erased where a name stands in them.
#[derive(Clone, Copy)]
struct Contents {
    table: &'static str,
    /// What its rows are told apart by in an ecosystem.
    key: [&'static str; 3],
    column: &'static str,
}

/// Erases a name from what events tell of resources.
pub(super) async fn erase_states(
    store: &Store,
    ecosystem: &EcosystemId,
    name: &Actor,
) -> Result<u64, Error> {
    let states = Contents {
        table: "events",
        key: ["epoch", "xid", "sequence"],
        column: "state",
    };
    states
        .erase(store, ecosystem, name, (0_i64, 0_i64, 0_i64))
        .await
}

/// Erases a name from the answers that are kept for request ids. Whoever sends such a request again is told
/// that its answer was erased; that it was done stays known.
pub(super) async fn erase_answers(
    store: &Store,
    ecosystem: &EcosystemId,
    name: &Actor,
) -> Result<u64, Error> {
    let answers = Contents {
        table: "requests",
        key: ["actor", "method", "request_id"],
        column: "answer",
    };
    let first = (String::new(), String::new(), Uuid::nil());
    answers.erase(store, ecosystem, name, first).await
}

impl Contents {
    /// Erases a name from those after a key, in the order of keys.
    async fn erase<K>(
        self,
        store: &Store,
        ecosystem: &EcosystemId,
        name: &Actor,
        after: K,
    ) -> Result<u64, Error>
    where
        K: TryGetableMany + IntoValueTuple + Clone + Send + Sync + 'static,
    {
        let name = name.clone();
        in_steps(store, ecosystem, after, move |txn, after| {
            let name = name.clone();
            async move { self.step(&txn, &name, after).await }
        })
        .await
    }

    async fn step<K>(self, txn: &Txn, name: &Actor, after: K) -> Result<Option<(K, u64)>, Error>
    where
        K: TryGetableMany + IntoValueTuple + Clone,
    {
        let Self { table, key, column } = self;
        let db = txn.db();
        let backend = db.get_database_backend();
        let keys = key.join(", ");
        let mut values: Vec<Value> = vec![txn.ecosystem().as_str().into()];
        values.extend(after.into_value_tuple());
        let last = format!(
            "SELECT {keys} FROM (SELECT {keys} FROM {table} \
             WHERE ecosystem = $1 AND ({keys}) > ($2, $3, $4) ORDER BY {keys} LIMIT {STEP}) AS step \
             ORDER BY {} DESC LIMIT 1",
            key.join(" DESC, ")
        );
        let last = Statement::from_sql_and_values(backend, last, values.clone());
        let Some(last) = db.query_one_raw(last).await? else {
            return Ok(None);
        };
        let to =
            K::try_get_many(&last, "", &key.map(str::to_owned)).map_err(sea_orm::DbErr::from)?;
        values.extend(to.clone().into_value_tuple());
        values.push(name.as_str().as_bytes().to_vec().into());
        let contains = match backend {
            DatabaseBackend::Postgres => format!("position($8 IN {column}) > 0"),
            _ => format!("instr({column}, $8) > 0"),
        };
        let erase = format!(
            "UPDATE {table} SET {column} = NULL WHERE ecosystem = $1 \
             AND ({keys}) > ($2, $3, $4) AND ({keys}) <= ($5, $6, $7) \
             AND {column} IS NOT NULL AND {contains}"
        );
        let erase = Statement::from_sql_and_values(backend, erase, values);
        let erased = db.execute_raw(erase).await?.rows_affected();
        Ok(Some((to, erased)))
    }
}
