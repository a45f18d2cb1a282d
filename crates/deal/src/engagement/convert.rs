//! Between the wire and the rows: one total function outwards, one parser for each request
//! inwards.

use prost_types::FieldMask;
use trellis_api::deal::v1 as pb;
use trellis_api::filter::Field;
use trellis_api::{Etag, Fields, child_name, date, money, name, time};
use trellis_core::{
    AccountId, DealId, EngagementId, EngagementMemberId, Money, PageQuery, PartnerId, Violation,
};
use trellis_store::deal::engagement::{self, ExpectedRoles};
use trellis_store::deal::engagement_member;
use trellis_store::deal::engagement_snapshot::{
    self as snapshot, AccountContent, Chosen, Content, DealContent,
};

use super::content::{ACCOUNT, DEAL};
use super::disclosure::Sight;
use super::engagements::{Create, Customer, Edit, Move, Update};
use super::members::{self, Invite};
use super::snapshots::{self, Revoke, Share, Source};
use crate::deal::convert::wire_stage;
use crate::edit::{not_negative, some};

/// What lists of engagements filter and order by: nothing that is hidden from a partner until it
/// accepts.
pub const FIELDS: &[Field] = &[
    Field::state(
        "state",
        "STATE",
        &["DRAFT", "ACTIVE", "SUSPENDED", "CLOSED"],
    ),
    Field::text("title").sortable(),
    Field::boolean("members_visible"),
    Field::text("external_id"),
    Field::time("create_time").sortable(),
    Field::time("update_time").sortable(),
];

/// What lists of members filter and order by: nothing of another's that is not shown.
pub const MEMBER_FIELDS: &[Field] = &[
    Field::state("state", "STATE", MEMBER_STATES),
    Field::id::<PartnerId>("partner"),
    Field::text("role").sortable(),
];

const MEMBER_STATES: &[&str] = &[
    "INVITED",
    "ACCEPTED",
    "REJECTED",
    "EXPIRED",
    "CANCELLED",
    "LEFT",
    "REMOVED",
];

/// What lists of snapshots filter and order by.
pub const SNAPSHOT_FIELDS: &[Field] = &[
    Field::state("state", "STATE", &["SHARED", "REVOKED"]),
    Field::child::<EngagementId, EngagementMemberId>("member", "engagement"),
    Field::text("resource"),
    Field::integer("revision").sortable(),
    Field::time("share_time").sortable(),
];

/// The fields that an update may change.
const MUTABLE: &[&str] = &[
    "title",
    "customer",
    "description",
    "expected_roles",
    "estimated_value",
    "members_visible",
    "external_id",
];

/// An engagement on the wire.
#[must_use]
pub fn wire(engagement: engagement::Model) -> pb::Engagement {
    let estimated_value = engagement.estimated_value();
    let engagement::Model {
        ecosystem,
        id,
        title,
        customer_name,
        region_code,
        industry,
        size_band,
        description,
        expected_roles: ExpectedRoles(expected_roles),
        estimated_minor: _,
        currency: _,
        members_visible,
        external_id,
        state,
        reason_code,
        close_time,
        version,
        create_time,
        update_time,
    } = engagement;
    let state = match state {
        engagement::State::Draft => pb::engagement::State::Draft,
        engagement::State::Active => pb::engagement::State::Active,
        engagement::State::Suspended => pb::engagement::State::Suspended,
        engagement::State::Closed => pb::engagement::State::Closed,
    };
    pb::Engagement {
        name: name(&ecosystem, &id),
        title,
        customer: Some(pb::engagement::Customer {
            display_name: customer_name,
            region_code: region_code.unwrap_or_default(),
            industry: industry.unwrap_or_default(),
            size_band: size_band.unwrap_or_default(),
        }),
        description: description.unwrap_or_default(),
        expected_roles,
        estimated_value: estimated_value.map(money::wire),
        members_visible,
        external_id: external_id.unwrap_or_default(),
        state: state.into(),
        reason_code: reason_code.unwrap_or_default(),
        close_time: close_time.map(time::wire),
        create_time: Some(time::wire(create_time)),
        update_time: Some(time::wire(update_time)),
        etag: Etag::of(version).to_string(),
    }
}

