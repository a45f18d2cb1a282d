//! A read takes one round trip, and so it needs no connections of another kind.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use sea_orm::{ConnectOptions, Database, EntityTrait};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use trellis_core::PartnerId;

use crate::partner::partner as partners;
use crate::support::{call, everything, postgres};
use crate::{Settings, Store, record};

const READS: u64 = 50;

/// Stands before PostgreSQL, and counts how often something is asked after an answer.
struct Between {
    folder: TempDir,
    trips: Arc<AtomicU64>,
}

impl Between {
    fn start(url: &str) -> Self {
        let server: sea_orm::sqlx::postgres::PgConnectOptions = url.parse().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).unwrap();
        let trips = Arc::new(AtomicU64::new(0));
        let counted = trips.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let counted = counted.clone();
                if let Some(folder) = server.get_socket() {
                    let file = format!(".s.PGSQL.{}", server.get_port());
                    let server = UnixStream::connect(folder.join(file)).await.unwrap();
                    pass(client, server, counted);
                } else {
                    let address = (server.get_host(), server.get_port());
                    pass(client, TcpStream::connect(address).await.unwrap(), counted);
                }
            }
        });
        Self { folder, trips }
    }

    /// The same database, reached through here.
    fn url(&self, url: &str) -> String {
        let folder: &Path = self.folder.path();
        format!("{url}&host={}&port=5432", folder.display())
    }

    fn so_far(&self) -> u64 {
        self.trips.load(Ordering::SeqCst)
    }
}

/// Passes on what both say, until one of them ends.
fn pass<S>(client: UnixStream, server: S, trips: Arc<AtomicU64>)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let answered = Arc::new(AtomicBool::new(true));
    let asks = answered.clone();
    let (from_client, to_client) = split(client);
    let (from_server, to_server) = split(server);
    tokio::spawn(hand_on(from_client, to_server, move || {
        trips.fetch_add(
            u64::from(asks.swap(false, Ordering::SeqCst)),
            Ordering::SeqCst,
        );
    }));
    tokio::spawn(hand_on(from_server, to_client, move || {
        answered.store(true, Ordering::SeqCst);
    }));
}

async fn hand_on(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    meanwhile: impl Fn(),
) {
    let mut bytes = vec![0; 65_536];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        meanwhile();
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_and_a_page_take_one_round_trip_each() {
    let Some(fixture) = postgres().await else {
        return;
    };
    fixture.add(call("acme"), "nimbus").await.unwrap();
    let between = Between::start(&fixture.url);
    let settings = Settings::new(between.url(&fixture.url));
    let store = Store::connect(&settings, fixture.clock.clone())
        .await
        .unwrap();
    let nimbus = PartnerId::try_new("nimbus").unwrap();
    let mut before = 0;
    for read in 0..=READS {
        let view = store.read(&call("acme")).await.unwrap();
        let found = record::find::<partners::Entity>(&view, &nimbus).await;
        assert!(found.unwrap().is_some());
        let page = record::page::<partners::Entity>(&view, &everything(10)).await;
        assert_eq!(page.unwrap().rows.len(), 1);
        // The first time, statements are prepared.
        if read == 0 {
            before = between.so_far();
        }
    }
    assert_eq!(between.so_far() - before, 2 * READS);
}

/// The control of the test above.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_drivers_own_pool_takes_more() {
    let Some(fixture) = postgres().await else {
        return;
    };
    let between = Between::start(&fixture.url);
    let mut options = ConnectOptions::new(between.url(&fixture.url));
    options
        .max_connections(1)
        .sqlx_logging(false)
        .test_before_acquire_if_idle_for(Duration::from_secs(30));
    let pool = Database::connect(options).await.unwrap();
    partners::Entity::find().one(&pool).await.unwrap();
    let before = between.so_far();
    for _ in 0..READS {
        partners::Entity::find().one(&pool).await.unwrap();
    }
    let trips = between.so_far() - before;
    assert!(trips >= 2 * READS - 1, "{trips}");
}
