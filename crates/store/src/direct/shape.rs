//! What the columns of an entity hold, so that its rows can be made of what a database answers: by
//! the places of the columns, where SeaORM goes by their names and writes a message for every null.

use rusqlite::Row;
use rusqlite::types::ValueRef;
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::{ColumnType, Value};
use sea_orm::sqlx::Row as _;
use sea_orm::sqlx::postgres::PgRow;
use sea_orm::sqlx::sqlite::SqliteRow;
use sea_orm::{ColumnTrait, DatabaseBackend, EntityTrait, Iterable, QueryResult};

/// What the columns of an entity hold, in the order in which they are selected.
pub struct Shape<C> {
    columns: Vec<Typed<C>>,
}

struct Typed<C> {
    column: C,
    kind: Kind,
}

/// How a column's values are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Long,
    Int,
    Truth,
    Json,
    Uuid,
    Bytes,
    /// None of those: entities with such a column are read by the pool.
    Other,
}

impl<C: ColumnTrait + Iterable> Shape<C> {
    /// The shape of an entity.
    #[must_use]
    pub fn of<E: EntityTrait<Column = C>>() -> Self {
        let typed = |column: C| Typed {
            kind: Kind::of(column.def().get_column_type()),
            column,
        };
        Self {
            columns: C::iter().map(typed).collect(),
        }
    }

    /// The columns that cannot be read.
    #[cfg(test)]
    pub(super) fn unread(&self) -> impl Iterator<Item = C> {
        self.columns
            .iter()
            .filter(|typed| typed.kind == Kind::Other)
            .map(|typed| typed.column)
    }

    /// The values of a row, each with its column; nothing for one that cannot be read.
    pub(super) fn values(&self, row: &Row<'_>) -> impl Iterator<Item = Option<(C, Value)>> {
        self.columns.iter().enumerate().map(|(place, typed)| {
            let value = typed.kind.value(row.get_ref(place).ok()?)?;
            Some((typed.column, value))
        })
    }

    /// The same for a row of the pool or of a session, which begins with the columns.
    pub(crate) fn values_of_row(
        &self,
        row: &QueryResult,
    ) -> impl Iterator<Item = Option<(C, Value)>> {
        let (postgres, sqlite) = (row.try_as_pg_row(), row.try_as_sqlite_row());
        self.columns.iter().enumerate().map(move |(place, typed)| {
            let value = match (postgres, sqlite) {
                (Some(row), _) => typed.kind.value_of_postgres(row, place)?,
                (_, Some(row)) => typed.kind.value_of_sqlite(row, place)?,
                (None, None) => return None,
            };
            Some((typed.column, value))
        })
    }

    /// The same for a row that a database wrote as an array in JSON.
    pub(crate) fn values_of_json(
        &self,
        row: Vec<serde_json::Value>,
        by: DatabaseBackend,
    ) -> impl Iterator<Item = Option<(C, Value)>> {
        let whole = row.len() == self.columns.len();
        self.columns.iter().zip(row).map(move |(typed, written)| {
            let value = typed.kind.value_of_json(written, by)?;
            whole.then_some((typed.column, value))
        })
    }
}

/// Reads a column of a driver's row. The drivers have no trait in common that says what they read.
macro_rules! value_of_row {
    ($name:ident, $Row:ty) => {
        fn $name(self, row: &$Row, place: usize) -> Option<Value> {
            Some(match self {
                Self::Text => Value::String(row.try_get(place).ok()?),
                Self::Long => Value::BigInt(row.try_get(place).ok()?),
                Self::Int => Value::Int(row.try_get(place).ok()?),
                Self::Truth => Value::Bool(row.try_get(place).ok()?),
                Self::Json => {
                    let json: Option<serde_json::Value> = row.try_get(place).ok()?;
                    Value::Json(json.map(Box::new))
                }
                Self::Uuid => Value::Uuid(row.try_get(place).ok()?),
                Self::Bytes => Value::Bytes(row.try_get(place).ok()?),
                Self::Other => return None,
            })
        }
    };
}

impl Kind {
    fn of(column: &ColumnType) -> Self {
        match column {
            ColumnType::Text | ColumnType::String(_) => Self::Text,
            ColumnType::BigInteger => Self::Long,
            ColumnType::Integer => Self::Int,
            ColumnType::Boolean => Self::Truth,
            ColumnType::Json | ColumnType::JsonBinary => Self::Json,
            ColumnType::Uuid => Self::Uuid,
            ColumnType::Blob | ColumnType::Binary(_) | ColumnType::VarBinary(_) => Self::Bytes,
            _ => Self::Other,
        }
    }

    value_of_row!(value_of_postgres, PgRow);
    value_of_row!(value_of_sqlite, SqliteRow);

    /// JSON has no bytes. SQLite keeps truth as a number, and JSON as the text of it.
    fn value_of_json(self, written: serde_json::Value, by: DatabaseBackend) -> Option<Value> {
        use serde_json::Value as Json;
        Some(match (self, written) {
            (Self::Text, Json::Null) => Value::String(None),
            (Self::Text, Json::String(text)) => Value::String(Some(text)),
            (Self::Long, Json::Null) => Value::BigInt(None),
            (Self::Long, number) => Value::BigInt(Some(number.as_i64()?)),
            (Self::Int, Json::Null) => Value::Int(None),
            (Self::Int, number) => Value::Int(Some(i32::try_from(number.as_i64()?).ok()?)),
            (Self::Truth, Json::Null) => Value::Bool(None),
            (Self::Truth, Json::Bool(truth)) => Value::Bool(Some(truth)),
            (Self::Truth, number) => Value::Bool(Some(number.as_i64()? != 0)),
            (Self::Json, Json::Null) => Value::Json(None),
            (Self::Json, Json::String(text)) if by == DatabaseBackend::Sqlite => {
                Value::Json(Some(serde_json::from_str(&text).ok()?))
            }
            (Self::Json, json) => Value::Json(Some(Box::new(json))),
            (Self::Text | Self::Uuid | Self::Bytes | Self::Other, _) => return None,
        })
    }

    fn value(self, stored: ValueRef<'_>) -> Option<Value> {
        let none = matches!(stored, ValueRef::Null);
        Some(match self {
            Self::Text if none => Value::String(None),
            Self::Text => Value::String(Some(stored.as_str().ok()?.to_owned())),
            Self::Long if none => Value::BigInt(None),
            Self::Long => Value::BigInt(Some(stored.as_i64().ok()?)),
            Self::Int if none => Value::Int(None),
            Self::Int => Value::Int(Some(i32::try_from(stored.as_i64().ok()?).ok()?)),
            Self::Truth if none => Value::Bool(None),
            Self::Truth => Value::Bool(Some(stored.as_i64().ok()? != 0)),
            Self::Json if none => Value::Json(None),
            Self::Json => Value::Json(Some(serde_json::from_str(stored.as_str().ok()?).ok()?)),
            Self::Uuid if none => Value::Uuid(None),
            Self::Uuid => Value::Uuid(Some(Uuid::from_slice(stored.as_blob().ok()?).ok()?)),
            Self::Bytes if none => Value::Bytes(None),
            Self::Bytes => Value::Bytes(Some(stored.as_blob().ok()?.to_owned())),
            Self::Other => return None,
        })
    }
}
