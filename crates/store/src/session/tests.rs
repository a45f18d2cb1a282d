//! With the store's own filters taken away, row level security alone keeps ecosystems apart. These
//! tests stand inside the crate because nobody outside can send a statement without a filter.

mod apart;
mod cost;
mod mixed;
mod plans;
mod trips;

use sea_orm::{ConnectionTrait, DatabaseBackend, DbErr, Statement};

use crate::executor::Executor;
use crate::support::{Fixture, one_connection};

/// Sends a statement as it is and answers its first column.
async fn column(db: &Executor<'_>, sql: &str) -> Result<Vec<String>, DbErr> {
    let statement = Statement::from_string(DatabaseBackend::Postgres, sql);
    let rows = db.query_all_raw(statement).await?;
    rows.iter().map(|row| row.try_get_by_index(0)).collect()
}

/// Runs statements as a superuser.
async fn as_superuser(fixture: &Fixture, statements: &[String]) {
    let superuser = one_connection(&fixture.superuser_url).await;
    for statement in statements {
        superuser
            .execute_unprepared(statement)
            .await
            .expect(statement);
    }
    superuser.close().await.unwrap();
}

/// The tables that have an ecosystem.
async fn tables(fixture: &Fixture) -> Vec<String> {
    let source = fixture.store.reading_all();
    let tables = column(
        &source.db(),
        "SELECT table_name::text FROM information_schema.columns \
         WHERE table_schema = 'public' AND column_name = 'ecosystem' ORDER BY 1",
    )
    .await
    .unwrap();
    assert!(tables.len() > 20, "{tables:?}");
    tables
}
