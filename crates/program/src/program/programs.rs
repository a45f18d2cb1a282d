//! The use cases of programs. Each that writes is one transaction.

use trellis_api::program::v1 as pb;
use trellis_api::{Etag, name};
use trellis_core::lifecycle::Named;
use trellis_core::{Call, Currency, Page, PageQuery, Problem, ProgramId, TimeZone, Written};
use trellis_store::event::{self, NewEvent};
use trellis_store::program::program::{Entity, Model, RegistrationClock, State};
use trellis_store::program::revision::{self, Snapshot};
use trellis_store::program::tier;
use trellis_store::{Store, Txn, View, record};

use super::convert::{wire, wire_revision};
use super::lead_settings::LeadSettings;
use super::lifecycle::{self, Verb};
use super::publication;
use super::registration_settings::{RegistrationSettings, violations};
use crate::Error;
use crate::error::exists;

/// What a program says: everything that its owner sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The name that people read.
    pub display_name: String,
    /// What it is for.
    pub description: String,
    /// Where its days begin and end.
    pub time_zone: TimeZone,
    /// The currency of its amounts.
    pub currency: Currency,
    /// The rules of deal registration.
    pub registration: RegistrationSettings,
    /// The rules of leads.
    pub leads: LeadSettings,
    /// The clocks of deal registration.
    pub clock: RegistrationClock,
}

/// Makes a program.
#[derive(Clone, Debug)]
pub struct Create {
    /// The id that the caller chose.
    pub id: Option<ProgramId>,
    /// What it says.
    pub terms: Terms,
}

/// Changes to what a program says; `None` leaves a field as it is.
#[derive(Clone, Debug)]
pub struct Edit {
    /// The name that people read.
    pub display_name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Where its days begin and end.
    pub time_zone: Option<TimeZone>,
    /// The currency of its amounts.
    pub currency: Option<Currency>,
    /// The rules of deal registration, as a whole.
    pub registration: Option<RegistrationSettings>,
    /// The rules of leads, as a whole.
    pub leads: Option<LeadSettings>,
    /// The clocks of deal registration, as a whole.
    pub clock: Option<RegistrationClock>,
}

/// Edits a program.
#[derive(Clone, Debug)]
pub struct Update {
    /// Which one.
    pub id: ProgramId,
    /// The version that the caller read.
    pub etag: Etag,
    /// What to change.
    pub edit: Edit,
}

/// Moves a program through its life.
#[derive(Clone, Debug)]
pub struct Move {
    /// Which one.
    pub id: ProgramId,
    /// The version that the caller read.
    pub etag: Etag,
    /// Why, in a sentence.
    pub note: String,
}

/// Asks for revisions.
#[derive(Clone, Debug)]
pub struct Revisions {
    /// Of which program.
    pub program: ProgramId,
    /// Which page.
    pub query: PageQuery,
}

impl Terms {
    /// What a program says.
    fn of(program: &Model) -> Self {
        Self {
            display_name: program.display_name.clone(),
            description: program.description.clone(),
            time_zone: program.time_zone.clone(),
            currency: program.currency,
            registration: RegistrationSettings::of(program),
            leads: LeadSettings::of(program),
            clock: program.registration_clock.clone(),
        }
    }

    /// What it says after an edit.
    fn edited(self, edit: Edit) -> Self {
        let Edit {
            display_name,
            description,
            time_zone,
            currency,
            registration,
            leads,
            clock,
        } = edit;
        Self {
            display_name: display_name.unwrap_or(self.display_name),
            description: description.unwrap_or(self.description),
            time_zone: time_zone.unwrap_or(self.time_zone),
            currency: currency.unwrap_or(self.currency),
            registration: registration.unwrap_or(self.registration),
            leads: leads.unwrap_or(self.leads),
            clock: clock.unwrap_or(self.clock),
        }
    }

