//! Between the wire and the rows: one total function outwards, one parser for each request
//! inwards.

use trellis_api::deal::v1 as pb;
use trellis_api::filter::Field;
use trellis_api::{Etag, Fields, money, name, numbered_name, time};
use trellis_core::{DealId, EcosystemId, LeadId, PageQuery, PartnerId, ProgramId, TerritoryId};
use trellis_matching::domain::{host, registrable};
use trellis_store::deal::lead::{self, Model, Offer, Offers, Outcome, Products, State};
use trellis_store::deal::lead_routing::{self, Candidate, Ineligibility, Obstacle, Routing};

use super::leads::{
    Company, Contact, Convert, Create, Described, MarkDuplicate, Move, Route, Routings,
};

use crate::edit::{not_negative, some};

/// What lists filter and order by: nothing that is hidden from a partner until it accepts.
pub const FIELDS: &[Field] = &[
    Field::state("state", "STATE", STATES),
    Field::id::<ProgramId>("program"),
    Field::id::<PartnerId>("partner"),
    Field::id::<TerritoryId>("territory"),
    Field::text("source"),
    Field::integer("score").sortable(),
    Field::text("external_id"),
    Field::id::<LeadId>("duplicate_of"),
    Field::id::<DealId>("deal"),
    Field::time("offer_time"),
    Field::time("accept_by_time"),
    Field::time("act_by_time"),
    Field::time("create_time").sortable(),
    Field::time("update_time").sortable(),
];

const STATES: &[&str] = &[
    "NEW",
    "OFFERED",
    "ACCEPTED",
    "WORKING",
    "QUALIFIED",
    "CONVERTED",
    "DISQUALIFIED",
    "UNROUTABLE",
    "SPAM",
    "DUPLICATE",
    "LOST_AUTO",
];

/// A lead on the wire.
#[must_use]
pub fn wire(lead: Model) -> pb::Lead {
    let estimated_value = lead.estimated_value();
    let Model {
        ecosystem,
        id,
        program,
        source,
        campaign,
        company_name,
        region_code,
        industry,
        domain,
        account,
        contact_name,
        contact_email,
        contact_phone,
        products: Products(products),
        territory,
        estimated_minor: _,
        currency: _,
        score,
        note,
        external_id,
        domain_key: _,
        email_key: _,
        possible_duplicates: lead::Leads(alike),
        state,
        partner,
        due_time: _,
        offers: Offers(offers),
        routing_count: _,
        offer_time,
        accept_by_time,
        accept_time,
        act_by_time,
        reason_code,
        duplicate_of,
        deal,
        version,
        create_time,
        update_time,
    } = lead;
    let named = contact_name.is_some() || contact_email.is_some() || contact_phone.is_some();
    let contact = named.then(|| pb::lead::Contact {
        display_name: contact_name.unwrap_or_default(),
        email: contact_email.unwrap_or_default(),
        phone: contact_phone.unwrap_or_default(),
    });
    pb::Lead {
        name: name(&ecosystem, &id),
        program: name(&ecosystem, &program),
        source,
        campaign: campaign.unwrap_or_default(),
        company: Some(pb::lead::Company {
            display_name: company_name,
            region_code: region_code.unwrap_or_default(),
            industry: industry.unwrap_or_default(),
            domain: domain.unwrap_or_default(),
            account: account.map(|id| name(&ecosystem, &id)).unwrap_or_default(),
        }),
        contact,
        products: products.iter().map(|id| name(&ecosystem, id)).collect(),
        territory: territory
            .map(|id| name(&ecosystem, &id))
            .unwrap_or_default(),
        estimated_value: estimated_value.map(money::wire),
        score,
        note: note.unwrap_or_default(),
        external_id: external_id.unwrap_or_default(),
        state: wire_state(state).into(),
        partner: partner.map(|id| name(&ecosystem, &id)).unwrap_or_default(),
        offer_time: offer_time.map(time::wire),
        accept_by_time: accept_by_time.map(time::wire),
        accept_time: accept_time.map(time::wire),
        act_by_time: act_by_time.map(time::wire),
        reason_code: reason_code.unwrap_or_default(),
        duplicate_of: duplicate_of
            .map(|id| name(&ecosystem, &id))
            .unwrap_or_default(),
        deal: deal.map(|id| name(&ecosystem, &id)).unwrap_or_default(),
        possible_duplicates: alike.iter().map(|id| name(&ecosystem, id)).collect(),
        offers: offers
            .into_iter()
            .map(|offer| wire_offer(&ecosystem, offer))
            .collect(),
        create_time: Some(time::wire(create_time)),
        update_time: Some(time::wire(update_time)),
        etag: Etag::of(version).to_string(),
    }
}

