//! Many ecosystems over few connections, with callers that go away in the middle.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgSslMode};
use sea_orm::{ConnectionTrait, Database, DatabaseBackend, DatabaseConnection, Statement};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::Semaphore;
use trellis_core::EcosystemId;

use super::{as_superuser, column};
use crate::partner::partner as partners;
use crate::session::{Reach, Sessions};
use crate::support::{Fixture, call, partner, postgres};
use crate::{Error, Settings, Store, record};

const ECOSYSTEMS: usize = 50;
const CONNECTIONS: u32 = 4;
const EVERYTHING: &str = "SELECT ecosystem FROM partners";

fn name(index: usize) -> String {
    format!("eco-{index}")
}

/// Many ecosystems, each with one partner, and a store with few connections.
async fn crowded() -> Option<(Fixture, Store)> {
    let fixture = postgres().await?;
    let mut statements = Vec::new();
    for ecosystem in (0..ECOSYSTEMS).map(name) {
        statements.push(format!(
            "INSERT INTO ecosystems VALUES ('{ecosystem}', '', 'UTC', 'USD', false, 0, 1, 0, 0)"
        ));
        statements.push(format!(
            "INSERT INTO partners (ecosystem, id, display_name, partner_type, state, version, \
             create_time, update_time) VALUES \
             ('{ecosystem}', 'first', '', 'RESELLER', 'ACTIVE', 1, 0, 0)"
        ));
    }
    as_superuser(&fixture, &statements).await;
    let settings = Settings {
        connections_max: CONNECTIONS,
        acquire_timeout: Duration::from_secs(60),
        ..Settings::new(&fixture.url)
    };
    let store = Store::connect(&settings, fixture.clock.clone())
        .await
        .unwrap();
    Some((fixture, store))
}

#[derive(Default)]
struct Seen {
    whole: AtomicUsize,
    cut: AtomicUsize,
}

