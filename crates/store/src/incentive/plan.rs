//! Plans: the promises of programs to their partners. What a plan pays stands in its versions.

use sea_orm::entity::prelude::*;
use trellis_core::{EcosystemId, PlanId, ProgramId, Timestamp};

/// One plan.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "plans")]
pub struct Model {
    /// The ecosystem that it belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PlanId,
    /// The name that people read.
    pub display_name: String,
    /// What it is for.
    pub description: String,
    /// The program whose partners it pays.
    pub program: ProgramId,
    /// Counts the changes.
    pub version: i64,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

crate::record!(id: PlanId, Id; reach: crate::reach::Reach::Staff; {
    "program" => Program,
    "display_name" => DisplayName,
    "create_time" => CreateTime,
    "update_time" => UpdateTime,
});
