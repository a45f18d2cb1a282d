//! Decisions about registrations, each with all that it was made from. A row is never changed.

use sea_orm::entity::prelude::*;
use sea_orm::{IdenStatic, Iterable, ModelTrait, QueryOrder};
use trellis_core::lifecycle::Named;
use trellis_core::{EcosystemId, RegistrationId, Timestamp};

use crate::record::Beside;
use crate::{Error, Txn, View};

/// What a decision was made for.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Occasion {
    /// It was handed in.
    Submission,
    /// Its tick came.
    Tick,
    /// What stood in its way ended.
    Promotion,
    /// What an account is recognised by has changed, its own or of who stood in its way.
    Recognition,
    /// Nobody responded to it for long.
    Breach,
    /// A person approved it.
    Approval,
    /// A person refused it.
    Rejection,
}

impl Occasion {
    /// Whether a person decides.
    #[must_use]
    pub fn is_a_persons(self) -> bool {
        match self {
            Self::Approval | Self::Rejection => true,
            Self::Submission | Self::Tick | Self::Promotion | Self::Recognition | Self::Breach => {
                false
            }
        }
    }
}

impl Named for Occasion {
    fn name(self) -> &'static str {
        match self {
            Self::Submission => "SUBMISSION",
            Self::Tick => "TICK",
            Self::Promotion => "PROMOTION",
            Self::Recognition => "RECOGNITION",
            Self::Breach => "BREACH",
            Self::Approval => "APPROVAL",
            Self::Rejection => "REJECTION",
        }
    }
}

/// One decision about a registration.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "registration_decisions")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The registration.
    #[sea_orm(primary_key, auto_increment = false)]
    pub registration: RegistrationId,
    /// Which of its decisions it is, beginning with 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i64,
    /// What it was made for.
    pub occasion: Occasion,
    /// The rule that decided, or that a person did.
    pub rule: String,
    /// The outcome, in a word.
    pub reason_code: String,
    /// The version of the rules.
    pub rules_version: i64,
    /// Whose call brought it about.
    pub actor: String,
    /// What a person who decided had to say.
    pub note: Option<String>,
    /// When.
    pub decide_time: Timestamp,
    /// All that the rules looked at, as JSON.
    pub basis: String,
    /// The hash of `basis`, in hexadecimal digits.
    pub basis_sha256: String,
    /// What the rules answered, as JSON.
    pub outcome: String,
}

impl ActiveModelBehavior for ActiveModel {}

fn about(view: &View, registration: &RegistrationId) -> Select<Entity> {
    Entity::find()
        .filter(COLUMN.ecosystem.eq(view.ecosystem().clone()))
        .filter(COLUMN.registration.eq(registration.clone()))
}

/// Adds a decision about a locked registration; its number follows the last one's.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn add(txn: &Txn, decision: Model) -> Result<(), Error> {
    beside(&decision).write(txn).await
}

/// A decision that is added with what else is written about a locked registration.
pub(super) fn beside(decision: &Model) -> Beside {
    let bound = Column::iter().filter(|column| !matches!(column, Column::Number));
    Beside {
        text: adding,
        values: bound.map(|column| decision.get(column)).collect(),
    }
}

/// The statement that adds a decision. It binds all columns in their order but the number, which it counts.
fn adding(first: usize) -> String {
    let mut columns = Vec::new();
    let mut values = Vec::new();
    let mut place = first..;
    for column in Column::iter() {
        columns.push(column.as_str());
        values.push(match column {
            Column::Number => format!(
                "(SELECT COALESCE(MAX(number), 0) + 1 FROM registration_decisions \
                 WHERE ecosystem = ${first} AND registration = ${})",
                first + 1
            ),
            _ => format!("${}", place.next().unwrap_or(first)),
        });
    }
    format!(
        "INSERT INTO registration_decisions ({}) VALUES ({})",
        columns.join(", "),
        values.join(", ")
    )
}

/// Every decision about a registration, the first first.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn of(view: &View, registration: &RegistrationId) -> Result<Vec<Model>, Error> {
    let select = about(view, registration).order_by_asc(Column::Number);
    Ok(select.all(&view.db()).await?)
}
