//! Between the wire and the rows: one total function outwards, one parser for each request
//! inwards.

use std::time::Duration;

use trellis_api::partner::v1 as pb;
use trellis_api::{Etag, Field, Fields, name};
use trellis_core::{PageQuery, PartnerId, Timestamp};
use trellis_store::partner::partner::{Model, PartnerType, State};

use super::partners::{Create, Edit, GiveNotice, Invite, Move, Suspend, Update};

/// How long an invitation is open when nothing is said.
const INVITATION_TTL: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// What lists filter and order by.
pub const FIELDS: &[Field] = &[
    Field::text("display_name").sortable(),
    Field::state("partner_type", "PARTNER_TYPE", PARTNER_TYPES),
    Field::text("region_code"),
    Field::text("domain"),
    Field::text("external_id"),
    Field::text("channel_manager"),
    Field::state("state", "STATE", STATES),
    Field::time("create_time").sortable(),
    Field::time("update_time").sortable(),
];

const STATES: &[&str] = &[
    "PROSPECT",
    "INVITED",
    "ONBOARDING",
    "ACTIVE",
    "SUSPENDED",
    "TERMINATING",
    "TERMINATED",
    "DECLINED",
    "EXPIRED",
];

const PARTNER_TYPES: &[&str] = &[
    "RESELLER",
    "DISTRIBUTOR",
    "TECHNOLOGY",
    "CLOUD_PROVIDER",
    "SYSTEM_INTEGRATOR",
    "CONSULTANT",
    "REFERRAL",
    "SUPPLIER",
    "MANAGED_SERVICE_PROVIDER",
];

/// The fields that an update may change.
const MUTABLE: &[&str] = &[
    "display_name",
    "partner_type",
    "region_code",
    "domain",
    "contact_email",
    "external_id",
    "channel_manager",
];

/// A partner on the wire.
#[must_use]
pub fn wire(partner: Model) -> pb::Partner {
    let Model {
        ecosystem,
        id,
        display_name,
        partner_type,
        region_code,
        domain,
        contact_email,
        external_id,
        channel_manager,
        state,
        invitation_expire_time,
        suspend_until_time,
        terminate_time,
        version,
        create_time,
        update_time,
    } = partner;
    pb::Partner {
        name: name(&ecosystem, &id),
        display_name,
        partner_type: wire_type(partner_type).into(),
        region_code: region_code.unwrap_or_default(),
        domain: domain.unwrap_or_default(),
        contact_email: contact_email.unwrap_or_default(),
        external_id: external_id.unwrap_or_default(),
        channel_manager: channel_manager.unwrap_or_default(),
        state: wire_state(state).into(),
        invitation_expire_time: invitation_expire_time.map(trellis_api::time::wire),
        suspend_until_time: suspend_until_time.map(trellis_api::time::wire),
        terminate_time: terminate_time.map(trellis_api::time::wire),
        create_time: Some(trellis_api::time::wire(create_time)),
        update_time: Some(trellis_api::time::wire(update_time)),
        etag: Etag::of(version).to_string(),
    }
}

fn wire_state(state: State) -> pb::partner::State {
    match state {
        State::Prospect => pb::partner::State::Prospect,
        State::Invited => pb::partner::State::Invited,
        State::Onboarding => pb::partner::State::Onboarding,
        State::Active => pb::partner::State::Active,
        State::Suspended => pb::partner::State::Suspended,
        State::Terminating => pb::partner::State::Terminating,
        State::Terminated => pb::partner::State::Terminated,
        State::Declined => pb::partner::State::Declined,
        State::Expired => pb::partner::State::Expired,
    }
}

fn wire_type(partner_type: PartnerType) -> pb::partner::PartnerType {
    match partner_type {
        PartnerType::Reseller => pb::partner::PartnerType::Reseller,
        PartnerType::Distributor => pb::partner::PartnerType::Distributor,
        PartnerType::Technology => pb::partner::PartnerType::Technology,
        PartnerType::CloudProvider => pb::partner::PartnerType::CloudProvider,
        PartnerType::SystemIntegrator => pb::partner::PartnerType::SystemIntegrator,
        PartnerType::Consultant => pb::partner::PartnerType::Consultant,
        PartnerType::Referral => pb::partner::PartnerType::Referral,
        PartnerType::Supplier => pb::partner::PartnerType::Supplier,
        PartnerType::ManagedServiceProvider => pb::partner::PartnerType::ManagedServiceProvider,
    }
}

