//! Ecosystems: the tenants of a deployment. Everything else belongs to one of them.

use std::time::Duration;

use sea_orm::entity::prelude::*;
use sea_orm::{IntoActiveModel, QueryOrder, QuerySelect, Set};
use trellis_core::{Currency, EcosystemId, Page, PageQuery, TimeZone, Timestamp};

use crate::page::{self, Columns};
use crate::view::Source;
use crate::{Error, Store, Txn, View};

/// One ecosystem.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ecosystems")]
pub struct Model {
    /// The ecosystem's id, the first column of every key of this database.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The name that people read.
    pub display_name: String,
    /// Where its days begin and end, unless a program says otherwise.
    pub time_zone: TimeZone,
    /// The currency that its reports are in.
    pub currency: Currency,
    /// Whether its clock can be moved. Never changes.
    pub sandbox: bool,
    /// How far its clock was moved, in microseconds.
    pub clock_offset: i64,
    /// Counts the changes.
    pub version: i64,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

impl Columns for Entity {
    const ID: Column = Column::Ecosystem;

    fn column(field: &str) -> Option<Column> {
        Some(match field {
            "display_name" => Column::DisplayName,
            "create_time" => Column::CreateTime,
            "update_time" => Column::UpdateTime,
            _ => return None,
        })
    }
}

/// The ecosystem of a view, whose existence was checked when the view was opened.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn get(view: &View) -> Result<Option<Model>, Error> {
    Ok(by_id(view.ecosystem()).one(&view.db()).await?)
}

/// The same, locked until the transaction ends.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn lock(txn: &Txn) -> Result<Option<Model>, Error> {
    let select = by_id(txn.ecosystem());
    Ok(crate::record::for_update(txn, select)
        .one(&txn.db())
        .await?)
}

/// Adds an ecosystem.
///
/// # Errors
/// [`Error::Exists`] when its id is taken.
pub async fn insert(txn: &Txn, model: Model) -> Result<Model, Error> {
    let row = model.clone().into_active_model().reset_all();
    Entity::insert(row)
        .exec_without_returning(&txn.db())
        .await?;
    Ok(model)
}

/// Writes a changed ecosystem back, and counts the change.
///
/// # Errors
/// [`Error::Contended`] when somebody else changed it in between.
pub async fn update(txn: &Txn, mut model: Model) -> Result<Model, Error> {
    let before = model.version;
    model.version += 1;
    model.update_time = txn.now();
    let mut row = model.clone().into_active_model().reset_all();
    row.ecosystem = sea_orm::NotSet;
    row.create_time = Set(model.create_time);
    let updated = Entity::update_many()
        .set(row)
        .filter(COLUMN.ecosystem.eq(model.ecosystem.clone()))
        .filter(COLUMN.version.eq(before))
        .exec(&txn.db())
        .await?;
    if updated.rows_affected == 1 {
        Ok(model)
    } else {
        Err(Error::Contended)
    }
}

fn by_id(ecosystem: &EcosystemId) -> Select<Entity> {
    Entity::find().filter(COLUMN.ecosystem.eq(ecosystem.clone()))
}

pub(crate) async fn find_in(
    db: &impl ConnectionTrait,
    ecosystem: &EcosystemId,
) -> Result<Option<Model>, Error> {
    Ok(by_id(ecosystem).one(db).await?)
}

/// How far a sandbox's clock was moved.
pub(crate) async fn clock_offset(
    source: &Source,
    ecosystem: &EcosystemId,
) -> Result<Duration, Error> {
    let offset: Option<i64> = by_id(ecosystem)
        .select_only()
        .column(Column::ClockOffset)
        .into_tuple()
        .one(&source.db())
        .await?;
    Ok(Duration::from_micros(
        offset
            .and_then(|micros| u64::try_from(micros).ok())
            .unwrap_or(0),
    ))
}

/// Reads across ecosystems: the one place that may.
pub struct Registry<'a> {
    store: &'a Store,
}

impl<'a> Registry<'a> {
    pub(crate) fn new(store: &'a Store) -> Self {
        Self { store }
    }

    /// A page of the ecosystems given, or of all.
    ///
    /// # Errors
    /// [`Error::Driver`] and its kin.
    pub async fn page(
        &self,
        ecosystems: Option<Vec<EcosystemId>>,
        query: &PageQuery,
    ) -> Result<Page<Model>, Error> {
        let mut select = Entity::find();
        if let Some(ecosystems) = ecosystems {
            select = select.filter(Column::Ecosystem.is_in(ecosystems));
        }
        page::page(&self.store.reading_all().db(), select, query).await
    }

    /// The ids of all ecosystems, in order.
    ///
    /// # Errors
    /// [`Error::Driver`] and its kin.
    pub async fn ids(&self) -> Result<Vec<EcosystemId>, Error> {
        Ok(Entity::find()
            .select_only()
            .column(Column::Ecosystem)
            .order_by_asc(Column::Ecosystem)
            .into_tuple()
            .all(&self.store.reading_all().db())
            .await?)
    }
}
