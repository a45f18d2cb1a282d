//! The schema can be spread over machines by ecosystem without a change in code.

use sqlx::{Connection, PgConnection, Row, SqliteConnection};
use trellis_tests::Engine;
use trellis_tests::database::Database;

/// The tables that belong to no ecosystem, and why.
const SHARED: [(&str, &str); 2] = [
    ("seaql_migrations", "which migrations the database has"),
    (
        "deployment_secrets",
        "what all ecosystems' keys are hashed with",
    ),
];

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

/// The tables with an ecosystem that row level security does not guard: enabled, forced, and with
/// the policy that holds reading and writing to the ecosystem of the connection.
const UNGUARDED: &str = "SELECT t.relname::text FROM pg_class AS t \
    JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attname = 'ecosystem' AND a.attnum > 0 \
    WHERE t.relnamespace = 'public'::regnamespace AND t.relkind IN ('r', 'p') \
    AND NOT (t.relrowsecurity AND t.relforcerowsecurity AND EXISTS ( \
        SELECT 1 FROM pg_policies AS p WHERE p.schemaname = 'public' AND p.tablename = t.relname \
        AND p.policyname = 'ecosystem' AND p.cmd = 'ALL' AND p.permissive = 'PERMISSIVE' \
        AND p.roles = '{public}' AND p.qual = p.with_check \
        AND p.qual LIKE '(ecosystem = NULLIF(%current_setting(''trellis.ecosystem''%')) ORDER BY 1";

/// The other policies there are: each is a way around the one above.
const EXCEPTIONS: &str = "SELECT tablename || ' ' || policyname || ' ' || cmd FROM pg_policies \
    WHERE policyname <> 'ecosystem' ORDER BY 1";

#[tokio::test]
async fn every_table_with_an_ecosystem_is_guarded_by_row_level_security() {
    let Some(mut database) = Database::fresh(Engine::Postgres).await else {
        return;
    };
    let mut owner = PgConnection::connect(database.owner_url()).await.unwrap();
    let unguarded: Vec<String> = sqlx::query_scalar(UNGUARDED)
        .fetch_all(&mut owner)
        .await
        .unwrap();
    assert_eq!(
        unguarded,
        Vec::<String>::new(),
        "a migration that makes a table with an ecosystem calls `isolate`"
    );
    let exceptions: Vec<String> = sqlx::query_scalar(EXCEPTIONS)
        .fetch_all(&mut owner)
        .await
        .unwrap();
    // Which ecosystems there are, and whether there is any API key.
    let known = [
        "api_keys every_ecosystem SELECT",
        "ecosystems every_ecosystem SELECT",
    ];
    assert_eq!(exceptions, known);
    // The control: what a migration that forgot it leaves behind is found, each part of it.
    for sql in [
        "CREATE TABLE forgotten (ecosystem TEXT)",
        "ALTER TABLE deals NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE partners DISABLE ROW LEVEL SECURITY",
        "DROP POLICY ecosystem ON plans",
        "ALTER POLICY ecosystem ON tiers USING (true)",
    ] {
        sqlx::raw_sql(sql).execute(&mut owner).await.unwrap();
    }
    let unguarded: Vec<String> = sqlx::query_scalar(UNGUARDED)
        .fetch_all(&mut owner)
        .await
        .unwrap();
    assert_eq!(
        unguarded,
        ["deals", "forgotten", "partners", "plans", "tiers"]
    );
    owner.close().await.unwrap();
    database.delete().await;
}

#[tokio::test]
async fn nothing_in_the_schema_runs_with_the_rights_of_whoever_made_it() {
    let Some(mut database) = Database::fresh(Engine::Postgres).await else {
        return;
    };
    let mut owner = PgConnection::connect(database.owner_url()).await.unwrap();
    let find = "SELECT proname::text FROM pg_proc \
        WHERE pronamespace = 'public'::regnamespace AND prosecdef \
        UNION ALL SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace \
        AND relkind IN ('v', 'm') AND NOT coalesce(reloptions @> '{security_invoker=true}', false)";
    let found: Vec<String> = sqlx::query_scalar(find)
        .fetch_all(&mut owner)
        .await
        .unwrap();
    assert_eq!(found, Vec::<String>::new());
    // The control: each way to do so is found.
    let ways = "CREATE FUNCTION way() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'; \
        CREATE VIEW wide AS SELECT * FROM deals";
    sqlx::raw_sql(ways).execute(&mut owner).await.unwrap();
    let found: Vec<String> = sqlx::query_scalar(find)
        .fetch_all(&mut owner)
        .await
        .unwrap();
    assert_eq!(found, ["way", "wide"]);
    owner.close().await.unwrap();
    database.delete().await;
}
