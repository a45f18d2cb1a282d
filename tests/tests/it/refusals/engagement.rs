//! Engagements, their members, and what is shared with them.

use serde_json::{Value, json};

use super::scene::{engagement, invitation, share};
use super::{Case, at, case, moves, name, update, with};

pub(super) fn cases() -> Vec<Case> {
    let absent = "engagements/none";
    let create = |parent: &str, id: &str| json!({ "parent": parent, "engagement_id": id, "engagement": engagement("x") });
    let edit = |id: &str, more: Value| {
        let there = json!({ "name": name(&format!("engagements/{id}")) });
        update("engagement", with(there, &more), "title,externalId")
    };
    let titled = |more: Value| with(json!({ "title": "Y" }), &more);
    let mut cases = vec![
        case(
            "CreateEngagement",
            "RESOURCE_NOT_FOUND",
            create("ecosystems/nowhere", "x"),
        ),
        case(
            "CreateEngagement",
            "RESOURCE_EXISTS",
            create("ecosystems/acme", "active"),
        ),
        case("GetEngagement", "RESOURCE_NOT_FOUND", at(absent)),
        case(
            "UpdateEngagement",
            "RESOURCE_NOT_FOUND",
            edit("none", titled(json!({}))),
        ),
        case(
            "UpdateEngagement",
            "RESOURCE_EXISTS",
            edit("active", titled(json!({ "external_id": "crm-draft" }))),
        ),
        case(
            "UpdateEngagement",
            "ETAG_MISMATCH",
            edit("active", titled(json!({ "etag": "\"999\"" }))),
        ),
        case(
            "UpdateEngagement",
            "NOT_EDITABLE",
            edit("closed", titled(json!({}))),
        ),
    ];
    let (none, reason) = (json!({}), json!({ "reason_code": "OTHER" }));
    for (method, there, elsewhere, more) in [
        ("ActivateEngagement", "draft", "active", &none),
        ("SuspendEngagement", "active", "draft", &reason),
        ("ResumeEngagement", "held", "active", &none),
        ("CloseEngagement", "active", "closed", &reason),
    ] {
        let [there, elsewhere] = [there, elsewhere].map(|id| format!("engagements/{id}"));
        cases.extend(moves(method, absent, &there, &elsewhere, more));
    }
    cases.extend(members());
    cases.extend(snapshots());
    cases
}

fn members() -> Vec<Case> {
    let (none, reason) = (json!({}), json!({ "reason_code": "OTHER" }));
    let absent = "engagements/active/members/none";
    let (accepted, invited) = (
        "engagements/active/members/nimbus",
        "engagements/active/members/cirrus",
    );
    let below_none = json!({ "parent": name("engagements/none") });
    let mut cases = vec![
        case(
            "InviteMember",
            "RESOURCE_NOT_FOUND",
            invitation("engagements/none", "altus"),
        ),
        case(
            "InviteMember",
            "RESOURCE_EXISTS",
            with(
                invitation("engagements/active", "nimbus"),
                &json!({ "member_id": "another" }),
            ),
        ),
        case(
            "InviteMember",
            "PRECONDITION",
            invitation("engagements/draft", "altus"),
        ),
        case("GetMember", "RESOURCE_NOT_FOUND", at(absent)),
        case("ListMembers", "RESOURCE_NOT_FOUND", below_none),
        case(
            "EngagementService.AcceptInvitation",
            "PRECONDITION",
            at("engagements/held/members/nimbus"),
        ),
    ];
    for (method, there, elsewhere, more) in [
        (
            "EngagementService.AcceptInvitation",
            invited,
            accepted,
            &none,
        ),
        ("RejectInvitation", invited, accepted, &reason),
        ("CancelInvitation", invited, accepted, &none),
        ("LeaveEngagement", accepted, invited, &reason),
        ("RemoveMember", accepted, invited, &reason),
    ] {
        cases.extend(moves(method, absent, there, elsewhere, more));
    }
    cases
}

fn snapshots() -> Vec<Case> {
    let absent = "engagements/active/snapshots/none";
    let below_none = json!({ "parent": name("engagements/none") });
    let mut cases = vec![
        case(
            "ShareSnapshot",
            "RESOURCE_NOT_FOUND",
            share("none", "x", "stage"),
        ),
        case(
            "ShareSnapshot",
            "RESOURCE_EXISTS",
            share("active", "shared", "stage"),
        ),
        case("ShareSnapshot", "PRECONDITION", share("held", "x", "stage")),
        case("GetSnapshot", "RESOURCE_NOT_FOUND", at(absent)),
        case("ListSnapshots", "RESOURCE_NOT_FOUND", below_none),
    ];
    let [there, elsewhere] =
        ["shared", "revoked"].map(|id| format!("engagements/active/snapshots/{id}"));
    cases.extend(moves(
        "RevokeSnapshot",
        absent,
        &there,
        &elsewhere,
        &json!({}),
    ));
    cases
}
