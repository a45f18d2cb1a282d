//! An ecosystem in which something stands in each state that a refusal needs.

use serde_json::{Value, json};

use super::stage::Stage;
use super::{at, name, with};

/// Who does everything but what takes a second person.
pub(super) const MAKER: &str = "ada@acme.example";
/// The second person.
pub(super) const CHECKER: &str = "grace@acme.example";

/// A fact that was recorded.
pub(super) const REPORTED: &str = "visits-june";

const ACME: &str = "ecosystems/acme";

pub(super) fn usd(units: i64) -> Value {
    json!({ "currency_code": "USD", "units": units })
}

/// What a partner asks for: to be protected in selling a product to a customer.
pub(super) fn claim(partner: &str, account: &str, product: &str) -> Value {
    json!({
        "display_name": "X",
        "partner": name(&format!("partners/{partner}")),
        "program": name("programs/orbit"),
        "account": name(&format!("accounts/{account}")),
        "products": [name(&format!("products/{product}"))],
        "deal_type": "DEAL_TYPE_NEW",
        "estimated_value": usd(100)
    })
}

/// A tenth of each deal of the years 2026 and 2027.
pub(super) fn version() -> Value {
    json!({
        "effective_from_date": { "year": 2026, "month": 1, "day": 1 },
        "effective_until_date": { "year": 2028, "month": 1, "day": 1 },
        "currency_code": "USD",
        "kind": "KIND_COMMISSION",
        "trigger": "TRIGGER_DEAL_WON",
        "measure": { "source": "SOURCE_DEAL_NET", "window": "WINDOW_EVENT" },
        "schedule": { "mode": "MODE_MARGINAL", "bands": [
            { "from_amount": usd(0), "rate": { "value": "0.1" } }
        ] }
    })
}

/// What of the scene has a name that the server made.
pub(super) struct Built {
    /// An award that is approved.
    pub(super) approved: String,
    /// An award that somebody holds.
    pub(super) held: String,
    pub(super) journals: Journals,
    pub(super) keys: Keys,
}

/// Journals.
pub(super) struct Journals {
    /// An accrual.
    pub(super) accrual: String,
    /// An approval whose money is in a batch.
    pub(super) in_payout: String,
    /// An approval that was reversed.
    pub(super) reversed: String,
}

/// API keys.
pub(super) struct Keys {
    pub(super) good: String,
    pub(super) revoked: String,
}

/// Builds the scene. What each part is for stands at the cases.
pub(super) async fn build(stage: &Stage) -> Built {
    for (id, sandbox) in [("acme", true), ("plain", false)] {
        let ecosystem = json!({ "display_name": id, "sandbox": sandbox });
        let request = json!({ "ecosystem_id": id, "ecosystem": ecosystem });
        stage.does("CreateEcosystem", request).await;
    }
    partners(stage).await;
    programs(stage).await;
    catalog(stage).await;
    accounts(stage).await;
    let kept =
        json!({ "account": name("accounts/initech"), "valid_until_time": "2020-01-01T00:00:00Z" });
    let kept = json!({ "parent": ACME, "house_account_id": "kept", "house_account": kept });
    stage.does("CreateHouseAccount", kept).await;
    registrations(stage).await;
    deals(stage).await;
    leads(stage).await;
    engagements(stage).await;
    plans(stage).await;
    reported(stage).await;
    approved(stage).await;
    payouts(stage).await;
    let (journals, approved, held) = journals(stage).await;
    let hold = json!({ "name": held, "reason": "HOLD_REASON_DISPUTE" });
    stage.does("HoldAward", hold).await;
    webhooks(stage).await;
    stage.forget().await;
    let keys = keys(stage).await;
    Built {
        approved,
        held,
        journals,
        keys,
    }
}

/// Two of the vendor's, and of a partner as many as it may have. All but one are disabled, and that one is
/// told of nothing: nothing is sent.
async fn webhooks(stage: &Stage) {
    let of_partner = (0..10).map(|number| (format!("nimbus-{number}"), name("partners/nimbus")));
    let of_vendor = ["off", "on"].map(|id| (id.to_owned(), String::new()));
    for (id, partner) in of_partner.chain(of_vendor) {
        let webhook = json!({
            "url": "http://127.0.0.1:1/", "disabled": id != "on", "partner": partner,
            "filter": "type = \"nothing\""
        });
        create(stage, "CreateWebhook", "webhook", &id, &webhook).await;
    }
}

