//! The use cases of registrations. Each that writes is one transaction.
//!
//! What competes is decided in [`queue`](super::queue), under the locks of the customer.

use trellis_api::deal::v1 as pb;
use trellis_api::{Etag, Mask, name};
use trellis_core::lifecycle::Named;
use trellis_core::{
    AccountId, Call, Date, DealId, Money, Page, PageQuery, PartnerId, Problem, ProductId,
    ProgramId, RegistrationId, TerritoryId, Written,
};
use trellis_store::deal::account;
use trellis_store::deal::deal::{DealType, PartnerRole, Role};
use trellis_store::deal::reference::References;
use trellis_store::deal::registration::{Entity, Model, Products, State};
use trellis_store::event::{self, NewEvent};
use trellis_store::program::program;
use trellis_store::{Store, Txn, View, record};

use super::convert::wire;
use super::disclosure::{self, Seen, shown};
use super::lifecycle::{self, Verb};
use super::queue;
use crate::deal::amounts::{self, Draft};
use crate::deal::{deals, evidence};
use crate::edit::set;
use crate::{Error, absent, all_exist, exists};

/// Makes a registration.
#[derive(Clone, Debug)]
pub struct Create {
    /// The id that the caller chose.
    pub id: Option<RegistrationId>,
    /// Who asks.
    pub partner: PartnerId,
    /// Its other fields, all of them set.
    pub claim: Claim,
}

/// Everything that a partner says in a registration.
#[derive(Clone, Debug)]
pub struct Claim {
    /// What people call the business.
    pub display_name: Option<String>,
    /// Under which program's rules.
    pub program: ProgramId,
    /// For which customer.
    pub account: AccountId,
    /// For what.
    pub products: Vec<ProductId>,
    /// Where.
    pub territory: Option<TerritoryId>,
    /// What kind of business it is.
    pub deal_type: DealType,
    /// What it is expected to be worth.
    pub estimated_value: Money,
    /// When it is expected to close.
    pub expected_close_date: Option<Date>,
    /// What the partner has to say.
    pub note: Option<String>,
    /// What the partner has done so far.
    pub evidence: Option<String>,
}

/// Changes to a registration; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    /// What people call the business.
    pub display_name: Option<Option<String>>,
    /// Under which program's rules.
    pub program: Option<ProgramId>,
    /// For which customer.
    pub account: Option<AccountId>,
    /// For what.
    pub products: Option<Vec<ProductId>>,
    /// Where.
    pub territory: Option<Option<TerritoryId>>,
    /// What kind of business it is.
    pub deal_type: Option<DealType>,
    /// What it is expected to be worth.
    pub estimated_value: Option<Money>,
    /// When it is expected to close.
    pub expected_close_date: Option<Option<Date>>,
    /// What the partner has to say.
    pub note: Option<Option<String>>,
    /// What the partner has done so far.
    pub evidence: Option<Option<String>>,
}

/// Edits a registration.
#[derive(Clone, Debug)]
pub struct Update {
    /// Which one.
    pub id: RegistrationId,
    /// The version that the caller read.
    pub etag: Etag,
    /// Which fields the caller sent.
    pub mask: Mask,
    /// What to change.
    pub edit: Edit,
}

/// Moves a registration through its life.
#[derive(Clone, Debug)]
pub struct Move {
    /// Which one.
    pub id: RegistrationId,
    /// The version that the caller read.
    pub etag: Etag,
    /// Why, in a word.
    pub reason_code: Option<String>,
    /// Why, in a sentence.
    pub note: String,
}

/// Makes a deal of a registration.
#[derive(Clone, Debug)]
pub struct Convert {
    /// Which one.
    pub on: Move,
    /// The id that the caller chose for the deal.
    pub deal: Option<DealId>,
    /// What the deal is worth, if not what was estimated.
    pub amount: Option<Money>,
}

/// Creates a draft.
///
/// # Errors
/// `RESOURCE_NOT_FOUND` when something that it names does not exist, `RESOURCE_EXISTS` when the id
/// is taken.
pub async fn create(
    store: &Store,
    call: Call,
    create: Create,
) -> Result<Written<pb::Registration>, Error> {
    store
        .write(
            call,
            create,
            |txn,
             Create {
                 id,
                 partner,
                 mut claim,
             }| async move {
                let named = References {
                    partners: [partner.clone()].into(),
                    programs: [claim.program.clone()].into(),
                    accounts: [claim.account.clone()].into(),
                    products: claim.products.iter().cloned().collect(),
                    territories: claim.territory.iter().cloned().collect(),
                };
                let merged = all_exist(&txn, &named).await?;
                merged.stand_for(&mut claim.account);
                let id = id.unwrap_or_else(|| RegistrationId::generate(txn.now()));
                let resource = name(txn.ecosystem(), &id);
                let registration = record::insert::<Entity>(&txn, draft(&txn, id, partner, claim))
                    .await
                    .map_err(|error| exists(error, &resource))?;
                event::append(
                    &txn,
                    NewEvent::new("registration.created", resource)
                        .for_partner(&registration.partner)
                        .with(queue::told(&registration)),
                );
                answer(&txn, registration).await
            },
        )
        .await
}

