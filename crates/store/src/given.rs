//! Texts that a caller gives, as a table: however many there are, a statement has one text.
//!
//! PostgreSQL plans by what it counted of a table some time ago. Where it believes that an ecosystem has
//! few rows it looks at all of them rather than at those that are listed, for each row of another table
//! even; and tables grow. So each text is looked up by itself, and what is found is listed before anything
//! is read by it.

use sea_orm::sea_query::{
    Alias, Expr, ExprTrait, Func, FunctionCall, Query, SelectStatement, SimpleExpr,
};
use sea_orm::{DatabaseBackend, JoinType};

/// The texts, to be selected from as [`alias`].
pub(crate) fn table(backend: DatabaseBackend, texts: Vec<&str>) -> FunctionCall {
    let texts = serde_json::Value::from(texts).to_string();
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

/// The texts themselves.
pub(crate) fn select(backend: DatabaseBackend, texts: Vec<&str>) -> SelectStatement {
    Query::select()
        .expr(text())
        .from_function(table(backend, texts), alias())
        .take()
}

/// A column of the rows whose `by` is one of the texts.
pub(crate) fn of_each(
    backend: DatabaseBackend,
    texts: Vec<&str>,
    mut rows: SelectStatement,
    by: SimpleExpr,
    column: &'static str,
) -> SelectStatement {
    if backend != DatabaseBackend::Postgres {
        return rows
            .and_where(by.in_subquery(select(backend, texts)))
            .take();
    }
    // With an offset it stays a select of its own.
    rows.and_where(by.eq(text())).offset(0);
    let found = Alias::new("found");
    Query::select()
        .column((found.clone(), Alias::new(column)))
        .from_function(table(backend, texts), alias())
        .join_lateral(JoinType::InnerJoin, rows, found, Expr::cust("TRUE"))
        .take()
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
