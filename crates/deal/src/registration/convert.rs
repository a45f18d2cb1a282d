//! Between the wire and the rows: one total function outwards, one parser for each request
//! inwards.

use trellis_api::deal::v1 as pb;
use trellis_api::filter::Field;
use trellis_api::{Etag, Fields, money, name, time};
use trellis_core::{
    AccountId, DealId, EcosystemId, Money, PageQuery, PartnerId, ProductId, ProgramId,
    RegistrationId, TerritoryId,
};
use trellis_store::deal::claim::Proofs;
use trellis_store::deal::registration::{
    Decision, InfoRequest, Model, Products, Screening, State, Suspicion, Transfer, Transfers,
};

use super::claim;
use super::moves::{Convert, Move, RequestInfo, TransferTo};
use super::registrations::{Claim, Create, Edit, Update};
use crate::deal::convert::{DEAL_TYPES, deal_type, wire_deal_type};
use crate::edit::{not_negative, some};

/// What lists filter and order by.
pub const FIELDS: &[Field] = &[
    Field::state("state", "STATE", STATES),
    Field::id::<PartnerId>("partner"),
    Field::id::<ProgramId>("program"),
    Field::id::<AccountId>("account"),
    Field::id::<TerritoryId>("territory"),
    Field::state("deal_type", "DEAL_TYPE", DEAL_TYPES),
    Field::state("entity_scope", "ENTITY_SCOPE", ENTITY_SCOPES),
    Field::state("suspicion", "SUSPICION", SUSPICIONS),
    Field::text("display_name"),
    Field::id::<DealId>("deal"),
    Field::date("expected_close_date"),
    Field::time("submit_time"),
    Field::time("protection_end_time"),
    Field::time("response_due_time"),
    Field::time("create_time").sortable(),
    Field::time("update_time").sortable(),
];

const STATES: &[&str] = &[
    "DRAFT",
    "SUBMITTED",
    "APPROVED",
    "REJECTED",
    "WAITLISTED",
    "CONVERTED",
    "EXPIRED",
    "WITHDRAWN",
    "NEEDS_INFO",
    "REVOKED",
];

const ENTITY_SCOPES: &[&str] = &["ENTITY", "GROUP", "SITE"];

const SUSPICIONS: &[&str] = &["CANARY", "ACCOUNT_CHANGED", "PROBING", "REFUSALS"];

/// The fields that an update may change, as far as the state lets.
const MUTABLE: &[&str] = &[
    "display_name",
    "program",
    "account",
    "products",
    "territory",
    "deal_type",
    "estimated_value",
    "expected_close_date",
    "note",
    "evidence",
    "entity_scope",
    "site",
    "proofs",
    "tender_publish_time",
    "accept_partial",
];

