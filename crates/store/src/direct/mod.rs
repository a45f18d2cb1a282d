//! Short reads: one row by its key, or one page, which is most of what is ever asked.
//!
//! They have connections of their own, because a pool does more for each statement than the
//! statement itself takes. The pool of SQLite has a thread for each connection and hands every
//! statement over to it; the pool of PostgreSQL asks the server after each statement whether it is
//! still there, from a task of its own. Neither can be turned off.
//!
//! What does not succeed here is left to the pool, whatever the reason: so there is one place that
//! waits for connections, tries again, and tells errors.

mod postgres;
mod shape;
mod sqlite;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sea_orm::sea_query::Value;

pub(crate) use postgres::Postgres;
pub use shape::Shape;
pub(crate) use sqlite::Sqlite;

use crate::record::Record;

/// How many short reads there were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShortReads {
    /// Those that were made here.
    pub made: u64,
    /// Those that were left to the pool.
    pub left: u64,
}

/// Connections for short reads. Cloning it shares them.
#[derive(Clone)]
pub(crate) struct Direct {
    shared: Arc<Shared>,
}

struct Shared {
    connections: Connections,
    made: AtomicU64,
    left: AtomicU64,
}

/// The connections, by database.
pub(crate) enum Connections {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Direct {
    pub(crate) fn new(connections: Connections) -> Self {
        Self {
            shared: Arc::new(Shared {
                connections,
                made: AtomicU64::new(0),
                left: AtomicU64::new(0),
            }),
        }
    }

    /// Reads the rows of a statement that selects the columns of an entity in their order; nothing
    /// when they are not to be had here.
    pub(crate) async fn rows<E: Record>(
        &self,
        sql: &str,
        values: &[Value],
    ) -> Option<Vec<E::Model>> {
        let rows = match &self.shared.connections {
            Connections::Sqlite(sqlite) => sqlite.rows::<E>(sql, values),
            Connections::Postgres(postgres) => postgres.rows::<E>(sql, values).await,
        };
        let count = match &rows {
            Some(_) => &self.shared.made,
            None => &self.shared.left,
        };
        count.fetch_add(1, Ordering::Relaxed);
        rows
    }

    pub(crate) fn counts(&self) -> ShortReads {
        ShortReads {
            made: self.shared.made.load(Ordering::Relaxed),
            left: self.shared.left.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{deal, incentive, partner};

    #[test]
    fn every_column_of_every_record_can_be_read_here() {
        fn unread<E: Record>() -> usize {
            E::shape().unread().count()
        }
        let unread = unread::<deal::account::Entity>()
            + unread::<deal::deal::Entity>()
            + unread::<deal::product::Entity>()
            + unread::<deal::product_family::Entity>()
            + unread::<deal::registration::Entity>()
            + unread::<deal::territory::Entity>()
            + unread::<incentive::award::Entity>()
            + unread::<incentive::payout_batch::Entity>()
            + unread::<incentive::plan::Entity>()
            + unread::<partner::partner::Entity>();
        assert_eq!(unread, 0);
    }

    /// What `.cargo/config.toml` says is easily lost, and nothing but speed would tell.
    #[test]
    fn sqlite_is_compiled_as_it_should_be() {
        let sqlite = rusqlite::Connection::open_in_memory().unwrap();
        let mut options = sqlite.prepare("PRAGMA compile_options").unwrap();
        let options: Vec<String> = options
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        let has = |option: &str| options.iter().any(|one| one == option);
        assert!(has("ENABLE_QPSG"), "{options:?}");
        assert!(has("DEFAULT_MEMSTATUS=0"), "{options:?}");
        assert!(!has("ENABLE_MEMORY_MANAGEMENT"), "{options:?}");
        assert!(has("THREADSAFE=1"), "{options:?}");
    }
}
