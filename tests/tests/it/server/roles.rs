//! The two roles of `docs/postgresql.md`, made by the very statements that it shows.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use trellis_core::SystemClock;
use trellis_server::server::{self, Error};
use trellis_server::settings::{Settings, Sources};
use trellis_server::{Drained, schema};
use trellis_tests::Engine;
use trellis_tests::database::{self, Database};

/// The statements of the page's blocks, in order.
fn blocks() -> Vec<String> {
    let page = std::fs::read_to_string(database::root().join("docs/postgresql.md")).unwrap();
    let blocks = page.split("```sql\n").skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap().to_owned())
        .collect()
}

/// The page's names, made names of this test run: roles belong to the whole server.
fn named(sql: &str) -> String {
    let run = std::process::id();
    sql.replace("trellis_owner", &format!("page_owner_{run}"))
        .replace("trellis_server", &format!("page_server_{run}"))
        .replace("DATABASE trellis ", &format!("DATABASE page_{run} "))
}

async fn run(url: &str, sql: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    // Each by itself: a database is made outside of any transaction.
    for statement in sql.split(';').filter(|one| !one.trim().is_empty()) {
        let done = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
            .execute(&mut connection)
            .await;
        done.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    connection.close().await.unwrap();
}

fn settings(url: &str, rls: &str) -> Settings {
    let flags = [
        ("listen", "127.0.0.1:0"),
        ("database-url", url),
        ("database-rls", rls),
    ];
    let flags = flags.map(|(name, value)| (name, value.to_owned())).to_vec();
    let sources = Sources {
        flags,
        ..Sources::default()
    };
    sources.load().unwrap().settings
}

async fn start(settings: &Settings) -> Result<Drained, Error> {
    let meter = opentelemetry::global::meter("trellis-tests");
    let running = server::start(settings, Arc::new(SystemClock), meter).await?;
    Ok(running.stop().await)
}

#[tokio::test]
async fn the_roles_of_the_page_migrate_and_serve_under_row_level_security() {
    let Some(superuser) = database::server() else {
        return;
    };
    let url = |database: &str, role: &str, password: &str| {
        database::as_role(
            &database::on_server(&superuser, database),
            &named(role),
            password,
        )
    };
    let database = format!("page_{}", std::process::id());
    let [make, grant, revoke, look, lift] = blocks().try_into().unwrap();

    run(&superuser, &named(&make)).await;
    let owner = url(&database, "trellis_owner", "choose-one");
    let worker = url(&database, "trellis_server", "choose-another");
    run(&owner, &named(&grant)).await;
    // The server's role can tell that the schema is missing, and cannot make it.
    let outdated = start(&settings(&worker, "require")).await.unwrap_err();
    assert!(
        matches!(outdated, Error::Schema(schema::Error::Outdated { .. })),
        "{outdated}"
    );
    schema::up(&settings(&worker, "require")).await.unwrap_err();
    schema::up(&settings(&owner, "require")).await.unwrap();
    run(&owner, &named(&revoke)).await;
    let drained = start(&settings(&worker, "require")).await.unwrap();
    assert_eq!(drained, Drained::Whole);
    run(&worker, &look).await;
    run(&owner, &lift.replace("-- … UPDATE deals …", "")).await;

    // The controls: a superuser is refused where row level security is required, and only there;
    // and so is a role on whose tables it was switched off.
    let above = database::on_server(&superuser, &database);
    let refused = start(&settings(&above, "require")).await.unwrap_err();
    assert!(matches!(refused, Error::RowSecurity(_)), "{refused}");
    assert!(
        refused.to_string().contains("docs/postgresql.md"),
        "{refused}"
    );
    for rls in ["warn", "off"] {
        assert_eq!(start(&settings(&above, rls)).await.unwrap(), Drained::Whole);
    }
    run(&owner, "ALTER TABLE deals DISABLE ROW LEVEL SECURITY").await;
    let refused = start(&settings(&worker, "require")).await.unwrap_err();
    assert!(refused.to_string().contains("deals"), "{refused}");

    let mut gone = format!("DROP DATABASE {database} WITH (FORCE);");
    gone.push_str(&named("DROP ROLE trellis_owner; DROP ROLE trellis_server"));
    run(&superuser, &gone).await;
}

#[tokio::test]
async fn an_embedded_database_has_no_roles_and_starts_whatever_is_required() {
    let mut database = Database::fresh(Engine::Sqlite).await.unwrap();
    let settings = settings(database.url(), "require");
    assert_eq!(start(&settings).await.unwrap(), Drained::Whole);
    database.delete().await;
}
