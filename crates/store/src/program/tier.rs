//! Tiers: the levels of a program. A tier's key holds its program, so that two programs may each
//! have a `gold`.

use sea_orm::entity::prelude::*;
use sea_orm::{IntoActiveModel, NotSet, QueryOrder};
use serde::{Deserialize, Serialize};
use trellis_core::{EcosystemId, Page, PageQuery, ProgramId, TierId, Timestamp};

use crate::page::{self, Columns};
use crate::{Error, Txn, View};

/// One tier.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "tiers")]
pub struct Model {
    /// The ecosystem that it belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The program that it is a level of.
    #[sea_orm(primary_key, auto_increment = false)]
    pub program: ProgramId,
    /// Its id, unique in the program, also among the deleted.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TierId,
    /// The name that people read.
    pub display_name: String,
    /// Its place; 1 is the lowest. Unique among the living tiers of the program.
    pub rank: i32,
    /// What it asks and gives.
    pub description: String,
    /// How many leads its holders are given, beside those of other tiers; 0: none. In revisions that
    /// are older than leads all are given as many.
    #[serde(default = "one")]
    pub lead_weight: i32,
    /// Counts the changes.
    pub version: i64,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
    /// When it was deleted.
    pub delete_time: Option<Timestamp>,
}

impl ActiveModelBehavior for ActiveModel {}

const fn one() -> i32 {
    1
}

impl Columns for Entity {
    const ID: Column = Column::Id;

    fn column(field: &str) -> Option<Column> {
        Some(match field {
            "rank" => Column::Rank,
            "display_name" => Column::DisplayName,
            "create_time" => Column::CreateTime,
            "update_time" => Column::UpdateTime,
            _ => return None,
        })
    }
}

fn of_program(view: &View, program: &ProgramId) -> Select<Entity> {
    Entity::find()
        .filter(COLUMN.ecosystem.eq(view.ecosystem().clone()))
        .filter(COLUMN.program.eq(program.clone()))
}

/// Finds a tier, deleted or not.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn find(view: &View, program: &ProgramId, id: &TierId) -> Result<Option<Model>, Error> {
    Ok(of_program(view, program)
        .filter(COLUMN.id.eq(id.clone()))
        .one(&view.db())
        .await?)
}

/// The tiers of a program that are not deleted, the lowest first.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn living(view: &View, program: &ProgramId) -> Result<Vec<Model>, Error> {
    let select = of_program(view, program).filter(Column::DeleteTime.is_null());
    Ok(select.order_by_asc(Column::Rank).all(&view.db()).await?)
}

/// Reads one page of a program's tiers.
///
/// # Errors
/// [`Error::BadCursor`] when the page token was made for another query.
pub async fn page(
    view: &View,
    program: &ProgramId,
    query: &PageQuery,
) -> Result<Page<Model>, Error> {
    let mut select = of_program(view, program);
    if !query.show_deleted {
        select = select.filter(Column::DeleteTime.is_null());
    }
    page::page(&view.db(), select, query).await
}

/// Adds a tier.
///
/// # Errors
/// [`Error::Exists`] when its id or its rank is taken.
pub async fn insert(txn: &Txn, model: Model) -> Result<Model, Error> {
    let row = model.clone().into_active_model().reset_all();
    Entity::insert(row)
        .exec_without_returning(&txn.db())
        .await?;
    Ok(model)
}

/// Writes a changed tier back whole, guarded by the version it was read at.
///
/// # Errors
/// [`Error::Contended`] when somebody else changed it in between; [`Error::Exists`] when its rank
/// is taken.
pub async fn update(txn: &Txn, mut model: Model) -> Result<Model, Error> {
    let before = model.version;
    model.version += 1;
    model.update_time = txn.now();
    let mut row = model.clone().into_active_model().reset_all();
    row.ecosystem = NotSet;
    row.program = NotSet;
    row.id = NotSet;
    let updated = Entity::update_many()
        .set(row)
        .filter(COLUMN.ecosystem.eq(model.ecosystem.clone()))
        .filter(COLUMN.program.eq(model.program.clone()))
        .filter(COLUMN.id.eq(model.id.clone()))
        .filter(COLUMN.version.eq(before))
        .exec(&txn.db())
        .await?;
    if updated.rows_affected == 1 {
        Ok(model)
    } else {
        Err(Error::Contended)
    }
}
