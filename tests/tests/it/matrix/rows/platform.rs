//! Ecosystems and their feeds.

use serde_json::json;

use super::{Act, Kind, Row, get, inside, lists, moves, row, update};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = vec![
        row("CreateEcosystem", Kind::Ecosystem, |ask| {
            let (_, id) = ask.name.split_once('/').unwrap();
            let ecosystem = json!({ "display_name": "X" });
            json!({ "ecosystem_id": id, "ecosystem": ecosystem, "validate_only": true })
        }),
        get("GetEcosystem", Kind::Ecosystem),
        Row {
            act: Act::Lists("name"),
            ..row("ListEcosystems", Kind::Ecosystem, |_| json!({}))
        },
        update(
            "UpdateEcosystem",
            Kind::Ecosystem,
            "ecosystem",
            ("display_name", json!("X")),
        ),
        moves("AdvanceClock", Kind::Ecosystem, json!({ "duration": "1s" })),
        get("GetPosition", Kind::Ecosystem),
        inside("ListAuditEntries", Kind::Ecosystem),
        get("GetCheckpoint", Kind::Ecosystem),
        get("VerifyAudit", Kind::Ecosystem),
        moves(
            "ErasePersonalData",
            Kind::Ecosystem,
            json!({ "principal": "nobody" }),
        ),
    ];
    // Whoever may not see a thing is told of no event of it.
    let told = Kind::ALL.into_iter().filter(|kind| {
        use Kind::{Journal, LedgerAccount, LedgerPeriod, PlanVersion};
        ![LedgerAccount, Journal, LedgerPeriod, PlanVersion].contains(kind)
    });
    for kind in told {
        let first = json!({ "start": "START_FIRST" });
        rows.push(lists("ListEvents", kind, "resource", json!({})));
        rows.push(lists("WatchEvents", kind, "resource", first));
    }
    rows
}
