//! Short reads of SQLite: one row by its key, or one page, which is most of what is ever asked.
//!
//! They have connections of their own, because the pool does more for each statement than the
//! statement itself takes: it has a thread for each connection, and hands every statement over to
//! it. That cannot be turned off. PostgreSQL needs nothing of the kind, since its statements go
//! through [sessions](crate::session), which cost one round trip and no more.
//!
//! What does not succeed here is left to the pool, whatever the reason: so there is one place that
//! waits for connections, tries again, and tells errors.

mod shape;
mod sqlite;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sea_orm::sea_query::Value;

pub use shape::Shape;
use sqlite::Sqlite;

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
    sqlite: Sqlite,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    made: AtomicU64,
    left: AtomicU64,
}

impl Direct {
    /// Prepares to read the database of a URL. Nothing is opened before it is needed.
    pub(crate) fn new(url: &str) -> Option<Self> {
        Some(Self {
            sqlite: Sqlite::new(url)?,
            counts: Arc::default(),
        })
    }

    /// Reads the rows of a statement that selects the columns of an entity in their order; nothing
    /// when they are not to be had here.
    pub(crate) fn rows<E: Record>(&self, sql: &str, values: &[Value]) -> Option<Vec<E::Model>> {
        let rows = self.sqlite.rows::<E>(sql, values);
        let count = match &rows {
            Some(_) => &self.counts.made,
            None => &self.counts.left,
        };
        count.fetch_add(1, Ordering::Relaxed);
        rows
    }

    pub(crate) fn counts(&self) -> ShortReads {
        ShortReads {
            made: self.counts.made.load(Ordering::Relaxed),
            left: self.counts.left.load(Ordering::Relaxed),
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