/// Keys come last: the server looks now and then whether there are some, and asks for them then. Its
/// clock stands still, so that it does not look before the scene is over.
async fn keys(stage: &Stage) -> Keys {
    let value = json!({ "principal": "people:grace", "role": "ROLE_AUDITOR" });
    stage
        .does(
            "CreateRoleGrant",
            json!({ "parent": ACME, "role_grant": value }),
        )
        .await;
    let mut names = Vec::new();
    for display_name in ["good", "revoked"] {
        let request = json!({
            "parent": ACME,
            "api_key": { "display_name": display_name },
            "roles": [{ "role": "ROLE_AUDITOR" }]
        });
        let answer = stage.call("CreateApiKey", MAKER, &request).await;
        let name = answer.unwrap()["apiKey"]["name"]
            .as_str()
            .map(ToOwned::to_owned);
        names.push(name.unwrap());
    }
    let revoked = names.remove(1);
    stage.does("RevokeApiKey", json!({ "name": revoked })).await;
    Keys {
        good: names.remove(0),
        revoked,
    }
}

async fn create(stage: &Stage, method: &str, field: &str, id: &str, value: &Value) {
    let id_field = format!("{field}_id");
    let value = with(json!({ "display_name": id }), value);
    let request = json!({ "parent": ACME, id_field: id, field: value });
    stage.does(method, request).await;
}

/// `prospect` and `invited`, who are on their way; `gone`; the others are at work.
async fn partners(stage: &Stage) {
    for id in [
        "prospect", "invited", "nimbus", "cirrus", "altus", "boreas", "stratus", "gone",
    ] {
        let value = json!({
            "partner_type": "PARTNER_TYPE_RESELLER", "external_id": format!("crm-{id}")
        });
        create(stage, "CreatePartner", "partner", id, &value).await;
    }
    for id in [
        "invited", "nimbus", "cirrus", "altus", "boreas", "stratus", "gone",
    ] {
        let partner = at(&format!("partners/{id}"));
        stage.does("InvitePartner", partner.clone()).await;
        if id != "invited" {
            stage
                .does("PartnerService.AcceptInvitation", partner.clone())
                .await;
            stage.does("ActivatePartner", partner).await;
        }
    }
    let notice = json!({ "reason_code": "OTHER", "terminate_time": "2026-12-31T00:00:00Z" });
    stage
        .does("GiveNotice", with(at("partners/gone"), &notice))
        .await;
    stage.does("TerminatePartner", at("partners/gone")).await;
}

/// `draft` without a tier; `orbit` with two, in which those at work are; `lone` with one; `old`,
/// which is retired; `narrow` and `tight`, in which `altus` and `boreas` may register one account and
/// hold one registration open, which in `tight` is decided about as it was handed in.
async fn programs(stage: &Stage) {
    for (id, tiers, settings) in [
        ("draft", &[][..], json!({})),
        ("orbit", &["silver", "gold"], json!({})),
        ("lone", &["last"], json!({})),
        ("old", &["only"], json!({})),
        ("narrow", &["one"], json!({ "daily_account_budget": 1 })),
        ("tight", &["one"], json!({ "partner_open_limit": 1 })),
    ] {
        let value = json!({
            "time_zone": "UTC", "currency_code": "USD", "deal_registration": settings,
            "registration_clock": { "resubmission_limit": if id == "tight" { 0 } else { 3 } }
        });
        create(stage, "CreateProgram", "program", id, &value).await;
        let program = name(&format!("programs/{id}"));
        for (rank, tier) in (1..).zip(tiers) {
            let request = json!({
                "parent": program, "tier_id": tier, "tier": { "display_name": tier, "rank": rank }
            });
            stage.does("CreateTier", request).await;
        }
        if !tiers.is_empty() {
            stage
                .does("PublishProgram", json!({ "name": program }))
                .await;
        }
    }
    for (partner, program) in [
        ("nimbus", "orbit"),
        ("cirrus", "orbit"),
        ("altus", "orbit"),
        ("boreas", "orbit"),
        ("stratus", "orbit"),
        ("altus", "narrow"),
        ("boreas", "tight"),
    ] {
        let enrolment = json!({
            "program": name(&format!("programs/{program}")),
            "partner": name(&format!("partners/{partner}"))
        });
        let id = format!("{partner}-in-{program}");
        let request = json!({ "parent": ACME, "enrollment_id": id, "enrollment": enrolment });
        stage.does("CreateEnrollment", request).await;
    }
    stage.does("RetireProgram", at("programs/old")).await;
}

