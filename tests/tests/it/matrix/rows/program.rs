//! Programs, tiers and enrolments.

use serde_json::json;

use super::{Kind, Row, create, get, inside, list, moves, row, update};

pub(super) fn rows() -> Vec<Row> {
    let none = json!({});
    let mut rows = vec![
        create(
            "CreateProgram",
            Kind::Ecosystem,
            "program",
            |_| json!({ "display_name": "X", "time_zone": "UTC", "currency_code": "USD" }),
        ),
        moves("PublishProgram", Kind::DraftProgram, none.clone()),
        moves("RetireProgram", Kind::Program, none.clone()),
        row("CreateTier", Kind::Program, |ask| {
            let tier = json!({ "display_name": "X", "rank": 9 });
            json!({ "parent": ask.name, "tier": tier, "validate_only": true })
        }),
        get("GetTier", Kind::Tier),
        update(
            "UpdateTier",
            Kind::Tier,
            "tier",
            ("display_name", json!("X")),
        ),
        moves("DeleteTier", Kind::Tier, none),
        create(
            "CreateEnrollment",
            Kind::Partner,
            "enrollment",
            |ask| json!({ "partner": ask.name, "program": ask.beside("programs/manager") }),
        ),
        update(
            "UpdateEnrollment",
            Kind::Enrollment,
            "enrollment",
            ("lead_capacity", json!(9)),
        ),
        get("GetEnrollment", Kind::Enrollment),
        list("ListEnrollments", Kind::Enrollment),
    ];
    for kind in [Kind::Program, Kind::DraftProgram] {
        rows.push(get("GetProgram", kind));
        rows.push(list("ListPrograms", kind));
        rows.push(update(
            "UpdateProgram",
            kind,
            "program",
            ("display_name", json!("X")),
        ));
        rows.push(inside("ListTiers", kind));
        rows.push(inside("ListProgramRevisions", kind));
    }
    rows
}