/// The type that the wire's number stands for. The contract's rules have refused zero and numbers
/// that it does not know; in an update they are checked only if the mask covers the field.
fn partner_type(number: i32) -> Option<PartnerType> {
    Some(match pb::partner::PartnerType::try_from(number).ok()? {
        pb::partner::PartnerType::Unspecified => return None,
        pb::partner::PartnerType::Reseller => PartnerType::Reseller,
        pb::partner::PartnerType::Distributor => PartnerType::Distributor,
        pb::partner::PartnerType::Technology => PartnerType::Technology,
        pb::partner::PartnerType::CloudProvider => PartnerType::CloudProvider,
        pb::partner::PartnerType::SystemIntegrator => PartnerType::SystemIntegrator,
        pb::partner::PartnerType::Consultant => PartnerType::Consultant,
        pb::partner::PartnerType::Referral => PartnerType::Referral,
        pb::partner::PartnerType::Supplier => PartnerType::Supplier,
        pb::partner::PartnerType::ManagedServiceProvider => PartnerType::ManagedServiceProvider,
    })
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// Every field of a partner that its owner sets, as an edit that sets them all.
pub(super) fn whole(partner: pb::Partner) -> Edit {
    Edit {
        display_name: Some(partner.display_name),
        partner_type: partner_type(partner.partner_type),
        region_code: Some(some(partner.region_code)),
        domain: Some(some(partner.domain)),
        contact_email: Some(some(partner.contact_email)),
        external_id: Some(some(partner.external_id)),
        channel_manager: Some(some(partner.channel_manager)),
    }
}

pub(super) fn create(request: pb::CreatePartnerRequest, fields: &mut Fields) -> Option<Create> {
    let id = fields.new_id::<PartnerId>("partner_id", &request.partner_id);
    let partner = request.partner?;
    Some(Create {
        id: id?,
        edit: whole(partner),
    })
}

pub(super) fn get(request: pb::GetPartnerRequest, fields: &mut Fields) -> Option<PartnerId> {
    fields.id("name", &request.name)
}

pub(super) fn list(request: pb::ListPartnersRequest, fields: &mut Fields) -> Option<PageQuery> {
    fields.page(&request, FIELDS)
}

pub(super) fn update(request: pb::UpdatePartnerRequest, fields: &mut Fields) -> Option<Update> {
    let partner = fields.required("partner", request.partner)?;
    let mask = fields.mask("partner", &partner, request.update_mask, MUTABLE);
    let id = fields.id("partner.name", &partner.name);
    let etag = fields.etag("partner.etag", &partner.etag);
    let mask = mask?;
    let all = whole(partner);
    let edit = Edit {
        display_name: mask.keep("display_name", all.display_name),
        partner_type: mask.keep("partner_type", all.partner_type),
        region_code: mask.keep("region_code", all.region_code),
        domain: mask.keep("domain", all.domain),
        contact_email: mask.keep("contact_email", all.contact_email),
        external_id: mask.keep("external_id", all.external_id),
        channel_manager: mask.keep("channel_manager", all.channel_manager),
    };
    Some(Update {
        id: id?,
        etag: etag?,
        edit,
    })
}

pub(super) fn batch_get(
    request: pb::BatchGetPartnersRequest,
    fields: &mut Fields,
) -> Option<Vec<PartnerId>> {
    fields.ids("names", &request.names)
}

pub(super) fn invite(request: pb::InvitePartnerRequest, fields: &mut Fields) -> Option<Invite> {
    let ttl = match request.ttl {
        Some(ttl) => fields.duration("ttl", Some(ttl)),
        None => Some(INVITATION_TTL),
    };
    let on = moving(fields, &request.name, &request.etag, request.note);
    Some(Invite { on: on?, ttl: ttl? })
}

pub(super) fn accept(request: pb::AcceptInvitationRequest, fields: &mut Fields) -> Option<Move> {
    moving(fields, &request.name, &request.etag, request.note)
}

pub(super) fn decline(request: pb::DeclineInvitationRequest, fields: &mut Fields) -> Option<Move> {
    moving(fields, &request.name, &request.etag, request.note)
}

pub(super) fn activate(request: pb::ActivatePartnerRequest, fields: &mut Fields) -> Option<Move> {
    moving(fields, &request.name, &request.etag, request.note)
}

pub(super) fn suspend(request: pb::SuspendPartnerRequest, fields: &mut Fields) -> Option<Suspend> {
    let until: Option<Option<Timestamp>> = fields.optional_time("until_time", request.until_time);
    let on = moving(fields, &request.name, &request.etag, request.note);
    Some(Suspend {
        on: on?.because(request.reason_code),
        until: until?,
    })
}

pub(super) fn reinstate(request: pb::ReinstatePartnerRequest, fields: &mut Fields) -> Option<Move> {
    moving(fields, &request.name, &request.etag, request.note)
}

pub(super) fn give_notice(
    request: pb::GiveNoticeRequest,
    fields: &mut Fields,
) -> Option<GiveNotice> {
    let end = fields.time("terminate_time", request.terminate_time);
    let on = moving(fields, &request.name, &request.etag, request.note);
    Some(GiveNotice {
        on: on?.because(request.reason_code),
        end: end?,
    })
}

pub(super) fn terminate(request: pb::TerminatePartnerRequest, fields: &mut Fields) -> Option<Move> {
    moving(fields, &request.name, &request.etag, request.note)
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
