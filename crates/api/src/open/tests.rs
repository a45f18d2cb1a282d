use std::time::Duration;

use tonic_types::StatusExt;
use trellis_core::access::{Grant, Rights};
use trellis_core::{PartnerId, Role};

use super::*;
use crate::partner::v1::{
    AcceptInvitationRequest, ActivatePartnerRequest, CreatePartnerRequest,
    DeclineInvitationRequest, ListPartnersRequest, Partner, UpdatePartnerRequest,
};
use crate::platform::v1::{CreateEcosystemRequest, Ecosystem, ListEcosystemsRequest};

const REQUEST_ID: &str = "7f8c2f6e-3c1a-4c59-9a5e-0d3c1b2a4f60";

fn activate() -> ActivatePartnerRequest {
    ActivatePartnerRequest {
        name: "ecosystems/acme/partners/nimbus".to_owned(),
        etag: "\"7\"".to_owned(),
        ..ActivatePartnerRequest::default()
    }
}

/// A request as a server without identities hands it on.
fn called<R>(message: R) -> Request<R> {
    by(Principal::unidentified(Actor::anonymous()), message)
}

fn by<R>(principal: Principal, message: R) -> Request<R> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(Arc::new(principal));
    request
}

fn parse(request: ActivatePartnerRequest, fields: &mut Fields) -> Option<PartnerId> {
    let id = fields.id("name", &request.name);
    fields.etag("etag", &request.etag)?;
    id
}

fn paths(status: &Status) -> Vec<String> {
    let violations = status.get_details_bad_request().unwrap().field_violations;
    assert!(
        violations
            .iter()
            .all(|violation| !violation.description.is_empty())
    );
    violations
        .into_iter()
        .map(|violation| violation.field)
        .collect()
}

#[test]
fn a_request_opens_to_its_call_and_command() {
    let (call, id) = open(called(activate()), parse).unwrap();
    assert_eq!(id.as_str(), "nimbus");
    assert_eq!(call.ecosystem.as_str(), "acme");
    assert_eq!(call.actor, Actor::anonymous());
    assert_eq!(
        call.method,
        "/trellis.partner.v1.PartnerService/ActivatePartner"
    );
    assert_eq!((call.request_id, call.validate_only), (None, false));
    assert_eq!((call.deadline, call.min_position), (None, None));
}

#[test]
fn metadata_and_extensions_become_part_of_the_call() {
    let mut request = called(ActivatePartnerRequest {
        validate_only: true,
        ..activate()
    });
    request
        .metadata_mut()
        .insert(ACTOR, "ada@acme.example".parse().unwrap());
    request
        .metadata_mut()
        .insert(MIN_POSITION, "1-42-7".parse().unwrap());
    let deadline = Instant::now() + Duration::from_secs(5);
    request.extensions_mut().insert(Deadline(deadline));
    let (call, _) = open(request, parse).unwrap();
    assert_eq!(call.actor.as_str(), "ada@acme.example");
    assert_eq!(call.min_position.unwrap().to_string(), "1-42-7");
    assert_eq!(call.deadline, Some(deadline));
    assert!(call.validate_only);
}

#[test]
fn everything_wrong_is_told_at_once() {
    let mut request = called(CreatePartnerRequest {
        parent: "ecosystems/acme/partners/x".to_owned(),
        partner_id: "Nimbus".to_owned(),
        partner: Some(Partner {
            contact_email: "nobody".to_owned(),
            partner_type: 1,
            ..Partner::default()
        }),
        request_id: "once".to_owned(),
        ..CreatePartnerRequest::default()
    });
    request.metadata_mut().insert(ACTOR, " ".parse().unwrap());
    request
        .metadata_mut()
        .insert(MIN_POSITION, "now".parse().unwrap());
    let refused = open(request, |request, fields| {
        fields.new_id::<PartnerId>("partner_id", &request.partner_id);
        fields.refuse("partner.external_id", "required", "value is required");
        Some(())
    });
    let status = refused.unwrap_err();
    assert_eq!(status.code(), tonic::Code::InvalidArgument);
    assert_eq!(
        status.get_details_error_info().unwrap().reason,
        "INVALID_FIELDS"
    );
    assert_eq!(
        paths(&status),
        [
            "trellis-actor",
            "trellis-min-position",
            "partner_id",
            "request_id",
            "partner.display_name",
            "partner.contact_email",
            "parent",
            "partner.external_id",
        ]
    );
}

#[test]
fn an_address_must_be_there_and_have_the_pattern() {
    let refused = |name: &str| {
        let request = ActivatePartnerRequest {
            name: name.to_owned(),
            ..activate()
        };
        paths(&open(called(request), parse).unwrap_err())
    };
    for bad in [
        "",
        "nimbus",
        "ecosystems/acme",
        "ecosystems/acme/deals/x",
        "ecosystems/A/partners/x",
    ] {
        assert_eq!(refused(bad), ["name"], "{bad}");
    }
    let status = open(
        called(UpdatePartnerRequest::default()),
        |request, fields| fields.required("partner", request.partner).map(|_| ()),
    )
    .unwrap_err();
    assert_eq!(paths(&status), ["partner.name", "partner"]);
}

