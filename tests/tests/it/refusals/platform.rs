//! Ecosystems and their feeds.

use serde_json::json;

use super::{Case, case, lists, update};

pub(super) fn cases() -> Vec<Case> {
    let nowhere = json!({ "name": "ecosystems/nowhere" });
    let second = json!({ "name": "ecosystems/nowhere", "duration": "1s" });
    let acme = json!({ "ecosystem_id": "acme", "ecosystem": { "display_name": "Acme" } });
    let edit = |name: &str, etag: &str| {
        let value = json!({ "name": name, "etag": etag, "display_name": "New" });
        update("ecosystem", value, "displayName")
    };
    let mut cases = vec![
        case("CreateEcosystem", "RESOURCE_EXISTS", acme),
        case("GetEcosystem", "RESOURCE_NOT_FOUND", nowhere.clone()),
        case("GetPosition", "RESOURCE_NOT_FOUND", nowhere),
        case(
            "UpdateEcosystem",
            "RESOURCE_NOT_FOUND",
            edit("ecosystems/nowhere", ""),
        ),
        case(
            "UpdateEcosystem",
            "ETAG_MISMATCH",
            edit("ecosystems/acme", "\"999\""),
        ),
        case("AdvanceClock", "RESOURCE_NOT_FOUND", second),
        case(
            "AdvanceClock",
            "NOT_A_SANDBOX",
            json!({
                "name": "ecosystems/plain", "duration": "1s"
            }),
        ),
    ];
    cases.extend(lists(&["ListEvents"]));
    cases
}
