//! The catalogue, accounts, registrations and deals.

use serde_json::{Value, json};

use super::{Case, at, case, lists, moves, name, update, updates, with};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = lists(&[
        "ListProductFamilies",
        "ListProducts",
        "ListTerritories",
        "ListHouseAccounts",
        "ListAccounts",
        "ListRegistrations",
        "ListLeads",
        "ListEngagements",
        "ListDeals",
    ]);
    let pipeline = json!({ "parent": "ecosystems/nowhere", "group_by": "GROUPING_STAGE" });
    cases.push(case("GetPipeline", "RESOURCE_NOT_FOUND", pipeline));
    cases.extend(catalog());
    cases.extend(accounts());
    cases.extend(imports());
    cases.extend(registrations());
    cases.extend(leads());
    cases.extend(super::engagement::cases());
    cases.extend(closing());
    cases.extend(deals());
    cases.extend(records());
    cases.extend(disputes());
    cases.extend(proposals());
    cases
}

/// Parts that are disputed. One of `won-by-nimbus` is already, and of `open` one was decided about.
fn disputes() -> Vec<Case> {
    let claims = |partner: &str| {
        let role = json!({
            "partner": name(&format!("partners/{partner}")), "role": "ROLE_INFLUENCED"
        });
        json!({ "role": role, "reason_code": "OTHER" })
    };
    let paid = json!({
        "role": { "partner": name("partners/nimbus"), "role": "ROLE_CO_SELL" },
        "reason_code": "OTHER"
    });
    let decides = |number: i32| json!({ "number": number, "resolution": "RESOLUTION_UPHOLD", "reason_code": "OTHER" });
    let stale = json!({ "etag": "\"999\"" });
    let (open, won) = ("deals/open", "deals/won-by-nimbus");
    let (dispute, resolve) = ("DisputeDealRole", "ResolveDealRoleDispute");
    let period = json!({
        "parent": "ecosystems/nowhere",
        "start_date": { "year": 2026, "month": 1, "day": 1 },
        "end_date": { "year": 2027, "month": 1, "day": 1 },
        "model": "ATTRIBUTION_MODEL_FIRST"
    });
    vec![
        case(dispute, "INVALID_FIELDS", with(at(open), &paid)),
        case(
            dispute,
            "RESOURCE_NOT_FOUND",
            with(at("deals/none"), &claims("nimbus")),
        ),
        case(
            dispute,
            "RESOURCE_NOT_FOUND",
            with(at(open), &claims("nobody")),
        ),
        case(
            dispute,
            "ETAG_MISMATCH",
            with(with(at(open), &claims("nimbus")), &stale),
        ),
        case(dispute, "PRECONDITION", with(at(won), &claims("cirrus"))),
        case(
            resolve,
            "RESOURCE_NOT_FOUND",
            with(at("deals/none"), &decides(1)),
        ),
        case(resolve, "RESOURCE_NOT_FOUND", with(at(open), &decides(7))),
        case(
            resolve,
            "ETAG_MISMATCH",
            with(with(at(won), &decides(1)), &stale),
        ),
        case(resolve, "PRECONDITION", with(at(open), &decides(1))),
        case(
            "ListStageChanges",
            "RESOURCE_NOT_FOUND",
            json!({ "parent": name("deals/none") }),
        ),
        case(
            "ListRoleChanges",
            "RESOURCE_NOT_FOUND",
            json!({ "parent": name("deals/none") }),
        ),
        case("GetAttribution", "RESOURCE_NOT_FOUND", at("deals/none")),
        case("ReportAttribution", "RESOURCE_NOT_FOUND", period),
    ]
}

