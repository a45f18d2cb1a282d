//! Two ecosystems with the same things in them: something of each kind for each relation to whoever
//! calls. What each is for stands in [`super::things`].

mod access;
mod engagements;
mod partners;
mod trade;
mod vendor;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use trellis_tests::World;

use super::things::{ABSENT, ACME, COLLEAGUE, ELSEWHERE, GLOBEX, Kind, OVER, Thing};
use super::who::{Who, actor};
use crate::canary::copy::past_everything;
use crate::refusals::stage::Stage;

pub(super) use vendor::version;

/// What there is to be named.
pub(super) struct Scene {
    pub(super) world: World,
    pub(super) stage: Stage,
    /// The award of each partner that nobody has approved.
    awards: BTreeMap<(&'static str, &'static str), String>,
    /// What the server named: journals, keys and roles, by the ecosystem that they are in.
    made: BTreeMap<(&'static str, Kind, &'static str), String>,
}

/// Who prepares what no relation asks for.
const MAKER: &str = "maker@people.example";

/// Who looks after `cirrus`.
pub(super) const ANOTHER_MANAGER: &str = "lee@people.example";

/// What is being built in one ecosystem.
struct Site<'a> {
    stage: &'a Stage,
    ecosystem: &'static str,
}

/// A tag, and the partner that what carries it belongs to.
type Tag = (&'static str, &'static str);

/// What stands in an ecosystem: of the caller's own there is something for everybody.
fn tags(ecosystem: &str) -> Vec<Tag> {
    let mut tags = vec![(COLLEAGUE, "nimbus")];
    if ecosystem == ACME {
        let people = Who::ALL.into_iter().filter(|who| *who != Who::Anonymous);
        tags.extend(people.map(|who| (who.tag(), "nimbus")));
        tags.extend([(ELSEWHERE, "cirrus"), (OVER, "nimbus")]);
    }
    tags
}

pub(super) fn usd(units: i64) -> Value {
    json!({ "currency_code": "USD", "units": units })
}

impl Site<'_> {
    fn parent(&self) -> String {
        format!("ecosystems/{}", self.ecosystem)
    }

    fn name(&self, rest: &str) -> String {
        format!("ecosystems/{}/{rest}", self.ecosystem)
    }

    async fn does(&self, method: &str, tag: &str, request: Value) -> String {
        self.stage.does_as(method, &actor(tag), request).await
    }

    /// Creates something directly in the ecosystem, as whoever the tag is of.
    async fn create(&self, method: &str, field: &str, tag: &str, id: &str, value: Value) {
        let id_field = format!("{field}_id");
        let mut value = value;
        value["display_name"] = json!(id);
        let request = json!({ "parent": self.parent(), id_field: id, field: value });
        self.does(method, tag, request).await;
    }

    /// Waits until everybody sees what has happened: on PostgreSQL the last events may take a moment.
    async fn settled(&self, position: &str) {
        let request = json!({ "name": self.parent() });
        self.stage.reads("GetPosition", request, position).await;
    }

    /// Makes a move that says no more than it must; answers its place in the feed.
    async fn moves(&self, method: &str, tag: &str, rest: &str) -> String {
        self.does(method, tag, json!({ "name": self.name(rest) }))
            .await
    }

    async fn moves_because(&self, method: &str, tag: &str, rest: &str) {
        let request = json!({
            "name": self.name(rest), "reason_code": "OTHER", "note": "Looked at twice"
        });
        self.does(method, tag, request).await;
    }
}

