//! The moves of registrations. Each is one transaction.
//!
//! What competes is decided in [`queue`](super::queue), under the locks of the customer.

use trellis_api::Etag;
use trellis_api::deal::v1 as pb;
use trellis_core::{Call, DealId, Money, PartnerId, Problem, RegistrationId, Written};
use trellis_store::deal::account;
use trellis_store::deal::claim::GrantedRole;
use trellis_store::deal::deal::{PartnerRole, Role};
use trellis_store::deal::eligibility;
use trellis_store::deal::registration::{Entity, InfoRequest, Model, State};
use trellis_store::event::{self, NewEvent};
use trellis_store::partner::partner;
use trellis_store::{Store, Txn, record};

use super::convert::wire;
use super::disclosure::{Seen, shown};
use super::lifecycle::{self, Verb};
use super::registrations::{self, changed, find, lock, seen};
use super::{clarification, extension, held, joining, queue, response, revocation, told, transfer};
use crate::deal::amounts::{self, Draft};
use crate::deal::{deals, evidence};
use crate::{Error, absent};

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

/// Gives a registration to another partner.
#[derive(Clone, Debug)]
pub struct TransferTo {
    /// Which one, and why.
    pub on: Move,
    /// To whom.
    pub partner: PartnerId,
}

/// Asks the partner of a registration for more.
#[derive(Clone, Debug)]
pub struct RequestInfo {
    /// Which one, and what is missing.
    pub on: Move,
    /// The fields that are to be mended or explained.
    pub fields: Vec<String>,
}

/// Hands a draft in and decides about it.
///
/// # Errors
/// `INVALID_FIELDS` when something is missing that the program asks for; `RESOURCE_NOT_FOUND`,
/// `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`, `PRECONDITION` when the partner may not claim business under
/// the program, `SELF_DUPLICATE`, `COOL_OFF`, `SUBMISSION_BUDGET`, `OPEN_REGISTRATIONS`.
pub async fn submit(
    store: &Store,
    call: Call,
    on: Move,
) -> Result<Written<pb::Registration>, Error> {
    let dry = call.validate_only;
    store
        .write(call, on, move |txn, on| async move {
            let (held, registration, resource) =
                registrations::lock_to_submit(&txn, &on.id, &on.etag).await?;
            let seen = seen(&txn, &registration).await?;
            let state = shown(registration.clone(), seen).state;
            let next = lifecycle::moved(state, Verb::Submit, &resource)?;
            if dry && seen != Seen::Staff {
                // What would be decided is what a partner must not learn by asking.
                let would_be = would_be(&txn, registration, next).await?;
                return Ok(wire(shown(would_be, seen)));
            }
            let whole = txn.whole();
            let registration = match registration.state {
                State::NeedsInfo if registration.contends => {
                    clarification::answer(&whole, &held, registration, &resource, on.note).await?
                }
                State::NeedsInfo => {
                    let again = clarification::again(registration);
                    joining::submit(&whole, again, &resource, asking(on.note, seen)).await?
                }
                _ => {
                    joining::submit(&whole, registration, &resource, asking(on.note, seen)).await?
                }
            };
            changed(&txn, registration).await
        })
        .await
}

fn asking(note: String, seen: Seen) -> joining::Asking {
    joining::Asking { note, seen }
}

/// Asks the partner of a registration for more. It keeps its place in the line.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`; `PRECONDITION` when it was handed in
/// again as often as the program lets it.
pub async fn request_info(
    store: &Store,
    call: Call,
    request: RequestInfo,
) -> Result<Written<pb::Registration>, Error> {
    store
        .write(
            call,
            request,
            |txn, RequestInfo { on, fields }| async move {
                let whole = txn.whole();
                let held = held::hold(&whole, &find(&txn, &on.id).await?).await?;
                let (registration, resource) = lock(&txn, &on.id, &on.etag).await?;
                let question = InfoRequest {
                    note: on.note,
                    fields,
                    request_time: txn.now(),
                };
                let registration =
                    clarification::ask(&whole, &held, registration, &resource, question).await?;
                changed(&txn, registration).await
            },
        )
        .await
}

/// Takes the protection of a registration away. The first of those that waited for it has their turn.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`.
pub async fn revoke(
    store: &Store,
    call: Call,
    on: Move,
) -> Result<Written<pb::Registration>, Error> {
    leave(store, call, on, Verb::Revoke).await
}