#[test]
fn an_ecosystem_is_created_in_itself() {
    let request = CreateEcosystemRequest {
        ecosystem_id: "acme".to_owned(),
        ecosystem: Some(Ecosystem {
            display_name: "Acme".to_owned(),
            time_zone: "UTC".to_owned(),
            currency_code: "USD".to_owned(),
            ..Ecosystem::default()
        }),
        ..CreateEcosystemRequest::default()
    };
    let (call, ()) = open(called(request), |_, _| Some(())).unwrap();
    assert_eq!(call.ecosystem.as_str(), "acme");
}

#[test]
fn a_list_of_ecosystems_is_about_none() {
    let request = ListEcosystemsRequest {
        page_size: 7,
        ..ListEcosystemsRequest::default()
    };
    let query = open_unscoped(called(request), |request, fields| {
        fields.page(&request, &[])
    });
    assert_eq!(query.unwrap().1.size, 7);
    let request = ListEcosystemsRequest {
        page_size: -1,
        ..ListEcosystemsRequest::default()
    };
    let query = open_unscoped(called(request), |request, fields| {
        fields.page(&request, &[])
    });
    assert_eq!(paths(&query.unwrap_err()), ["page_size"]);
}

#[test]
fn the_same_request_has_the_same_hash_whatever_its_id() {
    let hash = |request| open(called(request), parse).unwrap().0.request_hash;
    let sent = |request_id: &str, note: &str| ActivatePartnerRequest {
        request_id: request_id.to_owned(),
        note: note.to_owned(),
        ..activate()
    };
    let first = hash(sent(REQUEST_ID, ""));
    assert_eq!(
        first,
        hash(sent("0d3c1b2a-3c1a-4c59-9a5e-7f8c2f6e4f60", ""))
    );
    assert_ne!(first, hash(sent(REQUEST_ID, "changed")));
    assert_eq!(hash(sent("", "")), [0; 32]);
    let (call, _) = open(called(sent(REQUEST_ID, "")), parse).unwrap();
    assert_eq!(call.request_id.unwrap().to_string(), REQUEST_ID);
}

#[test]
fn the_same_fields_for_another_method_have_another_hash() {
    let (name, request_id) = (activate().name, REQUEST_ID.to_owned());
    let accept = AcceptInvitationRequest {
        name: name.clone(),
        request_id: request_id.clone(),
        ..AcceptInvitationRequest::default()
    };
    let decline = DeclineInvitationRequest {
        name,
        request_id,
        ..DeclineInvitationRequest::default()
    };
    let (accepted, ()) = open(called(accept), |_, _| Some(())).unwrap();
    let (declined, ()) = open(called(decline), |_, _| Some(())).unwrap();
    assert_ne!(accepted.request_hash, declined.request_hash);
}

#[test]
fn a_text_that_no_database_keeps_is_refused_by_its_path() {
    let request = CreatePartnerRequest {
        parent: "ecosystems/acme".to_owned(),
        partner: Some(Partner {
            display_name: "Nim\0bus".to_owned(),
            partner_type: 1,
            ..Partner::default()
        }),
        ..CreatePartnerRequest::default()
    };
    let status = open(called(request), |_, _| Some(())).unwrap_err();
    assert_eq!(paths(&status), ["partner.display_name"]);
}

#[test]
fn a_parser_that_neither_reads_nor_refuses_is_a_fault_of_ours() {
    let status = open(called(activate()), |_, _| None::<()>).unwrap_err();
    assert_eq!(status.code(), tonic::Code::Internal);
}

#[test]
fn rules_and_pages_are_checked_for_lists_too() {
    let request = ListPartnersRequest {
        parent: "ecosystems/acme".to_owned(),
        page_size: -1,
        filter: "x = 1".to_owned(),
        ..ListPartnersRequest::default()
    };
    let status = open(called(request), |request, fields| {
        fields.page(&request, &[])
    })
    .unwrap_err();
    assert_eq!(paths(&status), ["page_size", "filter"]);
}

#[test]
fn a_write_answers_its_position() {
    let position = Some(Position {
        epoch: 1,
        xid: 42,
        sequence: 7,
    });
    let response = written(Written { value: 1, position });
    assert_eq!(response.metadata().get(POSITION).unwrap(), "1-42-7");
    assert!(
        written(Written {
            value: 1,
            position: None
        })
        .metadata()
        .get(POSITION)
        .is_none()
    );
}