/// What is proposed. Of what the vendor proposed in `won` its partner decides; in `left` nobody is left
/// who would, and so the vendor does.
fn proposals() -> Vec<Case> {
    let late = json!({
        "deal": { "name": name("deals/won"), "next_step": "late" },
        "update_mask": "nextStep", "source_time": "2020-01-01T00:00:00Z"
    });
    let stale = json!({ "etag": "\"999\"" });
    let nowhere = json!({ "parent": "ecosystems/acme", "system": "erp", "external_id": "none" });
    let mut cases = vec![
        case("LookupDeal", "RESOURCE_NOT_FOUND", nowhere),
        case("UpdateDeal", "LATE_WRITE", late),
        case(
            "GetDealProposal",
            "RESOURCE_NOT_FOUND",
            at("deals/won/proposals/7"),
        ),
        case(
            "ListDealProposals",
            "RESOURCE_NOT_FOUND",
            json!({ "parent": name("deals/none") }),
        ),
    ];
    let (open, ended) = ("deals/won/proposals/2", "deals/left/proposals/1");
    for method in ["AcceptDealProposal", "RejectDealProposal"] {
        cases.extend([
            case(method, "RESOURCE_NOT_FOUND", at("deals/none/proposals/1")),
            case(method, "RESOURCE_NOT_FOUND", at("deals/won/proposals/7")),
            case(method, "PRECONDITION", at(open)),
            case(method, "ETAG_MISMATCH", with(at(open), &stale)),
            case(method, "ILLEGAL_TRANSITION", at(ended)),
        ]);
    }
    cases
}

/// A request to create something that says no more than it must.
fn create(parent: &str, field: &str, id: &str, value: Value) -> Value {
    let id_field = format!("{field}_id");
    json!({ "parent": parent, id_field: id, field: with(json!({ "display_name": "X" }), &value) })
}

fn catalog() -> Vec<Case> {
    let (acme, nowhere) = ("ecosystems/acme", "ecosystems/nowhere");
    let taken =
        |rest: &str, external_id: &str| json!({ "name": name(rest), "external_id": external_id });
    let within =
        json!({ "name": name("territories/emea"), "parent_territory": name("territories/dach") });
    let mut cases = vec![
        case(
            "GetProductFamily",
            "RESOURCE_NOT_FOUND",
            at("productFamilies/none"),
        ),
        case("GetProduct", "RESOURCE_NOT_FOUND", at("products/none")),
        case("GetTerritory", "RESOURCE_NOT_FOUND", at("territories/none")),
        case(
            "UpdateProductFamily",
            "RESOURCE_EXISTS",
            update(
                "product_family",
                taken("productFamilies/storage", "crm-security"),
                "externalId",
            ),
        ),
        case(
            "UpdateProduct",
            "RESOURCE_EXISTS",
            update(
                "product",
                taken("products/backup", "crm-firewall"),
                "externalId",
            ),
        ),
        case(
            "UpdateTerritory",
            "RESOURCE_EXISTS",
            update(
                "territory",
                taken("territories/dach", "crm-emea"),
                "externalId",
            ),
        ),
        case(
            "UpdateTerritory",
            "CYCLE",
            update("territory", within, "parentTerritory"),
        ),
    ];
    for (method, field, id) in [
        ("CreateProductFamily", "product_family", "security"),
        ("CreateProduct", "product", "firewall"),
        ("CreateTerritory", "territory", "emea"),
    ] {
        let none = json!({});
        cases.push(case(
            method,
            "RESOURCE_NOT_FOUND",
            create(nowhere, field, "x", none.clone()),
        ));
        cases.push(case(
            method,
            "RESOURCE_EXISTS",
            create(acme, field, id, none),
        ));
    }
    cases.extend(updates(
        "UpdateProductFamily",
        "product_family",
        "productFamilies/none",
        "productFamilies/security",
    ));
    cases.extend(updates(
        "UpdateProduct",
        "product",
        "products/none",
        "products/backup",
    ));
    cases.extend(updates(
        "UpdateTerritory",
        "territory",
        "territories/none",
        "territories/emea",
    ));
    cases.extend(house_accounts());
    cases
}

