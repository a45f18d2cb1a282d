//! Offers a lead to the next partner, and acts upon its deadlines. Everything here runs in a
//! transaction that holds the lead.
//!
//! What it must keep, whatever happens at the same time: nobody is offered a lead again that let it
//! go, nobody is offered more than their enrolment lets them have, and a lead is offered to one
//! partner at a time. Leads of one program are therefore routed one after the other.

use serde_json::json;
use trellis_api::name;
use trellis_core::lifecycle::Named;
use trellis_core::{PartnerId, Timestamp};
use trellis_store::deal::lead::{self, Entity, Model, Offer, Outcome};
use trellis_store::deal::lead_routing::{self, Candidate, Obstacle, Routing};
use trellis_store::deal::territory;
use trellis_store::event::{self, NewEvent};
use trellis_store::program::program;
use trellis_store::{Txn, record};

use super::choice;
use super::coverage::Spot;
use super::eligibility::Asked;
use super::lifecycle::{self, Verb, take_back};
use crate::registration::places::{Place, Places};
use crate::registration::protection::window;
use crate::{Error, absent};

/// Offers a locked lead that waits to be routed to the next partner, or finds that there is none.
pub(super) async fn route(
    txn: &Txn,
    mut lead: Model,
    seed: Option<i64>,
    note: String,
) -> Result<(Model, lead_routing::Model), Error> {
    let resource = name(txn.ecosystem(), &lead.id);
    lead::route(txn, &lead.program).await?;
    let program = program_of(txn, &lead).await?;
    lead.routing_count += 1;
    let seed = seed.unwrap_or_else(|| choice::seed(&resource, lead.routing_count));
    let routing = decide(txn, &lead, &program, seed).await?;
    let verb = match &routing.partner {
        Some(_) => Verb::Route,
        None => Verb::Strand,
    };
    lead.state = lifecycle::moved(lead.state, verb, &resource)?;
    lead.reason_code = routing.obstacle.map(|obstacle| obstacle.name().to_owned());
    if let Some(partner) = &routing.partner {
        offer(&mut lead, partner, &program, txn.now());
    }
    let lead = record::update::<Entity>(txn, lead).await?;
    let kept = lead_routing::Model {
        ecosystem: txn.ecosystem().clone(),
        lead: lead.id.clone(),
        number: lead.routing_count,
        routing,
        create_time: txn.now(),
    };
    lead_routing::append(txn, kept.clone()).await?;
    report(txn, resource, &lead, &kept.routing, note);
    Ok((lead, kept))
}

/// The program of a lead.
pub(super) async fn program_of(txn: &Txn, lead: &Model) -> Result<program::Model, Error> {
    let found = record::find::<program::Entity>(&txn.whole(), &lead.program).await?;
    found.ok_or_else(|| absent(txn, &lead.program))
}

/// Whether leads of a program are given to partners.
pub(super) fn is_active(program: &program::Model) -> bool {
    match program.state {
        program::State::Active => true,
        program::State::Draft | program::State::Retired => false,
    }
}

/// Whom a lead is to be offered to.
async fn decide(
    txn: &Txn,
    lead: &Model,
    program: &program::Model,
    seed: i64,
) -> Result<Routing, Error> {
    let nobody = |obstacle| Routing {
        partner: None,
        obstacle: Some(obstacle),
        seed,
        draw: 0,
        weight_sum: 0,
        candidates: Vec::new(),
    };
    if !is_active(program) {
        return Ok(nobody(Obstacle::ProgramNotActive));
    }
    let offered = lead.offers.0.len();
    if usize::try_from(program.lead_offer_limit).is_ok_and(|limit| offered >= limit) {
        return Ok(nobody(Obstacle::OfferLimit));
    }
    let resource = name(txn.ecosystem(), &lead.id);
    let candidates = candidates(&txn.whole(), lead).await?;
    Ok(choice::choose(&resource, seed, candidates))
}

/// Everybody in the program, with what speaks against each.
async fn candidates(txn: &Txn, lead: &Model) -> Result<Vec<Candidate>, Error> {
    let members = lead_routing::members(txn, &lead.program).await?;
    let open = lead::open_counts(txn, &lead.program, &lead.id).await?;
    let spot = spot(lead);
    let places = match spot {
        Spot::Unknown => Places::default(),
        Spot::Territory(_) | Spot::Region(_) => places(txn).await?,
    };
    let asked = Asked {
        spot: &spot,
        products: &lead.products.0,
        offers: &lead.offers.0,
        places: &places,
        open: &open.into_iter().collect(),
        now: txn.now(),
    };
    let members = members.into_iter();
    Ok(members.map(|member| asked.candidate(member)).collect())
}

/// Where a lead is.
fn spot(lead: &Model) -> Spot {
    match (&lead.territory, &lead.region_code) {
        (Some(territory), _) => Spot::Territory(territory.clone()),
        (None, Some(code)) => Spot::Region(code.clone()),
        (None, None) => Spot::Unknown,
    }
}

