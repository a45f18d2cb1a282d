//! Every table, read and written without a filter.

use std::sync::{Arc, Mutex};

use sea_orm::ConnectionTrait;
use trellis_core::EcosystemId;

use super::{as_superuser, column, tables};
use crate::Error;
use crate::support::{Fixture, call, one_connection, postgres};
use crate::view::Source;

/// Takes away what tables demand of their rows beside whose they are.
const UNDEMANDING: &str = "DO $$ DECLARE found record; BEGIN \
    FOR found IN SELECT conname, conrelid::regclass AS place FROM pg_constraint \
        WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'p', 'u') \
        AND conrelid <> 'seaql_migrations'::regclass \
    LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I CASCADE', \
        found.place, found.conname); \
    END LOOP; \
    FOR found IN SELECT a.attname, t.oid::regclass AS place FROM pg_attribute AS a \
        JOIN pg_class AS t ON t.oid = a.attrelid AND t.relkind = 'r' \
        WHERE a.attnotnull AND a.attnum > 0 AND a.attname <> 'ecosystem' \
        AND a.attidentity = '' AND t.relnamespace = 'public'::regnamespace \
        AND t.oid <> 'seaql_migrations'::regclass \
    LOOP EXECUTE format('ALTER TABLE %s ALTER %I DROP NOT NULL', found.place, found.attname); \
    END LOOP; END $$";

/// A database that has a row of acme and one of a rival in every table.
async fn filled() -> Option<(Fixture, Vec<String>)> {
    let fixture = postgres().await?;
    // Acme is known from here on, so that nothing reads what the test makes of its row.
    fixture.store.read(&call("acme")).await.unwrap();
    let tables = tables(&fixture).await;
    let mut statements = vec![UNDEMANDING.to_owned()];
    for table in &tables {
        statements.push(format!("ALTER TABLE {table} DISABLE TRIGGER ALL"));
        statements.push(format!("DELETE FROM {table}"));
        statements.push(format!(
            "INSERT INTO {table} (ecosystem) VALUES ('acme'), ('rival')"
        ));
    }
    as_superuser(&fixture, &statements).await;
    Some((fixture, tables))
}

fn reading(fixture: &Fixture, ecosystem: &str) -> Source {
    let ecosystem = EcosystemId::try_new(ecosystem).unwrap();
    fixture.store.reading(&ecosystem)
}

async fn without_defence(fixture: &Fixture, table: &str) {
    let owner = one_connection(&fixture.owner_url).await;
    owner
        .execute_unprepared(&format!("ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"))
        .await
        .unwrap();
    owner.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_table_shows_its_own_ecosystem_and_nothing_else() {
    let Some((fixture, tables)) = filled().await else {
        return;
    };
    let silent = one_connection(&fixture.url).await;
    for table in &tables {
        let sql = format!("SELECT ecosystem FROM {table} ORDER BY 1");
        for ecosystem in ["acme", "rival"] {
            let source = reading(&fixture, ecosystem);
            let seen = column(&source.db(), &sql).await.unwrap();
            assert_eq!(seen, [ecosystem], "{table}");
        }
        let stranger = reading(&fixture, "nobody");
        let seen = column(&stranger.db(), &sql).await.unwrap();
        assert!(seen.is_empty(), "{table}: {seen:?}");
        // Across ecosystems there is the list of them, and whether there is any API key.
        let across = fixture.store.reading_all();
        let seen = column(&across.db(), &sql).await.unwrap();
        let all: &[&str] = match table.as_str() {
            "ecosystems" | "api_keys" => &["acme", "rival"],
            _ => &[],
        };
        assert_eq!(seen, all, "{table}");
        // Whoever does not say whose work it does sees nothing.
        let seen = silent.execute_unprepared(&sql).await.unwrap();
        assert_eq!(seen.rows_affected(), 0, "{table}");
    }
}

/// The control of the test above: the same statement, without the defence.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_row_level_security_every_table_shows_all_ecosystems() {
    let Some((fixture, tables)) = filled().await else {
        return;
    };
    for table in &tables {
        without_defence(&fixture, table).await;
        let source = reading(&fixture, "acme");
        let sql = format!("SELECT ecosystem FROM {table} ORDER BY 1");
        let seen = column(&source.db(), &sql).await.unwrap();
        assert_eq!(seen, ["acme", "rival"], "{table}");
    }
}

