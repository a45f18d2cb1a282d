//! The use cases of leads. Each that writes is one transaction.

use trellis_api::deal::v1 as pb;
use trellis_api::{Etag, name};
use trellis_core::{
    AccountId, Call, DealId, LeadId, Money, Page, PageQuery, Problem, ProductId, ProgramId,
    TerritoryId, Written,
};
use trellis_store::deal::deal::{PartnerRole, Role};
use trellis_store::deal::lead::{self, Entity, Model, Offers, Outcome, Products, State};
use trellis_store::deal::lead_routing;
use trellis_store::deal::reference::References;
use trellis_store::event::{self, NewEvent};
use trellis_store::{Store, Txn, View, record};

use super::convert::{wire, wire_routing};
use super::disclosure::{hidden, shown};
use super::lifecycle::{self, Verb, take_back};
use super::routing::{self, came_of_it};
use crate::deal::amounts::{self, Draft};
use crate::deal::{deals, evidence};
use crate::registration::protection::window;
use crate::{Error, absent, all_exist, exists};

/// How many leads that may be the same are told.
const ALIKE: u64 = 10;

/// Makes a lead.
#[derive(Clone, Debug)]
pub struct Create {
    /// The id that the caller chose.
    pub id: Option<LeadId>,
    /// What it is.
    pub lead: Described,
}

/// Everything that a caller says of a lead.
#[derive(Clone, Debug)]
pub struct Described {
    /// Among whose partners it is routed.
    pub program: ProgramId,
    /// Where it comes from, in a word.
    pub source: String,
    /// What brought it about.
    pub campaign: Option<String>,
    /// Who may buy.
    pub company: Company,
    /// Whom to speak to there.
    pub contact: Contact,
    /// What the company may want.
    pub products: Vec<ProductId>,
    /// Where it is to be served.
    pub territory: Option<TerritoryId>,
    /// What the business may be worth.
    pub estimated_value: Option<Money>,
    /// How promising it is.
    pub score: i32,
    /// What the vendor has to say.
    pub note: Option<String>,
    /// Its id elsewhere.
    pub external_id: Option<String>,
}

/// Who may buy.
#[derive(Clone, Debug)]
pub struct Company {
    /// What it is called.
    pub display_name: String,
    /// The country where it is at home.
    pub region_code: Option<String>,
    /// What it does.
    pub industry: Option<String>,
    /// Its domain, as it was given.
    pub domain: Option<String>,
    /// What of that identifies it.
    pub domain_key: Option<String>,
    /// The account that it is.
    pub account: Option<AccountId>,
}

/// Whom to speak to.
#[derive(Clone, Debug, Default)]
pub struct Contact {
    /// What the person is called.
    pub display_name: Option<String>,
    /// Their e-mail address, as it was given.
    pub email: Option<String>,
    /// What of that identifies them.
    pub email_key: Option<String>,
    /// Their telephone number.
    pub phone: Option<String>,
}

/// Moves a lead through its life.
#[derive(Clone, Debug)]
pub struct Move {
    /// Which one.
    pub id: LeadId,
    /// The version that the caller read.
    pub etag: Etag,
    /// Why, in a word.
    pub reason_code: Option<String>,
    /// Why, in a sentence.
    pub note: String,
}

/// Offers a lead to a partner.
#[derive(Clone, Debug)]
pub struct Route {
    /// Which one.
    pub on: Move,
    /// What the draw follows from.
    pub seed: Option<i64>,
}

/// Makes a deal of a lead.
#[derive(Clone, Debug)]
pub struct Convert {
    /// Which one.
    pub on: Move,
    /// The id that the caller chose for the deal.
    pub deal: Option<DealId>,
    /// What the deal is worth, if not what was estimated.
    pub amount: Option<Money>,
}

/// Marks a lead as the same as another.
#[derive(Clone, Debug)]
pub struct MarkDuplicate {
    /// Which one.
    pub on: Move,
    /// As which.
    pub of: LeadId,
}

/// Asks for routings.
#[derive(Clone, Debug)]
pub struct Routings {
    /// Of which lead.
    pub lead: LeadId,
    /// Which page.
    pub query: PageQuery,
}

/// Creates a lead that waits to be routed.
///
/// # Errors
/// `RESOURCE_NOT_FOUND` when something that it names does not exist, `RESOURCE_EXISTS` when the id or
/// the external id is taken.
pub async fn create(store: &Store, call: Call, create: Create) -> Result<Written<pb::Lead>, Error> {
    store
        .write(call, create, |txn, Create { id, mut lead }| async move {
            let merged = all_exist(&txn, &lead.references()).await?;
            if let Some(account) = &mut lead.company.account {
                merged.stand_for(account);
            }
            let id = id.unwrap_or_else(|| LeadId::generate(txn.now()));
            let resource = name(txn.ecosystem(), &id);
            let domain = lead.company.domain_key.as_deref();
            let email = lead.contact.email_key.as_deref();
            let alike = lead::alike(&txn.whole(), domain, email, ALIKE).await?;
            let lead = record::insert::<Entity>(&txn, row(&txn, id, lead, alike))
                .await
                .map_err(|error| exists(error, &resource))?;
            event::append(
                &txn,
                NewEvent::new("lead.created", resource).with(routing::told(&lead)),
            );
            Ok(wire(lead))
        })
        .await
}

