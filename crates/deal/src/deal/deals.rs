//! The use cases of deals. Each that writes is one transaction.

use std::collections::HashMap;

use serde_json::json;
use trellis_api::deal::v1 as pb;
use trellis_api::{Etag, Mask, name};
use trellis_core::lifecycle::Named;
use trellis_core::{
    AccountId, Call, Date, DealId, Filter, Money, Page, PageQuery, Problem, ProductId, ProgramId,
    RegistrationId, TerritoryId, TimeZone, Timestamp, Violation, Written,
};
use trellis_store::deal::deal::{
    self, DealType, Entity, Gathering, Lines, Model, PartnerRole, Roles, Stage,
};
use trellis_store::deal::facts::{DealReopened, DealWon, Fact, WonLine};
use trellis_store::deal::product;
use trellis_store::deal::reference::References;
use trellis_store::event::{self, NewEvent};
use trellis_store::reach::reaches;
use trellis_store::{Store, Txn, View, record};

use super::amounts::{self, Draft, Worth};
use super::convert::{wire, wire_pipeline};
use super::lifecycle::{self, Standing, Verb, standing};
use super::pipeline::{self, Grouping};
use super::roles::sourcing;
use crate::edit::set;
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
    /// The registration that it is made from, and the program of that.
    pub registration: Option<(RegistrationId, ProgramId)>,
}

/// Changes to a deal; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    /// What people call it.
    pub display_name: Option<String>,
    /// The customer.
    pub account: Option<Option<AccountId>>,
    /// What the customer buys.
    pub lines: Option<Vec<Draft>>,
    /// What it is worth.
    pub amount: Option<Option<Money>>,
    /// What kind of business it is.
    pub deal_type: Option<Option<DealType>>,
    /// Where the customer is served.
    pub territory: Option<Option<TerritoryId>>,
    /// When work on it began.
    pub engage_date: Option<Option<Date>>,
    /// When it is expected to close.
    pub expected_close_date: Option<Option<Date>>,
    /// Its id elsewhere.
    pub external_id: Option<Option<String>>,
}

/// Edits a deal.
#[derive(Clone, Debug)]
pub struct Update {
    /// Which one.
    pub id: DealId,
    /// The version that the caller read.
    pub etag: Etag,
    /// Which fields the caller sent.
    pub mask: Mask,
    /// What to change.
    pub edit: Edit,
}

/// Moves a deal.
#[derive(Clone, Debug)]
pub struct Move {
    /// Which one.
    pub id: DealId,
    /// The version that the caller read.
    pub etag: Etag,
    /// Why, in a word.
    pub reason_code: Option<String>,
    /// Why, in a sentence.
    pub note: String,
}

/// Moves a deal to another open stage.
#[derive(Clone, Debug)]
pub struct Advance {
    /// Which one, and why.
    pub on: Move,
    /// Where to.
    pub stage: Stage,
}

/// Wins a deal.
#[derive(Clone, Debug)]
pub struct Win {
    /// Which one.
    pub on: Move,
    /// What it was won for, if not what it was worth.
    pub amount: Option<Money>,
    /// When, if not today.
    pub close_date: Option<Date>,
}

/// Loses a deal.
#[derive(Clone, Debug)]
pub struct Lose {
    /// Which one, and why.
    pub on: Move,
    /// When, if not today.
    pub close_date: Option<Date>,
}

/// Reopens a deal.
#[derive(Clone, Debug)]
pub struct Reopen {
    /// Which one, and why.
    pub on: Move,
    /// The open stage to go to, if not the one where it was closed.
    pub stage: Option<Stage>,
}

/// Sets the parts in a deal.
#[derive(Clone, Debug)]
pub struct SetRoles {
    /// Which one.
    pub on: Move,
    /// All the parts; they fit together.
    pub roles: Vec<PartnerRole>,
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
            let new = settled(&txn, id, deal).await?;
            Ok(wire(add(&txn, new).await?))
        })
        .await
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
        registration: None,
    })
}

async fn worth(txn: &Txn, lines: Vec<Draft>, amount: Option<Money>) -> Result<Worth, Error> {
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
        version: 1,
        create_time: txn.now(),
        update_time: txn.now(),
    }
}

/// Adds a deal and reports it.
pub(crate) async fn add(txn: &Txn, new: New) -> Result<Model, Error> {
    let resource = name(txn.ecosystem(), &new.id);
    let deal = record::insert::<Entity>(txn, row(txn, new))
        .await
        .map_err(|error| exists(error, &resource))?;
    event::append(
        txn,
        NewEvent::new("deal.created", resource)
            .for_partner(deal.partner.as_ref())
            .with(told(&deal)),
    );
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
    Ok(wire(deal.ok_or_else(|| absent(&view, &id))?))
}

