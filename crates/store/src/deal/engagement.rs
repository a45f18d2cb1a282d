//! Engagements: work of several partners on one customer.

use sea_orm::FromJsonQueryResult;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};
use trellis_core::lifecycle::Named;
use trellis_core::{Currency, EcosystemId, EngagementId, Money, Timestamp};

use super::engagement_member;

/// Where an engagement stands. The legal moves are the deal service's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum State {
    /// Being prepared.
    Draft,
    /// Partners work together.
    Active,
    /// On hold.
    Suspended,
    /// Over.
    Closed,
}

impl Named for State {
    fn name(self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::Active => "ACTIVE",
            Self::Suspended => "SUSPENDED",
            Self::Closed => "CLOSED",
        }
    }
}

/// What kinds of partners are looked for, in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct ExpectedRoles(pub Vec<String>);

/// One engagement.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "engagements")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The id, last part of the name.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: EngagementId,
    /// What it is about.
    pub title: String,
    /// What the customer is called.
    pub customer_name: String,
    /// The country where it is at home.
    pub region_code: Option<String>,
    /// What it does.
    pub industry: Option<String>,
    /// How large it is.
    pub size_band: Option<String>,
    /// What is to be done.
    pub description: Option<String>,
    /// What kinds of partners are looked for.
    pub expected_roles: ExpectedRoles,
    /// What the business may be worth, in minor units of `currency`.
    pub estimated_minor: Option<i64>,
    /// The currency of the estimate.
    pub currency: Option<Currency>,
    /// Whether members learn of each other.
    pub members_visible: bool,
    /// Its id in the caller's own system; unique when set.
    pub external_id: Option<String>,
    /// Where it stands.
    pub state: State,
    /// Why it was closed.
    pub reason_code: Option<String>,
    /// When it was closed.
    pub close_time: Option<Timestamp>,
    /// Counts the changes.
    pub version: i64,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// What the business may be worth, if that is known.
    #[must_use]
    pub fn estimated_value(&self) -> Option<Money> {
        let (minor, currency) = self.estimated_minor.zip(self.currency)?;
        Some(Money::new(minor, currency))
    }
}

crate::record!(id: EngagementId, Id;
    reach: crate::reach::Reach::Named(Column::Id, engagement_member::engagements); {
    "title" => Title,
    "members_visible" => MembersVisible,
    "external_id" => ExternalId,
    "state" => State,
    "create_time" => CreateTime,
    "update_time" => UpdateTime,
});
