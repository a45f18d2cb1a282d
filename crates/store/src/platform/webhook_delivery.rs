//! Events on their way to webhooks: a queue for each webhook, and the log of what became of them.
//!
//! Events about one resource are sent in the order of the feed: one waits as long as another about the
//! same resource before it does. The first of them is the head of their line, and only heads are tried, so
//! that what is tried next is found whatever waits behind it. Whoever makes a head of one or ends one holds the
//! webhook's row. Whoever sends one holds a lease on it, so that nobody else does; a lease ends by itself where
//! a server has stopped in the middle.

use std::collections::BTreeSet;

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Alias, ExprTrait, OnConflict, Order, Query, SelectStatement, SimpleExpr};
use sea_orm::{
    ActiveModelTrait, Condition, FromJsonQueryResult, IntoActiveModel, QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};
use trellis_core::lifecycle::Named;
use trellis_core::{
    EcosystemId, Page, PageQuery, Position, Timestamp, WebhookDeliveryId, WebhookId,
};

use super::webhook;
use crate::event::place::{InOrder, is_settled};
use crate::page::{self, Columns};
use crate::{Error, Txn, View, given};

/// How far a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum State {
    /// It is to be tried.
    Pending,
    /// It was taken.
    Delivered,
    /// It was not taken, and is not tried any more.
    Failed,
}

impl Named for State {
    fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Delivered => "DELIVERED",
            Self::Failed => "FAILED",
        }
    }
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it ended, by the ecosystem's clock, in microseconds.
    pub time: i64,
    /// The status of the answer, if there was one.
    pub status_code: Option<u16>,
    /// Why there was none.
    pub error: Option<String>,
    /// How long it took, in milliseconds.
    pub latency_ms: u64,
}

/// The attempts, the first first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Attempts(pub Vec<Attempt>);

/// One delivery.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_deliveries")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The webhook.
    #[sea_orm(primary_key, auto_increment = false)]
    pub webhook: WebhookId,
    /// The id, unique in the webhook.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: WebhookDeliveryId,
    /// The event's place, first part.
    pub epoch: i64,
    /// The same, second part.
    pub xid: i64,
    /// The same, third part.
    pub sequence: i64,
    /// What happened.
    pub event_type: String,
    /// What it happened to.
    pub resource: String,
    /// How far it is.
    pub state: State,
    /// The latest attempts.
    pub attempts: Attempts,
    /// How many attempts there were since it was last asked for.
    pub attempt_count: i64,
    /// When it is tried next, by the ecosystem's clock.
    pub next_attempt_time: Option<Timestamp>,
    /// Until when somebody is at it, by the deployment's clock.
    pub lease_expire_time: Option<Timestamp>,
    /// When the event came to the webhook.
    pub create_time: Timestamp,
    /// When it was last tried, or asked for.
    pub update_time: Timestamp,
    /// Whether it is the first that waits about its resource, and is tried.
    pub head: bool,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The event's place in the feed.
    #[must_use]
    pub fn position(&self) -> Position {
        Position {
            epoch: self.epoch,
            xid: self.xid,
            sequence: self.sequence,
        }
    }
}

impl Columns for Entity {
    const ID: Column = Column::Id;

    fn column(field: &str) -> Option<Column> {
        Some(match field {
            "state" => Column::State,
            "event_type" => Column::EventType,
            "resource" => Column::Resource,
            "create_time" => Column::CreateTime,
            "update_time" => Column::UpdateTime,
            _ => return None,
        })
    }
}

fn to(view: &View, webhook: &WebhookId) -> Select<Entity> {
    Entity::find()
        .filter(COLUMN.ecosystem.eq(view.ecosystem().clone()))
        .filter(COLUMN.webhook.eq(webhook.clone()))
}

/// A page of the deliveries to a webhook.
///
/// # Errors
/// [`Error::BadCursor`] when the page token was made for another query.
pub async fn page(
    view: &View,
    webhook: &WebhookId,
    query: &PageQuery,
) -> Result<Page<Model>, Error> {
    page::page(&view.db(), to(view, webhook), query).await
}