/// A registration on the wire.
#[must_use]
pub fn wire(registration: Model) -> pb::Registration {
    let Model {
        ecosystem,
        id,
        display_name,
        partner,
        creator: _,
        program,
        account,
        products: Products(products),
        territory,
        deal_type,
        estimated_minor,
        currency,
        expected_close_date,
        note,
        evidence,
        entity_scope,
        site,
        proofs: Proofs(proofs),
        tender_publish_time,
        accept_partial,
        state,
        contends: _,
        nominated: _,
        evidence_score: _,
        incumbent: _,
        submit_time,
        receive_time: _,
        tick_time: _,
        decision,
        suspicion,
        screening,
        judged: _,
        waitlist_position,
        granted_role,
        protection_start_time,
        protection_end_time,
        deal,
        info_request,
        info_due_time,
        resubmission_count,
        extension_count,
        response_due_time,
        response_days_left: _,
        escalation_time,
        final_escalation_time: _,
        escalation_level,
        transfers: Transfers(transfers),
        version,
        create_time,
        update_time,
    } = registration;
    pb::Registration {
        name: name(&ecosystem, &id),
        display_name: display_name.unwrap_or_default(),
        partner: name(&ecosystem, &partner),
        program: name(&ecosystem, &program),
        account: name(&ecosystem, &account),
        products: products
            .iter()
            .map(|product| name(&ecosystem, product))
            .collect(),
        territory: territory
            .map(|territory| name(&ecosystem, &territory))
            .unwrap_or_default(),
        deal_type: wire_deal_type(deal_type).into(),
        estimated_value: Some(money::wire(Money::new(estimated_minor, currency))),
        expected_close_date: expected_close_date.map(trellis_api::date::wire),
        note: note.unwrap_or_default(),
        evidence: evidence.unwrap_or_default(),
        entity_scope: claim::wire_scope(entity_scope).into(),
        site: site.unwrap_or_default(),
        proofs: proofs.into_iter().map(claim::wire_proof).collect(),
        tender_publish_time: tender_publish_time.map(time::wire),
        accept_partial,
        granted_role: granted_role
            .map(claim::wire_role)
            .unwrap_or_default()
            .into(),
        state: wire_state(state).into(),
        submit_time: submit_time.map(time::wire),
        decision: decision.map(wire_decision),
        waitlist_position: waitlist_position
            .map(|position| i32::try_from(position).unwrap_or(i32::MAX))
            .unwrap_or_default(),
        protection_start_time: protection_start_time.map(time::wire),
        protection_end_time: protection_end_time.map(time::wire),
        deal: deal.map(|deal| name(&ecosystem, &deal)).unwrap_or_default(),
        create_time: Some(time::wire(create_time)),
        update_time: Some(time::wire(update_time)),
        etag: Etag::of(version).to_string(),
        suspicion: suspicion.map(wire_suspicion).unwrap_or_default().into(),
        screening: screening.map(|screening| wire_screening(&ecosystem, screening)),
        info_request: info_request.map(wire_info_request),
        info_due_time: info_due_time.map(time::wire),
        resubmission_count,
        extension_count,
        response_due_time: response_due_time.map(time::wire),
        escalation_level,
        escalation_time: escalation_time.map(time::wire),
        transfers: transfers
            .into_iter()
            .map(|transfer| wire_transfer(&ecosystem, transfer))
            .collect(),
    }
}

fn wire_transfer(ecosystem: &EcosystemId, transfer: Transfer) -> pb::registration::Transfer {
    let Transfer {
        partner,
        display_name,
        note,
        evidence,
        reason_code,
        transfer_time,
    } = transfer;
    pb::registration::Transfer {
        partner: name(ecosystem, &partner),
        display_name: display_name.unwrap_or_default(),
        note: note.unwrap_or_default(),
        evidence: evidence.unwrap_or_default(),
        reason_code,
        transfer_time: Some(time::wire(transfer_time)),
    }
}

fn wire_info_request(question: InfoRequest) -> pb::registration::InfoRequest {
    let InfoRequest {
        note,
        fields,
        request_time,
    } = question;
    pb::registration::InfoRequest {
        note,
        fields,
        request_time: Some(time::wire(request_time)),
    }
}

fn wire_suspicion(suspicion: Suspicion) -> pb::registration::Suspicion {
    match suspicion {
        Suspicion::Canary => pb::registration::Suspicion::Canary,
        Suspicion::AccountChanged => pb::registration::Suspicion::AccountChanged,
        Suspicion::Probing => pb::registration::Suspicion::Probing,
        Suspicion::Refusals => pb::registration::Suspicion::Refusals,
    }
}

fn wire_screening(ecosystem: &EcosystemId, screening: Screening) -> pb::registration::Screening {
    let Screening {
        cost,
        daily_spent,
        monthly_spent,
        decided_count,
        refused_count,
        canaries,
        account_changed,
        alarm_time,
        screen_time,
    } = screening;
    let count = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    pb::registration::Screening {
        cost,
        daily_spent_count: daily_spent,
        monthly_spent_count: monthly_spent,
        decided_count: count(decided_count),
        refused_count: count(refused_count),
        canaries: canaries
            .iter()
            .map(|canary| name(ecosystem, canary))
            .collect(),
        account_changed,
        alarm_time: alarm_time.map(time::wire),
        screen_time: screen_time.map(time::wire),
    }
}

