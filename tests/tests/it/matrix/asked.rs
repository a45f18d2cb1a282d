//! That `CheckAccess` tells of each call what comes of it, to whoever asks about themselves.

use std::collections::BTreeMap;

use futures::future::join_all;
use serde_json::json;

use super::cells::{Caller, Place, json_of};
use super::oracle::Told;
use super::rows::{Act, Row};
use super::things::{ACME, Kind, Thing, named};
use super::who::Who;
use crate::refusals::stage::method;

/// How many calls were asked about, by whether they may be made, and which were told otherwise.
#[derive(Default)]
pub(super) struct Asked {
    pub(super) allowed: usize,
    pub(super) refused: usize,
    pub(super) otherwise: Vec<String>,
}

/// Whether the reach of something of a kind can be asked for, as the request's comment says.
fn can_be_named(kind: Kind) -> bool {
    use Kind::{
        Ecosystem, Enrollment, Invitation, Journal, LedgerAccount, LedgerPeriod, Member,
        PlanVersion, Snapshot, Tier,
    };
    !matches!(
        kind,
        Ecosystem
            | Enrollment
            | Invitation
            | Journal
            | LedgerAccount
            | LedgerPeriod
            | Member
            | PlanVersion
            | Snapshot
            | Tier
    )
}

async fn allowed(caller: &mut Caller<'_>, row: &Row, thing: Thing) -> bool {
    let path = method(row.method).path.trim_start_matches('/');
    let question = json!({
        "parent": format!("ecosystems/{ACME}"), "method": path,
        "resource": caller.scene.name(thing)
    });
    let answer = caller.call("CheckAccess", &question).await;
    let answer = caller.scene.stage.decoded("CheckAccess", &answer.body);
    json_of(&answer[0])["allowed"] == true
}

/// Asks about every cell of the caller's column.
async fn by(
    caller: &mut Caller<'_>,
    rows: &[Row],
    cells: &BTreeMap<Place, Result<String, &'static str>>,
) -> Asked {
    let mut asked = Asked::default();
    let asks = caller.who;
    for ((index, relation, _), word) in cells.iter().filter(|((.., who), _)| *who == asks) {
        let row = &rows[*index];
        let (Ok(word), Ok(thing)) = (word, named(row.kind, *relation, asks)) else {
            continue;
        };
        // A question about somebody else is told by who is asked about, and not by a thing.
        let told = row.act == Act::Does && can_be_named(row.kind) && row.method != "CheckAccess";
        if !told || thing.ecosystem != ACME {
            continue;
        }
        let through = Told::of(word) == Told::Through;
        match through {
            true => asked.allowed += 1,
            false => asked.refused += 1,
        }
        if allowed(caller, row, thing).await != through {
            let (kind, relation) = (row.kind.name(), relation.name());
            let (method, who) = (row.method, asks.name());
            let otherwise = format!("{method}: {kind}, {relation}, {who}: {word}");
            asked.otherwise.push(otherwise);
        }
    }
    asked
}

/// Asks as everybody who has a role.
pub(super) async fn all(
    callers: &mut [Caller<'_>],
    rows: &[Row],
    cells: &BTreeMap<Place, Result<String, &'static str>>,
) -> Asked {
    let granted = |caller: &&mut Caller<'_>| matches!(caller.who, Who::Granted(_));
    let each = callers.iter_mut().filter(granted);
    let each = each.map(|caller| by(caller, rows, cells));
    let mut asked = Asked::default();
    for of_one in join_all(each).await {
        asked.allowed += of_one.allowed;
        asked.refused += of_one.refused;
        asked.otherwise.extend(of_one.otherwise);
    }
    asked
}