/// The row of a new lead.
fn row(txn: &Txn, id: LeadId, lead: Described, alike: Vec<LeadId>) -> Model {
    let Described {
        program,
        source,
        campaign,
        company,
        contact,
        products,
        territory,
        estimated_value,
        score,
        note,
        external_id,
    } = lead;
    Model {
        ecosystem: txn.ecosystem().clone(),
        id,
        program,
        source,
        campaign,
        company_name: company.display_name,
        region_code: company.region_code,
        industry: company.industry,
        domain: company.domain,
        account: company.account,
        contact_name: contact.display_name,
        contact_email: contact.email,
        contact_phone: contact.phone,
        products: Products(products),
        territory,
        estimated_minor: estimated_value.map(|value| value.minor),
        currency: estimated_value.map(|value| value.currency),
        score,
        note,
        external_id,
        domain_key: company.domain_key,
        email_key: contact.email_key,
        possible_duplicates: lead::Leads(alike),
        state: State::New,
        partner: None,
        due_time: None,
        offers: Offers::default(),
        routing_count: 0,
        offer_time: None,
        accept_by_time: None,
        accept_time: None,
        act_by_time: None,
        reason_code: None,
        duplicate_of: None,
        deal: None,
        version: 1,
        create_time: txn.now(),
        update_time: txn.now(),
    }
}

/// Gets a lead.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn get(store: &Store, call: Call, id: LeadId) -> Result<pb::Lead, Error> {
    let view = store.read(&call).await?;
    Ok(answer(&view, find(&view, &id).await?))
}

/// Lists leads.
///
/// # Errors
/// `INVALID_FIELDS` when the page token was made for another request.
pub async fn list(store: &Store, call: Call, query: &PageQuery) -> Result<Page<pb::Lead>, Error> {
    let view = store.read(&call).await?;
    let page = record::page::<Entity>(&view, query).await?;
    Ok(page.map(|lead| answer(&view, lead)))
}

/// Lists the routings of a lead, the latest first.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`; `INVALID_FIELDS` when the page token was made for another request.
pub async fn routings(
    store: &Store,
    call: Call,
    routings: &Routings,
) -> Result<Page<pb::LeadRouting>, Error> {
    let view = store.read(&call).await?;
    find(&view, &routings.lead).await?;
    let page = lead_routing::page(&view, &routings.lead, &routings.query).await?;
    Ok(page.map(wire_routing))
}

/// Offers a lead to a partner.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`; `PRECONDITION` when the program is
/// not active.
pub async fn route(
    store: &Store,
    call: Call,
    route: Route,
) -> Result<Written<pb::RouteLeadResponse>, Error> {
    store
        .write(call, route, |txn, Route { on, seed }| async move {
            let (lead, resource) = lock(&txn, &on).await?;
            lifecycle::moved(lead.state, Verb::Route, &resource)?;
            if !routing::is_active(&routing::program_of(&txn, &lead).await?) {
                return Err(Problem::Precondition {
                    resource: name(txn.ecosystem(), &lead.program),
                    requires: "the program must be ACTIVE".to_owned(),
                }
                .into());
            }
            let (lead, routing) = routing::route(&txn, lead, seed, on.note).await?;
            event::is(&txn, &wire(lead.clone()));
            Ok(pb::RouteLeadResponse {
                lead: Some(wire(lead)),
                routing: Some(wire_routing(routing)),
            })
        })
        .await
}

/// Accepts a lead. What it shows of the company and the contact is shown to whoever accepts, and not to
/// a partner that only asks what would be.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`.
pub async fn accept(store: &Store, call: Call, on: Move) -> Result<Written<pb::Lead>, Error> {
    let dry = call.validate_only;
    store
        .write(call, on, move |txn, on| async move {
            let (mut lead, resource) = lock(&txn, &on).await?;
            lead.state = lifecycle::moved(lead.state, Verb::Accept, &resource)?;
            let program = routing::program_of(&txn, &lead).await?;
            let act_by = window(txn.now(), program.lead_act_days, &program.time_zone).end;
            lead.accept_time = Some(txn.now());
            lead.act_by_time = Some(act_by);
            lead.due_time = Some(act_by);
            came_of_it(&mut lead, Outcome::Accepted, None, None);
            let lead = kept(&txn, lead, "lead.accepted", on).await?;
            event::is(&txn, &answer(&txn.whole(), lead.clone()));
            if dry && !txn.scope().is_staff() {
                return Ok(wire(hidden(shown(lead, txn.scope()))));
            }
            Ok(answer(&txn, lead))
        })
        .await
}