/// All territories: what lies within one is part of what it covers.
async fn places(txn: &Txn) -> Result<Places, Error> {
    let all = territory::all(txn).await?.into_iter();
    let places = all.map(|territory| {
        let place = Place {
            parent: territory.parent_territory,
            region_codes: territory.region_codes.0,
        };
        (territory.id, place)
    });
    Ok(Places(places.collect()))
}

fn offer(lead: &mut Model, partner: &PartnerId, program: &program::Model, now: Timestamp) {
    let accept_by = window(now, program.lead_accept_days, &program.time_zone).end;
    lead.partner = Some(partner.clone());
    lead.offer_time = Some(now);
    lead.accept_by_time = Some(accept_by);
    lead.due_time = Some(accept_by);
    lead.offers.0.push(Offer {
        partner: partner.clone(),
        offer_time: now,
        accept_by_time: accept_by,
        outcome: Outcome::Open,
        reason_code: None,
        end_time: None,
    });
}

/// Notes what came of the latest offer of a lead, and when its partner let it go, if it did.
pub(super) fn came_of_it(
    lead: &mut Model,
    outcome: Outcome,
    reason_code: Option<String>,
    end_time: Option<Timestamp>,
) {
    if let Some(offer) = lead.offers.0.last_mut() {
        offer.outcome = outcome;
        offer.reason_code = reason_code;
        offer.end_time = end_time;
    }
}

/// A locked lead as it stands now: what a deadline that has passed does to it is done and reported.
/// Nothing is written back yet.
pub(super) fn settle(txn: &Txn, mut lead: Model) -> Result<Model, Error> {
    let Some(verb) = lifecycle::overdue(&lead, txn.now()) else {
        return Ok(lead);
    };
    let resource = name(txn.ecosystem(), &lead.id);
    lead.state = lifecycle::moved(lead.state, verb, &resource)?;
    let partner = lead.partner.clone();
    let due = lead.due_time;
    let (kind, outcome) = if verb == Verb::Lapse {
        take_back(&mut lead);
        ("lead.offer_lapsed", Outcome::Lapsed)
    } else {
        ("lead.lost", Outcome::Lost)
    };
    came_of_it(&mut lead, outcome, None, due);
    event::append(
        txn,
        NewEvent::new(kind, resource)
            .for_partner(partner.as_ref())
            .with(let_go(&lead, partner.as_ref())),
    );
    Ok(lead)
}

/// Acts upon the deadline of a locked lead, if it has passed.
pub(super) async fn act(txn: &Txn, lead: Model) -> Result<(), Error> {
    match lifecycle::overdue(&lead, txn.now()) {
        None => {}
        Some(Verb::Lapse) => {
            let lead = settle(txn, lead)?;
            route(txn, lead, None, String::new()).await?;
        }
        Some(_) => {
            record::update::<Entity>(txn, settle(txn, lead)?).await?;
        }
    }
    Ok(())
}

/// Reports a routing: all of it to the staff, and to the partner that it is offered the lead.
fn report(txn: &Txn, resource: String, lead: &Model, routing: &Routing, note: String) {
    let kind = if routing.partner.is_some() {
        "lead.routed"
    } else {
        "lead.unroutable"
    };
    let eligible = routing.candidates.iter();
    let eligible = eligible.filter(|one| one.ineligibilities.is_empty());
    let mut routed = NewEvent::new(kind, resource.clone())
        .noting(note)
        .with(json!({
            "lead": lead.id,
            "program": lead.program,
            "routing": lead.routing_count,
            "partner": routing.partner,
            "seed": routing.seed,
            "candidate_count": routing.candidates.len(),
            "eligible_count": eligible.count(),
        }));
    if let Some(obstacle) = routing.obstacle {
        routed = routed.because(obstacle.name());
    }
    event::append(txn, routed);
    if lead.partner.is_some() {
        event::append(
            txn,
            NewEvent::new("lead.offered", resource)
                .for_partner(lead.partner.as_ref())
                .with(told(lead)),
        );
    }
}

/// What events say of a lead to its partner and to the staff: never who the company is or whom to
/// speak to there.
pub(super) fn told(lead: &Model) -> serde_json::Value {
    json!({
        "lead": lead.id,
        "program": lead.program,
        "partner": lead.partner,
        "state": lead.state.name(),
        "accept_by_time": lead.accept_by_time,
        "act_by_time": lead.act_by_time,
        "deal": lead.deal,
    })
}

/// What events say of a lead that a partner let go: nothing of what becomes of it.
pub(super) fn let_go(lead: &Model, partner: Option<&PartnerId>) -> serde_json::Value {
    json!({ "lead": lead.id, "program": lead.program, "partner": partner })
}