async fn catalog(stage: &Stage) {
    for id in ["security", "storage"] {
        let value = json!({ "external_id": format!("crm-{id}") });
        create(stage, "CreateProductFamily", "product_family", id, &value).await;
    }
    for id in ["firewall", "backup"] {
        let value = json!({ "external_id": format!("crm-{id}") });
        create(stage, "CreateProduct", "product", id, &value).await;
    }
    for (id, within) in [("emea", String::new()), ("dach", name("territories/emea"))] {
        let value = json!({ "external_id": format!("crm-{id}"), "parent_territory": within });
        create(stage, "CreateTerritory", "territory", id, &value).await;
    }
}

/// `branch` belongs to `initech` and `twig` to `branch`; `merged` was merged into `globex`; `bait` is a
/// canary; `waiting` waits for an account that nobody knows yet.
async fn accounts(stage: &Stage) {
    for id in ["initech", "globex", "hooli", "umbrella", "shade"] {
        let domains = [format!("{id}.example")];
        let value = json!({ "external_id": format!("crm-{id}"), "domains": domains });
        create(stage, "CreateAccount", "account", id, &value).await;
    }
    let branch = json!({ "parent_account": name("accounts/initech") });
    create(stage, "CreateAccount", "account", "branch", &branch).await;
    let twig = json!({ "parent_account": name("accounts/branch") });
    create(stage, "CreateAccount", "account", "twig", &twig).await;
    let bait = json!({ "canary": true });
    create(stage, "CreateAccount", "account", "bait", &bait).await;
    create(stage, "CreateAccount", "account", "merged", &json!({})).await;
    let merged = json!({
        "name": name("accounts/globex"), "merged_account": name("accounts/merged")
    });
    stage.does("MergeAccounts", merged).await;
    create(
        stage,
        "CreateAccount",
        "account",
        "waiting",
        &json!({ "external_id": "waiting" }),
    )
    .await;
    let row = json!({
        "account": { "display_name": "waiting", "external_id": "waiting" },
        "parent_external_id": "future"
    });
    stage
        .does("ImportAccounts", json!({ "parent": ACME, "rows": [row] }))
        .await;
}

