//! Members of engagements: which partner is invited to one, and which is in it.
//!
//! Who reaches an engagement, and what was shared in it, follows from the rows of this table. The key
//! of a member holds its engagement, so that two engagements may each have a `nimbus`.

use std::collections::HashSet;

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::SelectStatement;
use sea_orm::{Condition, IntoActiveModel, NotSet, QueryOrder, QuerySelect, QueryTrait};
use trellis_core::lifecycle::Named;
use trellis_core::{
    EcosystemId, EngagementId, EngagementMemberId, Order, Page, PageQuery, PartnerId, Timestamp,
};

use super::engagement;
use crate::page::{self, Columns};
use crate::reach::Reach;
use crate::record::for_update;
use crate::{Error, Txn, View};

/// Where a membership stands. The legal moves are the deal service's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum State {
    /// Has not answered.
    Invited,
    /// Is in it.
    Accepted,
    /// Declined.
    Rejected,
    /// Did not answer in time.
    Expired,
    /// Was invited no longer.
    Cancelled,
    /// Left.
    Left,
    /// Was removed.
    Removed,
}

impl State {
    /// The states in which a partner has to do with the engagement.
    const OPEN: [Self; 2] = [Self::Invited, Self::Accepted];
}

impl Named for State {
    fn name(self) -> &'static str {
        match self {
            Self::Invited => "INVITED",
            Self::Accepted => "ACCEPTED",
            Self::Rejected => "REJECTED",
            Self::Expired => "EXPIRED",
            Self::Cancelled => "CANCELLED",
            Self::Left => "LEFT",
            Self::Removed => "REMOVED",
        }
    }
}

/// One member.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "engagement_members")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The engagement.
    #[sea_orm(primary_key, auto_increment = false)]
    pub engagement: EngagementId,
    /// Its id, unique in the engagement.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: EngagementMemberId,
    /// The partner.
    pub partner: PartnerId,
    /// What it is to do, in a word.
    pub role: String,
    /// What the invitation says.
    pub message: Option<String>,
    /// Until when the invitation can be accepted.
    pub expire_time: Timestamp,
    /// Where it stands.
    pub state: State,
    /// Until when the partner reaches the engagement; none for one that is in it.
    pub until_time: Option<Timestamp>,
    /// When it accepted.
    pub accept_time: Option<Timestamp>,
    /// When it ended.
    pub end_time: Option<Timestamp>,
    /// Why it ended.
    pub reason_code: Option<String>,
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
            "partner" => Column::Partner,
            "role" => Column::Role,
            "state" => Column::State,
            _ => return None,
        })
    }
}

/// All members of the view's ecosystem.
fn all(view: &View) -> Select<Entity> {
    Entity::find().filter(COLUMN.ecosystem.eq(view.ecosystem().clone()))
}

/// The condition under which a membership is that of somebody whom the scope reaches; none when
/// every one is. What has ended is the partner's no longer, whatever the clocks of two servers say.
fn own(view: &View) -> Option<Condition> {
    let lent = Reach::Lent(Column::Partner, Column::UntilTime).within(view)?;
    if view.scope().is_staff() {
        return Some(lent);
    }
    let open = COLUMN.state.is_in(State::OPEN);
    Some(Condition::all().add(lent).add(open))
}

/// Those memberships.
pub(super) fn held(view: &View) -> Select<Entity> {
    match own(view) {
        Some(own) => all(view).filter(own),
        None => all(view),
    }
}

/// Of those, the ones of partners that have accepted; for the staff the others as well.
pub(super) fn joined(view: &View) -> Select<Entity> {
    let held = held(view);
    if view.scope().is_staff() {
        return held;
    }
    held.filter(COLUMN.state.eq(State::Accepted))
}

/// The engagements that the scope reaches, by their ids.
pub(super) fn engagements(view: &View) -> SelectStatement {
    held(view)
        .select_only()
        .column(Column::Engagement)
        .into_query()
}

/// The members that the scope reaches: its own, and those that it may know of.
fn reached(view: &View) -> Select<Entity> {
    let Some(own) = own(view) else {
        return all(view);
    };
    let accepted = held(view)
        .filter(COLUMN.state.eq(State::Accepted))
        .select_only()
        .column(Column::Engagement)
        .into_query();
    let open_to_members = engagement::Entity::find()
        .filter(engagement::Column::Ecosystem.eq(view.ecosystem().clone()))
        .filter(engagement::Column::MembersVisible.eq(true))
        .filter(engagement::Column::Id.in_subquery(accepted))
        .select_only()
        .column(engagement::Column::Id)
        .into_query();
    let beside = Condition::all()
        .add(COLUMN.state.eq(State::Accepted))
        .add(Column::Engagement.in_subquery(open_to_members));
    all(view).filter(Condition::any().add(own).add(beside))
}

