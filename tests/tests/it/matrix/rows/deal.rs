//! The catalogue, accounts, registrations and deals.

use serde_json::{Value, json};

use super::{Act, Ask, Kind, Row, create, get, import, inside, list, lists, moves, row, update};
use crate::matrix::scene::usd;

pub(super) fn rows() -> Vec<Row> {
    let mut rows = catalog();
    rows.extend(registrations());
    rows.extend(leads());
    rows.extend(engagements());
    rows.extend(deals());
    rows
}

fn named(value: Value) -> impl Fn(&Ask<'_>) -> Value {
    move |_| value.clone()
}

fn catalog() -> Vec<Row> {
    let named_x = || named(json!({ "display_name": "X" }));
    let x = || ("display_name", json!("X"));
    let imported = || json!({ "display_name": "X", "external_id": "x" });
    let everywhere = Kind::Ecosystem;
    vec![
        create(
            "CreateProductFamily",
            everywhere,
            "product_family",
            named_x(),
        ),
        get("GetProductFamily", Kind::Family),
        list("ListProductFamilies", Kind::Family),
        update("UpdateProductFamily", Kind::Family, "product_family", x()),
        create("CreateProduct", everywhere, "product", named_x()),
        get("GetProduct", Kind::Product),
        list("ListProducts", Kind::Product),
        update("UpdateProduct", Kind::Product, "product", x()),
        import("ImportProducts", "product", imported()),
        create("CreateTerritory", everywhere, "territory", named_x()),
        get("GetTerritory", Kind::Territory),
        list("ListTerritories", Kind::Territory),
        update("UpdateTerritory", Kind::Territory, "territory", x()),
        import("ImportTerritories", "territory", imported()),
        create(
            "CreateHouseAccount",
            everywhere,
            "house_account",
            |ask| json!({ "account": ask.beside("accounts/colleague") }),
        ),
        get("GetHouseAccount", Kind::House),
        list("ListHouseAccounts", Kind::House),
        update(
            "UpdateHouseAccount",
            Kind::House,
            "house_account",
            ("note", json!("X")),
        ),
        moves("DeleteHouseAccount", Kind::House, json!({})),
        create("CreateAccount", everywhere, "account", named_x()),
        get("GetAccount", Kind::Account),
        list("ListAccounts", Kind::Account),
        update("UpdateAccount", Kind::Account, "account", x()),
        import("ImportAccounts", "account", imported()),
        row(
            "MatchAccount",
            Kind::Account,
            |ask| json!({ "parent": ask.parent(), "account": ask.name }),
        ),
        row("MergeAccounts", Kind::Account, |ask| {
            // Another account of the same partner, where there is one.
            let id = ask.name.rsplit_once('/').unwrap().1;
            let merged = ask.beside(&format!("accounts/draft-{id}"));
            json!({ "name": ask.name, "merged_account": merged, "validate_only": true })
        }),
        moves(
            "SplitAccount",
            Kind::Account,
            json!({ "account": { "display_name": "X" } }),
        ),
    ]
}

fn registrations() -> Vec<Row> {
    let (none, reason) = (json!({}), json!({ "reason_code": "OTHER" }));
    let note = || ("note", json!("X"));
    let mut rows = vec![create(
        "CreateRegistration",
        Kind::Partner,
        "registration",
        |ask| {
            // An account of the partner that is named, where that has one.
            let account = match ask.name.rsplit_once('/').unwrap().1 {
                "cirrus" => "accounts/elsewhere",
                _ => "accounts/colleague",
            };
            json!({
                "partner": ask.name,
                "program": ask.beside("programs/colleague"),
                "account": ask.beside(account),
                "products": [ask.beside("products/colleague")],
                "deal_type": "DEAL_TYPE_NEW",
                "estimated_value": usd(100)
            })
        },
    )];
    for kind in [Kind::Draft, Kind::Submitted] {
        rows.push(get("GetRegistration", kind));
        rows.push(list("ListRegistrations", kind));
        rows.push(get("CheckConflict", kind));
        rows.push(get("ExplainDecision", kind));
    }
    rows.extend([
        update("UpdateRegistration", Kind::Draft, "registration", note()),
        moves("SubmitRegistration", Kind::Draft, none.clone()),
        moves("ApproveRegistration", Kind::Submitted, none.clone()),
        moves(
            "RequestRegistrationInfo",
            Kind::Submitted,
            json!({ "note": "X" }),
        ),
        moves("RevokeRegistration", Kind::Approved, reason.clone()),
        moves("ExtendRegistration", Kind::Approved, none.clone()),
        moves(
            "LogActivity",
            Kind::Approved,
            json!({
                "kind": "KIND_MEETING",
                "activity_date": { "year": 2020, "month": 2, "day": 29 }
            }),
        ),
        inside("ListActivities", Kind::Approved),
        row("TransferRegistration", Kind::Approved, |ask| {
            json!({
                "name": ask.name, "partner": ask.beside("partners/cirrus"),
                "reason_code": "OTHER", "validate_only": true
            })
        }),
        moves("RejectRegistration", Kind::Submitted, reason),
        moves("WithdrawRegistration", Kind::Submitted, none.clone()),
        moves("ConvertRegistration", Kind::Approved, none),
    ]);
    rows
}

