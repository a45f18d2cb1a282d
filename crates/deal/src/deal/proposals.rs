//! What either side writes to fields of the other: kept, listed, taken or not. Each decision is one
//! transaction.

use serde_json::json;
use trellis_api::deal::v1 as pb;
use trellis_api::{Etag, numbered_name};
use trellis_core::lifecycle::Named;
use trellis_core::{Call, DealId, Page, PageQuery, PartnerId, Problem, Written};
use trellis_store::deal::deal::{Entity, Model};
use trellis_store::deal::field::{Pending, Value};
use trellis_store::deal::proposal::{self, Side, State};
use trellis_store::event::{self, NewEvent};
use trellis_store::{Store, Txn, View, record};

use super::convert::{wire, wire_proposal};
use super::deals::told;
use super::disputes::takes_part;
use super::editing::{Edit, not_editable, write};
use super::lifecycle::{self, ProposalVerb};
use super::ownership::{self, By, Source};
use crate::{Error, absent, all_exist};

/// Asks for proposals.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The deal; none for all of them.
    pub deal: Option<DealId>,
    /// Which page.
    pub query: PageQuery,
}

/// Decides about a proposal.
#[derive(Clone, Debug)]
pub struct Decide {
    /// The deal.
    pub deal: DealId,
    /// Which of its proposals.
    pub number: i64,
    /// The version of the deal that the caller read.
    pub etag: Etag,
    /// What the owner has to say.
    pub note: String,
    /// What is done.
    pub verb: ProposalVerb,
}

/// Gets a proposal.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn get(
    store: &Store,
    call: Call,
    (deal, number): (DealId, i64),
) -> Result<pb::DealProposal, Error> {
    let view = store.read(&call).await?;
    let found = match record::find::<Entity>(&view, &deal).await? {
        Some(_) => proposal::find(&view, &deal, number).await?,
        None => None,
    };
    let found = found.ok_or_else(|| no_such(&view, &deal, number))?;
    Ok(wire_proposal(found))
}

/// Lists the proposals of a deal, or of all deals, the latest first.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`, `INVALID_FIELDS` when the page token was made for another request.
pub async fn list(
    store: &Store,
    call: Call,
    asked: &Listed,
) -> Result<Page<pb::DealProposal>, Error> {
    let view = store.read(&call).await?;
    if let Some(deal) = &asked.deal {
        record::find::<Entity>(&view, deal)
            .await?
            .ok_or_else(|| absent(&view, deal))?;
    }
    let page = proposal::page(&view, asked.deal.as_ref(), &asked.query).await?;
    Ok(page.map(wire_proposal))
}

fn no_such(view: &View, deal: &DealId, number: i64) -> Error {
    let resource = numbered_name(view.ecosystem(), deal, "proposals", number);
    Problem::NotFound { resource }.into()
}

/// The partner that a call writes for: the one that sourced the deal, if the call is for that one, or
/// another with a part; none for the staff.
pub(super) fn writer(view: &View, deal: &Model) -> Result<Option<PartnerId>, Error> {
    let scope = view.scope();
    if scope.is_staff() {
        return Ok(None);
    }
    let parts = deal.roles.0.iter().map(|role| &role.partner);
    let mut all = deal.partner.iter().chain(parts);
    let own = all.find(|partner| scope.may_name(partner));
    own.cloned().map(Some).ok_or_else(|| absent(view, &deal.id))
}

