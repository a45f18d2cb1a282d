//! The use cases of registrations but for their [`moves`](super::moves). Each that writes is one
//! transaction.

use trellis_api::deal::v1 as pb;
use trellis_api::{Etag, Mask, name};
use trellis_core::lifecycle::Named;
use trellis_core::{
    AccountId, Call, Date, Money, Page, PageQuery, PartnerId, Problem, ProductId, ProgramId,
    RegistrationId, TerritoryId, Timestamp, Written,
};
use trellis_store::deal::claim::{EntityScope, Proof, Proofs};
use trellis_store::deal::deal::DealType;
use trellis_store::deal::reference::References;
use trellis_store::deal::registration::{self, Entity, Model, Products, State, Transfers};
use trellis_store::event::{self, NewEvent};
use trellis_store::program::program;
use trellis_store::reach::reaches;
use trellis_store::{Store, Txn, View, record};

use super::clarification;
use super::convert::wire;
use super::disclosure::{self, Seen, shown};
use super::held::{self, Held};
use super::lifecycle;
use super::told;
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
    /// How much of the customer.
    pub entity_scope: EntityScope,
    /// Which of its sites.
    pub site: Option<String>,
    /// What the partner can prove.
    pub proofs: Vec<Proof>,
    /// When the tender was published that it is about.
    pub tender_publish_time: Option<Timestamp>,
    /// Whether the partner takes what is free.
    pub accept_partial: bool,
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
    /// How much of the customer.
    pub entity_scope: Option<EntityScope>,
    /// Which of its sites.
    pub site: Option<Option<String>>,
    /// What the partner can prove.
    pub proofs: Option<Vec<Proof>>,
    /// When the tender was published that it is about.
    pub tender_publish_time: Option<Option<Timestamp>>,
    /// Whether the partner takes what is free.
    pub accept_partial: Option<bool>,
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
                        .with(told::told(&registration)),
                );
                changed(&txn, registration).await
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
        entity_scope,
        site,
        proofs,
        tender_publish_time,
        accept_partial,
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
        entity_scope,
        site,
        proofs: Proofs(proofs),
        tender_publish_time,
        accept_partial,
        state: State::Draft,
        contends: false,
        nominated: false,
        evidence_score: 0,
        incumbent: false,
        submit_time: None,
        receive_time: None,
        tick_time: None,
        decision: None,
        suspicion: None,
        screening: None,
        judged: None,
        waitlist_position: None,
        granted_role: None,
        protection_start_time: None,
        protection_end_time: None,
        deal: None,
        info_request: None,
        info_due_time: None,
        resubmission_count: 0,
        extension_count: 0,
        response_due_time: None,
        response_days_left: None,
        escalation_time: None,
        final_escalation_time: None,
        escalation_level: 0,
        transfers: Transfers::default(),
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
        let mut page = record::page::<Entity>(&view, query).await?;
        for registration in &mut page.rows {
            reached(&view, registration).await?;
        }
        return Ok(page.map(|registration| wire(lifecycle::answered(registration, view.now()))));
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
                let held = asked(&txn, &id).await?;
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
                let before = registration.clone();
                apply(&mut registration, edit);
                let registration = match before.state {
                    State::NeedsInfo if lifecycle::is_another_claim(&before, &registration) => {
                        let whole = txn.whole();
                        clarification::give_up_place(&whole, &held, &before, registration).await?
                    }
                    _ => record::update::<Entity>(&txn, registration).await?,
                };
                event::append(
                    &txn,
                    NewEvent::new("registration.updated", resource)
                        .for_partner(&registration.partner)
                        .with(told::told_of_claim(&registration)),
                );
                changed(&txn, registration).await
            },
        )
        .await
}

/// A registration as the call may see it now.
pub(super) async fn answer(
    view: &View,
    mut registration: Model,
) -> Result<pb::Registration, Error> {
    let seen = seen(view, &registration).await?;
    reached(view, &mut registration).await?;
    let answered = lifecycle::answered(registration, view.now());
    Ok(wire(shown(answered, seen)))
}

/// A changed registration as the call may see it, and in the feed as all of it is seen.
pub(super) async fn changed(txn: &Txn, registration: Model) -> Result<pb::Registration, Error> {
    event::is(txn, &answer(&txn.whole(), registration.clone()).await?);
    answer(txn, registration).await
}

/// Leaves of the transfers of a registration those from partners that the call reaches.
async fn reached(view: &View, registration: &mut Model) -> Result<(), Error> {
    let mut transfers = Vec::new();
    for transfer in std::mem::take(&mut registration.transfers.0) {
        if reaches(view, &transfer.partner).await? {
            transfers.push(transfer);
        }
    }
    registration.transfers.0 = transfers;
    Ok(())
}

/// How much of a registration the call may see: for its partner that is a setting of its program.
pub(super) async fn seen(view: &View, registration: &Model) -> Result<Seen, Error> {
    if view.scope().is_staff() {
        return Ok(Seen::Staff);
    }
    let program = record::find::<program::Entity>(&view.whole(), &registration.program).await?;
    let disclosure = program.map(|program| program.conflict_disclosure);
    Ok(Seen::by(view.scope(), disclosure.unwrap_or_default()))
}

/// Holds the customer of a registration whose partner is asked for more: it stands in the line while it
/// is edited and handed in again. Of others nothing is held.
pub(super) async fn asked(txn: &Txn, id: &RegistrationId) -> Result<Held, Error> {
    let registration = find(txn, id).await?;
    if registration.state == State::NeedsInfo {
        return held::hold(&txn.whole(), &registration).await;
    }
    Ok(Held::nothing())
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
    let registration = record::lock::<Entity>(txn, id)
        .await?
        .ok_or_else(|| absent(txn, id))?;
    read_at(txn, registration, etag)
}

/// Locks a registration that is handed in, and holds its customer if it stands in the line already.
///
/// Nobody else waits for a draft's row, so its lock may come before the customer's. Others wait for that
/// of one in the line.
pub(super) async fn lock_to_submit(
    txn: &Txn,
    id: &RegistrationId,
    etag: &Etag,
) -> Result<(Held, Model, String), Error> {
    if let Some(draft) = registration::lock_draft(txn, id).await? {
        let (draft, resource) = read_at(txn, draft, etag)?;
        return Ok((Held::nothing(), draft, resource));
    }
    let held = asked(txn, id).await?;
    let (registration, resource) = lock(txn, id, etag).await?;
    Ok((held, registration, resource))
}

/// A locked registration as it stands now, if it is at the version that the caller read.
fn read_at(txn: &Txn, locked: Model, etag: &Etag) -> Result<(Model, String), Error> {
    let resource = name(txn.ecosystem(), &locked.id);
    etag.check(locked.version, &resource)?;
    event::was(txn, wire(lifecycle::answered(locked.clone(), txn.now())));
    Ok((lifecycle::as_of(locked, txn.now()), resource))
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
            ("entity_scope", self.entity_scope.is_some()),
            ("site", self.site.is_some()),
            ("proofs", self.proofs.is_some()),
            ("tender_publish_time", self.tender_publish_time.is_some()),
            ("accept_partial", self.accept_partial.is_some()),
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
        entity_scope,
        site,
        proofs,
        tender_publish_time,
        accept_partial,
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
    set(&mut registration.entity_scope, entity_scope);
    set(&mut registration.site, site);
    set(&mut registration.proofs, proofs.map(Proofs));
    set(&mut registration.tender_publish_time, tender_publish_time);
    set(&mut registration.accept_partial, accept_partial);
}