/// Lists deals.
///
/// # Errors
/// `INVALID_FIELDS` when the page token was made for another request.
pub async fn list(store: &Store, call: Call, query: &PageQuery) -> Result<Page<pb::Deal>, Error> {
    let view = store.read(&call).await?;
    Ok(record::page::<Entity>(&view, query).await?.map(wire))
}

/// Edits a deal, as far as its stage lets.
///
/// # Errors
/// `INVALID_FIELDS` when the amounts do not fit together or what is set otherwise would change,
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `NOT_EDITABLE`, `RESOURCE_EXISTS` when the external id is
/// taken.
pub async fn update(store: &Store, call: Call, update: Update) -> Result<Written<pb::Deal>, Error> {
    store
        .write(
            call,
            update,
            |txn,
             Update {
                 id,
                 etag,
                 mask,
                 mut edit,
             }| async move {
                let (mut deal, resource) = lock(&txn, &id, &etag).await?;
                mask.unchanged(&wire(deal.clone()))?;
                let allowed = lifecycle::editable(deal.stage);
                let closed: Vec<_> = edit
                    .fields()
                    .into_iter()
                    .filter(|field| !allowed.contains(field))
                    .collect();
                if !closed.is_empty() {
                    return Err(not_editable(resource, &deal, &closed));
                }
                let merged = all_exist(&txn, &edit.references()).await?;
                if let Some(Some(account)) = &mut edit.account {
                    merged.stand_for(account);
                }
                apply(&txn, &mut deal, edit).await?;
                let deal = record::update::<Entity>(&txn, deal)
                    .await
                    .map_err(|error| exists(error, &resource))?;
                event::append(
                    &txn,
                    NewEvent::new("deal.updated", resource)
                        .for_partner(deal.partner.as_ref())
                        .with(told(&deal)),
                );
                Ok(wire(deal))
            },
        )
        .await
}

