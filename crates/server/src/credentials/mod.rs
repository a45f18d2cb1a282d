//! Who calls: finds the principal behind a call's credential, whatever kind it is.
//!
//! * An API key: `authorization: Bearer trellis_...`. Its roles are rows.
//! * A token of a configured issuer: `authorization: Bearer eyJ...`. Its roles are what its claims
//!   are mapped to, and what was granted to its subject.
//! * A client certificate, where the settings say in which ecosystems those count. Its roles are
//!   what was granted to its name.
//!
//! A call that carries `authorization` is judged by that alone, so that one who shows a bad key is
//! never let in by a certificate.
//!
//! What was granted is remembered for [`MEMORY`], so that most calls ask the database nothing. Those
//! that must know at once ask it, and everybody else learns from their answer.

mod name;
mod remembered;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{Extensions, HeaderMap};
use trellis_api::PageKeys;
use trellis_api::open::Unauthenticated;
use trellis_core::access::{Grant, Rights};
use trellis_core::{Actor, Clock, Code, EcosystemId, Failure, Principal};
use trellis_platform::access::authenticate;
use trellis_platform::access::secret::{PREFIX, Pepper};
use trellis_store::Store;
use trellis_store::platform::api_key;
use trellis_store::platform::secret::{self, Purpose};

use crate::identity::Issuers;
use crate::methods::Method;
use crate::peer::PeerCertificate;
use crate::settings::Settings;
use remembered::{Known, Remembered};

/// How long what was granted is remembered.
pub(crate) const MEMORY: Duration = Duration::from_secs(5);

/// How often a server that asks nobody who they are looks whether there are API keys by now.
const LOOK: Duration = Duration::from_secs(1);

/// How often it is noted that a key is used.
const NOTED: Duration = Duration::from_secs(60);

/// Why it is not known who calls.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unknown {
    /// Nothing proves it.
    #[error(transparent)]
    Unauthenticated(#[from] Unauthenticated),
    /// What would prove it cannot be read.
    #[error(transparent)]
    Store(Arc<trellis_store::Error>),
}

impl From<trellis_store::Error> for Unknown {
    fn from(error: trellis_store::Error) -> Self {
        Self::Store(Arc::new(error))
    }
}

impl Failure for Unknown {
    fn code(&self) -> Code {
        match self {
            Self::Unauthenticated(unknown) => unknown.code(),
            Self::Store(error) => error.code(),
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Unauthenticated(unknown) => unknown.reason(),
            Self::Store(error) => error.reason(),
        }
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Unauthenticated(unknown) => unknown.metadata(),
            Self::Store(error) => error.metadata(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unauthenticated(unknown) => unknown.retry_after(),
            Self::Store(error) => error.retry_after(),
        }
    }
}

/// Tells who calls.
#[derive(Clone)]
pub(crate) struct Credentials(Kind);

#[derive(Clone)]
enum Kind {
    /// Asks, as soon as there is anything to ask for.
    Asking(Arc<Inner>),
    /// Asks nobody: for tests of everything else.
    #[cfg(test)]
    Nobody,
}

struct Inner {
    issuers: Arc<Issuers>,
    /// The ecosystems in which client certificates count.
    certificates: Vec<EcosystemId>,
    store: Store,
    pepper: Pepper,
    page_keys: PageKeys,
    clock: Arc<dyn Clock>,
    remembered: Remembered,
    asks: Asks,
}

/// Whether callers are asked who they are: from the first credential on that there can be.
struct Asks {
    everybody: AtomicBool,
    looked: AtomicI64,
}

