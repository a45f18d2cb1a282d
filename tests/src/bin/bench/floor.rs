//! The floors of the database: the same durable work as bare SQL, several round trips a transaction,
//! prepared, on the same database. Reads of PostgreSQL are made by `pgbench`, where there is one.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use crate::load::Measured;
use crate::seed::PARTNERS;
use crate::{Case, ROWS, scattered, variable};

/// Tables of the floors' own, of the shape that the product's have, so that neither meets the
/// other's rows.
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS floor_requests (ecosystem TEXT NOT NULL, request TEXT NOT NULL,
        answer TEXT, PRIMARY KEY (ecosystem, request));
    CREATE TABLE IF NOT EXISTS floor_registrations (ecosystem TEXT NOT NULL, id TEXT NOT NULL,
        partner TEXT NOT NULL, account TEXT NOT NULL, product TEXT NOT NULL, state TEXT NOT NULL,
        value BIGINT NOT NULL, note TEXT NOT NULL, PRIMARY KEY (ecosystem, id));
    CREATE INDEX IF NOT EXISTS floor_registrations_account
        ON floor_registrations (ecosystem, account, product);
    CREATE TABLE IF NOT EXISTS floor_deals (ecosystem TEXT NOT NULL, id TEXT NOT NULL,
        stage TEXT NOT NULL, amount BIGINT NOT NULL, version BIGINT NOT NULL,
        PRIMARY KEY (ecosystem, id));
    CREATE TABLE IF NOT EXISTS floor_events (ecosystem TEXT NOT NULL, id TEXT NOT NULL,
        data TEXT NOT NULL, PRIMARY KEY (ecosystem, id));
    CREATE TABLE IF NOT EXISTS floor_lines (ecosystem TEXT NOT NULL, journal TEXT NOT NULL,
        number BIGINT NOT NULL, account TEXT NOT NULL, amount BIGINT NOT NULL,
        PRIMARY KEY (ecosystem, journal, number));
    CREATE TABLE IF NOT EXISTS floor_balances (ecosystem TEXT NOT NULL, account TEXT NOT NULL,
        balance BIGINT NOT NULL, PRIMARY KEY (ecosystem, account));";

const DATA: &str = r#"{"deal":"d","partner":"p","amount_minor":100000,"currency":"USD"}"#;

/// A reading case as PostgreSQL's own benchmark makes it.
pub(crate) struct Bench {
    binary: PathBuf,
    url: String,
    script: &'static str,
}

impl Bench {
    /// The benchmark of a case; nothing when it writes, or on another database, or when the machine
    /// has none.
    pub(crate) fn of(case: Case, floor: &Floor) -> Option<Self> {
        let Floor::Postgres { url, .. } = floor else {
            return None;
        };
        let script = match case {
            Case::Get => {
                "\\set n random(0, 99999)\n\
                 SELECT * FROM deals WHERE ecosystem = 'bench' AND id = 'd-' || :n;\n"
            }
            Case::List => {
                "\\set n random(0, 99)\n\
                 SELECT * FROM deals WHERE ecosystem = 'bench' AND stage = 'COMMITTED' \
                 AND partner = 'p-' || :n ORDER BY id LIMIT 51;\n"
            }
            Case::Create | Case::Win => return None,
        };
        Some(Self {
            binary: variable("TRELLIS_BENCH_PGBENCH")?.into(),
            url: url.clone(),
            script,
        })
    }

    /// Runs it with so many clients; answers their rate.
    pub(crate) async fn run(&self, clients: usize, time: Duration) -> Measured {
        let folder = tempfile::tempdir().expect("a folder");
        let script = folder.path().join("script.sql");
        std::fs::write(&script, self.script).expect("a file");
        let output = tokio::process::Command::new(&self.binary)
            .args(["--no-vacuum", "--protocol", "prepared", "--file"])
            .arg(&script)
            .args(["--client", &clients.to_string()])
            .args(["--jobs", &clients.min(2).to_string()])
            .args(["--time", &time.as_secs().max(1).to_string()])
            .arg(&self.url)
            .output()
            .await
            .expect("pgbench runs");
        let told = String::from_utf8_lossy(&output.stdout);
        let rate = told
            .lines()
            .find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
        Measured {
            rate: rate.unwrap_or_else(|| panic!("pgbench tells no rate: {told}")),
            p50: Duration::ZERO,
            p99: Duration::ZERO,
            calls: 0,
            cpu: Duration::ZERO,
        }
    }
}

/// A database without the product.
pub(crate) enum Floor {
    Postgres {
        pool: PgPool,
        url: String,
    },
    Sqlite {
        readers: SqlitePool,
        writer: SqlitePool,
    },
}

/// Statements of one transaction, each a round trip, on either database.
macro_rules! steps {
    ($connection:expr; $($sql:literal, [$($value:expr),* $(,)?]);* $(;)?) => {$(
        sqlx::query($sql)$(.bind($value))*.fetch_all(&mut *$connection).await?;
    )*};
}

macro_rules! create {
    ($transaction:ident, $number:ident) => {{
        let id = format!("r-{}", $number);
        let account = format!("a-{}", $number);
        steps! { $transaction;
            "INSERT INTO floor_requests (ecosystem, request) VALUES ($1, $2)", ["bench", &id];
            "SELECT id, partner, state FROM floor_registrations WHERE ecosystem = $1
        AND account = $2 AND product = $3", ["bench", &account, "firewall"];
            "INSERT INTO floor_registrations VALUES ($1, $2, $3, $4, $5, 'DRAFT', $6, $7)",
                ["bench", &id, "p-1", &account, "firewall", 100_000_i64, "Met their head of IT."];
            "INSERT INTO floor_events VALUES ($1, $2, $3)", ["bench", &id, DATA];
            "UPDATE floor_requests SET answer = $3 WHERE ecosystem = $1 AND request = $2",
                ["bench", &id, DATA];
        }
        $transaction.commit().await
    }};
}

