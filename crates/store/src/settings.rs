//! How the store reaches its database.

use std::time::Duration;

/// The settings of a [`Store`](crate::Store). The server fills them; nothing here reads the
/// environment.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `sqlite:PATH` or `postgres://…`.
    pub url: String,
    /// The most connections at a time. On SQLite these are the readers; the writer is one more.
    pub connections_max: u32,
    /// Whether the writer's threads stay on one processor (SQLite).
    pub writer_pinned: bool,
    /// How long a call waits for a free connection.
    pub acquire_timeout: Duration,
    /// How long one statement may run, unless the call's deadline is nearer.
    pub statement_timeout: Duration,
    /// How long a statement may wait for a lock (PostgreSQL).
    pub lock_timeout: Duration,
}

impl Settings {
    /// The defaults for a database.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            connections_max: 16,
            writer_pinned: true,
            acquire_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(5),
            lock_timeout: Duration::from_secs(2),
        }
    }
}
