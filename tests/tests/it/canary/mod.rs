//! Canaries: in a database of fifty ecosystems, with a string in every text that says whose it is,
//! nobody is ever told what is somebody else's, whatever lists they ask for.
//!
//! Everything that comes back is looked through: messages, headers, trailers, the details of errors,
//! and the lines that the server logs of the call. The calls follow from a seed, which is printed;
//! `TRELLIS_TESTS_CANARY_SEED` repeats them, `TRELLIS_TESTS_CANARY_CALLS` says how many there are.

mod ask;
pub(crate) mod bare;
mod business;
pub(crate) mod copy;
mod engagements;
mod facts;
mod hunt;
mod leads;
mod leak;
mod listen;
mod plant;
mod who;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use prost_reflect::prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor};
use rand::Rng as _;
use trellis_api::platform::v1 as pb;
use trellis_core::Role;
use trellis_server::server::Running;
use trellis_tests::{Engine, Issuer, World, number};

use self::ask::lists;
use self::bare::{ABOVE, BELOW, Bare, make_role_above};
use self::hunt::{Bag, Hunt, Tried};
use self::listen::Log;
use self::plant::{ECOSYSTEMS, Planter, ecosystem};
use self::who::everybody;

/// How many calls there are when nobody says otherwise.
const CALLS: usize = 6_000;

/// How many calls are enough for what leaks everywhere.
const FEW: usize = 800;

fn calls() -> usize {
    number("TRELLIS_TESTS_CANARY_CALLS").unwrap_or(CALLS)
}

fn seed() -> u64 {
    number("TRELLIS_TESTS_CANARY_SEED").unwrap_or_else(|| rand::rng().random())
}

/// Runs a body in a world full of canaries, on threads whose log lines are looked through.
fn among_canaries<F, R>(engine: Engine, body: F)
where
    F: FnOnce(World, Log) -> R,
    R: Future<Output = ()>,
{
    let log = Log::default();
    let listening = log.dispatch();
    // While there is only one listener, whether anybody listens is asked of the thread that meets a
    // line first and kept for all; other tests' threads would say no. With two, all are asked.
    let second = Log::default().dispatch();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .on_thread_start(move || {
            // For as long as the thread lives.
            std::mem::forget(tracing::dispatcher::set_default(&listening));
        })
        .build()
        .unwrap();
    runtime.block_on(trellis_tests::run(engine, &[], async |world| {
        Planter::plant(&world).await;
        copy::copy(&world).await;
        log.listen();
        body(world, log).await;
    }));
    drop(second);
}

/// Texts in which no canary can be, of any list or of one: words and codes of ours, and what the server
/// makes.
const NO_CANARY: [&str; 30] = [
    "ListAuditEntries.code",
    "ListAuditEntries.method",
    "ListAuditEntries.reason",
    "ListAuditEntries.request_id",
    "changed_fields",
    "content_hash",
    "currency_code",
    "detail",
    "error",
    "etag",
    "event_type",
    "field",
    "fields",
    "from_currency_code",
    "key",
    "position",
    "principal",
    "public_key",
    "rail",
    "region_code",
    "region_codes",
    "rule",
    "secret_prefix",
    "sha256",
    "time_zone",
    "to_currency_code",
    "trace_parent",
    "trace_state",
    "type",
    "type_url",
];

