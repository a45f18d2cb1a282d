//! What every resource's table has in common: the key `(ecosystem, id)`, a version, the times of
//! creation and change; and so the same six verbs.
//!
//! An entity declares itself with [`record!`](crate::record!) and then has
//! [`find`], [`get_many`], [`lock`], [`lock_many`], [`insert`], [`update`] and [`page`]. All of
//! them start from a view's ecosystem, which is how no query can leave it.

use std::sync::OnceLock;

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{
    Alias, CommonTableExpression, ExprTrait, InsertStatement, SimpleExpr, Values, WithClause,
};
use sea_orm::{
    ActiveModelTrait, DatabaseBackend, FromQueryResult, IntoActiveModel, Iterable, ModelTrait,
    QueryOrder, QueryResult, QuerySelect, QueryTrait, Statement,
};
use trellis_core::{EcosystemId, Page, PageQuery, Timestamp};

use crate::direct::Shape;
use crate::executor::Executor;
use crate::page::{self, Columns};
use crate::reach::Reach;
use crate::{Error, Txn, View};

/// An entity with the common key and version. Implemented by [`record!`](crate::record!).
pub trait Record: Columns {
    /// The id's type.
    type Id: Clone + Into<Value> + Send + Sync;
    /// The column of the ecosystem.
    const ECOSYSTEM: Self::Column;
    /// The column of the version.
    const VERSION: Self::Column;
    /// Who reaches its rows.
    const REACH: Reach<Self::Column>;

    /// The row's key.
    fn key(model: &Self::Model) -> (&EcosystemId, &Self::Id);
    /// Counts a change; answers the version before.
    fn bump(model: &mut Self::Model, now: Timestamp) -> i64;
    /// The texts of its statements.
    fn statements() -> &'static Statements;
    /// What its columns hold.
    fn shape() -> &'static Shape<Self::Column>;
    /// Makes a row of the values of all columns; nothing when one of them does not fit.
    fn made_of(values: impl Iterator<Item = Option<(Self::Column, Value)>>) -> Option<Self::Model>;
}

/// The texts of an entity's statements on each database. They are the same for every call, and
/// putting one together costs more than the rest of what a call does about it.
#[derive(Debug)]
pub struct Statements {
    sqlite: Texts,
    postgres: Texts,
}

#[derive(Debug)]
struct Texts {
    find: OnceLock<String>,
    lock: OnceLock<String>,
    insert: OnceLock<String>,
    update: OnceLock<String>,
}

impl Texts {
    const fn none() -> Self {
        Self {
            find: OnceLock::new(),
            lock: OnceLock::new(),
            insert: OnceLock::new(),
            update: OnceLock::new(),
        }
    }
}

impl Default for Statements {
    fn default() -> Self {
        Self::new()
    }
}

impl Statements {
    /// None yet: each is put together when it is first needed.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            sqlite: Texts::none(),
            postgres: Texts::none(),
        }
    }

    fn on(&self, backend: DatabaseBackend) -> &Texts {
        match backend {
            DatabaseBackend::Postgres => &self.postgres,
            _ => &self.sqlite,
        }
    }
}

/// A statement of which the text is kept, and made by `build` the first time. The values are those
/// of this call, in the order in which the text binds them.
fn kept(
    text: &OnceLock<String>,
    backend: DatabaseBackend,
    values: Vec<Value>,
    build: impl FnOnce() -> Statement,
) -> Statement {
    let text = text.get_or_init(|| {
        let built = build();
        debug_assert_eq!(
            built.values.as_ref().map(|built| &built.0),
            Some(&values),
            "the values are not those that this text binds: {}",
            built.sql
        );
        built.sql
    });
    Statement::from_sql_and_values(backend, text, values)
}

