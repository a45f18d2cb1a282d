//! Watching over several processes: one that is killed and started again, and two of one deployment.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rand::Rng as _;
use tokio::time::sleep;
use tonic::Code;
use tonic::transport::Endpoint;
use trellis_api::partner::v1 as partner;
use trellis_api::platform::v1 as pb;
use trellis_tests::database::Database;
use trellis_tests::{Caller, Engine, World};

use super::scene::{Watcher, after, from_first, from_now, make_ecosystem, named};
use crate::edge::process::Process;

/// How often the server is killed.
const KILLS: usize = 3;

/// Whoever is served, by the server that there is now.
#[derive(Clone)]
pub(super) struct Served(Arc<Mutex<Caller>>);

impl Served {
    pub(super) fn by(server: &Process) -> Self {
        Self(Arc::new(Mutex::new(calling(server))))
    }

    /// From now on it is this server.
    fn goes_on(&self, server: &Process) {
        *self.0.lock().unwrap() = calling(server);
    }

    pub(super) fn caller(&self) -> Caller {
        self.0.lock().unwrap().clone()
    }
}

fn calling(server: &Process) -> Caller {
    let endpoint = Endpoint::from_shared(format!("http://{}", server.address));
    Caller::new(endpoint.unwrap().connect_lazy())
}

/// Makes partners one after the other, each until it is there.
async fn write(served: Served, stop: Arc<AtomicBool>) -> BTreeSet<String> {
    let mut made = BTreeSet::new();
    for number in 0.. {
        let id = format!("partner-{number}");
        let request = partner::CreatePartnerRequest {
            request_id: uuid::Uuid::from_u128(rand::rng().random()).to_string(),
            ..named(&id)
        };
        while served
            .caller()
            .partners()
            .create_partner(request.clone())
            .await
            .is_err()
        {
            sleep(Duration::from_millis(10)).await;
        }
        made.insert(format!("ecosystems/acme/partners/{id}"));
        if stop.load(Ordering::SeqCst) {
            break;
        }
    }
    made
}

/// Watches, and goes on after the last position whenever the server was killed.
async fn watch(served: Served, until: Arc<Mutex<Option<usize>>>) -> (Vec<pb::Event>, usize) {
    let (mut told, mut position, mut streams) = (Vec::<pb::Event>::new(), String::new(), 0);
    loop {
        let request = match position.as_str() {
            "" => from_first("acme"),
            position => after("acme", position),
        };
        let Ok(mut watcher) = Watcher::open(&served.caller(), request).await else {
            sleep(Duration::from_millis(10)).await;
            continue;
        };
        streams += 1;
        while let Ok(Some(message)) = watcher.next().await {
            position = message.position;
            told.extend(
                message
                    .event
                    .filter(|event| event.r#type == "partner.created"),
            );
            if until
                .lock()
                .unwrap()
                .is_some_and(|count| told.len() >= count)
            {
                return (told, streams);
            }
        }
    }
}

/// Has partners made before whoever is served and watched meanwhile, until all faults have happened. Each that was
/// made must be told of, once, whatever happened. Answers how many streams that took.
pub(super) async fn undergo(
    label: &str,
    served: Served,
    faults: impl Future<Output = ()>,
) -> usize {
    make_ecosystem(&served.caller()).await;
    let (stop, until) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(None)));
    let writing = tokio::spawn(write(served.clone(), stop.clone()));
    let watching = tokio::spawn(watch(served, until.clone()));
    faults.await;
    sleep(Duration::from_millis(300)).await;
    stop.store(true, Ordering::SeqCst);
    let made = writing.await.unwrap();
    *until.lock().unwrap() = Some(made.len());
    let (told, streams) = watching.await.unwrap();
    let resources: Vec<_> = told.iter().map(|event| event.resource.clone()).collect();
    println!("{label}: {} events in {streams} streams", told.len());
    assert_eq!(resources.iter().cloned().collect::<BTreeSet<_>>(), made);
    assert_eq!(resources.len(), made.len(), "an event was told twice");
    assert!(made.len() > 10, "{} events", made.len());
    streams
}

/// Waits for as long as it takes that something is under way.
pub(super) async fn a_while() {
    sleep(Duration::from_millis(rand::rng().random_range(500..1_000))).await;
}

async fn killed(engine: Engine) {
    let Some(mut database) = Database::fresh(engine).await else {
        return;
    };
    let url = database.url().to_owned();
    let start = || {
        Process::start(&[
            ("database-url", url.as_str()),
            ("database-connections-max", "8"),
        ])
    };
    let first = start();
    let served = Served::by(&first);
    let mut server = Some(first);
    let kills = async {
        for _ in 0..KILLS {
            a_while().await;
            // Dropped it is killed, as by `kill -9`.
            drop(server.take());
            served.goes_on(server.insert(start()));
        }
    };
    let streams = undergo(&format!("{engine:?}"), served.clone(), kills).await;
    assert!(streams > KILLS, "{streams} streams");
    drop(server);
    database.delete().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_loses_nothing_on_sqlite() {
    killed(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_loses_nothing_on_postgres() {
    killed(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_process_writes_is_told_by_another_soon() {
    trellis_tests::run(Engine::Postgres, &[], async |world: World| {
        world.ecosystem("acme").await;
        // What an older transaction still hides would come after now, too.
        world.readable().await;
        let (running, another) = world.another().await;
        let mut watcher = Watcher::open(&another, from_now("acme")).await.unwrap();
        watcher.until_heartbeat().await;
        let mut longest = Duration::ZERO;
        for number in 0..10 {
            let began = Instant::now();
            let created = world
                .partners()
                .create_partner(named(&format!("p-{number}")))
                .await;
            let name = created.unwrap().into_inner().name;
            assert_eq!(watcher.events(1).await[0].resource, name);
            longest = longest.max(began.elapsed());
        }
        println!("told by another process after {longest:?} at most");
        assert!(longest < Duration::from_secs(5), "{longest:?}");
        drop(watcher);
        running.stop().await;
        // The control: the one that has stopped tells nothing more.
        let answer = another.events().watch_events(from_now("acme")).await;
        assert_eq!(answer.unwrap_err().code(), Code::Unavailable);
    })
    .await;
}