impl Scene {
    pub(super) async fn build(world: World) -> Self {
        let stage = Stage::new(world.clone());
        let (mut awards, mut made) = (BTreeMap::new(), BTreeMap::new());
        let sites = [ACME, GLOBEX].map(|ecosystem| Site {
            stage: &stage,
            ecosystem,
        });
        for site in &sites {
            site.ecosystem().await;
            site.vendors().await;
            site.partners().await;
            site.plans().await;
            site.accounts().await;
            site.registrations().await;
            site.leads().await;
            site.deals().await;
            site.engagements().await;
            site.webhooks().await;
            for (partner, award) in site.payouts().await {
                awards.insert((site.ecosystem, partner), award);
            }
        }
        // Nobody has responded in time; the clock stands still here, so that it cannot come about.
        let overdue =
            "UPDATE registrations SET escalation_level = 1 WHERE escalation_time IS NOT NULL";
        past_everything(&world, overdue).await;
        for site in &sites {
            for ((kind, tag), name) in site.journals().await.into_iter().chain(site.access().await)
            {
                made.insert((site.ecosystem, kind, tag), name);
            }
        }
        Self {
            world,
            stage,
            awards,
            made,
        }
    }

    /// The name of a thing, or of what would be it if it were there.
    pub(super) fn name(&self, thing: Thing) -> String {
        let Thing {
            kind,
            ecosystem,
            tag,
        } = thing;
        let partner = partner(kind, tag);
        let parent = format!("ecosystems/{ecosystem}");
        let rest = match (kind, kind.stem()) {
            (Kind::Ecosystem, _) => return parent,
            (Kind::Partner, _) => format!("partners/{partner}"),
            (Kind::LedgerAccount, _) => format!("ledgerAccounts/payable.{partner}.usd"),
            (Kind::Award, _) => self.award(ecosystem, tag, partner),
            (Kind::LedgerPeriod, _) if tag == ABSENT => "ledgerPeriods/1999-01".to_owned(),
            (Kind::LedgerPeriod, _) => "ledgerPeriods/2026-03".to_owned(),
            (Kind::Journal, _) => format!("journals/{}", self.made(thing)),
            (Kind::Key | Kind::VendorKey, _) => format!("apiKeys/{}", self.made(thing)),
            (Kind::Grant | Kind::VendorGrant, _) => format!("roleGrants/{}", self.made(thing)),
            (Kind::Tier, _) if tag == OVER => format!("programs/{COLLEAGUE}/tiers/{OVER}"),
            (Kind::Tier, Some(stem)) => format!("{stem}{tag}/tiers/gold"),
            (Kind::Member | Kind::Invitation, Some(stem)) => format!("{stem}{tag}/members/one"),
            (Kind::Snapshot, Some(stem)) => format!("{stem}{tag}/snapshots/one"),
            (Kind::PlanVersion, Some(stem)) => format!("{stem}{tag}/versions/1"),
            (_, stem) => format!("{}{tag}", stem.unwrap()),
        };
        format!("{parent}/{rest}")
    }

    fn award(&self, ecosystem: &str, tag: &str, partner: &str) -> String {
        let there = self.awards.get(&(ecosystem, partner)).map(String::as_str);
        let name = there.unwrap_or(&self.awards[&(ACME, "nimbus")]);
        format!("awards/{}", id_of(name, tag))
    }

    /// The id of what the server named.
    fn made(&self, thing: Thing) -> String {
        let there = self.made.get(&(thing.ecosystem, thing.kind, thing.tag));
        let name = there.unwrap_or_else(|| &self.made[&(ACME, thing.kind, COLLEAGUE)]);
        id_of(name, thing.tag)
    }
}

/// The id in a name that the server made; one that nothing has for the tag of nothing.
fn id_of(name: &str, tag: &str) -> String {
    let (_, id) = name.rsplit_once('/').unwrap();
    let mut id = id.to_owned();
    if tag == ABSENT {
        let last = id.pop();
        id.push(if last == Some('0') { '1' } else { '0' });
    }
    id
}

/// The partner that a thing of a kind with a tag belongs to. The names are of one length.
pub(super) fn partner(kind: Kind, tag: &str) -> &'static str {
    match (kind, tag) {
        (_, ELSEWHERE) => "cirrus",
        (_, ABSENT) => "nobody",
        (Kind::Partner, OVER) => "gone",
        _ => "nimbus",
    }
}