fn wire_state(state: State) -> pb::lead::State {
    match state {
        State::New => pb::lead::State::New,
        State::Offered => pb::lead::State::Offered,
        State::Accepted => pb::lead::State::Accepted,
        State::Working => pb::lead::State::Working,
        State::Qualified => pb::lead::State::Qualified,
        State::Converted => pb::lead::State::Converted,
        State::Disqualified => pb::lead::State::Disqualified,
        State::Unroutable => pb::lead::State::Unroutable,
        State::Spam => pb::lead::State::Spam,
        State::Duplicate => pb::lead::State::Duplicate,
        State::LostAuto => pb::lead::State::LostAuto,
    }
}

fn wire_offer(ecosystem: &EcosystemId, offer: Offer) -> pb::lead::Offer {
    let Offer {
        partner,
        offer_time,
        accept_by_time,
        outcome,
        reason_code,
        end_time,
    } = offer;
    let outcome = match outcome {
        Outcome::Open => pb::lead::offer::Outcome::Open,
        Outcome::Accepted => pb::lead::offer::Outcome::Accepted,
        Outcome::Declined => pb::lead::offer::Outcome::Declined,
        Outcome::Lapsed => pb::lead::offer::Outcome::Lapsed,
        Outcome::Returned => pb::lead::offer::Outcome::Returned,
        Outcome::Lost => pb::lead::offer::Outcome::Lost,
    };
    pb::lead::Offer {
        partner: name(ecosystem, &partner),
        offer_time: Some(time::wire(offer_time)),
        accept_by_time: Some(time::wire(accept_by_time)),
        outcome: outcome.into(),
        reason_code: reason_code.unwrap_or_default(),
        end_time: end_time.map(time::wire),
    }
}

/// A routing on the wire.
#[must_use]
pub fn wire_routing(routing: lead_routing::Model) -> pb::LeadRouting {
    let lead_routing::Model {
        ecosystem,
        lead,
        number,
        routing:
            Routing {
                partner,
                obstacle,
                seed,
                draw,
                weight_sum,
                candidates,
            },
        create_time,
    } = routing;
    pb::LeadRouting {
        name: numbered_name(&ecosystem, &lead, "routings", number.into()),
        partner: partner.map(|id| name(&ecosystem, &id)).unwrap_or_default(),
        obstacle: obstacle.map(wire_obstacle).unwrap_or_default().into(),
        seed,
        draw,
        weight_sum,
        candidates: candidates
            .into_iter()
            .map(|candidate| wire_candidate(&ecosystem, candidate))
            .collect(),
        route_time: Some(time::wire(create_time)),
    }
}

fn wire_obstacle(obstacle: Obstacle) -> pb::lead_routing::Obstacle {
    match obstacle {
        Obstacle::NoEligiblePartner => pb::lead_routing::Obstacle::NoEligiblePartner,
        Obstacle::OfferLimit => pb::lead_routing::Obstacle::OfferLimit,
        Obstacle::ProgramNotActive => pb::lead_routing::Obstacle::ProgramNotActive,
    }
}

fn wire_candidate(ecosystem: &EcosystemId, candidate: Candidate) -> pb::lead_routing::Candidate {
    let Candidate {
        partner,
        ineligibilities,
        weight,
        open_leads,
        capacity,
        drawn_from,
    } = candidate;
    let against = ineligibilities.into_iter();
    pb::lead_routing::Candidate {
        partner: name(ecosystem, &partner),
        ineligibilities: against.map(|one| wire_ineligibility(one).into()).collect(),
        weight,
        open_lead_count: i32::try_from(open_leads).unwrap_or(i32::MAX),
        lead_capacity: capacity,
        drawn_from,
    }
}

fn wire_ineligibility(against: Ineligibility) -> pb::lead_routing::Ineligibility {
    use pb::lead_routing::Ineligibility as Wire;
    match against {
        Ineligibility::PartnerNotActive => Wire::PartnerNotActive,
        Ineligibility::OutsideTerritories => Wire::OutsideTerritories,
        Ineligibility::NotAuthorized => Wire::NotAuthorized,
        Ineligibility::AtCapacity => Wire::AtCapacity,
        Ineligibility::NoWeight => Wire::NoWeight,
        Ineligibility::Declined => Wire::Declined,
        Ineligibility::Lapsed => Wire::Lapsed,
        Ineligibility::Returned => Wire::Returned,
    }
}

pub(super) fn create(request: pb::CreateLeadRequest, fields: &mut Fields) -> Option<Create> {
    let id = fields.new_id("lead_id", &request.lead_id);
    let lead = described(request.lead?, fields);
    Some(Create {
        id: id?,
        lead: lead?,
    })
}