/// Puts deliveries, in the order of the feed, into the queue of a webhook, whose row is locked. What is on its
/// way already is left as it is.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn queue(txn: &Txn, webhook: &WebhookId, deliveries: Vec<Model>) -> Result<(), Error> {
    let resources: BTreeSet<String> = deliveries.iter().map(|one| one.resource.clone()).collect();
    let mut lines = lines(txn, webhook, &resources).await?;
    let count = u64::try_from(deliveries.len()).unwrap_or(u64::MAX);
    let rows = deliveries.into_iter().map(|one| {
        let head = lines.insert(one.resource.clone());
        Model { head, ..one }.into_active_model().reset_all()
    });
    let added = Entity::insert_many(rows)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(&txn.db())
        .await?;
    if added < count {
        // One that was to be a head may have been there before.
        for resource in &resources {
            move_up(txn, webhook, resource).await?;
        }
    }
    Ok(())
}

/// Those of these resources about which something waits.
async fn lines(
    view: &View,
    webhook: &WebhookId,
    resources: &BTreeSet<String>,
) -> Result<BTreeSet<String>, Error> {
    let db = view.db();
    let resources = resources.iter().map(String::as_str).collect();
    let first = first_about(view, webhook, given::text());
    let select = given::select(db.get_database_backend(), resources)
        .and_where(SimpleExpr::from(first).is_not_null())
        .take();
    let rows = db.query_all(&select).await?;
    let resources = rows.iter().map(|row| row.try_get_by_index(0));
    Ok(resources.collect::<Result<_, _>>()?)
}

/// The id of the first that waits about a resource.
fn first_about(view: &View, webhook: &WebhookId, resource: SimpleExpr) -> SelectStatement {
    let first = Alias::new("first");
    let of = |column: Column| Expr::col((first.clone(), column));
    Query::select()
        .expr(of(Column::Id))
        .from_as(Entity, first.clone())
        .and_where(of(Column::Ecosystem).eq(view.ecosystem().clone()))
        .and_where(of(Column::Webhook).eq(webhook.clone()))
        .and_where(of(Column::Resource).eq(resource))
        .and_where(of(Column::State).eq(pending()))
        .order_by((first.clone(), Column::Epoch), Order::Asc)
        .order_by((first.clone(), Column::Xid), Order::Asc)
        .order_by((first.clone(), Column::Sequence), Order::Asc)
        .limit(1)
        .take()
}

/// Makes the first that waits about a resource the head of its line.
async fn move_up(txn: &Txn, webhook: &WebhookId, resource: &str) -> Result<(), Error> {
    let first = first_about(txn, webhook, Expr::value(resource));
    Entity::update_many()
        .col_expr(Column::Head, Expr::value(true))
        .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
        .filter(COLUMN.webhook.eq(webhook.clone()))
        .filter(Expr::col((Entity, Column::Id)).eq(SimpleExpr::from(first)))
        .filter(COLUMN.head.eq(false))
        .exec(&txn.db())
        .await?;
    Ok(())
}

/// Has the head of a resource's line wait that something else is before by now.
async fn move_back(txn: &Txn, webhook: &WebhookId, resource: &str) -> Result<(), Error> {
    let first = first_about(txn, webhook, Expr::value(resource));
    Entity::update_many()
        .col_expr(Column::Head, Expr::value(false))
        .col_expr(Column::NextAttemptTime, Expr::value(txn.now()))
        .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
        .filter(COLUMN.webhook.eq(webhook.clone()))
        .filter(COLUMN.resource.eq(resource))
        .filter(Expr::col((Entity, Column::State)).eq(pending()))
        .filter(Expr::col((Entity, Column::Head)))
        .filter(Expr::col((Entity, Column::Id)).ne(SimpleExpr::from(first)))
        .exec(&txn.db())
        .await?;
    Ok(())
}