/// Declares an entity as a [`Record`]: its id column, who reaches its rows (one of [`Reach`]), and
/// the fields that lists filter and order by, each with its column.
///
/// The model must have the columns `ecosystem`, `version` and `update_time`.
#[macro_export]
macro_rules! record {
    ($id:ident: $Id:ty, $IdColumn:ident; reach: $reach:expr;
        { $($field:literal => $column:ident),* $(,)? }) => {
        impl $crate::page::Columns for Entity {
            const ID: Column = Column::$IdColumn;

            fn column(field: &str) -> Option<Column> {
                match field {
                    $($field => Some(Column::$column),)*
                    _ => None,
                }
            }
        }

        impl $crate::record::Record for Entity {
            type Id = $Id;
            const ECOSYSTEM: Column = Column::Ecosystem;
            const VERSION: Column = Column::Version;
            const REACH: $crate::reach::Reach<Column> = $reach;

            fn key(model: &Model) -> (&trellis_core::EcosystemId, &$Id) {
                (&model.ecosystem, &model.$id)
            }

            fn bump(model: &mut Model, now: trellis_core::Timestamp) -> i64 {
                let before = model.version;
                model.version += 1;
                model.update_time = now;
                before
            }

            fn statements() -> &'static $crate::record::Statements {
                static STATEMENTS: $crate::record::Statements = $crate::record::Statements::new();
                &STATEMENTS
            }

            fn shape() -> &'static $crate::direct::Shape<Column> {
                static SHAPE: std::sync::OnceLock<$crate::direct::Shape<Column>> =
                    std::sync::OnceLock::new();
                SHAPE.get_or_init($crate::direct::Shape::of::<Entity>)
            }

            fn made_of(
                values: impl Iterator<Item = Option<(Column, sea_orm::Value)>>,
            ) -> Option<Model> {
                use sea_orm::{ActiveModelTrait as _, TryIntoModel as _};
                let mut row = <ActiveModel as sea_orm::ActiveModelTrait>::default();
                for value in values {
                    let (column, value) = value?;
                    row.try_set(column, value).ok()?;
                }
                row.try_into_model().ok()
            }
        }
    };
}

/// All rows of the view's ecosystem that its scope reaches.
pub(crate) fn scoped<E: Record>(view: &View) -> Select<E> {
    let select = E::find().filter(E::ECOSYSTEM.eq(view.ecosystem().clone()));
    match E::REACH.within(view) {
        Some(reached) => select.filter(reached),
        None => select,
    }
}

/// A test for one of the values that the code itself names. They are written into the statement and not
/// bound: PostgreSQL then knows how many rows it is about, and which of the partial indexes, whatever else
/// is bound, and goes on with one plan instead of making one each time.
pub(crate) fn is_one_of<C: ColumnTrait, V: Into<Value>>(
    column: C,
    named: impl IntoIterator<Item = V>,
) -> SimpleExpr {
    let named = named
        .into_iter()
        .map(|value| SimpleExpr::Constant(value.into()));
    column.into_expr().is_in(named)
}

fn by_id<E: Record>(view: &View, id: &E::Id) -> Select<E> {
    scoped::<E>(view).filter(E::ID.eq(id.clone()))
}

/// Locks the rows of a select until the transaction ends. SQLite has one writer and needs none.
pub(crate) fn for_update<E: EntityTrait>(view: &View, select: Select<E>) -> Select<E> {
    match view.db().get_database_backend() {
        DatabaseBackend::Postgres => select.lock_exclusive(),
        _ => select,
    }
}

/// Finds a row by its id.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn find<E: Record>(view: &View, id: &E::Id) -> Result<Option<E::Model>, Error> {
    let db = view.db();
    if !view.scope().is_whole() {
        // Its text depends on who asks, and it binds more than the key.
        return Ok(by_id::<E>(view, id).one(&db).await?);
    }
    let backend = db.get_database_backend();
    let text = &E::statements().on(backend).find;
    let find = kept(text, backend, key::<E>(view, id), || {
        by_id::<E>(view, id).build(backend)
    });
    if let (Some(direct), Some(values)) = (view.direct(), &find.values)
        && let Some(mut found) = direct.rows::<E>(&find.sql, &values.0)
    {
        return Ok(found.pop());
    }
    one::<E>(view, find).await
}

fn key<E: Record>(view: &View, id: &E::Id) -> Vec<Value> {
    vec![view.ecosystem().clone().into(), id.clone().into()]
}

async fn one<E: Record>(view: &View, select: Statement) -> Result<Option<E::Model>, Error> {
    let row = view.db().query_one_raw(select).await?;
    row.map(|row| model_of::<E>(&row)).transpose()
}

/// A row as a model: by the places of its columns, which costs a fraction of going by their names.
pub(crate) fn model_of<E: Record>(row: &QueryResult) -> Result<E::Model, Error> {
    match E::made_of(E::shape().values_of_row(row)) {
        Some(model) => Ok(model),
        None => Ok(E::Model::from_query_result(row, "")?),
    }
}

/// The rows of a select as it was made, with the columns of the entity and no others.
pub(crate) async fn all<E: Record>(view: &View, select: Select<E>) -> Result<Vec<E::Model>, Error> {
    let db = view.db();
    let statement = select.build(db.get_database_backend());
    let rows = db.query_all_raw(statement).await?;
    rows.iter().map(model_of::<E>).collect()
}

