//! A database of its own for each test, made of a template that is migrated once.
//!
//! On PostgreSQL one role owns the tables and another works with them, as in a deployment: so
//! everything that is tested is tested under row level security.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::Cluster;

/// The variable that names a PostgreSQL server in which tests may make databases.
const SERVER: &str = "TRELLIS_TEST_POSTGRES_URL";

/// The variable that says `sqlite` when PostgreSQL is left out.
const DATABASES: &str = "TRELLIS_TEST_DATABASES";

/// The advisory lock under which the template is made, so that of many test processes one makes
/// it. Any number that nobody else uses.
const TEMPLATE_LOCK: i64 = 0x7472_656c_6c69_7301;

/// Who owns the tables.
const OWNER: &str = "trellis_test_owner";

/// Who works with them.
const WORKER: &str = "trellis_test_worker";

/// Roles belong to the whole server, and other test processes make them too.
const ROLES: &str = "DO $$ BEGIN \
    PERFORM pg_advisory_xact_lock(hashtextextended('trellis_test_roles', 0)); \
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'trellis_test_worker') THEN \
        CREATE ROLE trellis_test_owner LOGIN PASSWORD 'trellis_test_owner'; \
        CREATE ROLE trellis_test_worker LOGIN PASSWORD 'trellis_test_worker'; \
    END IF; END $$";

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A file.
    Sqlite,
    /// A server.
    Postgres,
}

/// A database that nobody else uses.
#[derive(Debug)]
pub struct Database {
    url: String,
    owner_url: String,
    /// Deleted with the database.
    folder: Option<TempDir>,
    /// The name of the database on the server.
    name: Option<String>,
}

impl Database {
    /// Makes a migrated database. Nothing when PostgreSQL is left out.
    ///
    /// # Panics
    /// When PostgreSQL is neither named nor left out, or cannot be reached.
    pub async fn fresh(engine: Engine) -> Option<Self> {
        match engine {
            Engine::Sqlite => {
                let database = Self::file();
                let template = sqlite_template().await;
                let path = database.url.trim_start_matches("sqlite:");
                std::fs::copy(template, path).expect("a copy of the template");
                Some(database)
            }
            Engine::Postgres => {
                let server = server()?;
                let template = postgres_template(&server).await;
                Some(Self::on_server(&server, &format!("TEMPLATE {template}")).await)
            }
        }
    }

    /// Makes a database without any table. Nothing when PostgreSQL is left out.
    ///
    /// # Panics
    /// As [`Database::fresh`].
    pub async fn empty(engine: Engine) -> Option<Self> {
        match engine {
            Engine::Sqlite => Some(Self::file()),
            Engine::Postgres => Some(Self::on_server(&server()?, "").await),
        }
    }

    /// Makes a migrated database on a server that is the test's own. It is gone with the server.
    ///
    /// # Panics
    /// When the server cannot be reached.
    pub async fn on(cluster: &Cluster) -> Self {
        let database = Self::on_server(&cluster.url(), "").await;
        trellis_migrations::up(&database.owner_url)
            .await
            .expect("migrations run on PostgreSQL");
        database
    }

    /// Where it is, for a server to work with.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it is, for the owner of its tables.
    #[must_use]
    pub fn owner_url(&self) -> &str {
        &self.owner_url
    }

    fn file() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the database");
        let url = format!("sqlite:{}", folder.path().join("trellis.db").display());
        Self {
            owner_url: url.clone(),
            url,
            folder: Some(folder),
            name: None,
        }
    }

    async fn on_server(server: &str, made_of: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("trellis_test_{}_{count}", std::process::id());
        let mut admin = admin(server).await;
        // A killed run with the same process id may have left one.
        execute(
            &mut admin,
            format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        )
        .await;
        execute(&mut admin, ROLES.to_owned()).await;
        execute(
            &mut admin,
            format!("CREATE DATABASE {name} OWNER {OWNER} {made_of}"),
        )
        .await;
        admin.close().await.expect("PostgreSQL says goodbye");
        let url = on_server(server, &name);
        if made_of.is_empty() {
            grant(&url).await;
        }
        Self {
            url: of_role(&url, WORKER),
            owner_url: of_role(&url, OWNER),
            folder: None,
            name: Some(name),
        }
    }

    /// Deletes it.
    ///
    /// # Panics
    /// When the database refuses, as when somebody else has deleted it.
    pub async fn delete(&mut self) {
        if let Some(folder) = self.folder.take() {
            folder
                .close()
                .expect("the folder of the database can be deleted");
        }
        if let (Some(name), Some(server)) = (self.name.take(), server()) {
            let mut admin = admin(&server).await;
            execute(&mut admin, format!("DROP DATABASE {name} WITH (FORCE)")).await;
            admin.close().await.expect("PostgreSQL says goodbye");
        }
    }
}

