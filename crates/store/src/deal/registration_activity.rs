//! What partners do for the business of their registrations. Rows are added, never changed.

use sea_orm::entity::prelude::*;
use sea_orm::{IntoActiveModel, QueryOrder, QuerySelect};
use trellis_core::lifecycle::Named;
use trellis_core::{
    Date, EcosystemId, Order, Page, PageQuery, PartnerId, RegistrationId, Timestamp,
};

use crate::page::{self, Columns};
use crate::{Error, Txn, View};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum Kind {
    /// The customer was met.
    Meeting,
    /// The customer was spoken to from afar.
    Call,
    /// The product was shown.
    Demonstration,
    /// The product was tried at the customer's.
    ProofOfConcept,
    /// The customer was made an offer.
    Quote,
    /// Something else.
    Other,
}

impl Named for Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Meeting => "MEETING",
            Self::Call => "CALL",
            Self::Demonstration => "DEMONSTRATION",
            Self::ProofOfConcept => "PROOF_OF_CONCEPT",
            Self::Quote => "QUOTE",
            Self::Other => "OTHER",
        }
    }
}

/// One activity.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "registration_activities")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The registration.
    #[sea_orm(primary_key, auto_increment = false)]
    pub registration: RegistrationId,
    /// Its place, counted from 1 without gaps.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i32,
    /// The partner that had the registration then.
    pub partner: PartnerId,
    /// What was done.
    pub kind: Kind,
    /// On which day.
    pub activity_date: Date,
    /// What came of it.
    pub note: String,
    /// When it was logged.
    pub create_time: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

impl Columns for Entity {
    const ID: Column = Column::Number;

    fn column(field: &str) -> Option<Column> {
        (field == LATEST_FIRST.field).then_some(Column::Number)
    }
}

/// The order that activities are listed in.
const LATEST_FIRST: Order = Order {
    field: "number",
    descending: true,
};

fn of(view: &View, registration: &RegistrationId) -> Select<Entity> {
    Entity::find()
        .filter(COLUMN.ecosystem.eq(view.ecosystem().clone()))
        .filter(COLUMN.registration.eq(registration.clone()))
}

/// The number that the next activity of a locked registration has.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn next(txn: &Txn, registration: &RegistrationId) -> Result<i32, Error> {
    let last: Option<i32> = of(txn, registration)
        .order_by_desc(Column::Number)
        .select_only()
        .column(Column::Number)
        .into_tuple()
        .one(&txn.db())
        .await?;
    Ok(last.unwrap_or_default().saturating_add(1))
}

/// Adds an activity.
///
/// # Errors
/// [`Error::Exists`] when the number is taken.
pub async fn append(txn: &Txn, model: Model) -> Result<(), Error> {
    Entity::insert(model.into_active_model().reset_all())
        .exec_without_returning(&txn.db())
        .await?;
    Ok(())
}

/// Whether a partner has logged an activity of a registration since a moment, and for a day that is not
/// before another.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn any(
    view: &View,
    registration: &RegistrationId,
    partner: &PartnerId,
    logged: Timestamp,
    from: Date,
) -> Result<bool, Error> {
    let found = of(view, registration)
        .filter(COLUMN.partner.eq(partner.clone()))
        .filter(Column::CreateTime.gte(logged))
        .filter(Column::ActivityDate.gte(from))
        .limit(1);
    Ok(found.one(&view.db()).await?.is_some())
}

/// Reads one page of a registration's activities, the latest first; with a partner, those that it has
/// logged.
///
/// # Errors
/// [`Error::BadCursor`] when the page token was made for another query.
pub async fn page(
    view: &View,
    registration: &RegistrationId,
    partner: Option<&PartnerId>,
    query: &PageQuery,
) -> Result<Page<Model>, Error> {
    let mut select = of(view, registration);
    if let Some(partner) = partner {
        select = select.filter(COLUMN.partner.eq(partner.clone()));
    }
    let query = PageQuery {
        order: vec![LATEST_FIRST],
        ..query.clone()
    };
    page::page(&view.db(), select, &query).await
}