fn draft(txn: &Txn, id: RegistrationId, partner: PartnerId, claim: Claim) -> Model {
    let Claim {
        display_name,
        program,
        account,
        products,
        territory,
        deal_type,
        estimated_value,
        expected_close_date,
        note,
        evidence,
    } = claim;
    Model {
        ecosystem: txn.ecosystem().clone(),
        id,
        display_name,
        partner,
        creator: txn.actor().to_string(),
        program,
        account,
        products: Products(products),
        territory,
        deal_type,
        estimated_minor: estimated_value.minor,
        currency: estimated_value.currency,
        expected_close_date,
        note,
        evidence,
        state: State::Draft,
        contends: false,
        submit_time: None,
        receive_time: None,
        tick_time: None,
        decision: None,
        suspicion: None,
        screening: None,
        judged: None,
        waitlist_position: None,
        protection_start_time: None,
        protection_end_time: None,
        deal: None,
        version: 1,
        create_time: txn.now(),
        update_time: txn.now(),
    }
}

/// Gets a registration.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn get(store: &Store, call: Call, id: RegistrationId) -> Result<pb::Registration, Error> {
    let view = store.read(&call).await?;
    let registration = find(&view, &id).await?;
    answer(&view, registration).await
}

/// Lists registrations.
///
/// # Errors
/// `INVALID_FIELDS` when the page token was made for another request.
pub async fn list(
    store: &Store,
    call: Call,
    query: &PageQuery,
) -> Result<Page<pb::Registration>, Error> {
    let view = store.read(&call).await?;
    if view.scope().is_staff() {
        let page = record::page::<Entity>(&view, query).await?;
        return Ok(page.map(|registration| wire(lifecycle::as_of(registration, view.now()))));
    }
    let telling = program::telling(&view.whole()).await?;
    let mut query = query.clone();
    query.filter = query
        .filter
        .map(|filter| disclosure::filtered(filter, &telling));
    let page = record::page::<Entity>(&view, &query).await?;
    Ok(page.map(|registration| {
        let disclosure = disclosure::of(&registration.program, &telling);
        let seen = Seen::by(view.scope(), disclosure);
        wire(shown(lifecycle::as_of(registration, view.now()), seen))
    }))
}

/// Edits a registration, as far as its state lets.
///
/// # Errors
/// `INVALID_FIELDS` when the partner would change; `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`,
/// `NOT_EDITABLE`.
pub async fn update(
    store: &Store,
    call: Call,
    update: Update,
) -> Result<Written<pb::Registration>, Error> {
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
                let (mut registration, resource) = lock(&txn, &id, &etag).await?;
                let seen = seen(&txn, &registration).await?;
                mask.unchanged(&wire(registration.clone()))?;
                let state = shown(registration.clone(), seen).state;
                let allowed = lifecycle::editable(state);
                let closed: Vec<_> = edit
                    .fields()
                    .into_iter()
                    .filter(|field| !allowed.contains(field))
                    .collect();
                if !closed.is_empty() {
                    return Err(Problem::NotEditable {
                        resource,
                        state: state.name(),
                        fields: closed.into_iter().map(str::to_owned).collect(),
                    }
                    .into());
                }
                let merged = all_exist(&txn, &edit.references()).await?;
                if let Some(account) = &mut edit.account {
                    merged.stand_for(account);
                }
                apply(&mut registration, edit);
                let registration = record::update::<Entity>(&txn, registration).await?;
                event::append(
                    &txn,
                    NewEvent::new("registration.updated", resource)
                        .for_partner(&registration.partner)
                        .with(queue::told_of_claim(&registration)),
                );
                Ok(wire(shown(registration, seen)))
            },
        )
        .await
}

