//! Partners.

use serde_json::json;

use super::{Kind, Row, create, get, import, list, moves, row, update};

pub(super) fn rows() -> Vec<Row> {
    let kind = Kind::Partner;
    let (none, reason) = (json!({}), json!({ "reason_code": "OTHER" }));
    let notice = json!({ "reason_code": "OTHER", "terminate_time": "2026-12-31T00:00:00Z" });
    let partner = json!({
        "display_name": "X", "partner_type": "PARTNER_TYPE_RESELLER", "external_id": "x"
    });
    let import_of = partner.clone();
    let mut rows = vec![
        create("CreatePartner", Kind::Ecosystem, "partner", move |_| {
            partner.clone()
        }),
        get("GetPartner", kind),
        list("ListPartners", kind),
        update(
            "UpdatePartner",
            kind,
            "partner",
            ("display_name", json!("X")),
        ),
        row(
            "BatchGetPartners",
            kind,
            |ask| json!({ "parent": ask.parent(), "names": [ask.name] }),
        ),
        import("ImportPartners", "partner", import_of),
    ];
    for (method, more) in [
        ("InvitePartner", &none),
        ("PartnerService.AcceptInvitation", &none),
        ("DeclineInvitation", &none),
        ("ActivatePartner", &none),
        ("SuspendPartner", &reason),
        ("ReinstatePartner", &none),
        ("GiveNotice", &notice),
        ("TerminatePartner", &none),
    ] {
        rows.push(moves(method, kind, more.clone()));
    }
    rows
}