fn by_id(
    select: Select<Entity>,
    engagement: &EngagementId,
    id: &EngagementMemberId,
) -> Select<Entity> {
    select
        .filter(COLUMN.engagement.eq(engagement.clone()))
        .filter(COLUMN.id.eq(id.clone()))
}

/// Finds a member that the scope reaches.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn find(
    view: &View,
    engagement: &EngagementId,
    id: &EngagementMemberId,
) -> Result<Option<Model>, Error> {
    let select = by_id(reached(view), engagement, id);
    Ok(select.one(&view.db()).await?)
}

/// Finds a member that is the scope's own, and locks it until the transaction ends. Taken after the
/// engagement's row.
///
/// # Errors
/// [`Error::Contended`] when its lock cannot be had in time.
pub async fn lock(
    txn: &Txn,
    engagement: &EngagementId,
    id: &EngagementMemberId,
) -> Result<Option<Model>, Error> {
    let select = by_id(held(txn), engagement, id);
    Ok(for_update(txn, select).one(&txn.db()).await?)
}

/// The open memberships of an engagement, locked: of one partner, or of all.
///
/// # Errors
/// [`Error::Contended`] when a lock cannot be had in time.
pub async fn lock_open(
    txn: &Txn,
    engagement: &EngagementId,
    partner: Option<&PartnerId>,
) -> Result<Vec<Model>, Error> {
    let mut select = all(txn)
        .filter(COLUMN.engagement.eq(engagement.clone()))
        .filter(COLUMN.state.is_in(State::OPEN))
        .order_by_asc(Column::Id);
    if let Some(partner) = partner {
        select = select.filter(COLUMN.partner.eq(partner.clone()));
    }
    Ok(for_update(txn, select).all(&txn.db()).await?)
}

/// Reads one page of the members that the scope reaches: of one engagement, or of all.
///
/// # Errors
/// [`Error::BadCursor`] when the page token was made for another query.
pub async fn page(
    view: &View,
    engagement: Option<&EngagementId>,
    query: &PageQuery,
) -> Result<Page<Model>, Error> {
    let Some(engagement) = engagement else {
        // Two engagements may have members of one id, so both parts of the key order them.
        let mut query = query.clone();
        query.order.push(Order {
            field: "engagement",
            descending: false,
        });
        return page::page(&view.db(), reached(view), &query).await;
    };
    let select = reached(view).filter(COLUMN.engagement.eq(engagement.clone()));
    page::page(&view.db(), select, query).await
}

/// Which of some engagements the scope has accepted.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn accepted_among(
    view: &View,
    engagements: impl IntoIterator<Item = EngagementId>,
) -> Result<HashSet<EngagementId>, Error> {
    let select = held(view)
        .filter(COLUMN.engagement.is_in(engagements))
        .filter(COLUMN.state.eq(State::Accepted))
        .select_only()
        .column(Column::Engagement);
    let found: Vec<EngagementId> = select.into_tuple().all(&view.db()).await?;
    Ok(found.into_iter().collect())
}

/// Some invitations whose time has passed by the view's clock and was not yet acted upon, the longest
/// over first.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn due(view: &View, limit: u64) -> Result<Vec<Model>, Error> {
    let select = all(view)
        .filter(COLUMN.state.eq(State::Invited))
        .filter(Column::UntilTime.lte(view.now()))
        .order_by_asc(Column::UntilTime)
        .order_by_asc(Column::Engagement)
        .order_by_asc(Column::Id)
        .limit(limit);
    Ok(select.all(&view.db()).await?)
}

/// Adds a member.
///
/// # Errors
/// [`Error::Exists`] when its id is taken, or its partner is in the engagement already.
pub async fn insert(txn: &Txn, model: Model) -> Result<Model, Error> {
    let row = model.clone().into_active_model().reset_all();
    Entity::insert(row)
        .exec_without_returning(&txn.db())
        .await?;
    Ok(model)
}

/// Writes a changed member back whole, guarded by the version it was read at.
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
