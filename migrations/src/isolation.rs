//! Row level security: on PostgreSQL the database itself shows each unit of work the rows of one
//! ecosystem, whatever a query forgot.
//!
//! The data layer says whose work it does in the setting `trellis.ecosystem` of its connection. A
//! connection that says nothing sees nothing and can add nothing. FORCE holds the tables' owner to
//! it too; only a superuser and a role with BYPASSRLS are above it.
//!
//! The policy is one plain equation on purpose. With the query's own `ecosystem = $1` beside it the
//! planner looks rows up by the index as ever, and compares `$1` with the setting once for a
//! statement instead of once for a row; an `OR` in the policy would take that away. So the wildcard
//! `*`, under which rows of all ecosystems are seen, is a policy of its own, for reading only, and
//! only on tables that are read across ecosystems ([`show_to_all`]).
//!
//! SQLite has nothing of the kind: there the queries' own filters stand alone.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::run_on;

/// Closes tables that have a column `ecosystem`. Every migration that makes such tables calls it,
/// and a test holds that.
pub(crate) async fn isolate(manager: &SchemaManager<'_>, tables: &[&str]) -> Result<(), DbErr> {
    const MINE: &str =
        "ecosystem = NULLIF(NULLIF(current_setting('trellis.ecosystem', true), ''), '*')";
    for table in tables {
        let statements = [
            format!("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"),
            format!("ALTER TABLE {table} FORCE ROW LEVEL SECURITY"),
            format!("CREATE POLICY ecosystem ON {table} USING ({MINE}) WITH CHECK ({MINE})"),
        ];
        let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
        run_on(manager, DbBackend::Postgres, &statements).await?;
    }
    Ok(())
}

/// Lets a closed table be read, and only read, across ecosystems by whoever says `*`.
pub(crate) async fn show_to_all(manager: &SchemaManager<'_>, table: &str) -> Result<(), DbErr> {
    let policy = format!(
        "CREATE POLICY every_ecosystem ON {table} FOR SELECT \
         USING (current_setting('trellis.ecosystem', true) = '*')"
    );
    run_on(manager, DbBackend::Postgres, &[policy.as_str()]).await
}