    /// The fields in which it says something else than another.
    fn differences(&self, other: &Self) -> Vec<&'static str> {
        [
            ("display_name", self.display_name != other.display_name),
            ("description", self.description != other.description),
            ("time_zone", self.time_zone != other.time_zone),
            ("currency_code", self.currency != other.currency),
            ("deal_registration", self.registration != other.registration),
            ("leads", self.leads != other.leads),
            ("registration_clock", self.clock != other.clock),
        ]
        .into_iter()
        .filter_map(|(field, differs)| differs.then_some(field))
        .collect()
    }

    /// Lets a program say it.
    fn put(self, program: &mut Model) {
        let Self {
            display_name,
            description,
            time_zone,
            currency,
            registration,
            leads,
            clock,
        } = self;
        program.display_name = display_name;
        program.description = description;
        program.time_zone = time_zone;
        program.currency = currency;
        registration.put(program);
        leads.put(program);
        program.registration_clock = clock;
    }
}

/// Creates a program as a draft.
///
/// # Errors
/// `RESOURCE_EXISTS` when the id is taken.
pub async fn create(
    store: &Store,
    call: Call,
    create: Create,
) -> Result<Written<pb::Program>, Error> {
    store
        .write(call, create, |txn, Create { id, terms }| async move {
            let id = id.unwrap_or_else(|| ProgramId::generate(txn.now()));
            let resource = name(txn.ecosystem(), &id);
            let program = draft(&txn, id, terms);
            let program = record::insert::<Entity>(&txn, program)
                .await
                .map_err(|error| exists(error, &resource))?;
            event::append(&txn, NewEvent::new("program.created", resource));
            Ok(wire(program))
        })
        .await
}

fn draft(txn: &Txn, id: ProgramId, terms: Terms) -> Model {
    let RegistrationSettings {
        protection_days,
        extension_days,
        hard_stop_days,
        auto_approve,
        auto_approve_limit,
        conflict_disclosure,
        daily_account_budget,
        monthly_account_budget,
        person_open_limit,
        partner_open_limit,
        direct_lookback_days,
        teaming,
        incumbent_days,
        evidence_minimum,
    } = terms.registration;
    let LeadSettings {
        accept_days,
        act_days,
        offer_limit,
    } = terms.leads;
    Model {
        ecosystem: txn.ecosystem().clone(),
        id,
        display_name: terms.display_name,
        description: terms.description,
        time_zone: terms.time_zone,
        currency: terms.currency,
        protection_days,
        extension_days,
        hard_stop_days,
        auto_approve,
        auto_approve_limit_minor: auto_approve_limit.map(|limit| limit.minor),
        conflict_disclosure,
        daily_account_budget,
        monthly_account_budget,
        person_open_limit,
        partner_open_limit,
        direct_lookback_days,
        teaming,
        incumbent_days,
        evidence_minimum,
        lead_accept_days: accept_days,
        lead_act_days: act_days,
        lead_offer_limit: offer_limit,
        registration_clock: terms.clock,
        state: State::Draft,
        revision_number: 0,
        publish_time: None,
        retire_time: None,
        version: 1,
        create_time: txn.now(),
        update_time: txn.now(),
    }
}

/// Gets a program.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn get(store: &Store, call: Call, id: ProgramId) -> Result<pb::Program, Error> {
    let view = store.read(&call).await?;
    Ok(wire(find(&view, &id).await?))
}

/// Lists programs.
///
/// # Errors
/// `INVALID_FIELDS` when the page token was made for another request.
pub async fn list(
    store: &Store,
    call: Call,
    query: &PageQuery,
) -> Result<Page<pb::Program>, Error> {
    let view = store.read(&call).await?;
    Ok(record::page::<Entity>(&view, query).await?.map(wire))
}

/// Changes what a program says. Saying what it says already changes nothing.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`; `NOT_EDITABLE` for fields that stand in its state;
/// `INVALID_FIELDS` when the settings contradict each other.
pub async fn update(
    store: &Store,
    call: Call,
    update: Update,
) -> Result<Written<pb::Program>, Error> {
    store
        .write(call, update, |txn, Update { id, etag, edit }| async move {
            let (mut program, resource) = lock(&txn, &id, &etag).await?;
            let before = Terms::of(&program);
            let after = before.clone().edited(edit);
            let changed = after.differences(&before);
            if changed.is_empty() {
                return Ok(wire(program));
            }
            lifecycle::editable(program.state, &changed, &resource)?;
            let wrong = violations(&after.registration, Some(after.currency));
            if !wrong.is_empty() {
                return Err(Problem::Invalid(wrong).into());
            }
            after.put(&mut program);
            let program = match program.state {
                State::Active => revise(&txn, program).await?,
                State::Draft | State::Retired => record::update::<Entity>(&txn, program).await?,
            };
            let event = NewEvent::new("program.updated", resource);
            event::append(&txn, event.with(serde_json::json!({ "fields": changed })));
            Ok(wire(program))
        })
        .await
}

