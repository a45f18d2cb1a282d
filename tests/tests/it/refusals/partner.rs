//! Partners.

use serde_json::{Value, json};

use super::{Case, case, lists, moves, name, update, updates};

fn create(parent: &str, id: &str) -> Value {
    let partner = json!({ "display_name": "X", "partner_type": "PARTNER_TYPE_RESELLER" });
    json!({ "parent": parent, "partner_id": id, "partner": partner })
}

pub(super) fn cases() -> Vec<Case> {
    let absent = "partners/nobody";
    let none = json!({});
    let reason = json!({ "reason_code": "OTHER" });
    let notice = json!({ "reason_code": "OTHER", "terminate_time": "2026-12-31T00:00:00Z" });
    let gone = json!({ "name": name("partners/gone"), "display_name": "New" });
    let taken = json!({ "name": name("partners/cirrus"), "external_id": "crm-nimbus" });
    let import = json!({
        "parent": "ecosystems/nowhere",
        "rows": [{ "partner": { "external_id": "x", "display_name": "X", "partner_type": 1 } }]
    });
    let several = json!({ "parent": "ecosystems/acme", "names": [name(absent)] });
    let mut cases = vec![
        case(
            "CreatePartner",
            "RESOURCE_NOT_FOUND",
            create("ecosystems/nowhere", "x"),
        ),
        case(
            "CreatePartner",
            "RESOURCE_EXISTS",
            create("ecosystems/acme", "nimbus"),
        ),
        case(
            "GetPartner",
            "RESOURCE_NOT_FOUND",
            json!({ "name": name(absent) }),
        ),
        case(
            "UpdatePartner",
            "NOT_EDITABLE",
            update("partner", gone, "displayName"),
        ),
        case(
            "UpdatePartner",
            "RESOURCE_EXISTS",
            update("partner", taken, "externalId"),
        ),
        case("BatchGetPartners", "RESOURCE_NOT_FOUND", several),
        case("ImportPartners", "RESOURCE_NOT_FOUND", import),
    ];
    cases.extend(updates(
        "UpdatePartner",
        "partner",
        absent,
        "partners/nimbus",
    ));
    cases.extend(lists(&["ListPartners"]));
    for (method, there, elsewhere, more) in [
        (
            "InvitePartner",
            "partners/prospect",
            "partners/nimbus",
            &none,
        ),
        (
            "PartnerService.AcceptInvitation",
            "partners/invited",
            "partners/nimbus",
            &none,
        ),
        (
            "DeclineInvitation",
            "partners/invited",
            "partners/nimbus",
            &none,
        ),
        (
            "ActivatePartner",
            "partners/prospect",
            "partners/nimbus",
            &none,
        ),
        (
            "SuspendPartner",
            "partners/nimbus",
            "partners/prospect",
            &reason,
        ),
        (
            "ReinstatePartner",
            "partners/stratus",
            "partners/nimbus",
            &none,
        ),
        (
            "GiveNotice",
            "partners/nimbus",
            "partners/prospect",
            &notice,
        ),
        (
            "TerminatePartner",
            "partners/nimbus",
            "partners/nimbus",
            &none,
        ),
    ] {
        cases.extend(moves(method, absent, there, elsewhere, more));
    }
    cases
}