/// A member on the wire, as much of it as is seen.
#[must_use]
pub fn wire_member(member: engagement_member::Model, sight: Sight) -> pb::EngagementMember {
    let engagement_member::Model {
        ecosystem,
        engagement,
        id,
        partner,
        role,
        message,
        expire_time,
        state,
        until_time: _,
        accept_time,
        end_time,
        reason_code,
        version,
        create_time,
        update_time,
    } = member;
    let beside = pb::EngagementMember {
        name: child_name(&ecosystem, &engagement, &id),
        partner: name(&ecosystem, &partner),
        role,
        state: wire_member_state(state).into(),
        accept_time: accept_time.map(time::wire),
        ..pb::EngagementMember::default()
    };
    if sight == Sight::Beside {
        return beside;
    }
    pb::EngagementMember {
        message: message.unwrap_or_default(),
        expire_time: Some(time::wire(expire_time)),
        end_time: end_time.map(time::wire),
        reason_code: reason_code.unwrap_or_default(),
        invite_time: Some(time::wire(create_time)),
        update_time: Some(time::wire(update_time)),
        etag: Etag::of(version).to_string(),
        ..beside
    }
}

fn wire_member_state(state: engagement_member::State) -> pb::engagement_member::State {
    use engagement_member::State;
    use pb::engagement_member::State as Wire;
    match state {
        State::Invited => Wire::Invited,
        State::Accepted => Wire::Accepted,
        State::Rejected => Wire::Rejected,
        State::Expired => Wire::Expired,
        State::Cancelled => Wire::Cancelled,
        State::Left => Wire::Left,
        State::Removed => Wire::Removed,
    }
}

/// A snapshot on the wire, with what was copied or without it.
#[must_use]
pub fn wire_snapshot(shared: snapshot::Model, open: bool) -> pb::EngagementSnapshot {
    let snapshot::Model {
        ecosystem,
        engagement,
        id,
        member,
        resource,
        revision,
        first_snapshot,
        fields: Chosen(paths),
        content,
        state,
        revoke_time,
        version,
        create_time,
        update_time: _,
    } = shared;
    let content = open.then_some(content).map(|content| match content {
        Content::Deal(deal) => {
            let products = deal
                .products
                .iter()
                .map(|id| name(&ecosystem, id))
                .collect();
            pb::engagement_snapshot::Content::Deal(wire_deal(deal, products))
        }
        Content::Account(account) => {
            pb::engagement_snapshot::Content::Account(wire_account(account))
        }
    });
    let state = match state {
        snapshot::State::Shared => pb::engagement_snapshot::State::Shared,
        snapshot::State::Revoked => pb::engagement_snapshot::State::Revoked,
    };
    pb::EngagementSnapshot {
        name: child_name(&ecosystem, &engagement, &id),
        member: child_name(&ecosystem, &engagement, &member),
        resource,
        revision,
        first_snapshot: child_name(&ecosystem, &engagement, &first_snapshot),
        fields: open.then_some(FieldMask { paths }),
        content,
        state: state.into(),
        share_time: Some(time::wire(create_time)),
        revoke_time: revoke_time.map(time::wire),
        etag: Etag::of(version).to_string(),
    }
}

fn wire_deal(deal: DealContent, products: Vec<String>) -> pb::engagement_snapshot::DealContent {
    let DealContent {
        display_name,
        stage,
        amount_minor,
        currency,
        products: _,
        expected_close_date,
    } = deal;
    let amount = amount_minor.zip(currency);
    let amount = amount.map(|(minor, currency)| money::wire(Money::new(minor, currency)));
    pb::engagement_snapshot::DealContent {
        display_name: display_name.unwrap_or_default(),
        stage: stage.map(wire_stage).unwrap_or_default().into(),
        amount,
        products,
        expected_close_date: expected_close_date.map(date::wire),
    }
}

fn wire_account(account: AccountContent) -> pb::engagement_snapshot::AccountContent {
    let AccountContent {
        display_name,
        region_code,
        domains,
        industry,
        employee_count,
    } = account;
    pb::engagement_snapshot::AccountContent {
        display_name: display_name.unwrap_or_default(),
        region_code: region_code.unwrap_or_default(),
        domains,
        industry: industry.unwrap_or_default(),
        employee_count,
    }
}