fn house_accounts() -> Vec<Case> {
    let stale = json!({ "etag": "\"999\"" });
    let house = |id: &str, account: &str| {
        let house = json!({ "account": name(account) });
        json!({ "parent": "ecosystems/acme", "house_account_id": id, "house_account": house })
    };
    let (none, kept) = ("houseAccounts/none", "houseAccounts/kept");
    let mut cases = vec![
        case("GetHouseAccount", "RESOURCE_NOT_FOUND", at(none)),
        case(
            "CreateHouseAccount",
            "RESOURCE_NOT_FOUND",
            house("x", "accounts/none"),
        ),
        case(
            "CreateHouseAccount",
            "RESOURCE_EXISTS",
            house("kept", "accounts/initech"),
        ),
        case("DeleteHouseAccount", "RESOURCE_NOT_FOUND", at(none)),
        case(
            "DeleteHouseAccount",
            "ETAG_MISMATCH",
            with(at(kept), &stale),
        ),
    ];
    for (of, etag, reason) in [
        (none, "", "RESOURCE_NOT_FOUND"),
        (kept, "\"999\"", "ETAG_MISMATCH"),
    ] {
        let value = json!({ "name": name(of), "etag": etag, "note": "New" });
        let request = update("house_account", value, "note");
        cases.push(case("UpdateHouseAccount", reason, request));
    }
    cases
}

fn accounts() -> Vec<Case> {
    let acme = "ecosystems/acme";
    let below = json!({ "parent_account": name("accounts/none") });
    let awaited = json!({ "external_id": "future", "parent_account": name("accounts/waiting") });
    let taken = json!({ "name": name("accounts/globex"), "external_id": "crm-initech" });
    let circle =
        json!({ "name": name("accounts/initech"), "parent_account": name("accounts/branch") });
    let mut cases = vec![
        case(
            "CreateAccount",
            "RESOURCE_NOT_FOUND",
            create(acme, "account", "x", below),
        ),
        case(
            "CreateAccount",
            "RESOURCE_EXISTS",
            create(acme, "account", "initech", json!({})),
        ),
        case(
            "CreateAccount",
            "CYCLE",
            create(acme, "account", "future", awaited),
        ),
        case("GetAccount", "RESOURCE_NOT_FOUND", at("accounts/none")),
        case(
            "UpdateAccount",
            "RESOURCE_EXISTS",
            update("account", taken, "externalId"),
        ),
        case(
            "UpdateAccount",
            "CYCLE",
            update("account", circle, "parentAccount"),
        ),
    ];
    let renamed = json!({ "name": name("accounts/merged"), "display_name": "Y" });
    cases.push(case(
        "UpdateAccount",
        "NOT_EDITABLE",
        update("account", renamed, "displayName"),
    ));
    cases.extend(identity());
    cases.extend(updates(
        "UpdateAccount",
        "account",
        "accounts/none",
        "accounts/initech",
    ));
    cases
}

/// Matching, merging and splitting. `merged` was merged into `globex`; `bait` is a canary.
fn identity() -> Vec<Case> {
    let whose = |id: &str| json!({ "parent": "ecosystems/acme", "account": name(id) });
    let merge =
        |into: &str, merged: &str| json!({ "name": name(into), "merged_account": name(merged) });
    let (globex, initech, none) = ("accounts/globex", "accounts/initech", "accounts/none");
    let stale = json!({ "etag": "\"77\"" });
    let new = |more: Value| with(json!({ "account": { "display_name": "X" } }), &more);
    let taken = json!({ "account_id": "initech" });
    let case = |method, reason, request| case(method, reason, request);
    vec![
        case(
            "MatchAccount",
            "INVALID_FIELDS",
            json!({ "parent": "ecosystems/acme" }),
        ),
        case("MatchAccount", "RESOURCE_NOT_FOUND", whose(none)),
        case("MergeAccounts", "INVALID_FIELDS", merge(globex, globex)),
        case("MergeAccounts", "RESOURCE_NOT_FOUND", merge(globex, none)),
        case(
            "MergeAccounts",
            "ETAG_MISMATCH",
            with(merge(globex, initech), &stale),
        ),
        case(
            "MergeAccounts",
            "ILLEGAL_TRANSITION",
            merge(initech, "accounts/merged"),
        ),
        case(
            "MergeAccounts",
            "PRECONDITION",
            merge(initech, "accounts/bait"),
        ),
        case("MergeAccounts", "CYCLE", merge("accounts/twig", initech)),
        case("SplitAccount", "INVALID_FIELDS", at(globex)),
        case(
            "SplitAccount",
            "RESOURCE_NOT_FOUND",
            with(at(none), &new(json!({}))),
        ),
        case(
            "SplitAccount",
            "RESOURCE_EXISTS",
            with(at(globex), &new(taken)),
        ),
        case(
            "SplitAccount",
            "ETAG_MISMATCH",
            with(at(globex), &new(stale.clone())),
        ),
        case("SplitAccount", "ILLEGAL_TRANSITION", merge(globex, initech)),
        case(
            "SplitAccount",
            "PRECONDITION",
            merge(initech, "accounts/merged"),
        ),
    ]
}