/// `first` stands before `second`; `granted` is approved; `suspended` and `not-enrolled` belong to
/// partners who may not claim business; `again` asks for what `first` has, `waits` for what `granted`
/// has, and `cooling` for what was `rejected`. `kept` and `kept-too` are approved for customers that turn
/// out to be the same. `one` and `same-as-one`
/// are for two customers, until these turn out to be the same. The clock stands still, so they were
/// submitted at the same time, and the order of their ids is that of the line. `spent` and `held` leave
/// no room for `over-budget` and `over-limit`.
async fn registrations(stage: &Stage) {
    for (id, partner, account, product) in [
        ("draft", "nimbus", "initech", "firewall"),
        ("first", "nimbus", "globex", "firewall"),
        ("second", "cirrus", "globex", "firewall"),
        ("again", "nimbus", "globex", "firewall"),
        ("not-enrolled", "prospect", "initech", "firewall"),
        ("suspended", "stratus", "hooli", "firewall"),
        ("granted", "cirrus", "hooli", "backup"),
        ("rejected", "cirrus", "initech", "backup"),
        ("one", "nimbus", "umbrella", "backup"),
        ("same-as-one", "nimbus", "shade", "backup"),
        ("waits", "nimbus", "hooli", "backup"),
        ("cooling", "cirrus", "initech", "backup"),
        ("kept", "cirrus", "umbrella", "firewall"),
        ("kept-too", "nimbus", "shade", "firewall"),
    ] {
        let claim = claim(partner, account, product);
        let request = json!({ "parent": ACME, "registration_id": id, "registration": claim });
        stage.does("CreateRegistration", request).await;
    }
    for (id, partner, program, account) in [
        ("spent", "altus", "narrow", "initech"),
        ("over-budget", "altus", "narrow", "hooli"),
        ("held", "boreas", "tight", "initech"),
        ("over-limit", "boreas", "tight", "hooli"),
    ] {
        let program = json!({ "program": name(&format!("programs/{program}")) });
        let claim = with(claim(partner, account, "firewall"), &program);
        let request = json!({ "parent": ACME, "registration_id": id, "registration": claim });
        stage.does("CreateRegistration", request).await;
    }
    for id in [
        "spent",
        "held",
        "first",
        "second",
        "suspended",
        "granted",
        "rejected",
        "one",
        "same-as-one",
        "waits",
        "kept",
        "kept-too",
    ] {
        stage
            .does("SubmitRegistration", at(&format!("registrations/{id}")))
            .await;
    }
    for id in ["granted", "kept", "kept-too"] {
        stage
            .does("ApproveRegistration", at(&format!("registrations/{id}")))
            .await;
    }
    let reason = json!({ "reason_code": "OTHER" });
    stage
        .does(
            "RejectRegistration",
            with(at("registrations/rejected"), &reason),
        )
        .await;
    stage
        .does("SuspendPartner", with(at("partners/stratus"), &reason))
        .await;
    let shade = json!({
        "name": name("accounts/shade"), "display_name": "umbrella", "domains": ["umbrella.example"]
    });
    stage
        .does(
            "UpdateAccount",
            json!({ "account": shade, "update_mask": "domains,displayName" }),
        )
        .await;
}

/// `open`; `bare`, of which nobody knows what it is worth; `won`, after which things happened.
async fn deals(stage: &Stage) {
    let amount = json!({ "amount": usd(100), "external_id": "crm-open" });
    create(stage, "CreateDeal", "deal", "open", &amount).await;
    create(stage, "CreateDeal", "deal", "bare", &json!({})).await;
    for (id, partner) in [
        ("won", "nimbus"),
        ("won-by-nimbus", "nimbus"),
        ("won-by-cirrus", "cirrus"),
        ("won-by-altus", "altus"),
        ("won-by-boreas", "boreas"),
    ] {
        let role =
            json!({ "partner": name(&format!("partners/{partner}")), "role": "ROLE_SOURCED" });
        let value = json!({ "amount": usd(1_000), "roles": [role] });
        create(stage, "CreateDeal", "deal", id, &value).await;
        stage.does("WinDeal", at(&format!("deals/{id}"))).await;
    }
    for (id, partner) in [("open", "altus"), ("won-by-nimbus", "cirrus")] {
        let role = json!({
            "partner": name(&format!("partners/{partner}")), "role": "ROLE_INFLUENCED"
        });
        let claim = json!({ "role": role, "reason_code": "OTHER" });
        let deal = at(&format!("deals/{id}"));
        stage
            .does("DisputeDealRole", with(deal.clone(), &claim))
            .await;
        if id == "open" {
            let decision =
                json!({ "number": 1, "resolution": "RESOLUTION_DISMISS", "reason_code": "OTHER" });
            stage
                .does("ResolveDealRoleDispute", with(deal, &decision))
                .await;
        }
    }
    proposals(stage).await;
    let won = |more: Value| with(at("deals/won"), &more);
    let invoice = json!({ "external_id": "invoice-1", "amount": usd(1) });
    stage.does("RecordInvoice", won(invoice)).await;
    let refund = json!({ "external_id": "refund-1", "amount": usd(1), "reason_code": "OTHER" });
    stage.does("RecordRefund", won(refund)).await;
    let churn = json!({ "external_id": "churn-1", "reason_code": "OTHER" });
    stage.does("RecordChurn", won(churn)).await;
}

