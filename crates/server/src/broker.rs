//! Publishes the change feed to a message broker, if the settings name one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use opentelemetry::metrics::Meter;
use trellis_broker::{Broker, Envelope, Login, NAME, Unusable};
use trellis_platform::event::envelope::{self, Reader};
use trellis_store::Store;
use trellis_store::relay::{self, Relay};

use crate::settings::{File, NatsStart, Settings};

/// Nothing can be published.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// Files that the settings name cannot be read.
    #[error("{}", told(.0))]
    Files(Vec<(PathBuf, std::io::Error)>),
    /// What the settings say, or their files hold, is no such thing.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// The feed cannot be read.
    #[error("the places in the feeds cannot be kept")]
    Store(#[from] trellis_store::Error),
}

fn told(files: &[(PathBuf, std::io::Error)]) -> String {
    let told = files
        .iter()
        .map(|(path, error)| format!("{} cannot be read: {error}", path.display()));
    told.collect::<Vec<_>>().join("; ")
}

/// What publishes, not begun yet; nothing when no broker is named.
///
/// # Errors
/// See [`BrokerError`]. A broker that does not answer is no error.
pub(crate) async fn open(
    settings: &Settings,
    store: &Store,
    meter: &Meter,
) -> Result<Option<Relay>, BrokerError> {
    if settings.nats_url.values().is_empty() {
        return Ok(None);
    }
    let envelope = Envelope {
        media_type: envelope::MEDIA_TYPE,
        body: |event| envelope::of(event, Reader::Vendor).body,
    };
    let broker = Broker::connect(of_broker(settings)?, envelope).await?;
    if settings.nats_start == NatsStart::Now {
        relay::begin_now(store, NAME).await?;
    }
    let relay = Relay::new(store, Arc::new(broker));
    let backlog = relay.backlog();
    let _gauge = meter
        .f64_observable_gauge("trellis.broker.lag")
        .with_unit("s")
        .with_description("For how long the oldest event has been waiting to be published.")
        .with_callback(move |observer| observer.observe(backlog.age().as_secs_f64(), &[]))
        .build();
    Ok(Some(relay))
}

fn of_broker(settings: &Settings) -> Result<trellis_broker::Settings, BrokerError> {
    let mut files = Vec::new();
    let authorities = settings.nats_ca_file.path();
    if let Some(Err(error)) = authorities.map(std::fs::metadata) {
        files.push((authorities.map(Path::to_owned).unwrap_or_default(), error));
    }
    let mut read = |file: &File| {
        let path = file.path()?;
        match std::fs::read_to_string(path) {
            Ok(text) => Some(text.trim().to_owned()),
            Err(error) => {
                files.push((path.to_owned(), error));
                None
            }
        }
    };
    let user = settings.nats_user.name().map(str::to_owned);
    let password = read(&settings.nats_password_file);
    let login = (read(&settings.nats_credentials_file).map(Login::Credentials))
        .or_else(|| read(&settings.nats_nkey_file).map(Login::Nkey))
        .or_else(|| read(&settings.nats_token_file).map(Login::Token))
        .or_else(|| {
            let (name, password) = user.zip(password)?;
            Some(Login::User { name, password })
        });
    if !files.is_empty() {
        return Err(BrokerError::Files(files));
    }
    Ok(trellis_broker::Settings {
        servers: settings.nats_url.values().to_vec(),
        login: login.unwrap_or(Login::Nobody),
        authorities: authorities.map(Path::to_owned),
        stream: settings.nats_stream.as_str().to_owned(),
        prefix: settings.nats_subject_prefix.as_str().to_owned(),
        duplicate_window: settings.nats_duplicate_window,
    })
}
