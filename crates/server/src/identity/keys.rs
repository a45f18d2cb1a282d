//! The keys of one issuer, kept fresh.
//!
//! They are fetched from where the settings say, again and again in the background, as often as the
//! issuer asks within bounds. A token whose key id is not among them may mean that the issuer has
//! just begun to sign with a new key: then they are fetched at once, but for all such tokens
//! together only once a minute, because anybody can make up key ids.
//!
//! What the issuer says last, counts: a key that it has taken away verifies nothing any more, even
//! when it was the last one. While it says nothing, the keys stay as they are, for a day.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::algorithm::{Algorithm, PublicKey};
use super::fetch::{FetchError, Fetcher};
use super::issuer::KeySource;
use super::jwk::{KeySet, NotAKeySet};
use super::location::{InvalidLocation, Location};
use super::rejected::Reason;
use super::strict::StrictObject;

/// How often keys are fetched, and how long they are good for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// The least time between two fetches for the sake of unknown key ids.
    pub(super) unknown: Duration,
    /// The bounds of the time between two fetches in the background.
    pub(super) least: Duration,
    pub(super) most: Duration,
    /// That time when the issuer asks for none.
    pub(super) usual: Duration,
    /// The time until the next try after a fetch has failed.
    pub(super) retry: Duration,
    /// How long keys are good for after the last fetch that did not fail.
    pub(super) stale: Duration,
}

impl Pace {
    /// The pace of a server.
    pub(super) const STANDARD: Self = Self {
        unknown: Duration::from_secs(60),
        least: Duration::from_secs(60),
        most: Duration::from_secs(3600),
        usual: Duration::from_secs(900),
        retry: Duration::from_secs(60),
        stale: Duration::from_secs(86_400),
    };
}

