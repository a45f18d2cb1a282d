//! Locks on things that have no row: an identity that nobody has registered yet.

use sea_orm::{ConnectionTrait, DatabaseBackend, Statement};

use crate::{Error, Txn};

/// The keys travel as one JSON array and are locked in one statement, sorted, so that two
/// transactions that lock the same keys never wait for each other in a circle. The hash may make
/// two keys one lock, which costs a wait and nothing else.
const LOCK: &str = "WITH keys AS MATERIALIZED (\
    SELECT DISTINCT hashtextextended(key, 0) AS hash \
    FROM json_array_elements_text($1::json) AS given(key) ORDER BY hash) \
    SELECT pg_advisory_xact_lock(hash) FROM keys";

/// Takes a lock on each key, in this ecosystem, until the transaction ends.
///
/// A statement that follows sees what the holders before committed: transactions are READ
/// COMMITTED. SQLite has one writer, which is lock enough.
///
/// # Errors
/// [`Error::Contended`] when a lock cannot be had in time.
pub async fn keys<S: AsRef<str>>(txn: &Txn, keys: &[S]) -> Result<(), Error> {
    let db = txn.db();
    if !waits(txn) {
        return Ok(());
    }
    let values = [scoped(txn, keys).into()];
    let statement = Statement::from_sql_and_values(DatabaseBackend::Postgres, LOCK, values);
    db.query_all_raw(statement).await?;
    Ok(())
}

/// The keys in this ecosystem, as one JSON array.
fn scoped<S: AsRef<str>>(txn: &Txn, keys: &[S]) -> String {
    let keys = keys.iter().map(|key| of_ecosystem(txn, key.as_ref()));
    serde_json::Value::from(keys.collect::<Vec<_>>()).to_string()
}

fn of_ecosystem(txn: &Txn, key: &str) -> String {
    format!("{}/{key}", txn.ecosystem())
}

/// The one lock, if there is one, comes first: each row that is locked has been joined to it.
const LOCK_AFTER: &str = "WITH keys AS MATERIALIZED (\
    SELECT DISTINCT hashtextextended(key, 0) AS hash \
    FROM json_array_elements_text($1::json) AS given(key) ORDER BY hash), \
    first AS MATERIALIZED (\
    SELECT set_config('plan_cache_mode', 'force_generic_plan', true), \
    pg_advisory_xact_lock(hashtextextended($2, 0))) \
    SELECT pg_advisory_xact_lock(hash) FROM first LEFT JOIN keys ON TRUE";

/// Takes one lock, if any, and then a lock on each of some keys, as [`keys`] does, in one statement.
///
/// What follows in the transaction is planned once for any values. PostgreSQL would plan the largest of the
/// statements anew with each decision, as soon as the tables have outgrown those for which it planned them
/// first; and what one takes would follow from the values.
///
/// # Errors
/// As for [`keys`].
pub async fn keys_after<S: AsRef<str>>(
    txn: &Txn,
    first: Option<&str>,
    keys: &[S],
) -> Result<(), Error> {
    if !waits(txn) {
        return Ok(());
    }
    let first = first.map(|first| of_ecosystem(txn, first));
    let values = [scoped(txn, keys).into(), first.into()];
    let statement = Statement::from_sql_and_values(DatabaseBackend::Postgres, LOCK_AFTER, values);
    txn.db().query_all_raw(statement).await?;
    Ok(())
}

/// The shared lock comes first: each row that is locked has been joined to it.
const LOCK_BENEATH: &str = "WITH keys AS MATERIALIZED (\
    SELECT DISTINCT hashtextextended(key, 0) AS hash \
    FROM json_array_elements_text($1::json) AS given(key) ORDER BY hash), \
    beneath AS MATERIALIZED (\
    SELECT pg_advisory_xact_lock_shared(hashtextextended($2, 0))) \
    SELECT pg_advisory_xact_lock(hash) FROM beneath CROSS JOIN keys";

/// Takes a lock that others may share, and then a lock on each key, until the transaction ends.
///
/// Whoever takes the shared one with [`keys`] waits for all who share it, and keeps out all others.
/// Every lock that is taken beneath it must be taken after it, or the two may wait for each other.
///
/// # Errors
/// [`Error::Contended`] when a lock cannot be had in time.
pub async fn beneath<S: AsRef<str>>(txn: &Txn, shared: &str, keys: &[S]) -> Result<(), Error> {
    let db = txn.db();
    if !waits(txn) {
        return Ok(());
    }
    let shared = of_ecosystem(txn, shared);
    let statement = if keys.is_empty() {
        let sql = "SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0))";
        Statement::from_sql_and_values(DatabaseBackend::Postgres, sql, [shared.into()])
    } else {
        let values = [scoped(txn, keys).into(), shared.into()];
        Statement::from_sql_and_values(DatabaseBackend::Postgres, LOCK_BENEATH, values)
    };
    db.query_all_raw(statement).await?;
    Ok(())
}

/// Whether a lock may have been waited for, so that what was read before it may have changed. SQLite's
/// one writer has waited before it read anything.
#[must_use]
pub fn waits(txn: &Txn) -> bool {
    txn.db().get_database_backend() == DatabaseBackend::Postgres
}

#[cfg(test)]
mod tests;