/// A decision, without what its subject must not learn: which other registration stood in the way,
/// and who decided.
pub(super) fn wire_decision(decision: Decision) -> pb::registration::Decision {
    let Decision {
        rule,
        reason_code,
        note,
        blocked_by: _,
        actor: _,
        decide_time,
    } = decision;
    pb::registration::Decision {
        rule,
        reason_code,
        note: note.unwrap_or_default(),
        decide_time: Some(time::wire(decide_time)),
    }
}

pub(super) fn wire_state(state: State) -> pb::registration::State {
    match state {
        State::Draft => pb::registration::State::Draft,
        State::Submitted => pb::registration::State::Submitted,
        State::Approved => pb::registration::State::Approved,
        State::Rejected => pb::registration::State::Rejected,
        State::Waitlisted => pb::registration::State::Waitlisted,
        State::Converted => pb::registration::State::Converted,
        State::Expired => pb::registration::State::Expired,
        State::Withdrawn => pb::registration::State::Withdrawn,
        State::NeedsInfo => pb::registration::State::NeedsInfo,
        State::Revoked => pb::registration::State::Revoked,
    }
}

pub(super) fn create(
    request: pb::CreateRegistrationRequest,
    fields: &mut Fields,
) -> Option<Create> {
    let id = fields.new_id("registration_id", &request.registration_id);
    let registration = request.registration?;
    let partner = fields.id("registration.partner", &registration.partner);
    let claim = described(registration, fields);
    Some(Create {
        id: id?,
        partner: partner?,
        claim: claim?,
    })
}

fn described(registration: pb::Registration, fields: &mut Fields) -> Option<Claim> {
    let program = fields.id("registration.program", &registration.program);
    let account = fields.id("registration.account", &registration.account);
    let products = fields.ids("registration.products", &registration.products);
    let territory = fields.optional_id("registration.territory", &registration.territory);
    let estimated_value = not_negative(
        fields,
        "registration.estimated_value",
        registration.estimated_value,
    );
    let expected_close_date = fields.optional_date(
        "registration.expected_close_date",
        registration.expected_close_date,
    );
    let proofs = claim::proofs(fields, registration.proofs);
    let path = "registration.tender_publish_time";
    let tender_publish_time = fields.optional_time(path, registration.tender_publish_time);
    Some(Claim {
        display_name: some(registration.display_name),
        program: program?,
        account: account?,
        products: products?,
        territory: territory?,
        deal_type: deal_type(registration.deal_type)?,
        estimated_value: estimated_value??,
        expected_close_date: expected_close_date?,
        note: some(registration.note),
        evidence: some(registration.evidence),
        entity_scope: claim::scope(registration.entity_scope),
        site: some(registration.site),
        proofs: proofs?,
        tender_publish_time: tender_publish_time?,
        accept_partial: registration.accept_partial,
    })
}

pub(super) fn get(
    request: pb::GetRegistrationRequest,
    fields: &mut Fields,
) -> Option<RegistrationId> {
    fields.id("name", &request.name)
}

pub(super) fn explain(
    request: pb::ExplainDecisionRequest,
    fields: &mut Fields,
) -> Option<RegistrationId> {
    fields.id("name", &request.name)
}

pub(super) fn check(
    request: pb::CheckConflictRequest,
    fields: &mut Fields,
) -> Option<RegistrationId> {
    fields.id("name", &request.name)
}

pub(super) fn list(
    request: pb::ListRegistrationsRequest,
    fields: &mut Fields,
) -> Option<PageQuery> {
    fields.page(&request, FIELDS)
}