/// Follows what a side has said of some fields: open proposals that it fulfils or takes back end, and
/// what it proposes is kept. The deal is written back after it.
pub(super) async fn follow(
    txn: &Txn,
    deal: &mut Model,
    by: By<'_>,
    source: &Source,
    fields: &[&'static str],
    proposed: Vec<Value>,
) -> Result<(), Error> {
    let pending = deal.writes.pending.iter();
    let touched = pending.filter(|one| fields.contains(&one.field.as_str()));
    let touched = touched.map(|one| one.number).collect();
    let mut standing = Vec::new();
    for row in proposal::numbered(txn, &deal.id, touched).await? {
        match ownership::ended(deal, by, &row, &proposed) {
            Some(state) => {
                let ended = end(txn, deal, row, state, "");
                proposal::decide(txn, ended).await?;
            }
            None => standing.push(row.value),
        }
    }
    let new: Vec<_> = proposed
        .into_iter()
        .filter(|value| !standing.contains(value))
        .collect();
    let new = new
        .into_iter()
        .filter_map(|value| propose(txn, deal, by, source, value))
        .collect();
    Ok(proposal::propose(txn, new).await?)
}

/// A new proposal of a side. None where there is nobody to propose it to.
pub(super) fn propose(
    txn: &Txn,
    deal: &mut Model,
    by: By<'_>,
    source: &Source,
    value: Value,
) -> Option<proposal::Model> {
    let (side, partner) = match by {
        Some(partner) => (Side::Partner, partner.clone()),
        None => (Side::Vendor, deal.partner.clone()?),
    };
    deal.proposal_count += 1;
    let proposal = proposal::Model {
        ecosystem: txn.ecosystem().clone(),
        deal: deal.id.clone(),
        number: deal.proposal_count,
        side,
        partner,
        field: value.field().to_owned(),
        value,
        actor: txn.actor().as_str().to_owned(),
        source_system: source.system.clone(),
        source_time: source.time,
        state: State::Open,
        decider: None,
        note: None,
        decide_time: None,
        create_time: txn.now(),
    };
    deal.writes.pending.push(Pending {
        number: proposal.number,
        field: proposal.field.clone(),
        side,
        partner: proposal.partner.clone(),
    });
    event::append(txn, about("deal.proposed", deal, &proposal));
    Some(proposal)
}

/// A proposal that has ended, and that it has is reported.
pub(super) fn end(
    txn: &Txn,
    deal: &mut Model,
    proposal: proposal::Model,
    state: State,
    note: &str,
) -> proposal::Model {
    let ended = proposal::Model {
        state,
        decider: Some(txn.actor().as_str().to_owned()),
        note: Some(note.to_owned()).filter(|note| !note.is_empty()),
        decide_time: Some(txn.now()),
        ..proposal
    };
    let pending = &mut deal.writes.pending;
    pending.retain(|one| one.number != ended.number);
    let decided = about("deal.proposal_decided", deal, &ended);
    event::append(txn, decided.because(state.name()).noting(note));
    ended
}

/// The event about a proposal, for the partner that it is between, if it knows of the deal still.
fn about(kind: &'static str, deal: &Model, proposal: &proposal::Model) -> NewEvent {
    let partner = &proposal.partner;
    let told = takes_part(deal, partner).then_some(partner);
    let resource = trellis_api::name(&deal.ecosystem, &deal.id);
    NewEvent::new(kind, resource).for_partner(told).with(json!({
        "deal": deal.id, "proposal": proposal.number, "field": proposal.field
    }))
}

/// Takes the value of a proposal, or not.
///
/// # Errors
/// `INVALID_FIELDS` when the value no longer fits, `RESOURCE_NOT_FOUND`, `PRECONDITION` when the other
/// side decides about it, `ILLEGAL_TRANSITION` when it is not open, `NOT_EDITABLE`, `ETAG_MISMATCH`.
pub async fn decide(
    store: &Store,
    call: Call,
    decide: Decide,
) -> Result<Written<pb::DealProposal>, Error> {
    store
        .write(call, decide, |txn, asked| async move {
            let found = record::lock::<Entity>(&txn, &asked.deal).await?;
            let Some(mut deal) = found else {
                return Err(no_such(&txn, &asked.deal, asked.number));
            };
            let proposal = proposal::find(&txn, &deal.id, asked.number).await?;
            let proposal = proposal.ok_or_else(|| no_such(&txn, &deal.id, asked.number))?;
            let resource = trellis_api::name(txn.ecosystem(), &deal.id);
            asked.etag.check(deal.version, &resource)?;
            event::was(&txn, wire(deal.clone()));
            event::was(&txn, wire_proposal(proposal.clone()));
            let by = writer(&txn, &deal)?;
            may_decide(&deal, by.as_ref(), &proposal, asked.verb)?;
            let named = numbered_name(txn.ecosystem(), &deal.id, "proposals", asked.number);
            let state = lifecycle::decided(proposal.state, asked.verb, &named)?;
            if asked.verb == ProposalVerb::Accept {
                take(&txn, &mut deal, by.as_ref(), &proposal, &resource).await?;
                let updated = NewEvent::new("deal.updated", resource.as_str())
                    .because("PROPOSAL_ACCEPTED")
                    .for_partner(deal.partner.as_ref());
                event::append(&txn, updated.with(told(&deal)));
            }
            let ended = end(&txn, &mut deal, proposal, state, &asked.note);
            let deal = record::update::<Entity>(&txn, deal).await?;
            event::is(&txn, &wire(deal));
            proposal::decide(&txn, ended.clone()).await?;
            Ok(wire_proposal(ended))
        })
        .await
}

/// Whether a side may decide so.
fn may_decide(
    deal: &Model,
    by: By<'_>,
    proposal: &proposal::Model,
    verb: ProposalVerb,
) -> Result<(), Problem> {
    let unmet = |requires: &str| {
        let number = proposal.number;
        Err(Problem::Precondition {
            resource: numbered_name(&deal.ecosystem, &deal.id, "proposals", number),
            requires: requires.to_owned(),
        })
    };
    let side = by.map_or(Side::Vendor, |_| Side::Partner);
    match ownership::decider(deal, proposal) {
        decider if decider != side => {
            return unmet(match decider {
                Side::Vendor => "be decided by the vendor",
                Side::Partner => "be decided by the partner that owns the field",
            });
        }
        Side::Vendor | Side::Partner => {}
    }
    if verb == ProposalVerb::Accept && !ownership::owns(deal, by, &proposal.field) {
        return unmet("be for a field that the vendor owns; a partner sources the deal now");
    }
    Ok(())
}

/// Gives the deal the value of a proposal. It is the owner's word from now on.
async fn take(
    txn: &Txn,
    deal: &mut Model,
    by: By<'_>,
    proposal: &proposal::Model,
    resource: &str,
) -> Result<(), Error> {
    let field = proposal.value.field();
    if !lifecycle::editable(deal.stage).contains(&field) {
        return Err(not_editable(resource.to_owned(), deal, &[field]));
    }
    let mut edit = Edit::of([proposal.value.clone()]);
    let merged = all_exist(&txn.whole(), &edit.references()).await?;
    if let Some(Some(account)) = &mut edit.account {
        merged.stand_for(account);
    }
    let source = Source {
        system: proposal.source_system.clone(),
        time: proposal.source_time,
    };
    let changed = write(txn, deal, by, edit, &source).await?;
    ownership::said(deal, by, changed.into_iter().chain([field]), txn.now());
    Ok(())
}
