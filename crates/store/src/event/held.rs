//! What holds the feed back: on PostgreSQL an event can be read when every transaction that began
//! before its own has ended, in whatever database of the cluster it ran.

use sea_orm::{ConnectionTrait, DatabaseBackend, Statement};
use trellis_core::{EcosystemId, Position};

use super::place_of;
use crate::{Error, Store};

/// The whole beginning of the key is named, each column by itself, or all events would be looked through:
/// under row level security PostgreSQL searches an index for what it knows to tell nothing of hidden rows, and
/// a comparison that a default (`COALESCE`) stands in is not that.
const HELD: &str = "SELECT epoch, xid, sequence FROM events WHERE ecosystem = $1 \
    AND epoch = (SELECT epoch FROM events WHERE ecosystem = $1 \
    ORDER BY epoch DESC, xid DESC, sequence DESC LIMIT 1) \
    AND xid >= pg_snapshot_xmin(pg_current_snapshot())::text::bigint \
    ORDER BY epoch, xid, sequence LIMIT 1";

/// The place of the oldest event of an ecosystem that is committed and cannot be read yet. On SQLite
/// there is never one.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn held(store: &Store, ecosystem: &EcosystemId) -> Result<Option<Position>, Error> {
    let source = store.reading(ecosystem);
    let db = source.db();
    if db.get_database_backend() == DatabaseBackend::Sqlite {
        return Ok(None);
    }
    let values = [ecosystem.as_str().into()];
    let statement = Statement::from_sql_and_values(DatabaseBackend::Postgres, HELD, values);
    let row = db.query_one_raw(statement).await?;
    Ok(row.as_ref().map(place_of).transpose()?)
}
