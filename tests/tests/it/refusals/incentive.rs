//! Plans, awards, the ledger and payouts.

use serde_json::{Value, json};

use super::scene::{CHECKER, Journals, version};
use super::{Case, at, case, lists, moves, name, update, updates, with};

pub(super) fn cases(approved: &str, held: &str, journals: &Journals) -> Vec<Case> {
    let mut cases = lists(&[
        "ListPlans",
        "ListAwards",
        "ListFacts",
        "ListQuotas",
        "ListExchangeRates",
        "ReplayAwards",
        "ListLedgerAccounts",
        "ListJournals",
        "ListLedgerPeriods",
        "GetTrialBalance",
        "VerifyLedger",
        "ExportJournals",
        "ListBatches",
    ]);
    cases.extend(plans());
    cases.extend(versions());
    cases.extend(awards(approved, held));
    cases.extend(facts());
    cases.extend(ledger());
    cases.extend(reversals(journals));
    cases.extend(payouts());
    cases
}

fn plans() -> Vec<Case> {
    let plan = |program: &str, id: &str| {
        let plan = json!({ "display_name": "X", "program": name(program) });
        json!({ "parent": "ecosystems/acme", "plan_id": id, "plan": plan })
    };
    let mut cases = vec![
        case(
            "CreatePlan",
            "RESOURCE_NOT_FOUND",
            plan("programs/none", "x"),
        ),
        case(
            "CreatePlan",
            "RESOURCE_EXISTS",
            plan("programs/orbit", "commission"),
        ),
        case("GetPlan", "RESOURCE_NOT_FOUND", at("plans/none")),
    ];
    cases.extend(updates(
        "UpdatePlan",
        "plan",
        "plans/none",
        "plans/commission",
    ));
    cases
}

fn versions() -> Vec<Case> {
    let parent = json!({ "parent": name("plans/none") });
    let draft = with(parent.clone(), &json!({ "plan_version": version() }));
    let edit = |rest: &str, etag: &str| {
        let value = json!({ "name": name(rest), "etag": etag, "hold_days": 1 });
        update("plan_version", value, "holdDays")
    };
    let absent = "plans/commission/versions/99";
    let (active, second) = ("plans/commission/versions/1", "plans/commission/versions/2");
    let day = json!({ "retire_date": { "year": 2026, "month": 6, "day": 1 } });
    let late = json!({ "retire_date": { "year": 2028, "month": 1, "day": 1 } });
    let days = json!({
        "parent": "ecosystems/acme",
        "start_date": { "year": 2026, "month": 1, "day": 1 },
        "end_date": { "year": 2027, "month": 1, "day": 1 },
    });
    let nothing = with(days.clone(), &json!({ "plan_versions": [name(absent)] }));
    let named = json!({ "name": name(absent), "kind": "KIND_FUND_ACCRUAL" });
    let fund = with(
        days,
        &json!({ "given_versions": [with(version(), &named)] }),
    );
    let mut cases = vec![
        case("BacktestPlan", "RESOURCE_NOT_FOUND", nothing),
        case("BacktestPlan", "PRECONDITION", fund),
        case("CreatePlanVersion", "RESOURCE_NOT_FOUND", draft),
        case("GetPlanVersion", "RESOURCE_NOT_FOUND", at(absent)),
        case("ListPlanVersions", "RESOURCE_NOT_FOUND", parent),
        case("UpdatePlanVersion", "RESOURCE_NOT_FOUND", edit(absent, "")),
        case(
            "UpdatePlanVersion",
            "ETAG_MISMATCH",
            edit(second, "\"999\""),
        ),
        case("UpdatePlanVersion", "NOT_EDITABLE", edit(active, "")),
        case("SchedulePlanVersion", "VERSION_OVERLAP", at(second)),
        case(
            "SchedulePlanVersion",
            "PRECONDITION",
            at("plans/unpublished/versions/1"),
        ),
        case("RetirePlanVersion", "PRECONDITION", with(at(active), &late)),
        case("LintPlanVersion", "RESOURCE_NOT_FOUND", at(absent)),
        case("DescribePlan", "RESOURCE_NOT_FOUND", at("plans/none")),
    ];
    cases.extend(moves(
        "SchedulePlanVersion",
        absent,
        second,
        active,
        &json!({}),
    ));
    cases.extend(moves("RetirePlanVersion", absent, active, second, &day));
    cases
}

