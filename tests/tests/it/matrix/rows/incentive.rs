//! Plans, awards, the ledger and payouts.

use serde_json::json;

use super::{Kind, Row, create, get, inside, list, lists, moves, row, update};
use crate::matrix::scene::version;

pub(super) fn rows() -> Vec<Row> {
    let mut rows = plans();
    rows.extend(awards());
    rows.extend(facts());
    rows.extend(ledger());
    rows.extend(payouts());
    rows
}

fn plans() -> Vec<Row> {
    let day = json!({ "retire_date": { "year": 2026, "month": 6, "day": 1 } });
    vec![
        create(
            "CreatePlan",
            Kind::Program,
            "plan",
            |ask| json!({ "display_name": "X", "program": ask.name }),
        ),
        get("GetPlan", Kind::Plan),
        list("ListPlans", Kind::Plan),
        update(
            "UpdatePlan",
            Kind::Plan,
            "plan",
            ("display_name", json!("X")),
        ),
        row(
            "CreatePlanVersion",
            Kind::Plan,
            |ask| json!({ "parent": ask.name, "plan_version": version(), "validate_only": true }),
        ),
        get("GetPlanVersion", Kind::PlanVersion),
        inside("ListPlanVersions", Kind::Plan),
        update(
            "UpdatePlanVersion",
            Kind::PlanVersion,
            "plan_version",
            ("hold_days", json!(1)),
        ),
        moves("SchedulePlanVersion", Kind::PlanVersion, json!({})),
        moves("RetirePlanVersion", Kind::PlanVersion, day),
        get("LintPlanVersion", Kind::PlanVersion),
        get("DescribePlan", Kind::Plan),
        row("BacktestPlan", Kind::PlanVersion, |ask| {
            json!({
                "parent": ask.parent(),
                "plan_versions": [ask.name],
                "start_date": { "year": 2026, "month": 1, "day": 1 },
                "end_date": { "year": 2027, "month": 1, "day": 1 }
            })
        }),
    ]
}

fn awards() -> Vec<Row> {
    vec![
        get("GetAward", Kind::Award),
        list("ListAwards", Kind::Award),
        get("ExplainAward", Kind::Award),
        inside("ReplayAwards", Kind::Ecosystem),
        row(
            "SimulateAwards",
            Kind::PlanVersion,
            |ask| json!({ "parent": ask.parent(), "plan_versions": [ask.name] }),
        ),
        row(
            "ApproveAwards",
            Kind::Award,
            |ask| json!({ "parent": ask.parent(), "names": [ask.name], "validate_only": true }),
        ),
        moves(
            "AdjustAward",
            Kind::Award,
            json!({
                "amount": { "currency_code": "USD", "units": 1 },
                "reason_code": "OTHER",
                "note": "Letter of March 2."
            }),
        ),
        moves(
            "HoldAward",
            Kind::Award,
            json!({ "reason": "HOLD_REASON_REVIEW" }),
        ),
        moves("ReleaseAward", Kind::Award, json!({})),
        moves(
            "RejectAward",
            Kind::Award,
            json!({ "reason_code": "OTHER" }),
        ),
    ]
}

fn facts() -> Vec<Row> {
    let reported = json!([{
        "external_id": "visits-1",
        "kind": "KIND_METRIC_REPORTED",
        "occur_date": { "year": 2026, "month": 6, "day": 1 },
        "quantity": 3,
    }]);
    let ecosystem = Kind::Ecosystem;
    vec![
        row(
            "RecordFacts",
            ecosystem,
            move |ask| json!({ "parent": ask.name, "source": "erp", "facts": reported, "validate_only": true }),
        ),
        inside("ListFacts", ecosystem),
        inside("ListQuotas", ecosystem),
        inside("ListExchangeRates", ecosystem),
    ]
}

fn ledger() -> Vec<Row> {
    let (account, ecosystem) = (Kind::LedgerAccount, Kind::Ecosystem);
    vec![
        get("GetLedgerAccount", account),
        list("ListLedgerAccounts", account),
        lists("GetTrialBalance", account, "ledgerAccount", json!({})),
        get("GetBalanceAsOf", account),
        inside("ListJournals", ecosystem),
        moves(
            "ReverseJournal",
            Kind::Journal,
            json!({ "reason_code": "OTHER" }),
        ),
        get("GetLedgerPeriod", Kind::LedgerPeriod),
        list("ListLedgerPeriods", Kind::LedgerPeriod),
        moves("CloseLedgerPeriod", Kind::LedgerPeriod, json!({})),
        inside("VerifyLedger", ecosystem),
        row(
            "ExportJournals",
            ecosystem,
            |ask| json!({ "parent": ask.parent() }),
        ),
        row("GetStatement", Kind::Partner, |ask| {
            json!({
                "parent": ask.name,
                "start_date": { "year": 2026, "month": 3, "day": 1 },
                "end_date": { "year": 2026, "month": 4, "day": 1 }
            })
        }),
    ]
}

fn payouts() -> Vec<Row> {
    let (batch, none) = (Kind::Batch, json!({}));
    let mut rows = vec![
        create(
            "CreateBatch",
            Kind::Partner,
            "batch",
            |ask| json!({ "currency_code": "USD", "partners": [ask.name] }),
        ),
        get("GetBatch", batch),
        list("ListBatches", batch),
        inside("ListItems", batch),
        inside("ListLines", batch),
    ];
    for method in [
        "SubmitBatch",
        "ApproveBatch",
        "CancelBatch",
        "SendBatch",
        "SettleItems",
    ] {
        rows.push(moves(method, batch, none.clone()));
    }
    for method in ["FailItem", "ReturnItem"] {
        rows.push(row(
            method,
            batch,
            |ask| json!({ "name": format!("{}/items/nimbus", ask.name), "reason_code": "AC04" }),
        ));
    }
    rows
}