fn leads() -> Vec<Row> {
    let (none, reason) = (json!({}), json!({ "reason_code": "OTHER" }));
    let mut rows = vec![create("CreateLead", Kind::Ecosystem, "lead", |ask| {
        json!({
            "program": ask.beside("programs/leads-nimbus"),
            "source": "WEB_FORM",
            "company": { "display_name": "X" }
        })
    })];
    for kind in [Kind::NewLead, Kind::OfferedLead, Kind::HeldLead] {
        rows.push(get("GetLead", kind));
        rows.push(list("ListLeads", kind));
        rows.push(inside("ListLeadRoutings", kind));
    }
    rows.extend([
        moves("RouteLead", Kind::NewLead, none.clone()),
        row("MarkLeadDuplicate", Kind::NewLead, |ask| {
            let of = ask.beside("leads/held-colleague");
            json!({ "name": ask.name, "duplicate_of": of, "validate_only": true })
        }),
        moves("AcceptLead", Kind::OfferedLead, none.clone()),
        moves("DeclineLead", Kind::OfferedLead, reason.clone()),
        moves("WorkLead", Kind::HeldLead, none.clone()),
        moves("QualifyLead", Kind::HeldLead, none.clone()),
        moves("DisqualifyLead", Kind::HeldLead, reason.clone()),
        moves("ReturnLead", Kind::HeldLead, reason),
        moves("ConvertLead", Kind::QualifiedLead, none),
    ]);
    rows
}

fn engagements() -> Vec<Row> {
    let (none, reason) = (json!({}), json!({ "reason_code": "OTHER" }));
    let mut rows = vec![create(
        "CreateEngagement",
        Kind::Ecosystem,
        "engagement",
        named(json!({ "title": "X", "customer": { "display_name": "X" } })),
    )];
    for kind in [Kind::DraftEngagement, Kind::Engagement] {
        rows.push(get("GetEngagement", kind));
        rows.push(list("ListEngagements", kind));
        rows.push(inside("ListMembers", kind));
        rows.push(inside("ListSnapshots", kind));
    }
    let title = ("title", json!("X"));
    rows.extend([
        update("UpdateEngagement", Kind::Engagement, "engagement", title),
        moves("ActivateEngagement", Kind::DraftEngagement, none.clone()),
        moves("SuspendEngagement", Kind::Engagement, reason.clone()),
        moves("ResumeEngagement", Kind::Engagement, none.clone()),
        moves("CloseEngagement", Kind::Engagement, reason.clone()),
        row("InviteMember", Kind::Engagement, |ask| {
            let member =
                json!({ "partner": ask.beside("partners/payee-colleague"), "role": "RESALE" });
            json!({ "parent": ask.name, "member": member, "validate_only": true })
        }),
        row("ShareSnapshot", Kind::Engagement, |ask| {
            json!({
                "parent": ask.name, "member": format!("{}/members/one", ask.name),
                "resource": ask.beside("deals/open-colleague"), "fields": "displayName,stage",
                "validate_only": true
            })
        }),
        get("GetMember", Kind::Invitation),
        get("GetMember", Kind::Member),
        Row {
            act: Act::Lists("name"),
            ..row(
                "ListMembers",
                Kind::Invitation,
                |ask| json!({ "parent": ask.beside("engagements/-") }),
            )
        },
        moves(
            "EngagementService.AcceptInvitation",
            Kind::Invitation,
            none.clone(),
        ),
        moves("RejectInvitation", Kind::Invitation, reason.clone()),
        moves("CancelInvitation", Kind::Invitation, none.clone()),
        moves("LeaveEngagement", Kind::Member, reason.clone()),
        moves("RemoveMember", Kind::Member, reason),
        get("GetSnapshot", Kind::Snapshot),
        moves("RevokeSnapshot", Kind::Snapshot, none),
    ]);
    rows
}