pub(super) fn create(request: pb::CreateEngagementRequest, fields: &mut Fields) -> Option<Create> {
    let id = fields.new_id("engagement_id", &request.engagement_id);
    let engagement = request.engagement?;
    let value = not_negative(
        fields,
        "engagement.estimated_value",
        engagement.estimated_value,
    );
    let edit = Edit {
        title: Some(engagement.title),
        customer: engagement.customer.map(customer),
        description: Some(some(engagement.description)),
        expected_roles: Some(engagement.expected_roles),
        estimated_value: Some(value?),
        members_visible: Some(engagement.members_visible),
        external_id: Some(some(engagement.external_id)),
    };
    Some(Create { id: id?, edit })
}

fn customer(customer: pb::engagement::Customer) -> Customer {
    Customer {
        display_name: customer.display_name,
        region_code: some(customer.region_code),
        industry: some(customer.industry),
        size_band: some(customer.size_band),
    }
}

pub(super) fn get(request: pb::GetEngagementRequest, fields: &mut Fields) -> Option<EngagementId> {
    fields.id("name", &request.name)
}

pub(super) fn list(request: pb::ListEngagementsRequest, fields: &mut Fields) -> Option<PageQuery> {
    fields.page(&request, FIELDS)
}

pub(super) fn update(request: pb::UpdateEngagementRequest, fields: &mut Fields) -> Option<Update> {
    let engagement = fields.required("engagement", request.engagement)?;
    let mask = fields.mask("engagement", &engagement, request.update_mask, MUTABLE);
    let id = fields.id("engagement.name", &engagement.name);
    let etag = fields.etag("engagement.etag", &engagement.etag);
    let mask = mask?;
    let estimated_value = mask.read("estimated_value", || {
        not_negative(
            fields,
            "engagement.estimated_value",
            engagement.estimated_value,
        )
    });
    let edit = Edit {
        title: mask.keep("title", Some(engagement.title)),
        customer: mask.keep("customer", engagement.customer.map(customer)),
        description: mask.keep("description", Some(some(engagement.description))),
        expected_roles: mask.keep("expected_roles", Some(engagement.expected_roles)),
        estimated_value: estimated_value?,
        members_visible: mask.keep("members_visible", Some(engagement.members_visible)),
        external_id: mask.keep("external_id", Some(some(engagement.external_id))),
    };
    Some(Update {
        id: id?,
        etag: etag?,
        edit,
        fields: mask.covered().to_vec(),
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

pub(super) fn activate(
    request: pb::ActivateEngagementRequest,
    fields: &mut Fields,
) -> Option<Move> {
    moving(fields, &request.name, &request.etag, request.note)
}

pub(super) fn suspend(request: pb::SuspendEngagementRequest, fields: &mut Fields) -> Option<Move> {
    let on = moving(fields, &request.name, &request.etag, request.note)?;
    Some(Move {
        reason_code: Some(request.reason_code),
        ..on
    })
}

pub(super) fn resume(request: pb::ResumeEngagementRequest, fields: &mut Fields) -> Option<Move> {
    moving(fields, &request.name, &request.etag, request.note)
}

pub(super) fn close(request: pb::CloseEngagementRequest, fields: &mut Fields) -> Option<Move> {
    let on = moving(fields, &request.name, &request.etag, request.note)?;
    Some(Move {
        reason_code: Some(request.reason_code),
        ..on
    })
}

pub(super) fn invite(request: pb::InviteMemberRequest, fields: &mut Fields) -> Option<Invite> {
    let engagement = fields.id("parent", &request.parent);
    let id = fields.new_id("member_id", &request.member_id);
    let member = request.member?;
    let partner = fields.id("member.partner", &member.partner);
    let expire_time = fields.optional_time("member.expire_time", member.expire_time);
    Some(Invite {
        engagement: engagement?,
        id: id?,
        partner: partner?,
        role: member.role,
        message: some(member.message),
        expire_time: expire_time?,
        note: request.note,
    })
}

pub(super) fn get_member(
    request: pb::GetMemberRequest,
    fields: &mut Fields,
) -> Option<members::Key> {
    fields.child("name", &request.name)
}

pub(super) fn list_members(
    request: pb::ListMembersRequest,
    fields: &mut Fields,
) -> Option<members::List> {
    let engagement = fields.id_or_all("parent", &request.parent);
    let query = fields.page(&request, MEMBER_FIELDS);
    Some(members::List {
        engagement: engagement?,
        query: query?,
    })
}

fn moving_member(
    fields: &mut Fields,
    name: &str,
    etag: &str,
    note: String,
) -> Option<members::Move> {
    let key = fields.child("name", name);
    let etag = fields.etag("etag", etag);
    Some(members::Move {
        key: key?,
        etag: etag?,
        reason_code: None,
        note,
    })
}

pub(super) fn accept(
    request: pb::AcceptInvitationRequest,
    fields: &mut Fields,
) -> Option<members::Move> {
    moving_member(fields, &request.name, &request.etag, request.note)
}

pub(super) fn reject(
    request: pb::RejectInvitationRequest,
    fields: &mut Fields,
) -> Option<members::Move> {
    let on = moving_member(fields, &request.name, &request.etag, request.note)?;
    Some(members::Move {
        reason_code: Some(request.reason_code),
        ..on
    })
}

pub(super) fn cancel(
    request: pb::CancelInvitationRequest,
    fields: &mut Fields,
) -> Option<members::Move> {
    moving_member(fields, &request.name, &request.etag, request.note)
}

pub(super) fn leave(
    request: pb::LeaveEngagementRequest,
    fields: &mut Fields,
) -> Option<members::Move> {
    let on = moving_member(fields, &request.name, &request.etag, request.note)?;
    Some(members::Move {
        reason_code: Some(request.reason_code),
        ..on
    })
}

pub(super) fn remove(
    request: pb::RemoveMemberRequest,
    fields: &mut Fields,
) -> Option<members::Move> {
    let on = moving_member(fields, &request.name, &request.etag, request.note)?;
    Some(members::Move {
        reason_code: Some(request.reason_code),
        ..on
    })
}

pub(super) fn share(request: pb::ShareSnapshotRequest, fields: &mut Fields) -> Option<Share> {
    let engagement = fields.id("parent", &request.parent);
    let id = fields.new_id("snapshot_id", &request.snapshot_id);
    let member = fields.child::<EngagementId, EngagementMemberId>("member", &request.member);
    let source = source(&request.resource, fields);
    let chosen = chosen(request.fields?, source.as_ref(), fields);
    let (engagement, (of, member)) = engagement.zip(member)?;
    if of != engagement {
        fields.refuse(
            "member",
            "member.parent",
            "must be a member of the engagement",
        );
        return None;
    }
    Some(Share {
        engagement,
        id: id?,
        member,
        source: source?,
        fields: chosen?,
        note: request.note,
    })
}

fn source(resource: &str, fields: &mut Fields) -> Option<Source> {
    match resource.split('/').nth(2) {
        Some("deals") => fields.id::<DealId>("resource", resource).map(Source::Deal),
        Some("accounts") => fields
            .id::<AccountId>("resource", resource)
            .map(Source::Account),
        _ => {
            fields.refuse(
                "resource",
                "resource_name",
                "must name a deal or an account",
            );
            None
        }
    }
}

/// The fields that are to be shared, each once and in order, so that the same choice is the same.
fn chosen(mask: FieldMask, source: Option<&Source>, fields: &mut Fields) -> Option<Chosen> {
    let known = match source? {
        Source::Deal(_) => DEAL,
        Source::Account(_) => ACCOUNT,
    };
    let mut paths = mask.paths;
    paths.sort_unstable();
    paths.dedup();
    let strange = paths.iter().find(|path| !known.contains(&path.as_str()));
    let wrong = match strange {
        Some(path) => format!("{path} cannot be shared; what can be: {}", known.join(", ")),
        None if paths.is_empty() => format!("name what to share: {}", known.join(", ")),
        None => return Some(Chosen(paths)),
    };
    fields.take("fields", Err(Violation::new("", "field_mask", wrong)))
}

pub(super) fn get_snapshot(
    request: pb::GetSnapshotRequest,
    fields: &mut Fields,
) -> Option<snapshots::Key> {
    fields.child("name", &request.name)
}

pub(super) fn list_snapshots(
    request: pb::ListSnapshotsRequest,
    fields: &mut Fields,
) -> Option<snapshots::List> {
    let engagement = fields.id("parent", &request.parent);
    let query = fields.page(&request, SNAPSHOT_FIELDS);
    Some(snapshots::List {
        engagement: engagement?,
        query: query?,
    })
}

pub(super) fn revoke(request: pb::RevokeSnapshotRequest, fields: &mut Fields) -> Option<Revoke> {
    let key = fields.child("name", &request.name);
    let etag = fields.etag("etag", &request.etag);
    Some(Revoke {
        key: key?,
        etag: etag?,
        note: request.note,
    })
}
