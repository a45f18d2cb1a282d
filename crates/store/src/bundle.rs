//! Several reads in one statement. Where a decision asks about many things of which there mostly are
//! none, asking takes longer than answering: each statement is a round trip.
//!
//! The rows of each read come as one array in JSON, so that reads of different tables can stand below
//! each other. Writing and reading JSON costs more than columns do, so that a read of many rows is
//! better off alone. In which order the rows of a read come nobody promises: whoever needs one sorts them.

use std::marker::PhantomData;

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Alias, ExprTrait, Func, Query, SelectStatement, UnionType};
use sea_orm::{DatabaseBackend, Iterable, Statement};
use serde::de::DeserializeOwned;

use crate::record::Record;
use crate::{Error, View};

/// Reads that have not been made yet, nor put together.
#[derive(Default)]
pub(crate) struct Bundle<'a> {
    reads: Vec<Box<dyn FnOnce() -> Read + 'a>>,
}

/// A select, and the names of the columns that are read of it.
type Read = (SelectStatement, Vec<Alias>);

/// One read among those of a bundle, and what its rows are.
pub(crate) struct Part<T> {
    place: usize,
    rows: PhantomData<fn() -> T>,
}

/// What a bundle read.
pub(crate) struct Found {
    backend: DatabaseBackend,
    rows: Vec<Vec<Vec<serde_json::Value>>>,
}

impl<'a> Bundle<'a> {
    /// Adds a read of whole rows, with the columns of the entity and no others.
    pub(crate) fn records<E: Record>(
        &mut self,
        select: impl FnOnce() -> SelectStatement + 'a,
    ) -> Part<E> {
        self.add(move || {
            let columns = E::Column::iter().map(|column| Alias::new(column.as_str()));
            (select(), columns.collect())
        })
    }

    /// Adds a read of some columns, which are called so in the select.
    pub(crate) fn columns<T: DeserializeOwned>(
        &mut self,
        select: impl FnOnce() -> SelectStatement + 'a,
        columns: &'static [&'static str],
    ) -> Part<T> {
        self.add(move || {
            let columns = columns.iter().copied().map(Alias::new);
            (select(), columns.collect())
        })
    }

    fn add<T>(&mut self, read: impl FnOnce() -> Read + 'a) -> Part<T> {
        self.reads.push(Box::new(read));
        Part {
            place: self.reads.len() - 1,
            rows: PhantomData,
        }
    }

    /// What takes up the rows of all of them.
    pub(crate) fn found(&self, backend: DatabaseBackend) -> Found {
        let mut rows = Vec::new();
        rows.resize_with(self.reads.len(), Vec::new);
        Found { backend, rows }
    }

    /// All of the reads, of which there is one at least, as one.
    pub(crate) fn statement(self, backend: DatabaseBackend) -> Statement {
        let array = match backend {
            DatabaseBackend::Postgres => "json_build_array",
            _ => "json_array",
        };
        let each = self.reads.into_iter().enumerate();
        let each = each.map(|(place, read)| {
            let (select, columns) = read();
            let read = Alias::new("read");
            let columns = columns
                .into_iter()
                .map(|one| Expr::col((read.clone(), one)));
            let array = Func::cust(Alias::new(array)).args(columns);
            let mut wrapped = Query::select();
            wrapped
                .expr_as(Expr::cust(place.to_string()), "place")
                .expr_as(Expr::expr(array).cast_as("text"), "columns")
                .from_subquery(select, read);
            wrapped
        });
        let all = each.reduce(|mut all, one| all.union(UnionType::All, one).take());
        backend.build(&all.unwrap_or_default())
    }
}

impl Found {
    /// Makes all of the reads, by the [statement](Bundle::statement) of their bundle.
    pub(crate) async fn read(mut self, view: &View, all: Statement) -> Result<Self, Error> {
        for row in view.db().query_all_raw(all).await? {
            let place: i32 = row.try_get_by_index(0)?;
            let columns: String = row.try_get_by_index(1)?;
            let columns = serde_json::from_str(&columns).map_err(unreadable)?;
            let place = usize::try_from(place).ok();
            let part = place.and_then(|place| self.rows.get_mut(place));
            part.ok_or_else(|| corrupt("a place that no read has".to_owned()))?
                .push(columns);
        }
        Ok(self)
    }

    /// The rows of one of the reads. They are there once.
    pub(crate) fn records<E: Record>(&mut self, part: &Part<E>) -> Result<Vec<E::Model>, Error> {
        let by = self.backend;
        let rows = self.take(part).into_iter().map(|row| {
            E::made_of(E::shape().values_of_json(row, by))
                .ok_or_else(|| corrupt(format!("a row of {}", E::default().table_name())))
        });
        rows.collect()
    }

    /// The columns that one of the reads asks for. They are there once.
    pub(crate) fn columns<T: DeserializeOwned>(&mut self, part: &Part<T>) -> Result<Vec<T>, Error> {
        let rows = self.take(part).into_iter();
        rows.map(|row| serde_json::from_value(row.into()).map_err(unreadable))
            .collect()
    }

    fn take<T>(&mut self, part: &Part<T>) -> Vec<Vec<serde_json::Value>> {
        let rows = self.rows.get_mut(part.place);
        rows.map(std::mem::take).unwrap_or_default()
    }
}

fn unreadable(error: serde_json::Error) -> Error {
    corrupt(error.to_string())
}

fn corrupt(what: String) -> Error {
    Error::Corrupt {
        table: "several",
        what,
    }
}
