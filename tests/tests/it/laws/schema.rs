//! The schema can be spread over machines by ecosystem without a change in code.

use sqlx::{Connection, PgConnection, Row, SqliteConnection};
use trellis_tests::Engine;
use trellis_tests::database::Database;

/// The tables that belong to no ecosystem, and why.
const SHARED: [(&str, &str); 1] = [("seaql_migrations", "which migrations the database has")];

/// A key or an index: its table, its name, and its first column.
type Index = (String, String, String);

fn hold(indexes: Vec<Index>) {
    assert!(indexes.len() > 10, "there are indexes: {indexes:?}");
    for (table, index, first) in indexes {
        if SHARED.iter().any(|(shared, _)| *shared == table) {
            continue;
        }
        assert_eq!(
            first, "ecosystem",
            "{index} of {table} does not begin with the ecosystem"
        );
    }
}

#[tokio::test]
async fn every_key_and_index_begins_with_the_ecosystem_on_sqlite() {
    let mut database = Database::fresh(Engine::Sqlite).await.unwrap();
    let mut connection = SqliteConnection::connect(database.url()).await.unwrap();
    let rows = sqlx::query(
        "SELECT m.name, 'the key', c.name FROM sqlite_schema m \
         JOIN pragma_table_info(m.name) c ON c.pk = 1 WHERE m.type = 'table' \
         UNION ALL \
         SELECT m.name, i.name, c.name FROM sqlite_schema m \
         JOIN pragma_index_list(m.name) i JOIN pragma_index_info(i.name) c ON c.seqno = 0 \
         WHERE m.type = 'table'",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    hold(
        rows.iter()
            .map(|row| (row.get(0), row.get(1), row.get(2)))
            .collect(),
    );
    connection.close().await.unwrap();
    database.delete().await;
}

#[tokio::test]
async fn every_key_and_index_begins_with_the_ecosystem_on_postgres() {
    let Some(mut database) = Database::fresh(Engine::Postgres).await else {
        return;
    };
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    let rows = sqlx::query(
        "SELECT t.relname::text, x.relname::text, coalesce(a.attname::text, 'an expression') \
         FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid \
         JOIN pg_class x ON x.oid = i.indexrelid \
         JOIN pg_namespace n ON n.oid = t.relnamespace \
         LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0] \
         AND a.attnum > 0 WHERE n.nspname = 'public'",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    hold(
        rows.iter()
            .map(|row| (row.get(0), row.get(1), row.get(2)))
            .collect(),
    );
    connection.close().await.unwrap();
    database.delete().await;
}

#[tokio::test]
async fn every_table_of_sqlite_is_strict() {
    let mut database = Database::fresh(Engine::Sqlite).await.unwrap();
    let mut connection = SqliteConnection::connect(database.url()).await.unwrap();
    let rows = sqlx::query(
        "SELECT name FROM pragma_table_list WHERE type = 'table' AND schema = 'main' \
         AND strict = 0 AND name NOT LIKE 'sqlite_%'",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let lax: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    // The migrations' own table is made by their library.
    assert_eq!(lax, ["seaql_migrations"]);
    connection.close().await.unwrap();
    database.delete().await;
}
