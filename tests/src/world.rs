//! A server with its database and its clock.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::ops::Deref;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use sqlx::{Connection, PgConnection};
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tower::util::BoxCloneSyncService;
use trellis_api::platform::v1::{CreateEcosystemRequest, Ecosystem, UpdateEcosystemRequest};
use trellis_core::access::Grant;
use trellis_core::{EcosystemId, ManualClock, Position, Role, Timestamp};
use trellis_platform::access::secret::Pepper;
use trellis_platform::access::{First, bootstrap};
use trellis_platform::audit::note::Signer;
use trellis_server::server::{self, Running};
use trellis_server::settings::{Settings, Sources};
use trellis_store::Store;
use trellis_store::event;
use trellis_store::platform::secret::{self, Purpose};

use crate::database::{Database, Engine};
use crate::{Caller, position};

/// When every test begins: an ordinary Monday, 2026-03-02 at 10:00 UTC.
const BEGINNING: Timestamp = Timestamp::from_micros(1_772_445_600_000_000);

/// A server of its own for one test. Cloning it gives another handle to the same server.
///
/// It calls as nobody in particular: everything that a [`Caller`] does, it does too.
#[derive(Clone)]
pub struct World {
    inner: Arc<Inner>,
    caller: Caller,
}

struct Inner {
    engine: Engine,
    owner_url: String,
    address: SocketAddr,
    settings: Settings,
    store: Store,
    clock: Arc<ManualClock>,
}

/// A world together with what takes it down, for tests that do so themselves.
pub struct Started {
    /// The world.
    pub world: World,
    /// The server in it.
    pub running: Running,
    database: Database,
}

impl Started {
    /// Makes a world. `flags` are settings that differ from those of an ordinary test. Nothing when
    /// its database is left out.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn new(engine: Engine, flags: &[(&'static str, &str)]) -> Option<Self> {
        let database = Database::fresh(engine).await?;
        let (world, running) = World::start(engine, &database, flags).await;
        Some(Self {
            world,
            running,
            database,
        })
    }

    /// Takes the world down.
    ///
    /// # Panics
    /// When its database cannot be deleted.
    pub async fn end(self) {
        let Self {
            world: _,
            running,
            mut database,
        } = self;
        running.stop().await;
        database.delete().await;
    }
}

/// Runs a test body in a world of its own, and takes the world down afterwards, however the body
/// ends.
///
/// # Panics
/// When the body does, or the world cannot be made.
pub async fn run<F, R>(engine: Engine, flags: &[(&'static str, &str)], body: F)
where
    F: FnOnce(World) -> R,
    R: Future<Output = ()>,
{
    let Some(started) = Started::new(engine, flags).await else {
        eprintln!("PostgreSQL is left out");
        return;
    };
    let ended = AssertUnwindSafe(body(started.world.clone()))
        .catch_unwind()
        .await;
    started.end().await;
    if let Err(panic) = ended {
        std::panic::resume_unwind(panic);
    }
}

impl World {
    async fn start(
        engine: Engine,
        database: &Database,
        flags: &[(&'static str, &str)],
    ) -> (Self, Running) {
        let settings = settings(database.url(), flags);
        let clock = Arc::new(ManualClock::new(BEGINNING));
        let meter = opentelemetry::global::meter("trellis-tests");
        let running = server::start(&settings, clock.clone(), meter)
            .await
            .expect("the server starts");
        let address = running.address();
        let inner = Inner {
            engine,
            owner_url: database.owner_url().to_owned(),
            address,
            settings,
            store: running.store().clone(),
            clock,
        };
        let caller = Caller::new(channel(address));
        (
            Self {
                inner: Arc::new(inner),
                caller,
            },
            running,
        )
    }

    /// Another server of the same deployment, by the same clock, and a caller of it.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn another(&self) -> (Running, Caller) {
        let meter = opentelemetry::global::meter("trellis-tests");
        let clock = self.inner.clock.clone();
        let running = server::start(&self.inner.settings, clock, meter)
            .await
            .expect("the server starts");
        let caller = Caller::new(channel(running.address()));
        (running, caller)
    }

    /// The database that it runs on.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.inner.engine
    }

    /// The address that the server listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.inner.address
    }

    /// The URL of the database.
    #[must_use]
    pub fn database_url(&self) -> &str {
        self.inner.settings.database_url.reveal()
    }

    /// The URL of the database for the owner of its tables.
    #[must_use]
    pub fn owner_url(&self) -> &str {
        &self.inner.owner_url
    }

    /// The server's data layer, for what no call can show.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// The server's services without its port: for [`Seat`](crate::Seat).
    pub(crate) fn services(
        &self,
        pepper: Pepper,
    ) -> BoxCloneSyncService<http::Request<Body>, http::Response<Body>, Infallible> {
        let signer = Arc::new(Signer::of_seed("tests", &[0; 32], &[]).expect("a key"));
        server::services(&self.inner.settings, self.store(), pepper, signer)
            .expect("the descriptors decode")
    }

    /// The server's clock. It stands still until it is moved.
    #[must_use]
    pub fn clock(&self) -> &ManualClock {
        &self.inner.clock
    }

    /// Starts another server beside it, over the same database and by the same clock. `flags` are
    /// settings that differ from those of an ordinary test.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn beside(&self, flags: &[(&'static str, &str)]) -> Running {
        let settings = settings(self.database_url(), flags);
        let meter = opentelemetry::global::meter("trellis-tests");
        server::start(&settings, self.inner.clock.clone(), meter)
            .await
            .expect("another server starts")
    }

    /// Somebody who calls a server beside that of the world.
    #[must_use]
    pub fn caller_of(&self, server: &Running) -> Caller {
        Caller::new(channel(server.address()))
    }

    /// A connection of its own to the server, as another process would have.
    #[must_use]
    pub fn channel(&self) -> Channel {
        channel(self.address())
    }

    /// What the secrets of API keys are hashed with.
    ///
    /// # Panics
    /// When the database has nothing of the kind.
    pub async fn pepper(&self) -> Pepper {
        let secret = secret::get(self.store(), Purpose::ApiKeys).await;
        Pepper::new(secret.expect("every database has one"))
    }

    /// Makes an API key as whoever runs the server does, and calls with it. From then on the server
    /// asks everybody who they are.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn first(&self, ecosystem: &str, role: Role) -> Caller {
        let secret = self.first_secret(ecosystem, role).await;
        self.caller.clone().bearing(&secret)
    }

    /// The secret of such a key.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn first_secret(&self, ecosystem: &str, role: Role) -> String {
        let first = First {
            ecosystem: EcosystemId::try_new(ecosystem).expect("an id"),
            display_name: "The first key".to_owned(),
            person: None,
            grant: Grant::new(role, None),
        };
        let made = bootstrap(self.store(), &self.pepper().await, first).await;
        let (_, secret) = made.expect("a key is made");
        // The server looks now and then whether there is one.
        self.clock().advance(Duration::from_secs(1));
        secret.reveal().to_owned()
    }

    /// Calls as somebody.
    #[must_use]
    pub fn actor(&self, actor: &str) -> Caller {
        self.caller.clone().named(actor)
    }
}

