//! How leads were routed: everybody who was looked at, and what decided. Rows are added, never
//! changed.

use sea_orm::entity::prelude::*;
use sea_orm::{ConnectionTrait, FromJsonQueryResult, FromQueryResult, IntoActiveModel, Statement};
use serde::{Deserialize, Serialize};
use trellis_core::lifecycle::Named;
use trellis_core::{EcosystemId, LeadId, Order, Page, PageQuery, PartnerId, ProgramId, Timestamp};

use crate::page::{self, Columns};
use crate::partner::partner;
use crate::program::enrollment;
use crate::{Error, Txn, View};

/// Why a partner cannot be offered a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Ineligibility {
    /// It is not active.
    PartnerNotActive,
    /// None of its territories covers the lead.
    OutsideTerritories,
    /// It is not authorized for all of the products.
    NotAuthorized,
    /// It has as many open leads as it may.
    AtCapacity,
    /// Its tier is given none.
    NoWeight,
    /// It declined the lead.
    Declined,
    /// It did not accept the lead in time.
    Lapsed,
    /// It gave the lead back.
    Returned,
}

/// Why nobody is offered a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Obstacle {
    /// Nobody in the program is eligible.
    NoEligiblePartner,
    /// It was offered to as many partners as the program says.
    OfferLimit,
    /// The program gives no leads.
    ProgramNotActive,
}

impl Named for Obstacle {
    fn name(self) -> &'static str {
        match self {
            Self::NoEligiblePartner => "NO_ELIGIBLE_PARTNER",
            Self::OfferLimit => "OFFER_LIMIT",
            Self::ProgramNotActive => "PROGRAM_NOT_ACTIVE",
        }
    }
}

/// A partner that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The partner.
    pub partner: PartnerId,
    /// Everything that speaks against it.
    pub ineligibilities: Vec<Ineligibility>,
    /// The weight of its tier.
    pub weight: i32,
    /// How many leads of the program it had open.
    pub open_leads: i64,
    /// How many it may have open; 0: any number.
    pub capacity: i32,
    /// Whether it was drawn from.
    pub drawn_from: bool,
}

/// Whom a lead was offered to, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Routing {
    /// The partner that was chosen.
    pub partner: Option<PartnerId>,
    /// Why nobody was.
    pub obstacle: Option<Obstacle>,
    /// What the draw follows from.
    pub seed: i64,
    /// The number that was drawn, from 0 to below `weight_sum`.
    pub draw: i64,
    /// The sum of the weights that were drawn from.
    pub weight_sum: i64,
    /// Everybody who was looked at, in the order of their ids.
    pub candidates: Vec<Candidate>,
}

/// One routing of a lead.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lead_routings")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The lead.
    #[sea_orm(primary_key, auto_increment = false)]
    pub lead: LeadId,
    /// Its place, counted from 1 without gaps.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i32,
    /// What decided.
    pub routing: Routing,
    /// When.
    pub create_time: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

impl Columns for Entity {
    const ID: Column = Column::Number;

    fn column(field: &str) -> Option<Column> {
        (field == LATEST_FIRST.field).then_some(Column::Number)
    }
}

/// The order that routings are listed in.
const LATEST_FIRST: Order = Order {
    field: "number",
    descending: true,
};

/// Adds a routing.
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

/// Reads one page of a lead's routings, the latest first.
///
/// # Errors
/// [`Error::BadCursor`] when the page token was made for another query.
pub async fn page(view: &View, lead: &LeadId, query: &PageQuery) -> Result<Page<Model>, Error> {
    let select = Entity::find()
        .filter(COLUMN.ecosystem.eq(view.ecosystem().clone()))
        .filter(COLUMN.lead.eq(lead.clone()));
    let query = PageQuery {
        order: vec![LATEST_FIRST],
        ..query.clone()
    };
    page::page(&view.db(), select, &query).await
}

/// A partner of a program, as far as routing asks about it.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Member {
    /// The partner.
    pub partner: PartnerId,
    /// Where it stands.
    pub state: partner::State,
    /// When its suspension ends by itself, if it is suspended and an end was set.
    pub suspend_until_time: Option<Timestamp>,
    /// Where it is given leads; nowhere named means everywhere.
    pub territories: enrollment::Territories,
    /// What it is given leads for; nothing named means everything.
    pub products: enrollment::Products,
    /// How many it may have open; 0: any number.
    pub lead_capacity: i32,
    /// The weight of its tier.
    pub lead_weight: i32,
}

const MEMBERS: &str = "SELECT enrollments.partner, partners.state, partners.suspend_until_time, \
    enrollments.territories, enrollments.products, enrollments.lead_capacity, tiers.lead_weight \
    FROM enrollments \
    JOIN partners ON partners.ecosystem = $1 AND partners.id = enrollments.partner \
    JOIN tiers ON tiers.ecosystem = $1 AND tiers.program = $2 AND tiers.id = enrollments.tier \
    WHERE enrollments.ecosystem = $1 AND enrollments.program = $2 \
    AND enrollments.state = 'ENROLLED' ORDER BY enrollments.partner";

/// The partners that are enrolled in a program, whoever asks.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn members(view: &View, program: &ProgramId) -> Result<Vec<Member>, Error> {
    let db = view.db();
    let values = [view.ecosystem().as_str().into(), program.as_str().into()];
    let select = Statement::from_sql_and_values(db.get_database_backend(), MEMBERS, values);
    Ok(Member::find_by_statement(select).all(&db).await?)
}