fn imports() -> Vec<Case> {
    [
        ("ImportProducts", "product"),
        ("ImportTerritories", "territory"),
        ("ImportAccounts", "account"),
        ("ImportDeals", "deal"),
    ]
    .map(|(method, field)| {
        let row = json!({ field: { "display_name": "X", "external_id": "x" } });
        let request = json!({ "parent": "ecosystems/nowhere", "rows": [row] });
        case(method, "RESOURCE_NOT_FOUND", request)
    })
    .into()
}

fn registrations() -> Vec<Case> {
    let absent = "registrations/none";
    let claim = |partner: &str, id: &str| {
        let claim = super::scene::claim(partner, "initech", "firewall");
        json!({ "parent": "ecosystems/acme", "registration_id": id, "registration": claim })
    };
    let (none, reason) = (json!({}), json!({ "reason_code": "OTHER" }));
    let note = json!({ "note": "Whom did you meet?" });
    let to = |partner: &str| {
        let partner = name(&format!("partners/{partner}"));
        json!({ "partner": partner, "reason_code": "OTHER" })
    };
    let to_altus = to("altus");
    let activity = json!({
        "kind": "KIND_MEETING", "activity_date": { "year": 2020, "month": 2, "day": 29 }
    });
    let rejected = json!({ "name": name("registrations/rejected"), "note": "New" });
    let mut cases = vec![
        case(
            "CreateRegistration",
            "RESOURCE_NOT_FOUND",
            claim("nobody", "x"),
        ),
        case(
            "CreateRegistration",
            "RESOURCE_EXISTS",
            claim("nimbus", "draft"),
        ),
        case("GetRegistration", "RESOURCE_NOT_FOUND", at(absent)),
        case("ExplainDecision", "RESOURCE_NOT_FOUND", at(absent)),
        case("CheckConflict", "RESOURCE_NOT_FOUND", at(absent)),
        case(
            "UpdateRegistration",
            "NOT_EDITABLE",
            update("registration", rejected, "note"),
        ),
        case(
            "SubmitRegistration",
            "PRECONDITION",
            at("registrations/not-enrolled"),
        ),
        case(
            "SubmitRegistration",
            "SELF_DUPLICATE",
            at("registrations/again"),
        ),
        case(
            "SubmitRegistration",
            "COOL_OFF",
            at("registrations/cooling"),
        ),
        case(
            "SubmitRegistration",
            "SUBMISSION_BUDGET",
            at("registrations/over-budget"),
        ),
        case(
            "SubmitRegistration",
            "OPEN_REGISTRATIONS",
            at("registrations/over-limit"),
        ),
        case(
            "ExtendRegistration",
            "PRECONDITION",
            at("registrations/granted"),
        ),
        case(
            "ListActivities",
            "RESOURCE_NOT_FOUND",
            json!({ "parent": name(absent) }),
        ),
        case(
            "LogActivity",
            "RESOURCE_NOT_FOUND",
            with(at(absent), &activity),
        ),
        case(
            "LogActivity",
            "ILLEGAL_TRANSITION",
            with(at("registrations/rejected"), &activity),
        ),
        case(
            "TransferRegistration",
            "PRECONDITION",
            with(at("registrations/granted"), &to("stratus")),
        ),
        case(
            "TransferRegistration",
            "SELF_DUPLICATE",
            with(at("registrations/granted"), &to("nimbus")),
        ),
        case(
            "TransferRegistration",
            "REGISTRATION_CONFLICT",
            with(at("registrations/kept"), &to("altus")),
        ),
        case(
            "RequestRegistrationInfo",
            "PRECONDITION",
            with(at("registrations/held"), &note),
        ),
        case(
            "ApproveRegistration",
            "PRECONDITION",
            at("registrations/suspended"),
        ),
        case(
            "ApproveRegistration",
            "REGISTRATION_CONFLICT",
            at("registrations/second"),
        ),
        case(
            "ApproveRegistration",
            "SELF_DUPLICATE",
            at("registrations/same-as-one"),
        ),
    ];
    cases.extend(updates(
        "UpdateRegistration",
        "registration",
        absent,
        "registrations/draft",
    ));
    let over = "registrations/rejected";
    for (method, there, more) in [
        ("SubmitRegistration", "registrations/draft", &none),
        ("ApproveRegistration", "registrations/first", &none),
        ("RejectRegistration", "registrations/first", &reason),
        ("RequestRegistrationInfo", "registrations/first", &note),
        ("RevokeRegistration", "registrations/granted", &reason),
        ("ExtendRegistration", "registrations/granted", &none),
        ("TransferRegistration", "registrations/granted", &to_altus),
        ("WithdrawRegistration", "registrations/draft", &none),
        ("ConvertRegistration", "registrations/granted", &none),
    ] {
        cases.extend(moves(method, absent, there, over, more));
    }
    let taken = with(at("registrations/granted"), &json!({ "deal_id": "open" }));
    cases.push(case("ConvertRegistration", "RESOURCE_EXISTS", taken));
    cases
}

