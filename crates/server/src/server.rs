//! Puts the server together, starts it, and stops it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use opentelemetry::metrics::Meter;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;
use tower::util::BoxCloneSyncService;
use trellis_core::Clock;
use trellis_platform::access::secret::Pepper;
use trellis_platform::audit::note::Signer;
use trellis_store::platform::secret::{self, Purpose};
use trellis_store::{Gaps, Store, worker};

use crate::audit::Recorder;
use crate::credentials::Credentials;
use crate::identity::{self, Issuers};
use crate::lag;
use crate::layers::{self, Parts};
use crate::listen::tls::Tls;
use crate::listen::{Acceptor, Drained};
use crate::methods::Methods;
use crate::routes::Part;
use crate::services;
use crate::settings::{RowSecurity, Service, Settings};
use crate::{audit, broker};
use crate::{reflection, schema};

/// How long workers may take to end what they are doing.
const WORKERS_LIMIT: Duration = Duration::from_secs(5);

/// The server could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The schema is not as it must be.
    #[error(transparent)]
    Schema(#[from] schema::Error),
    /// The database cannot be reached.
    #[error("the database cannot be reached")]
    Store(#[from] trellis_store::Error),
    /// The keys of accounts could not be made.
    #[error("the keys of accounts cannot be made")]
    Keys(#[source] Box<trellis_deal::Error>),
    /// Row level security does not hold the server's role, and the settings require that it does.
    #[error(
        "{0}. Give database-url the role that docs/postgresql.md makes for the server, or start \
         with --database-rls warn"
    )]
    RowSecurity(Gaps),
    /// The issuers whose tokens are to be accepted cannot be used.
    #[error("the issuers cannot be used")]
    Issuers(#[from] identity::Error),
    /// Nobody is asked who they are, and others than this machine would reach the address.
    #[error(
        "{0} is not a loopback address, and nobody is asked who they are, so that whoever reached it \
         might do everything. Make the first key (trellis keys create --help) or configure issuers \
         (docs/identity.md), or listen on 127.0.0.1 or [::1]"
    )]
    Exposed(SocketAddr),
    /// The key of the audit trail cannot be used.
    #[error("checkpoints of the audit trail cannot be signed")]
    Audit(#[from] audit::KeyError),
    /// The change feed cannot be published.
    #[error("the change feed cannot be published: {0}")]
    Broker(#[source] Box<broker::BrokerError>),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; is another server running?")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The files of TLS cannot be used.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] crate::TlsError),
    /// What was compiled in cannot be read.
    #[error("this build is broken: its descriptors cannot be read")]
    Descriptors(#[from] prost::DecodeError),
    /// What was compiled in cannot be told to clients.
    #[error("this build is broken: its descriptors cannot be served")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// A server that runs.
pub struct Running {
    address: SocketAddr,
    admin_address: Option<SocketAddr>,
    store: Store,
    health: HealthReporter,
    names: Vec<&'static str>,
    stop: CancellationToken,
    accepting: Vec<JoinHandle<Drained>>,
    stop_workers: CancellationToken,
    workers: Vec<JoinHandle<()>>,
}

/// Starts a server: the schema is looked at, the database opened, the address taken, in this
/// order, so that whoever reaches the address reaches a server that works.
///
/// # Errors
/// See [`Error`].
pub async fn start(
    settings: &Settings,
    clock: Arc<dyn Clock>,
    meter: Meter,
) -> Result<Running, Error> {
    let tls = Tls::try_new(settings)?;
    schema::prepare(settings).await?;
    let store = Store::connect(&of_store(settings), clock.clone()).await?;
    row_security(settings, &store).await?;
    keep_keys(settings, &store).await?;
    let issuers = Arc::new(Issuers::try_new(settings.issuers.values()).await?);
    let pepper = Pepper::new(secret::get(&store, Purpose::ApiKeys).await?);
    let credentials = Credentials::try_new(
        settings,
        issuers,
        store.clone(),
        pepper.clone(),
        clock.clone(),
    )
    .await?;
    if !credentials.asks() {
        require_loopback(settings)?;
        tracing::warn!(
            "there are no API keys, and no issuers are configured: nobody is asked who they are, and \
             whoever reaches this machine's own addresses may do everything; see docs/identity.md"
        );
    }
    let methods = Methods::try_new()?;
    let signer = Arc::new(audit::signer(settings, &store).await?);
    let relay = broker::open(settings, &store, &meter)
        .await
        .map_err(|error| Error::Broker(Box::new(error)))?;
    let (recorder, recording) = audit::recorder(store.clone(), clock, &meter);
    let services = services::all(
        settings,
        &store,
        pepper,
        signer.clone(),
        &methods,
        &recorder,
    );

    let (health, health_server) = tonic_health::server::health_reporter();
    for name in services.names.iter().chain(&[lag::HEALTH]) {
        health
            .set_service_status(name, ServingStatus::Serving)
            .await;
    }
    let mut routes = services.routes;
    routes.add(health_server.clone(), health_server);
    if settings.reflection {
        reflection::add(&mut routes, &services.names)?;
    }

    let (listener, address) = bind(settings.listen).await?;
    let admin = match settings.admin_listen.address() {
        Some(address) => Some(bind(address).await?),
        None => None,
    };

    let stop = CancellationToken::new();
    if let Some(tls) = &tls {
        tls.clone().watch(settings, stop.clone());
    }
    // Each listener has limits of its own, so that whoever crowds one keeps nobody from the other.
    let serve = |listener, part| {
        let parts = Parts {
            settings,
            methods: methods.clone(),
            meter: meter.clone(),
            stop: stop.clone(),
            credentials: credentials.clone(),
            recorder: recorder.clone(),
        };
        let (porter, service) = layers::assemble(parts, routes.only(part));
        let acceptor = Acceptor::new(settings, tls.clone(), Some(porter), &meter);
        tokio::spawn(acceptor.run(listener, service, stop.clone()))
    };
    let (part, admin_address) = match &admin {
        Some((_, address)) => (Part::Business, Some(*address)),
        None => (Part::Whole, None),
    };
    let mut accepting = vec![serve(listener, part)];
    accepting.extend(admin.map(|(listener, _)| serve(listener, Part::Whole)));
    let stop_workers = CancellationToken::new();
    let names = services.workers.iter().map(|one| one.name()).collect();
    lag::measure_workers(&meter, names, store.stalls());
    let mut workers = worker::start(
        &store,
        services.workers,
        &services.deployment,
        &stop_workers,
    );
    workers.extend(relay.map(|relay| tokio::spawn(relay.run(stop_workers.clone()))));
    workers.push(tokio::spawn(recording.run(stop_workers.clone())));
    if settings.services.has(Service::Platform) {
        workers.push(tokio::spawn(audit::seal_all(
            store.clone(),
            signer,
            settings.audit_seal_interval,
            stop_workers.clone(),
        )));
    }
    workers.push(tokio::spawn(lag::watch(
        store.clone(),
        meter,
        health.clone(),
        stop_workers.clone(),
    )));
    Ok(Running {
        address,
        admin_address,
        store,
        health,
        names: services.names,
        stop,
        accepting,
        stop_workers,
        workers,
    })
}

/// Makes the keys of accounts which an older version has made, before anybody decides by them.
async fn keep_keys(settings: &Settings, store: &Store) -> Result<(), Error> {
    if !settings.services.has(Service::Deal) {
        return Ok(());
    }
    let made = trellis_deal::account::keying::make_all(store)
        .await
        .map_err(|error| Error::Keys(Box::new(error)))?;
    if made > 0 {
        tracing::info!(accounts = made, "made the keys of accounts anew");
    }
    Ok(())
}

/// Without anybody being asked who they are, only this machine may call.
fn require_loopback(settings: &Settings) -> Result<(), Error> {
    let addresses = [Some(settings.listen), settings.admin_listen.address()];
    let mut exposed = addresses
        .into_iter()
        .flatten()
        .filter(|address| !address.ip().is_loopback());
    exposed
        .next()
        .map_or(Ok(()), |address| Err(Error::Exposed(address)))
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
    let failed = |source| Error::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// Looks whether the database itself keeps ecosystems apart from this server.
async fn row_security(settings: &Settings, store: &Store) -> Result<(), Error> {
    if settings.database_rls == RowSecurity::Off {
        return Ok(());
    }
    match store.row_security_gaps().await? {
        Some(gaps) if settings.database_rls == RowSecurity::Require => {
            Err(Error::RowSecurity(gaps))
        }
        Some(gaps) => {
            tracing::warn!(
                %gaps,
                "only the server's own filters keep ecosystems apart: see docs/postgresql.md"
            );
            Ok(())
        }
        None => Ok(()),
    }
}

impl Running {
    /// The address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address that it serves administration on, if that is another one.
    #[must_use]
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin_address
    }

    /// Its data layer.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The full names of the services that it serves.
    #[must_use]
    pub fn services(&self) -> &[&'static str] {
        &self.names
    }

    /// Stops it: health says so first, then nobody new is accepted, then the calls under way are
    /// finished within the limit, then the workers end.
    pub async fn stop(mut self) -> Drained {
        for name in self.names.iter().copied().chain([lag::HEALTH, ""]) {
            self.health
                .set_service_status(name, ServingStatus::NotServing)
                .await;
        }
        self.stop.cancel();
        let mut drained = Drained::Whole;
        for accepting in &mut self.accepting {
            match accepting.await {
                Ok(ended) => drained = drained.and(ended),
                Err(error) => tracing::error!(%error, "the accept loop failed"),
            }
        }
        self.stop_workers.cancel();
        let ended = async {
            for worker in &mut self.workers {
                if let Err(error) = worker.await {
                    tracing::error!(%error, "a worker failed");
                }
            }
        };
        if tokio::time::timeout(WORKERS_LIMIT, ended).await.is_err() {
            // What they had begun is a transaction that was not committed: another start does it.
            tracing::warn!("workers did not end in time");
            for worker in &self.workers {
                worker.abort();
            }
        }
        drained
    }
}

impl Drop for Running {
    /// A server that nobody stops properly, as after a failed test, must not live on.
    fn drop(&mut self) {
        self.stop.cancel();
        self.stop_workers.cancel();
    }
}

/// The settings of the data layer.
#[must_use]
pub fn of_store(settings: &Settings) -> trellis_store::Settings {
    trellis_store::Settings {
        url: settings.database_url.reveal().to_owned(),
        connections_max: settings.database_connections_max,
        writer_pinned: settings.database_pin_writer,
        acquire_timeout: settings.database_acquire_timeout,
        statement_timeout: settings.database_statement_timeout,
        lock_timeout: settings.database_lock_timeout,
    }
}

/// The services that these settings name, over a store, without the port and its layers: who calls
/// is whom a request's extensions name, and nobody where they name none.
///
/// # Errors
/// A descriptor set that was compiled in does not decode: the build is broken.
pub fn services(
    settings: &Settings,
    store: &Store,
    pepper: Pepper,
    signer: Arc<Signer>,
) -> Result<BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>, prost::DecodeError> {
    let (methods, deaf) = (Methods::try_new()?, Recorder::deaf());
    let all = services::all(settings, store, pepper, signer, &methods, &deaf);
    Ok(BoxCloneSyncService::new(all.routes))
}
