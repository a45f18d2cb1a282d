//! Texts that a caller gives, as a table: however many there are, a statement has one text.
//!
//! PostgreSQL plans by what it counted of a table some time ago. Where it believes that an ecosystem has
//! few rows it looks at all of them rather than at those that are listed, for each row of another table
//! even; and tables grow. So each text is looked up by itself, and what is found is listed before anything
//! is read by it.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{
    Alias, BinOper, ExprTrait, Func, FunctionCall, Query, SelectStatement, SimpleExpr,
};
use sea_orm::{DatabaseBackend, Iterable, JoinType, QueryTrait};

use crate::View;

/// The texts, as a statement binds them.
pub(crate) fn list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    texts.into_iter().collect::<serde_json::Value>().to_string()
}

/// The texts, to be selected from as [`alias`].
pub(crate) fn table(backend: DatabaseBackend, texts: Vec<&str>) -> FunctionCall {
    let texts = list(texts);
    match backend {
        DatabaseBackend::Postgres => Func::cust(Alias::new("json_array_elements_text"))
            .arg(Expr::value(texts).cast_as("json")),
        _ => Func::cust(Alias::new("json_each")).arg(texts),
    }
}

/// What the table of the texts is called.
pub(crate) fn alias() -> Alias {
    Alias::new("given")
}

/// One of the texts.
pub(crate) fn text() -> SimpleExpr {
    Expr::col((alias(), Alias::new("value")))
}

/// One of the texts that a given text is a list of, by its place.
fn part(backend: DatabaseBackend, at: i32) -> SimpleExpr {
    let list = match backend {
        DatabaseBackend::Postgres => text().cast_as("json"),
        _ => text(),
    };
    list.binary(BinOper::Custom("->>"), SimpleExpr::Constant(at.into()))
}

/// The texts themselves.
pub(crate) fn select(backend: DatabaseBackend, texts: Vec<&str>) -> SelectStatement {
    Query::select()
        .expr(text())
        .from_function(table(backend, texts), alias())
        .take()
}

/// Some columns of the rows whose `by` is one of the texts. The rows are a select of these columns.
pub(crate) fn of_each(
    backend: DatabaseBackend,
    texts: Vec<&str>,
    mut rows: SelectStatement,
    by: SimpleExpr,
    columns: &[&'static str],
) -> SelectStatement {
    let mut each = Query::select()
        .from_function(table(backend, texts), alias())
        .take();
    if backend != DatabaseBackend::Postgres {
        // SQLite goes through the left side of a cross join first. For a list of texts (`IN`) it takes an
        // index of all rows rather than one of those that are asked about.
        let by_name = Alias::new("given_by");
        let is_given = Expr::col((found_alias(), by_name.clone())).eq(text());
        let rows = rows.expr_as(by, by_name).take();
        return each
            .columns(found(columns))
            .join_subquery(JoinType::CrossJoin, rows, found_alias(), is_given)
            .take();
    }
    rows.and_where(by.eq(text()));
    found_by(each, rows, columns)
}

/// The records whose `by` is one of the texts, with all of their columns.
pub(crate) fn records_of_each<E: EntityTrait>(
    view: &View,
    texts: Vec<&str>,
    records: Select<E>,
    by: E::Column,
) -> SelectStatement {
    let columns: Vec<_> = E::Column::iter().map(|column| column.as_str()).collect();
    let by = Expr::col((E::default(), by));
    let backend = view.db().get_database_backend();
    of_each(backend, texts, records.into_query(), by, &columns)
}

/// A column of the rows of which `by` are what one of the texts lists, in its order.
pub(crate) fn of_each_list(
    backend: DatabaseBackend,
    lists: Vec<&str>,
    mut rows: SelectStatement,
    by: impl IntoIterator<Item = SimpleExpr>,
    column: &'static str,
) -> SelectStatement {
    let mut given = Query::select()
        .from_function(table(backend, lists), alias())
        .take();
    let parts = (0..).zip(by).map(|(at, by)| (by, part(backend, at)));
    if backend != DatabaseBackend::Postgres {
        let (by, parts): (Vec<_>, Vec<_>) = parts.unzip();
        let among = given.exprs(parts).take();
        return rows.and_where(Expr::tuple(by).in_subquery(among)).take();
    }
    // Columns, and not what they are computed from: of two indexes PostgreSQL takes the one for which less
    // is computed before it is asked, even if it finds less by it.
    for (at, (by, part)) in parts.enumerate() {
        let name = Alias::new(format!("part{at}"));
        given.expr_as(part, name.clone());
        rows.and_where(by.eq(Expr::col((alias(), name))));
    }
    // With an offset it stays a select of its own.
    let given = given.offset(0).take();
    let each = Query::select().from_subquery(given, alias()).take();
    found_by(each, rows, &[column])
}

/// Some columns of the rows that are found by each of what is given, one after the other.
fn found_by(
    mut each: SelectStatement,
    mut rows: SelectStatement,
    columns: &[&'static str],
) -> SelectStatement {
    // With an offset it stays a select of its own.
    let rows = rows.offset(0).take();
    each.columns(found(columns))
        .join_lateral(JoinType::InnerJoin, rows, found_alias(), Expr::cust("TRUE"))
        .take()
}

fn found_alias() -> Alias {
    Alias::new("found")
}

fn found(columns: &[&'static str]) -> impl Iterator<Item = (Alias, Alias)> {
    columns
        .iter()
        .map(|column| (found_alias(), Alias::new(*column)))
}

/// A select from those rows, under a name, whose `by` is the column of what another select finds, and finds
/// once. That is found first, and each row is looked up by itself.
pub(crate) fn from_each_found(
    backend: DatabaseBackend,
    mut rows: SelectStatement,
    name: &'static str,
    by: SimpleExpr,
    (found, column): (SelectStatement, &'static str),
) -> SelectStatement {
    let name = Alias::new(name);
    let mut all = Query::select();
    if backend != DatabaseBackend::Postgres {
        let rows = rows.and_where(by.in_subquery(found)).take();
        return all.from_subquery(rows, name).take();
    }
    let each = Alias::new("each");
    let one = Expr::col((each.clone(), Alias::new(column)));
    // With an offset it stays a select of its own.
    let rows = rows.and_where(by.eq(one)).offset(0).take();
    all.from_subquery(found, each)
        .join_lateral(JoinType::InnerJoin, rows, name, Expr::cust("TRUE"))
        .take()
}

/// Whether a column is one of what a select finds, which is found first.
pub(crate) fn is_found(
    backend: DatabaseBackend,
    column: SimpleExpr,
    found: SelectStatement,
) -> SimpleExpr {
    if backend != DatabaseBackend::Postgres {
        return column.in_subquery(found);
    }
    let all = Func::cust(Alias::new("ARRAY")).arg(SimpleExpr::from(found));
    column.eq(SimpleExpr::from(
        Func::cust(Alias::new("ANY")).arg(SimpleExpr::from(all)),
    ))
}