fn awards(approved: &str, held: &str) -> Vec<Case> {
    let approve = |award: &str| json!({ "parent": "ecosystems/acme", "names": [award] });
    let why = json!({ "reason_code": "NOT_ELIGIBLE" });
    let looked_at = json!({ "reason": "HOLD_REASON_REVIEW" });
    let stale = json!({ "etag": "\"999\"" });
    let less = json!({
        "amount": { "currency_code": "USD", "units": -1_000_000 },
        "reason_code": "GOODWILL", "note": "Letter of March 2."
    });
    let named = json!({ "name": approved });
    let there = with(named.clone(), &why);
    vec![
        case("GetAward", "RESOURCE_NOT_FOUND", at("awards/none")),
        case("ExplainAward", "RESOURCE_NOT_FOUND", at("awards/none")),
        case(
            "SimulateAwards",
            "RESOURCE_NOT_FOUND",
            json!({
                "parent": "ecosystems/acme",
                "plan_versions": [name("plans/commission/versions/99")]
            }),
        ),
        case(
            "ApproveAwards",
            "RESOURCE_NOT_FOUND",
            approve(&name("awards/none")),
        ),
        case("ApproveAwards", "NOTHING_TO_APPROVE", approve(approved)),
        case(
            "AdjustAward",
            "RESOURCE_NOT_FOUND",
            with(at("awards/none"), &less),
        ),
        case(
            "AdjustAward",
            "ETAG_MISMATCH",
            with(with(there.clone(), &less), &stale),
        ),
        case(
            "AdjustAward",
            "AMOUNT_NOT_AVAILABLE",
            with(there.clone(), &less),
        ),
        case(
            "HoldAward",
            "RESOURCE_NOT_FOUND",
            with(at("awards/none"), &looked_at),
        ),
        case(
            "HoldAward",
            "ETAG_MISMATCH",
            with(with(named.clone(), &looked_at), &stale),
        ),
        case(
            "HoldAward",
            "AWARD_ON_HOLD",
            with(json!({ "name": held }), &looked_at),
        ),
        case("ReleaseAward", "RESOURCE_NOT_FOUND", at("awards/none")),
        case(
            "ReleaseAward",
            "ETAG_MISMATCH",
            with(json!({ "name": held }), &stale),
        ),
        case("ReleaseAward", "AWARD_NOT_ON_HOLD", named),
        case("ApproveAwards", "AWARD_ON_HOLD", approve(held)),
        case(
            "RejectAward",
            "RESOURCE_NOT_FOUND",
            with(at("awards/none"), &why),
        ),
        case(
            "RejectAward",
            "ETAG_MISMATCH",
            with(there.clone(), &json!({ "etag": "\"999\"" })),
        ),
        case("RejectAward", "AMOUNT_NOT_AVAILABLE", there),
    ]
}

fn facts() -> Vec<Case> {
    let record = |id: &str, rest: Value| {
        let fact = json!({
            "external_id": id,
            "kind": "KIND_METRIC_REPORTED",
            "occur_date": { "year": 2026, "month": 6, "day": 1 },
        });
        let facts = json!([with(fact, &rest)]);
        json!({ "parent": "ecosystems/acme", "source": "erp", "facts": facts })
    };
    let nobody = json!({ "partner": name("partners/nobody") });
    vec![
        case(
            "RecordFacts",
            "RESOURCE_NOT_FOUND",
            record("visits", nobody),
        ),
        case(
            "RecordFacts",
            "FACT_RECORDED_OTHERWISE",
            record(super::scene::REPORTED, json!({ "quantity": 4 })),
        ),
    ]
}

