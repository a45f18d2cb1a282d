//! Partners: the organisations of an ecosystem.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::ExprTrait;
use sea_orm::{QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};
use trellis_core::lifecycle::Named;
pub use trellis_core::partner::PartnerType;
use trellis_core::{EcosystemId, PartnerId, Timestamp};

use crate::record::{self, scoped};
use crate::{Error, Txn, View};

/// Where a partner stands. The legal moves are the partner service's.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// Known, not yet asked.
    Prospect,
    /// Asked to join.
    Invited,
    /// Joined; being set up.
    Onboarding,
    /// At work.
    Active,
    /// Stopped for a while.
    Suspended,
    /// Under notice.
    Terminating,
    /// Left.
    Terminated,
    /// Said no.
    Declined,
    /// Did not answer in time.
    Expired,
}

impl Named for State {
    fn name(self) -> &'static str {
        match self {
            Self::Prospect => "PROSPECT",
            Self::Invited => "INVITED",
            Self::Onboarding => "ONBOARDING",
            Self::Active => "ACTIVE",
            Self::Suspended => "SUSPENDED",
            Self::Terminating => "TERMINATING",
            Self::Terminated => "TERMINATED",
            Self::Declined => "DECLINED",
            Self::Expired => "EXPIRED",
        }
    }
}

/// One partner.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "partners")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The id, last part of the name.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PartnerId,
    /// The name that people read.
    pub display_name: String,
    /// What kind of partner it is.
    pub partner_type: PartnerType,
    /// Its country, ISO 3166-1 alpha-2.
    pub region_code: Option<String>,
    /// Its web site's domain.
    pub domain: Option<String>,
    /// Where invitations and notices go.
    pub contact_email: Option<String>,
    /// Its id in the caller's own system; unique when set.
    pub external_id: Option<String>,
    /// Who looks after it.
    pub channel_manager: Option<String>,
    /// Where it stands.
    pub state: State,
    /// When the open invitation ends.
    pub invitation_expire_time: Option<Timestamp>,
    /// When the suspension ends by itself.
    pub suspend_until_time: Option<Timestamp>,
    /// When the notice ends.
    pub terminate_time: Option<Timestamp>,
    /// Counts the changes.
    pub version: i64,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

crate::record!(id: PartnerId, Id; reach: crate::reach::Reach::Partner(Column::Id); {
    "display_name" => DisplayName,
    "partner_type" => PartnerType,
    "region_code" => RegionCode,
    "domain" => Domain,
    "external_id" => ExternalId,
    "channel_manager" => ChannelManager,
    "state" => State,
    "create_time" => CreateTime,
    "update_time" => UpdateTime,
});

/// Finds the partners that carry one of these external ids, locked.
///
/// # Errors
/// [`Error::Contended`] when a lock cannot be had in time.
pub async fn lock_by_external_ids(
    txn: &Txn,
    external_ids: impl IntoIterator<Item = String>,
) -> Result<Vec<Model>, Error> {
    let select = scoped::<Entity>(txn)
        .filter(COLUMN.external_id.is_in(external_ids))
        .order_by_asc(Column::Id);
    Ok(record::for_update(txn, select).all(&txn.db()).await?)
}

/// Finds the partners that carry one of these external ids.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn by_external_ids(
    view: &View,
    external_ids: impl IntoIterator<Item = String>,
) -> Result<Vec<Model>, Error> {
    let select = scoped::<Entity>(view).filter(COLUMN.external_id.is_in(external_ids));
    Ok(select.all(&view.db()).await?)
}

/// Locks some partners whose invitation, suspension or notice has ended by the view's clock.
///
/// Each of the three deadlines has an index of its own, over the rows that have one.
///
/// # Errors
/// [`Error::Contended`] when a lock cannot be had in time.
pub async fn lock_due(txn: &Txn, limit: u64) -> Result<Vec<Model>, Error> {
    let now = txn.now();
    let due = sea_orm::Condition::any()
        .add(
            Column::State
                .eq(State::Invited)
                .and(Column::InvitationExpireTime.lte(now)),
        )
        .add(
            Column::State
                .eq(State::Suspended)
                .and(Column::SuspendUntilTime.lte(now)),
        )
        .add(
            Column::State
                .eq(State::Terminating)
                .and(Column::TerminateTime.lte(now)),
        );
    let select = scoped::<Entity>(txn)
        .filter(due)
        .order_by_asc(Column::Id)
        .limit(limit);
    Ok(record::for_update(txn, select).all(&txn.db()).await?)
}
