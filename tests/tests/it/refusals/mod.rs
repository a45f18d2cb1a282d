//! Every error that the contract lists, at every method that lists it.
//!
//! [`scene`] makes an ecosystem in which something stands in each state that matters. Then each
//! [`Case`] is one call that must be refused for one reason. A refused call changes nothing, so all
//! cases share the scene, in any order. The test ends by comparing what was refused with what the
//! contract lists: an error that is listed and that no case brings about fails it, and so does a case
//! whose error is not listed.
//!
//! The other direction, that no method answers an error that it does not list, is held in all other
//! tests by `trellis_tests::Witness`.

mod contended;
mod deal;
mod engagement;
mod incentive;
mod overdue;
mod partner;
mod platform;
mod program;
mod scene;
pub(crate) mod stage;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use trellis_api::METHODS;
use trellis_tests::contract::Contract;
use trellis_tests::on_both;

use stage::Stage;

/// A call that must be refused.
#[derive(Clone, Debug)]
struct Case {
    method: &'static str,
    reason: &'static str,
    request: Value,
    actor: &'static str,
}

fn case(method: &'static str, reason: &'static str, request: Value) -> Case {
    let actor = scene::MAKER;
    Case {
        method,
        reason,
        request,
        actor,
    }
}

/// The name of a resource of the scene.
fn name(rest: &str) -> String {
    format!("ecosystems/acme/{rest}")
}

/// A request about a resource of the scene.
fn at(rest: &str) -> Value {
    json!({ "name": name(rest) })
}

/// A request with more in it.
fn with(mut request: Value, more: &Value) -> Value {
    let (Some(into), Some(more)) = (request.as_object_mut(), more.as_object()) else {
        panic!("requests are objects");
    };
    into.extend(more.clone());
    request
}

/// What every move refuses: a resource that is not there, one that has changed, and one in a state
/// from which the move cannot be made.
fn moves(
    method: &'static str,
    absent: &str,
    there: &str,
    elsewhere: &str,
    more: &Value,
) -> [Case; 3] {
    let stale = json!({ "etag": "\"999\"" });
    [
        case(method, "RESOURCE_NOT_FOUND", with(at(absent), more)),
        case(method, "ETAG_MISMATCH", with(with(at(there), more), &stale)),
        case(method, "ILLEGAL_TRANSITION", with(at(elsewhere), more)),
    ]
}

/// What every update refuses: a resource that is not there, and one that has changed.
fn updates(method: &'static str, field: &str, absent: &str, there: &str) -> [Case; 2] {
    let stale = json!({ "name": name(there), "etag": "\"999\"", "display_name": "New" });
    let missing = json!({ "name": name(absent), "display_name": "New" });
    [
        case(
            method,
            "RESOURCE_NOT_FOUND",
            update(field, missing, "displayName"),
        ),
        case(method, "ETAG_MISMATCH", update(field, stale, "displayName")),
    ]
}

fn update(field: &str, value: Value, mask: &str) -> Value {
    json!({ field: value, "update_mask": mask })
}

