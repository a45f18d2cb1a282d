//! A stream that tells first what there is, and then what happens to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rand::Rng as _;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tonic::Code;
use tonic::transport::Endpoint;
use tonic_types::StatusExt as _;
use trellis_api::options::v1::Role as WireRole;
use trellis_api::partner::v1 as partner;
use trellis_api::platform::v1 as pb;
use trellis_api::platform::v1::watch_events_request::Start;
use trellis_api::program::v1 as program;
use trellis_tests::{Caller, World, on_both, refused};

use super::scene::{SOON, Watcher, after, from_now, make_rows, named};
use crate::identity::scene::{Scene, key};

/// Partners that there are before anybody watches: several pages.
const ROWS: usize = 450;

/// Who writes meanwhile.
const WRITERS: usize = 4;

/// How often the control may be lucky.
const ROUNDS: usize = 20;

/// A request to be told what there is of these kinds, and then what happens.
fn with_all(types: &[&str]) -> pb::WatchEventsRequest {
    pb::WatchEventsRequest {
        start: Start::Snapshot.into(),
        resource_types: types.iter().map(|name| (*name).to_owned()).collect(),
        ..from_now("acme")
    }
}

/// What somebody was told that there is, by name, and from where on they are told what happens.
struct Whole {
    resources: BTreeMap<String, prost_types::Any>,
    position: String,
}

/// The name that every resource begins with.
#[derive(Clone, PartialEq, prost::Message)]
struct Named {
    #[prost(string, tag = "1")]
    name: String,
}

fn name_of(resource: &prost_types::Any) -> String {
    let named: Named = prost::Message::decode(resource.value.as_slice()).unwrap();
    named.name
}

/// Everything up to where the snapshot is complete.
async fn whole(watcher: &mut Watcher) -> Whole {
    let mut resources = BTreeMap::new();
    loop {
        let message = watcher.message().await;
        assert_eq!(
            message.event, None,
            "what happens comes after what there is"
        );
        assert_eq!(message.snapshot_complete, !message.position.is_empty());
        if let Some(resource) = message.resource {
            resources.insert(name_of(&resource), resource);
        } else if message.snapshot_complete {
            let position = message.position;
            return Whole {
                resources,
                position,
            };
        }
    }
}

async fn told(by: &Caller, types: &[&str]) -> Whole {
    let mut watcher = Watcher::open(by, with_all(types)).await.unwrap();
    whole(&mut watcher).await
}

fn names(whole: &Whole) -> BTreeSet<&str> {
    whole.resources.keys().map(String::as_str).collect()
}

/// Renames partners and makes some, until it is stopped.
async fn write(by: Caller, writer: usize, stop: Arc<AtomicBool>, done: Arc<AtomicUsize>) {
    for round in 0.. {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let written = if round % 5 == 0 {
            let create = named(&format!("new-{}", rand::rng().random::<u64>()));
            by.partners().create_partner(create).await.map(drop)
        } else {
            let row = rand::rng().random_range(0..ROWS);
            let update = partner::UpdatePartnerRequest {
                partner: Some(partner::Partner {
                    name: format!("ecosystems/acme/partners/row-{row}"),
                    display_name: format!("{writer} in {round}"),
                    ..partner::Partner::default()
                }),
                ..partner::UpdatePartnerRequest::default()
            };
            by.partners().update_partner(update).await.map(drop)
        };
        match written {
            Ok(()) => done.fetch_add(1, Ordering::SeqCst),
            // Another writer had the row.
            Err(status) if status.code() == Code::Aborted => continue,
            Err(status) => panic!("{status:?}"),
        };
    }
}

/// Some who write until they are stopped.
struct Writers {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
    writing: Vec<JoinHandle<()>>,
}

impl Writers {
    fn start(world: &World) -> Self {
        let (stop, done) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let writing = (0..WRITERS).map(|writer| {
            let by = Caller::new(world.channel());
            tokio::spawn(write(by, writer, stop.clone(), done.clone()))
        });
        Self {
            writing: writing.collect(),
            stop,
            done,
        }
    }

    /// Waits until they have written so often.
    async fn have_done(&self, count: usize) {
        while self.done.load(Ordering::SeqCst) < count {
            sleep(Duration::from_millis(2)).await;
        }
    }

    async fn stop(self) -> usize {
        self.stop.store(true, Ordering::SeqCst);
        for writing in self.writing {
            writing.await.unwrap();
        }
        self.done.load(Ordering::SeqCst)
    }
}

type Partners = BTreeMap<String, partner::Partner>;

fn partners(whole: &Whole) -> Partners {
    let read = |resource: &prost_types::Any| {
        assert_eq!(
            resource.type_url,
            "type.googleapis.com/trellis.partner.v1.Partner"
        );
        prost::Message::decode(resource.value.as_slice()).unwrap()
    };
    let all = whole.resources.iter();
    all.map(|(name, resource)| (name.clone(), read(resource)))
        .collect()
}

