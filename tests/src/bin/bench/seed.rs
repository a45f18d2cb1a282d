//! Fills a database: what can be called is called, the hundred thousand rows are written as SQL.

use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

use trellis_tests::database::{as_role, on_server};

use crate::product::Product;
use crate::{ROWS, variable};

/// How many partners, and as many customers.
pub(crate) const PARTNERS: u64 = 100;

/// Lets a role work with the migrated tables that row level security holds, as a deployment has one.
const ROLE: &str = "DO $$ BEGIN \
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'trellis_bench_server') THEN \
        CREATE ROLE trellis_bench_server LOGIN PASSWORD 'trellis_bench_server'; \
    END IF; END $$; \
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO trellis_bench_server";

/// The database as the product reaches it. `TRELLIS_BENCH_RLS=off` leaves row level security out, to
/// compare with a build that does not know it.
pub(crate) async fn serving(url: &str) -> String {
    if trellis_store::is_sqlite(url) || variable("TRELLIS_BENCH_RLS").as_deref() == Some("off") {
        return url.to_owned();
    }
    let mut database = PgConnection::connect(url).await.expect("the server");
    sqlx::raw_sql(ROLE)
        .execute(&mut database)
        .await
        .expect("the role");
    as_role(url, "trellis_bench_server", "trellis_bench_server")
}

/// A database of its own beside another one, for another build of the server.
pub(crate) async fn database_beside(url: &str, at: usize) -> String {
    let name = format!("trellis_bench_{at}");
    if trellis_store::is_sqlite(url) {
        return url.replace("bench.db", &format!("{name}.db"));
    }
    let mut server = PgConnection::connect(url).await.expect("the server");
    for statement in ["DROP DATABASE IF EXISTS", "CREATE DATABASE"] {
        sqlx::raw_sql(AssertSqlSafe(format!("{statement} {name}")))
            .execute(&mut server)
            .await
            .expect("a database of its own");
    }
    on_server(url, &name)
}

/// Makes the ecosystem by calls and its deals by SQL.
pub(crate) async fn fill(product: &Product, url: &str) {
    product.found().await;
    // Deals as a year of selling leaves them: open ones of a hundred partners in five stages.
    let columns = "ecosystem, id, display_name, account, partner, roles, lines, amount_minor, \
        currency, stage, win, invoiced_minor, refunded_minor, version, create_time, update_time";
    // Every partner has some in every stage, so that a page is full whatever it is filtered by.
    let stage = format!(
        "CASE n / {PARTNERS} % 5 WHEN 0 THEN 'PROSPECT' WHEN 1 THEN 'QUALIFIED' \
        WHEN 2 THEN 'TECHNICAL_VALIDATION' WHEN 3 THEN 'BUSINESS_VALIDATION' ELSE 'COMMITTED' END"
    );
    let roles = format!(r#"'[{{"partner":"p-' || (n % {PARTNERS}) || '","role":"SOURCED"}}]'"#);
    let values = |roles: &str, lines: &str| {
        format!(
            "SELECT 'bench', 'd-' || n, 'Deal ' || n, 'a-' || (n % {PARTNERS}), \
             'p-' || (n % {PARTNERS}), {roles}, {lines}, 100000 + n, 'USD', {stage}, 0, 0, 0, 1, \
             1800000000000000 + n, 1800000000000000 + n"
        )
    };
    if trellis_store::is_sqlite(url) {
        let mut database = SqliteConnection::connect(url).await.expect("the file");
        let numbers = format!(
            "WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers \
             WHERE n < {ROWS} - 1)"
        );
        let insert = format!(
            "INSERT INTO deals ({columns}) {numbers} {} FROM numbers",
            values(&roles, "'[]'")
        );
        sqlx::raw_sql(AssertSqlSafe(insert))
            .execute(&mut database)
            .await
            .expect("the deals");
    } else {
        let mut database = PgConnection::connect(url).await.expect("the server");
        let insert = format!(
            "INSERT INTO deals ({columns}) {} FROM generate_series(0, {ROWS} - 1) AS numbers(n)",
            values(&format!("({roles})::jsonb"), "'[]'::jsonb")
        );
        sqlx::raw_sql(AssertSqlSafe(insert))
            .execute(&mut database)
            .await
            .expect("the deals");
        sqlx::raw_sql("ANALYZE")
            .execute(&mut database)
            .await
            .expect("statistics");
    }
}