/// Somebody of acme with one role.
fn with(role: Role, partner: Option<&str>) -> Principal {
    let grant = Grant::new(role, partner.map(|id| PartnerId::try_new(id).unwrap()));
    Principal {
        actor: Actor::try_new("ada@acme.example").unwrap(),
        person: None,
        rights: Rights::Granted(vec![(EcosystemId::try_new("acme").unwrap(), vec![grant])]),
    }
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().unwrap().reason
}

#[test]
fn nobody_is_answered_without_a_principal() {
    let refused = open(Request::new(activate()), parse).unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unauthenticated);
    assert_eq!(reason(&refused), "UNAUTHENTICATED");
}

#[test]
fn who_may_not_is_told_so_before_anything_else() {
    let wrong = ActivatePartnerRequest {
        request_id: "no id".to_owned(),
        ..activate()
    };
    let refused = open(by(with(Role::Auditor, None), wrong), parse).unwrap_err();
    assert_eq!(refused.code(), tonic::Code::PermissionDenied);
    let info = refused.get_details_error_info().unwrap();
    assert_eq!(info.reason, "PERMISSION_DENIED");
    assert_eq!(info.metadata["permission"], "partners.activate");
    let elsewhere = ActivatePartnerRequest {
        name: "ecosystems/globex/partners/nimbus".to_owned(),
        ..activate()
    };
    let refused = open(by(with(Role::EcosystemAdmin, None), elsewhere), parse).unwrap_err();
    assert_eq!(refused.code(), tonic::Code::PermissionDenied);
}

#[test]
fn a_partner_names_no_other_partner() {
    let get = |id: &str| crate::partner::v1::GetPartnerRequest {
        name: format!("ecosystems/acme/partners/{id}"),
    };
    let parse = |request: crate::partner::v1::GetPartnerRequest, fields: &mut Fields| {
        fields.id::<PartnerId>("name", &request.name)
    };
    let nimbus = || with(Role::PartnerAdmin, Some("nimbus"));
    let (call, _) = open(by(nimbus(), get("nimbus")), parse).unwrap();
    assert!(!call.scope.is_staff());
    let refused = open(by(nimbus(), get("cirrus")), parse).unwrap_err();
    assert_eq!(refused.code(), tonic::Code::PermissionDenied);
}

#[test]
fn a_partner_neither_sets_nor_finds_by_what_only_the_staff_see() {
    let nimbus = || with(Role::PartnerAdmin, Some("nimbus"));
    let update = |update_mask: Option<&str>| UpdatePartnerRequest {
        partner: Some(Partner {
            name: "ecosystems/acme/partners/nimbus".to_owned(),
            display_name: "Nimbus".to_owned(),
            external_id: update_mask.map_or("crm-7", |_| "").to_owned(),
            ..Partner::default()
        }),
        update_mask: update_mask.map(|path| prost_types::FieldMask {
            paths: vec![path.to_owned()],
        }),
        ..Default::default()
    };
    let parse = |request: UpdatePartnerRequest, fields: &mut Fields| {
        let partner = fields.required("partner", request.partner)?;
        let mutable = &["display_name", "external_id"];
        fields.mask("partner", &partner, request.update_mask, mutable)
    };
    let refused = open(by(nimbus(), update(None)), parse).unwrap_err();
    assert_eq!(paths(&refused), ["partner.external_id"]);
    let refused = open(by(nimbus(), update(Some("external_id"))), parse).unwrap_err();
    assert_eq!(paths(&refused), ["update_mask"]);
    let (_, mask) = open(by(nimbus(), update(Some("*"))), parse).unwrap();
    assert_eq!(mask.covered(), ["display_name"]);

    const TABLE: &[crate::Field] = &[crate::Field::text("external_id").sortable()];
    let list = |filter: &str, order_by: &str| ListPartnersRequest {
        parent: "ecosystems/acme".to_owned(),
        filter: filter.to_owned(),
        order_by: order_by.to_owned(),
        ..ListPartnersRequest::default()
    };
    let parse = |request: ListPartnersRequest, fields: &mut Fields| fields.page(&request, TABLE);
    for hidden in [list("external_id = \"x\"", ""), list("", "external_id")] {
        assert!(open(by(with(Role::Auditor, None), hidden.clone()), parse).is_ok());
        assert!(open(by(nimbus(), hidden), parse).is_err());
    }
}

#[test]
fn only_a_system_says_for_whom_it_calls() {
    let named = |principal| {
        let mut request = by(principal, activate());
        let actor = "kim@acme.example".parse().unwrap();
        request.metadata_mut().insert(ACTOR, actor);
        request
    };
    let (call, _) = open(named(with(Role::Service, None)), parse).unwrap();
    assert_eq!(call.actor.as_str(), "kim@acme.example");
    let refused = open(named(with(Role::EcosystemAdmin, None)), parse).unwrap_err();
    assert_eq!(paths(&refused), [ACTOR]);
}
