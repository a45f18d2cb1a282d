//! Programs: what partners join, with the rules of deal registration.

use sea_orm::entity::prelude::*;
use sea_orm::{DatabaseBackend, FromJsonQueryResult, QuerySelect};
use serde::{Deserialize, Serialize};
use trellis_core::lifecycle::Named;
use trellis_core::{Calendar, Currency, EcosystemId, Money, ProgramId, TimeZone, Timestamp};

use crate::{Error, Txn, View, record};

/// Where a program stands.
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
    /// Being written.
    Draft,
    /// Published.
    Active,
    /// Over.
    Retired,
}

impl Named for State {
    fn name(self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::Active => "ACTIVE",
            Self::Retired => "RETIRED",
        }
    }
}

/// What the partners of a program are told when another partner's registration stands in the way of
/// theirs.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    Serialize,
    Deserialize,
)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ConflictDisclosure {
    /// Nothing, until it is decided about.
    #[default]
    Sealed,
    /// That theirs waits.
    State,
}

/// What becomes of a registration that nobody has responded to when it is escalated the last time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FinalBreach {
    /// It goes on waiting.
    #[default]
    Escalate,
    /// It is approved, if nothing speaks against it.
    AutoApprove,
}

/// The clocks of deal registration. What a row or a revision leaves out is as usual.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(default)]
pub struct RegistrationClock {
    /// On which days the program is at work.
    pub calendar: Calendar,
    /// For how many business days a partner may take to answer what the staff want to know.
    pub info_business_days: i32,
    /// How often a registration may be handed in again after that.
    pub resubmission_limit: i32,
    /// Within how many business days the vendor responds.
    pub response_business_days: i32,
    /// How many business days later it is escalated the last time.
    pub escalation_business_days: i32,
    /// What becomes of it then.
    pub on_final_breach: FinalBreach,
    /// For how many days a partner may hand in what it had only with new evidence.
    pub cool_off_days: i32,
}

impl Default for RegistrationClock {
    fn default() -> Self {
        Self {
            calendar: Calendar::default(),
            info_business_days: 10,
            resubmission_limit: 3,
            response_business_days: 2,
            escalation_business_days: 3,
            on_final_breach: FinalBreach::Escalate,
            cool_off_days: 30,
        }
    }
}

/// One program.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "programs")]
pub struct Model {
    /// The ecosystem that it belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ProgramId,
    /// The name that people read.
    pub display_name: String,
    /// What it is for.
    pub description: String,
    /// Where its days begin and end.
    pub time_zone: TimeZone,
    /// The currency of its amounts.
    pub currency: Currency,
    /// For how many days an approved registration is protected.
    pub protection_days: i32,
    /// By how many days an extension lengthens the protection.
    pub extension_days: i32,
    /// After how many days the protection ends whatever was extended.
    pub hard_stop_days: i32,
    /// Whether a registration that nothing speaks against is approved without a person.
    pub auto_approve: bool,
    /// The largest value approved so, in minor units of the program's currency.
    pub auto_approve_limit_minor: Option<i64>,
    /// What partners are told of conflicts. Revisions that are older than this hold none.
    #[serde(default)]
    pub conflict_disclosure: ConflictDisclosure,
    /// How many accounts a partner may register business with in 24 hours; 0: any number. Revisions
    /// that are older than this set no limit.
    #[serde(default)]
    pub daily_account_budget: i32,
    /// How many in 30 days; 0: any number.
    #[serde(default)]
    pub monthly_account_budget: i32,
    /// How many registrations one person of a partner may hold open; 0: any number.
    #[serde(default)]
    pub person_open_limit: i32,
    /// How many registrations a partner may hold open; 0: any number.
    #[serde(default)]
    pub partner_open_limit: i32,
    /// For how many days the vendor's own open deal counts after it was last changed; 0: not at all.
    /// Revisions that are older than this have the defaults.
    #[serde(default = "direct_lookback_days")]
    pub direct_lookback_days: i32,
    /// Whether partners may sell with the vendor where it has a deal of its own.
    #[serde(default)]
    pub teaming: bool,
    /// For how many days a partner that won a customer keeps its renewals and expansions; 0: none.
    #[serde(default = "incumbent_days")]
    pub incumbent_days: i32,
    /// How many proofs a registration needs.
    #[serde(default)]
    pub evidence_minimum: i32,
    /// For how many days a lead stays offered to a partner. Revisions that are older than leads have
    /// the defaults.
    #[serde(default = "accept_days")]
    pub lead_accept_days: i32,
    /// For how many days a partner that accepted a lead may take to begin work.
    #[serde(default = "act_days")]
    pub lead_act_days: i32,
    /// To how many partners a lead is offered at most.
    #[serde(default = "offer_limit")]
    pub lead_offer_limit: i32,
    /// The clocks of deal registration.
    #[serde(default)]
    pub registration_clock: RegistrationClock,
    /// Where it stands.
    pub state: State,
    /// The number of its newest revision; 0 before it is published.
    pub revision_number: i32,
    /// When it was published.
    pub publish_time: Option<Timestamp>,
    /// When it was retired.
    pub retire_time: Option<Timestamp>,
    /// Counts the changes.
    pub version: i64,
    /// When it was created.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub update_time: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

const fn direct_lookback_days() -> i32 {
    180
}

const fn incumbent_days() -> i32 {
    365
}

const fn accept_days() -> i32 {
    14
}

const fn act_days() -> i32 {
    60
}

const fn offer_limit() -> i32 {
    3
}

impl Model {
    /// The largest value that is approved without a person, if there is a limit.
    #[must_use]
    pub fn auto_approve_limit(&self) -> Option<Money> {
        self.auto_approve_limit_minor
            .map(|minor| Money::new(minor, self.currency))
    }
}

crate::record! {id: ProgramId, Id; reach: crate::reach::Reach::Published(Column::State, "DRAFT"); {
    "state" => State,
    "display_name" => DisplayName,
    "time_zone" => TimeZone,
    "currency_code" => Currency,
    "create_time" => CreateTime,
    "update_time" => UpdateTime,
} }

/// The programs that tell their partners of conflicts.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn telling(view: &View) -> Result<Vec<ProgramId>, Error> {
    let select = record::scoped::<Entity>(view)
        .filter(COLUMN.conflict_disclosure.eq(ConflictDisclosure::State))
        .select_only()
        .column(Column::Id);
    Ok(select.into_tuple().all(&view.db()).await?)
}

/// Finds a program and keeps it as it is until the transaction ends, without keeping others from
/// doing the same: for what may happen many at a time while the program stands.
///
/// # Errors
/// [`Error::Contended`] when its lock cannot be had in time.
pub async fn hold(txn: &Txn, id: &ProgramId) -> Result<Option<Model>, Error> {
    let mut select = record::scoped::<Entity>(txn).filter(COLUMN.id.eq(id.clone()));
    if txn.db().get_database_backend() == DatabaseBackend::Postgres {
        select = select.lock_shared();
    }
    Ok(select.one(&txn.db()).await?)
}