/// The delivery of an event to a webhook.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn of_event(
    view: &View,
    webhook: &WebhookId,
    event: Position,
) -> Result<Option<Model>, Error> {
    let select = to(view, webhook)
        .filter(COLUMN.epoch.eq(event.epoch))
        .filter(COLUMN.xid.eq(event.xid))
        .filter(COLUMN.sequence.eq(event.sequence));
    Ok(select.one(&view.db()).await?)
}

/// The webhooks to which something may be sent now; `now` is the deployment's time.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn due(view: &View, now: Timestamp) -> Result<Vec<WebhookId>, Error> {
    let of = Expr::col((webhook::Entity, webhook::Column::Id));
    let one = Query::select()
        .expr(Expr::col((Entity, Column::Id)))
        .from(Entity)
        .and_where(COLUMN.ecosystem.eq(view.ecosystem().clone()))
        .and_where(Expr::col((Entity, Column::Webhook)).eq(of))
        .cond_where(is_due(view, now))
        .limit(1)
        .take();
    let select = webhook::enabled_of(view)
        // Asked of each webhook by itself, and not of all that is due.
        .filter(SimpleExpr::from(one).is_not_null())
        .select_only()
        .column(webhook::Column::Id);
    Ok(select.into_tuple().all(&view.db()).await?)
}

/// The state of what waits. It is written into the statement and not bound, so that the indexes of what waits
/// answer in every plan.
fn pending() -> SimpleExpr {
    SimpleExpr::Constant(State::Pending.into())
}

/// Whether a delivery is to be tried now and nobody is at it. Whoever is sent an event may go on from it with what
/// the feed has after it, so that nothing may come before it any more.
fn is_due(view: &View, now: Timestamp) -> Condition {
    let lease = || Expr::col((Entity, Column::LeaseExpireTime));
    Condition::all()
        // The bare column, for the partial index.
        .add(Expr::col((Entity, Column::Head)))
        .add(Expr::col((Entity, Column::NextAttemptTime)).lte(view.now()))
        .add(lease().is_null().or(lease().lte(now)))
        .add(is_settled(view))
}

/// Takes what is due to a webhook, whose row is locked, at most so many, until a moment of the deployment's
/// clock.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn claim(
    txn: &Txn,
    webhook: &WebhookId,
    most: u64,
    (now, until): (Timestamp, Timestamp),
) -> Result<Vec<Model>, Error> {
    let due = to(txn, webhook)
        .filter(is_due(txn, now))
        .order_by_asc(Column::NextAttemptTime)
        .oldest_first()
        .limit(most);
    let mut claimed = due.all(&txn.db()).await?;
    for one in &mut claimed {
        one.lease_expire_time = Some(until);
        // One by one: for a list of ids PostgreSQL looks at all that waits until it has counted that.
        Entity::update_many()
            .col_expr(Column::LeaseExpireTime, Expr::value(until))
            .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
            .filter(COLUMN.webhook.eq(webhook.clone()))
            .filter(COLUMN.id.eq(one.id.clone()))
            .exec(&txn.db())
            .await?;
    }
    Ok(claimed)
}

/// Writes back what became of a claimed delivery of a webhook, whose row is locked. Nothing happens when its
/// lease is another's by now, or it is gone; answers whether it was written.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn settle(txn: &Txn, claimed: &Model, settled: &Model) -> Result<bool, Error> {
    let mut update = Entity::update_many();
    let ended = settled.state != State::Pending;
    if ended {
        update = update.col_expr(Column::Head, Expr::value(false));
    }
    let updated = update
        .col_expr(Column::State, Expr::value(settled.state))
        .col_expr(Column::Attempts, Expr::value(settled.attempts.clone()))
        .col_expr(Column::AttemptCount, Expr::value(settled.attempt_count))
        .col_expr(
            Column::NextAttemptTime,
            Expr::value(settled.next_attempt_time),
        )
        .col_expr(
            Column::LeaseExpireTime,
            Expr::value(settled.lease_expire_time),
        )
        .col_expr(Column::UpdateTime, Expr::value(txn.now()))
        .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
        .filter(COLUMN.webhook.eq(claimed.webhook.clone()))
        .filter(COLUMN.id.eq(claimed.id.clone()))
        .filter(Expr::col(Column::LeaseExpireTime).eq(claimed.lease_expire_time))
        .exec(&txn.db())
        .await?;
    if updated.rows_affected == 1 && ended {
        move_up(txn, &claimed.webhook, &claimed.resource).await?;
    }
    Ok(updated.rows_affected == 1)
}