fn not_editable(resource: String, deal: &Model, fields: &[&'static str]) -> Error {
    let fields = fields.iter().map(|field| (*field).to_owned()).collect();
    Problem::NotEditable {
        resource,
        state: deal.stage.name(),
        fields,
    }
    .into()
}

/// Moves a deal to another open stage.
///
/// # Errors
/// `INVALID_FIELDS` when it goes back without a reason or stays where it is, `RESOURCE_NOT_FOUND`,
/// `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`.
pub async fn advance(
    store: &Store,
    call: Call,
    advance: Advance,
) -> Result<Written<pb::Deal>, Error> {
    store
        .write(call, advance, |txn, Advance { on, stage }| async move {
            let (mut deal, resource) = lock(&txn, &on.id, &on.etag).await?;
            lifecycle::check(deal.stage, Verb::Advance, &resource)?;
            onward(deal.stage, stage, on.reason_code.is_some())?;
            let from = std::mem::replace(&mut deal.stage, stage);
            let deal = record::update::<Entity>(&txn, deal).await?;
            let moved = json!({ "deal": deal.id, "from": from.name(), "to": stage.name() });
            event::append(
                &txn,
                moving("deal.advanced", resource, on, &deal).with(moved),
            );
            Ok(wire(deal))
        })
        .await
}

/// Whether a deal may go from one open stage to another.
fn onward(from: Stage, to: Stage, reason: bool) -> Result<(), Problem> {
    let wrong = |field, rule, description| {
        Err(Problem::Invalid(vec![Violation::new(
            field,
            rule,
            description,
        )]))
    };
    if to == from {
        return wrong(
            "stage",
            "stage.other",
            "must be another stage than the one it is in",
        );
    }
    if to < from && !reason {
        return wrong(
            "reason_code",
            "required",
            "must say why when the deal goes back",
        );
    }
    Ok(())
}

/// Wins a deal.
///
/// # Errors
/// `INVALID_FIELDS` when the amount is in another currency, `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`,
/// `ILLEGAL_TRANSITION`, `PRECONDITION` when nobody says what it was won for.
pub async fn win(store: &Store, call: Call, win: Win) -> Result<Written<pb::Deal>, Error> {
    store
        .write(
            call,
            win,
            |txn,
             Win {
                 on,
                 amount,
                 close_date,
             }| async move {
                let (mut deal, resource) = lock(&txn, &on.id, &on.etag).await?;
                lifecycle::check(deal.stage, Verb::Win, &resource)?;
                let amount = won_for(&deal, amount, &resource)?;
                close(
                    &mut deal,
                    Stage::Won,
                    close_date.unwrap_or_else(|| today(&txn)),
                );
                won(&mut deal, amount, txn.now());
                let deal = record::update::<Entity>(&txn, deal).await?;
                let event = Fact::Won(won_fact(&deal)?).event(resource)?;
                event::append(
                    &txn,
                    event.noting(on.note).for_partner(deal.partner.as_ref()),
                );
                Ok(wire(deal))
            },
        )
        .await
}

fn won_for(deal: &Model, amount: Option<Money>, resource: &str) -> Result<Money, Error> {
    if let Some(amount) = amount {
        in_currency_of(deal, amount)?;
        return Ok(amount);
    }
    worth_of(deal).ok_or_else(|| {
        let requires = "say what the deal was won for".to_owned();
        Problem::Precondition {
            resource: resource.to_owned(),
            requires,
        }
        .into()
    })
}

/// What a deal is worth, if anybody has said.
pub(super) fn worth_of(deal: &Model) -> Option<Money> {
    deal.amount_minor
        .zip(deal.currency)
        .map(|(minor, currency)| Money::new(minor, currency))
}

/// Refuses an amount in another currency than the deal's.
pub(super) fn in_currency_of(deal: &Model, amount: Money) -> Result<(), Problem> {
    match deal.currency {
        Some(currency) if currency != amount.currency => {
            let description = format!("must be in {currency}, the currency of the deal");
            Err(Problem::Invalid(vec![Violation::new(
                "amount",
                "money.currency",
                description,
            )]))
        }
        Some(_) | None => Ok(()),
    }
}

/// Puts a deal into one of the two last stages.
pub(super) fn close(deal: &mut Model, stage: Stage, date: Date) {
    if standing(deal.stage) == Standing::Open {
        deal.closed_from = Some(deal.stage);
    }
    deal.stage = stage;
    deal.close_date = Some(date);
    deal.period = period(deal.close_date, deal.expected_close_date);
}

/// Begins another win of a deal: its lines add up to what it was won for, and nothing has followed.
pub(super) fn won(deal: &mut Model, amount: Money, time: Timestamp) {
    let lines = std::mem::take(&mut deal.lines.0);
    let known: Option<i64> = lines.iter().map(|line| line.amount_minor).sum();
    let fits = known == Some(amount.minor);
    deal.lines.0 = if fits {
        lines
    } else {
        amounts::scale(lines, amount.minor)
    };
    deal.amount_minor = Some(amount.minor);
    deal.currency = Some(amount.currency);
    deal.win += 1;
    deal.won_time = Some(time);
}

/// What others are told of a deal that is won.
pub(super) fn won_fact(deal: &Model) -> Result<DealWon, Error> {
    let unwon = || {
        Error::Store(trellis_store::Error::Corrupt {
            table: "deals",
            what: format!("{} is won and lacks an amount or a date", deal.id),
        })
    };
    let amount = worth_of(deal).ok_or_else(unwon)?;
    let line = |line: &deal::Line| WonLine {
        product: line.product.clone(),
        quantity: line.quantity,
        amount_minor: line.amount_minor.unwrap_or(0),
    };
    Ok(DealWon {
        deal: deal.id.clone(),
        win: deal.win,
        partner: deal.partner.clone(),
        roles: deal.roles.0.clone(),
        account: deal.account.clone(),
        deal_type: deal.deal_type,
        territory: deal.territory.clone(),
        program: deal.program.clone(),
        registration: deal.registration.clone(),
        lines: deal.lines.0.iter().map(line).collect(),
        amount_minor: amount.minor,
        currency: amount.currency,
        close_date: deal.close_date.ok_or_else(unwon)?,
        won_time: deal.won_time.ok_or_else(unwon)?,
    })
}

/// Loses a deal.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`.
pub async fn lose(store: &Store, call: Call, lose: Lose) -> Result<Written<pb::Deal>, Error> {
    store
        .write(call, lose, |txn, Lose { on, close_date }| async move {
            let (mut deal, resource) = lock(&txn, &on.id, &on.etag).await?;
            lifecycle::check(deal.stage, Verb::Lose, &resource)?;
            close(
                &mut deal,
                Stage::Lost,
                close_date.unwrap_or_else(|| today(&txn)),
            );
            deal.lost_reason_code = on.reason_code.clone();
            let deal = record::update::<Entity>(&txn, deal).await?;
            event::append(
                &txn,
                moving("deal.lost", resource, on, &deal).with(told(&deal)),
            );
            Ok(wire(deal))
        })
        .await
}

/// Opens a deal again. A win is taken back with everything that was recorded after it.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`.
pub async fn reopen(store: &Store, call: Call, reopen: Reopen) -> Result<Written<pb::Deal>, Error> {
    store
        .write(call, reopen, |txn, Reopen { on, stage }| async move {
            let (mut deal, resource) = lock(&txn, &on.id, &on.etag).await?;
            lifecycle::check(deal.stage, Verb::Reopen, &resource)?;
            let stage = stage.or(deal.closed_from).unwrap_or(Stage::Committed);
            let fact = open_again(&mut deal, stage);
            let deal = record::update::<Entity>(&txn, deal).await?;
            let mut event = Fact::Reopened(fact).event(resource)?.noting(on.note);
            event = event.for_partner(deal.partner.as_ref());
            if let Some(reason_code) = on.reason_code {
                event = event.because(reason_code);
            }
            event::append(&txn, event);
            Ok(wire(deal))
        })
        .await
}

/// Puts a deal that was won or lost into an open stage; answers what others are told of it.
pub(super) fn open_again(deal: &mut Model, stage: Stage) -> DealReopened {
    let win = (deal.stage == Stage::Won).then_some(deal.win);
    deal.stage = stage;
    deal.closed_from = None;
    deal.close_date = None;
    deal.period = period(None, deal.expected_close_date);
    deal.lost_reason_code = None;
    deal.won_time = None;
    deal.invoiced_minor = 0;
    deal.refunded_minor = 0;
    deal.churn_date = None;
    DealReopened {
        deal: deal.id.clone(),
        win,
        stage,
    }
}

/// Sets who plays which part in an open deal.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `NOT_EDITABLE` when it is won or lost.
pub async fn set_roles(
    store: &Store,
    call: Call,
    set: SetRoles,
) -> Result<Written<pb::Deal>, Error> {
    store
        .write(call, set, |txn, SetRoles { on, roles }| async move {
            let (mut deal, resource) = lock(&txn, &on.id, &on.etag).await?;
            if standing(deal.stage) != Standing::Open {
                return Err(not_editable(resource, &deal, &["roles"]));
            }
            let partners = roles.iter().map(|role| role.partner.clone()).collect();
            all_exist(
                &txn,
                &References {
                    partners,
                    ..References::default()
                },
            )
            .await?;
            deal.partner = sourcing(&roles).cloned();
            if let Some(partner) = &deal.partner
                && !reaches(&txn, partner).await?
            {
                return Err(trellis_store::Error::OutOfReach.into());
            }
            deal.roles = Roles(roles);
            let deal = record::update::<Entity>(&txn, deal).await?;
            event::append(
                &txn,
                moving("deal.roles_set", resource, on, &deal).with(told(&deal)),
            );
            Ok(wire(deal))
        })
        .await
}

/// Asks for a pipeline.
#[derive(Clone, Debug)]
pub struct Ask {
    /// What the deals are gathered by.
    pub by: Grouping,
    /// Which deals count; none: all.
    pub filter: Option<Filter>,
}

/// Sums up the deals of an ecosystem.
///
/// # Errors
/// `INTERNAL` when an amount is more than can be counted.
pub async fn pipeline(
    store: &Store,
    call: Call,
    Ask { by, filter }: Ask,
) -> Result<pb::GetPipelineResponse, Error> {
    let view = store.read(&call).await?;
    let gathering = match by {
        Grouping::Stage => Gathering::Stage,
        Grouping::Partner => Gathering::Partner,
        Grouping::Month | Grouping::Quarter => Gathering::Month,
    };
    let tallies = deal::pipeline(&view, filter.as_ref(), gathering).await?;
    let pipeline = pipeline::sum_up(tallies, by).map_err(|error| {
        Error::Store(trellis_store::Error::Corrupt {
            table: "deals",
            what: error.to_string(),
        })
    })?;
    Ok(wire_pipeline(view.ecosystem(), pipeline))
}

/// Locks a deal at the version that the caller read.
pub(super) async fn lock(txn: &Txn, id: &DealId, etag: &Etag) -> Result<(Model, String), Error> {
    let resource = name(txn.ecosystem(), id);
    let deal = record::lock::<Entity>(txn, id)
        .await?
        .ok_or_else(|| absent(txn, id))?;
    etag.check(deal.version, &resource)?;
    Ok((deal, resource))
}

/// The day that it is in the ecosystem, in UTC.
pub(super) fn today(view: &View) -> Date {
    TimeZone::utc().local_date(view.now())
}

/// The event of a move, with why it was made.
fn moving(kind: &'static str, resource: String, on: Move, deal: &Model) -> NewEvent {
    let event = NewEvent::new(kind, resource)
        .noting(on.note)
        .for_partner(deal.partner.as_ref());
    match on.reason_code {
        Some(reason_code) => event.because(reason_code),
        None => event,
    }
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
            products: self.lines.iter().map(|line| line.product.clone()).collect(),
            territories: self.territory.iter().cloned().collect(),
        }
    }
}