pub(super) fn update(
    request: pb::UpdateRegistrationRequest,
    fields: &mut Fields,
) -> Option<Update> {
    let sent = fields.required("registration", request.registration)?;
    let mask = fields.mask("registration", &sent, request.update_mask, MUTABLE);
    let id = fields.id("registration.name", &sent.name);
    let etag = fields.etag("registration.etag", &sent.etag);
    let mask = mask?;
    let program = mask.read("program", || {
        fields.id("registration.program", &sent.program)
    });
    let account = mask.read("account", || {
        fields.id("registration.account", &sent.account)
    });
    let products = mask.read("products", || {
        fields.ids::<ProductId>("registration.products", &sent.products)
    });
    let territory = mask.read("territory", || {
        fields.optional_id("registration.territory", &sent.territory)
    });
    let estimated_value = mask.read("estimated_value", || {
        not_negative(fields, "registration.estimated_value", sent.estimated_value)?
    });
    let expected_close_date = mask.read("expected_close_date", || {
        fields.optional_date("registration.expected_close_date", sent.expected_close_date)
    });
    let proofs = mask.read("proofs", || claim::proofs(fields, sent.proofs));
    let tender_publish_time = mask.read("tender_publish_time", || {
        let path = "registration.tender_publish_time";
        fields.optional_time(path, sent.tender_publish_time)
    });
    let edit = Edit {
        display_name: mask.keep("display_name", Some(some(sent.display_name))),
        program: program?,
        account: account?,
        products: products?,
        territory: territory?,
        deal_type: mask.keep("deal_type", deal_type(sent.deal_type)),
        estimated_value: estimated_value?,
        expected_close_date: expected_close_date?,
        note: mask.keep("note", Some(some(sent.note))),
        evidence: mask.keep("evidence", Some(some(sent.evidence))),
        entity_scope: mask.keep("entity_scope", Some(claim::scope(sent.entity_scope))),
        site: mask.keep("site", Some(some(sent.site))),
        proofs: proofs?,
        tender_publish_time: tender_publish_time?,
        accept_partial: mask.keep("accept_partial", Some(sent.accept_partial)),
    };
    Some(Update {
        id: id?,
        etag: etag?,
        mask,
        edit,
    })
}

pub(super) fn submit(request: pb::SubmitRegistrationRequest, fields: &mut Fields) -> Option<Move> {
    moving(fields, &request.name, &request.etag, request.note)
}

pub(super) fn approve(
    request: pb::ApproveRegistrationRequest,
    fields: &mut Fields,
) -> Option<Move> {
    moving(fields, &request.name, &request.etag, request.note)
}

pub(super) fn reject(request: pb::RejectRegistrationRequest, fields: &mut Fields) -> Option<Move> {
    let on = moving(fields, &request.name, &request.etag, request.note)?;
    Some(Move {
        reason_code: Some(request.reason_code),
        ..on
    })
}

pub(super) fn request_info(
    request: pb::RequestRegistrationInfoRequest,
    fields: &mut Fields,
) -> Option<RequestInfo> {
    let on = moving(fields, &request.name, &request.etag, request.note)?;
    Some(RequestInfo {
        on,
        fields: request.fields,
    })
}

pub(super) fn revoke(request: pb::RevokeRegistrationRequest, fields: &mut Fields) -> Option<Move> {
    let on = moving(fields, &request.name, &request.etag, request.note)?;
    Some(Move {
        reason_code: Some(request.reason_code),
        ..on
    })
}

pub(super) fn extend(request: pb::ExtendRegistrationRequest, fields: &mut Fields) -> Option<Move> {
    moving(fields, &request.name, &request.etag, request.note)
}

pub(super) fn transfer(
    request: pb::TransferRegistrationRequest,
    fields: &mut Fields,
) -> Option<TransferTo> {
    let on = moving(fields, &request.name, &request.etag, request.note);
    let partner = fields.id("partner", &request.partner);
    Some(TransferTo {
        on: Move {
            reason_code: Some(request.reason_code),
            ..on?
        },
        partner: partner?,
    })
}

pub(super) fn withdraw(
    request: pb::WithdrawRegistrationRequest,
    fields: &mut Fields,
) -> Option<Move> {
    moving(fields, &request.name, &request.etag, request.note)
}

pub(super) fn convert(
    request: pb::ConvertRegistrationRequest,
    fields: &mut Fields,
) -> Option<Convert> {
    let deal = fields.new_id("deal_id", &request.deal_id);
    let amount = not_negative(fields, "amount", request.amount);
    let on = moving(fields, &request.name, &request.etag, request.note);
    Some(Convert {
        on: on?,
        deal: deal?,
        amount: amount?,
    })
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
