//! Leads: who may buy, found by the vendor and given to a partner to work on.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::ExprTrait;
use sea_orm::{Condition, FromJsonQueryResult, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};
use trellis_core::lifecycle::Named;
use trellis_core::{
    AccountId, Currency, DealId, EcosystemId, LeadId, Money, PartnerId, ProductId, ProgramId,
    TerritoryId, Timestamp,
};

use crate::record::scoped;
use crate::{Error, Txn, View, lock};

/// Where a lead stands. The legal moves are the deal service's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(
    rs_type = "String",
    db_type = "Text",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
pub enum State {
    /// Waits to be routed.
    New,
    /// Offered to a partner.
    Offered,
    /// The partner accepted.
    Accepted,
    /// The partner works on it.
    Working,
    /// There is a need.
    Qualified,
    /// Became a deal.
    Converted,
    /// Nothing will come of it.
    Disqualified,
    /// No partner is left to offer it to.
    Unroutable,
    /// Was no lead.
    Spam,
    /// Is the same as another.
    Duplicate,
    /// The partner did not begin work in time.
    LostAuto,
}

impl State {
    /// The states in which something may still come of a lead.
    const OPEN: [Self; 6] = [
        Self::New,
        Self::Offered,
        Self::Accepted,
        Self::Working,
        Self::Qualified,
        Self::Unroutable,
    ];
}

impl Named for State {
    fn name(self) -> &'static str {
        match self {
            Self::New => "NEW",
            Self::Offered => "OFFERED",
            Self::Accepted => "ACCEPTED",
            Self::Working => "WORKING",
            Self::Qualified => "QUALIFIED",
            Self::Converted => "CONVERTED",
            Self::Disqualified => "DISQUALIFIED",
            Self::Unroutable => "UNROUTABLE",
            Self::Spam => "SPAM",
            Self::Duplicate => "DUPLICATE",
            Self::LostAuto => "LOST_AUTO",
        }
    }
}

/// What came of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// Nothing yet.
    Open,
    /// The partner accepted.
    Accepted,
    /// The partner declined.
    Declined,
    /// Nobody accepted in time.
    Lapsed,
    /// The partner accepted, and gave the lead back.
    Returned,
    /// The partner accepted, and did not begin work in time.
    Lost,
}

/// That a lead was offered to a partner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// To whom.
    pub partner: PartnerId,
    /// When.
    pub offer_time: Timestamp,
    /// Until when it could be accepted.
    pub accept_by_time: Timestamp,
    /// What came of it.
    pub outcome: Outcome,
    /// Why it was declined or given back.
    pub reason_code: Option<String>,
    /// When the partner let it go.
    pub end_time: Option<Timestamp>,
}

/// Every offer of a lead, the first one first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Offers(pub Vec<Offer>);

/// What a company may want, each product once, in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Products(pub Vec<ProductId>);

/// Other leads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Leads(pub Vec<LeadId>);