macro_rules! win {
    ($transaction:ident, $number:ident, $lock:literal) => {{
        let id = format!("w-{}", $number);
        let deal = format!("d-{}", $number % ROWS);
        let held = format!("held:p-{}", $number % PARTNERS);
        steps! { $transaction;
            "INSERT INTO floor_requests (ecosystem, request) VALUES ($1, $2)", ["bench", &id];
            $lock, ["bench", &deal];
            "UPDATE floor_deals SET stage = 'WON', version = version + 1 WHERE ecosystem = $1
        AND id = $2", ["bench", &deal];
            "INSERT INTO floor_events VALUES ($1, $2, $3)", ["bench", &id, DATA];
            "INSERT INTO floor_lines VALUES ($1, $2, 1, $3, 100), ($1, $2, 2, $4, -100),
        ($1, $2, 3, $3, 50), ($1, $2, 4, $4, -50)", ["bench", &id, &held, "expense"];
            "UPDATE floor_balances SET balance = balance + 150 WHERE ecosystem = $1
        AND account = $2", ["bench", &held];
            "UPDATE floor_balances SET balance = balance - 150 WHERE ecosystem = $1
        AND account = $2", ["bench", "expense"];
            "UPDATE floor_requests SET answer = $3 WHERE ecosystem = $1 AND request = $2",
                ["bench", &id, DATA];
        }
        $transaction.commit().await
    }};
}

const GET: &str = "SELECT * FROM deals WHERE ecosystem = $1 AND id = $2";
const LIST: &str = "SELECT * FROM deals WHERE ecosystem = $1 AND stage = $2 AND partner = $3
    ORDER BY id LIMIT 51";

impl Floor {
    pub(crate) async fn open(url: &str) -> Self {
        let floor = if trellis_store::is_sqlite(url) {
            let options = SqliteConnectOptions::from_str(url)
                .expect("the address")
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(std::time::Duration::from_secs(30));
            let pool = |size| SqlitePoolOptions::new().max_connections(size);
            Self::Sqlite {
                readers: pool(16)
                    .connect_with(options.clone())
                    .await
                    .expect("the file"),
                writer: pool(1).connect_with(options).await.expect("the file"),
            }
        } else {
            let pool = PgPoolOptions::new().max_connections(32);
            Self::Postgres {
                pool: pool.connect(url).await.expect("the server"),
                url: url.to_owned(),
            }
        };
        floor.fill().await.expect("the floor's tables");
        floor
    }

    async fn fill(&self) -> Result<(), sqlx::Error> {
        let deals = "INSERT INTO floor_deals SELECT 'bench', id, stage, amount_minor, 1 FROM deals";
        let balances = "INSERT INTO floor_balances SELECT 'bench', 'held:' || id, 0 FROM partners
            UNION ALL SELECT 'bench', 'expense', 0";
        for sql in [TABLES, deals, balances] {
            match self {
                Self::Postgres { pool, .. } => sqlx::raw_sql(sql).execute(pool).await.map(drop)?,
                Self::Sqlite { writer, .. } => {
                    sqlx::raw_sql(sql).execute(writer).await.map(drop)?;
                }
            }
        }
        Ok(())
    }

    pub(crate) async fn work(&self, case: Case, number: u64) -> Result<(), sqlx::Error> {
        match case {
            Case::Get => {
                let id = format!("d-{}", scattered(number, ROWS));
                match self {
                    Self::Postgres { pool, .. } => sqlx::query(GET)
                        .bind("bench")
                        .bind(id)
                        .fetch_one(pool)
                        .await
                        .map(drop),
                    Self::Sqlite { readers, .. } => sqlx::query(GET)
                        .bind("bench")
                        .bind(id)
                        .fetch_one(readers)
                        .await
                        .map(drop),
                }
            }
            Case::List => {
                let partner = format!("p-{}", scattered(number, PARTNERS));
                match self {
                    Self::Postgres { pool, .. } => {
                        let query = sqlx::query(LIST)
                            .bind("bench")
                            .bind("COMMITTED")
                            .bind(partner);
                        query.fetch_all(pool).await.map(drop)
                    }
                    Self::Sqlite { readers, .. } => {
                        let query = sqlx::query(LIST)
                            .bind("bench")
                            .bind("COMMITTED")
                            .bind(partner);
                        query.fetch_all(readers).await.map(drop)
                    }
                }
            }
            Case::Create => match self {
                Self::Postgres { pool, .. } => {
                    let mut transaction = pool.begin().await?;
                    create!(transaction, number)
                }
                Self::Sqlite { writer, .. } => {
                    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
                    create!(transaction, number)
                }
            },
            Case::Win => match self {
                Self::Postgres { pool, .. } => {
                    let mut transaction = pool.begin().await?;
                    win!(
                        transaction,
                        number,
                        "SELECT * FROM floor_deals WHERE ecosystem = $1 AND id = $2 FOR UPDATE"
                    )
                }
                Self::Sqlite { writer, .. } => {
                    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
                    win!(
                        transaction,
                        number,
                        "SELECT * FROM floor_deals WHERE ecosystem = $1 AND id = $2"
                    )
                }
            },
        }
    }
}