/// What the vendor proposed to nimbus, which may decide about it in `won` and has left `left`. In each
/// the second proposal stands in the place of the first.
async fn proposals(stage: &Stage) {
    let role = json!({
        "partner": name("partners/nimbus"), "role": "ROLE_SOURCED"
    });
    let left = json!({ "amount": usd(5), "roles": [role] });
    create(stage, "CreateDeal", "deal", "left", &left).await;
    let said = |id: &str, step: &str| {
        let deal = json!({ "name": name(&format!("deals/{id}")), "next_step": step });
        json!({ "deal": deal, "update_mask": "nextStep", "source_time": "2020-01-02T00:00:00Z" })
    };
    for (id, step) in [
        ("won", "call"),
        ("won", "write"),
        ("left", "call"),
        ("left", "write"),
    ] {
        stage.does("UpdateDeal", said(id, step)).await;
    }
    stage.does("SetDealRoles", at("deals/left")).await;
}

/// A lead in each of some states; `retired` is to be routed in a program that is.
async fn leads(stage: &Stage) {
    for (id, program, moves) in [
        ("new", "orbit", &[][..]),
        ("retired", "old", &[]),
        ("offered", "orbit", &["RouteLead"]),
        ("held", "orbit", &["RouteLead", "AcceptLead"]),
        ("working", "orbit", &["RouteLead", "AcceptLead", "WorkLead"]),
        (
            "qualified",
            "orbit",
            &["RouteLead", "AcceptLead", "WorkLead", "QualifyLead"],
        ),
        ("spam", "orbit", &["DisqualifyLead"]),
    ] {
        let request = json!({ "parent": ACME, "lead_id": id, "lead": lead(program) });
        stage.does("CreateLead", request).await;
        for method in moves {
            let reason = match *method {
                "DisqualifyLead" => json!({ "reason_code": "OTHER" }),
                _ => json!({}),
            };
            stage
                .does(method, with(at(&format!("leads/{id}")), &reason))
                .await;
        }
    }
}

/// An engagement in each state, with who is invited to it; `active` has a member, with whom something
/// is shared and something no longer.
async fn engagements(stage: &Stage) {
    for (id, moves) in [
        ("draft", &[][..]),
        ("active", &["ActivateEngagement"]),
        ("held", &["ActivateEngagement", "SuspendEngagement"]),
        ("closed", &["ActivateEngagement", "CloseEngagement"]),
    ] {
        let request = json!({ "parent": ACME, "engagement_id": id, "engagement": engagement(id) });
        stage.does("CreateEngagement", request).await;
        let there = format!("engagements/{id}");
        for method in moves {
            let reason = match *method {
                "ActivateEngagement" => json!({}),
                _ => json!({ "reason_code": "OTHER" }),
            };
            stage.does(method, with(at(&there), &reason)).await;
            if *method != "ActivateEngagement" {
                continue;
            }
            for partner in ["nimbus", "cirrus"] {
                stage
                    .does("InviteMember", invitation(&there, partner))
                    .await;
            }
        }
    }
    let member = at("engagements/active/members/nimbus");
    stage
        .does("EngagementService.AcceptInvitation", member)
        .await;
    for (id, fields) in [("revoked", "displayName"), ("shared", "displayName,stage")] {
        stage
            .does("ShareSnapshot", share("active", id, fields))
            .await;
        if id == "revoked" {
            let snapshot = at("engagements/active/snapshots/revoked");
            stage.does("RevokeSnapshot", snapshot).await;
        }
    }
}

pub(super) fn engagement(id: &str) -> Value {
    json!({
        "title": "X", "customer": { "display_name": "X" }, "external_id": format!("crm-{id}")
    })
}

/// Invites a partner under its own id.
pub(super) fn invitation(engagement: &str, partner: &str) -> Value {
    json!({
        "parent": name(engagement), "member_id": partner,
        "member": { "partner": name(&format!("partners/{partner}")), "role": "RESALE" }
    })
}