/// Starts a server beside that of the world, which asks for tokens, and has everybody get one.
async fn prepare(world: &World, log: &Log, flags: &[(&'static str, &str)]) -> (Running, Hunt) {
    let issuer = Issuer::new();
    let all: Vec<String> = (0..ECOSYSTEMS).map(ecosystem).collect();
    let issuers = issuer.setting(&all);
    let flags = [&[("issuers", issuers.as_str())], flags].concat();
    let server = world.beside(&flags).await;
    let everybody = everybody(&issuer, world.clock());
    let hunt = Hunt {
        address: server.address(),
        log: log.clone(),
        everybody,
        lists: lists(),
        seed: seed(),
        tried: Tried::default(),
    };
    (server, hunt)
}

async fn hunt(world: &World, log: &Log, flags: &[(&'static str, &str)], calls: usize) -> Bag {
    let (server, hunt) = prepare(world, log, flags).await;
    assert_planted(&hunt).await;
    let bag = hunt.go(calls).await;
    server.stop().await;
    bag
}

/// Asserts that nothing leaked although everything was there to leak.
fn assert_quiet(bag: &Bag) {
    let leaks: Vec<_> = bag.leaks.iter().take(20).collect();
    assert!(leaks.is_empty(), "{} leaks: {leaks:#?}", bag.leaks.len());
    assert!(
        bag.codes["Ok"] * 4 > bag.calls,
        "too few lists are answered: {:?}",
        bag.codes
    );
    for (list, owners) in &bag.seen {
        assert!(!owners.is_empty(), "nobody saw anything with {list}");
    }
}

/// Asserts that there is a canary in every text of every list.
async fn assert_planted(hunt: &Hunt) {
    let staff = |who: &&who::Who| who.role == Some(Role::Auditor) && who.ecosystems == [7];
    let auditor = hunt.everybody.iter().find(staff).unwrap();
    let mut bare = Vec::new();
    for list in &hunt.lists {
        let found = hunt.texts(auditor, list).await;
        for path in list.texts() {
            let texts = found.get(&path);
            let sings = |text: &String| text.to_lowercase().replace('_', "-").contains("cnry-e07-");
            let word = path.rsplit('.').next().unwrap();
            let named = format!("{}.{path}", list.method.name);
            let none = NO_CANARY.contains(&word) || NO_CANARY.contains(&named.as_str());
            if !none && !texts.is_some_and(|texts| texts.iter().any(sings)) {
                bare.push(named);
            }
        }
    }
    assert_eq!(bare, [""; 0], "texts without a canary");
}

fn nobody_is_told_what_is_somebody_elses(engine: Engine) {
    among_canaries(engine, async |world, log| {
        assert_quiet(&hunt(&world, &log, &[], calls()).await);
        let (of_calls, _) = log.counts();
        assert!(of_calls > 0, "no line of any call was seen");
    });
}

#[test]
fn nobody_is_told_what_is_somebody_elses_on_sqlite() {
    nobody_is_told_what_is_somebody_elses(Engine::Sqlite);
}

#[test]
fn nobody_is_told_what_is_somebody_elses_on_postgres() {
    nobody_is_told_what_is_somebody_elses(Engine::Postgres);
}

/// Asserts that a snapshot tells everybody of an ecosystem what their lists do, no more and no less.
async fn assert_whole(hunt: &Hunt) {
    let of_one = |who: &&who::Who| who.role.is_some() && who.ecosystems == [7];
    let (mut kinds, mut alike) = (BTreeSet::new(), 0);
    for who in hunt.everybody.iter().filter(of_one) {
        let whole = hunt.whole(who).await;
        kinds.extend(whole.keys().cloned());
        for list in hunt.lists.iter().filter(|list| list.is_for(who.role)) {
            let told = whole.iter().find(|(kind, _)| list.lists(kind));
            let told = told.map_or_else(Vec::new, |(_, told)| {
                told.iter().map(|bytes| list.row(bytes)).collect()
            });
            if !kinds.iter().any(|kind| list.lists(kind)) {
                continue;
            }
            let listed = hunt.rows(who, list).await;
            let same = match list.is_of_one() {
                true => listed.iter().all(|row| told.contains(row)),
                false => listed == told,
            };
            let (name, role) = (list.method.name, who.role);
            let (listed, told) = (listed.len(), told.len());
            assert!(
                same,
                "{role:?}: {name} answers {listed}, a snapshot tells {told}"
            );
            alike += listed;
        }
    }
    println!(
        "{} kinds are told, and {alike} resources as they are listed",
        kinds.len()
    );
    assert_eq!(kinds.len(), 22, "{kinds:?}");
}

fn a_snapshot_tells_everybody_what_the_lists_do(engine: Engine) {
    among_canaries(engine, async |world, log| {
        let (server, hunt) = prepare(&world, &log, &[]).await;
        assert_whole(&hunt).await;
        server.stop().await;
    });
}

#[test]
fn a_snapshot_tells_everybody_what_the_lists_do_on_sqlite() {
    a_snapshot_tells_everybody_what_the_lists_do(Engine::Sqlite);
}

#[test]
fn a_snapshot_tells_everybody_what_the_lists_do_on_postgres() {
    a_snapshot_tells_everybody_what_the_lists_do(Engine::Postgres);
}

/// Asserts that events tell everybody what a resource is only where their own lists show it, and what it
/// is there, as long as nothing that tells less has happened to it since.
async fn assert_states(hunt: &Hunt) {
    let of_one = |who: &&who::Who| who.role.is_some() && who.ecosystems == [7];
    let events = hunt
        .lists
        .iter()
        .find(|list| list.method.name == "ListEvents")
        .unwrap();
    let (mut tellers, mut same, mut other) = (BTreeSet::new(), 0, BTreeSet::new());
    let everything = |who| async move {
        let whole = hunt.whole(who).await.into_iter();
        let named = |(kind, rows): (String, Vec<Vec<u8>>)| {
            let named = move |row: Vec<u8>| ((kind.clone(), hunt::name_of(&row)), row);
            rows.into_iter().map(named)
        };
        whole.flat_map(named).collect::<BTreeMap<_, _>>()
    };
    let auditor = |who: &&who::Who| who.role == Some(Role::Auditor) && who.ecosystems == [7];
    let auditor = hunt.everybody.iter().find(auditor).unwrap();
    let there_is = everything(auditor).await;
    for who in hunt
        .everybody
        .iter()
        .filter(of_one)
        .filter(|who| events.is_for(who.role))
    {
        let shown = everything(who).await;
        let told = hunt.rows(who, events).await;
        let told = told
            .iter()
            .map(|row| pb::Event::decode(row.encode_to_vec().as_slice()).unwrap());
        let told: Vec<pb::Event> = told.collect();
        let mut last = BTreeMap::new();
        for event in &told {
            let Some(state) = &event.state else {
                last.remove(&event.resource);
                continue;
            };
            let named = (state.type_url.clone(), event.resource.clone());
            // What was removed since is shown to nobody.
            let is_own = shown.contains_key(&named) || !there_is.contains_key(&named);
            assert!(is_own, "{:?} is told what {} is", who.role, event.resource);
            tellers.insert(format!("{:?}", who.role.unwrap()));
            last.insert(event.resource.clone(), (named, &state.value, &event.r#type));
        }
        for (named, value, kind) in last.into_values() {
            match shown.get(&named) {
                Some(row) if row == value => same += 1,
                Some(row) => other.extend(
                    differing(&named.0, row, value).map(|field| format!("{kind}: {field}")),
                ),
                None => {}
            }
        }
    }
    println!("{same} resources are told as they are listed, and others but for {other:?}");
    let expected = [
        "Auditor",
        "ChannelManager",
        "EcosystemAdmin",
        "FinanceApprover",
        "Service",
    ];
    assert_eq!(
        tellers.iter().map(String::as_str).collect::<Vec<_>>(),
        expected
    );
    assert!(same > 300, "{same}");
    other.retain(|field| !SILENT.contains(&field.as_str()));
    assert_eq!(other, BTreeSet::new());
}

/// What changes by itself, or beside something else, and no event tells: the last event that is about it, and
/// the field. A parent that is awaited is planted past the server. What a batch pays is told of the batch and
/// not of its awards; which of these was held before that, their ids decide. Since when a webhook fails, each
/// attempt decides.
const SILENT: [&str; 5] = [
    "account.created: pending_parent_external_id",
    "account.merged: pending_parent_external_id",
    "award.approved: buckets",
    "award.hold_released: buckets",
    "webhook.created: failing_since_time",
];

/// The names of the fields in which two messages of a type differ.
fn differing(kind: &str, one: &[u8], other: &[u8]) -> impl Iterator<Item = String> + use<> {
    let pool = DescriptorPool::decode(trellis_api::FILE_DESCRIPTOR_SET).unwrap();
    let kind = kind.rsplit('/').next().unwrap();
    let descriptor = pool.get_message_by_name(kind).unwrap();
    let read = |bytes: &[u8]| DynamicMessage::decode(descriptor.clone(), bytes).unwrap();
    let (one, other) = (read(one), read(other));
    let fields: Vec<_> = descriptor.fields().collect();
    let differ = move |field: &FieldDescriptor| one.get_field(field) != other.get_field(field);
    fields
        .into_iter()
        .filter(differ)
        .map(|field| field.name().to_owned())
}

fn an_event_tells_nobody_what_their_lists_do_not(engine: Engine) {
    among_canaries(engine, async |world, log| {
        let (server, hunt) = prepare(&world, &log, &[]).await;
        assert_states(&hunt).await;
        server.stop().await;
    });
}

#[test]
fn an_event_tells_nobody_what_their_lists_do_not_on_sqlite() {
    an_event_tells_nobody_what_their_lists_do_not(Engine::Sqlite);
}

#[test]
fn an_event_tells_nobody_what_their_lists_do_not_on_postgres() {
    an_event_tells_nobody_what_their_lists_do_not(Engine::Postgres);
}

/// A server whose queries have lost their conditions on the ecosystem, as one of the roles.
async fn hunt_bare(world: &World, log: &Log, role: &str, calls: usize) -> Bag {
    let bare = Bare::open(world).await;
    let flags = [
        ("database-url", &*bare.url(role)),
        (
            "database-rls",
            if role == ABOVE { "off" } else { "require" },
        ),
    ];
    let bag = hunt(world, log, &flags, calls).await;
    assert!(
        bare.stripped() > 50,
        "{} conditions were taken away",
        bare.stripped()
    );
    bag
}

#[test]
fn row_level_security_alone_keeps_ecosystems_apart() {
    among_canaries(Engine::Postgres, async |world, log| {
        assert_quiet(&hunt_bare(&world, &log, BELOW, calls()).await);
    });
}

#[test]
fn without_conditions_and_without_row_level_security_everything_leaks() {
    among_canaries(Engine::Postgres, async |world, log| {
        make_role_above(&world).await;
        let bag = hunt_bare(&world, &log, ABOVE, FEW).await;
        assert_loud(&bag, "cnry-e");
        assert!(bag.leaks.len() > 100, "{} leaks", bag.leaks.len());
    });
}

/// Asserts that a leak was found which says this.
#[track_caller]
fn assert_loud(bag: &Bag, what: &str) {
    let loud = bag.leaks.iter().find(|leak| leak.contains(what));
    println!("{} leaks, such as {loud:?}", bag.leaks.len());
    assert!(loud.is_some(), "nothing was found: {:?}", bag.codes);
}

#[test]
fn a_scope_that_is_too_wide_is_found() {
    among_canaries(Engine::Sqlite, async |world, log| {
        // Partners' people, whose calls the server takes for those of the staff.
        let (server, mut hunt) = prepare(&world, &log, &[]).await;
        let everybody = &mut hunt.everybody;
        let staff: Vec<_> = everybody
            .iter()
            .filter(|who| who.role == Some(Role::Auditor) && who.ecosystems.len() == 1)
            .map(|who| who.token.clone())
            .collect();
        everybody.retain(|who| who.role == Some(Role::PartnerAdmin) && who.ecosystems.len() == 1);
        for who in everybody {
            who.token.clone_from(&staff[who.ecosystems[0]]);
        }
        // Few lists, so that each is asked for often enough to be heard whatever the seed.
        let heard = ["ListPartners", "ListDeals", "ListEvents", "ListJournals"];
        hunt.lists.retain(|list| heard.contains(&list.method.name));
        let bag = hunt.go(FEW).await;
        server.stop().await;
        for list in heard {
            assert_loud(&bag, &format!("by {list},"));
        }
        assert_loud(&bag, "by WatchEvents,");
        assert_loud(&bag, "by a snapshot,");
    });
}

#[test]
fn one_row_of_another_ecosystem_is_found() {
    among_canaries(Engine::Sqlite, async |world, log| {
        let strange = leak::canary(8, '1', 1);
        let planted = format!(
            "UPDATE partners SET display_name = '{strange}' WHERE ecosystem = '{}'",
            ecosystem(7)
        );
        copy::past_everything(&world, &planted).await;
        let (server, mut hunt) = prepare(&world, &log, &[]).await;
        hunt.everybody.retain(|who| who.ecosystems == [7]);
        let bag = hunt.go(FEW).await;
        server.stop().await;
        assert_loud(&bag, &strange);
        let others = bag.leaks.iter().filter(|leak| !leak.contains(&strange));
        assert_eq!(others.count(), 0, "{:?}", bag.leaks);
    });
}

#[test]
fn one_log_line_of_a_call_is_found() {
    let log = Log::default();
    log.listen();
    let under_way = listen::UnderWay {
        sight: leak::Sight::default(),
        asked: b"cnry-e01-p1-0001".to_vec(),
    };
    log.begin("7", std::sync::Arc::new(under_way));
    tracing::dispatcher::with_default(&log.dispatch(), || {
        let _call = tracing::info_span!("call", request_id = "7").entered();
        tracing::debug!(of = "cnry-e01-p1-0001", "what was asked");
        assert_eq!(log.leaks(), [""; 0]);
        tracing::debug!(of = "cnry-e02-p1-0001", "what was not");
    });
    assert_eq!(log.counts(), (2, 0));
    assert_eq!(log.leaks().len(), 1, "{:?}", log.leaks());
    // What belongs to no call says no canary at all.
    tracing::dispatcher::with_default(&log.dispatch(), || {
        tracing::info!("cnry-e01-p1-0001");
    });
    assert_eq!(log.leaks().len(), 2);
}