/// Publishes a program, and makes its first revision.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`; `PRECONDITION` when it has no
/// tier.
pub async fn publish(store: &Store, call: Call, on: Move) -> Result<Written<pb::Program>, Error> {
    store
        .write(call, on, |txn, Move { id, etag, note }| async move {
            let (mut program, resource) = lock(&txn, &id, &etag).await?;
            let from = program.state;
            let state = lifecycle::moved(from, Verb::Publish, &resource)?;
            publication::ready(&tier::living(&txn, &id).await?, &resource)?;
            lifecycle::enter(&mut program, state, txn.now());
            let program = revise(&txn, program).await?;
            report(&txn, "program.published", resource, note, from, state);
            Ok(wire(program))
        })
        .await
}

/// Retires a program.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `ETAG_MISMATCH`, `ILLEGAL_TRANSITION`.
pub async fn retire(store: &Store, call: Call, on: Move) -> Result<Written<pb::Program>, Error> {
    store
        .write(call, on, |txn, Move { id, etag, note }| async move {
            let (mut program, resource) = lock(&txn, &id, &etag).await?;
            let from = program.state;
            let state = lifecycle::moved(from, Verb::Retire, &resource)?;
            lifecycle::enter(&mut program, state, txn.now());
            let program = record::update::<Entity>(&txn, program).await?;
            report(&txn, "program.retired", resource, note, from, state);
            Ok(wire(program))
        })
        .await
}

/// Lists the revisions of a program, the newest first.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`; `INVALID_FIELDS` when the page token was made for another request.
pub async fn revisions(
    store: &Store,
    call: Call,
    revisions: &Revisions,
) -> Result<Page<pb::ProgramRevision>, Error> {
    let view = store.read(&call).await?;
    find(&view, &revisions.program).await?;
    let page = revision::page(&view, &revisions.program, &revisions.query).await?;
    Ok(page.map(wire_revision))
}

/// Writes a published program back, with the revision that holds what it says now. Its row is
/// locked, which is why the numbers have no gaps.
pub(crate) async fn revise(txn: &Txn, mut program: Model) -> Result<Model, Error> {
    program.revision_number += 1;
    let program = record::update::<Entity>(txn, program).await?;
    let tiers = tier::living(txn, &program.id).await?;
    let revision = revision::Model {
        ecosystem: program.ecosystem.clone(),
        program: program.id.clone(),
        number: program.revision_number,
        snapshot: Snapshot {
            program: program.clone(),
            tiers,
        },
        actor: txn.actor().clone(),
        create_time: txn.now(),
    };
    revision::append(txn, revision).await?;
    Ok(program)
}

fn report(txn: &Txn, kind: &'static str, resource: String, note: String, from: State, to: State) {
    let data = serde_json::json!({ "from": from.name(), "to": to.name() });
    event::append(txn, NewEvent::new(kind, resource).noting(note).with(data));
}

/// Finds a program that must be there.
pub(crate) async fn find(view: &View, id: &ProgramId) -> Result<Model, Error> {
    let found = record::find::<Entity>(view, id).await?;
    found.ok_or_else(|| absent(view, id))
}

/// Locks a program at the version that the caller read.
async fn lock(txn: &Txn, id: &ProgramId, etag: &Etag) -> Result<(Model, String), Error> {
    let resource = name(txn.ecosystem(), id);
    let program = record::lock::<Entity>(txn, id)
        .await?
        .ok_or_else(|| absent(txn, id))?;
    etag.check(program.version, &resource)?;
    event::was(txn, wire(program.clone()));
    Ok((program, resource))
}

pub(crate) fn absent(view: &View, id: &ProgramId) -> Error {
    Problem::NotFound {
        resource: name(view.ecosystem(), id),
    }
    .into()
}
