//! The use cases of partners. Each that writes is one transaction.

use std::time::Duration;

use trellis_api::partner::v1 as pb;
use trellis_api::{Etag, name};
use trellis_core::lifecycle::Named;
use trellis_core::{Call, Page, PageQuery, PartnerId, Problem, Timestamp, Violation, Written};
use trellis_store::event::{self, NewEvent};
use trellis_store::partner::partner::{Entity, Model, PartnerType, State};
use trellis_store::{Store, Txn, View, record};

use super::convert::wire;
use super::lifecycle::{self, Verb};
use crate::Error;

/// Makes a partner.
#[derive(Clone, Debug)]
pub struct Create {
    /// The id that the caller chose.
    pub id: Option<PartnerId>,
    /// Its fields, all of them set.
    pub edit: Edit,
}

/// Changes to the fields that a partner's owner sets; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    /// The name that people read.
    pub display_name: Option<String>,
    /// What kind of partner it is.
    pub partner_type: Option<PartnerType>,
    /// Its country.
    pub region_code: Option<Option<String>>,
    /// Its web site's domain.
    pub domain: Option<Option<String>>,
    /// Where invitations go.
    pub contact_email: Option<Option<String>>,
    /// Its id elsewhere.
    pub external_id: Option<Option<String>>,
    /// Who looks after it.
    pub channel_manager: Option<Option<String>>,
}

/// Edits a partner.
#[derive(Clone, Debug)]
pub struct Update {
    /// Which one.
    pub id: PartnerId,
    /// The version that the caller read.
    pub etag: Etag,
    /// What to change.
    pub edit: Edit,
}

/// Moves a partner through its life.
#[derive(Clone, Debug)]
pub struct Move {
    /// Which one.
    pub id: PartnerId,
    /// The version that the caller read.
    pub etag: Etag,
    /// Why, in a word.
    pub reason_code: Option<String>,
    /// Why, in a sentence.
    pub note: String,
}

impl Move {
    pub(super) fn because(mut self, reason_code: String) -> Self {
        self.reason_code = Some(reason_code);
        self
    }
}

/// Invites a partner.
#[derive(Clone, Debug)]
pub struct Invite {
    /// Which one, and why.
    pub on: Move,
    /// How long the invitation is open.
    pub ttl: Duration,
}

/// Suspends a partner.
#[derive(Clone, Debug)]
pub struct Suspend {
    /// Which one, and why.
    pub on: Move,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
}

/// Gives a partner notice.
#[derive(Clone, Debug)]
pub struct GiveNotice {
    /// Which one, and why.
    pub on: Move,
    /// When the relationship ends.
    pub end: Timestamp,
}

/// Creates a partner that is known and not yet asked.
///
/// # Errors
/// `RESOURCE_EXISTS` when the id or the external id is taken.
pub async fn create(
    store: &Store,
    call: Call,
    create: Create,
) -> Result<Written<pb::Partner>, Error> {
    store
        .write(call, create, |txn, Create { id, edit }| async move {
            let id = id.unwrap_or_else(|| PartnerId::generate(txn.now()));
            let resource = name(txn.ecosystem(), &id);
            let partner = fresh(&txn, id, edit, State::Prospect);
            let partner = record::insert::<Entity>(&txn, partner)
                .await
                .map_err(|error| exists(error, &resource))?;
            event::append(
                &txn,
                NewEvent::new("partner.created", resource).for_partner(&partner.id),
            );
            Ok(wire(partner))
        })
        .await
}

/// The row of a new partner.
pub(super) fn fresh(txn: &Txn, id: PartnerId, edit: Edit, state: State) -> Model {
    let now = txn.now();
    let mut partner = Model {
        ecosystem: txn.ecosystem().clone(),
        id,
        display_name: String::new(),
        partner_type: PartnerType::Reseller,
        region_code: None,
        domain: None,
        contact_email: None,
        external_id: None,
        channel_manager: None,
        state,
        invitation_expire_time: None,
        suspend_until_time: None,
        terminate_time: None,
        version: 1,
        create_time: now,
        update_time: now,
    };
    apply(&mut partner, edit);
    partner
}

/// Gets a partner.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn get(store: &Store, call: Call, id: PartnerId) -> Result<pb::Partner, Error> {
    let view = store.read(&call).await?;
    let partner = record::find::<Entity>(&view, &id)
        .await?
        .ok_or_else(|| absent(&view, &id))?;
    Ok(wire(lifecycle::as_of(partner, view.now())))
}

