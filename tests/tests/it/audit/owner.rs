//! The owner of the tables, who takes away what the database itself holds against them, and then does what
//! they like.

use rand::Rng as _;
use rand::rngs::StdRng;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row as _, SqliteConnection};
use trellis_tests::Engine;

use super::scene::Scene;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Bytes,
    Uuid,
}

pub(super) use Kind::{Bytes, Number, Text, Uuid};

pub(super) const ENTRIES: &str = "audit_entries";
pub(super) const BLOCKS: &str = "audit_blocks";

pub(super) const OF_ENTRIES: [(&str, Kind); 16] = [
    ("ecosystem", Text),
    ("epoch", Number),
    ("xid", Number),
    ("sequence", Number),
    ("time", Number),
    ("method", Text),
    ("resource", Text),
    ("code", Text),
    ("reason", Text),
    ("call_id", Text),
    ("request_id", Uuid),
    ("position", Text),
    ("principal", Text),
    ("person", Text),
    ("salt", Bytes),
    ("personal_hash", Bytes),
];

pub(super) const OF_BLOCKS: [(&str, Kind); 11] = [
    ("ecosystem", Text),
    ("number", Number),
    ("tree_size", Number),
    ("last_epoch", Number),
    ("last_xid", Number),
    ("last_sequence", Number),
    ("leaves", Bytes),
    ("peaks", Bytes),
    ("previous_root", Bytes),
    ("root", Bytes),
    ("checkpoint", Bytes),
];

/// The columns of both tables.
pub(super) fn of_both() -> Vec<(&'static str, &'static str, Kind)> {
    let of_entries = OF_ENTRIES.map(|(column, kind)| (ENTRIES, column, kind));
    let of_blocks = OF_BLOCKS.map(|(column, kind)| (BLOCKS, column, kind));
    [of_entries.as_slice(), of_blocks.as_slice()].concat()
}

/// The owner's connection.
pub(super) enum Owner {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Owner {
    pub(super) async fn open(scene: &Scene) -> Self {
        let url = scene.world.owner_url();
        match scene.world.engine() {
            Engine::Sqlite => Self::Sqlite(SqliteConnection::connect(url).await.unwrap()),
            Engine::Postgres => Self::Postgres(PgConnection::connect(url).await.unwrap()),
        }
    }

    pub(super) async fn run(&mut self, sql: &str) -> Result<(), sqlx::Error> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(file) => sqlx::raw_sql(sql).execute(file).await.map(drop),
            Self::Postgres(open) => sqlx::raw_sql(sql).execute(open).await.map(drop),
        }
    }

    pub(super) async fn texts(&mut self, sql: &str) -> Vec<String> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(file) => {
                let rows = sqlx::query(sql).fetch_all(file).await.unwrap();
                rows.iter().map(|row| row.get(0)).collect()
            }
            Self::Postgres(open) => {
                let rows = sqlx::query(sql).fetch_all(open).await.unwrap();
                rows.iter().map(|row| row.get(0)).collect()
            }
        }
    }

    /// Takes away what holds the owner, and keeps a copy of everything.
    pub(super) async fn unbind(&mut self) {
        for table in [ENTRIES, BLOCKS] {
            let sql = match self {
                Self::Sqlite(_) => {
                    format!("DROP TRIGGER {table}_no_update; DROP TRIGGER {table}_no_delete")
                }
                Self::Postgres(_) => {
                    format!("ALTER TABLE {table} DISABLE TRIGGER USER, NO FORCE ROW LEVEL SECURITY")
                }
            };
            self.run(&sql).await.unwrap();
            self.run(&format!(
                "CREATE TABLE kept_{table} AS SELECT * FROM {table}"
            ))
            .await
            .unwrap();
        }
    }

    pub(super) async fn restore(&mut self) {
        let anew = [ENTRIES, BLOCKS].map(|table| {
            format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept_{table};")
        });
        self.run(&format!("BEGIN; {} COMMIT", anew.concat()))
            .await
            .unwrap();
    }

    pub(super) async fn restore_blocks(&mut self) {
        let sql = format!("DELETE FROM {BLOCKS}; INSERT INTO {BLOCKS} SELECT * FROM kept_{BLOCKS}");
        self.run(&sql).await.unwrap();
    }

    /// Numbers the rows of a table, the first first, in words that name one of them.
    pub(super) async fn rows(&mut self, table: &str, having: &str) -> Vec<String> {
        let key = match table {
            ENTRIES => ["epoch", "xid", "sequence"].as_slice(),
            _ => ["number"].as_slice(),
        };
        let named = key
            .iter()
            .map(|column| format!("'{column} = ' || {column}"));
        let named = named.collect::<Vec<_>>().join(" || ' AND ' || ");
        let order = key.join(", ");
        let sql = format!(
            "SELECT {named} FROM {table} WHERE ecosystem = 'acme' AND {having} ORDER BY {order}"
        );
        let rows = self.texts(&sql).await;
        rows.iter()
            .map(|row| format!("ecosystem = 'acme' AND {row}"))
            .collect()
    }

    /// The value of a column in a row: a number, or hexadecimal digits.
    pub(super) async fn value(
        &mut self,
        table: &str,
        (column, kind): (&str, Kind),
        row: &str,
    ) -> String {
        let read = match (&self, kind) {
            (_, Number) => format!("CAST({column} AS TEXT)"),
            (Self::Sqlite(_), Text | Bytes | Uuid) => format!("lower(hex({column}))"),
            (Self::Postgres(_), Text) => format!("encode(convert_to({column}, 'UTF8'), 'hex')"),
            (Self::Postgres(_), Bytes) => format!("encode({column}, 'hex')"),
            (Self::Postgres(_), Uuid) => format!("replace({column}::text, '-', '')"),
        };
        let found = self
            .texts(&format!("SELECT {read} FROM {table} WHERE {row}"))
            .await;
        found.into_iter().next().unwrap()
    }

    pub(super) fn literal(&self, kind: Kind, value: &str) -> String {
        match (self, kind) {
            (_, Number) => value.to_owned(),
            (Self::Sqlite(_), Text) => format!("CAST(X'{value}' AS TEXT)"),
            (Self::Sqlite(_), Bytes | Uuid) => format!("X'{value}'"),
            (Self::Postgres(_), Text) => format!("convert_from(decode('{value}', 'hex'), 'UTF8')"),
            (Self::Postgres(_), Bytes) => format!("decode('{value}', 'hex')"),
            (Self::Postgres(_), Uuid) => format!("'{value}'::uuid"),
        }
    }
}

/// A value of which one bit is another.
pub(super) fn flipped(kind: Kind, value: &str, random: &mut StdRng) -> String {
    if kind == Number {
        let number: i64 = value.parse().unwrap();
        return (number ^ (1 << random.random_range(0..64))).to_string();
    }
    let at = random.random_range(0..value.len());
    let digit = u8::from_str_radix(&value[at..=at], 16).unwrap();
    let changed = digit ^ (1 << random.random_range(0..4));
    format!("{}{changed:x}{}", &value[..at], &value[at + 1..])
}