/// Hands a draft in and decides about it.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`, `PRECONDITION` when the partner may
/// not claim business under the program, `SELF_DUPLICATE`, `SUBMISSION_BUDGET`, `OPEN_REGISTRATIONS`.
pub async fn submit(
    store: &Store,
    call: Call,
    on: Move,
) -> Result<Written<pb::Registration>, Error> {
    let dry = call.validate_only;
    store
        .write(call, on, move |txn, on| async move {
            // Nobody else waits for a draft's row, so its lock may come before the customer's.
            let (registration, resource) = lock(&txn, &on.id, &on.etag).await?;
            let seen = seen(&txn, &registration).await?;
            let state = shown(registration.clone(), seen).state;
            let next = lifecycle::moved(state, Verb::Submit, &resource)?;
            if dry && seen != Seen::Staff {
                // What would be decided is what a partner must not learn by asking.
                return Ok(wire(would_be(&txn, registration, next)));
            }
            let asking = queue::Asking {
                note: on.note,
                seen,
            };
            let registration = queue::submit(&txn.whole(), registration, &resource, asking).await?;
            Ok(wire(shown(registration, seen)))
        })
        .await
}

/// Grants a registration.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`, `PRECONDITION` when the partner may
/// not claim business any more, `REGISTRATION_CONFLICT`, `SELF_DUPLICATE`.
pub async fn approve(
    store: &Store,
    call: Call,
    on: Move,
) -> Result<Written<pb::Registration>, Error> {
    store
        .write(call, on, |txn, on| async move {
            let seen = find(&txn, &on.id).await?;
            let held = queue::hold(&txn.whole(), &seen).await?;
            let (registration, resource) = lock(&txn, &on.id, &on.etag).await?;
            let registration =
                queue::approve(&txn.whole(), &held, registration, &resource, on.note).await?;
            answer(&txn, registration).await
        })
        .await
}

/// Refuses a registration. Those that waited for it move up.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`.
pub async fn reject(
    store: &Store,
    call: Call,
    on: Move,
) -> Result<Written<pb::Registration>, Error> {
    leave(store, call, on, Verb::Reject).await
}

/// Takes a registration back. Those that waited for it move up.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`.
pub async fn withdraw(
    store: &Store,
    call: Call,
    on: Move,
) -> Result<Written<pb::Registration>, Error> {
    leave(store, call, on, Verb::Withdraw).await
}

async fn leave(
    store: &Store,
    call: Call,
    on: Move,
    verb: Verb,
) -> Result<Written<pb::Registration>, Error> {
    store
        .write(call, on, move |txn, on| async move {
            let whole = txn.whole();
            let seen = find(&txn, &on.id).await?;
            let held = queue::hold(&whole, &seen).await?;
            let (registration, resource) = lock(&txn, &on.id, &on.etag).await?;
            let registration = queue::leave(
                &whole,
                &held,
                registration,
                &resource,
                queue::Leaving {
                    verb,
                    reason_code: on.reason_code,
                    note: on.note,
                },
            )
            .await?;
            answer(&txn, registration).await
        })
        .await
}

/// Makes a deal of a granted registration, in the same transaction. The protection goes on.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`, `RESOURCE_EXISTS` when the id of
/// the deal is taken.
pub async fn convert(
    store: &Store,
    call: Call,
    convert: Convert,
) -> Result<Written<pb::Registration>, Error> {
    store
        .write(
            call,
            convert,
            |txn, Convert { on, deal, amount }| async move {
                let (mut registration, resource) = lock(&txn, &on.id, &on.etag).await?;
                let seen = seen(&txn, &registration).await?;
                let state = shown(registration.clone(), seen).state;
                registration.state = lifecycle::moved(state, Verb::Convert, &resource)?;
                let deal = deal.unwrap_or_else(|| DealId::generate(txn.now()));
                deals::add(
                    &txn,
                    deal_of(&txn.whole(), &registration, deal.clone(), amount).await?,
                )
                .await?;
                registration.deal = Some(deal);
                let registration = record::update::<Entity>(&txn, registration).await?;
                event::append(
                    &txn,
                    NewEvent::new("registration.converted", resource)
                        .noting(on.note)
                        .for_partner(&registration.partner)
                        .with(queue::told(&registration)),
                );
                Ok(wire(shown(registration, seen)))
            },
        )
        .await
}