/// Shares the deal `open` with `nimbus`.
pub(super) fn share(engagement: &str, id: &str, fields: &str) -> Value {
    let engagement = name(&format!("engagements/{engagement}"));
    json!({
        "parent": engagement, "snapshot_id": id, "member": format!("{engagement}/members/nimbus"),
        "resource": name("deals/open"), "fields": fields
    })
}

/// What is known of somebody who may buy.
pub(super) fn lead(program: &str) -> Value {
    json!({
        "program": name(&format!("programs/{program}")),
        "source": "WEB_FORM",
        "company": { "display_name": "X" }
    })
}

/// `commission`, which pays by its first version and has a draft; `unpublished`, whose program is.
async fn plans(stage: &Stage) {
    for (id, program) in [("commission", "orbit"), ("unpublished", "draft")] {
        let value = json!({ "program": name(&format!("programs/{program}")) });
        create(stage, "CreatePlan", "plan", id, &value).await;
        let parent = name(&format!("plans/{id}"));
        for _ in 0..2 {
            let draft = json!({ "parent": parent, "plan_version": version() });
            stage.does("CreatePlanVersion", draft).await;
        }
    }
}

/// A number that was reported.
async fn reported(stage: &Stage) {
    let fact = json!({
        "external_id": REPORTED,
        "kind": "KIND_METRIC_REPORTED",
        "occur_date": { "year": 2026, "month": 6, "day": 1 },
        "quantity": 3,
    });
    let request = json!({ "parent": ACME, "source": "erp", "facts": [fact] });
    stage.does("RecordFacts", request).await;
}

/// Approves what was earned.
async fn approved(stage: &Stage) {
    let scheduled = stage
        .does("SchedulePlanVersion", at("plans/commission/versions/1"))
        .await;
    let listed = stage
        .reads("ListAwards", json!({ "parent": ACME }), &scheduled)
        .await;
    let awards = listed["awards"].as_array().expect("awards were earned");
    let names: Vec<&str> = awards
        .iter()
        .filter_map(|award| award["name"].as_str())
        .collect();
    stage
        .does("ApproveAwards", json!({ "parent": ACME, "names": names }))
        .await;
}

/// What `boreas` was approved is approved twice, so that it is left to be paid. Beside the journals, its
/// award, and one of `nimbus`.
async fn journals(stage: &Stage) -> (Journals, String, String) {
    let of = async |kind: &str, partner: &str| {
        let account = name(&format!("ledgerAccounts/{partner}.usd"));
        let filter = format!("kind = {kind}");
        let list = json!({ "parent": ACME, "filter": filter, "ledger_account": account });
        let (listed, _) = stage.makes("ListJournals", MAKER, list).await;
        let first = &listed["journals"][0];
        let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
        let journal = text(&first["name"]).expect("it was posted");
        (
            journal,
            text(&first["lines"][0]["award"]).expect("it is about an award"),
        )
    };
    let (accrual, _) = of("ACCRUAL", "review.nimbus").await;
    let (in_payout, other) = of("APPROVAL", "payable.nimbus").await;
    let (reversed, award) = of("APPROVAL", "payable.boreas").await;
    let reverse = json!({ "name": reversed, "reason_code": "OTHER" });
    stage.does("ReverseJournal", reverse).await;
    let approve = json!({ "parent": ACME, "names": [award] });
    stage.does("ApproveAwards", approve).await;
    let journals = Journals {
        accrual,
        in_payout,
        reversed,
    };
    (journals, award, other)
}

/// A batch in each of three states, for a partner each; `boreas` is left to be paid.
async fn payouts(stage: &Stage) {
    for (id, partner) in [
        ("approved", "nimbus"),
        ("submitted", "cirrus"),
        ("draft", "altus"),
    ] {
        let batch = json!({
            "currency_code": "USD", "partners": [name(&format!("partners/{partner}"))]
        });
        let request = json!({ "parent": ACME, "batch_id": id, "batch": batch });
        stage.does("CreateBatch", request).await;
        if id != "draft" {
            stage
                .does("SubmitBatch", at(&format!("payoutBatches/{id}")))
                .await;
        }
    }
    stage
        .does_as("ApproveBatch", CHECKER, at("payoutBatches/approved"))
        .await;
}
