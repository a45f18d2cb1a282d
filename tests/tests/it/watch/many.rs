//! What those cost who watch and are told nothing, and that none waits for another.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection};
use tokio::time::sleep;
use tonic::transport::Endpoint;
use trellis_api::platform::v1 as pb;
use trellis_store::event::NewEvent;
use trellis_tests::database::Database;
use trellis_tests::{Caller, Engine, on_both};

use super::scene::{Watcher, from_now, make_ecosystem, report};
use crate::edge::process::Process;

const IDLE: usize = 1_000;

/// How long is looked at what they cost.
const WHILE: Duration = Duration::from_secs(5);

/// After how long everything that a session has done is counted, if it rests since.
const COUNTED: Duration = Duration::from_secs(11);

/// How many watch on one connection.
const ON_ONE: usize = 100;

/// What one of them may hold.
const BYTES_MAX: u64 = 64 << 10;

fn caller(server: &Process) -> Caller {
    let endpoint = Endpoint::from_shared(format!("http://{}", server.address));
    Caller::new(endpoint.unwrap().connect_lazy())
}

/// How many transactions a database has ended; each statement of a reader is one.
async fn transactions(url: &str) -> i64 {
    let mut connection = PgConnection::connect(url).await.unwrap();
    // What a session has done is counted when it has rested for a second.
    sleep(Duration::from_millis(1_500)).await;
    let sql = "SELECT xact_commit + xact_rollback FROM pg_stat_database \
        WHERE datname = current_database()";
    let count = sqlx::query_scalar(sql)
        .fetch_one(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    count
}

/// How many there are in a while.
async fn statements(url: &str) -> i64 {
    let before = transactions(url).await;
    sleep(WHILE).await;
    transactions(url).await - before
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_who_are_told_nothing_cost_a_few_statements_and_little_memory() {
    let Some(mut database) = Database::fresh(Engine::Postgres).await else {
        return;
    };
    let server = Process::start(&[
        ("database-url", database.url()),
        ("database-connections-max", "8"),
        ("principal-watches-max", "2000"),
        ("quota-reads", "100000"),
    ]);
    let first = caller(&server);
    make_ecosystem(&first).await;
    let slowly = || pb::WatchEventsRequest {
        heartbeat_interval: Some(prost_types::Duration {
            seconds: 60,
            nanos: 0,
        }),
        ..from_now("acme")
    };
    // What the first of all needs is not what each needs.
    let mut all = vec![Watcher::open(&first, slowly()).await.unwrap()];
    all[0].until_heartbeat().await;
    let alone = statements(database.owner_url()).await;
    let before = server.memory();
    for _ in 0..IDLE / ON_ONE {
        let by = caller(&server);
        for _ in 0..ON_ONE {
            let mut watcher = Watcher::open(&by, slowly()).await.unwrap();
            watcher.until_heartbeat().await;
            all.push(watcher);
        }
    }
    let each = server.memory().saturating_sub(before) / u64::try_from(IDLE).unwrap();
    sleep(COUNTED).await;
    let together = statements(database.owner_url()).await;
    println!(
        "{IDLE} who watch hold {each} bytes each; {together} statements in {WHILE:?}, {alone} with one"
    );
    assert!(each < BYTES_MAX, "{each} bytes each");
    let most = i64::try_from(IDLE).unwrap() / 4;
    assert!(
        together - alone < most,
        "{together} statements, and {alone} with one"
    );
    // The control: all of them are there, and are told.
    let partner = trellis_api::partner::v1::CreatePartnerRequest {
        parent: "ecosystems/acme".to_owned(),
        partner: Some(trellis_api::partner::v1::Partner {
            display_name: "Nimbus".to_owned(),
            partner_type: trellis_api::partner::v1::partner::PartnerType::Reseller.into(),
            ..trellis_api::partner::v1::Partner::default()
        }),
        ..trellis_api::partner::v1::CreatePartnerRequest::default()
    };
    first.partners().create_partner(partner).await.unwrap();
    for watcher in &mut all {
        assert_eq!(watcher.events(1).await[0].r#type, "partner.created");
    }
    drop((all, server));
    database.delete().await;
}

on_both! {
    async fn whoever_does_not_read_keeps_nobody_from_reading(world: World) {
        world.ecosystem("acme").await;
        world.settled("ecosystems/acme").await;
        let mut slow = Watcher::open(&Caller::new(world.channel()), from_now("acme")).await.unwrap();
        let mut fast = Watcher::open(&world, from_now("acme")).await.unwrap();
        slow.until_heartbeat().await;
        fast.until_heartbeat().await;
        // More than all that is kept for one who is slow, on the wire and off it.
        let note = "x".repeat(1_000);
        let (rounds, each) = (120_usize, 50_usize);
        for round in 0..rounds {
            let event = |number: usize| {
                NewEvent::new("thing.happened", (round * each + number).to_string()).noting(&*note)
            };
            report(world.store(), "acme", (0..each).map(event).collect()).await;
            let told = fast.events(each).await;
            assert_eq!(told[0].resource, (round * each).to_string());
        }
        let told = slow.events(rounds * each).await;
        let numbers: Vec<_> = told.into_iter().map(|event| event.resource).collect();
        let all: Vec<_> = (0..rounds * each).map(|number| number.to_string()).collect();
        assert_eq!(numbers, all);
    }
}