/// What every list refuses: an ecosystem that is not there.
fn lists(methods: &[&'static str]) -> Vec<Case> {
    let nowhere = || json!({ "parent": "ecosystems/nowhere" });
    let list = |method: &&'static str| case(method, "RESOURCE_NOT_FOUND", nowhere());
    methods.iter().map(list).collect()
}

/// A request in which nothing is said. No method takes it but the one list that has no parent, and
/// the one question that is asked without words.
fn empty() -> Vec<Case> {
    let methods = METHODS.iter().map(stage::called);
    let refused = |method| match method {
        "ListEcosystems" => case(method, "INVALID_FIELDS", json!({ "filter": "nonsense" })),
        "WhoAmI" => Case {
            actor: " nobody",
            ..case(method, "INVALID_FIELDS", json!({}))
        },
        _ => case(method, "INVALID_FIELDS", json!({})),
    };
    methods.map(refused).collect()
}

fn cases(built: &scene::Built) -> Vec<Case> {
    [
        empty(),
        platform::cases(&built.keys),
        partner::cases(),
        program::cases(),
        deal::cases(),
        incentive::cases(&built.approved, &built.held, &built.journals),
    ]
    .concat()
}

/// Listed errors that need a server of their own: the test that brings them about.
const APART: [(&str, &str, &str); 15] = [
    ("AdvanceClock", "POSITION_NOT_REACHED", "refusals::overdue"),
    ("WatchEvents", "ACCESS_CHANGED", "watch::withdrawn"),
    ("ApproveBatch", "APPROVAL_LIMIT", "incentive::limits"),
    ("ApproveAwards", "APPROVAL_LIMIT", "incentive::limits"),
    ("RejectAward", "APPROVAL_LIMIT", "incentive::limits"),
    ("AdjustAward", "APPROVAL_LIMIT", "incentive::limits"),
    ("AdjustAward", "TOO_MANY_RULINGS", "incentive::adjustment"),
    ("RejectAward", "TOO_MANY_RULINGS", "incentive::adjustment"),
    ("ApproveAwards", "FOUR_EYES", "incentive::adjustment"),
    ("ReleaseAward", "APPROVAL_LIMIT", "incentive::limits"),
    ("ReverseJournal", "APPROVAL_LIMIT", "incentive::limits"),
    (
        "CloseLedgerPeriod",
        "ILLEGAL_TRANSITION",
        "incentive::periods",
    ),
    (
        "CloseLedgerPeriod",
        "EARLIER_PERIOD_OPEN",
        "incentive::periods",
    ),
    ("UpdateDeal", "PRECONDITION", "access::fields"),
    ("AcceptDealProposal", "NOT_EDITABLE", "access::fields"),
];

/// Sends every case, and answers those that went otherwise.
async fn unlike(stage: &Stage, contract: &Contract, cases: &[Case]) -> Vec<String> {
    let mut unlike = Vec::new();
    for case in cases {
        let expected = (contract.reasons[case.reason].code, case.reason.to_owned());
        match stage.call(case.method, case.actor, &case.request).await {
            Ok(answer) => unlike.push(format!("{case:?} was answered {answer}")),
            Err(refused) if (refused.code, refused.reason.clone()) != expected => {
                unlike.push(format!("{case:?}: {refused:?}"));
            }
            Err(_) => {}
        }
    }
    unlike
}

on_both! {
    async fn every_error_that_a_method_lists_can_be_brought_about(world: World) {
        let contract = Contract::read();
        let stage = Stage::new(world);
        let built = scene::build(&stage).await;
        let cases = cases(&built);
        let unlike = unlike(&stage, &contract, &cases).await;
        assert!(unlike.is_empty(), "{} cases:\n{}", unlike.len(), unlike.join("\n"));

        let path = |method: &str| stage::method(method).path.to_owned();
        let mut brought: BTreeSet<(String, String)> =
            cases.iter().map(|case| (path(case.method), case.reason.to_owned())).collect();
        brought.extend(APART.iter().map(|(method, reason, _)| (path(method), (*reason).to_owned())));
        let listed = contract.pairs();
        let missing: Vec<_> = listed.difference(&brought).collect();
        assert!(missing.is_empty(), "listed, and no case brings them about: {missing:#?}");
        let unlisted: Vec<_> = brought.difference(&listed).collect();
        assert!(unlisted.is_empty(), "brought about, and not listed: {unlisted:#?}");
    }

    async fn a_case_that_goes_otherwise_is_told(world: World) {
        let contract = Contract::read();
        let stage = Stage::new(world);
        stage.does("CreateEcosystem", json!({
            "ecosystem_id": "acme", "ecosystem": { "display_name": "Acme" }
        })).await;
        let there = case("GetEcosystem", "RESOURCE_NOT_FOUND", json!({ "name": "ecosystems/acme" }));
        let wrong = case("GetEcosystem", "RESOURCE_NOT_FOUND", json!({ "name": "acme" }));
        let right = case("GetEcosystem", "INVALID_FIELDS", json!({ "name": "acme" }));
        let unlike = unlike(&stage, &contract, &[there, wrong, right]).await;
        assert_eq!(unlike.len(), 2, "{unlike:?}");
    }
}