fn leads() -> Vec<Case> {
    let absent = "leads/none";
    let lead = |program: &str, id: &str| {
        let lead = super::scene::lead(program);
        json!({ "parent": "ecosystems/acme", "lead_id": id, "lead": lead })
    };
    let (none, reason) = (json!({}), json!({ "reason_code": "OTHER" }));
    let as_offered = json!({ "duplicate_of": name("leads/offered") });
    let as_spam = json!({ "duplicate_of": name("leads/spam") });
    let taken = json!({ "deal_id": "open" });
    let mut cases = vec![
        case("CreateLead", "RESOURCE_NOT_FOUND", lead("none", "x")),
        case("CreateLead", "RESOURCE_EXISTS", lead("orbit", "new")),
        case("GetLead", "RESOURCE_NOT_FOUND", at(absent)),
        case(
            "ListLeadRoutings",
            "RESOURCE_NOT_FOUND",
            json!({ "parent": name(absent) }),
        ),
        case("RouteLead", "PRECONDITION", at("leads/retired")),
        case(
            "MarkLeadDuplicate",
            "PRECONDITION",
            with(at("leads/new"), &as_spam),
        ),
        case(
            "ConvertLead",
            "RESOURCE_EXISTS",
            with(at("leads/qualified"), &taken),
        ),
    ];
    for (method, there, more) in [
        ("RouteLead", "leads/new", &none),
        ("AcceptLead", "leads/offered", &none),
        ("DeclineLead", "leads/offered", &reason),
        ("WorkLead", "leads/held", &none),
        ("QualifyLead", "leads/working", &none),
        ("DisqualifyLead", "leads/held", &reason),
        ("ReturnLead", "leads/held", &reason),
        ("ConvertLead", "leads/qualified", &none),
        ("MarkLeadDuplicate", "leads/new", &as_offered),
    ] {
        cases.extend(moves(method, absent, there, "leads/spam", more));
    }
    cases
}

