//! What was shared in engagements: copies of some fields of a resource, as they were, for one member.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::ExprTrait;
use sea_orm::{FromJsonQueryResult, IntoActiveModel, NotSet, QueryOrder, QuerySelect, QueryTrait};
use serde::{Deserialize, Serialize};
use trellis_core::lifecycle::Named;
use trellis_core::{
    Currency, Date, EcosystemId, EngagementId, EngagementMemberId, EngagementSnapshotId, Page,
    PageQuery, ProductId, Timestamp,
};

use super::deal::Stage;
use super::engagement_member;
use crate::page::{self, Columns};
use crate::record::for_update;
use crate::{Error, Txn, View};

/// Where a snapshot stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum State {
    /// Its member may read it.
    Shared,
    /// Its member reads that it was taken back.
    Revoked,
}

impl Named for State {
    fn name(self) -> &'static str {
        match self {
            Self::Shared => "SHARED",
            Self::Revoked => "REVOKED",
        }
    }
}

/// Which fields were chosen, by their names, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Chosen(pub Vec<String>);

/// What was copied. What was not chosen is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Of a deal.
    Deal(DealContent),
    /// Of an account.
    Account(AccountContent),
}

/// What was copied of a deal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DealContent {
    /// What people call it.
    pub display_name: Option<String>,
    /// How far it had come.
    pub stage: Option<Stage>,
    /// What it was worth, in minor units of `currency`.
    pub amount_minor: Option<i64>,
    /// The currency of the amount.
    pub currency: Option<Currency>,
    /// What the customer was to buy.
    pub products: Vec<ProductId>,
    /// When it was expected to close.
    pub expected_close_date: Option<Date>,
}

/// What was copied of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountContent {
    /// What the customer is called.
    pub display_name: Option<String>,
    /// Its country.
    pub region_code: Option<String>,
    /// Its domains.
    pub domains: Vec<String>,
    /// What it does.
    pub industry: Option<String>,
    /// How many people work there; 0 where it is not known.
    pub employee_count: i64,
}

/// One snapshot.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "engagement_snapshots")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The engagement.
    #[sea_orm(primary_key, auto_increment = false)]
    pub engagement: EngagementId,
    /// Its id, unique in the engagement.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: EngagementSnapshotId,
    /// The member that it is shared with.
    pub member: EngagementMemberId,
    /// The full name of what was copied.
    pub resource: String,
    /// Counts what was shared of the resource with the member, from 1.
    pub revision: i32,
    /// The first of those.
    pub first_snapshot: EngagementSnapshotId,
    /// Which fields were chosen.
    pub fields: Chosen,
    /// What was copied.
    pub content: Content,
    /// Where it stands.
    pub state: State,
    /// When it was taken back.
    pub revoke_time: Option<Timestamp>,
    /// Counts the changes.
    pub version: i64,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

impl Columns for Entity {
    const ID: Column = Column::Id;

    fn column(field: &str) -> Option<Column> {
        Some(match field {
            "engagement" => Column::Engagement,
            "member" => Column::Member,
            "resource" => Column::Resource,
            "revision" => Column::Revision,
            "state" => Column::State,
            "share_time" => Column::CreateTime,
            _ => return None,
        })
    }
}

/// The snapshots of an engagement that the scope reaches: those of members that are its own.
fn reached(view: &View, engagement: &EngagementId) -> Select<Entity> {
    let all = Entity::find()
        .filter(COLUMN.ecosystem.eq(view.ecosystem().clone()))
        .filter(COLUMN.engagement.eq(engagement.clone()));
    if view.scope().is_whole() {
        return all;
    }
    let members = engagement_member::joined(view)
        .filter(engagement_member::Column::Engagement.eq(engagement.clone()))
        .select_only()
        .column(engagement_member::Column::Id)
        .into_query();
    let member = Expr::col((Entity, Column::Member));
    all.filter(member.in_subquery(members))
}

/// Finds a snapshot.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn find(
    view: &View,
    engagement: &EngagementId,
    id: &EngagementSnapshotId,
) -> Result<Option<Model>, Error> {
    let select = reached(view, engagement).filter(COLUMN.id.eq(id.clone()));
    Ok(select.one(&view.db()).await?)
}

/// Finds a snapshot and locks it until the transaction ends. Taken after the engagement's row.
///
/// # Errors
/// [`Error::Contended`] when its lock cannot be had in time.
pub async fn lock(
    txn: &Txn,
    engagement: &EngagementId,
    id: &EngagementSnapshotId,
) -> Result<Option<Model>, Error> {
    let select = reached(txn, engagement).filter(COLUMN.id.eq(id.clone()));
    Ok(for_update(txn, select).one(&txn.db()).await?)
}

/// The latest revision of a resource that was shared with a member.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn latest(
    view: &View,
    engagement: &EngagementId,
    member: &EngagementMemberId,
    resource: &str,
) -> Result<Option<Model>, Error> {
    let select = reached(view, engagement)
        .filter(COLUMN.member.eq(member.clone()))
        .filter(COLUMN.resource.eq(resource))
        .order_by_desc(Column::Revision);
    Ok(select.one(&view.db()).await?)
}

/// Reads one page of an engagement's snapshots.
///
/// # Errors
/// [`Error::BadCursor`] when the page token was made for another query.
pub async fn page(
    view: &View,
    engagement: &EngagementId,
    query: &PageQuery,
) -> Result<Page<Model>, Error> {
    page::page(&view.db(), reached(view, engagement), query).await
}

/// Adds a snapshot.
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

/// Writes a changed snapshot back whole, guarded by the version it was read at.
///
/// # Errors
/// [`Error::Contended`] when somebody else changed it in between.
pub async fn update(txn: &Txn, mut model: Model) -> Result<Model, Error> {
    let before = model.version;
    model.version += 1;
    model.update_time = txn.now();
    let mut row = model.clone().into_active_model().reset_all();
    row.ecosystem = NotSet;
    row.engagement = NotSet;
    row.id = NotSet;
    let updated = Entity::update_many()
        .set(row)
        .filter(COLUMN.ecosystem.eq(model.ecosystem.clone()))
        .filter(COLUMN.engagement.eq(model.engagement.clone()))
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
