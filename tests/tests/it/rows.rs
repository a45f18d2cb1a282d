//! All rows of a database as texts, to see whether anything was written.

use std::collections::BTreeMap;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqliteConnection};
use trellis_tests::{Engine, World};

use crate::canary::copy::superuser;

/// The rows of each table, in an order of their own.
pub(crate) type Rows = BTreeMap<String, Vec<String>>;

/// How often all rows are the same before they count as at rest.
const QUIET: usize = 15;

/// Reads all rows once nothing changes any longer: workers may still note how far they have come.
pub(crate) async fn at_rest(world: &World) -> Rows {
    let (mut before, mut same) = (all(world).await, 0);
    for _ in 0..600 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let after = all(world).await;
        same = if after == before { same + 1 } else { 0 };
        if same == QUIET {
            return after;
        }
        before = after;
    }
    panic!("something is written all the time");
}

/// Reads all rows.
pub(crate) async fn all(world: &World) -> Rows {
    match world.engine() {
        Engine::Sqlite => on_sqlite(world).await,
        Engine::Postgres => on_postgres(world).await,
    }
}

async fn on_sqlite(world: &World) -> Rows {
    let mut file = SqliteConnection::connect(world.database_url())
        .await
        .unwrap();
    let columns = sqlx::query(
        "SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c \
         WHERE m.type = 'table' ORDER BY m.name, c.cid",
    );
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in columns.fetch_all(&mut file).await.unwrap() {
        let column: String = row.get(1);
        let quoted = format!("quote(\"{column}\")");
        tables.entry(row.get(0)).or_default().push(quoted);
    }
    let mut found = Rows::new();
    for (table, columns) in tables {
        let row = columns.join(" || ',' || ");
        let sql = format!("SELECT {row} FROM \"{table}\" ORDER BY 1");
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut file).await;
        let rows = rows.unwrap().iter().map(|row| row.get(0)).collect();
        found.insert(table, rows);
    }
    file.close().await.unwrap();
    found
}

async fn on_postgres(world: &World) -> Rows {
    let mut admin = PgConnection::connect(&superuser(world)).await.unwrap();
    let tables = sqlx::query("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'");
    let tables = tables.fetch_all(&mut admin).await.unwrap();
    let mut found = Rows::new();
    for table in tables {
        let table: String = table.get(0);
        let sql = format!("SELECT t::text FROM public.\"{table}\" t ORDER BY 1");
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut admin).await;
        let rows = rows.unwrap().iter().map(|row| row.get(0)).collect();
        found.insert(table, rows);
    }
    admin.close().await.unwrap();
    found
}
