//! Between the wire and the rows.

use std::time::Duration;

use trellis_api::options::v1::Role as WireRole;
use trellis_api::platform::v1 as pb;
use trellis_api::{Etag, Field, Fields, money, name, time};
use trellis_core::access::{Extent, Grant};
use trellis_core::{
    Actor, ApiKeyId, EcosystemId, PageQuery, PartnerId, Role, RoleGrantId, Timestamp,
};
use trellis_store::platform::{api_key, role_grant};

use super::explain::Question;
use super::grants;
use super::keys::{self, Create, On};
use super::thing::Thing;

/// What lists of keys filter and order by.
pub(super) const KEY_FIELDS: &[Field] = &[
    Field::text("display_name").sortable(),
    Field::text("person"),
    Field::id::<PartnerId>("partner"),
    Field::time("create_time").sortable(),
    Field::time("update_time").sortable(),
];

/// What lists of grants filter and order by.
pub(super) const GRANT_FIELDS: &[Field] = &[
    Field::text("principal").sortable(),
    Field::id::<PartnerId>("partner"),
    Field::time("create_time").sortable(),
];

/// A key on the wire; `now` is the deployment's time.
pub(super) fn wire_key(key: api_key::Model, now: Timestamp) -> pb::ApiKey {
    let state = wire_state(&key, now);
    let api_key::Model {
        ecosystem,
        id,
        display_name,
        person,
        partner,
        secret_prefix,
        secret_hash: _,
        previous_hash: _,
        previous_expire_time,
        expire_time,
        last_use_time,
        revoke_time,
        creator,
        version,
        create_time,
        update_time,
    } = key;
    let previous = previous_expire_time.filter(|end| now < *end);
    pb::ApiKey {
        name: name(&ecosystem, &id),
        display_name,
        person: person.map(String::from).unwrap_or_default(),
        partner: partner.map(|id| name(&ecosystem, &id)).unwrap_or_default(),
        expire_time: expire_time.map(time::wire),
        state: state.into(),
        principal: keys::principal(&id).to_string(),
        secret_prefix,
        previous_secret_expire_time: previous.map(time::wire),
        last_use_time: last_use_time.map(time::wire),
        revoke_time: revoke_time.map(time::wire),
        create_time: Some(time::wire(create_time)),
        update_time: Some(time::wire(update_time)),
        creator: creator.into(),
        etag: Etag::of(version).to_string(),
    }
}

fn wire_state(key: &api_key::Model, now: Timestamp) -> pb::api_key::State {
    if key.revoke_time.is_some() {
        pb::api_key::State::Revoked
    } else if keys::is_active(key, now) {
        pb::api_key::State::Active
    } else {
        pb::api_key::State::Expired
    }
}

/// A grant on the wire.
///
/// # Errors
/// The row names a role that does not exist.
pub(super) fn wire_grant(row: role_grant::Model) -> Result<pb::RoleGrant, trellis_store::Error> {
    let Grant {
        role,
        partner,
        approval_limit,
    } = row.grant()?;
    Ok(pb::RoleGrant {
        name: name(&row.ecosystem, &row.id),
        principal: row.principal.to_string(),
        role: wire_role(role).into(),
        partner: partner
            .map(|id| name(&row.ecosystem, &id))
            .unwrap_or_default(),
        approval_limit: approval_limit.map(money::wire),
        create_time: Some(time::wire(row.create_time)),
        creator: row.creator.to_string(),
    })
}

/// A role that somebody has, on the wire.
pub(super) fn wire_held(ecosystem: &EcosystemId, grant: &Grant) -> pb::HeldRole {
    let partner = grant.partner.as_ref();
    pb::HeldRole {
        role: wire_role(grant.role).into(),
        partner: partner.map(|id| name(ecosystem, id)).unwrap_or_default(),
        approval_limit: grant.approval_limit.map(money::wire),
    }
}

fn wire_role(role: Role) -> WireRole {
    match role {
        Role::EcosystemAdmin => WireRole::EcosystemAdmin,
        Role::ChannelManager => WireRole::ChannelManager,
        Role::FinanceApprover => WireRole::FinanceApprover,
        Role::PartnerAdmin => WireRole::PartnerAdmin,
        Role::PartnerRep => WireRole::PartnerRep,
        Role::Service => WireRole::Service,
        Role::Auditor => WireRole::Auditor,
    }
}

fn role(fields: &mut Fields, field: &str, wire: WireRole) -> Option<Role> {
    Some(match wire {
        WireRole::EcosystemAdmin => Role::EcosystemAdmin,
        WireRole::ChannelManager => Role::ChannelManager,
        WireRole::FinanceApprover => Role::FinanceApprover,
        WireRole::PartnerAdmin => Role::PartnerAdmin,
        WireRole::PartnerRep => Role::PartnerRep,
        WireRole::Service => Role::Service,
        WireRole::Auditor => Role::Auditor,
        WireRole::Unspecified => {
            fields.refuse(field, "required", "value is required");
            return None;
        }
    })
}

/// A role and the partner that it is for, which must fit.
fn fitting(
    fields: &mut Fields,
    field: &str,
    role: Option<Role>,
    partner: Option<&PartnerId>,
) -> Option<Role> {
    let role = role?;
    match keys::fits(role, partner) {
        Ok(()) => Some(role),
        Err(description) => {
            fields.refuse(field, "role.partner", description);
            None
        }
    }
}

