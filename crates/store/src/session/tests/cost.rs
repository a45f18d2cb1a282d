//! What row level security and the connections that know their ecosystem cost in processor time, of
//! this process and of the database together, as ratios of one run:
//! `cargo test -p trellis-store --lib cost -- --ignored --nocapture`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use sea_orm::{
    ColumnTrait, ConnectionTrait, Database, DatabaseBackend, EntityTrait, QueryFilter, Statement,
};
use trellis_core::{EcosystemId, PartnerId};

use super::as_superuser;
use crate::partner::partner as partners;
use crate::support::{Fixture, call, one_connection, partner, postgres};
use crate::{Error, Settings, Store, record};

const ROUNDS: usize = 60;
const CALLS: usize = 200;
const ECOSYSTEMS: usize = 64;

type Work = Arc<dyn Fn(usize) -> BoxFuture<'static, ()> + Send + Sync>;

/// The processor time that this process and the database's backends have used, in ticks. Unlike the
/// time by the clock it is not changed by what else the machine does.
async fn used(fixture: &Fixture) -> u64 {
    let superuser = one_connection(&fixture.superuser_url).await;
    let backends = "SELECT pid FROM pg_stat_activity \
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let backends = Statement::from_string(DatabaseBackend::Postgres, backends);
    let rows = superuser.query_all_raw(backends).await.unwrap();
    superuser.close().await.unwrap();
    let mut pids = vec![i32::try_from(std::process::id()).unwrap()];
    pids.extend(
        rows.iter()
            .map(|row| row.try_get_by_index::<i32>(0).unwrap()),
    );
    let mut ticks = 0;
    for pid in pids {
        // A backend that has ended just now used nothing worth counting.
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let after_name = stat.rsplit(')').next().unwrap();
        let times = after_name.split_whitespace().skip(11).take(2);
        ticks += times.map(|time| time.parse::<u64>().unwrap()).sum::<u64>();
    }
    ticks
}

/// Runs each in turn, several rounds, and tells what each used as a ratio of the first.
async fn compare(fixture: &Fixture, what: &str, works: &[(&str, Work)]) -> Vec<f64> {
    let mut sums = vec![0_u64; works.len()];
    for round in 0..=ROUNDS {
        for (sum, (_, work)) in sums.iter_mut().zip(works) {
            let (before, started) = (used(fixture).await, Instant::now());
            for call in 0..CALLS {
                work(call).await;
            }
            let spent = used(fixture).await.saturating_sub(before);
            // The first round warms everything up.
            *sum += if round == 0 { 0 } else { spent };
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "the machine is stuck"
            );
        }
    }
    let sums: Vec<f64> = sums
        .iter()
        .map(|sum| f64::from(u32::try_from(*sum).unwrap()))
        .collect();
    for ((name, _), sum) in works.iter().zip(&sums) {
        eprintln!("{what}, {name}: {sum} ticks, {:.2}", sum / sums[0]);
    }
    sums
}

fn get(store: &Store, ecosystem: impl Fn(usize) -> String + Send + Sync + 'static) -> Work {
    let store = store.clone();
    Arc::new(move |number| {
        let (store, call) = (store.clone(), call(&ecosystem(number)));
        Box::pin(async move {
            let id = PartnerId::try_new(&format!("p{}", number % 1_000)).unwrap();
            let view = store.read(&call).await.unwrap();
            let found = record::find::<partners::Entity>(&view, &id).await.unwrap();
            assert!(found.is_some());
        })
    })
}

fn create(store: &Store) -> Work {
    let store = store.clone();
    Arc::new(move |_| {
        let store = store.clone();
        Box::pin(async move {
            let id = format!("n-{:x}", rand::random::<u64>());
            let call = trellis_core::Call {
                request_id: Some(uuid::Uuid::from_u128(rand::random())),
                ..call("e0")
            };
            let written = store.write(call, id, |txn, id| async move {
                record::insert::<partners::Entity>(&txn, partner(&txn, &id)).await?;
                crate::event::append(&txn, crate::event::NewEvent::new("partner.created", id));
                Ok::<(), Error>(())
            });
            written.await.unwrap();
        })
    })
}

async fn filled() -> Option<(Fixture, Store, Store)> {
    let fixture = postgres().await?;
    let mut statements = Vec::new();
    for index in 0..ECOSYSTEMS {
        statements.push(format!(
            "INSERT INTO ecosystems VALUES ('e{index}', '', 'UTC', 'USD', false, 0, 1, 0, 0)"
        ));
        statements.push(format!(
            "INSERT INTO partners (ecosystem, id, display_name, partner_type, state, version, \
             create_time, update_time) SELECT 'e{index}', 'p' || g, '', 'RESELLER', 'ACTIVE', 1, \
             0, 0 FROM generate_series(0, 999) AS g"
        ));
    }
    statements.push("ANALYZE".to_owned());
    as_superuser(&fixture, &statements).await;
    let mut stores = Vec::new();
    for url in [&fixture.superuser_url, &fixture.url] {
        let settings = Settings::new(url);
        let store = Store::connect(&settings, fixture.clock.clone()).await;
        stores.push(store.unwrap());
    }
    let [above, held] = stores.try_into().ok().unwrap();
    Some((fixture, above, held))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it measures, for a minute or two"]
async fn a_get_by_key_costs_at_most_a_tenth_more_than_without() {
    let Some((fixture, above, held)) = filled().await else {
        return;
    };
    let mut options = sea_orm::ConnectOptions::new(&fixture.superuser_url);
    options
        .max_connections(16)
        .sqlx_logging(false)
        .test_before_acquire_if_idle_for(Duration::from_secs(30));
    let pool = Database::connect(options).await.unwrap();
    let plain: Work = Arc::new(move |number| {
        let pool = pool.clone();
        Box::pin(async move {
            let ecosystem = EcosystemId::try_new("e0").unwrap();
            let id = PartnerId::try_new(&format!("p{}", number % 1_000)).unwrap();
            let found = partners::Entity::find()
                .filter(partners::COLUMN.ecosystem.eq(ecosystem))
                .filter(partners::COLUMN.id.eq(id));
            assert!(found.one(&pool).await.unwrap().is_some());
        })
    });
    let works = [
        ("above row level security", get(&above, |_| "e0".to_owned())),
        ("under it", get(&held, |_| "e0".to_owned())),
        (
            "under it, 4 ecosystems",
            get(&held, |n| format!("e{}", n % 4)),
        ),
        (
            "under it, 64 ecosystems",
            get(&held, |n| format!("e{}", n % ECOSYSTEMS)),
        ),
        ("the driver's own pool", plain),
    ];
    let sums = compare(&fixture, "get", &works).await;
    assert!(sums[1] < 1.1 * sums[0], "{sums:?}");
    let works = [
        ("above row level security", create(&above)),
        ("under it", create(&held)),
    ];
    compare(&fixture, "create", &works).await;
}
