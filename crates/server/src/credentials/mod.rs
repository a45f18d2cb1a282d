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

mod borne;
mod name;
mod remembered;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use http::header::AUTHORIZATION;
use http::{Extensions, HeaderMap, Request};
use tonic::body::Body;
use trellis_api::open::Unauthenticated;
use trellis_api::{Credential, PageKeys};
use trellis_core::access::{Grant, Rights};
use trellis_core::{Actor, Clock, Code, EcosystemId, Failure, Principal, Timestamp};
use trellis_platform::access::authenticate;
use trellis_platform::access::secret::{PREFIX, Pepper};
use trellis_store::Store;
use trellis_store::platform::api_key;
use trellis_store::platform::secret::{self, Purpose};

use crate::identity::Issuers;
use crate::methods::Method;
use crate::peer::PeerCertificate;
use crate::settings::Settings;
use borne::Borne;
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

/// Who calls.
pub(crate) struct Found {
    pub(crate) principal: Arc<Principal>,
    /// What their page tokens are sealed with.
    pub(crate) page_keys: Option<PageKeys>,
    /// When what they show ends, as far as that is known.
    pub(crate) expire_time: Option<Timestamp>,
}

/// How lately it must have been looked up what somebody was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// In the last few seconds: see [`MEMORY`].
    Lately,
    /// For this call.
    AtOnce,
    /// Since this moment.
    Since(Instant),
}

/// Somebody, and when what they show ends.
type Caller = (Arc<Principal>, Option<Timestamp>);

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

    /// Finds the principal behind a call.
    ///
    /// # Errors
    /// See [`Unknown`].
    pub(crate) async fn find(
        &self,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> Result<Found, Unknown> {
        let at_once = extensions.get::<Method>().is_none_or(Method::is_at_once);
        let known = if at_once {
            Asked::AtOnce
        } else {
            Asked::Lately
        };
        self.find_as(headers, extensions, known).await
    }

    async fn find_as(
        &self,
        headers: &HeaderMap,
        extensions: &Extensions,
        asked: Asked,
    ) -> Result<Found, Unknown> {
        match &self.0 {
            Kind::Asking(inner) => {
                let (principal, expire_time) = inner.principal(headers, extensions, asked).await?;
                Ok(Found {
                    principal,
                    page_keys: Some(inner.page_keys.clone()),
                    expire_time,
                })
            }
            #[cfg(test)]
            Kind::Nobody => Ok(Found {
                principal: unidentified(),
                page_keys: None,
                expire_time: None,
            }),
        }
    }

    /// The credential of a call, to be asked again while the call lasts.
    pub(crate) fn borne(
        &self,
        request: &Request<Body>,
        expire_time: Option<Timestamp>,
    ) -> Arc<dyn Credential> {
        Arc::new(Borne::new(self.clone(), request, expire_time))
    }

    /// The time by the server's clock.
    fn now(&self) -> Option<Timestamp> {
        match &self.0 {
            Kind::Asking(inner) => Some(inner.clock.now()),
            #[cfg(test)]
            Kind::Nobody => None,
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
        asked: Asked,
    ) -> Result<Caller, Unknown> {
        if !self.asks() && !self.look().await? {
            return Ok((unidentified(), None));
        }
        if headers.contains_key(AUTHORIZATION) {
            let secret = bearer(headers).ok_or(Unauthenticated)?;
            return if secret.starts_with(PREFIX) {
                self.of_key(secret, asked).await
            } else {
                self.of_token(secret, asked).await
            };
        }
        let certificate = extensions.get::<Arc<PeerCertificate>>();
        let name = certificate.and_then(|certificate| name::of_certificate(certificate));
        match name.filter(|_| !self.certificates.is_empty()) {
            Some(actor) => Ok((self.of_certificate(actor, asked).await?, None)),
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

    async fn of_key(&self, secret: &str, asked: Asked) -> Result<Caller, Unknown> {
        let load = async {
            let read = Instant::now();
            let bearer = authenticate::bearer(&self.store, &self.pepper, secret).await?;
            let bearer = bearer.ok_or(Unauthenticated)?;
            self.note_use(&bearer);
            Ok(Known {
                principal: Arc::new(bearer.principal),
                expire_time: bearer.expire_time,
                read_time: self.clock.now(),
                read,
            })
        };
        let known = self.remembered.get(secret, asked, load).await?;
        Ok((known.principal.clone(), known.expire_time))
    }

    async fn of_token(&self, token: &str, asked: Asked) -> Result<Caller, Unknown> {
        let identity = self.issuers.verify(token, self.clock.now()).await;
        let identity = identity.map_err(|rejected| {
            tracing::info!(%rejected, "a token was rejected");
            Unauthenticated
        })?;
        let expire_time = Some(identity.expire_time);
        let mut principal = name::of_identity(identity);
        let Rights::Granted(claimed) = &mut principal.rights else {
            return Ok((Arc::new(principal), expire_time));
        };
        let ecosystems: Vec<_> = claimed.iter().map(|(of, _)| of.clone()).collect();
        let granted = self.granted(&principal.actor, &ecosystems, asked).await?;
        for ((_, grants), (_, more)) in claimed.iter_mut().zip(granted) {
            for grant in more {
                if !grants.contains(&grant) {
                    grants.push(grant);
                }
            }
        }
        Ok((Arc::new(principal), expire_time))
    }

    async fn of_certificate(&self, actor: Actor, asked: Asked) -> Result<Arc<Principal>, Unknown> {
        let granted = self.granted(&actor, &self.certificates, asked).await?;
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
        asked: Asked,
    ) -> Result<Vec<(EcosystemId, Vec<Grant>)>, Unknown> {
        let load = async {
            let read = Instant::now();
            let granted = authenticate::granted(&self.store, actor, ecosystems).await?;
            Ok(Known {
                principal: Arc::new(Principal {
                    actor: actor.clone(),
                    person: None,
                    rights: Rights::Granted(granted),
                }),
                expire_time: None,
                read_time: self.clock.now(),
                read,
            })
        };
        let mut name = actor.to_string();
        for ecosystem in ecosystems {
            name.push('\0');
            name.push_str(ecosystem.as_str());
        }
        let known = self.remembered.get(&name, asked, load).await?;
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

/// The ecosystem of the API key that a call claims to bear, whether or not there is such a key.
pub(crate) fn claimed(headers: &HeaderMap) -> Option<EcosystemId> {
    trellis_platform::access::secret::claimed(bearer(headers)?).map(|(ecosystem, _)| ecosystem)
}

/// The token of a call that carries one, and no other credential beside it.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let only = all.next().filter(|_| all.next().is_none())?;
    let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}
