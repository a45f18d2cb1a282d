//! Whether the database's schema is what this build needs.

use crate::settings::Settings;

/// The schema is not as it must be.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Migrations are missing, and nobody said that the server may apply them.
    #[error(
        "the database lacks {missing} of this build's migrations, {first} first. Run `trellis \
         migrate up`, or start with --migrate"
    )]
    Outdated {
        /// How many are missing.
        missing: usize,
        /// The first of them.
        first: String,
    },
    /// The database refused.
    #[error("the schema cannot be read or brought up to date: {0}")]
    Database(String),
}

/// Brings a SQLite file up to date, and any database when the settings say so; otherwise refuses
/// one that is not. A SQLite file belongs to this server alone, so that nobody else can need its
/// older schema; a PostgreSQL database may serve others.
///
/// # Errors
/// See [`Error`].
pub async fn prepare(settings: &Settings) -> Result<(), Error> {
    if settings.migrate || trellis_store::is_sqlite(settings.database_url.reveal()) {
        for name in up(settings).await? {
            tracing::info!(name, "migrated");
        }
        return Ok(());
    }
    require(settings).await
}

/// Refuses a schema that lacks migrations.
///
/// # Errors
/// See [`Error`].
pub async fn require(settings: &Settings) -> Result<(), Error> {
    let missing = status(settings)
        .await?
        .into_iter()
        .filter(|(_, applied)| !applied);
    let missing: Vec<_> = missing.map(|(name, _)| name).collect();
    match missing.first() {
        None => Ok(()),
        Some(first) => Err(Error::Outdated {
            missing: missing.len(),
            first: first.clone(),
        }),
    }
}

/// Applies every migration that is missing, and answers their names.
///
/// # Errors
/// See [`Error`].
pub async fn up(settings: &Settings) -> Result<Vec<String>, Error> {
    trellis_migrations::up(settings.database_url.reveal())
        .await
        .map_err(refused)
}

/// Every migration's name, and whether the database has it.
///
/// # Errors
/// See [`Error`].
pub async fn status(settings: &Settings) -> Result<Vec<(String, bool)>, Error> {
    let statuses = trellis_migrations::status(settings.database_url.reveal())
        .await
        .map_err(refused)?;
    Ok(statuses
        .into_iter()
        .map(|status| (status.name, status.applied))
        .collect())
}

fn refused(error: impl std::fmt::Display) -> Error {
    Error::Database(error.to_string())
}