/// Why there are no new keys.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeysError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("{0}")]
    KeySet(#[from] NotAKeySet),
    #[error("the discovery document is not a JSON object with an issuer and a jwks_uri")]
    Discovery,
    #[error("the discovery document is another issuer's; its issuer must be letter by letter ours")]
    OtherIssuer,
    #[error("the jwks_uri of the discovery document {0}")]
    JwksUri(#[from] InvalidLocation),
    #[error("the jwks_uri of the discovery document is not https:// while the issuer is")]
    Downgrade,
    #[error("the file cannot be read: {0}")]
    File(#[from] std::io::Error),
    #[error("the file is larger than 256 KiB")]
    FileTooLarge,
}

/// The keys of one issuer.
#[derive(Debug)]
pub(super) struct Keys {
    alias: String,
    issuer: String,
    source: KeySource,
    fetcher: Fetcher,
    pace: Pace,
    current: RwLock<Current>,
    /// When an unknown key id was last a reason to fetch. Whoever holds it is fetching.
    asked: Mutex<Option<Instant>>,
}

#[derive(Clone, Debug, Default)]
struct Current {
    set: Arc<KeySet>,
    /// When the keys were last fetched; none before the first time.
    fetched: Option<Instant>,
    max_age: Option<Duration>,
}

impl Keys {
    pub(super) fn new(
        alias: &str,
        issuer: &str,
        source: KeySource,
        fetcher: Fetcher,
        pace: Pace,
    ) -> Arc<Self> {
        Arc::new(Self {
            alias: alias.to_owned(),
            issuer: issuer.to_owned(),
            source,
            fetcher,
            pace,
            current: RwLock::default(),
            asked: Mutex::default(),
        })
    }

    /// The key that a token names. Fetches the keys when it is not among them, unless that was
    /// tried a short while ago.
    pub(super) async fn find(
        self: &Arc<Self>,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<PublicKey, Reason> {
        let seen = self.current();
        match self.find_in(&seen, kid, algorithm) {
            Err(missing @ (Reason::UnknownKey | Reason::NoKeys)) => {
                if !self.refresh_after(seen.fetched).await {
                    return Err(missing);
                }
                self.find_in(&self.current(), kid, algorithm)
            }
            found => found,
        }
    }

    fn find_in(
        &self,
        current: &Current,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<PublicKey, Reason> {
        let fresh = |fetched: Instant| fetched.elapsed() < self.pace.stale;
        if !current.fetched.is_some_and(fresh) {
            return Err(Reason::NoKeys);
        }
        current.set.find(kid, algorithm).cloned()
    }

    /// Sees to it that the keys are newer than those of this moment; says whether they are.
    async fn refresh_after(self: &Arc<Self>, seen: Option<Instant>) -> bool {
        let mut asked = self.asked.lock().await;
        // Somebody may have fetched them while this waited for the lock.
        if self.current().fetched != seen {
            return true;
        }
        if asked.is_some_and(|last| last.elapsed() < self.pace.unknown) {
            return false;
        }
        *asked = Some(Instant::now());
        // A task of its own, so that a caller who hangs up does not take the fetch along.
        let keys = Arc::clone(self);
        let fetch = tokio::spawn(async move { keys.refresh().await });
        fetch.await.is_ok_and(|fetched| fetched)
    }

    /// Fetches the keys again and again, for ever.
    pub(super) async fn keep_fresh(self: Arc<Self>) {
        let mut fetched = self.current().fetched.is_some();
        loop {
            let pause = if fetched {
                let asked = self.current().max_age.unwrap_or(self.pace.usual);
                asked.clamp(self.pace.least, self.pace.most)
            } else {
                self.pace.retry
            };
            tokio::time::sleep(pause).await;
            fetched = self.refresh().await;
        }
    }

    /// Fetches the keys, and says in the log how that went.
    pub(super) async fn refresh(&self) -> bool {
        match self.load().await {
            Ok((set, max_age)) => {
                self.install(set, max_age);
                true
            }
            Err(error) => {
                let age = self
                    .current()
                    .fetched
                    .map(|fetched| fetched.elapsed().as_secs());
                tracing::error!(
                    issuer = self.alias,
                    error = %Chain(&error),
                    age_seconds = age,
                    stale_after_seconds = self.pace.stale.as_secs(),
                    "the issuer's keys could not be fetched; the old ones stay in use until stale",
                );
                false
            }
        }
    }

    fn install(&self, set: KeySet, max_age: Option<Duration>) {
        let before = self.current();
        if before.fetched.is_none() || *before.set != set {
            for left_out in &set.left_out {
                tracing::warn!(
                    issuer = self.alias,
                    "a key of the issuer was left out: {left_out}"
                );
            }
            if set.len() == 0 {
                tracing::error!(
                    issuer = self.alias,
                    "the issuer publishes no key that can be used; none of its tokens is accepted"
                );
            } else {
                tracing::info!(
                    issuer = self.alias,
                    keys = set.len(),
                    "the issuer's keys are new"
                );
            }
        }
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = Current {
            set: Arc::new(set),
            fetched: Some(Instant::now()),
            max_age,
        };
    }

    /// Loads the keys from where they are.
    pub(super) async fn load(&self) -> Result<(KeySet, Option<Duration>), KeysError> {
        let found;
        let location = match &self.source {
            KeySource::File(path) => return Ok((read_file(path).await?, None)),
            KeySource::Url(location) => location,
            KeySource::Discovery(location) => {
                let document = self.fetcher.get(location).await?;
                found = jwks_uri(&document.bytes, &self.issuer, location)?;
                &found
            }
        };
        let document = self.fetcher.get(location).await?;
        Ok((KeySet::try_new(&document.bytes)?, document.max_age))
    }

    fn current(&self) -> Current {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }
}

/// Where a discovery document says that the keys are.
fn jwks_uri(document: &[u8], issuer: &str, from: &Location) -> Result<Location, KeysError> {
    let StrictObject(fields) =
        serde_json::from_slice(document).map_err(|_| KeysError::Discovery)?;
    let text = |name| fields.get(name).and_then(serde_json::Value::as_str);
    let (Some(named), Some(uri)) = (text("issuer"), text("jwks_uri")) else {
        return Err(KeysError::Discovery);
    };
    if named != issuer {
        return Err(KeysError::OtherIssuer);
    }
    let location = Location::try_new(uri)?;
    if from.is_secure() && !location.is_secure() {
        return Err(KeysError::Downgrade);
    }
    Ok(location)
}

async fn read_file(path: &Path) -> Result<KeySet, KeysError> {
    if tokio::fs::metadata(path).await?.len() > 256 << 10 {
        return Err(KeysError::FileTooLarge);
    }
    Ok(KeySet::try_new(&tokio::fs::read(path).await?)?)
}

/// An error with what caused it, on one line.
struct Chain<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(formatter, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