/// Lists partners.
///
/// # Errors
/// `INVALID_FIELDS` when the page token was made for another request.
pub async fn list(
    store: &Store,
    call: Call,
    query: &PageQuery,
) -> Result<Page<pb::Partner>, Error> {
    let view = store.read(&call).await?;
    let page = record::page::<Entity>(&view, query).await?;
    Ok(page.map(|partner| wire(lifecycle::as_of(partner, view.now()))))
}

/// Gets several partners, in the order asked for.
///
/// # Errors
/// `RESOURCE_NOT_FOUND` naming the first that does not exist.
pub async fn batch_get(
    store: &Store,
    call: Call,
    ids: Vec<PartnerId>,
) -> Result<Vec<pb::Partner>, Error> {
    let view = store.read(&call).await?;
    let found = record::find_many::<Entity>(&view, ids.clone()).await?;
    ids.into_iter()
        .map(|id| {
            let partner = found.iter().find(|partner| partner.id == id).cloned();
            let partner = partner.ok_or_else(|| absent(&view, &id))?;
            Ok(wire(lifecycle::as_of(partner, view.now())))
        })
        .collect()
}

/// Edits the fields that a partner's owner sets.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `NOT_EDITABLE` once it is terminated, `RESOURCE_EXISTS`
/// when the external id is taken.
pub async fn update(
    store: &Store,
    call: Call,
    update: Update,
) -> Result<Written<pb::Partner>, Error> {
    store
        .write(call, update, |txn, Update { id, etag, edit }| async move {
            let (mut partner, resource) = lock(&txn, &id, &etag).await?;
            if partner.state == State::Terminated {
                return Err(Error::Problem(Problem::NotEditable {
                    resource,
                    state: partner.state.name(),
                    fields: edit.fields().into_iter().map(str::to_owned).collect(),
                }));
            }
            apply(&mut partner, edit);
            let partner = record::update::<Entity>(&txn, partner)
                .await
                .map_err(|error| exists(error, &resource))?;
            event::append(
                &txn,
                NewEvent::new("partner.updated", resource).for_partner(&partner.id),
            );
            Ok(wire(partner))
        })
        .await
}

/// Invites a partner.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`.
pub async fn invite(
    store: &Store,
    call: Call,
    invite: Invite,
) -> Result<Written<pb::Partner>, Error> {
    store
        .write(call, invite, |txn, Invite { on, ttl }| async move {
            let expire = txn.now().saturating_add(ttl);
            step(&txn, on, Verb::Invite, "partner.invited", |partner| {
                partner.invitation_expire_time = Some(expire);
            })
            .await
        })
        .await
}

/// Makes a move that sets nothing but the state.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`.
pub async fn make(
    store: &Store,
    call: Call,
    on: Move,
    verb: Verb,
) -> Result<Written<pb::Partner>, Error> {
    store
        .write(call, on, move |txn, on| async move {
            step(&txn, on, verb, reported(verb), |partner| {
                if verb == Verb::Terminate {
                    partner.terminate_time = Some(txn.now());
                }
            })
            .await
        })
        .await
}

/// Suspends a partner.
///
/// # Errors
/// `INVALID_FIELDS` when the end has passed; `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`,
/// `ILLEGAL_TRANSITION`.
pub async fn suspend(
    store: &Store,
    call: Call,
    suspend: Suspend,
) -> Result<Written<pb::Partner>, Error> {
    store
        .write(call, suspend, |txn, Suspend { on, until }| async move {
            if let Some(until) = until {
                ahead(&txn, "until_time", until)?;
            }
            step(
                &txn,
                on,
                Verb::Suspend,
                reported(Verb::Suspend),
                |partner| {
                    partner.suspend_until_time = until;
                },
            )
            .await
        })
        .await
}

/// Gives a partner notice.
///
/// # Errors
/// `INVALID_FIELDS` when the end has passed; `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`,
/// `ILLEGAL_TRANSITION`.
pub async fn give_notice(
    store: &Store,
    call: Call,
    notice: GiveNotice,
) -> Result<Written<pb::Partner>, Error> {
    store
        .write(call, notice, |txn, GiveNotice { on, end }| async move {
            ahead(&txn, "terminate_time", end)?;
            step(
                &txn,
                on,
                Verb::GiveNotice,
                reported(Verb::GiveNotice),
                |partner| {
                    partner.terminate_time = Some(end);
                },
            )
            .await
        })
        .await
}