fn actor(fields: &mut Fields, field: &str, text: &str) -> Option<Option<Actor>> {
    if text.is_empty() {
        return Some(None);
    }
    match Actor::try_new(text) {
        Ok(actor) => Some(Some(actor)),
        Err(wrong) => {
            fields.refuse(field, "actor", wrong.to_string());
            None
        }
    }
}

pub(super) fn create_key(request: pb::CreateApiKeyRequest, fields: &mut Fields) -> Option<Create> {
    let key = request.api_key?;
    let person = actor(fields, "api_key.person", &key.person);
    let partner = fields.optional_id::<PartnerId>("api_key.partner", &key.partner);
    let expire_time = fields.optional_time("api_key.expire_time", key.expire_time);
    let of = partner.clone().flatten();
    let mut roles = Vec::with_capacity(request.roles.len());
    for (at, initial) in request.roles.into_iter().enumerate() {
        let field = format!("roles[{at}].role");
        let wanted = role(fields, &field, initial.role());
        let wanted = fitting(fields, &field, wanted, of.as_ref());
        let limit = format!("roles[{at}].approval_limit");
        let limit = fields.optional_money(&limit, initial.approval_limit);
        if let Some((wanted, limit)) = wanted.zip(limit) {
            if roles.iter().any(|known: &Grant| known.role == wanted) {
                fields.refuse(field, "unique", "is named twice");
            }
            roles.push(Grant {
                role: wanted,
                partner: of.clone(),
                approval_limit: limit,
            });
        }
    }
    Some(Create {
        display_name: key.display_name,
        person: person?,
        partner: partner?,
        expire_time: expire_time?,
        roles,
    })
}

pub(super) fn get_key(request: pb::GetApiKeyRequest, fields: &mut Fields) -> Option<ApiKeyId> {
    fields.id("name", &request.name)
}

pub(super) fn list_keys(request: pb::ListApiKeysRequest, fields: &mut Fields) -> Option<PageQuery> {
    fields.page(&request, KEY_FIELDS)
}

pub(super) fn revoke_key(request: pb::RevokeApiKeyRequest, fields: &mut Fields) -> Option<On> {
    let id = fields.id("name", &request.name);
    let etag = fields.etag("etag", &request.etag);
    Some(On {
        id: id?,
        etag: etag?,
        overlap: Duration::ZERO,
    })
}

pub(super) fn rotate_key(request: pb::RotateApiKeyRequest, fields: &mut Fields) -> Option<On> {
    let id = fields.id("name", &request.name);
    let etag = fields.etag("etag", &request.etag);
    let overlap = fields.optional_duration("overlap", request.overlap);
    Some(On {
        id: id?,
        etag: etag?,
        overlap: overlap?.unwrap_or_default(),
    })
}

pub(super) fn create_grant(
    request: pb::CreateRoleGrantRequest,
    fields: &mut Fields,
) -> Option<grants::Create> {
    let grant = request.role_grant?;
    let principal = actor(fields, "role_grant.principal", &grant.principal);
    let key = match grant.principal.strip_prefix("apiKeys/") {
        Some(id) => fields.new_id::<ApiKeyId>("role_grant.principal", id),
        None => Some(None),
    };
    let partner = fields.optional_id::<PartnerId>("role_grant.partner", &grant.partner);
    let wanted = role(fields, "role_grant.role", grant.role());
    let of = partner.clone().flatten();
    let wanted = fitting(fields, "role_grant.role", wanted, of.as_ref());
    let limit = fields.optional_money("role_grant.approval_limit", grant.approval_limit);
    Some(grants::Create {
        principal: principal??,
        key: key?,
        grant: Grant {
            role: wanted?,
            partner: partner?,
            approval_limit: limit?,
        },
    })
}

pub(super) fn list_grants(
    request: pb::ListRoleGrantsRequest,
    fields: &mut Fields,
) -> Option<PageQuery> {
    fields.page(&request, GRANT_FIELDS)
}

pub(super) fn delete_grant(
    request: pb::DeleteRoleGrantRequest,
    fields: &mut Fields,
) -> Option<RoleGrantId> {
    fields.id("name", &request.name)
}

pub(super) fn who_am_i(_: pb::WhoAmIRequest, _: &mut Fields) -> Option<()> {
    Some(())
}

pub(super) fn check(request: pb::CheckAccessRequest, fields: &mut Fields) -> Option<Question> {
    let path = format!("/{}", request.method.trim_start_matches('/'));
    let method = trellis_api::METHODS.iter().find(|known| known.path == path);
    if method.is_none() {
        fields.refuse(
            "method",
            "method",
            "there is no such method; write it as package.Service/Method",
        );
    }
    let principal = actor(fields, "principal", &request.principal);
    let thing = if request.resource.is_empty() {
        Some(None)
    } else {
        Thing::read(fields, "resource", &request.resource).map(Some)
    };
    Some(Question {
        method: method?,
        principal: principal?,
        thing: thing?,
    })
}

/// How far a role reaches, on the wire.
pub(super) fn wire_extent(extent: Option<Extent>) -> pb::check_access_response::Extent {
    match extent {
        None => pb::check_access_response::Extent::Nothing,
        Some(Extent::Own) => pb::check_access_response::Extent::Own,
        Some(Extent::Organization) => pb::check_access_response::Extent::Organization,
        Some(Extent::Managed) => pb::check_access_response::Extent::Managed,
        Some(Extent::Ecosystem) => pb::check_access_response::Extent::Ecosystem,
    }
}
