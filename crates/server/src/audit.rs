//! Enters in the audit trail what happens outside of a transaction: what was refused, and who read what is
//! sensitive. Has the trail sealed, with the key that the settings name.
//!
//! Entering is done after the answer, in batches, so that nobody waits for it. What waits is bounded: when the
//! database is slower than those who are refused, entries are left out, counted by a metric and told in
//! the log. A server that is killed loses the entries of the last moments.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use opentelemetry::metrics::{Counter, Meter};
use tokio::sync::mpsc;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_util::sync::CancellationToken;
use trellis_core::{Clock, EcosystemId, Timestamp};
use trellis_platform::audit::note::{InvalidKey, Signer};
use trellis_platform::audit::sealer;
use trellis_store::audit::{self, Draft};
use trellis_store::platform::secret::{self, Purpose};
use trellis_store::{Error, Store};

use crate::settings::Settings;

/// How many entries may wait.
const QUEUE_MAX: usize = 8_192;

/// How long a batch gathers.
const GATHER: Duration = Duration::from_millis(50);

/// How many entries a batch has at most.
const BATCH_MAX: usize = 2_048;

/// How many entries a second there may be that name nobody. Whoever proves nothing could otherwise fill
/// the trail of any ecosystem whose id they know.
const NAMELESS_PER_SECOND: NonZeroU32 = NonZeroU32::MIN.saturating_add(49);

/// How often a batch is tried that the database does not take.
const ATTEMPTS: u32 = 5;

/// How long it rests after an attempt that failed.
const REST: Duration = Duration::from_millis(200);

/// How often the log tells at most that entries were left out.
const TELL: Duration = Duration::from_secs(10);

/// Takes what is to be entered. Cloning it shares the queue.
#[derive(Clone)]
pub(crate) struct Recorder(Option<Arc<Queue>>);

struct Queue {
    waiting: mpsc::Sender<(EcosystemId, Draft)>,
    nameless: DefaultDirectRateLimiter,
    clock: Arc<dyn Clock>,
    lost: Lost,
}

/// What was left out.
#[derive(Clone)]
struct Lost {
    all: Counter<u64>,
    untold: Arc<AtomicU64>,
}

impl Lost {
    fn count(&self, entries: usize) {
        let entries = u64::try_from(entries).unwrap_or(u64::MAX);
        self.all.add(entries, &[]);
        self.untold.fetch_add(entries, Ordering::Relaxed);
    }

    fn tell(&self) {
        let entries = self.untold.swap(0, Ordering::Relaxed);
        if entries > 0 {
            tracing::error!(
                entries,
                "entries were left out of the audit trail: see docs/audit.md"
            );
        }
    }
}

/// Writes what was taken.
pub(crate) struct Recording {
    store: Store,
    waiting: mpsc::Receiver<(EcosystemId, Draft)>,
    lost: Lost,
}

/// A recorder, and what writes for it.
pub(crate) fn recorder(
    store: Store,
    clock: Arc<dyn Clock>,
    meter: &Meter,
) -> (Recorder, Recording) {
    let (sender, receiver) = mpsc::channel(QUEUE_MAX);
    let lost = Lost {
        all: meter
            .u64_counter("trellis.audit.lost")
            .with_description("Entries that were left out of the audit trail.")
            .build(),
        untold: Arc::default(),
    };
    let queue = Queue {
        waiting: sender,
        nameless: RateLimiter::direct(Quota::per_second(NAMELESS_PER_SECOND)),
        clock,
        lost: lost.clone(),
    };
    let recording = Recording {
        store,
        waiting: receiver,
        lost,
    };
    (Recorder(Some(Arc::new(queue))), recording)
}

impl Recorder {
    /// Takes nothing: for services without their port.
    pub(crate) fn deaf() -> Self {
        Self(None)
    }

    /// Takes an entry, which is made of the time by the deployment's clock. It never waits.
    pub(crate) fn take(&self, ecosystem: &EcosystemId, draft: impl FnOnce(Timestamp) -> Draft) {
        let Some(queue) = &self.0 else {
            return;
        };
        let draft = draft(queue.clock.now());
        let is_too_many = draft.principal.is_none() && queue.nameless.check().is_err();
        if is_too_many || queue.waiting.try_send((ecosystem.clone(), draft)).is_err() {
            queue.lost.count(1);
        }
    }
}

