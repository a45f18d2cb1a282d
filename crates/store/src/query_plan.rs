//! How SQLite goes about a statement, for tests of what a statement costs.

use sea_orm::{ConnectionTrait, Statement};

use crate::View;

/// The steps that SQLite makes of a statement, a line each.
pub(crate) async fn plan(view: &View, statement: Statement) -> String {
    let explained = Statement {
        sql: format!("EXPLAIN QUERY PLAN {}", statement.sql),
        ..statement
    };
    let rows = view.db().query_all_raw(explained).await.unwrap();
    let lines = rows.iter().map(|row| row.try_get::<String>("", "detail"));
    lines.map(Result::unwrap).collect::<Vec<_>>().join("\n")
}