/// The deal that a registration becomes: its customer and products, sourced by its partner.
async fn deal_of(
    txn: &Txn,
    registration: &Model,
    id: DealId,
    amount: Option<Money>,
) -> Result<deals::New, Error> {
    let estimate = Money::new(registration.estimated_minor, registration.currency);
    let drafts = registration
        .products
        .0
        .iter()
        .map(|product| Draft {
            product: product.clone(),
            quantity: 1,
            amount: None,
        })
        .collect();
    // Lines without amounts share the deal's, whatever it is, so there is nothing to refuse.
    let worth = amounts::settle("", drafts, Some(amount.unwrap_or(estimate)), &[].into())
        .map_err(Problem::Invalid)?;
    let display_name = match &registration.display_name {
        Some(display_name) => display_name.clone(),
        None => record::find::<account::Entity>(txn, &registration.account)
            .await?
            .map(|account| account.display_name)
            .ok_or_else(|| absent(txn, &registration.account))?,
    };
    let role = PartnerRole {
        evidence: vec![evidence::of_registration(txn, registration)],
        ..PartnerRole::new(registration.partner.clone(), Role::Sourced)
    };
    Ok(deals::New {
        display_name,
        account: Some(registration.account.clone()),
        roles: vec![role],
        worth,
        deal_type: Some(registration.deal_type),
        territory: registration.territory.clone(),
        engage_date: None,
        expected_close_date: registration.expected_close_date,
        external_id: None,
        registration: Some((registration.id.clone(), registration.program.clone())),
        id,
    })
}

/// A registration as the call may see it now.
async fn answer(view: &View, registration: Model) -> Result<pb::Registration, Error> {
    let seen = seen(view, &registration).await?;
    Ok(wire(shown(
        lifecycle::as_of(registration, view.now()),
        seen,
    )))
}

/// How much of a registration the call may see: for its partner that is a setting of its program.
async fn seen(view: &View, registration: &Model) -> Result<Seen, Error> {
    if view.scope().is_staff() {
        return Ok(Seen::Staff);
    }
    let program = record::find::<program::Entity>(&view.whole(), &registration.program).await?;
    let disclosure = program.map(|program| program.conflict_disclosure);
    Ok(Seen::by(view.scope(), disclosure.unwrap_or_default()))
}

/// What a partner would be answered if it handed a draft in.
fn would_be(txn: &Txn, mut registration: Model, state: State) -> Model {
    registration.state = state;
    registration.submit_time = Some(txn.now());
    registration.version += 1;
    registration.update_time = txn.now();
    registration
}

/// Finds a registration.
pub(super) async fn find(view: &View, id: &RegistrationId) -> Result<Model, Error> {
    record::find::<Entity>(view, id)
        .await?
        .ok_or_else(|| absent(view, id))
}

/// Locks a registration at the version that the caller read, as it stands now.
pub(super) async fn lock(
    txn: &Txn,
    id: &RegistrationId,
    etag: &Etag,
) -> Result<(Model, String), Error> {
    let resource = name(txn.ecosystem(), id);
    let registration = record::lock::<Entity>(txn, id)
        .await?
        .ok_or_else(|| absent(txn, id))?;
    etag.check(registration.version, &resource)?;
    Ok((lifecycle::as_of(registration, txn.now()), resource))
}

impl Edit {
    /// The names of the fields that it changes.
    fn fields(&self) -> Vec<&'static str> {
        [
            ("display_name", self.display_name.is_some()),
            ("program", self.program.is_some()),
            ("account", self.account.is_some()),
            ("products", self.products.is_some()),
            ("territory", self.territory.is_some()),
            ("deal_type", self.deal_type.is_some()),
            ("estimated_value", self.estimated_value.is_some()),
            ("expected_close_date", self.expected_close_date.is_some()),
            ("note", self.note.is_some()),
            ("evidence", self.evidence.is_some()),
        ]
        .into_iter()
        .filter_map(|(field, changes)| changes.then_some(field))
        .collect()
    }

    /// What it names.
    fn references(&self) -> References {
        References {
            partners: [].into(),
            programs: self.program.iter().cloned().collect(),
            accounts: self.account.iter().cloned().collect(),
            products: self.products.iter().flatten().cloned().collect(),
            territories: self.territory.iter().flatten().cloned().collect(),
        }
    }
}

fn apply(registration: &mut Model, edit: Edit) {
    let Edit {
        display_name,
        program,
        account,
        products,
        territory,
        deal_type,
        estimated_value,
        expected_close_date,
        note,
        evidence,
    } = edit;
    set(&mut registration.display_name, display_name);
    set(&mut registration.program, program);
    set(&mut registration.account, account);
    set(&mut registration.products, products.map(Products));
    set(&mut registration.territory, territory);
    set(&mut registration.deal_type, deal_type);
    set(
        &mut registration.estimated_minor,
        estimated_value.map(|value| value.minor),
    );
    set(
        &mut registration.currency,
        estimated_value.map(|value| value.currency),
    );
    set(&mut registration.expected_close_date, expected_close_date);
    set(&mut registration.note, note);
    set(&mut registration.evidence, evidence);
}