impl Edit {
    /// The names of the fields that it changes.
    fn fields(&self) -> Vec<&'static str> {
        [
            ("display_name", self.display_name.is_some()),
            ("account", self.account.is_some()),
            ("lines", self.lines.is_some()),
            ("amount", self.amount.is_some()),
            ("deal_type", self.deal_type.is_some()),
            ("territory", self.territory.is_some()),
            ("engage_date", self.engage_date.is_some()),
            ("expected_close_date", self.expected_close_date.is_some()),
            ("external_id", self.external_id.is_some()),
        ]
        .into_iter()
        .filter_map(|(field, changes)| changes.then_some(field))
        .collect()
    }

    /// What it names.
    fn references(&self) -> References {
        References {
            accounts: self.account.iter().flatten().cloned().collect(),
            products: self
                .lines
                .iter()
                .flatten()
                .map(|line| line.product.clone())
                .collect(),
            territories: self.territory.iter().flatten().cloned().collect(),
            ..References::default()
        }
    }
}

async fn apply(txn: &Txn, deal: &mut Model, edit: Edit) -> Result<(), Error> {
    let Edit {
        display_name,
        account,
        lines,
        amount,
        deal_type,
        territory,
        engage_date,
        expected_close_date,
        external_id,
    } = edit;
    revalue(txn, deal, lines, amount).await?;
    set(&mut deal.display_name, display_name);
    set(&mut deal.account, account);
    set(&mut deal.deal_type, deal_type);
    set(&mut deal.territory, territory);
    set(&mut deal.engage_date, engage_date);
    set(&mut deal.expected_close_date, expected_close_date);
    set(&mut deal.external_id, external_id);
    deal.period = period(deal.close_date, deal.expected_close_date);
    Ok(())
}

