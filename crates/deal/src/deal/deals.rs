//! The use cases of deals: how they are made and read. Each that writes is one transaction.

use std::collections::HashMap;

use serde_json::json;
use trellis_api::deal::v1 as pb;
use trellis_api::{Etag, name};
use trellis_core::lifecycle::Named;
use trellis_core::{
    AccountId, Call, Date, DealId, Money, Page, PageQuery, Problem, ProductId, ProgramId,
    RegistrationId, TerritoryId, TimeZone, Violation, Written,
};
use trellis_store::deal::deal::{
    Contacts, DealType, Disputes, Entity, ExternalIds, Lines, Model, PartnerRole, Roles, Stage,
    Writes,
};
use trellis_store::deal::field::{Contact, ExternalId};
use trellis_store::deal::history as rows;
use trellis_store::deal::product;
use trellis_store::deal::reference::References;
use trellis_store::event::{self, NewEvent};
use trellis_store::{Store, Txn, View, record};

use super::amounts::{self, Draft, Worth};
use super::convert::{wire, wire_for};
use super::evidence;
use super::external;
use super::history;
use super::roles::{self, sourcing};
use crate::{Error, absent, all_exist, exists};

/// Makes a deal.
#[derive(Clone, Debug)]
pub struct Create {
    /// The id that the caller chose.
    pub id: Option<DealId>,
    /// What it is.
    pub deal: Described,
}

/// Everything that a caller says of a deal.
#[derive(Clone, Debug)]
pub struct Described {
    /// What people call it.
    pub display_name: String,
    /// The customer.
    pub account: Option<AccountId>,
    /// Who plays which part; they fit together.
    pub roles: Vec<PartnerRole>,
    /// What the customer buys.
    pub lines: Vec<Draft>,
    /// What it is worth.
    pub amount: Option<Money>,
    /// What kind of business it is.
    pub deal_type: Option<DealType>,
    /// Where the customer is served.
    pub territory: Option<TerritoryId>,
    /// When work on it began.
    pub engage_date: Option<Date>,
    /// When it is expected to close.
    pub expected_close_date: Option<Date>,
    /// Its id elsewhere.
    pub external_id: Option<String>,
    /// What else is said of it.
    pub particulars: Particulars,
}

/// What a deal says beside what it consists of and where it stands.
#[derive(Clone, Debug, Default)]
pub struct Particulars {
    /// What its partner does next.
    pub next_step: Option<String>,
    /// Whom its partner knows at the customer.
    pub contacts: Vec<Contact>,
    /// What of its own its partner sells with it.
    pub partner_product: Option<String>,
    /// Its ids in other systems.
    pub external_ids: Vec<ExternalId>,
}

/// A deal about to be made, of which everything is known and fits together.
#[derive(Clone, Debug)]
pub struct New {
    /// Its id.
    pub id: DealId,
    /// What people call it.
    pub display_name: String,
    /// The customer.
    pub account: Option<AccountId>,
    /// Who plays which part.
    pub roles: Vec<PartnerRole>,
    /// What the customer buys, and what it is worth.
    pub worth: Worth,
    /// What kind of business it is.
    pub deal_type: Option<DealType>,
    /// Where the customer is served.
    pub territory: Option<TerritoryId>,
    /// When work on it began.
    pub engage_date: Option<Date>,
    /// When it is expected to close.
    pub expected_close_date: Option<Date>,
    /// Its id elsewhere.
    pub external_id: Option<String>,
    /// What else is said of it.
    pub particulars: Particulars,
    /// The registration that it is made from, and the program of that.
    pub registration: Option<(RegistrationId, ProgramId)>,
}

/// Creates a deal in its first stage.
///
/// # Errors
/// `INVALID_FIELDS` when the amounts do not fit together, `RESOURCE_NOT_FOUND` when something that
/// it names does not exist, `RESOURCE_EXISTS` when the id or the external id is taken.
pub async fn create(store: &Store, call: Call, create: Create) -> Result<Written<pb::Deal>, Error> {
    store
        .write(call, create, |txn, Create { id, mut deal }| async move {
            let merged = all_exist(&txn, &deal.references()).await?;
            if let Some(account) = &mut deal.account {
                merged.stand_for(account);
            }
            let id = id.unwrap_or_else(|| DealId::generate(txn.now()));
            supported(&txn, &mut deal).await?;
            let new = settled(&txn, id, deal).await?;
            Ok(wire(add(&txn, new).await?))
        })
        .await
}

