//! Who a bearer token proves its bearer to be.
//!
//! Any OpenID Connect issuer can vouch for callers: a person's identity provider, or a company's
//! own service that signs tokens. The settings name each [`issuer`](IssuerSettings), and a token is
//! believed in this order, each step resting on the one before:
//!
//! 1. [`token`] takes the text apart and refuses everything but one spelling of one meaning.
//! 2. The token's `iss` chooses the settings; `alg` and `typ` must be among those that the settings
//!    list. The token never chooses anything that the settings do not.
//! 3. [`keys`] has the issuer's public keys; the token's `kid` picks one of them and nothing else.
//! 4. [`algorithm`] verifies the signature.
//! 5. [`claims`] checks times, audience and purpose, and makes the [`Identity`]: the roles that the
//!    settings map, in the ecosystems that the issuer is bound to.
//!
//! Whatever fails, the caller gets one answer; the reason is for the log.
//!
//! The cryptography is `ring`, which the database's TLS brings along already. The usual crates for
//! JWTs would add another implementation of it, and would leave every check above to us all the
//! same.

mod algorithm;
mod claims;
mod fetch;
mod issuer;
mod jwk;
mod keys;
mod location;
mod rejected;
mod strict;
mod token;
mod written;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio_util::task::AbortOnDropHandle;
use trellis_core::Timestamp;

pub use algorithm::Algorithm;
pub use claims::{EcosystemGrant, Identity};
use fetch::Fetcher;
use issuer::KeySource;
pub use issuer::{IssuerSettings, RoleName};
use keys::{Keys, Pace};
use rejected::Reason;
pub use rejected::Rejected;
use token::Token;
pub use trellis_platform::webhook::sender::TlsError;
pub use written::{InvalidIssuers, read_issuers};

/// The issuers whose tokens are accepted, with their keys. Keeps the keys fresh until it is
/// dropped.
#[derive(Debug, Default)]
pub struct Issuers {
    /// By what their tokens name as `iss`.
    by_name: BTreeMap<String, Issuer>,
}

#[derive(Debug)]
struct Issuer {
    settings: IssuerSettings,
    keys: Arc<Keys>,
    _fresh: AbortOnDropHandle<()>,
}

/// The issuers cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// TLS cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A file of keys cannot be used.
    #[error("issuer {alias}: jwks-file {path}: {message}")]
    KeyFile {
        /// The issuer.
        alias: String,
        /// The file.
        path: String,
        /// What is wrong with it.
        message: String,
    },
    /// Two issuers have the same name.
    #[error("two issuers have the same alias or issuer: {0}")]
    Twice(String),
}

impl Issuers {
    /// Starts to keep the keys of these issuers, and waits until each was asked for them once.
    ///
    /// An issuer that does not answer is no error: the server starts, the log says so, its tokens
    /// are rejected until it answers, and everybody else's are accepted.
    ///
    /// # Errors
    /// When a file of keys cannot be read or has no key that can be used, when two issuers have the
    /// same name, or when TLS cannot be used.
    pub async fn try_new(settings: &[IssuerSettings]) -> Result<Self, Error> {
        if settings.is_empty() {
            return Ok(Self::default());
        }
        Self::with(settings, &Fetcher::try_new()?, Pace::STANDARD).await
    }

    async fn with(
        settings: &[IssuerSettings],
        fetcher: &Fetcher,
        pace: Pace,
    ) -> Result<Self, Error> {
        let mut started = Vec::new();
        for settings in settings {
            let keys = Keys::new(
                &settings.alias,
                &settings.issuer,
                settings.keys.clone(),
                fetcher.clone(),
                pace,
            );
            require_file(settings, &keys).await?;
            started.push((settings.clone(), keys));
        }
        // All at the same time, so that one that does not answer costs its time only once.
        futures::future::join_all(started.iter().map(|(_, keys)| keys.refresh())).await;
        let mut by_name = BTreeMap::new();
        for (settings, keys) in started {
            let taken = |other: &Issuer| other.settings.alias == settings.alias;
            let name = settings.issuer.clone();
            if by_name.contains_key(&name) || by_name.values().any(taken) {
                return Err(Error::Twice(settings.alias));
            }
            let fresh = tokio::spawn(Arc::clone(&keys).keep_fresh());
            let issuer = Issuer {
                settings,
                keys,
                _fresh: AbortOnDropHandle::new(fresh),
            };
            by_name.insert(name, issuer);
        }
        Ok(Self { by_name })
    }

    /// Whether no issuer is configured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// Verifies a token: the credentials after `Bearer `, as they came.
    ///
    /// # Errors
    /// When it is not accepted, for whatever reason.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<Identity, Rejected> {
        Ok(self.verify_at(token, now).await?)
    }

    async fn verify_at(&self, token: &str, now: Timestamp) -> Result<Identity, Reason> {
        let token = Token::try_new(token)?;
        let named = claims::issuer(&token.claims)?;
        let Issuer { settings, keys, .. } = self.by_name.get(named).ok_or(Reason::UnknownIssuer)?;
        if !claims::accepts(settings, token.typ.as_deref()) {
            return Err(Reason::TokenType);
        }
        let algorithm = Algorithm::named(&token.alg)
            .filter(|algorithm| settings.algorithms.contains(algorithm))
            .ok_or(Reason::Algorithm)?;
        let key = keys.find(token.kid.as_deref(), algorithm).await?;
        if !key.verifies(algorithm, token.signed.as_bytes(), &token.signature) {
            return Err(Reason::Signature);
        }
        claims::check(&token.claims, settings, now)
    }
}

/// Checks a file of keys at the start, when whoever wrote its path is still looking.
async fn require_file(settings: &IssuerSettings, keys: &Keys) -> Result<(), Error> {
    let KeySource::File(path) = &settings.keys else {
        return Ok(());
    };
    let message = match keys.load().await {
        Ok((set, _)) if set.len() > 0 => return Ok(()),
        Ok((set, _)) => format!("has no key that can be used: {}", set.left_out.join("; ")),
        Err(error) => error.to_string(),
    };
    Err(Error::KeyFile {
        alias: settings.alias.clone(),
        path: path.display().to_string(),
        message,
    })
}
