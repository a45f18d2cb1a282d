//! A well-behaved client that calls at a modest pace, and notices when it is served worse.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, interval, timeout};
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

/// How often it calls.
const PACE: Duration = Duration::from_millis(10);

/// How long it waits.
const PATIENCE: Duration = Duration::from_secs(5);

/// What it noticed.
#[derive(Debug, Default)]
pub(crate) struct Noticed {
    pub(crate) errors: Vec<String>,
    took: Vec<Duration>,
}

impl Noticed {
    /// The time in which all but one in a hundred calls were answered.
    pub(crate) fn p99(&self) -> Duration {
        let mut took = self.took.clone();
        took.sort_unstable();
        let at = took.len().saturating_sub(1 + took.len() / 100);
        took.get(at).copied().unwrap_or_default()
    }
}

/// A client at work.
pub(crate) struct Victim {
    stop: Arc<AtomicBool>,
    calling: JoinHandle<Noticed>,
}

impl Victim {
    /// Connects and begins to call.
    pub(crate) async fn start(address: SocketAddr) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        let channel = endpoint.connect().await.unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let calling = tokio::spawn(call(channel, stop.clone()));
        Self { stop, calling }
    }

    /// Stops, and tells what it noticed.
    pub(crate) async fn stop(self) -> Noticed {
        self.stop.store(true, Ordering::Relaxed);
        self.calling.await.unwrap()
    }

    /// Calls for some time, and tells what it noticed.
    pub(crate) async fn watch(address: SocketAddr, time: Duration) -> Noticed {
        let victim = Self::start(address).await;
        tokio::time::sleep(time).await;
        victim.stop().await
    }
}

async fn call(channel: Channel, stop: Arc<AtomicBool>) -> Noticed {
    let mut client = HealthClient::new(channel);
    let mut noticed = Noticed::default();
    let mut pace = interval(PACE);
    while !stop.load(Ordering::Relaxed) {
        pace.tick().await;
        let began = Instant::now();
        match timeout(PATIENCE, client.check(HealthCheckRequest::default())).await {
            Ok(Ok(_)) => noticed.took.push(began.elapsed()),
            Ok(Err(status)) => noticed.errors.push(status.to_string()),
            Err(_) => noticed.errors.push("no answer".to_owned()),
        }
    }
    noticed
}
