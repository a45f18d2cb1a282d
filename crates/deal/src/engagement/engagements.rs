//! The use cases of engagements. Each that writes is one transaction.

use serde_json::json;
use trellis_api::deal::v1 as pb;
use trellis_api::{Etag, child_name, name};
use trellis_core::lifecycle::Named;
use trellis_core::{Call, EngagementId, Money, Page, PageQuery, Problem, Written};
use trellis_store::deal::engagement::{Entity, ExpectedRoles, Model, State};
use trellis_store::deal::engagement_member;
use trellis_store::event::{self, NewEvent};
use trellis_store::{Store, Txn, View, record};

use super::convert::wire;
use super::disclosure::shown;
use super::lifecycle::{self, MemberVerb, Verb};
use super::members;
use crate::edit::set;
use crate::{Error, absent, exists};

/// Makes an engagement.
#[derive(Clone, Debug)]
pub struct Create {
    /// The id that the caller chose.
    pub id: Option<EngagementId>,
    /// Everything that the caller says of it.
    pub edit: Edit,
}

/// Whom the work is for.
#[derive(Clone, Debug, Default)]
pub struct Customer {
    /// What it is called.
    pub display_name: String,
    /// The country where it is at home.
    pub region_code: Option<String>,
    /// What it does.
    pub industry: Option<String>,
    /// How large it is.
    pub size_band: Option<String>,
}

/// New values of some fields.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    /// What it is about.
    pub title: Option<String>,
    /// Whom the work is for.
    pub customer: Option<Customer>,
    /// What is to be done.
    pub description: Option<Option<String>>,
    /// What kinds of partners are looked for.
    pub expected_roles: Option<Vec<String>>,
    /// What the business may be worth.
    pub estimated_value: Option<Option<Money>>,
    /// Whether members learn of each other.
    pub members_visible: Option<bool>,
    /// Its id elsewhere.
    pub external_id: Option<Option<String>>,
}

/// Edits an engagement.
#[derive(Clone, Debug)]
pub struct Update {
    /// Which one.
    pub id: EngagementId,
    /// The version that the caller read.
    pub etag: Etag,
    /// The new values.
    pub edit: Edit,
    /// The fields that they are of.
    pub fields: Vec<&'static str>,
}

/// Moves an engagement through its life.
#[derive(Clone, Debug)]
pub struct Move {
    /// Which one.
    pub id: EngagementId,
    /// The version that the caller read.
    pub etag: Etag,
    /// Why, in a word.
    pub reason_code: Option<String>,
    /// Why, in a sentence.
    pub note: String,
}

/// Creates an engagement that no partner knows of yet.
///
/// # Errors
/// `RESOURCE_EXISTS` when the id or the external id is taken.
pub async fn create(
    store: &Store,
    call: Call,
    create: Create,
) -> Result<Written<pb::Engagement>, Error> {
    store
        .write(call, create, |txn, Create { id, edit }| async move {
            let id = id.unwrap_or_else(|| EngagementId::generate(txn.now()));
            let resource = name(txn.ecosystem(), &id);
            let engagement = record::insert::<Entity>(&txn, fresh(&txn, id, edit))
                .await
                .map_err(|error| exists(error, &resource))?;
            event::append(&txn, NewEvent::new("engagement.created", resource));
            Ok(wire(engagement))
        })
        .await
}

fn fresh(txn: &Txn, id: EngagementId, edit: Edit) -> Model {
    let mut engagement = Model {
        ecosystem: txn.ecosystem().clone(),
        id,
        title: String::new(),
        customer_name: String::new(),
        region_code: None,
        industry: None,
        size_band: None,
        description: None,
        expected_roles: ExpectedRoles::default(),
        estimated_minor: None,
        currency: None,
        members_visible: false,
        external_id: None,
        state: State::Draft,
        reason_code: None,
        close_time: None,
        version: 1,
        create_time: txn.now(),
        update_time: txn.now(),
    };
    apply(&mut engagement, edit);
    engagement
}

fn apply(engagement: &mut Model, edit: Edit) {
    let Edit {
        title,
        customer,
        description,
        expected_roles,
        estimated_value,
        members_visible,
        external_id,
    } = edit;
    set(&mut engagement.title, title);
    if let Some(customer) = customer {
        engagement.customer_name = customer.display_name;
        engagement.region_code = customer.region_code;
        engagement.industry = customer.industry;
        engagement.size_band = customer.size_band;
    }
    set(&mut engagement.description, description);
    set(
        &mut engagement.expected_roles,
        expected_roles.map(ExpectedRoles),
    );
    if let Some(value) = estimated_value {
        engagement.estimated_minor = value.map(|value| value.minor);
        engagement.currency = value.map(|value| value.currency);
    }
    set(&mut engagement.members_visible, members_visible);
    set(&mut engagement.external_id, external_id);
}

/// Gets an engagement.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn get(store: &Store, call: Call, id: EngagementId) -> Result<pb::Engagement, Error> {
    let view = store.read(&call).await?;
    let engagement = find(&view, &id).await?;
    let mut answered = answers(&view, vec![engagement]).await?;
    answered.pop().ok_or_else(|| absent(&view, &id))
}

/// Lists engagements.
///
/// # Errors
/// `INVALID_FIELDS` when the page token was made for another request.
pub async fn list(
    store: &Store,
    call: Call,
    query: &PageQuery,
) -> Result<Page<pb::Engagement>, Error> {
    let view = store.read(&call).await?;
    let Page { rows, next } = record::page::<Entity>(&view, query).await?;
    let rows = answers(&view, rows).await?;
    Ok(Page { rows, next })
}

