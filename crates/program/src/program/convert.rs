//! Between the wire and the rows: one total function outwards, one parser for each request
//! inwards.

use trellis_api::program::v1 as pb;
use trellis_api::{Etag, Field, Fields, money, name, numbered_name, time};
use trellis_core::{PageQuery, ProgramId};
use trellis_store::program::program::{ConflictDisclosure, Model, State};
use trellis_store::program::revision::{self, Snapshot};

use super::lead_settings::{ACCEPT_DAYS, ACT_DAYS, LeadSettings, OFFER_LIMIT};
use super::programs::{Create, Edit, Move, Revisions, Terms, Update};
use super::registration_clock;
use super::registration_settings::{
    DAILY_ACCOUNT_BUDGET, DIRECT_LOOKBACK_DAYS, EXTENSION_DAYS, HARD_STOP_DAYS, INCUMBENT_DAYS,
    MONTHLY_ACCOUNT_BUDGET, PERSON_OPEN_LIMIT, PROTECTION_DAYS, RegistrationSettings, violations,
};
use crate::tier;

/// What lists filter and order by.
pub const FIELDS: &[Field] = &[
    Field::state("state", "STATE", &["DRAFT", "ACTIVE", "RETIRED"]),
    Field::text("display_name").sortable(),
    Field::text("time_zone"),
    Field::text("currency_code"),
    Field::time("create_time").sortable(),
    Field::time("update_time").sortable(),
];

/// The fields that an update may change.
const MUTABLE: &[&str] = &[
    "display_name",
    "description",
    "time_zone",
    "currency_code",
    "deal_registration",
    "leads",
    "registration_clock",
];

/// A program on the wire.
#[must_use]
pub fn wire(program: Model) -> pb::Program {
    let settings = RegistrationSettings::of(&program);
    let leads = LeadSettings::of(&program);
    let Model {
        ecosystem,
        id,
        display_name,
        description,
        time_zone,
        currency,
        protection_days: _,
        extension_days: _,
        hard_stop_days: _,
        auto_approve: _,
        auto_approve_limit_minor: _,
        conflict_disclosure: _,
        daily_account_budget: _,
        monthly_account_budget: _,
        person_open_limit: _,
        partner_open_limit: _,
        direct_lookback_days: _,
        teaming: _,
        incumbent_days: _,
        evidence_minimum: _,
        lead_accept_days: _,
        lead_act_days: _,
        lead_offer_limit: _,
        registration_clock: clock,
        state,
        revision_number,
        publish_time,
        retire_time,
        version,
        create_time,
        update_time,
    } = program;
    pb::Program {
        name: name(&ecosystem, &id),
        display_name,
        description,
        time_zone: time_zone.to_string(),
        currency_code: currency.to_string(),
        deal_registration: Some(wire_settings(settings)),
        state: wire_state(state).into(),
        revision_number,
        publish_time: publish_time.map(time::wire),
        retire_time: retire_time.map(time::wire),
        create_time: Some(time::wire(create_time)),
        update_time: Some(time::wire(update_time)),
        etag: Etag::of(version).to_string(),
        leads: Some(wire_leads(leads)),
        registration_clock: Some(registration_clock::wire(clock)),
    }
}

fn wire_leads(leads: LeadSettings) -> pb::LeadSettings {
    let LeadSettings {
        accept_days,
        act_days,
        offer_limit,
    } = leads;
    pb::LeadSettings {
        accept_days: Some(accept_days),
        act_days: Some(act_days),
        offer_limit: Some(offer_limit),
    }
}

/// Settings of leads as they were sent; what was left out is as usual.
fn leads(sent: Option<pb::LeadSettings>) -> LeadSettings {
    let pb::LeadSettings {
        accept_days,
        act_days,
        offer_limit,
    } = sent.unwrap_or_default();
    LeadSettings {
        accept_days: accept_days.unwrap_or(ACCEPT_DAYS),
        act_days: act_days.unwrap_or(ACT_DAYS),
        offer_limit: offer_limit.unwrap_or(OFFER_LIMIT),
    }
}

fn wire_settings(settings: RegistrationSettings) -> pb::DealRegistrationSettings {
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
    } = settings;
    pb::DealRegistrationSettings {
        protection_days: Some(protection_days),
        extension_days: Some(extension_days),
        hard_stop_days: Some(hard_stop_days),
        auto_approve_registrations: auto_approve,
        auto_approve_limit: auto_approve_limit.map(money::wire),
        conflict_disclosure: wire_disclosure(conflict_disclosure).into(),
        daily_account_budget: Some(daily_account_budget),
        monthly_account_budget: Some(monthly_account_budget),
        person_open_limit: Some(person_open_limit),
        partner_open_limit: Some(partner_open_limit),
        direct_lookback_days: Some(direct_lookback_days),
        teaming,
        incumbent_days: Some(incumbent_days),
        evidence_minimum,
    }
}

fn wire_disclosure(
    disclosure: ConflictDisclosure,
) -> pb::deal_registration_settings::ConflictDisclosure {
    match disclosure {
        ConflictDisclosure::Sealed => pb::deal_registration_settings::ConflictDisclosure::Sealed,
        ConflictDisclosure::State => pb::deal_registration_settings::ConflictDisclosure::State,
    }
}

/// Values that are none are refused by the contract's own rules.
fn disclosure(sent: i32) -> ConflictDisclosure {
    match pb::deal_registration_settings::ConflictDisclosure::try_from(sent) {
        Ok(pb::deal_registration_settings::ConflictDisclosure::State) => ConflictDisclosure::State,
        _ => ConflictDisclosure::Sealed,
    }
}

fn wire_state(state: State) -> pb::program::State {
    match state {
        State::Draft => pb::program::State::Draft,
        State::Active => pb::program::State::Active,
        State::Retired => pb::program::State::Retired,
    }
}