/// Asks for whatever something happened to, as far as the feed has come.
async fn follow(by: &Caller, mut watcher: Watcher, copy: &mut Partners) {
    let (events, _) = watcher.until_heartbeat().await;
    let changed: BTreeSet<String> = events.into_iter().map(|event| event.resource).collect();
    for name in changed.iter().filter(|name| name.contains("/partners/")) {
        let get = partner::GetPartnerRequest { name: name.clone() };
        let got = by.partners().get_partner(get).await.unwrap().into_inner();
        copy.insert(name.clone(), got);
    }
}

async fn listed(by: &Caller) -> Partners {
    let mut list = partner::ListPartnersRequest {
        parent: "ecosystems/acme".to_owned(),
        page_size: 1_000,
        ..partner::ListPartnersRequest::default()
    };
    let mut all = Partners::new();
    loop {
        let page = by
            .partners()
            .list_partners(list.clone())
            .await
            .unwrap()
            .into_inner();
        all.extend(page.partners.into_iter().map(|row| (row.name.clone(), row)));
        if page.next_page_token.is_empty() {
            return all;
        }
        list.page_token = page.next_page_token;
    }
}

async fn position(by: &Caller) -> String {
    let get = pb::GetPositionRequest {
        name: "ecosystems/acme".to_owned(),
    };
    by.events()
        .get_position(get)
        .await
        .unwrap()
        .into_inner()
        .position
}

