//! Short reads of SQLite, made by the task that asks for them and on its own thread, since finding a
//! row takes less time than handing the question over. A statement that takes longer than a short
//! one may is broken off before it holds up the calls beside it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, ToSql};
use sea_orm::sea_query::Value;
use sea_orm::sqlx::sqlite::SqliteConnectOptions;

use crate::record::Record;

/// How many steps of SQLite's machine a short read may take: a page of a thousand rows takes some
/// 100,000, and 200,000 some milliseconds.
const STEPS_MAX: u32 = 200_000;

/// After how many steps they are counted.
const STEPS_COUNTED: u16 = 2_000;

/// The most connections that are kept; as many reads as the machine has cores run at once.
const IDLE_MAX: usize = 16;

/// Statements that a connection keeps prepared.
const STATEMENTS: usize = 256;

/// Connections that read and do nothing else.
#[derive(Clone)]
pub(super) struct Sqlite {
    inner: Arc<Inner>,
}

struct Inner {
    file: std::path::PathBuf,
    idle: Mutex<Vec<Reader>>,
}

struct Reader {
    connection: Connection,
    /// How often the steps of the statement under way were counted.
    counted: Arc<AtomicU32>,
}

impl Sqlite {
    pub(super) fn new(url: &str) -> Option<Self> {
        let options: SqliteConnectOptions = url.parse().ok()?;
        let file = options.get_filename().to_owned();
        Some(Self {
            inner: Arc::new(Inner {
                file,
                idle: Mutex::default(),
            }),
        })
    }

    pub(super) fn rows<E: Record>(&self, sql: &str, values: &[Value]) -> Option<Vec<E::Model>> {
        let reader = match self.idle().pop() {
            Some(reader) => reader,
            None => Reader::open(&self.inner.file).ok()?,
        };
        let read = reader.rows::<E>(sql, values);
        let mut idle = self.idle();
        if idle.len() < IDLE_MAX {
            idle.push(reader);
        }
        read
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Reader>> {
        self.inner
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader {
    fn open(file: &std::path::Path) -> rusqlite::Result<Self> {
        // A connection belongs to one task at a time, so that its own lock is not needed.
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(file, flags)?;
        connection.pragma_update(None, "cache_size", -8_000)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        let counted = Arc::new(AtomicU32::new(0));
        let counting = counted.clone();
        connection.progress_handler(
            STEPS_COUNTED.into(),
            Some(move || {
                let steps = counting.fetch_add(1, Ordering::Relaxed) * u32::from(STEPS_COUNTED);
                steps >= STEPS_MAX
            }),
        )?;
        Ok(Self {
            connection,
            counted,
        })
    }

    fn rows<E: Record>(&self, sql: &str, values: &[Value]) -> Option<Vec<E::Model>> {
        self.counted.store(0, Ordering::Relaxed);
        let mut statement = self.connection.prepare_cached(sql).ok()?;
        for (place, value) in (1..).zip(values) {
            statement
                .raw_bind_parameter(place, Bound::of(value)?)
                .ok()?;
        }
        let shape = E::shape();
        let mut rows = statement.raw_query();
        let mut models = Vec::new();
        while let Some(row) = rows.next().ok()? {
            models.push(E::made_of(shape.values(row))?);
        }
        Some(models)
    }
}

/// A value as SQLite binds it, in the way that the pool does.
enum Bound<'a> {
    Text(&'a str),
    Bytes(&'a [u8]),
    Integer(i64),
    Null,
}

impl<'a> Bound<'a> {
    fn of(value: &'a Value) -> Option<Self> {
        Some(match value {
            Value::String(Some(text)) => Self::Text(text),
            Value::Bytes(Some(bytes)) => Self::Bytes(bytes),
            Value::Uuid(Some(uuid)) => Self::Bytes(uuid.as_bytes()),
            Value::BigInt(Some(number)) => Self::Integer(*number),
            Value::Int(Some(number)) => Self::Integer((*number).into()),
            Value::BigUnsigned(Some(number)) => Self::Integer(i64::try_from(*number).ok()?),
            Value::Bool(Some(truth)) => Self::Integer((*truth).into()),
            Value::String(None) | Value::BigInt(None) | Value::Int(None) | Value::Bool(None) => {
                Self::Null
            }
            _ => return None,
        })
    }
}

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Null => ValueRef::Null,
        }))
    }
}
