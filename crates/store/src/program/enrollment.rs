//! Enrolments: which partner is in which program, and the tier that it holds there.

use sea_orm::entity::prelude::*;
use sea_orm::{FromJsonQueryResult, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};
use trellis_core::{
    EcosystemId, EnrollmentId, PartnerId, ProductId, ProgramId, TerritoryId, TierId, Timestamp,
};

use super::tier;
use crate::{Error, View, record};

/// Where an enrolment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum State {
    /// The partner is in the program.
    Enrolled,
}

/// Where a partner is given leads; nowhere named means everywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Territories(pub Vec<TerritoryId>);

/// What a partner is given leads for; nothing named means everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Products(pub Vec<ProductId>);

/// One enrolment.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "enrollments")]
pub struct Model {
    /// The ecosystem that it belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: EnrollmentId,
    /// The program.
    pub program: ProgramId,
    /// The partner. Once in each program.
    pub partner: PartnerId,
    /// The tier of the program that the partner holds.
    pub tier: TierId,
    /// Where it stands.
    pub state: State,
    /// Since when the partner is in the program.
    pub enroll_time: Timestamp,
    /// Where the partner is given leads of the program.
    pub territories: Territories,
    /// What it is given leads for.
    pub products: Products,
    /// How many it may have open at a time; 0: any number.
    pub lead_capacity: i32,
    /// Counts the changes.
    pub version: i64,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

crate::record! {id: EnrollmentId, Id; reach: crate::reach::Reach::Partner(Column::Partner); {
    "program" => Program,
    "partner" => Partner,
    "tier" => Tier,
    "state" => State,
    "enroll_time" => EnrollTime,
} }

/// A partner's place in a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The enrolment.
    pub enrollment: Model,
    /// The tier that it holds.
    pub tier: tier::Model,
}

/// Finds a partner's enrolment in a program, with its tier.
///
/// # Errors
/// [`Error::Corrupt`] when the tier is missing; [`Error::Driver`] and its kin.
pub async fn membership(
    view: &View,
    program: &ProgramId,
    partner: &PartnerId,
) -> Result<Option<Membership>, Error> {
    let select = record::scoped::<Entity>(view)
        .filter(COLUMN.program.eq(program.clone()))
        .filter(COLUMN.partner.eq(partner.clone()));
    let Some(enrollment) = select.one(&view.db()).await? else {
        return Ok(None);
    };
    match tier::find(view, &enrollment.program, &enrollment.tier).await? {
        Some(tier) => Ok(Some(Membership { enrollment, tier })),
        None => Err(Error::Corrupt {
            table: "enrollments",
            what: format!("{} holds a tier that does not exist", enrollment.id),
        }),
    }
}

/// Some of the enrolments of a program that stand, by partner.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn standing(view: &View, program: &ProgramId, limit: u64) -> Result<Vec<Model>, Error> {
    let select = record::scoped::<Entity>(view)
        .filter(COLUMN.program.eq(program.clone()))
        .filter(COLUMN.state.eq(State::Enrolled))
        .order_by_asc(Column::Partner)
        .limit(limit);
    Ok(select.all(&view.db()).await?)
}

/// Whether an enrolment holds a tier.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn holds_tier(view: &View, program: &ProgramId, tier: &TierId) -> Result<bool, Error> {
    let select = record::scoped::<Entity>(view)
        .filter(COLUMN.program.eq(program.clone()))
        .filter(COLUMN.tier.eq(tier.clone()));
    let held: Option<EnrollmentId> = select
        .select_only()
        .column(Column::Id)
        .limit(1)
        .into_tuple()
        .one(&view.db())
        .await?;
    Ok(held.is_some())
}