fn deals() -> Vec<Case> {
    let acme = "ecosystems/acme";
    let absent = "deals/none";
    let unknown = json!({ "account": name("accounts/none") });
    let taken = json!({ "name": name("deals/bare"), "external_id": "crm-open" });
    let won = json!({ "name": name("deals/won"), "amount": super::scene::usd(1) });
    let roles = json!({ "roles": [{ "partner": name("partners/nimbus"), "role": "ROLE_FULFIL" }] });
    let stale = json!({ "etag": "\"999\"" });
    let mut cases = vec![
        case(
            "CreateDeal",
            "RESOURCE_NOT_FOUND",
            create(acme, "deal", "x", unknown),
        ),
        case(
            "CreateDeal",
            "RESOURCE_EXISTS",
            create(acme, "deal", "open", json!({})),
        ),
        case("GetDeal", "RESOURCE_NOT_FOUND", at(absent)),
        case(
            "UpdateDeal",
            "RESOURCE_EXISTS",
            update("deal", taken, "externalId"),
        ),
        case("UpdateDeal", "NOT_EDITABLE", update("deal", won, "amount")),
        case(
            "SetDealRoles",
            "RESOURCE_NOT_FOUND",
            with(at(absent), &roles),
        ),
        case(
            "SetDealRoles",
            "ETAG_MISMATCH",
            with(with(at("deals/open"), &roles), &stale),
        ),
        case(
            "SetDealRoles",
            "NOT_EDITABLE",
            with(at("deals/won"), &roles),
        ),
    ];
    cases.extend(updates("UpdateDeal", "deal", absent, "deals/open"));
    cases
}

fn closing() -> Vec<Case> {
    let absent = "deals/none";
    let (none, reason) = (json!({}), json!({ "reason_code": "OTHER" }));
    let onward = json!({ "stage": "STAGE_COMMITTED" });
    let mut cases = Vec::new();
    cases.extend(moves(
        "AdvanceDeal",
        absent,
        "deals/open",
        "deals/won",
        &onward,
    ));
    cases.extend(moves("WinDeal", absent, "deals/open", "deals/won", &none));
    cases.extend(moves(
        "LoseDeal",
        absent,
        "deals/open",
        "deals/won",
        &reason,
    ));
    cases.extend(moves(
        "ReopenDeal",
        absent,
        "deals/won",
        "deals/open",
        &reason,
    ));
    cases.push(case("WinDeal", "PRECONDITION", at("deals/bare")));
    cases
}

/// What was recorded after a win. The same external id with another content is another record.
fn records() -> Vec<Case> {
    let absent = "deals/none";
    let money =
        |id: &str, units: i64| json!({ "external_id": id, "amount": super::scene::usd(units) });
    let refund = |id: &str, units: i64| with(money(id, units), &json!({ "reason_code": "OTHER" }));
    let churn = |id: &str, reason: &str| json!({ "external_id": id, "reason_code": reason });
    let won = |more: Value| with(at("deals/won"), &more);
    let mut cases = vec![
        case(
            "RecordInvoice",
            "RESOURCE_EXISTS",
            won(money("invoice-1", 2)),
        ),
        case(
            "RecordRefund",
            "RESOURCE_EXISTS",
            won(refund("refund-1", 2)),
        ),
        case(
            "RecordRefund",
            "REFUND_EXCEEDS_DEAL",
            won(refund("refund-2", 1_000_000)),
        ),
        case(
            "RecordChurn",
            "RESOURCE_EXISTS",
            won(churn("churn-1", "ANOTHER")),
        ),
        case(
            "RecordChurn",
            "PRECONDITION",
            won(churn("churn-2", "OTHER")),
        ),
    ];
    for (method, more) in [
        ("RecordInvoice", money("new", 1)),
        ("RecordRefund", refund("new", 1)),
        ("RecordChurn", churn("new", "OTHER")),
    ] {
        cases.extend(moves(method, absent, "deals/won", "deals/open", &more));
    }
    cases
}
