//! Opens the database: sessions on PostgreSQL; readers and one writer on SQLite.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::ConnectOptions as _;
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr, RuntimeErr};

use crate::session::Sessions;
use crate::{Error, Settings};

/// Whether a URL names a SQLite database.
#[must_use]
pub fn is_sqlite(url: &str) -> bool {
    url.starts_with("sqlite:")
}

/// Statements that a connection keeps prepared.
const STATEMENTS: usize = 512;

/// The most readers of a SQLite database. Short reads do not need them; each has a thread and a
/// cache of its own, and more of them than cores run no faster.
const READERS_MAX: u32 = 8;

fn options(settings: &Settings) -> ConnectOptions {
    let mut options = ConnectOptions::new(settings.url.as_str());
    options
        .acquire_timeout(settings.acquire_timeout)
        .connect_timeout(settings.acquire_timeout)
        .sqlx_logging(false)
        // Statements carry values; neither belongs into a trace.
        .record_stmt_in_spans(false)
        // A connection that rested is tested before use, a busy one is not: one round trip saved.
        .test_before_acquire_if_idle_for(Duration::from_secs(30));
    options
}

/// Opens PostgreSQL.
///
/// Locks and statements are bounded for the whole connection, so that no path can forget it. A
/// transaction whose client went away is ended by the database.
pub(crate) async fn postgres(settings: &Settings) -> Result<Sessions, Error> {
    let statement = settings.statement_timeout.as_millis().to_string();
    let lock = settings.lock_timeout.as_millis().to_string();
    let options: PgConnectOptions = settings
        .url
        .parse()
        .map_err(|error| DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))))?;
    // Statements carry values, and do not belong into the log.
    let options = options
        .disable_statement_logging()
        .application_name("trellis")
        // Statements of many rows are as many texts as there are numbers of rows.
        .statement_cache_capacity(STATEMENTS)
        .options([
            ("statement_timeout", statement.as_str()),
            ("lock_timeout", lock.as_str()),
            ("idle_in_transaction_session_timeout", "10000"),
        ]);
    let (most, patience) = (settings.connections_max, settings.acquire_timeout);
    Ok(Sessions::open(options, most, patience).await?)
}

/// How many pages the log of a SQLite database holds before the writer folds it into the file. Of
/// pages that are written again and again, which most are, the file gets the last only.
const LOG_PAGES: &str = "4000";

/// Opens the readers of a SQLite database.
pub(crate) async fn sqlite_readers(settings: &Settings) -> Result<DatabaseConnection, Error> {
    let mut options = options(settings);
    options
        .max_connections(settings.connections_max.min(READERS_MAX))
        .map_sqlx_sqlite_opts(sqlite);
    Ok(Database::connect(options).await?)
}

/// Opens the one connection that writes to a SQLite database.
///
/// What pages were before a savepoint stays in memory: beyond 64 KB of it SQLite would write it to a
/// file, which a group of some pieces exceeds.
pub(crate) async fn sqlite_writer(settings: &Settings) -> Result<DatabaseConnection, Error> {
    let mut options = options(settings);
    options
        .max_connections(1)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .map_sqlx_sqlite_opts(|options| {
            sqlite(options)
                .pragma("temp_store", "MEMORY")
                .pragma("wal_autocheckpoint", LOG_PAGES)
        });
    Ok(Database::connect(options).await?)
}

/// WAL, so that readers and the writer do not wait for each other; `FULL`, because with `NORMAL` a
/// power cut takes commits that were answered already.
fn sqlite(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        .pragma("cache_size", "-16000")
        .statement_cache_capacity(STATEMENTS)
}
