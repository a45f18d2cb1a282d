//! Statements that are put together once. Whatever a decision asks about, it asks by the same texts, of which one
//! has ten thousand bytes; putting them together was a fifth of what the server itself did for it.

use std::sync::OnceLock;

use sea_orm::{ConnectionTrait, DatabaseBackend, Statement, Value};

use crate::View;

/// What a statement asks, `N` values.
pub(crate) trait Asks<const N: usize> {
    /// The values, in any order.
    fn values(&self, view: &View) -> [Value; N];

    /// The statement. For whoever sees the whole ecosystem it always has the same text.
    fn statement(&self, view: &View) -> Statement;
}

/// A statement of which the text is kept, for either database.
#[derive(Debug)]
pub(crate) struct Kept {
    sqlite: OnceLock<Text>,
    postgres: OnceLock<Text>,
}

/// A text, and what it binds, in its order.
#[derive(Debug)]
struct Text {
    sql: String,
    binds: Vec<Bind>,
}

#[derive(Debug)]
enum Bind {
    /// What is asked, by its place among that.
    Asked(usize),
    /// What is the same whatever is asked.
    Always(Value),
}

impl Kept {
    /// None yet: it is put together when it is first needed.
    pub(crate) const fn new() -> Self {
        Self {
            sqlite: OnceLock::new(),
            postgres: OnceLock::new(),
        }
    }

    /// The statement that asks something. It is put together for `others`, of whose values no two are alike: where
    /// which of them is bound is found by that. Who does not see the whole ecosystem asks by another text, and that is
    /// put together each time.
    pub(crate) fn asking<const N: usize>(
        &self,
        view: &View,
        asked: &impl Asks<N>,
        others: &impl Asks<N>,
    ) -> Statement {
        if !view.scope().is_whole() {
            return asked.statement(view);
        }
        let backend = view.db().get_database_backend();
        let text = match backend {
            DatabaseBackend::Postgres => &self.postgres,
            _ => &self.sqlite,
        };
        let text = text.get_or_init(|| Text::of(others.statement(view), &others.values(view)));
        let statement = text.binding(backend, &asked.values(view));
        debug_assert_eq!(statement, asked.statement(view));
        statement
    }
}

impl Text {
    fn of(statement: Statement, others: &[Value]) -> Self {
        let bound = statement.values.map(|values| values.0).unwrap_or_default();
        let bind = |value: Value| match others.iter().position(|other| *other == value) {
            Some(place) => Bind::Asked(place),
            None => Bind::Always(value),
        };
        Self {
            binds: bound.into_iter().map(bind).collect(),
            sql: statement.sql,
        }
    }

    fn binding(&self, backend: DatabaseBackend, asked: &[Value]) -> Statement {
        let bound = self.binds.iter().filter_map(|bind| match bind {
            Bind::Asked(place) => asked.get(*place).cloned(),
            Bind::Always(value) => Some(value.clone()),
        });
        Statement::from_sql_and_values(backend, &self.sql, bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_bound_where_the_text_has_it() {
        let sql = "SELECT ?, ?, ?, ?";
        let backend = DatabaseBackend::Sqlite;
        let values: [Value; 4] = ["b".into(), 7.into(), 1_i64.into(), "b".into()];
        let statement = Statement::from_sql_and_values(backend, sql, values);
        let text = Text::of(statement, &[1_i64.into(), "b".into()]);
        for (one, other) in [(1_i64, "b"), (2, "c"), (7, "7")] {
            let statement = text.binding(backend, &[one.into(), other.into()]);
            assert_eq!(statement.sql, sql);
            let bound: [Value; 4] = [other.into(), 7.into(), one.into(), other.into()];
            assert_eq!(statement.values.unwrap().0, bound);
        }
    }
}
