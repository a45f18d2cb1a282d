//! The parts in a deal, why they are believed, and what is disputed about them.

use trellis_api::deal::v1 as pb;
use trellis_api::{Fields, date, name, time};
use trellis_core::{EcosystemId, PartnerId, ProductId, Timestamp};
use trellis_store::deal::deal::{PartnerRole, Role};
use trellis_store::deal::part::{Dispute, DisputeState, Evidence, EvidenceKind};

use super::moves::moving;
use crate::deal::assigning::SetRoles;
use crate::deal::disputes::{Disputed, Resolve};
use crate::deal::moves::Move;
use crate::deal::roles;
use crate::edit::some;

pub(super) fn wire_partner_role(
    ecosystem: &EcosystemId,
    role: PartnerRole,
) -> pb::deal::PartnerRole {
    let PartnerRole {
        partner,
        role,
        products,
        evidence,
    } = role;
    pb::deal::PartnerRole {
        partner: name(ecosystem, &partner),
        role: wire_role(role).into(),
        products: products.iter().map(|id| name(ecosystem, id)).collect(),
        evidence: evidence
            .into_iter()
            .map(|one| wire_evidence(ecosystem, one))
            .collect(),
    }
}

fn wire_evidence(ecosystem: &EcosystemId, evidence: Evidence) -> pb::deal::Evidence {
    let Evidence {
        kind,
        date: day,
        time: _,
        description,
        sha256,
        registration,
        lead,
        actor,
        record_time,
    } = evidence;
    pb::deal::Evidence {
        r#type: wire_kind(kind).into(),
        date: day.map(date::wire),
        description: description.unwrap_or_default(),
        sha256: sha256.unwrap_or_default(),
        registration: registration
            .map(|id| name(ecosystem, &id))
            .unwrap_or_default(),
        lead: lead.map(|id| name(ecosystem, &id)).unwrap_or_default(),
        recorder: actor,
        record_time: Some(time::wire(record_time)),
    }
}

pub(super) fn wire_dispute(ecosystem: &EcosystemId, dispute: Dispute) -> pb::deal::RoleDispute {
    let Dispute {
        number,
        part,
        contests,
        reason_code,
        note,
        actor,
        create_time,
        state,
        resolver,
        resolution_code,
        resolution_note,
        resolve_time,
    } = dispute;
    let state = match state {
        DisputeState::Open => pb::deal::role_dispute::State::Open,
        DisputeState::Upheld => pb::deal::role_dispute::State::Upheld,
        DisputeState::Dismissed => pb::deal::role_dispute::State::Dismissed,
    };
    pb::deal::RoleDispute {
        number,
        role: Some(wire_partner_role(ecosystem, part)),
        contested: contests,
        reason_code,
        note: note.unwrap_or_default(),
        actor,
        create_time: Some(time::wire(create_time)),
        state: state.into(),
        resolver: resolver.unwrap_or_default(),
        resolution_code: resolution_code.unwrap_or_default(),
        resolution_note: resolution_note.unwrap_or_default(),
        resolve_time: resolve_time.map(time::wire),
    }
}

pub(super) fn wire_role(role: Role) -> pb::deal::Role {
    match role {
        Role::Sourced => pb::deal::Role::Sourced,
        Role::Fulfil => pb::deal::Role::Fulfil,
        Role::CoSell => pb::deal::Role::CoSell,
        Role::Influenced => pb::deal::Role::Influenced,
    }
}

fn role(number: i32) -> Option<Role> {
    Some(match pb::deal::Role::try_from(number).ok()? {
        pb::deal::Role::Unspecified => return None,
        pb::deal::Role::Sourced => Role::Sourced,
        pb::deal::Role::Fulfil => Role::Fulfil,
        pb::deal::Role::CoSell => Role::CoSell,
        pb::deal::Role::Influenced => Role::Influenced,
    })
}

pub(super) fn wire_kind(kind: EvidenceKind) -> pb::deal::evidence::Type {
    use pb::deal::evidence::Type;
    match kind {
        EvidenceKind::Registration => Type::Registration,
        EvidenceKind::Lead => Type::Lead,
        EvidenceKind::Introduction => Type::Introduction,
        EvidenceKind::Meeting => Type::Meeting,
        EvidenceKind::ProofOfConcept => Type::ProofOfConcept,
        EvidenceKind::Quote => Type::Quote,
        EvidenceKind::Email => Type::Email,
        EvidenceKind::CustomerLetter => Type::CustomerLetter,
        EvidenceKind::Record => Type::Record,
        EvidenceKind::Other => Type::Other,
    }
}