/// Finds rows by their ids, in the order of the ids. Those that do not exist are left out.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn find_many<E: Record>(
    view: &View,
    ids: impl IntoIterator<Item = E::Id>,
) -> Result<Vec<E::Model>, Error> {
    let select = scoped::<E>(view)
        .filter(E::ID.is_in(ids))
        .order_by_asc(E::ID);
    all::<E>(view, select).await
}

/// Finds a row and locks it until the transaction ends.
///
/// # Errors
/// [`Error::Contended`] when its lock cannot be had in time.
pub async fn lock<E: Record>(txn: &Txn, id: &E::Id) -> Result<Option<E::Model>, Error> {
    if !txn.scope().is_whole() {
        return Ok(for_update(txn, by_id::<E>(txn, id)).one(&txn.db()).await?);
    }
    let backend = txn.db().get_database_backend();
    let text = &E::statements().on(backend).lock;
    let lock = kept(text, backend, key::<E>(txn, id), || {
        for_update(txn, by_id::<E>(txn, id)).build(backend)
    });
    one::<E>(txn, lock).await
}

/// Finds rows and locks them, in the order of their ids, so that two transactions that lock the
/// same rows never wait for each other in a circle.
///
/// # Errors
/// [`Error::Contended`] when a lock cannot be had in time.
pub async fn lock_many<E: Record>(
    txn: &Txn,
    ids: impl IntoIterator<Item = E::Id>,
) -> Result<Vec<E::Model>, Error> {
    let select = scoped::<E>(txn)
        .filter(E::ID.is_in(ids))
        .order_by_asc(E::ID);
    all::<E>(txn, for_update(txn, select)).await
}

/// Adds a row.
///
/// # Errors
/// [`Error::Exists`] when its id, or another value that must be unique, is taken;
/// [`Error::OutOfReach`] when it would belong to somebody whom the scope does not reach.
pub async fn insert<E>(txn: &Txn, model: E::Model) -> Result<E::Model, Error>
where
    E: Record,
    E::Model: IntoActiveModel<E::ActiveModel>,
    E::ActiveModel: Send,
{
    let db = txn.db();
    let backend = db.get_database_backend();
    let text = &E::statements().on(backend).insert;
    let values = E::Column::iter().map(|column| model.get(column)).collect();
    let insert = kept(text, backend, values, || {
        E::insert(model.clone().into_active_model().reset_all()).build(backend)
    });
    db.execute_raw(insert).await?;
    if !txn.scope().is_whole() {
        let (_, id) = E::key(&model);
        // What the scope does not reach cannot be found, also right after it was made.
        find::<E>(txn, id).await?.ok_or(Error::OutOfReach)?;
    }
    Ok(model)
}

/// Adds rows, some hundreds a statement.
///
/// # Errors
/// [`Error::Exists`] when an id, or another value that must be unique, is taken.
pub async fn insert_many<E>(txn: &Txn, models: Vec<E::Model>) -> Result<(), Error>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
    E::ActiveModel: Send,
{
    /// SQLite binds at most 32,766 values in a statement, PostgreSQL 65,535: 500 rows of up to 60
    /// columns fit both.
    const CHUNK: usize = 500;
    let mut rows = models
        .into_iter()
        .map(|model| model.into_active_model().reset_all())
        .peekable();
    while rows.peek().is_some() {
        let chunk: Vec<_> = rows.by_ref().take(CHUNK).collect();
        E::insert_many(chunk)
            .exec_without_returning(&txn.db())
            .await?;
    }
    Ok(())
}

/// Writes a changed row back whole, guarded by the version it was read at; answers it with the new
/// version and time of change.
///
/// # Errors
/// [`Error::Contended`] when somebody else changed it in between; [`Error::Exists`] when a value
/// that must be unique is taken.
pub async fn update<E>(txn: &Txn, mut model: E::Model) -> Result<E::Model, Error>
where
    E: Record,
    E::Model: IntoActiveModel<E::ActiveModel>,
    E::ActiveModel: Send,
{
    let update = guarded::<E>(txn, &mut model);
    if txn.db().execute_raw(update).await?.rows_affected() != 1 {
        return Err(Error::Contended);
    }
    Ok(model)
}

/// A write that goes with the one of a row. Neither sees what the other does.
pub(crate) struct Beside {
    /// The statement, of which the first value has this number.
    pub(crate) text: fn(usize) -> String,
    /// What it binds.
    pub(crate) values: Vec<Value>,
}