/// A revision on the wire.
#[must_use]
pub fn wire_revision(revision: revision::Model) -> pb::ProgramRevision {
    let revision::Model {
        ecosystem,
        program,
        number,
        snapshot: Snapshot {
            program: snapshot,
            tiers,
        },
        actor,
        create_time,
    } = revision;
    pb::ProgramRevision {
        name: numbered_name(&ecosystem, &program, "revisions", number.into()),
        revision_number: number,
        snapshot: Some(wire(snapshot)),
        tiers: tiers.into_iter().map(tier::convert::wire).collect(),
        actor: actor.to_string(),
        create_time: Some(time::wire(create_time)),
    }
}

/// Settings as they were sent; what was left out is as usual.
fn settings(
    fields: &mut Fields,
    sent: Option<pb::DealRegistrationSettings>,
) -> Option<RegistrationSettings> {
    let Some(sent) = sent else {
        return Some(RegistrationSettings::default());
    };
    let pb::DealRegistrationSettings {
        protection_days,
        extension_days,
        hard_stop_days,
        auto_approve_registrations,
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
    } = sent;
    let path = "program.deal_registration.auto_approve_limit";
    let auto_approve_limit = fields.optional_money(path, auto_approve_limit);
    Some(RegistrationSettings {
        protection_days: protection_days.unwrap_or(PROTECTION_DAYS),
        extension_days: extension_days.unwrap_or(EXTENSION_DAYS),
        hard_stop_days: hard_stop_days.unwrap_or(HARD_STOP_DAYS),
        auto_approve: auto_approve_registrations,
        auto_approve_limit: auto_approve_limit?,
        conflict_disclosure: disclosure(conflict_disclosure),
        daily_account_budget: daily_account_budget.unwrap_or(DAILY_ACCOUNT_BUDGET),
        monthly_account_budget: monthly_account_budget.unwrap_or(MONTHLY_ACCOUNT_BUDGET),
        person_open_limit: person_open_limit.unwrap_or(PERSON_OPEN_LIMIT),
        partner_open_limit: partner_open_limit.unwrap_or_default(),
        direct_lookback_days: direct_lookback_days.unwrap_or(DIRECT_LOOKBACK_DAYS),
        teaming,
        incumbent_days: incumbent_days.unwrap_or(INCUMBENT_DAYS),
        evidence_minimum,
    })
}

pub(super) fn create(request: pb::CreateProgramRequest, fields: &mut Fields) -> Option<Create> {
    let id = fields.new_id::<ProgramId>("program_id", &request.program_id);
    let program = request.program?;
    let time_zone = fields.time_zone("program.time_zone", &program.time_zone);
    let currency = fields.currency("program.currency_code", &program.currency_code);
    let registration = settings(fields, program.deal_registration);
    let clock = registration_clock::read(fields, program.registration_clock);
    if let Some(registration) = &registration {
        for violation in violations(registration, currency) {
            fields.refuse(violation.field, violation.rule, violation.description);
        }
    }
    Some(Create {
        id: id?,
        terms: Terms {
            display_name: program.display_name,
            description: program.description,
            time_zone: time_zone?,
            currency: currency?,
            registration: registration?,
            leads: leads(program.leads),
            clock: clock?,
        },
    })
}

pub(super) fn get(request: pb::GetProgramRequest, fields: &mut Fields) -> Option<ProgramId> {
    fields.id("name", &request.name)
}

pub(super) fn list(request: pb::ListProgramsRequest, fields: &mut Fields) -> Option<PageQuery> {
    fields.page(&request, FIELDS)
}

pub(super) fn update(request: pb::UpdateProgramRequest, fields: &mut Fields) -> Option<Update> {
    let program = fields.required("program", request.program)?;
    let mask = fields.mask("program", &program, request.update_mask, MUTABLE);
    let id = fields.id("program.name", &program.name);
    let etag = fields.etag("program.etag", &program.etag);
    let mask = mask?;
    let time_zone = mask.read("time_zone", || {
        fields.time_zone("program.time_zone", &program.time_zone)
    });
    let currency = mask.read("currency_code", || {
        fields.currency("program.currency_code", &program.currency_code)
    });
    let registration = mask.read("deal_registration", || {
        settings(fields, program.deal_registration)
    });
    let clock = mask.read("registration_clock", || {
        registration_clock::read(fields, program.registration_clock)
    });
    Some(Update {
        id: id?,
        etag: etag?,
        edit: Edit {
            display_name: mask.keep("display_name", Some(program.display_name)),
            description: mask.keep("description", Some(program.description)),
            time_zone: time_zone?,
            currency: currency?,
            registration: registration?,
            leads: mask.keep("leads", Some(leads(program.leads))),
            clock: clock?,
        },
    })
}

pub(super) fn publish(request: pb::PublishProgramRequest, fields: &mut Fields) -> Option<Move> {
    moving(fields, &request.name, &request.etag, request.note)
}

pub(super) fn retire(request: pb::RetireProgramRequest, fields: &mut Fields) -> Option<Move> {
    moving(fields, &request.name, &request.etag, request.note)
}

fn moving(fields: &mut Fields, name: &str, etag: &str, note: String) -> Option<Move> {
    let id = fields.id("name", name);
    let etag = fields.etag("etag", etag);
    Some(Move {
        id: id?,
        etag: etag?,
        note,
    })
}

pub(super) fn revisions(
    request: pb::ListProgramRevisionsRequest,
    fields: &mut Fields,
) -> Option<Revisions> {
    let program = fields.id("parent", &request.parent);
    let query = fields.page(&request, &[]);
    Some(Revisions {
        program: program?,
        query: query?,
    })
}