/// Says that work on a lead has begun.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`.
pub async fn work(store: &Store, call: Call, on: Move) -> Result<Written<pb::Lead>, Error> {
    store
        .write(call, on, |txn, on| async move {
            let (mut lead, resource) = lock(&txn, &on).await?;
            lead.state = lifecycle::moved(lead.state, Verb::Work, &resource)?;
            lead.due_time = None;
            keep(&txn, lead, "lead.working", on).await
        })
        .await
}

/// Says that there is a need.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`.
pub async fn qualify(store: &Store, call: Call, on: Move) -> Result<Written<pb::Lead>, Error> {
    store
        .write(call, on, |txn, on| async move {
            let (mut lead, resource) = lock(&txn, &on).await?;
            lead.state = lifecycle::moved(lead.state, Verb::Qualify, &resource)?;
            keep(&txn, lead, "lead.qualified", on).await
        })
        .await
}

/// Says that nothing will come of a lead.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`.
pub async fn disqualify(store: &Store, call: Call, on: Move) -> Result<Written<pb::Lead>, Error> {
    store
        .write(call, on, |txn, on| async move {
            let (mut lead, resource) = lock(&txn, &on).await?;
            lead.state = lifecycle::moved(lead.state, Verb::Disqualify, &resource)?;
            lead.due_time = None;
            lead.reason_code.clone_from(&on.reason_code);
            let kind = match lead.state {
                State::Spam => "lead.marked_spam",
                _ => "lead.disqualified",
            };
            keep(&txn, lead, kind, on).await
        })
        .await
}

/// Declines an offer; the lead is offered to the next.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`.
pub async fn decline(store: &Store, call: Call, on: Move) -> Result<Written<pb::Lead>, Error> {
    let_go(store, call, on, Verb::Decline).await
}

/// Gives a lead back; it is offered to the next.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`.
pub async fn give_back(store: &Store, call: Call, on: Move) -> Result<Written<pb::Lead>, Error> {
    let_go(store, call, on, Verb::Return).await
}

async fn let_go(
    store: &Store,
    call: Call,
    on: Move,
    verb: Verb,
) -> Result<Written<pb::Lead>, Error> {
    store
        .write(call, on, move |txn, on| async move {
            let (mut lead, resource) = lock(&txn, &on).await?;
            lead.state = lifecycle::moved(lead.state, verb, &resource)?;
            let partner = lead.partner.clone();
            take_back(&mut lead);
            let (kind, outcome) = if verb == Verb::Decline {
                ("lead.declined", Outcome::Declined)
            } else {
                ("lead.returned", Outcome::Returned)
            };
            let mut event = NewEvent::new(kind, resource)
                .noting(on.note)
                .for_partner(partner.as_ref())
                .with(routing::let_go(&lead, partner.as_ref()));
            if let Some(reason_code) = &on.reason_code {
                event = event.because(reason_code.as_str());
            }
            event::append(&txn, event);
            came_of_it(&mut lead, outcome, on.reason_code, Some(txn.now()));
            let (lead, _) = routing::route(&txn.whole(), lead, None, String::new()).await?;
            event::is(&txn, &wire(lead.clone()));
            if txn.scope().is_whole() {
                return Ok(wire(lead));
            }
            // What becomes of it is no longer its partner's affair, nor of who looks after that.
            Ok(pb::Lead {
                name: name(txn.ecosystem(), &lead.id),
                ..pb::Lead::default()
            })
        })
        .await
}

/// Makes a deal of a lead, in the same transaction.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`, `RESOURCE_EXISTS` when the id of the
/// deal is taken.
pub async fn convert(
    store: &Store,
    call: Call,
    convert: Convert,
) -> Result<Written<pb::Lead>, Error> {
    store
        .write(
            call,
            convert,
            |txn, Convert { on, deal, amount }| async move {
                let (mut lead, resource) = lock(&txn, &on).await?;
                lead.state = lifecycle::moved(lead.state, Verb::Convert, &resource)?;
                let deal = deal.unwrap_or_else(|| DealId::generate(txn.now()));
                let mut made = deal_of(&txn, &lead, deal.clone(), amount)?;
                if let Some(account) = &mut made.account {
                    // The staff named it, and it may have been merged since.
                    let named = References {
                        accounts: [account.clone()].into(),
                        ..References::default()
                    };
                    all_exist(&txn.whole(), &named).await?.stand_for(account);
                }
                deals::add(&txn, made).await?;
                lead.deal = Some(deal);
                keep(&txn, lead, "lead.converted", on).await
            },
        )
        .await
}