impl Beside {
    /// Writes it alone.
    pub(crate) async fn write(self, txn: &Txn) -> Result<(), Error> {
        let db = txn.db();
        let backend = db.get_database_backend();
        let alone = Statement::from_sql_and_values(backend, (self.text)(1), self.values);
        db.execute_raw(alone).await?;
        Ok(())
    }
}

/// Inserts rows after others, and answers what the last statement returns: on PostgreSQL all in one, which
/// saves round trips. None sees what the others write.
pub(crate) async fn insert_after<const N: usize>(
    db: &Executor<'_>,
    before: [InsertStatement; N],
    last: InsertStatement,
) -> Result<Vec<QueryResult>, DbErr> {
    if N == 0 || db.get_database_backend() != DatabaseBackend::Postgres {
        for insert in &before {
            db.execute(insert).await?;
        }
        return db.query_all(&last).await;
    }
    let mut first = WithClause::new();
    for (index, insert) in before.into_iter().enumerate() {
        let mut beside = CommonTableExpression::new();
        beside
            .query(insert)
            .table_name(Alias::new(format!("beside_{index}")));
        first.cte(beside);
    }
    db.query_all(&last.with(first)).await
}

/// Writes a changed row back as [`update`] does, and something beside it: on PostgreSQL in one statement,
/// which saves a round trip.
///
/// # Errors
/// As for [`update`].
pub(crate) async fn update_beside<E>(
    txn: &Txn,
    mut model: E::Model,
    beside: Beside,
) -> Result<E::Model, Error>
where
    E: Record,
    E::Model: IntoActiveModel<E::ActiveModel>,
    E::ActiveModel: Send,
{
    let db = txn.db();
    if db.get_database_backend() != DatabaseBackend::Postgres {
        let model = update::<E>(txn, model).await?;
        beside.write(txn).await?;
        return Ok(model);
    }
    let mut update = guarded::<E>(txn, &mut model);
    let values = update.values.get_or_insert_with(|| Values(Vec::new()));
    let text = (beside.text)(values.0.len() + 1);
    values.0.extend(beside.values);
    update.sql = format!("WITH beside AS ({text}) {}", update.sql);
    if db.execute_raw(update).await?.rows_affected() != 1 {
        return Err(Error::Contended);
    }
    Ok(model)
}

/// The statement that writes a changed row back if it has the version that it was read at. The model gets
/// the new version and time of change.
fn guarded<E>(txn: &Txn, model: &mut E::Model) -> Statement
where
    E: Record,
    E::Model: IntoActiveModel<E::ActiveModel>,
{
    let before = E::bump(model, txn.now());
    let backend = txn.db().get_database_backend();
    let (ecosystem, id) = E::key(model);
    let mut values: Vec<Value> = E::Column::iter()
        .filter(|column| !is_key::<E>(*column))
        .map(|column| model.get(column))
        .collect();
    values.extend([ecosystem.clone().into(), id.clone().into(), before.into()]);
    let text = &E::statements().on(backend).update;
    kept(text, backend, values, || {
        let mut row = model.clone().into_active_model().reset_all();
        row.not_set(E::ECOSYSTEM);
        row.not_set(E::ID);
        let guarded = E::update_many()
            .set(row)
            .filter(E::ECOSYSTEM.eq(ecosystem.clone()))
            .filter(E::ID.eq(id.clone()))
            .filter(E::VERSION.eq(before));
        guarded.build(backend)
    })
}

fn is_key<E: Record>(column: E::Column) -> bool {
    [E::ECOSYSTEM, E::ID]
        .iter()
        .any(|key| key.as_str() == column.as_str())
}

/// Reads one page of the ecosystem's rows.
///
/// # Errors
/// [`Error::BadCursor`] when the page token was made for another query.
pub async fn page<E: Record>(view: &View, query: &PageQuery) -> Result<Page<E::Model>, Error> {
    let db = view.db();
    let asked = page::Asked::new(scoped::<E>(view), query)?;
    let statement = asked.select().build(db.get_database_backend());
    if let (Some(direct), Some(values)) = (view.direct(), &statement.values)
        && let Some(rows) = direct.rows::<E>(&statement.sql, &values.0)
    {
        return asked.page(rows);
    }
    let rows = db.query_all_raw(statement).await?;
    asked.page(rows.iter().map(model_of::<E>).collect::<Result<_, _>>()?)
}
