//! Revisions: what a program said from one change to the next. Rows are added, never changed.

use sea_orm::entity::prelude::*;
use sea_orm::{FromJsonQueryResult, IntoActiveModel};
use serde::{Deserialize, Serialize};
use trellis_core::{Actor, EcosystemId, Order, Page, PageQuery, ProgramId, Timestamp};

use super::{program, tier};
use crate::page::{self, Columns};
use crate::{Error, Txn, View};

/// A program with its living tiers, as they were.
///
/// It is kept as JSON of the rows. A column that is added to them later needs a serde default, so
/// that the revisions made before it stay readable; a test reads the oldest form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Snapshot {
    /// The program.
    pub program: program::Model,
    /// Its living tiers, the lowest first.
    pub tiers: Vec<tier::Model>,
}

/// One revision.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "program_revisions")]
pub struct Model {
    /// The ecosystem that it belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The program.
    #[sea_orm(primary_key, auto_increment = false)]
    pub program: ProgramId,
    /// Its place, counted from 1 without gaps.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i32,
    /// What the program said.
    pub snapshot: Snapshot,
    /// Who made the change.
    pub actor: Actor,
    /// When.
    pub create_time: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

impl Columns for Entity {
    const ID: Column = Column::Number;

    fn column(field: &str) -> Option<Column> {
        (field == NEWEST_FIRST.field).then_some(Column::Number)
    }
}

/// The order that revisions are listed in.
const NEWEST_FIRST: Order = Order {
    field: "revision_number",
    descending: true,
};

/// Adds a revision.
///
/// # Errors
/// [`Error::Exists`] when the number is taken.
pub async fn append(txn: &Txn, model: Model) -> Result<(), Error> {
    let row = model.into_active_model().reset_all();
    Entity::insert(row)
        .exec_without_returning(&txn.db())
        .await?;
    Ok(())
}

/// Reads one page of a program's revisions, the newest first.
///
/// # Errors
/// [`Error::BadCursor`] when the page token was made for another query.
pub async fn page(
    view: &View,
    program: &ProgramId,
    query: &PageQuery,
) -> Result<Page<Model>, Error> {
    let select = Entity::find()
        .filter(COLUMN.ecosystem.eq(view.ecosystem().clone()))
        .filter(COLUMN.program.eq(program.clone()));
    let query = PageQuery {
        order: vec![NEWEST_FIRST],
        ..query.clone()
    };
    page::page(&view.db(), select, &query).await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The oldest form of a snapshot that a database may hold. Never edited.
    const OLDEST: &str = r#"{
        "program": {
            "ecosystem": "acme", "id": "orbit", "display_name": "Orbit", "description": "",
            "time_zone": "Europe/Berlin", "currency": "EUR", "protection_days": 90,
            "extension_days": 60, "hard_stop_days": 180, "auto_approve": true,
            "auto_approve_limit_minor": 2500000, "state": "ACTIVE", "revision_number": 1,
            "publish_time": 1790000000000000, "retire_time": null, "version": 2,
            "create_time": 1780000000000000, "update_time": 1790000000000000
        },
        "tiers": [{
            "ecosystem": "acme", "program": "orbit", "id": "silver", "display_name": "Silver",
            "rank": 1, "description": "", "version": 1, "create_time": 1780000000000000,
            "update_time": 1780000000000000, "delete_time": null
        }]
    }"#;

    #[test]
    fn the_oldest_snapshot_can_still_be_read() {
        let Snapshot { program, tiers } = serde_json::from_str(OLDEST).unwrap();
        assert_eq!(program.state, program::State::Active);
        assert_eq!(program.time_zone.as_str(), "Europe/Berlin");
        assert_eq!(
            program.auto_approve_limit().unwrap().to_string(),
            "25,000.00 EUR"
        );
        assert_eq!(tiers.first().unwrap().id.as_str(), "silver");
        // What is younger is as it was for everybody when it came.
        let leads = (
            program.lead_accept_days,
            program.lead_act_days,
            program.lead_offer_limit,
        );
        assert_eq!(leads, (14, 60, 3));
        assert_eq!(tiers.first().unwrap().lead_weight, 1);
    }

    #[test]
    fn a_snapshot_reads_back_as_it_was_written() {
        let snapshot: Snapshot = serde_json::from_str(OLDEST).unwrap();
        let text = serde_json::to_string(&snapshot).unwrap();
        assert_eq!(serde_json::from_str::<Snapshot>(&text).unwrap(), snapshot);
    }
}
