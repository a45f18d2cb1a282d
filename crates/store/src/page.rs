//! Pages: filters become conditions with bound values, and a page begins after the last row of the
//! page before (keyset), so that rows that come and go move nothing.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{BinOper, ExprTrait, Func, SimpleExpr};
use sea_orm::{Condition, Order as Direction, QueryOrder, QuerySelect};
use trellis_core::filter::{self, Comparison, Filter};
use trellis_core::{Cursor, Page, PageQuery};

use crate::Error;

/// Which columns an entity can be filtered and ordered by, by the names that the wire uses.
pub trait Columns: EntityTrait {
    /// The column that ends every order, so that no two rows are equal in it.
    const ID: Self::Column;

    /// The column behind a field. A field that can be ordered by must never be null.
    fn column(field: &str) -> Option<Self::Column>;
}

/// Adds the query's filter to a select.
pub(crate) fn filtered<E: Columns>(
    select: Select<E>,
    query: &PageQuery,
) -> Result<Select<E>, Error> {
    narrowed(select, query.filter.as_ref())
}

/// Adds a filter to a select.
pub(crate) fn narrowed<E: Columns>(
    select: Select<E>,
    filter: Option<&Filter>,
) -> Result<Select<E>, Error> {
    Ok(match filter {
        Some(filter) => select.filter(condition::<E>(filter)?),
        None => select,
    })
}

/// Reads one page of a select that is already bound to its scope.
pub(crate) async fn page<E: Columns>(
    db: &impl ConnectionTrait,
    select: Select<E>,
    query: &PageQuery,
) -> Result<Page<E::Model>, Error> {
    Asked::new(select, query)?.read(db).await
}

/// A page that is asked for: the select of its rows and one more, and what the next page needs.
pub(crate) struct Asked<E: Columns> {
    select: Select<E>,
    keys: Vec<(E::Column, Direction)>,
    size: usize,
}

impl<E: Columns> Asked<E> {
    pub(crate) fn new(select: Select<E>, query: &PageQuery) -> Result<Self, Error> {
        let mut keys: Vec<(E::Column, Direction)> = Vec::with_capacity(2);
        for order in &query.order {
            let direction = if order.descending {
                Direction::Desc
            } else {
                Direction::Asc
            };
            keys.push((column::<E>(order.field)?, direction));
        }
        keys.push((E::ID, Direction::Asc));
        let mut select = filtered(select, query)?;
        if let Some(Cursor(values)) = &query.after {
            select = select.filter(beyond::<E>(&keys, values)?);
        }
        for (column, direction) in &keys {
            select = select.order_by(*column, direction.clone());
        }
        Ok(Self {
            select: select.limit(u64::from(query.size) + 1),
            keys,
            size: usize::try_from(query.size).unwrap_or(usize::MAX),
        })
    }

    pub(crate) fn select(&self) -> &Select<E> {
        &self.select
    }

    pub(crate) async fn read(mut self, db: &impl ConnectionTrait) -> Result<Page<E::Model>, Error> {
        let select = std::mem::replace(&mut self.select, E::find());
        let rows = select.all(db).await?;
        self.page(rows)
    }

    /// The page that these rows are.
    pub(crate) fn page(&self, mut rows: Vec<E::Model>) -> Result<Page<E::Model>, Error> {
        let more = rows.len() > self.size;
        rows.truncate(self.size);
        let next = match rows.last() {
            Some(last) if more => Some(Cursor(
                self.keys
                    .iter()
                    .map(|(column, _)| value_of(last.get(*column)))
                    .collect::<Result<_, _>>()?,
            )),
            _ => None,
        };
        Ok(Page { rows, next })
    }
}

