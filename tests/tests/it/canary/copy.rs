//! Copies an ecosystem with all of its rows, past the server, with the canaries of the copy.

use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqliteConnection};
use trellis_tests::database::server;
use trellis_tests::{Engine, World};

use super::plant::ECOSYSTEMS;

/// What is made of bytes, and shown by no list: answers that are kept for repeated requests; and the blocks of
/// the audit trail, whose signatures would not be good for what the copy says. It is sealed anew.
const LEFT_OUT: [&str; 2] = ["requests", "audit_blocks"];

/// What is made of bytes, and shown all the same: what events tell of resources.
const STATE: (&str, &str) = ("events", "state");

/// Tables whose rows the ledger's own checks want in place before those of others.
const FIRST: &str = "ledger_lines";

/// Copies the first ecosystem to all others.
pub(super) async fn copy(world: &World) {
    match world.engine() {
        Engine::Sqlite => on_sqlite(world).await,
        Engine::Postgres => on_postgres(world).await,
    }
}

/// Runs statements as nobody that row level security or a trigger would hold.
pub(crate) async fn past_everything(world: &World, sql: &str) {
    match world.engine() {
        Engine::Sqlite => {
            let url = world.database_url();
            let mut file = SqliteConnection::connect(url).await.unwrap();
            let sql = format!("PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE; {sql}; COMMIT");
            sqlx::raw_sql(AssertSqlSafe(sql))
                .execute(&mut file)
                .await
                .unwrap();
            file.close().await.unwrap();
        }
        Engine::Postgres => {
            let mut admin = PgConnection::connect(&superuser(world)).await.unwrap();
            let sql = format!("BEGIN; SET LOCAL session_replication_role = replica; {sql}; COMMIT");
            sqlx::raw_sql(AssertSqlSafe(sql))
                .execute(&mut admin)
                .await
                .unwrap();
            admin.close().await.unwrap();
        }
    }
}

/// The database of a world, as the superuser of the tests' server.
pub(crate) fn superuser(world: &World) -> String {
    let url = world.database_url();
    let address = url.split_once("user=trellis_test_worker").unwrap().0;
    let superuser = address.trim_end_matches(['?', '&']);
    assert!(server().is_some_and(|server| superuser.starts_with(&server[..12])));
    superuser.to_owned()
}

async fn on_sqlite(world: &World) {
    let url = world.database_url();
    let mut file = SqliteConnection::connect(url).await.unwrap();
    let rows = sqlx::query(
        "SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c \
         WHERE m.type = 'table' ORDER BY m.name, c.cid",
    );
    let rows = rows.fetch_all(&mut file).await.unwrap();
    file.close().await.unwrap();
    let columns = rows.iter().map(|row| (row.get(0), row.get(1)));
    let replaced = |column: &str, to: &str| {
        format!(
            "replace(replace({column}, 'cnry-e00-', 'cnry-{to}-'), 'CNRY_E00_', 'CNRY_{}_')",
            to.to_uppercase()
        )
    };
    let sql = copying(columns.collect(), |table, column, to| {
        let text = replaced(column, to);
        // A canary is as long as another, so that a message is still one.
        let bytes = match (table, column) {
            STATE => format!("CAST({} AS BLOB)", replaced("CAST(state AS TEXT)", to)),
            _ => column.to_owned(),
        };
        format!(
            "CASE typeof({column}) WHEN 'text' THEN {text} WHEN 'blob' THEN {bytes} ELSE {column} END"
        )
    });
    past_everything(world, &sql).await;
}

async fn on_postgres(world: &World) {
    let mut admin = PgConnection::connect(&superuser(world)).await.unwrap();
    let rows = sqlx::query(
        "SELECT table_name::text, column_name::text, data_type::text \
         FROM information_schema.columns WHERE table_schema = 'public' \
         ORDER BY table_name, ordinal_position",
    );
    let rows = rows.fetch_all(&mut admin).await.unwrap();
    admin.close().await.unwrap();
    let types: std::collections::HashMap<(String, String), String> = rows
        .iter()
        .map(|row| ((row.get(0), row.get(1)), row.get(2)))
        .collect();
    let columns = rows.iter().map(|row| (row.get(0), row.get(1)));
    let sql = copying(columns.collect(), |table, column, to| {
        let kind = &types[&(table.to_owned(), column.to_owned())];
        match kind.as_str() {
            "text" | "character varying" | "jsonb" | "json" => format!(
                "replace(replace({column}::text, 'cnry-e00-', 'cnry-{to}-'), 'CNRY_E00_', \
                 'CNRY_{}_')::{kind}",
                to.to_uppercase()
            ),
            "bytea" if (table, column) == STATE => {
                let hex = |text: &str| {
                    let hex: Vec<_> = text.bytes().map(|byte| format!("{byte:02x}")).collect();
                    hex.concat()
                };
                format!(
                    "decode(replace(replace(encode({column}, 'hex'), '{}', '{}'), '{}', '{}'), 'hex')",
                    hex("cnry-e00-"),
                    hex(&format!("cnry-{to}-")),
                    hex("CNRY_E00_"),
                    hex(&format!("CNRY_{}_", to.to_uppercase())),
                )
            }
            _ => column.to_owned(),
        }
    });
    past_everything(world, &format!("{sql}; ANALYZE")).await;
}

/// The statements that copy the rows of every table with an ecosystem.
fn copying(columns: Vec<(String, String)>, value: impl Fn(&str, &str, &str) -> String) -> String {
    let mut tables: Vec<(String, Vec<String>)> = Vec::new();
    for (table, column) in columns {
        match tables.last_mut() {
            Some((last, columns)) if *last == table => columns.push(column),
            _ => tables.push((table, vec![column])),
        }
    }
    tables.retain(|(table, columns)| {
        !LEFT_OUT.contains(&table.as_str()) && columns.iter().any(|column| column == "ecosystem")
    });
    tables.sort_by_key(|(table, _)| table != FIRST);
    let mut statements = Vec::new();
    for to in 1..ECOSYSTEMS {
        let to = format!("e{to:02}");
        for (table, columns) in &tables {
            let values: Vec<_> = columns.iter().map(|of| value(table, of, &to)).collect();
            statements.push(format!(
                "INSERT INTO {table} ({}) SELECT {} FROM {table} \
                 WHERE ecosystem LIKE 'cnry-e00-%'",
                columns.join(", "),
                values.join(", ")
            ));
        }
    }
    statements.join(";\n")
}