/// Completes the evidence of the parts. Where none is given the record is it.
async fn supported(txn: &Txn, deal: &mut Described) -> Result<(), Error> {
    let record = evidence::of_record(txn, deal.engage_date, None);
    let at = |index| format!("deal.roles[{index}]");
    let whole = txn.whole();
    let wrong = evidence::complete(&whole, at, &mut deal.roles, &[], Some(record)).await?;
    let sold: Vec<_> = deal.lines.iter().map(|line| line.product.clone()).collect();
    refuse(wrong, roles::unsold(at, &deal.roles, &sold))
}

/// Refuses what is wrong, if anything is.
pub(super) fn refuse(mut wrong: Vec<Violation>, more: Vec<Violation>) -> Result<(), Error> {
    wrong.extend(more);
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Problem::Invalid(wrong).into())
    }
}

/// Fits the amounts of a deal together, by the list prices where nothing else is said.
async fn settled(txn: &Txn, id: DealId, deal: Described) -> Result<New, Error> {
    let Described {
        display_name,
        account,
        roles,
        lines,
        amount,
        deal_type,
        territory,
        engage_date,
        expected_close_date,
        external_id,
        particulars,
    } = deal;
    let worth = worth(txn, lines, amount).await?;
    Ok(New {
        id,
        display_name,
        account,
        roles,
        worth,
        deal_type,
        territory,
        engage_date,
        expected_close_date,
        external_id,
        particulars,
        registration: None,
    })
}

/// What a deal consists of and is worth, by the list prices where nothing else is said.
pub(super) async fn worth(
    txn: &Txn,
    lines: Vec<Draft>,
    amount: Option<Money>,
) -> Result<Worth, Error> {
    let asked = amount.is_none() && lines.iter().any(|line| line.amount.is_none());
    let prices = if asked {
        prices(txn, &lines).await?
    } else {
        HashMap::new()
    };
    Ok(amounts::settle("deal", lines, amount, &prices).map_err(Problem::Invalid)?)
}

async fn prices(view: &View, lines: &[Draft]) -> Result<HashMap<ProductId, Money>, Error> {
    let ids = lines.iter().map(|line| line.product.clone());
    let products = record::find_many::<product::Entity>(view, ids).await?;
    Ok(products
        .into_iter()
        .filter_map(|product| list_price(&product))
        .collect())
}

/// What one of a product costs, if it has a list price.
pub(super) fn list_price(product: &product::Model) -> Option<(ProductId, Money)> {
    let (minor, currency) = product.list_price_minor.zip(product.list_price_currency)?;
    Some((product.id.clone(), Money::new(minor, currency)))
}

/// The row of a new deal.
pub(super) fn row(txn: &Txn, new: New) -> Model {
    let New {
        id,
        display_name,
        account,
        roles,
        worth,
        deal_type,
        territory,
        engage_date,
        expected_close_date,
        external_id,
        particulars:
            Particulars {
                next_step,
                contacts,
                partner_product,
                external_ids,
            },
        registration,
    } = new;
    let (registration, program) = registration.unzip();
    Model {
        ecosystem: txn.ecosystem().clone(),
        id,
        display_name,
        account,
        partner: sourcing(&roles).cloned(),
        roles: Roles(roles),
        lines: Lines(worth.lines),
        amount_minor: worth.amount.map(|amount| amount.minor),
        currency: worth.amount.map(|amount| amount.currency),
        deal_type,
        territory,
        engage_date,
        expected_close_date,
        external_id,
        stage: Stage::Prospect,
        closed_from: None,
        close_date: None,
        period: period(None, expected_close_date),
        lost_reason_code: None,
        win: 0,
        won_time: None,
        invoiced_minor: 0,
        refunded_minor: 0,
        churn_date: None,
        registration,
        program,
        stage_change_count: 0,
        role_change_count: 0,
        disputes: Disputes::default(),
        next_step,
        contacts: Contacts(contacts),
        partner_product,
        external_ids: ExternalIds(external_ids),
        writes: Writes::default(),
        proposal_count: 0,
        version: 1,
        create_time: txn.now(),
        update_time: txn.now(),
    }
}

