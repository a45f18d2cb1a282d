//! What row level security and the connections that know their ecosystem cost, as ratios of one
//! run. `cargo test -p trellis-store --lib cost -- --ignored --nocapture` prints them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use sea_orm::{ColumnTrait, Database, EntityTrait, QueryFilter};
use trellis_core::{EcosystemId, PartnerId};

use super::as_superuser;
use crate::partner::partner as partners;
use crate::support::{Fixture, call, partner, postgres};
use crate::{Error, Settings, Store, record};

const ROUNDS: usize = 101;
/// Short and many, so that whatever else the machine does meets all of them alike.
const TIME: Duration = Duration::from_millis(40);
const ECOSYSTEMS: usize = 64;

type Work = Arc<dyn Fn(usize) -> BoxFuture<'static, ()> + Send + Sync>;

/// How many were done in a second by so many callers at once.
async fn rate(work: &Work, callers: usize) -> f64 {
    let started = Instant::now();
    let callers: Vec<_> = (0..callers)
        .map(|caller| {
            let work = work.clone();
            tokio::spawn(async move {
                let mut done = 0_u32;
                while started.elapsed() < TIME {
                    work(caller * 7 + usize::try_from(done).unwrap()).await;
                    done += 1;
                }
                done
            })
        })
        .collect();
    let mut done = 0;
    for caller in callers {
        done += caller.await.unwrap();
    }
    f64::from(done) / started.elapsed().as_secs_f64()
}

/// Measures each in turn, several rounds, and tells the medians as ratios of the first.
async fn compare(what: &str, callers: usize, works: &[(&str, Work)]) -> Vec<f64> {
    let mut rates = vec![Vec::new(); works.len()];
    for _ in 0..ROUNDS {
        for (index, (_, work)) in works.iter().enumerate() {
            rates[index].push(rate(work, callers).await);
        }
    }
    let medians: Vec<f64> = rates
        .into_iter()
        .map(|mut rates| {
            rates.sort_by(f64::total_cmp);
            rates[ROUNDS / 2]
        })
        .collect();
    for ((name, _), median) in works.iter().zip(&medians) {
        let ratio = median / medians[0];
        eprintln!("{what}, {callers} callers, {name}: {median:.0}/s, {ratio:.2}");
    }
    medians
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
#[ignore = "it measures, for half a minute, and wants the machine for itself"]
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
    for callers in [1, 8] {
        let medians = compare("get", callers, &works).await;
        assert!(medians[1] > 0.9 * medians[0], "{medians:?}");
    }
    let works = [
        ("above row level security", create(&above)),
        ("under it", create(&held)),
    ];
    for callers in [1, 8] {
        compare("create", callers, &works).await;
    }
}