/// One lead.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "leads")]
pub struct Model {
    /// The ecosystem.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ecosystem: EcosystemId,
    /// The id, last part of the name.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: LeadId,
    /// Among whose partners it is routed.
    pub program: ProgramId,
    /// Where it comes from, in a word.
    pub source: String,
    /// What brought it about.
    pub campaign: Option<String>,
    /// What the company is called.
    pub company_name: String,
    /// The country where it is at home.
    pub region_code: Option<String>,
    /// What it does.
    pub industry: Option<String>,
    /// Its domain, as it was given.
    pub domain: Option<String>,
    /// The account that it is.
    pub account: Option<AccountId>,
    /// What the person is called.
    pub contact_name: Option<String>,
    /// Their e-mail address, as it was given.
    pub contact_email: Option<String>,
    /// Their telephone number.
    pub contact_phone: Option<String>,
    /// What the company may want.
    pub products: Products,
    /// Where it is to be served.
    pub territory: Option<TerritoryId>,
    /// What the business may be worth, in minor units of `currency`.
    pub estimated_minor: Option<i64>,
    /// The currency of the estimate.
    pub currency: Option<Currency>,
    /// How promising it is, up to 100.
    pub score: i32,
    /// What the vendor has to say.
    pub note: Option<String>,
    /// Its id in the caller's own system; unique when set.
    pub external_id: Option<String>,
    /// What of the domain identifies the company.
    pub domain_key: Option<String>,
    /// What of the e-mail address identifies the person.
    pub email_key: Option<String>,
    /// Leads that were open when it came and may be the same.
    pub possible_duplicates: Leads,
    /// Where it stands.
    pub state: State,
    /// Who is offered it, holds it, or lost it.
    pub partner: Option<PartnerId>,
    /// When an offer lapses or an accepted lead is lost. Its partner no longer reaches it then.
    pub due_time: Option<Timestamp>,
    /// Every offer of it.
    pub offers: Offers,
    /// How often it was routed.
    pub routing_count: i32,
    /// When it was offered to its partner.
    pub offer_time: Option<Timestamp>,
    /// Until when its partner can accept it.
    pub accept_by_time: Option<Timestamp>,
    /// When its partner accepted it.
    pub accept_time: Option<Timestamp>,
    /// Until when its partner is to begin work.
    pub act_by_time: Option<Timestamp>,
    /// Why it ended, or cannot be routed.
    pub reason_code: Option<String>,
    /// The lead that it is the same as.
    pub duplicate_of: Option<LeadId>,
    /// What it became.
    pub deal: Option<DealId>,
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

crate::record!(id: LeadId, Id; reach: crate::reach::Reach::Lent(Column::Partner, Column::DueTime); {
    "program" => Program,
    "source" => Source,
    "territory" => Territory,
    "score" => Score,
    "external_id" => ExternalId,
    "state" => State,
    "partner" => Partner,
    "offer_time" => OfferTime,
    "accept_by_time" => AcceptByTime,
    "act_by_time" => ActByTime,
    "duplicate_of" => DuplicateOf,
    "deal" => Deal,
    "create_time" => CreateTime,
    "update_time" => UpdateTime,
});

/// Some leads whose deadline has passed by the view's clock and was not yet acted upon, the longest
/// over first.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn due(view: &View, limit: u64) -> Result<Vec<Model>, Error> {
    let select = scoped::<Entity>(view)
        .filter(COLUMN.state.is_in([State::Offered, State::Accepted]))
        .filter(Column::DueTime.lte(view.now()))
        .order_by_asc(Column::DueTime)
        .order_by_asc(Column::Id)
        .limit(limit);
    Ok(select.all(&view.db()).await?)
}

/// Some open leads with one of two keys, the latest first.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn alike(
    view: &View,
    domain: Option<&str>,
    email: Option<&str>,
    limit: u64,
) -> Result<Vec<LeadId>, Error> {
    if domain.is_none() && email.is_none() {
        return Ok(Vec::new());
    }
    let mut same = Condition::any();
    if let Some(domain) = domain {
        same = same.add(COLUMN.domain_key.eq(domain));
    }
    if let Some(email) = email {
        same = same.add(COLUMN.email_key.eq(email));
    }
    let select = scoped::<Entity>(view)
        .filter(same)
        .filter(COLUMN.state.is_in(State::OPEN))
        .order_by_desc(Column::CreateTime)
        .order_by_desc(Column::Id)
        .limit(limit)
        .select_only()
        .column(Column::Id);
    Ok(select.into_tuple().all(&view.db()).await?)
}

/// How many leads of a program each partner has open at the view's time: offered to it or accepted by
/// it and not out of time, worked on, or qualified. But for one of them.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn open_counts(
    view: &View,
    program: &ProgramId,
    but: &LeadId,
) -> Result<Vec<(PartnerId, i64)>, Error> {
    let in_time = Column::DueTime.is_null().or(Column::DueTime.gt(view.now()));
    let select = scoped::<Entity>(view)
        .filter(COLUMN.program.eq(program.clone()))
        .filter(COLUMN.id.ne(but.clone()))
        .filter(COLUMN.state.is_in([
            State::Offered,
            State::Accepted,
            State::Working,
            State::Qualified,
        ]))
        .filter(in_time)
        .select_only()
        .column(Column::Partner)
        .column_as(Expr::cust("COUNT(*)"), "count")
        .group_by(Column::Partner);
    Ok(select.into_tuple().all(&view.db()).await?)
}

/// Lets one lead of a program be routed at a time, until the transaction ends: what others have open
/// decides. Taken after the lead's own row.
///
/// # Errors
/// [`Error::Contended`] when the lock cannot be had in time.
pub async fn route(txn: &Txn, program: &ProgramId) -> Result<(), Error> {
    lock::keys(txn, &[format!("leads/{program}")]).await
}