on_both! {
    async fn nothing_is_lost_between_what_there_is_and_what_happens(world: World) {
        world.ecosystem("acme").await;
        make_rows(world.store(), ROWS, "Row").await;
        let mut lost = false;
        for round in 0..ROUNDS {
            let writers = Writers::start(&world);
            writers.have_done(5).await;
            let began = Instant::now();
            let whole = told(&world, &["trellis.dev/Partner"]).await;
            let took = began.elapsed();
            let late = position(&world).await;
            let meanwhile = writers.stop().await;
            world.settled("ecosystems/acme").await;
            let wanted = listed(&world).await;
            assert!(wanted.len() > ROWS, "nobody made any");

            let mut copy = partners(&whole);
            let since = Watcher::open(&world, after("acme", &whole.position)).await.unwrap();
            follow(&world, since, &mut copy).await;
            assert_eq!(copy, wanted, "round {round}: what there is and what happened is not all");

            // The control: whoever takes the position afterwards has lost something.
            let mut copy = partners(&whole);
            let since = Watcher::open(&world, after("acme", &late)).await.unwrap();
            follow(&world, since, &mut copy).await;
            let missed = wanted.iter().filter(|(name, row)| copy.get(*name) != Some(*row)).count();
            println!("{meanwhile} writes, told in {took:?}; too late, {missed} are missed");
            if missed > 0 {
                lost = true;
                break;
            }
        }
        assert!(lost, "the control has lost nothing");
    }

    async fn what_happens_follows_what_there_is_in_one_stream(world: World) {
        let acme = world.ecosystem("acme").await;
        world.partners().create_partner(named("nimbus")).await.unwrap();
        world.settled(&acme).await;
        let mut watcher = Watcher::open(&world, with_all(&[])).await.unwrap();
        let there = whole(&mut watcher).await;
        let nimbus = format!("{acme}/partners/nimbus");
        assert_eq!(names(&there), BTreeSet::from([acme.as_str(), nimbus.as_str()]));
        assert_eq!(there.position, position(&world).await);
        // Nothing is told again of what had happened before.
        assert_eq!(watcher.until_heartbeat().await, (Vec::new(), there.position));
        world.partners().create_partner(named("cirrus")).await.unwrap();
        let told = watcher.events(1).await;
        assert_eq!(told[0].resource, format!("{acme}/partners/cirrus"));
    }

    async fn what_hangs_on_others_comes_after_them(world: World) {
        let acme = world.ecosystem("acme").await;
        for id in ["one", "two"] {
            let create = program::CreateProgramRequest {
                parent: acme.clone(),
                program_id: id.to_owned(),
                program: Some(program::Program {
                    display_name: id.to_owned(),
                    time_zone: "Europe/Berlin".to_owned(),
                    currency_code: "EUR".to_owned(),
                    ..Default::default()
                }),
                ..Default::default()
            };
            let made = world.programs().create_program(create).await.unwrap().into_inner();
            for (rank, tier) in ["gold", "silver"].into_iter().enumerate() {
                let create = program::CreateTierRequest {
                    parent: made.name.clone(),
                    tier_id: tier.to_owned(),
                    tier: Some(program::Tier {
                        display_name: tier.to_owned(),
                        rank: i32::try_from(rank).unwrap() + 1,
                        ..Default::default()
                    }),
                    ..Default::default()
                };
                world.programs().create_tier(create).await.unwrap();
            }
        }
        let tier = |program: &str, tier: &str| format!("{acme}/programs/{program}/tiers/{tier}");
        let tiers = [tier("one", "gold"), tier("one", "silver"), tier("two", "gold"), tier("two", "silver")];
        let programs = ["one", "two"].map(|id| format!("{acme}/programs/{id}"));
        let order = async |types: &[&str]| {
            let mut watcher = Watcher::open(&world, with_all(types)).await.unwrap();
            let mut order = Vec::new();
            loop {
                let message = watcher.message().await;
                if message.snapshot_complete {
                    return order;
                }
                order.extend(message.resource.as_ref().map(name_of));
            }
        };
        let all = order(&["trellis.dev/Tier", "trellis.dev/Program"]).await;
        let place = |name: &String| all.iter().position(|found| found == name).unwrap();
        assert_eq!(all.len(), 6, "{all:?}");
        for tier in &tiers {
            let program = programs.iter().find(|program| tier.starts_with(*program)).unwrap();
            assert!(place(program) < place(tier), "{all:?}");
        }
        // Without what it hangs on, which is read and not told.
        let mut alone = order(&["trellis.dev/Tier"]).await;
        alone.sort();
        assert_eq!(alone, tiers);
    }

    async fn a_partner_is_told_what_its_lists_show(world: World) {
        let scene = Scene::with_partners(world, &["nimbus", "cirrus"]).await;
        let update = partner::UpdatePartnerRequest {
            partner: Some(partner::Partner {
                name: format!("{}/partners/nimbus", scene.parent),
                external_id: "crm-7".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        };
        scene.admin.partners().update_partner(update).await.unwrap();
        let types = ["trellis.dev/Partner"];
        let all = partners(&told(&scene.admin, &types).await);
        assert_eq!(all.len(), 2);
        let nimbus = scene.of_partner("nimbus", &[WireRole::PartnerRep]).await;
        let own = told(&nimbus, &types).await;
        assert_eq!(own.position, position(&nimbus).await);
        let own: Vec<_> = partners(&own).into_values().collect();
        let name = format!("{}/partners/nimbus", scene.parent);
        assert_eq!(own.len(), 1);
        assert_eq!((own[0].name.as_str(), own[0].external_id.as_str()), (name.as_str(), ""));
        assert_eq!(all[&name].external_id, "crm-7");
        // What it may not list is left out of everything, and refused where it is asked for.
        let everything = told(&nimbus, &[]).await;
        let keys = |whole: &Whole| whole.resources.keys().any(|name| name.contains("/apiKeys/"));
        assert!(!keys(&everything));
        assert!(keys(&told(&scene.admin, &[]).await));
        let asked = nimbus.events().watch_events(with_all(&["trellis.dev/ApiKey"])).await;
        let refused = refused(asked, Code::PermissionDenied, "PERMISSION_DENIED");
        assert_eq!(refused.metadata["permission"], "api_keys.list");
    }

    async fn reading_what_is_sensitive_is_entered_as_its_lists_are(world: World) {
        let scene = Scene::open(world).await;
        let reads = async || {
            let list = pb::ListAuditEntriesRequest {
                parent: scene.parent.clone(),
                page_size: 1_000,
                ..Default::default()
            };
            let listed = scene.admin.audit().list_audit_entries(list).await.unwrap();
            let entries = listed.into_inner().audit_entries.into_iter();
            let of_keys = entries.filter(|entry| entry.method.ends_with("/ListApiKeys"));
            of_keys.map(|entry| entry.resource).collect::<Vec<_>>()
        };
        told(&scene.admin, &["trellis.dev/Partner"]).await;
        assert_eq!(reads().await, [""; 0]);
        told(&scene.admin, &["trellis.dev/ApiKey"]).await;
        let began = Instant::now();
        while reads().await != [scene.parent.as_str()] {
            assert!(began.elapsed() < SOON, "{:?}", reads().await);
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn kinds_that_there_are_none_of_are_refused_all_at_once(world: World) {
        world.ecosystem("acme").await;
        let types = ["trellis.dev/Partner", "trellis.dev/Event", "Partner"];
        let asked = world.events().watch_events(with_all(&types)).await;
        let refused_kinds = refused(asked, Code::InvalidArgument, "INVALID_FIELDS");
        let fields: Vec<_> = refused_kinds.violations.iter().map(|(field, ..)| field.as_str()).collect();
        assert_eq!(fields, ["resource_types[1]", "resource_types[2]"]);
        assert!(refused_kinds.violations[0].2.contains("trellis.dev/Deal, "), "{refused_kinds:?}");
        // They are told at no other beginning, and each once.
        let now = pb::WatchEventsRequest {
            resource_types: vec!["trellis.dev/Partner".to_owned()],
            ..from_now("acme")
        };
        let twice = with_all(&["trellis.dev/Partner", "trellis.dev/Partner"]);
        let both = pb::WatchEventsRequest { after_position: "1-1-1".to_owned(), ..with_all(&[]) };
        for (request, field) in [(now, "resource_types"), (twice, "resource_types"), (both, "start")] {
            let asked = world.events().watch_events(request).await;
            let refused = refused(asked, Code::InvalidArgument, "INVALID_FIELDS");
            let fields: Vec<_> = refused.violations.iter().map(|(field, ..)| field.as_str()).collect();
            assert_eq!(fields, [field]);
        }
    }

    async fn a_filter_is_of_events_alone(world: World) {
        world.ecosystem("acme").await;
        world.partners().create_partner(named("nimbus")).await.unwrap();
        let filtered = pb::WatchEventsRequest {
            filter: "resource = \"ecosystems/acme/partners/stratus\"".to_owned(),
            ..with_all(&["trellis.dev/Partner"])
        };
        let mut watcher = Watcher::open(&world, filtered).await.unwrap();
        assert_eq!(names(&whole(&mut watcher).await), BTreeSet::from(["ecosystems/acme/partners/nimbus"]));
        for id in ["cirrus", "stratus"] {
            world.partners().create_partner(named(id)).await.unwrap();
        }
        assert!(watcher.events(1).await[0].resource.ends_with("/stratus"));
    }

    async fn a_server_of_the_feed_alone_tells_what_all_services_have(world: World) {
        world.ecosystem("acme").await;
        world.partners().create_partner(named("nimbus")).await.unwrap();
        let alone = world.beside(&[("services", "platform")]).await;
        let by = world.caller_of(&alone);
        let list = partner::ListPartnersRequest { parent: "ecosystems/acme".to_owned(), ..Default::default() };
        refused(by.partners().list_partners(list).await, Code::Unimplemented, "NOT_SERVED");
        let there = told(&by, &["trellis.dev/Partner"]).await;
        assert_eq!(names(&there), BTreeSet::from(["ecosystems/acme/partners/nimbus"]));
        alone.stop().await;
    }

    /// Whoever reads slowly is told no more by roles that they have lost, and holds up nobody.
    async fn whose_roles_change_meanwhile_begins_again(world: World) {
        let scene = Scene::open(world).await;
        make_rows(scene.store(), 6_000, &"a long name ".repeat(9)).await;
        let made = scene.made(&scene.admin, key(&[WireRole::Auditor, WireRole::FinanceApprover])).await;
        // One that takes little at a time.
        let endpoint = Endpoint::from_shared(format!("http://{}", scene.address())).unwrap();
        let endpoint = endpoint.initial_stream_window_size(Some(65_535));
        let slow = endpoint.initial_connection_window_size(Some(65_535)).connect_lazy();
        let reader = Caller::new(slow).bearing(&made.secret);
        let mut watcher = Watcher::open(&reader, with_all(&["trellis.dev/Partner"])).await.unwrap();
        assert!(watcher.message().await.resource.is_some());
        let list = pb::ListRoleGrantsRequest {
            parent: scene.parent.clone(),
            filter: format!("principal = \"{}\"", made.key.principal),
            ..Default::default()
        };
        let listed = scene.admin.access().list_role_grants(list).await.unwrap().into_inner();
        let grants = listed.role_grants.into_iter();
        let mut approver = grants.filter(|grant| grant.role() == WireRole::FinanceApprover);
        let name = approver.next().unwrap().name;
        let delete = pb::DeleteRoleGrantRequest { name, ..Default::default() };
        let began = Instant::now();
        scene.admin.access().delete_role_grant(delete).await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(5), "nobody waits for a reader");
        let mut read = 1;
        let ended = loop {
            match watcher.next().await {
                Ok(Some(message)) => assert!(!message.snapshot_complete, "after {read} all is told"),
                Ok(None) => panic!("it ended without an error"),
                Err(status) => break status,
            }
            read += 1;
            // As slowly as it takes the server to look.
            if read % 100 == 0 {
                sleep(Duration::from_millis(200)).await;
            }
        };
        assert_eq!(ended.code(), Code::Aborted, "{ended:?}");
        assert_eq!(ended.get_details_error_info().unwrap().reason, "ACCESS_CHANGED");
        // The control: whoever begins again is told all.
        assert_eq!(told(&reader, &["trellis.dev/Partner"]).await.resources.len(), 6_000);
    }
}