/// Rows after the cursor: greater in the first key, or equal in it and greater in the next, …
fn beyond<E: Columns>(
    keys: &[(E::Column, Direction)],
    values: &[filter::Value],
) -> Result<Condition, Error> {
    if keys.len() != values.len() {
        return Err(Error::BadCursor);
    }
    let mut any = Condition::any();
    for (index, ((column, direction), value)) in keys.iter().zip(values).enumerate() {
        let mut all = Condition::all();
        for ((equal, _), value) in keys.iter().zip(values).take(index) {
            all = all.add(Expr::col(*equal).eq(bound(value)));
        }
        let column = Expr::col(*column);
        all = all.add(match direction {
            Direction::Desc => column.lt(bound(value)),
            _ => column.gt(bound(value)),
        });
        any = any.add(all);
    }
    Ok(any)
}

fn column<E: Columns>(field: &str) -> Result<E::Column, Error> {
    E::column(field).ok_or_else(|| Error::UnknownField {
        field: field.to_owned(),
    })
}

fn condition<E: Columns>(filter: &Filter) -> Result<Condition, Error> {
    Ok(match filter {
        Filter::All(parts) => joined::<E>(Condition::all(), parts)?,
        Filter::Any(parts) => joined::<E>(Condition::any(), parts)?,
        Filter::Not(part) => condition::<E>(part)?.not(),
        Filter::Test {
            field,
            comparison,
            value,
        } => Condition::all().add(test(Expr::col(column::<E>(field)?), *comparison, value)),
    })
}

fn joined<E: Columns>(into: Condition, parts: &[Filter]) -> Result<Condition, Error> {
    parts
        .iter()
        .try_fold(into, |joined, part| Ok(joined.add(condition::<E>(part)?)))
}

fn test(column: Expr, comparison: Comparison, value: &filter::Value) -> SimpleExpr {
    if matches!(value, filter::Value::Absent) {
        return match comparison {
            Comparison::NotEqual => column.is_not_null(),
            _ => column.is_null(),
        };
    }
    match comparison {
        Comparison::Equal => column.eq(bound(value)),
        // A row without a value differs from every value.
        Comparison::NotEqual => column.clone().ne(bound(value)).or(column.is_null()),
        Comparison::Less => column.lt(bound(value)),
        Comparison::LessOrEqual => column.lte(bound(value)),
        Comparison::Greater => column.gt(bound(value)),
        Comparison::GreaterOrEqual => column.gte(bound(value)),
        Comparison::Has => match value {
            // Without regard to case. The database lowers both sides, because it alone knows which
            // letters it lowers: SQLite those of ASCII, PostgreSQL those of its locale.
            filter::Value::Text(text) => {
                let pattern = Expr::expr(Func::lower(Expr::val(containing(text))))
                    .binary(BinOper::Escape, SimpleExpr::Constant('\\'.into()));
                Expr::expr(Func::lower(column)).binary(BinOper::Like, pattern)
            }
            other => column.eq(bound(other)),
        },
    }
}

/// A pattern that finds a text anywhere; the text's own wildcards stand for themselves.
fn containing(text: &str) -> String {
    let escaped = text
        .replace('\\', r"\\")
        .replace('%', r"\%")
        .replace('_', r"\_");
    format!("%{escaped}%")
}

fn bound(value: &filter::Value) -> Value {
    match value {
        filter::Value::Text(text) => text.as_str().into(),
        filter::Value::Integer(number) => (*number).into(),
        filter::Value::Boolean(truth) => (*truth).into(),
        filter::Value::Absent => Value::String(None),
    }
}

/// The value of a key column, for the cursor.
fn value_of(value: Value) -> Result<filter::Value, Error> {
    match value {
        Value::String(Some(text)) => Ok(filter::Value::Text(text)),
        Value::BigInt(Some(number)) => Ok(filter::Value::Integer(number)),
        Value::Int(Some(number)) => Ok(filter::Value::Integer(number.into())),
        Value::Bool(Some(truth)) => Ok(filter::Value::Boolean(truth)),
        _ => Err(Error::BadCursor),
    }
}

#[cfg(test)]
mod tests;