impl Credentials {
    /// Reads what it takes to know callers.
    ///
    /// # Errors
    /// The database cannot be read.
    pub(crate) async fn try_new(
        settings: &Settings,
        issuers: Arc<Issuers>,
        store: Store,
        pepper: Pepper,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, trellis_store::Error> {
        let page_secret = secret::get(&store, Purpose::PageTokens).await?;
        let certificates = settings.client_ca_ecosystems.values().to_vec();
        let configured = !issuers.is_empty() || !certificates.is_empty();
        let asks = Asks {
            everybody: AtomicBool::new(configured || api_key::any(&store).await?),
            looked: AtomicI64::new(clock.now().micros()),
        };
        Ok(Self(Kind::Asking(Arc::new(Inner {
            issuers,
            certificates,
            store,
            pepper,
            page_keys: PageKeys::new(page_secret, None, clock.clone()),
            remembered: Remembered::new(clock.clone()),
            clock,
            asks,
        }))))
    }

    /// Believes whoever calls.
    #[cfg(test)]
    pub(crate) fn nobody() -> Self {
        Self(Kind::Nobody)
    }

    /// Finds the principal behind a call, and what their page tokens are sealed with.
    ///
    /// # Errors
    /// See [`Unknown`].
    pub(crate) async fn find(
        &self,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> Result<(Arc<Principal>, Option<PageKeys>), Unknown> {
        match &self.0 {
            Kind::Asking(inner) => {
                let principal = inner.principal(headers, extensions).await?;
                Ok((principal, Some(inner.page_keys.clone())))
            }
            #[cfg(test)]
            Kind::Nobody => Ok((unidentified(), None)),
        }
    }

    /// Whether anybody is asked who they are.
    pub(crate) fn asks(&self) -> bool {
        match &self.0 {
            Kind::Asking(inner) => inner.asks(),
            #[cfg(test)]
            Kind::Nobody => false,
        }
    }
}

/// Whoever calls, where nobody is asked.
fn unidentified() -> Arc<Principal> {
    Arc::new(Principal::unidentified(Actor::anonymous()))
}

impl Inner {
    fn asks(&self) -> bool {
        self.asks.everybody.load(Ordering::Acquire)
    }

    /// The principal behind a call.
    async fn principal(
        &self,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> Result<Arc<Principal>, Unknown> {
        if !self.asks() && !self.look().await? {
            return Ok(unidentified());
        }
        let at_once = extensions.get::<Method>().is_none_or(Method::is_at_once);
        if headers.contains_key(AUTHORIZATION) {
            let secret = bearer(headers).ok_or(Unauthenticated)?;
            return if secret.starts_with(PREFIX) {
                self.of_key(secret, at_once).await
            } else {
                self.of_token(secret, at_once).await
            };
        }
        let certificate = extensions.get::<Arc<PeerCertificate>>();
        let name = certificate.and_then(|certificate| name::of_certificate(certificate));
        match name.filter(|_| !self.certificates.is_empty()) {
            Some(actor) => self.of_certificate(actor, at_once).await,
            None => Err(Unauthenticated.into()),
        }
    }

    /// Looks, now and then, whether there are API keys by now. Somebody else may have made the first.
    async fn look(&self) -> Result<bool, Unknown> {
        let Self {
            asks, clock, store, ..
        } = self;
        let now = clock.now().micros();
        let looked = asks.looked.load(Ordering::Relaxed);
        let due = i64::try_from(LOOK.as_micros()).unwrap_or(i64::MAX);
        if now.saturating_sub(looked) < due && now >= looked {
            return Ok(false);
        }
        asks.looked.store(now, Ordering::Relaxed);
        let any = api_key::any(store).await?;
        if any {
            asks.everybody.store(true, Ordering::Release);
            tracing::warn!("there are API keys now: from here on every caller is asked for one");
        }
        Ok(any)
    }

    async fn of_key(&self, secret: &str, at_once: bool) -> Result<Arc<Principal>, Unknown> {
        let load = async {
            let bearer = authenticate::bearer(&self.store, &self.pepper, secret).await?;
            let bearer = bearer.ok_or(Unauthenticated)?;
            self.note_use(&bearer);
            Ok(Known {
                principal: Arc::new(bearer.principal),
                expire_time: bearer.expire_time,
                read_time: self.clock.now(),
            })
        };
        let known = self.remembered.get(secret, at_once, load).await?;
        Ok(known.principal.clone())
    }

    async fn of_token(&self, token: &str, at_once: bool) -> Result<Arc<Principal>, Unknown> {
        let identity = self.issuers.verify(token, self.clock.now()).await;
        let identity = identity.map_err(|rejected| {
            tracing::info!(%rejected, "a token was rejected");
            Unauthenticated
        })?;
        let mut principal = name::of_identity(identity);
        let Rights::Granted(claimed) = &mut principal.rights else {
            return Ok(Arc::new(principal));
        };
        let ecosystems: Vec<_> = claimed.iter().map(|(of, _)| of.clone()).collect();
        let granted = self.granted(&principal.actor, &ecosystems, at_once).await?;
        for ((_, grants), (_, more)) in claimed.iter_mut().zip(granted) {
            for grant in more {
                if !grants.contains(&grant) {
                    grants.push(grant);
                }
            }
        }
        Ok(Arc::new(principal))
    }

    async fn of_certificate(&self, actor: Actor, at_once: bool) -> Result<Arc<Principal>, Unknown> {
        let granted = self.granted(&actor, &self.certificates, at_once).await?;
        Ok(Arc::new(Principal {
            actor,
            person: None,
            rights: Rights::Granted(granted),
        }))
    }

    /// What somebody was granted in these ecosystems.
    async fn granted(
        &self,
        actor: &Actor,
        ecosystems: &[EcosystemId],
        at_once: bool,
    ) -> Result<Vec<(EcosystemId, Vec<Grant>)>, Unknown> {
        let load = async {
            let granted = authenticate::granted(&self.store, actor, ecosystems).await?;
            Ok(Known {
                principal: Arc::new(Principal {
                    actor: actor.clone(),
                    person: None,
                    rights: Rights::Granted(granted),
                }),
                expire_time: None,
                read_time: self.clock.now(),
            })
        };
        let mut name = actor.to_string();
        for ecosystem in ecosystems {
            name.push('\0');
            name.push_str(ecosystem.as_str());
        }
        let known = self.remembered.get(&name, at_once, load).await?;
        Ok(match &known.principal.rights {
            Rights::Granted(granted) => granted.clone(),
            Rights::Unlimited => Vec::new(),
        })
    }

    /// Notes in the background that a key is used, unless that was noted of late.
    fn note_use(&self, bearer: &authenticate::Bearer) {
        let now = self.clock.now();
        let lately = bearer
            .last_use_time
            .is_some_and(|last| now.since(last) < NOTED && last <= now);
        if lately {
            return;
        }
        let store = self.store.clone();
        let (ecosystem, key) = (bearer.ecosystem.clone(), bearer.key.clone());
        tokio::spawn(async move {
            if let Err(error) = authenticate::note_use(&store, ecosystem, key).await {
                tracing::warn!(%error, "the use of an API key could not be noted");
            }
        });
    }
}

/// The token of a call that carries one, and no other credential beside it.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let only = all.next().filter(|_| all.next().is_none())?;
    let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}