/// Lets the protection of a registration last longer, once.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`; `PRECONDITION` when it was extended
/// before, has ended, has no days left or has not come on.
pub async fn extend(
    store: &Store,
    call: Call,
    on: Move,
) -> Result<Written<pb::Registration>, Error> {
    store
        .write(call, on, |txn, on| async move {
            let whole = txn.whole();
            // Whoever waits for the end decides under the same locks.
            let _held = held::hold(&whole, &find(&txn, &on.id).await?).await?;
            let (registration, resource) = lock(&txn, &on.id, &on.etag).await?;
            let registration = extension::extend(&whole, registration, &resource, on.note).await?;
            changed(&txn, registration).await
        })
        .await
}

/// Gives a registration to another partner. Its protection goes on as it is.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`; `PRECONDITION` when the partner has it
/// already or could not register, `REGISTRATION_CONFLICT`, `SELF_DUPLICATE`.
pub async fn transfer(
    store: &Store,
    call: Call,
    transfer: TransferTo,
) -> Result<Written<pb::Registration>, Error> {
    store
        .write(
            call,
            transfer,
            |txn, TransferTo { on, partner }| async move {
                let whole = txn.whole();
                let held = held::hold(&whole, &find(&txn, &on.id).await?).await?;
                let (registration, resource) = lock(&txn, &on.id, &on.etag).await?;
                if record::find::<partner::Entity>(&txn, &partner)
                    .await?
                    .is_none()
                {
                    return Err(absent(&txn, &partner));
                }
                if registration.partner == partner {
                    return Err(Problem::Precondition {
                        resource,
                        requires: "the partner must be another than the one that has it".into(),
                    }
                    .into());
                }
                let leaving = queue::Leaving {
                    verb: Verb::Transfer,
                    reason_code: on.reason_code,
                    note: on.note,
                };
                let registration =
                    transfer::transfer(&whole, &held, registration, &resource, partner, leaving)
                        .await?;
                changed(&txn, registration).await
            },
        )
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
            let held = held::hold(&txn.whole(), &seen).await?;
            let (registration, resource) = lock(&txn, &on.id, &on.etag).await?;
            let registration =
                queue::approve(&txn.whole(), &held, registration, &resource, on.note).await?;
            changed(&txn, registration).await
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
            let held = held::hold(&whole, &seen).await?;
            let (registration, resource) = lock(&txn, &on.id, &on.etag).await?;
            let leaving = queue::Leaving {
                verb,
                reason_code: on.reason_code,
                note: on.note,
            };
            let registration = match verb {
                Verb::Revoke => {
                    revocation::revoke(&whole, &held, registration, &resource, leaving).await?
                }
                _ => queue::leave(&whole, &held, registration, &resource, leaving).await?,
            };
            changed(&txn, registration).await
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
                        .with(told::told(&registration)),
                );
                changed(&txn, registration).await
            },
        )
        .await
}

/// The deal that a registration becomes: its customer and products, with its partner in the part that it
/// was granted.
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
    let part = match registration.granted_role {
        Some(GrantedRole::CoSell) => Role::CoSell,
        Some(GrantedRole::Sourced) | None => Role::Sourced,
    };
    let role = PartnerRole {
        evidence: vec![evidence::of_registration(txn, registration)],
        ..PartnerRole::new(registration.partner.clone(), part)
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
        particulars: deals::Particulars::default(),
        registration: Some((registration.id.clone(), registration.program.clone())),
        id,
    })
}

/// What a partner would be answered if it handed a registration in.
async fn would_be(txn: &Txn, mut registration: Model, state: State) -> Result<Model, Error> {
    if registration.state == State::NeedsInfo {
        registration.resubmission_count += 1;
        registration.info_due_time = None;
    }
    registration.state = state;
    let (whole, now) = (txn.whole(), txn.now());
    // What it is promised follows from its program alone.
    let Model {
        partner, program, ..
    } = &registration;
    let facts = eligibility::facts(&whole, partner, program).await?;
    match facts {
        Some(facts) if registration.contends => {
            response::resume(&mut registration, &facts, now);
        }
        Some(facts) => response::begin(&mut registration, &facts, now),
        None => {}
    }
    if !registration.contends {
        registration.submit_time = Some(now);
        registration.receive_time = registration.submit_time;
    }
    registration.version += 1;
    registration.update_time = now;
    Ok(registration)
}
