//! A schema that is not as this build needs it.

use std::sync::Arc;

use trellis_core::SystemClock;
use trellis_server::server::{self, Error};
use trellis_server::settings::{Settings, Sources};
use trellis_server::{Drained, schema};
use trellis_tests::Engine;
use trellis_tests::database::Database;

fn settings(database_url: &str, migrate: &str) -> Settings {
    let flags = [
        ("listen", "127.0.0.1:0"),
        ("database-url", database_url),
        ("migrate", migrate),
    ];
    let flags = flags.map(|(name, value)| (name, value.to_owned())).to_vec();
    Sources {
        flags,
        ..Sources::default()
    }
    .load()
    .unwrap()
    .settings
}

async fn start(settings: &Settings) -> Result<Drained, Error> {
    let meter = opentelemetry::global::meter("trellis-tests");
    let running = server::start(settings, Arc::new(SystemClock), meter).await?;
    Ok(running.stop().await)
}

#[tokio::test]
async fn an_outdated_server_database_is_refused_with_advice_and_left_alone() {
    let Some(mut database) = Database::empty(Engine::Postgres).await else {
        return;
    };
    let settings = settings(database.url(), "false");
    let refused = start(&settings).await.unwrap_err();
    assert!(
        matches!(refused, Error::Schema(schema::Error::Outdated { .. })),
        "{refused:?}"
    );
    assert!(
        refused.to_string().contains("trellis migrate up"),
        "{refused}"
    );
    let statuses = schema::status(&settings).await.unwrap();
    assert!(statuses.iter().all(|(_, applied)| !applied), "{statuses:?}");
    database.delete().await;
}

#[tokio::test]
async fn an_outdated_server_database_is_migrated_when_the_settings_say_so() {
    let Some(mut database) = Database::empty(Engine::Postgres).await else {
        return;
    };
    let settings = settings(database.owner_url(), "true");
    assert_eq!(start(&settings).await.unwrap(), Drained::Whole);
    schema::require(&settings).await.unwrap();
    // The server's own role then has nothing to migrate, and may be told to all the same.
    let settings = self::settings(database.url(), "true");
    assert_eq!(start(&settings).await.unwrap(), Drained::Whole);
    database.delete().await;
}

#[tokio::test]
async fn an_embedded_database_is_migrated_by_itself() {
    let mut database = Database::empty(Engine::Sqlite).await.unwrap();
    let settings = settings(database.url(), "false");
    schema::require(&settings).await.unwrap_err();
    assert_eq!(start(&settings).await.unwrap(), Drained::Whole);
    schema::require(&settings).await.unwrap();
    database.delete().await;
}