/// What the staff proposed first for a field of the partner's.
fn proposal(method: &'static str) -> Row {
    let name = |ask: &Ask<'_>| format!("{}/proposals/1", ask.name);
    row(
        method,
        Kind::OpenDeal,
        move |ask| json!({ "name": name(ask) }),
    )
}

/// A decision about what they proposed since.
fn decision(method: &'static str) -> Row {
    let name = |ask: &Ask<'_>| format!("{}/proposals/2", ask.name);
    row(
        method,
        Kind::OpenDeal,
        move |ask| json!({ "name": name(ask), "validate_only": true }),
    )
}

fn deals() -> Vec<Row> {
    let (none, reason) = (json!({}), json!({ "reason_code": "OTHER" }));
    let money = |more: Value| {
        let mut record = json!({ "external_id": "x", "amount": usd(1) });
        record
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        record
    };
    let pipeline = json!({ "group_by": "GROUPING_PARTNER" });
    let onward = json!({ "stage": "STAGE_COMMITTED" });
    let year = json!({
        "start_date": { "year": 2020, "month": 1, "day": 1 },
        "end_date": { "year": 2040, "month": 1, "day": 1 },
        "model": "ATTRIBUTION_MODEL_ROLE_WEIGHTED"
    });
    vec![
        create(
            "CreateDeal",
            Kind::Partner,
            "deal",
            |ask| json!({ "display_name": "X", "partner": ask.name, "amount": usd(1) }),
        ),
        get("GetDeal", Kind::OpenDeal),
        list("ListDeals", Kind::OpenDeal),
        lists("GetPipeline", Kind::Partner, "partner", pipeline),
        row("LookupDeal", Kind::OpenDeal, |ask| {
            let id = ask.name.rsplit_once('/').unwrap().1;
            json!({ "parent": ask.parent(), "system": "erp", "external_id": id })
        }),
        update(
            "UpdateDeal",
            Kind::OpenDeal,
            "deal",
            ("next_step", json!("X")),
        ),
        proposal("GetDealProposal"),
        inside("ListDealProposals", Kind::OpenDeal),
        decision("AcceptDealProposal"),
        decision("RejectDealProposal"),
        moves("AdvanceDeal", Kind::OpenDeal, onward),
        moves("WinDeal", Kind::OpenDeal, none.clone()),
        moves("LoseDeal", Kind::OpenDeal, reason.clone()),
        moves("SetDealRoles", Kind::OpenDeal, none),
        row("DisputeDealRole", Kind::OpenDeal, |ask| {
            let role = json!({
                "partner": ask.beside("partners/nimbus"), "role": "ROLE_INFLUENCED"
            });
            json!({
                "name": ask.name, "role": role, "reason_code": "OTHER", "validate_only": true
            })
        }),
        moves(
            "ResolveDealRoleDispute",
            Kind::WonDeal,
            json!({ "number": 1, "resolution": "RESOLUTION_DISMISS", "reason_code": "OTHER" }),
        ),
        inside("ListStageChanges", Kind::OpenDeal),
        inside("ListRoleChanges", Kind::OpenDeal),
        get("GetAttribution", Kind::WonDeal),
        lists("ReportAttribution", Kind::Partner, "partner", year),
        moves("ReopenDeal", Kind::WonDeal, reason.clone()),
        moves("RecordInvoice", Kind::WonDeal, money(json!({}))),
        moves("RecordRefund", Kind::WonDeal, money(reason)),
        moves(
            "RecordChurn",
            Kind::WonDeal,
            json!({ "external_id": "x", "reason_code": "OTHER" }),
        ),
        import(
            "ImportDeals",
            "deal",
            json!({ "display_name": "X", "external_id": "x" }),
        ),
    ]
}
