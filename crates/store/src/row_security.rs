//! Whether row level security stands under this connection.
//!
//! A superuser and a role with BYPASSRLS are above it, and so is the owner of a table that does not
//! force it. All of them work; but then the data layer's own filters are all that keeps ecosystems
//! apart, and whoever runs the deployment should know.

use sea_orm::{ConnectionTrait, DatabaseBackend, Statement};

use crate::{Error, Store};

/// Tells the role, whether it is above every policy, and the tables that no policy guards from it.
/// PostgreSQL answers for the very role that asks.
const ASK: &str = "SELECT r.rolname::text AS role, r.rolsuper OR r.rolbypassrls AS above, \
    ARRAY(SELECT t.relname::text FROM pg_class AS t \
        JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attname = 'ecosystem' AND a.attnum > 0 \
        WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind IN ('r', 'p') \
        AND NOT row_security_active(t.oid) ORDER BY t.relname) AS open \
    FROM pg_roles AS r WHERE r.rolname = current_user";

/// What the database does not keep apart by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gaps {
    /// The role that the store works as.
    pub role: String,
    /// Whether the role is a superuser or has BYPASSRLS.
    pub above_policies: bool,
    /// The tables that no policy guards from the role, by name.
    pub open_tables: Vec<String>,
}

impl std::fmt::Display for Gaps {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            role,
            above_policies,
            open_tables,
        } = self;
        if *above_policies {
            return write!(
                formatter,
                "role {role} is a superuser or has BYPASSRLS, so row level security does not hold it"
            );
        }
        write!(
            formatter,
            "row level security does not hold role {role} on {}",
            open_tables.join(", ")
        )
    }
}

impl Store {
    /// Tells where row level security does not hold the role that the store works as. `None`: it
    /// holds everywhere, or the database is SQLite, which has nothing of the kind.
    ///
    /// # Errors
    /// [`Error::Driver`] and its kin.
    pub async fn row_security_gaps(&self) -> Result<Option<Gaps>, Error> {
        let source = self.reading_all();
        let db = source.db();
        if db.get_database_backend() != DatabaseBackend::Postgres {
            return Ok(None);
        }
        let ask = Statement::from_string(DatabaseBackend::Postgres, ASK);
        let Some(row) = db.query_one_raw(ask).await? else {
            return Ok(None);
        };
        let gaps = Gaps {
            role: row.try_get("", "role")?,
            above_policies: row.try_get("", "above")?,
            open_tables: row.try_get("", "open")?,
        };
        Ok((gaps.above_policies || !gaps.open_tables.is_empty()).then_some(gaps))
    }
}
