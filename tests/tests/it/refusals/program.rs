//! Programs, tiers and enrolments.

use serde_json::{Value, json};

use super::{Case, at, case, lists, moves, name, update, updates, with};

fn program(parent: &str, id: &str) -> Value {
    let program = json!({ "display_name": "X", "time_zone": "UTC", "currency_code": "USD" });
    json!({ "parent": parent, "program_id": id, "program": program })
}

fn tier(program: &str, id: &str, rank: i32) -> Value {
    let tier = json!({ "display_name": "X", "rank": rank });
    json!({ "parent": name(program), "tier_id": id, "tier": tier })
}

fn enrolment(program: &str, partner: &str) -> Value {
    let enrolment = json!({ "program": name(program), "partner": name(partner) });
    json!({ "parent": "ecosystems/acme", "enrollment": enrolment })
}

pub(super) fn cases() -> Vec<Case> {
    let none = json!({});
    let absent = "programs/none";
    let currency = json!({ "name": name("programs/orbit"), "currency_code": "EUR" });
    let mut cases = vec![
        case(
            "CreateProgram",
            "RESOURCE_NOT_FOUND",
            program("ecosystems/nowhere", "x"),
        ),
        case(
            "CreateProgram",
            "RESOURCE_EXISTS",
            program("ecosystems/acme", "orbit"),
        ),
        case("GetProgram", "RESOURCE_NOT_FOUND", at(absent)),
        case(
            "UpdateProgram",
            "NOT_EDITABLE",
            update("program", currency, "currencyCode"),
        ),
        case("PublishProgram", "PRECONDITION", at("programs/draft")),
        case(
            "ListProgramRevisions",
            "RESOURCE_NOT_FOUND",
            json!({ "parent": name(absent) }),
        ),
    ];
    cases.extend(updates(
        "UpdateProgram",
        "program",
        absent,
        "programs/orbit",
    ));
    cases.extend(moves(
        "PublishProgram",
        absent,
        "programs/draft",
        "programs/orbit",
        &none,
    ));
    cases.extend(moves(
        "RetireProgram",
        absent,
        "programs/orbit",
        "programs/draft",
        &none,
    ));
    cases.extend(tiers());
    cases.extend([
        case(
            "CreateEnrollment",
            "RESOURCE_NOT_FOUND",
            enrolment(absent, "partners/nimbus"),
        ),
        case(
            "CreateEnrollment",
            "RESOURCE_EXISTS",
            enrolment("programs/orbit", "partners/nimbus"),
        ),
        case(
            "CreateEnrollment",
            "PRECONDITION",
            enrolment("programs/orbit", "partners/prospect"),
        ),
        case(
            "GetEnrollment",
            "RESOURCE_NOT_FOUND",
            at("enrollments/none"),
        ),
    ]);
    let there = name("enrollments/nimbus-in-orbit");
    for (reason, enrollment) in [
        (
            "RESOURCE_NOT_FOUND",
            json!({ "name": name("enrollments/none"), "lead_capacity": 1 }),
        ),
        (
            "ETAG_MISMATCH",
            json!({ "name": there, "etag": "\"999\"", "lead_capacity": 1 }),
        ),
    ] {
        let request = update("enrollment", enrollment, "leadCapacity");
        cases.push(case("UpdateEnrollment", reason, request));
    }
    cases.extend(lists(&["ListPrograms", "ListEnrollments"]));
    cases
}

fn tiers() -> Vec<Case> {
    let absent = "programs/orbit/tiers/none";
    let stale = json!({ "etag": "\"999\"" });
    let same_rank = json!({ "name": name("programs/orbit/tiers/silver"), "rank": 2 });
    let retired = json!({ "name": name("programs/old/tiers/only"), "display_name": "New" });
    let gold = "programs/orbit/tiers/gold";
    let mut cases = vec![
        case(
            "CreateTier",
            "RESOURCE_NOT_FOUND",
            tier("programs/none", "x", 9),
        ),
        case(
            "CreateTier",
            "RESOURCE_EXISTS",
            tier("programs/orbit", "silver", 9),
        ),
        case("CreateTier", "PRECONDITION", tier("programs/old", "x", 9)),
        case("GetTier", "RESOURCE_NOT_FOUND", at(absent)),
        case(
            "ListTiers",
            "RESOURCE_NOT_FOUND",
            json!({ "parent": name("programs/none") }),
        ),
        case(
            "UpdateTier",
            "RESOURCE_EXISTS",
            update("tier", same_rank, "rank"),
        ),
        case(
            "UpdateTier",
            "PRECONDITION",
            update("tier", retired, "displayName"),
        ),
        case("DeleteTier", "RESOURCE_NOT_FOUND", at(absent)),
        case("DeleteTier", "ETAG_MISMATCH", with(at(gold), &stale)),
        case(
            "DeleteTier",
            "PRECONDITION",
            at("programs/orbit/tiers/silver"),
        ),
        case("DeleteTier", "PRECONDITION", at("programs/lone/tiers/last")),
        case("DeleteTier", "PRECONDITION", at("programs/old/tiers/only")),
    ];
    cases.extend(updates("UpdateTier", "tier", absent, gold));
    cases
}