fn described(lead: pb::Lead, fields: &mut Fields) -> Option<Described> {
    let program = fields.id("lead.program", &lead.program);
    let company = lead.company.map(|company| self::company(company, fields));
    let products = fields.ids("lead.products", &lead.products);
    let territory = fields.optional_id("lead.territory", &lead.territory);
    let estimated_value = not_negative(fields, "lead.estimated_value", lead.estimated_value);
    Some(Described {
        program: program?,
        source: lead.source,
        campaign: some(lead.campaign),
        company: company??,
        contact: lead.contact.map(contact).unwrap_or_default(),
        products: products?,
        territory: territory?,
        estimated_value: estimated_value?,
        score: lead.score,
        note: some(lead.note),
        external_id: some(lead.external_id),
    })
}

fn company(company: pb::lead::Company, fields: &mut Fields) -> Option<Company> {
    let account = fields.optional_id("lead.company.account", &company.account);
    let host = host(&company.domain);
    let domain_key = host.as_deref().and_then(registrable).map(str::to_owned);
    Some(Company {
        display_name: company.display_name,
        region_code: some(company.region_code),
        industry: some(company.industry),
        domain: some(company.domain),
        domain_key,
        account: account?,
    })
}

/// An address is the same however its letters are written.
fn contact(contact: pb::lead::Contact) -> Contact {
    Contact {
        display_name: some(contact.display_name),
        email_key: some(contact.email.to_lowercase()),
        email: some(contact.email),
        phone: some(contact.phone),
    }
}

pub(super) fn get(request: pb::GetLeadRequest, fields: &mut Fields) -> Option<LeadId> {
    fields.id("name", &request.name)
}

pub(super) fn list(request: pb::ListLeadsRequest, fields: &mut Fields) -> Option<PageQuery> {
    fields.page(&request, FIELDS)
}

pub(super) fn routings(
    request: pb::ListLeadRoutingsRequest,
    fields: &mut Fields,
) -> Option<Routings> {
    let lead = fields.id("parent", &request.parent);
    let query = fields.page(&request, &[]);
    Some(Routings {
        lead: lead?,
        query: query?,
    })
}

pub(super) fn route(request: pb::RouteLeadRequest, fields: &mut Fields) -> Option<Route> {
    let on = moving(fields, &request.name, &request.etag, request.note)?;
    Some(Route {
        on,
        seed: request.seed,
    })
}

pub(super) fn accept(request: pb::AcceptLeadRequest, fields: &mut Fields) -> Option<Move> {
    moving(fields, &request.name, &request.etag, request.note)
}

pub(super) fn work(request: pb::WorkLeadRequest, fields: &mut Fields) -> Option<Move> {
    moving(fields, &request.name, &request.etag, request.note)
}

pub(super) fn qualify(request: pb::QualifyLeadRequest, fields: &mut Fields) -> Option<Move> {
    moving(fields, &request.name, &request.etag, request.note)
}

pub(super) fn decline(request: pb::DeclineLeadRequest, fields: &mut Fields) -> Option<Move> {
    let on = moving(fields, &request.name, &request.etag, request.note)?;
    Some(because(on, request.reason_code))
}

pub(super) fn disqualify(request: pb::DisqualifyLeadRequest, fields: &mut Fields) -> Option<Move> {
    let on = moving(fields, &request.name, &request.etag, request.note)?;
    Some(because(on, request.reason_code))
}

pub(super) fn give_back(request: pb::ReturnLeadRequest, fields: &mut Fields) -> Option<Move> {
    let on = moving(fields, &request.name, &request.etag, request.note)?;
    Some(because(on, request.reason_code))
}

pub(super) fn convert(request: pb::ConvertLeadRequest, fields: &mut Fields) -> Option<Convert> {
    let deal = fields.new_id("deal_id", &request.deal_id);
    let amount = not_negative(fields, "amount", request.amount);
    let on = moving(fields, &request.name, &request.etag, request.note);
    Some(Convert {
        on: on?,
        deal: deal?,
        amount: amount?,
    })
}

pub(super) fn mark_duplicate(
    request: pb::MarkLeadDuplicateRequest,
    fields: &mut Fields,
) -> Option<MarkDuplicate> {
    let of = fields.id("duplicate_of", &request.duplicate_of);
    let on = moving(fields, &request.name, &request.etag, request.note);
    if let (Some(of), Some(on)) = (&of, &on)
        && *of == on.id
    {
        fields.refuse("duplicate_of", "duplicate_of.name", "must be another lead");
    }
    Some(MarkDuplicate { on: on?, of: of? })
}

fn moving(fields: &mut Fields, name: &str, etag: &str, note: String) -> Option<Move> {
    let id = fields.id("name", name);
    let etag = fields.etag("etag", etag);
    Some(Move {
        id: id?,
        etag: etag?,
        reason_code: None,
        note,
    })
}

fn because(on: Move, reason_code: String) -> Move {
    Move {
        reason_code: Some(reason_code),
        ..on
    }
}