/// The deal that a lead becomes. It belongs to the partner that made it of the lead, which is what
/// `SOURCED` says; the vendor may give the parts anew.
fn deal_of(
    txn: &Txn,
    lead: &Model,
    id: DealId,
    amount: Option<Money>,
) -> Result<deals::New, Error> {
    let drafts = lead.products.0.iter().map(|product| Draft {
        product: product.clone(),
        quantity: 1,
        amount: None,
    });
    // Lines without amounts share the deal's, whatever it is, so there is nothing to refuse.
    let amount = amount.or_else(|| lead.estimated_value());
    let worth =
        amounts::settle("", drafts.collect(), amount, &[].into()).map_err(Problem::Invalid)?;
    let role = |partner| PartnerRole {
        evidence: vec![evidence::of_lead(txn, lead)],
        ..PartnerRole::new(partner, Role::Sourced)
    };
    Ok(deals::New {
        id,
        display_name: lead.company_name.clone(),
        account: lead.account.clone(),
        roles: lead.partner.clone().map(role).into_iter().collect(),
        worth,
        deal_type: None,
        territory: lead.territory.clone(),
        engage_date: None,
        expected_close_date: None,
        external_id: None,
        particulars: deals::Particulars::default(),
        registration: None,
    })
}

/// Marks a lead as the same as another.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`; `PRECONDITION` when the other is a
/// duplicate or spam itself.
pub async fn mark_duplicate(
    store: &Store,
    call: Call,
    mark: MarkDuplicate,
) -> Result<Written<pb::Lead>, Error> {
    store
        .write(call, mark, |txn, MarkDuplicate { on, of }| async move {
            // Both at once and in order, so that two leads never become duplicates of each other.
            let ids = [on.id.clone(), of.clone()];
            let both = record::lock_many::<Entity>(&txn, ids).await?;
            let other = both.into_iter().find(|lead| lead.id == of);
            let (mut lead, resource) = lock(&txn, &on).await?;
            let other = other.ok_or_else(|| absent(&txn, &of))?;
            lead.state = lifecycle::moved(lead.state, Verb::MarkDuplicate, &resource)?;
            if matches!(other.state, State::Duplicate | State::Spam) {
                return Err(Problem::Precondition {
                    resource: name(txn.ecosystem(), &of),
                    requires: "the other must be neither DUPLICATE nor SPAM".to_owned(),
                }
                .into());
            }
            lead.duplicate_of = Some(of);
            keep(&txn, lead, "lead.marked_duplicate", on).await
        })
        .await
}

/// Writes a moved lead back, reports it to whoever holds it, and answers it.
async fn keep(txn: &Txn, lead: Model, kind: &'static str, on: Move) -> Result<pb::Lead, Error> {
    let lead = kept(txn, lead, kind, on).await?;
    event::is(txn, &answer(&txn.whole(), lead.clone()));
    Ok(answer(txn, lead))
}

async fn kept(txn: &Txn, lead: Model, kind: &'static str, on: Move) -> Result<Model, Error> {
    let lead = record::update::<Entity>(txn, lead).await?;
    let mut event = NewEvent::new(kind, name(txn.ecosystem(), &lead.id))
        .noting(on.note)
        .for_partner(lead.partner.as_ref())
        .with(routing::told(&lead));
    if let Some(reason_code) = on.reason_code {
        event = event.because(reason_code);
    }
    event::append(txn, event);
    Ok(lead)
}

/// A lead as the call may see it now.
fn answer(view: &View, lead: Model) -> pb::Lead {
    wire(shown(lifecycle::as_of(lead, view.now()), view.scope()))
}

/// Finds a lead.
async fn find(view: &View, id: &LeadId) -> Result<Model, Error> {
    record::find::<Entity>(view, id)
        .await?
        .ok_or_else(|| absent(view, id))
}

/// Locks a lead at the version that the caller read, as it stands now.
async fn lock(txn: &Txn, on: &Move) -> Result<(Model, String), Error> {
    let resource = name(txn.ecosystem(), &on.id);
    let lead = record::lock::<Entity>(txn, &on.id)
        .await?
        .ok_or_else(|| absent(txn, &on.id))?;
    on.etag.check(lead.version, &resource)?;
    event::was(txn, answer(&txn.whole(), lead.clone()));
    Ok((routing::settle(txn, lead)?, resource))
}

impl Described {
    /// What it names.
    fn references(&self) -> References {
        References {
            programs: [self.program.clone()].into(),
            accounts: self.company.account.iter().cloned().collect(),
            products: self.products.iter().cloned().collect(),
            territories: self.territory.iter().cloned().collect(),
            ..References::default()
        }
    }
}