/// Adds a deal and reports it.
pub(crate) async fn add(txn: &Txn, new: New) -> Result<Model, Error> {
    let resource = name(txn.ecosystem(), &new.id);
    let mut deal = row(txn, new);
    let (moved, parts) = history::born(txn, &mut deal, None);
    // Its partners reach it by what is remembered, and whoever makes a deal has to reach it.
    rows::remember(txn, vec![moved], parts.into_iter().collect())
        .await
        .map_err(|error| exists(error, &resource))?;
    if !deal.external_ids.0.is_empty() {
        external::claim(txn, &deal).await?;
    }
    let deal = record::insert::<Entity>(txn, deal)
        .await
        .map_err(|error| exists(error, &resource))?;
    event::append(
        txn,
        NewEvent::new("deal.created", resource)
            .for_partner(deal.partner.as_ref())
            .with(told(&deal)),
    );
    event::is(txn, &wire(deal.clone()));
    Ok(deal)
}

/// The first day of the month in which a deal counts.
pub(super) fn period(close: Option<Date>, expected: Option<Date>) -> Option<Date> {
    close.or(expected).map(Date::first_of_month)
}

/// Gets a deal.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn get(store: &Store, call: Call, id: DealId) -> Result<pb::Deal, Error> {
    let view = store.read(&call).await?;
    let deal = record::find::<Entity>(&view, &id).await?;
    let deal = deal.ok_or_else(|| absent(&view, &id))?;
    Ok(wire_for(view.scope(), deal))
}

/// Lists deals.
///
/// # Errors
/// `INVALID_FIELDS` when the page token was made for another request.
pub async fn list(store: &Store, call: Call, query: &PageQuery) -> Result<Page<pb::Deal>, Error> {
    let view = store.read(&call).await?;
    let page = record::page::<Entity>(&view, query).await?;
    Ok(page.map(|deal| wire_for(view.scope(), deal)))
}

/// What a deal is worth, if anybody has said.
pub(super) fn worth_of(deal: &Model) -> Option<Money> {
    deal.amount_minor
        .zip(deal.currency)
        .map(|(minor, currency)| Money::new(minor, currency))
}

/// Locks a deal at the version that the caller read.
pub(super) async fn lock(txn: &Txn, id: &DealId, etag: &Etag) -> Result<(Model, String), Error> {
    let resource = name(txn.ecosystem(), id);
    let deal = record::lock::<Entity>(txn, id)
        .await?
        .ok_or_else(|| absent(txn, id))?;
    etag.check(deal.version, &resource)?;
    event::was(txn, wire(deal.clone()));
    Ok((deal, resource))
}

/// The day that it is in the ecosystem, in UTC.
pub(super) fn today(view: &View) -> Date {
    TimeZone::utc().local_date(view.now())
}

/// What the events say that are no facts.
pub(super) fn told(deal: &Model) -> serde_json::Value {
    json!({
        "deal": deal.id,
        "stage": deal.stage.name(),
        "partner": deal.partner,
        "account": deal.account,
        "amount_minor": deal.amount_minor,
        "currency": deal.currency,
        "registration": deal.registration,
    })
}

impl Described {
    /// What it names.
    pub(super) fn references(&self) -> References {
        References {
            partners: self.roles.iter().map(|role| role.partner.clone()).collect(),
            programs: [].into(),
            accounts: self.account.iter().cloned().collect(),
            products: self
                .lines
                .iter()
                .map(|line| &line.product)
                .chain(self.roles.iter().flat_map(|role| &role.products))
                .cloned()
                .collect(),
            territories: self.territory.iter().cloned().collect(),
        }
    }
}