fn kind(number: i32) -> Option<EvidenceKind> {
    use pb::deal::evidence::Type;
    Some(match Type::try_from(number).ok()? {
        Type::Unspecified => return None,
        Type::Registration => EvidenceKind::Registration,
        Type::Lead => EvidenceKind::Lead,
        Type::Introduction => EvidenceKind::Introduction,
        Type::Meeting => EvidenceKind::Meeting,
        Type::ProofOfConcept => EvidenceKind::ProofOfConcept,
        Type::Quote => EvidenceKind::Quote,
        Type::Email => EvidenceKind::Email,
        Type::CustomerLetter => EvidenceKind::CustomerLetter,
        Type::Record => EvidenceKind::Record,
        Type::Other => EvidenceKind::Other,
    })
}

pub(super) fn partner_roles(
    path: &str,
    given: Vec<pb::deal::PartnerRole>,
    fields: &mut Fields,
) -> Option<Vec<PartnerRole>> {
    let read: Vec<Option<PartnerRole>> = given
        .into_iter()
        .enumerate()
        .map(|(index, given)| partner_role(&format!("{path}[{index}]"), given, fields))
        .collect();
    read.into_iter().collect()
}

fn partner_role(
    path: &str,
    given: pb::deal::PartnerRole,
    fields: &mut Fields,
) -> Option<PartnerRole> {
    let partner = fields.id(&format!("{path}.partner"), &given.partner);
    let products = fields.ids::<ProductId>(&format!("{path}.products"), &given.products);
    let read: Vec<Option<Evidence>> = given
        .evidence
        .into_iter()
        .enumerate()
        .map(|(index, one)| evidence(&format!("{path}.evidence[{index}]"), one, fields))
        .collect();
    let evidence: Option<Vec<Evidence>> = read.into_iter().collect();
    Some(PartnerRole {
        partner: partner?,
        role: role(given.role)?,
        products: products?,
        evidence: evidence?,
    })
}

/// Evidence as a caller gives it. Who recorded it and when is known only where it is recorded.
fn evidence(path: &str, given: pb::deal::Evidence, fields: &mut Fields) -> Option<Evidence> {
    let kind = kind(given.r#type);
    let day = fields.optional_date(&format!("{path}.date"), given.date);
    let claim = fields.optional_id(&format!("{path}.registration"), &given.registration);
    let lead = fields.optional_id(&format!("{path}.lead"), &given.lead);
    let (kind, day, claim, lead) = (kind?, day?, claim?, lead?);
    for (field, of, there) in [
        ("registration", EvidenceKind::Registration, claim.is_some()),
        ("lead", EvidenceKind::Lead, lead.is_some()),
    ] {
        if there != (kind == of) {
            let description = "must be set with the type of that name, and only then";
            fields.refuse(format!("{path}.{field}"), "evidence.type", description);
        }
    }
    Some(Evidence {
        kind,
        date: day,
        time: Timestamp::EPOCH,
        description: some(given.description),
        sha256: some(given.sha256),
        registration: claim,
        lead,
        actor: String::new(),
        record_time: Timestamp::EPOCH,
    })
}

pub(super) fn fitting(
    path: &str,
    sourced: Option<PartnerId>,
    given: Vec<PartnerRole>,
    fields: &mut Fields,
) -> Option<Vec<PartnerRole>> {
    match roles::settle(path, sourced, given) {
        Ok(roles) => Some(roles),
        Err(wrong) => {
            for violation in wrong {
                fields.refuse(violation.field, violation.rule, violation.description);
            }
            None
        }
    }
}

pub(in crate::deal) fn set_roles(
    request: pb::SetDealRolesRequest,
    fields: &mut Fields,
) -> Option<SetRoles> {
    let on = moving(fields, &request.name, &request.etag, request.note);
    let roles = partner_roles("roles", request.roles, fields);
    let roles = fitting("roles", None, roles?, fields);
    Some(SetRoles {
        on: on?,
        roles: roles?,
    })
}

pub(in crate::deal) fn dispute(
    request: pb::DisputeDealRoleRequest,
    fields: &mut Fields,
) -> Option<Disputed> {
    let on = moving(fields, &request.name, &request.etag, request.note);
    let given = fields.required("role", request.role)?;
    let part = partner_role("role", given, fields);
    let part = fitting("role", None, vec![part?], fields)?.pop();
    Some(Disputed {
        on: Move {
            reason_code: Some(request.reason_code),
            ..on?
        },
        part: part?,
    })
}

pub(in crate::deal) fn resolve(
    request: pb::ResolveDealRoleDisputeRequest,
    fields: &mut Fields,
) -> Option<Resolve> {
    use pb::resolve_deal_role_dispute_request::Resolution;
    let on = moving(fields, &request.name, &request.etag, request.note)?;
    Some(Resolve {
        on: Move {
            reason_code: Some(request.reason_code),
            ..on
        },
        number: request.number,
        upheld: match Resolution::try_from(request.resolution).ok()? {
            Resolution::Unspecified => return None,
            Resolution::Uphold => true,
            Resolution::Dismiss => false,
        },
    })
}
