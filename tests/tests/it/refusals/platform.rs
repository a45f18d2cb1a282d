//! Ecosystems and their feeds.

use serde_json::json;

use super::scene::Keys;
use super::{Case, at, case, lists, name, update, updates};

pub(super) fn cases(keys: &Keys) -> Vec<Case> {
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
        case("GetPosition", "RESOURCE_NOT_FOUND", nowhere.clone()),
        case("GetCheckpoint", "RESOURCE_NOT_FOUND", nowhere.clone()),
        case("VerifyAudit", "RESOURCE_NOT_FOUND", nowhere),
        case(
            "ErasePersonalData",
            "RESOURCE_NOT_FOUND",
            json!({ "name": "ecosystems/nowhere", "principal": "ada" }),
        ),
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
    let beyond = "9999-1-1";
    cases.extend([
        case(
            "WatchEvents",
            "RESOURCE_NOT_FOUND",
            json!({ "parent": "ecosystems/nowhere", "start": "START_NOW" }),
        ),
        case(
            "WatchEvents",
            "POSITION_UNKNOWN",
            json!({ "parent": "ecosystems/acme", "after_position": beyond }),
        ),
        case(
            "ListEvents",
            "POSITION_UNKNOWN",
            json!({ "parent": "ecosystems/acme", "after_position": beyond }),
        ),
        case(
            "WatchEvents",
            "POSITION_EXPIRED",
            json!({ "parent": "ecosystems/acme", "start": "START_FIRST" }),
        ),
        case(
            "ListEvents",
            "POSITION_EXPIRED",
            json!({ "parent": "ecosystems/acme", "after_position": "0-0-0" }),
        ),
    ]);
    cases.extend(lists(&[
        "ListEvents",
        "ListApiKeys",
        "ListRoleGrants",
        "ListWebhooks",
        "ListAuditEntries",
    ]));
    cases.extend(webhooks());
    cases.extend(access(keys));
    cases
}

/// Webhooks.
fn webhooks() -> Vec<Case> {
    let create = |parent: &str, id: &str, partner: Option<&str>| {
        let webhook = json!({
            "display_name": "X", "url": "http://127.0.0.1:1/",
            "partner": partner.map_or_else(String::new, name)
        });
        json!({ "parent": parent, "webhook_id": id, "webhook": webhook })
    };
    let acme = "ecosystems/acme";
    let absent = || at("webhooks/none");
    let stale = || json!({ "name": name("webhooks/off"), "etag": "\"999\"" });
    let event = |webhook: &str, event: &str| json!({ "name": name(webhook), "event": name(event) });
    let mut cases = vec![
        case(
            "CreateWebhook",
            "RESOURCE_NOT_FOUND",
            create("ecosystems/nowhere", "", None),
        ),
        case(
            "CreateWebhook",
            "RESOURCE_NOT_FOUND",
            create(acme, "", Some("partners/none")),
        ),
        case(
            "CreateWebhook",
            "RESOURCE_EXISTS",
            create(acme, "off", None),
        ),
        case(
            "CreateWebhook",
            "TOO_MANY_WEBHOOKS",
            create(acme, "", Some("partners/nimbus")),
        ),
        case("GetWebhook", "RESOURCE_NOT_FOUND", absent()),
        case("DeleteWebhook", "RESOURCE_NOT_FOUND", absent()),
        case("DeleteWebhook", "ETAG_MISMATCH", stale()),
        case("RotateWebhookSecret", "RESOURCE_NOT_FOUND", absent()),
        case("RotateWebhookSecret", "ETAG_MISMATCH", stale()),
        case("TestWebhook", "RESOURCE_NOT_FOUND", absent()),
        case(
            "ListDeliveries",
            "RESOURCE_NOT_FOUND",
            json!({ "parent": name("webhooks/none") }),
        ),
        case(
            "RedeliverEvent",
            "RESOURCE_NOT_FOUND",
            event("webhooks/none", "events/1-0-1"),
        ),
        case(
            "RedeliverEvent",
            "POSITION_EXPIRED",
            event("webhooks/on", "events/0-0-1"),
        ),
        case(
            "RedeliverEvent",
            "PRECONDITION",
            event("webhooks/off", "events/1-0-1"),
        ),
    ];
    cases.extend(updates(
        "UpdateWebhook",
        "webhook",
        "webhooks/none",
        "webhooks/off",
    ));
    cases
}

/// API keys and roles.
fn access(keys: &Keys) -> Vec<Case> {
    let Keys { good, revoked } = keys;
    let absent = || at("apiKeys/none");
    let nowhere = "ecosystems/nowhere";
    let role = || json!([{ "role": "ROLE_AUDITOR" }]);
    let key = |parent: &str, partner: Option<&str>| {
        let partner = partner.map_or_else(String::new, name);
        let value = json!({ "display_name": "X", "partner": partner });
        let roles = match partner.is_empty() {
            true => role(),
            false => json!([{ "role": "ROLE_PARTNER_REP" }]),
        };
        json!({ "parent": parent, "api_key": value, "roles": roles })
    };
    let grant = |parent: &str, principal: &str| {
        let value = json!({ "principal": principal, "role": "ROLE_AUDITOR" });
        json!({ "parent": parent, "role_grant": value })
    };
    let acme = "ecosystems/acme";
    let stale = |name: &str| json!({ "name": name, "etag": "\"999\"" });
    let question = json!({
        "parent": nowhere, "method": "trellis.partner.v1.PartnerService/ListPartners"
    });
    vec![
        case("CreateApiKey", "RESOURCE_NOT_FOUND", key(nowhere, None)),
        case(
            "CreateApiKey",
            "RESOURCE_NOT_FOUND",
            key(acme, Some("partners/none")),
        ),
        case("GetApiKey", "RESOURCE_NOT_FOUND", absent()),
        case("RevokeApiKey", "RESOURCE_NOT_FOUND", absent()),
        case("RevokeApiKey", "ETAG_MISMATCH", stale(good)),
        case("RotateApiKey", "RESOURCE_NOT_FOUND", absent()),
        case("RotateApiKey", "ETAG_MISMATCH", stale(good)),
        case("RotateApiKey", "PRECONDITION", json!({ "name": revoked })),
        case(
            "CreateRoleGrant",
            "RESOURCE_NOT_FOUND",
            grant(nowhere, "people:ada"),
        ),
        case(
            "CreateRoleGrant",
            "RESOURCE_NOT_FOUND",
            grant(acme, "apiKeys/none"),
        ),
        case(
            "CreateRoleGrant",
            "RESOURCE_EXISTS",
            grant(acme, "people:grace"),
        ),
        case(
            "DeleteRoleGrant",
            "RESOURCE_NOT_FOUND",
            at("roleGrants/none"),
        ),
        case("CheckAccess", "RESOURCE_NOT_FOUND", question),
    ]
}