fn ledger() -> Vec<Case> {
    let account = "ledgerAccounts/payable.nobody.usd";
    let statement = json!({
        "parent": name("partners/nobody"),
        "start_date": { "year": 2026, "month": 1, "day": 1 },
        "end_date": { "year": 2026, "month": 2, "day": 1 }
    });
    vec![
        case("GetLedgerAccount", "RESOURCE_NOT_FOUND", at(account)),
        case("GetBalanceAsOf", "RESOURCE_NOT_FOUND", at(account)),
        case("GetStatement", "RESOURCE_NOT_FOUND", statement),
        case(
            "GetLedgerPeriod",
            "RESOURCE_NOT_FOUND",
            at("ledgerPeriods/1999-01"),
        ),
        case(
            "CloseLedgerPeriod",
            "RESOURCE_NOT_FOUND",
            at("ledgerPeriods/1999-01"),
        ),
        case(
            "CloseLedgerPeriod",
            "PERIOD_NOT_OVER",
            at("ledgerPeriods/2026-03"),
        ),
    ]
}

fn reversals(journals: &Journals) -> Vec<Case> {
    let none = name("journals/none");
    [
        (&none, "RESOURCE_NOT_FOUND"),
        (&journals.accrual, "JOURNAL_NOT_REVERSIBLE"),
        (&journals.reversed, "JOURNAL_ALREADY_REVERSED"),
        (&journals.in_payout, "BALANCE_TOO_LOW"),
    ]
    .into_iter()
    .map(|(journal, reason)| {
        let request = json!({ "name": journal, "reason_code": "OTHER" });
        case("ReverseJournal", reason, request)
    })
    .collect()
}

fn payouts() -> Vec<Case> {
    let batch = |id: &str, partner: &str| {
        let batch = json!({ "currency_code": "USD", "partners": [name(partner)] });
        json!({ "parent": "ecosystems/acme", "batch_id": id, "batch": batch })
    };
    let below = || json!({ "parent": name("payoutBatches/none") });
    let absent = "payoutBatches/none";
    let (approved, submitted, draft) = (
        "payoutBatches/approved",
        "payoutBatches/submitted",
        "payoutBatches/draft",
    );
    let none: Value = json!({});
    let mut cases = vec![
        case(
            "CreateBatch",
            "RESOURCE_NOT_FOUND",
            batch("x", "partners/nobody"),
        ),
        case(
            "CreateBatch",
            "RESOURCE_EXISTS",
            batch("draft", "partners/boreas"),
        ),
        case(
            "CreateBatch",
            "NOTHING_PAYABLE",
            batch("x", "partners/stratus"),
        ),
        case("GetBatch", "RESOURCE_NOT_FOUND", at(absent)),
        case("ListItems", "RESOURCE_NOT_FOUND", below()),
        case("ListLines", "RESOURCE_NOT_FOUND", below()),
        case("ApproveBatch", "FOUR_EYES", at(submitted)),
    ];
    let why = json!({ "reason_code": "AC04" });
    for method in ["FailItem", "ReturnItem"] {
        let item = |of: &str| format!("{of}/items/boreas");
        let (absent, there, elsewhere) = (item(absent), item(approved), item(draft));
        let moves = moves(method, &absent, &there, &elsewhere, &why);
        cases.extend(moves.map(|case| Case {
            actor: CHECKER,
            ..case
        }));
    }
    for (method, there, elsewhere) in [
        ("SubmitBatch", draft, approved),
        ("ApproveBatch", submitted, draft),
        ("CancelBatch", draft, approved),
        ("SendBatch", approved, draft),
        ("SettleItems", approved, draft),
    ] {
        let moves = moves(method, absent, there, elsewhere, &none);
        cases.extend(moves.map(|case| Case {
            actor: CHECKER,
            ..case
        }));
    }
    cases
}