/// Has a delivery of a webhook, whose row is locked, tried again that has ended, or that waits.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn again(txn: &Txn, delivery: Model) -> Result<Model, Error> {
    let again = Model {
        state: State::Pending,
        attempt_count: 0,
        next_attempt_time: Some(txn.now()),
        lease_expire_time: None,
        update_time: txn.now(),
        ..delivery
    };
    Entity::update_many()
        .col_expr(Column::State, Expr::value(again.state))
        .col_expr(Column::AttemptCount, Expr::value(again.attempt_count))
        .col_expr(
            Column::NextAttemptTime,
            Expr::value(again.next_attempt_time),
        )
        .col_expr(
            Column::LeaseExpireTime,
            Expr::value(again.lease_expire_time),
        )
        .col_expr(Column::UpdateTime, Expr::value(again.update_time))
        .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
        .filter(COLUMN.webhook.eq(again.webhook.clone()))
        .filter(COLUMN.id.eq(again.id.clone()))
        .exec(&txn.db())
        .await?;
    move_back(txn, &again.webhook, &again.resource).await?;
    move_up(txn, &again.webhook, &again.resource).await?;
    Ok(again)
}

/// Has everything that waits for a webhook tried now.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn hurry(txn: &Txn, webhook: &WebhookId) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::NextAttemptTime, Expr::value(txn.now()))
        .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
        .filter(COLUMN.webhook.eq(webhook.clone()))
        // What is behind has not been put off.
        .filter(Expr::col(Column::Head))
        .filter(Expr::col(Column::NextAttemptTime).gt(txn.now()))
        .exec(&txn.db())
        .await?;
    Ok(())
}

/// The place of the oldest event that waits for a webhook, whichever.
pub(crate) async fn oldest_waiting(view: &View) -> Result<Option<Position>, Error> {
    let oldest: Option<(i64, i64, i64)> = Entity::find()
        .filter(COLUMN.ecosystem.eq(view.ecosystem().clone()))
        .filter(Expr::col((Entity, Column::State)).eq(pending()))
        .select_only()
        .columns([Column::Epoch, Column::Xid, Column::Sequence])
        .oldest_first()
        .limit(1)
        .into_tuple()
        .one(&view.db())
        .await?;
    Ok(oldest.map(|(epoch, xid, sequence)| Position {
        epoch,
        xid,
        sequence,
    }))
}

/// Forgets what ended before a moment, at most so many; answers how many.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn forget(txn: &Txn, before: Timestamp, most: u64) -> Result<u64, Error> {
    let old = Entity::find()
        .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
        .filter(Expr::col(Column::State).ne(pending()))
        .filter(Expr::col(Column::UpdateTime).lt(before))
        .limit(most)
        .all(&txn.db())
        .await?;
    if old.is_empty() {
        return Ok(0);
    }
    let removed = Entity::delete_many()
        .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
        .filter(COLUMN.id.is_in(old.iter().map(|one| one.id.clone())))
        .exec(&txn.db())
        .await?;
    Ok(removed.rows_affected)
}

/// Forgets everything about a webhook.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn forget_all(txn: &Txn, webhook: &WebhookId) -> Result<(), Error> {
    Entity::delete_many()
        .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
        .filter(COLUMN.webhook.eq(webhook.clone()))
        .exec(&txn.db())
        .await?;
    Ok(())
}