/// Changes what a deal consists of or is worth. An amount alone scales the lines; lines alone, or
/// an amount taken away, make the amount anew.
async fn revalue(
    txn: &Txn,
    deal: &mut Model,
    lines: Option<Vec<Draft>>,
    amount: Option<Option<Money>>,
) -> Result<(), Error> {
    let worth = match (lines, amount) {
        (None, None) => return Ok(()),
        (Some(lines), amount) => worth(txn, lines, amount.flatten()).await?,
        (None, Some(Some(amount))) => {
            let lines = amounts::scale(std::mem::take(&mut deal.lines.0), amount.minor);
            Worth {
                lines,
                amount: Some(amount),
            }
        }
        (None, Some(None)) => {
            let currency = deal.currency;
            let draft = |line: deal::Line| Draft {
                product: line.product,
                quantity: line.quantity,
                amount: line
                    .amount_minor
                    .zip(currency)
                    .map(|(minor, of)| Money::new(minor, of)),
            };
            let lines = std::mem::take(&mut deal.lines.0)
                .into_iter()
                .map(draft)
                .collect();
            worth(txn, lines, None).await?
        }
    };
    deal.lines = Lines(worth.lines);
    deal.amount_minor = worth.amount.map(|amount| amount.minor);
    deal.currency = worth.amount.map(|amount| amount.currency);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: [Stage; 5] = [
        Stage::Prospect,
        Stage::Qualified,
        Stage::TechnicalValidation,
        Stage::BusinessValidation,
        Stage::Committed,
    ];

    #[test]
    fn a_deal_goes_forward_freely_and_back_with_a_reason() {
        for (from, left) in OPEN.iter().enumerate() {
            for (to, right) in OPEN.iter().enumerate() {
                assert_eq!(
                    onward(*left, *right, true).is_ok(),
                    to != from,
                    "{left:?} {right:?}"
                );
                assert_eq!(
                    onward(*left, *right, false).is_ok(),
                    to > from,
                    "{left:?} {right:?}"
                );
            }
        }
    }
}
