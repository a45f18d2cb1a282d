//! Events on their way to webhooks: a queue for each webhook, and the log of what became of them.
//!
//! Events about one resource are sent in the order of the feed: one waits as long as another about the
//! same resource before it does. Whoever sends one holds a lease on it, so that nobody else does; a lease
//! ends by itself where a server has stopped in the middle.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Alias, ExprTrait, LockBehavior, LockType, OnConflict, Query, SimpleExpr};
use sea_orm::{
    ActiveModelTrait, Condition, DatabaseBackend, FromJsonQueryResult, IntoActiveModel, QueryOrder,
    QuerySelect,
};
use serde::{Deserialize, Serialize};
use trellis_core::lifecycle::Named;
use trellis_core::{
    EcosystemId, Page, PageQuery, Position, Timestamp, WebhookDeliveryId, WebhookId,
};

use crate::event::place::InOrder;
use crate::page::{self, Columns};
use crate::{Error, Txn, View};

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

/// Puts deliveries into their queues. What is on its way already is left as it is.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn queue(txn: &Txn, deliveries: Vec<Model>) -> Result<(), Error> {
    let rows = deliveries
        .into_iter()
        .map(|one| one.into_active_model().reset_all());
    Entity::insert_many(rows)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(&txn.db())
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
    let select = Entity::find()
        .filter(COLUMN.ecosystem.eq(view.ecosystem().clone()))
        .filter(is_due(view, now))
        .select_only()
        .column(Column::Webhook)
        .distinct();
    Ok(select.into_tuple().all(&view.db()).await?)
}

/// The state of what waits. It is written into the statement and not bound, so that the indexes of what waits
/// answer in every plan.
fn pending() -> SimpleExpr {
    SimpleExpr::Constant(State::Pending.into())
}

/// Whether a delivery is to be tried now and nobody is at it.
fn is_due(view: &View, now: Timestamp) -> Condition {
    let lease = || Expr::col((Entity, Column::LeaseExpireTime));
    Condition::all()
        .add(Expr::col((Entity, Column::State)).eq(pending()))
        .add(Expr::col((Entity, Column::NextAttemptTime)).lte(view.now()))
        .add(lease().is_null().or(lease().lte(now)))
}

/// Takes what is due to a webhook, at most so many, until a moment of the deployment's clock. Of each
/// resource it is the first that waits.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn claim(
    txn: &Txn,
    webhook: &WebhookId,
    most: u64,
    (now, until): (Timestamp, Timestamp),
) -> Result<Vec<Model>, Error> {
    let before = Alias::new("before");
    let of = |column: Column| Expr::col((before.clone(), column));
    let mine = |column: Column| Expr::col((Entity, column));
    let place = |column: &dyn Fn(Column) -> Expr| {
        Expr::tuple([
            column(Column::Epoch),
            column(Column::Xid),
            column(Column::Sequence),
        ])
    };
    let waits_before = Query::select()
        .expr(Expr::value(1))
        .from_as(Entity, before.clone())
        .and_where(of(Column::Ecosystem).eq(mine(Column::Ecosystem)))
        .and_where(of(Column::Webhook).eq(mine(Column::Webhook)))
        .and_where(of(Column::Resource).eq(mine(Column::Resource)))
        .and_where(of(Column::State).eq(pending()))
        .and_where(place(&of).lt(place(&mine)))
        .take();
    let mut select = to(txn, webhook)
        .filter(is_due(txn, now))
        .filter(Expr::exists(waits_before).not())
        .order_by_asc(Column::NextAttemptTime)
        .oldest_first()
        .limit(most);
    if txn.db().get_database_backend() == DatabaseBackend::Postgres {
        select = select.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    }
    let mut claimed = select.all(&txn.db()).await?;
    if claimed.is_empty() {
        return Ok(claimed);
    }
    Entity::update_many()
        .col_expr(Column::LeaseExpireTime, Expr::value(until))
        .filter(COLUMN.ecosystem.eq(txn.ecosystem().clone()))
        .filter(COLUMN.webhook.eq(webhook.clone()))
        .filter(COLUMN.id.is_in(claimed.iter().map(|one| one.id.clone())))
        .exec(&txn.db())
        .await?;
    for one in &mut claimed {
        one.lease_expire_time = Some(until);
    }
    Ok(claimed)
}

/// Writes back what became of a claimed delivery. Nothing happens when its lease is another's by now, or it
/// is gone; answers whether it was written.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn settle(txn: &Txn, claimed: &Model, settled: &Model) -> Result<bool, Error> {
    let updated = Entity::update_many()
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
    Ok(updated.rows_affected == 1)
}

/// Puts a delivery that has ended, or that waits, at the front again.
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
        .filter(Expr::col(Column::State).eq(pending()))
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