/// The event that reports a move.
pub(super) fn reported(verb: Verb) -> &'static str {
    match verb {
        Verb::Invite => "partner.invited",
        Verb::Accept => "partner.invitation_accepted",
        Verb::Decline => "partner.invitation_declined",
        Verb::Expire => "partner.invitation_expired",
        Verb::Activate => "partner.activated",
        Verb::Suspend => "partner.suspended",
        Verb::Reinstate => "partner.reinstated",
        Verb::GiveNotice => "partner.notice_given",
        Verb::Terminate => "partner.terminated",
    }
}

/// Locks a partner, makes one move and reports it.
async fn step(
    txn: &Txn,
    on: Move,
    verb: Verb,
    kind: &'static str,
    set: impl FnOnce(&mut Model),
) -> Result<pb::Partner, Error> {
    let (mut partner, resource) = lock(txn, &on.id, &on.etag).await?;
    let from = partner.state;
    lifecycle::enter(&mut partner, lifecycle::moved(from, verb, &resource)?);
    set(&mut partner);
    let partner = record::update::<Entity>(txn, partner).await?;
    let mut event = NewEvent::new(kind, resource)
        .noting(on.note)
        .for_partner(&partner.id)
        .with(moved(from, partner.state));
    if let Some(reason_code) = on.reason_code {
        event = event.because(reason_code);
    }
    event::append(txn, event);
    Ok(wire(partner))
}

/// What every event of a move says.
pub(super) fn moved(from: State, to: State) -> serde_json::Value {
    serde_json::json!({ "from": from.name(), "to": to.name() })
}

/// Locks a partner at the version that the caller read, and applies what fell due.
async fn lock(txn: &Txn, id: &PartnerId, etag: &Etag) -> Result<(Model, String), Error> {
    let resource = name(txn.ecosystem(), id);
    let partner = record::lock::<Entity>(txn, id)
        .await?
        .ok_or_else(|| absent(txn, id))?;
    etag.check(partner.version, &resource)?;
    let partner = lifecycle::as_of(partner, txn.now());
    event::was(txn, wire(partner.clone()));
    Ok((partner, resource))
}

pub(super) fn apply(partner: &mut Model, edit: Edit) {
    let Edit {
        display_name,
        partner_type,
        region_code,
        domain,
        contact_email,
        external_id,
        channel_manager,
    } = edit;
    set(&mut partner.display_name, display_name);
    set(&mut partner.partner_type, partner_type);
    set(&mut partner.region_code, region_code);
    set(&mut partner.domain, domain);
    set(&mut partner.contact_email, contact_email);
    set(&mut partner.external_id, external_id);
    set(&mut partner.channel_manager, channel_manager);
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

impl Edit {
    /// The names of the fields that it changes.
    fn fields(&self) -> Vec<&'static str> {
        [
            ("display_name", self.display_name.is_some()),
            ("partner_type", self.partner_type.is_some()),
            ("region_code", self.region_code.is_some()),
            ("domain", self.domain.is_some()),
            ("contact_email", self.contact_email.is_some()),
            ("external_id", self.external_id.is_some()),
            ("channel_manager", self.channel_manager.is_some()),
        ]
        .into_iter()
        .filter_map(|(field, changes)| changes.then_some(field))
        .collect()
    }
}

fn ahead(txn: &Txn, field: &str, time: Timestamp) -> Result<(), Problem> {
    if time > txn.now() {
        return Ok(());
    }
    let description = format!("must be after {}, the time in this ecosystem", txn.now());
    Err(Problem::Invalid(vec![Violation::new(
        field,
        "timestamp.gt_now",
        description,
    )]))
}

fn absent(view: &View, id: &PartnerId) -> Error {
    Problem::NotFound {
        resource: name(view.ecosystem(), id),
    }
    .into()
}

/// Says which resource could not be made because a value is taken.
fn exists(error: trellis_store::Error, resource: &str) -> Error {
    match error {
        trellis_store::Error::Exists { field } => Problem::Exists {
            resource: resource.to_owned(),
            field,
        }
        .into(),
        other => other.into(),
    }
}