/// Edits an engagement.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `NOT_EDITABLE`, `RESOURCE_EXISTS` when the external id is
/// taken.
pub async fn update(
    store: &Store,
    call: Call,
    update: Update,
) -> Result<Written<pb::Engagement>, Error> {
    store
        .write(call, update, |txn, update| async move {
            let Update {
                id,
                etag,
                edit,
                fields,
            } = update;
            let mut engagement = lock(&txn, &id).await?;
            let resource = name(txn.ecosystem(), &id);
            etag.check(engagement.version, &resource)?;
            event::was(&txn, wire(engagement.clone()));
            if engagement.state == State::Closed && !fields.is_empty() {
                return Err(Problem::NotEditable {
                    resource,
                    state: engagement.state.name(),
                    fields: fields.into_iter().map(str::to_owned).collect(),
                }
                .into());
            }
            apply(&mut engagement, edit);
            let engagement = record::update::<Entity>(&txn, engagement)
                .await
                .map_err(|error| exists(error, &resource))?;
            event::append(&txn, NewEvent::new("engagement.updated", resource));
            Ok(wire(engagement))
        })
        .await
}

/// Begins an engagement.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`.
pub async fn activate(
    store: &Store,
    call: Call,
    on: Move,
) -> Result<Written<pb::Engagement>, Error> {
    moves(store, call, on, Verb::Activate).await
}

/// Puts an engagement on hold.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`.
pub async fn suspend(
    store: &Store,
    call: Call,
    on: Move,
) -> Result<Written<pb::Engagement>, Error> {
    moves(store, call, on, Verb::Suspend).await
}

/// Goes on with an engagement.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`.
pub async fn resume(store: &Store, call: Call, on: Move) -> Result<Written<pb::Engagement>, Error> {
    moves(store, call, on, Verb::Resume).await
}

/// Ends an engagement, and the invitations to it.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`.
pub async fn close(store: &Store, call: Call, on: Move) -> Result<Written<pb::Engagement>, Error> {
    moves(store, call, on, Verb::Close).await
}

async fn moves(
    store: &Store,
    call: Call,
    on: Move,
    verb: Verb,
) -> Result<Written<pb::Engagement>, Error> {
    store
        .write(call, on, move |txn, on| async move {
            let mut engagement = lock(&txn, &on.id).await?;
            let resource = name(txn.ecosystem(), &on.id);
            on.etag.check(engagement.version, &resource)?;
            event::was(&txn, wire(engagement.clone()));
            engagement.state = lifecycle::moved(engagement.state, verb, &resource)?;
            if verb == Verb::Close {
                engagement.close_time = Some(txn.now());
                engagement.reason_code.clone_from(&on.reason_code);
            }
            let engagement = record::update::<Entity>(&txn, engagement).await?;
            event::append(&txn, told(own_kind(verb), resource, &on));
            tell_members(&txn, &on, verb).await?;
            Ok(wire(engagement))
        })
        .await
}

/// What a move is reported as: of the engagement, and of each member.
const fn own_kind(verb: Verb) -> &'static str {
    match verb {
        Verb::Activate => "engagement.activated",
        Verb::Suspend => "engagement.suspended",
        Verb::Resume => "engagement.resumed",
        Verb::Close => "engagement.closed",
    }
}

const fn members_kind(verb: Verb) -> Option<&'static str> {
    match verb {
        Verb::Activate => None,
        Verb::Suspend => Some("engagement_member.engagement_suspended"),
        Verb::Resume => Some("engagement_member.engagement_resumed"),
        Verb::Close => Some("engagement_member.engagement_closed"),
    }
}

fn told(kind: &'static str, resource: String, on: &Move) -> NewEvent {
    let event = NewEvent::new(kind, resource).noting(on.note.as_str());
    match &on.reason_code {
        Some(reason_code) => event.because(reason_code.as_str()),
        None => event,
    }
}

/// Tells each member for itself, so that none learns of another, and cancels the invitations to what
/// has ended.
async fn tell_members(txn: &Txn, on: &Move, verb: Verb) -> Result<(), Error> {
    let Some(kind) = members_kind(verb) else {
        return Ok(());
    };
    for member in engagement_member::lock_open(txn, &on.id, None).await? {
        if lifecycle::is_overdue(&member, txn.now()) {
            members::expire(txn, member).await?;
        } else if verb == Verb::Close && member.state == engagement_member::State::Invited {
            members::end(txn, member, MemberVerb::Cancel, None, "").await?;
        } else if member.state == engagement_member::State::Accepted {
            let resource = child_name(txn.ecosystem(), &member.engagement, &member.id);
            let event = told(kind, resource, on)
                .for_partner(&member.partner)
                .with(json!({ "partner": member.partner }));
            event::append(txn, event);
        }
    }
    Ok(())
}

/// Engagements as the call may see them.
async fn answers(view: &View, rows: Vec<Model>) -> Result<Vec<pb::Engagement>, Error> {
    let accepted = if view.scope().is_staff() {
        Default::default()
    } else {
        let ids = rows.iter().map(|engagement| engagement.id.clone());
        engagement_member::accepted_among(view, ids).await?
    };
    let rows = rows.into_iter().map(|engagement| {
        let accepted = accepted.contains(&engagement.id);
        wire(shown(engagement, view.scope(), accepted))
    });
    Ok(rows.collect())
}

/// Finds an engagement that the call reaches.
pub(super) async fn find(view: &View, id: &EngagementId) -> Result<Model, Error> {
    record::find::<Entity>(view, id)
        .await?
        .ok_or_else(|| absent(view, id))
}

/// Locks an engagement that the call reaches. Whatever changes who is in it, or what is shared there,
/// holds this lock.
pub(super) async fn lock(txn: &Txn, id: &EngagementId) -> Result<Model, Error> {
    record::lock::<Entity>(txn, id)
        .await?
        .ok_or_else(|| absent(txn, id))
}