impl World {
    /// Makes an ecosystem and answers its name, `ecosystems/{id}`: the parent of everything else.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn ecosystem(&self, id: &str) -> String {
        self.make_ecosystem(id, false).await
    }

    /// Makes an ecosystem whose clock can be moved, and answers its name.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn sandbox(&self, id: &str) -> String {
        self.make_ecosystem(id, true).await
    }

    /// Changes an ecosystem, and answers where in the change feed that stands.
    ///
    /// # Panics
    /// When it cannot be changed.
    pub async fn mark(&self, ecosystem: &str) -> String {
        let request = UpdateEcosystemRequest {
            ecosystem: Some(Ecosystem {
                name: ecosystem.to_owned(),
                display_name: format!("Marked {}", rand::random::<u64>()),
                ..Ecosystem::default()
            }),
            ..UpdateEcosystemRequest::default()
        };
        let marked = self.ecosystems().update_ecosystem(request).await;
        position(&marked.expect("an ecosystem is changed"))
    }

    /// Waits until everything that has happened in an ecosystem can be read. On PostgreSQL an event can
    /// be once no older transaction is running any more, of whichever test.
    ///
    /// # Panics
    /// When that takes a minute.
    pub async fn settled(&self, ecosystem: &str) {
        let mark: Position = self.mark(ecosystem).await.parse().expect("a position");
        let id = ecosystem.trim_start_matches("ecosystems/");
        let id = EcosystemId::try_new(id).expect("an id");
        for _ in 0..3_000 {
            let head = event::head(&self.store().read_access(&id)).await;
            if head.expect("the feed can be read") >= mark {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{mark} can still not be read");
    }

    /// Waits until everything that was written before can be read in the order of commits, as events and
    /// entries of the audit trail are. On SQLite it can be at once; on PostgreSQL once no transaction that
    /// is older is running any more, of whichever test.
    ///
    /// # Panics
    /// When that takes a minute.
    pub async fn readable(&self) {
        if self.engine() == Engine::Sqlite {
            return;
        }
        let mut connection = PgConnection::connect(self.owner_url())
            .await
            .expect("the server");
        let newest: i64 = sqlx::query_scalar("SELECT pg_current_xact_id()::text::bigint")
            .fetch_one(&mut connection)
            .await
            .expect("an id");
        for _ in 0..3_000 {
            let oldest = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint";
            let oldest: i64 = sqlx::query_scalar(oldest)
                .fetch_one(&mut connection)
                .await
                .expect("an id");
            if oldest > newest {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("what was written before {newest} can still not be read");
    }

    async fn make_ecosystem(&self, id: &str, sandbox: bool) -> String {
        let request = CreateEcosystemRequest {
            ecosystem_id: id.to_owned(),
            ecosystem: Some(Ecosystem {
                display_name: id.to_owned(),
                sandbox,
                ..Ecosystem::default()
            }),
            ..CreateEcosystemRequest::default()
        };
        let made = self.ecosystems().create_ecosystem(request).await;
        made.expect("an ecosystem is made").into_inner().name
    }
}

impl Deref for World {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

/// The settings of a server for tests: any free port, and everything switched on.
fn settings(database_url: &str, flags: &[(&'static str, &str)]) -> Settings {
    let usual = [
        ("listen", "127.0.0.1:0"),
        ("database-url", database_url),
        // Many servers share one PostgreSQL.
        ("database-connections-max", "8"),
        ("database-rls", "require"),
        ("reflection", "true"),
        ("drain-limit", "2s"),
        ("audit-seal-interval", "200ms"),
        // This machine stands for other systems.
        ("webhook-hosts", "127.0.0.1,localhost"),
    ];
    let unusual = flags.iter().copied();
    let others = usual
        .into_iter()
        .filter(|(name, _)| !flags.iter().any(|(flag, _)| flag == name));
    let flags = unusual
        .chain(others)
        .map(|(name, value)| (name, value.to_owned()))
        .collect();
    Sources {
        flags,
        ..Sources::default()
    }
    .load()
    .expect("the settings of tests are right")
    .settings
}

fn channel(address: SocketAddr) -> Channel {
    let uri = format!("http://{address}");
    Endpoint::from_shared(uri)
        .expect("an address is a URI")
        .connect_lazy()
}
