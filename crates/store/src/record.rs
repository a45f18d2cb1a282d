//! What every resource's table has in common: the key `(ecosystem, id)`, a version, the times of
//! creation and change; and so the same six verbs.
//!
//! An entity declares itself with [`record!`](crate::record!) and then has
//! [`find`], [`get_many`], [`lock`], [`lock_many`], [`insert`], [`update`] and [`page`]. All of
//! them start from a view's ecosystem, which is how no query can leave it.

use sea_orm::entity::prelude::*;
use sea_orm::{ActiveModelTrait, DatabaseBackend, IntoActiveModel, QueryOrder, QuerySelect};
use trellis_core::{EcosystemId, Page, PageQuery, Timestamp};

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
    Ok(by_id::<E>(view, id).one(&view.db()).await?)
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
    Ok(select.all(&view.db()).await?)
}

/// Finds a row and locks it until the transaction ends.
///
/// # Errors
/// [`Error::Contended`] when its lock cannot be had in time.
pub async fn lock<E: Record>(txn: &Txn, id: &E::Id) -> Result<Option<E::Model>, Error> {
    Ok(for_update(txn, by_id::<E>(txn, id)).one(&txn.db()).await?)
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
    Ok(for_update(txn, select).all(&txn.db()).await?)
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
    let row = model.clone().into_active_model().reset_all();
    E::insert(row).exec_without_returning(&txn.db()).await?;
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
    let before = E::bump(&mut model, txn.now());
    let mut row = model.clone().into_active_model().reset_all();
    row.not_set(E::ECOSYSTEM);
    row.not_set(E::ID);
    let (ecosystem, id) = E::key(&model);
    let updated = E::update_many()
        .set(row)
        .filter(E::ECOSYSTEM.eq(ecosystem.clone()))
        .filter(E::ID.eq(id.clone()))
        .filter(E::VERSION.eq(before))
        .exec(&txn.db())
        .await?;
    if updated.rows_affected == 1 {
        Ok(model)
    } else {
        Err(Error::Contended)
    }
}

/// Reads one page of the ecosystem's rows.
///
/// # Errors
/// [`Error::BadCursor`] when the page token was made for another query.
pub async fn page<E: Record>(view: &View, query: &PageQuery) -> Result<Page<E::Model>, Error> {
    page::page(&view.db(), scoped::<E>(view), query).await
}
