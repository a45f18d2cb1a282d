//! Product families: groups of products that are sold, reported and rewarded together.

use sea_orm::entity::prelude::*;
use trellis_core::{EcosystemId, FamilyId, Timestamp};

use crate::record::scoped;
use crate::{Error, View};

/// One product family.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "product_families")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The id, last part of the name.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: FamilyId,
    /// The name that people read; unique, because imports name families by it.
    pub display_name: String,
    /// What belongs to it.
    pub description: Option<String>,
    /// Its id in the caller's own system; unique when set.
    pub external_id: Option<String>,
    /// Counts the changes.
    pub version: i64,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

crate::record!(id: FamilyId, Id; reach: crate::reach::Reach::Everybody; {
    "display_name" => DisplayName,
    "external_id" => ExternalId,
    "create_time" => CreateTime,
    "update_time" => UpdateTime,
});

/// Finds the families that carry one of these display names.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn by_display_names(
    view: &View,
    display_names: impl IntoIterator<Item = String>,
) -> Result<Vec<Model>, Error> {
    let select = scoped::<Entity>(view).filter(COLUMN.display_name.is_in(display_names));
    Ok(select.all(&view.db()).await?)
}