/// The file of the migrated template, made if it is not there.
async fn sqlite_template() -> PathBuf {
    static TEMPLATE: OnceCell<TempDir> = OnceCell::const_new();
    let make = || async {
        let folder = tempfile::tempdir().expect("a folder for the template");
        let url = format!("sqlite:{}", folder.path().join("trellis.db").display());
        trellis_migrations::up(&url)
            .await
            .expect("migrations run on SQLite");
        folder
    };
    TEMPLATE.get_or_init(make).await.path().join("trellis.db")
}

/// The name of the migrated template on a server, made if it is not there.
async fn postgres_template(server: &str) -> String {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    let make = || async {
        // Named by what it was made of, so that an old one on a lasting server is not taken.
        let name = format!("trellis_owned_{:016x}", fingerprint());
        let mut admin = admin(server).await;
        sqlx::query("SELECT pg_advisory_lock($1)")
            .bind(TEMPLATE_LOCK)
            .execute(&mut admin)
            .await
            .expect("the template's lock");
        let exists: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)")
                .bind(&name)
                .fetch_one(&mut admin)
                .await
                .expect("the list of databases");
        if !exists {
            // It gets its name when it is whole: a run that is killed leaves no half template.
            execute(
                &mut admin,
                format!("DROP DATABASE IF EXISTS {name}_new WITH (FORCE)"),
            )
            .await;
            execute(&mut admin, ROLES.to_owned()).await;
            execute(
                &mut admin,
                format!("CREATE DATABASE {name}_new OWNER {OWNER}"),
            )
            .await;
            let url = on_server(server, &format!("{name}_new"));
            grant(&url).await;
            trellis_migrations::up(&of_role(&url, OWNER))
                .await
                .expect("migrations run on PostgreSQL");
            execute(
                &mut admin,
                format!("ALTER DATABASE {name}_new RENAME TO {name}"),
            )
            .await;
        }
        admin.close().await.expect("PostgreSQL says goodbye");
        name
    };
    TEMPLATE.get_or_init(make).await.clone()
}

/// A number that changes with any migration.
fn fingerprint() -> u64 {
    let folder = root().join("migrations/src");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder of the migrations")
        .map(|entry| entry.expect("a migration").path())
        .collect();
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.file_name().hash(&mut hasher);
        std::fs::read(file).expect("a migration").hash(&mut hasher);
    }
    hasher.finish()
}

/// The root of the checkout.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests stand in the checkout")
}

/// The server that tests may make databases in, as its superuser. Nothing when PostgreSQL is left
/// out.
///
/// # Panics
/// When it is neither named nor left out.
#[must_use]
pub fn server() -> Option<String> {
    if variable(DATABASES).as_deref() == Some("sqlite") {
        return None;
    }
    let server = variable(SERVER).expect(
        "TRELLIS_TEST_POSTGRES_URL must name a PostgreSQL server in which tests may make \
         databases. `make test` starts one; or set TRELLIS_TEST_DATABASES=sqlite to leave \
         PostgreSQL out",
    );
    Some(server)
}

async fn admin(server: &str) -> PgConnection {
    PgConnection::connect(server)
        .await
        .expect("the PostgreSQL server of the tests answers")
}

async fn execute(connection: &mut PgConnection, sql: String) {
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(connection)
        .await
        .expect("PostgreSQL obeys");
}

/// Lets the one role work with the tables that the other will make in a database.
async fn grant(database: &str) {
    let mut owner = admin(&of_role(database, OWNER)).await;
    let sql = format!(
        "ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {WORKER}"
    );
    execute(&mut owner, sql).await;
    owner.close().await.expect("PostgreSQL says goodbye");
}

/// The same database for one of the roles of tests, whose passwords are their names.
fn of_role(url: &str, role: &str) -> String {
    as_role(url, role, role)
}

/// The same database for another role.
#[must_use]
pub fn as_role(url: &str, role: &str, password: &str) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}user={role}&password={password}")
}

/// The URL of another database of the same server.
#[must_use]
pub fn on_server(server: &str, database: &str) -> String {
    let (address, query) = server.split_once('?').unwrap_or((server, ""));
    let base = match address.rsplit_once('/') {
        Some((base, _)) if !base.ends_with('/') => base,
        _ => address,
    };
    let question = if query.is_empty() { "" } else { "?" };
    format!("{base}/{database}{question}{query}")
}

#[expect(
    clippy::disallowed_methods,
    reason = "the environment tells tests where they may make databases"
)]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::on_server;

    #[test]
    fn another_database_of_the_same_server_keeps_everything_but_the_name() {
        let named = "postgres://u@localhost/postgres?host=/run";
        assert_eq!(on_server(named, "x"), "postgres://u@localhost/x?host=/run");
        assert_eq!(
            on_server("postgres://u@localhost", "x"),
            "postgres://u@localhost/x"
        );
    }
}
