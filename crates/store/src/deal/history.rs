//! What is remembered of a deal: each move of its stage, and each time its parts were set. Rows are
//! added, never changed.

use sea_orm::entity::prelude::*;
use trellis_core::{DealId, Order, Page, PageQuery};

use super::deal_participant;
use crate::page::{self, Columns};
use crate::record::insert_many;
use crate::{Error, Txn, View};

/// The order that histories are listed in.
const LATEST_FIRST: Order = Order {
    field: "number",
    descending: true,
};

/// The moves of stages.
pub mod stage_change {
    use sea_orm::entity::prelude::*;
    use trellis_core::{Currency, Date, DealId, EcosystemId, Timestamp};

    use crate::deal::deal::Stage;

    /// One move.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "deal_stage_changes")]
    pub struct Model {
        /// The ecosystem.
        #[sea_orm(primary_key, auto_increment = false)]
        pub ecosystem: EcosystemId,
        /// The deal.
        #[sea_orm(primary_key, auto_increment = false)]
        pub deal: DealId,
        /// Its place, counted from 1 without gaps.
        #[sea_orm(primary_key, auto_increment = false)]
        pub number: i64,
        /// The stage before; none when the deal came into being.
        pub from_stage: Option<Stage>,
        /// The stage after.
        pub to_stage: Stage,
        /// What the deal was worth then, in minor units of `currency`.
        pub amount_minor: Option<i64>,
        /// The currency of the amount.
        pub currency: Option<Currency>,
        /// When it closed or was expected to.
        pub close_date: Option<Date>,
        /// Who moved it.
        pub actor: String,
        /// Why, in a word.
        pub reason_code: Option<String>,
        /// Why, in a sentence.
        pub note: Option<String>,
        /// When.
        pub create_time: Timestamp,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl super::Columns for Entity {
        const ID: Column = Column::Number;

        fn column(field: &str) -> Option<Column> {
            (field == super::LATEST_FIRST.field).then_some(Column::Number)
        }
    }
}

/// What led to the parts being as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum Cause {
    /// The deal came into being.
    Created,
    /// Somebody set them.
    Set,
    /// An import said so.
    Imported,
    /// A dispute was upheld.
    Dispute,
}

/// The parts over time.
pub mod role_change {
    use sea_orm::entity::prelude::*;
    use trellis_core::{DealId, EcosystemId, Timestamp};

    use super::Cause;
    use crate::deal::part::Roles;

    /// All the parts from a moment on.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "deal_role_changes")]
    pub struct Model {
        /// The ecosystem.
        #[sea_orm(primary_key, auto_increment = false)]
        pub ecosystem: EcosystemId,
        /// The deal.
        #[sea_orm(primary_key, auto_increment = false)]
        pub deal: DealId,
        /// Its place, counted from 1 without gaps.
        #[sea_orm(primary_key, auto_increment = false)]
        pub number: i64,
        /// What led to it.
        pub cause: Cause,
        /// All the parts, with their evidence.
        pub roles: Roles,
        /// Who set them.
        pub actor: String,
        /// Why, in a sentence.
        pub note: Option<String>,
        /// When.
        pub create_time: Timestamp,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl super::Columns for Entity {
        const ID: Column = Column::Number;

        fn column(field: &str) -> Option<Column> {
            (field == super::LATEST_FIRST.field).then_some(Column::Number)
        }
    }
}

/// Adds what is to be remembered, and lets the partners that have a part now reach the deals.
///
/// # Errors
/// [`Error::Exists`] when a number is taken.
pub async fn remember(
    txn: &Txn,
    stages: Vec<stage_change::Model>,
    roles: Vec<role_change::Model>,
) -> Result<(), Error> {
    deal_participant::follow(txn, &roles).await?;
    insert_many::<stage_change::Entity>(txn, stages).await?;
    insert_many::<role_change::Entity>(txn, roles).await
}

/// Reads one page of the moves of a deal, the latest first. The caller has found the deal in the
/// view.
///
/// # Errors
/// [`Error::BadCursor`] when the page token was made for another query.
pub async fn stages(
    view: &View,
    deal: &DealId,
    query: &PageQuery,
) -> Result<Page<stage_change::Model>, Error> {
    let select = stage_change::Entity::find()
        .filter(stage_change::COLUMN.ecosystem.eq(view.ecosystem().clone()))
        .filter(stage_change::COLUMN.deal.eq(deal.clone()));
    page::page(&view.db(), select, &latest_first(query)).await
}

/// Reads one page of the parts of a deal over time, the latest first. The caller has found the deal
/// in the view.
///
/// # Errors
/// [`Error::BadCursor`] when the page token was made for another query.
pub async fn roles(
    view: &View,
    deal: &DealId,
    query: &PageQuery,
) -> Result<Page<role_change::Model>, Error> {
    let select = role_change::Entity::find()
        .filter(role_change::COLUMN.ecosystem.eq(view.ecosystem().clone()))
        .filter(role_change::COLUMN.deal.eq(deal.clone()));
    page::page(&view.db(), select, &latest_first(query)).await
}

fn latest_first(query: &PageQuery) -> PageQuery {
    PageQuery {
        order: vec![LATEST_FIRST],
        ..query.clone()
    }
}