/// What becomes of a statement in a transaction of acme, which is given up afterwards: how many
/// rows it touched, or that the policy refused it.
async fn tried(fixture: &Fixture, sql: String) -> Option<u64> {
    let touched = Arc::new(Mutex::new(None));
    let slot = touched.clone();
    let ended = fixture
        .store
        .write(call("acme"), sql, move |txn, sql| {
            let slot = slot.clone();
            async move {
                let done = txn.db().execute_unprepared(&sql).await?;
                *slot.lock().unwrap() = Some(done.rows_affected());
                Err::<(), Error>(Error::BadCursor)
            }
        })
        .await;
    let touched = *touched.lock().unwrap();
    if touched.is_none() {
        let refused = format!("{:?}", ended.unwrap_err());
        assert!(refused.contains("row-level security"), "{refused}");
    }
    touched
}

/// Adding a rival's row, giving one of acme's away, taking one of a rival's, removing one.
async fn trespass(fixture: &Fixture, table: &str) -> [Option<u64>; 4] {
    [
        tried(
            fixture,
            format!("INSERT INTO {table} (ecosystem) VALUES ('rival')"),
        )
        .await,
        tried(
            fixture,
            format!("UPDATE {table} SET ecosystem = 'rival' WHERE ecosystem = 'acme'"),
        )
        .await,
        tried(
            fixture,
            format!("UPDATE {table} SET ecosystem = 'acme' WHERE ecosystem = 'rival'"),
        )
        .await,
        tried(
            fixture,
            format!("DELETE FROM {table} WHERE ecosystem = 'rival'"),
        )
        .await,
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_rivals_row_is_added_given_taken_or_removed() {
    let Some((fixture, tables)) = filled().await else {
        return;
    };
    for table in &tables {
        let outcome = trespass(&fixture, table).await;
        assert_eq!(outcome, [None, None, Some(0), Some(0)], "{table}");
        // The control: the same statements without the defence.
        without_defence(&fixture, table).await;
        let outcome = trespass(&fixture, table).await;
        assert_eq!(outcome, [Some(1); 4], "{table}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_reads_across_ecosystems_writes_in_none() {
    let Some((fixture, tables)) = filled().await else {
        return;
    };
    let source = fixture.store.reading_all();
    for table in &tables {
        for ecosystem in ["acme", "*"] {
            let sql = format!("INSERT INTO {table} (ecosystem) VALUES ('{ecosystem}')");
            let refused = source.db().execute_unprepared(&sql).await.unwrap_err();
            assert!(
                refused.to_string().contains("row-level security"),
                "{table}: {refused}"
            );
        }
        for sql in [
            format!("UPDATE {table} SET ecosystem = ecosystem"),
            format!("DELETE FROM {table}"),
        ] {
            let touched = source.db().execute_unprepared(&sql).await.unwrap();
            assert_eq!(touched.rows_affected(), 0, "{sql}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_that_does_not_lift_the_policies_is_refused_instead_of_touching_nothing() {
    let Some((fixture, _)) = filled().await else {
        return;
    };
    let change = "UPDATE partners SET display_name = 'new'";
    // As migrations connect.
    let setting = "options=-c%20row_security%3Doff";
    let migration = one_connection(&format!("{}&{setting}", fixture.owner_url)).await;
    let refused = migration.execute_unprepared(change).await.unwrap_err();
    assert!(
        refused.to_string().contains("row-level security"),
        "{refused}"
    );
    // The control: as the owner usually connects, nothing is told and nothing is changed.
    let owner = one_connection(&fixture.owner_url).await;
    let touched = owner.execute_unprepared(change).await.unwrap();
    assert_eq!(touched.rows_affected(), 0);
    // How it is done.
    let lifted = format!(
        "ALTER TABLE partners NO FORCE ROW LEVEL SECURITY; {change}; \
         ALTER TABLE partners FORCE ROW LEVEL SECURITY"
    );
    migration.execute_unprepared(&lifted).await.unwrap();
    let source = reading(&fixture, "rival");
    let names = column(&source.db(), "SELECT display_name FROM partners").await;
    assert_eq!(names.unwrap(), ["new"]);
}
