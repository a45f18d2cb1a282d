//! API keys, roles, the questions about them, and webhooks.

use serde_json::json;

use super::{Act, Ask, Kind, Row, get, inside, list, moves, row, update, with};

/// A method that everybody with a role may ask about.
const LIST_PARTNERS: &str = "trellis.partner.v1.PartnerService/ListPartners";

pub(super) fn rows() -> Vec<Row> {
    let none = json!({});
    let mut rows = new();
    for kind in [Kind::Key, Kind::VendorKey] {
        rows.push(get("GetApiKey", kind));
        rows.push(list("ListApiKeys", kind));
        rows.push(moves("RevokeApiKey", kind, none.clone()));
        rows.push(moves("RotateApiKey", kind, none.clone()));
    }
    for kind in [Kind::Grant, Kind::VendorGrant] {
        rows.push(list("ListRoleGrants", kind));
        rows.push(moves("DeleteRoleGrant", kind, none.clone()));
    }
    for kind in [Kind::Webhook, Kind::VendorWebhook] {
        rows.push(get("GetWebhook", kind));
        rows.push(list("ListWebhooks", kind));
        let change = ("display_name", json!("X"));
        rows.push(update("UpdateWebhook", kind, "webhook", change));
        rows.push(moves("DeleteWebhook", kind, none.clone()));
        rows.push(moves("RotateWebhookSecret", kind, none.clone()));
        rows.push(get("TestWebhook", kind));
        rows.push(inside("ListDeliveries", kind));
        rows.push(row("RedeliverEvent", kind, |ask| {
            let event = ask.beside("events/1-0-1");
            json!({ "name": ask.name, "event": event, "validate_only": true })
        }));
    }
    rows.push(Row {
        act: Act::Lists("ecosystem"),
        ..row("WhoAmI", Kind::Ecosystem, |_| json!({}))
    });
    let ask = |row: Row| Row {
        make: Box::new(move |ask| with((row.make)(ask), &json!({ "method": LIST_PARTNERS }))),
        ..row
    };
    // Of themselves, and of the principal that a key is.
    rows.push(ask(inside("CheckAccess", Kind::Ecosystem)));
    rows.push(ask(row(
        "CheckAccess",
        Kind::Key,
        |ask| json!({ "parent": ask.parent(), "principal": principal(ask) }),
    )));
    rows
}

/// Keys, roles and webhooks for somebody of a partner, and of the vendor's.
fn new() -> Vec<Row> {
    let key = |ask: &Ask<'_>, partner: &str, role: &str| {
        json!({
            "parent": ask.parent(), "validate_only": true,
            "api_key": { "display_name": "X", "partner": partner }, "roles": [{ "role": role }]
        })
    };
    let grant = |ask: &Ask<'_>, principal: &str, partner: &str, role: &str| {
        let grant = json!({ "principal": principal, "partner": partner, "role": role });
        json!({ "parent": ask.parent(), "validate_only": true, "role_grant": grant })
    };
    let webhook = |ask: &Ask<'_>, partner: &str| {
        let webhook = json!({
            "display_name": "X", "url": "http://127.0.0.1:1/", "partner": partner
        });
        json!({ "parent": ask.parent(), "webhook": webhook, "validate_only": true })
    };
    let (rep, auditor) = ("ROLE_PARTNER_REP", "ROLE_AUDITOR");
    vec![
        row("CreateApiKey", Kind::Partner, move |ask| {
            key(ask, ask.name, rep)
        }),
        row("CreateApiKey", Kind::Ecosystem, move |ask| {
            key(ask, "", auditor)
        }),
        row("CreateRoleGrant", Kind::Partner, move |ask| {
            grant(ask, "people:x", ask.name, rep)
        }),
        row("CreateRoleGrant", Kind::Ecosystem, move |ask| {
            grant(ask, "people:x", "", auditor)
        }),
        row("CreateRoleGrant", Kind::VendorKey, move |ask| {
            grant(ask, &principal(ask), "", auditor)
        }),
        row("CreateWebhook", Kind::Partner, move |ask| {
            webhook(ask, ask.name)
        }),
        row("CreateWebhook", Kind::Ecosystem, move |ask| {
            webhook(ask, "")
        }),
    ]
}

/// The name under which a key acts.
fn principal(ask: &Ask<'_>) -> String {
    let (_, id) = ask.name.rsplit_once('/').unwrap();
    format!("apiKeys/{id}")
}