impl Recording {
    /// Writes until `stop`, and then what is left.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let telling = self.lost.clone();
        let tells = tokio::spawn({
            let stop = stop.clone();
            async move {
                let rest = || tokio::time::sleep(TELL);
                while stop.run_until_cancelled(rest()).await.is_some() {
                    telling.tell();
                }
            }
        });
        while let Some(first) = self.next(&stop).await {
            self.write(first).await;
        }
        while let Ok(left) = self.waiting.try_recv() {
            self.write(left).await;
        }
        if let Err(error) = tells.await {
            tracing::error!(%error, "telling of entries that were left out failed");
        }
        self.lost.tell();
    }

    /// What waits first, once a batch has gathered behind it.
    async fn next(&mut self, stop: &CancellationToken) -> Option<(EcosystemId, Draft)> {
        let first = stop.run_until_cancelled(self.waiting.recv()).await??;
        stop.run_until_cancelled(tokio::time::sleep(GATHER)).await;
        Some(first)
    }

    /// Writes what waits, at most a batch.
    async fn write(&mut self, (ecosystem, first): (EcosystemId, Draft)) {
        let mut batch: BTreeMap<EcosystemId, Vec<Draft>> = BTreeMap::new();
        batch.insert(ecosystem, vec![first]);
        for _ in 1..BATCH_MAX {
            let Ok((ecosystem, draft)) = self.waiting.try_recv() else {
                break;
            };
            batch.entry(ecosystem).or_default().push(draft);
        }
        for (ecosystem, drafts) in batch {
            let count = drafts.len();
            match enter(&self.store, &ecosystem, &drafts).await {
                // What names an ecosystem that is not there is in nobody's trail.
                Ok(true | false) => {}
                Err(error) => {
                    tracing::error!(%error, %ecosystem, count, "entries could not be written");
                    self.lost.count(count);
                }
            }
        }
    }
}

async fn enter(store: &Store, ecosystem: &EcosystemId, drafts: &[Draft]) -> Result<bool, Error> {
    let mut attempt = 1;
    loop {
        match audit::record(store, ecosystem, drafts.to_vec()).await {
            Err(error) if attempt < ATTEMPTS => {
                tracing::debug!(%error, "entries of the audit trail are tried again");
                tokio::time::sleep(REST * attempt).await;
                attempt += 1;
            }
            outcome => return outcome,
        }
    }
}

/// Seals the trails of all ecosystems, every now and then, until `stop`.
pub(crate) async fn seal_all(
    store: Store,
    signer: Arc<Signer>,
    every: Duration,
    stop: CancellationToken,
) {
    let rest = || tokio::time::sleep(every);
    while stop.run_until_cancelled(rest()).await.is_some() {
        let ecosystems = match store.read_all().ids().await {
            Ok(ecosystems) => ecosystems,
            Err(error) => {
                tracing::error!(%error, "it is not known which audit trails there are to seal");
                continue;
            }
        };
        for ecosystem in ecosystems {
            match sealer::seal(&store, &signer, &ecosystem).await {
                // Another server is at it.
                Ok(()) | Err(Error::Contended) => {}
                Err(error) => {
                    tracing::error!(%error, %ecosystem, "an audit trail could not be sealed");
                }
            }
        }
    }
}

/// The key that checkpoints are signed with cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Its file cannot be read.
    #[error("audit-key-file {path} cannot be read")]
    File {
        /// The file.
        path: String,
        /// What the system, or PEM, says.
        source: pem::Error,
    },
    /// It is no such key.
    #[error("audit-key-file: {0}")]
    Key(#[from] InvalidKey),
    /// The database has none.
    #[error("the key of the audit trail cannot be read")]
    Store(#[source] Box<Error>),
}

/// What signs the checkpoints of a deployment, and knows those that it signed before.
///
/// # Errors
/// See [`KeyError`].
pub(crate) async fn signer(settings: &Settings, store: &Store) -> Result<Signer, KeyError> {
    let origin = settings.audit_origin.as_str();
    let trusted = settings.audit_trusted_keys.values();
    let kept = secret::get(store, Purpose::Audit).await;
    let kept = kept.map_err(|error| KeyError::Store(Box::new(error)))?;
    let kept = Signer::of_seed(origin, &kept, trusted)?;
    let Some(path) = settings.audit_key_file.path() else {
        return Ok(kept);
    };
    let read = PrivatePkcs8KeyDer::from_pem_file(path).map_err(|source| KeyError::File {
        path: path.display().to_string(),
        source,
    })?;
    // What was signed before there was a file is believed like everything else that was.
    let trusted = [trusted, &[kept.public()]].concat();
    Ok(Signer::of_pkcs8(origin, read.secret_pkcs8_der(), &trusted)?)
}