/// One caller: reads without a filter, and writes, as one ecosystem after another, and sometimes
/// goes away before it has its answer.
async fn come_and_go(store: Store, caller: usize, seen: Arc<Seen>) {
    for round in 0..150 {
        let ecosystem = name(rand::random_range(0..ECOSYSTEMS));
        let patience = Duration::from_micros(rand::random_range(0..4_000));
        let writes = round % 5 == 0;
        let work = async {
            if writes {
                let id = format!("p-{caller}-{round}");
                store
                    .write(call(&ecosystem), id, |txn, id| async move {
                        record::insert::<partners::Entity>(&txn, partner(&txn, &id)).await?;
                        Ok::<(), Error>(())
                    })
                    .await
                    .unwrap();
            }
            let source = store.reading(&EcosystemId::try_new(&ecosystem).unwrap());
            column(&source.db(), EVERYTHING).await.unwrap()
        };
        // Two of three wait for their answer.
        let rows = if round % 3 == 0 {
            tokio::time::timeout(patience, work).await.ok()
        } else {
            Some(work.await)
        };
        let Some(rows) = rows else {
            seen.cut.fetch_add(1, Ordering::Relaxed);
            continue;
        };
        assert!(!rows.is_empty(), "{ecosystem} does not see its own rows");
        assert!(
            rows.iter().all(|row| *row == ecosystem),
            "{ecosystem} sees {rows:?}"
        );
        seen.whole.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_ecosystems_over_four_connections_see_their_own_rows_whoever_goes_away() {
    let Some((_fixture, store)) = crowded().await else {
        return;
    };
    let seen = Arc::new(Seen::default());
    let callers: Vec<_> = (0..12)
        .map(|caller| tokio::spawn(come_and_go(store.clone(), caller, seen.clone())))
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    let (whole, cut) = (
        seen.whole.load(Ordering::Relaxed),
        seen.cut.load(Ordering::Relaxed),
    );
    assert!(whole > 500 && cut > 50, "{whole} whole, {cut} cut");
    // Every connection came back, or was replaced: as many can be had at once as ever.
    let held = (0..CONNECTIONS).map(|_| async {
        let source = store.reading_all();
        column(&source.db(), "SELECT pg_sleep(0.1)::text")
            .await
            .unwrap()
    });
    let started = std::time::Instant::now();
    futures::future::join_all(held).await;
    assert!(
        started.elapsed() < Duration::from_millis(350),
        "{:?}",
        started.elapsed()
    );
}

/// The control of the test above: what is asked for is not always what a pool gives that does not
/// know what its connections were set to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_that_does_not_know_its_connections_mixes_ecosystems_up() {
    let Some((fixture, _)) = crowded().await else {
        return;
    };
    let mut options = sea_orm::ConnectOptions::new(&fixture.url);
    options.max_connections(CONNECTIONS).sqlx_logging(false);
    let pool = Database::connect(options).await.unwrap();
    let callers: Vec<_> = (0..8)
        .map(|_| tokio::spawn(mistaken(pool.clone())))
        .collect();
    let mut mistaken = 0;
    for caller in callers {
        mistaken += caller.await.unwrap();
    }
    assert!(mistaken > 0, "the test above could not fail");
}

async fn mistaken(pool: DatabaseConnection) -> usize {
    let mut mistaken = 0;
    for _ in 0..100 {
        let ecosystem = name(rand::random_range(0..ECOSYSTEMS));
        let set = format!("SELECT set_config('trellis.ecosystem', '{ecosystem}', false)");
        pool.execute_unprepared(&set).await.unwrap();
        let statement = Statement::from_string(DatabaseBackend::Postgres, EVERYTHING);
        let rows = pool.query_all_raw(statement).await.unwrap();
        let rows: Vec<String> = rows
            .iter()
            .map(|row| row.try_get_by_index(0).unwrap())
            .collect();
        mistaken += usize::from(rows.is_empty() || rows.iter().any(|row| *row != ecosystem));
    }
    mistaken
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_goes_away_at_any_step_leaves_no_false_memory() {
    let Some((fixture, _)) = crowded().await else {
        return;
    };
    // The answers to the two messages that set a connection are some hundred bytes.
    for steps in (0..90).step_by(6) {
        // One connection, which was never set before, and whose answers come byte by byte.
        let slow = Slow::before(&fixture.url).await;
        let sessions = Sessions::open(slow.options.clone(), 1, Duration::from_secs(10))
            .await
            .unwrap();
        slow.hold();
        let first = Reach::One(EcosystemId::try_new(&name(1)).unwrap());
        let mut taking = Box::pin(sessions.take(&first));
        let mut polls = 0;
        // Goes away after so many steps, each of which brings one byte of the answer.
        let taken = futures::future::poll_fn(|context| match taking.as_mut().poll(context) {
            Poll::Ready(session) => Poll::Ready(Some(session)),
            Poll::Pending if polls == steps => Poll::Ready(None),
            Poll::Pending => {
                polls += 1;
                slow.let_one_byte_through();
                Poll::Pending
            }
        })
        .await;
        assert!(taken.is_none(), "was not cut after {steps} steps");
        drop(taking);
        slow.let_all_through();
        for index in [1, 2, 1] {
            let reach = Reach::One(EcosystemId::try_new(&name(index)).unwrap());
            let statement = Statement::from_string(DatabaseBackend::Postgres, EVERYTHING);
            let mut session = sessions.take(&reach).await.unwrap();
            let rows = session.query_all(statement).await.unwrap();
            let rows: Vec<String> = rows
                .iter()
                .map(|row| row.try_get_by_index(0).unwrap())
                .collect();
            assert_eq!(rows, [name(index)], "cut after {steps} steps");
        }
    }
}

/// What stands before PostgreSQL and lets its answers through as fast as it is told to.
struct Slow {
    /// How to reach it.
    options: PgConnectOptions,
    bytes: Arc<Semaphore>,
}

impl Slow {
    async fn before(url: &str) -> Self {
        let real: PgConnectOptions = url.parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let options = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(listener.local_addr().unwrap().port())
            .username(real.get_username())
            .password("trellis_test_worker")
            .database(real.get_database().unwrap())
            .ssl_mode(PgSslMode::Disable);
        let bytes = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        let passing = bytes.clone();
        tokio::spawn(async move {
            while let Ok((caller, _)) = listener.accept().await {
                caller.set_nodelay(true).unwrap();
                let (questions, answers) = tokio::io::split(caller);
                let passing = passing.clone();
                match real.get_socket() {
                    Some(folder) => {
                        let file = folder.join(format!(".s.PGSQL.{}", real.get_port()));
                        let database = UnixStream::connect(file).await.unwrap();
                        tokio::spawn(relay(questions, answers, database, passing));
                    }
                    None => {
                        let database = TcpStream::connect((real.get_host(), real.get_port()));
                        let database = database.await.unwrap();
                        tokio::spawn(relay(questions, answers, database, passing));
                    }
                }
            }
        });
        Self { options, bytes }
    }

    fn hold(&self) {
        self.bytes.forget_permits(Semaphore::MAX_PERMITS);
    }

    fn let_one_byte_through(&self) {
        self.bytes.add_permits(1);
    }

    fn let_all_through(&self) {
        self.bytes.add_permits(Semaphore::MAX_PERMITS / 2);
    }
}

/// Passes questions on at once, and of the answers one byte for each permit.
async fn relay(
    mut questions: impl AsyncRead + Unpin + Send + 'static,
    mut answers: impl AsyncWrite + Unpin,
    database: impl AsyncRead + AsyncWrite + Send + 'static,
    bytes: Arc<Semaphore>,
) {
    let (mut told, mut asked) = tokio::io::split(database);
    tokio::spawn(async move {
        // Who goes away is told by the other side, too.
        drop(tokio::io::copy(&mut questions, &mut asked).await);
    });
    while let Ok(byte) = told.read_u8().await {
        bytes.acquire().await.unwrap().forget();
        if answers.write_u8(byte).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_the_server_ends_is_replaced() {
    let Some((fixture, store)) = crowded().await else {
        return;
    };
    let source = store.reading(&EcosystemId::try_new(&name(1)).unwrap());
    assert_eq!(column(&source.db(), EVERYTHING).await.unwrap(), [name(1)]);
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    as_superuser(&fixture, &[end.to_owned()]).await;
    // The one call that met the broken connection is told to try again; those after it are not.
    let met = column(&source.db(), EVERYTHING).await.unwrap_err();
    assert!(matches!(Error::from(met), Error::Unavailable(_)));
    for _ in 0..8 {
        assert_eq!(column(&source.db(), EVERYTHING).await.unwrap(), [name(1)]);
    }
}
