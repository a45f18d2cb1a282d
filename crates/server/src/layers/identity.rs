//! Who calls: finds the principal behind a call's credential, and lets its answer be seen through
//! that principal's eyes.
//!
//! What the principal may is not decided here but where the request is opened, which knows what it
//! is about. A call without a principal is answered by nobody. Only health is told to anybody, who
//! learns nothing from it but that the server lives.

use std::fmt::Write as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::AUTHORIZATION;
use http::{HeaderMap, Request, Response};
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use sha2::{Digest, Sha256};
use tonic::Status;
use tonic::body::Body;
use trellis_api::exposed::through;
use trellis_api::open::Unauthenticated;
use trellis_core::access::{Grant, Rights};
use trellis_core::{Actor, Clock, Eyes, Principal, Role};

use super::{Rest, Serve, Step};
use crate::identity::{EcosystemGrant, Identity, Issuers};
use crate::peer::PrincipalKey;
use crate::refusal;

/// What is told to anybody.
const HEALTH: &str = "/grpc.health.v1.Health/";

/// Tells who calls.
#[derive(Clone)]
pub(crate) struct Identities {
    issuers: Arc<Issuers>,
    clock: Arc<dyn Clock>,
}

impl Identities {
    /// Believes the tokens of these issuers; when there are none, whoever reaches the port.
    pub(crate) fn new(issuers: Arc<Issuers>, clock: Arc<dyn Clock>) -> Self {
        Self { issuers, clock }
    }

    /// The principal behind a call's credential.
    async fn principal(&self, headers: &HeaderMap) -> Option<Principal> {
        if self.issuers.is_empty() {
            return Some(Principal::unidentified(Actor::anonymous()));
        }
        let token = bearer(headers)?;
        match self.issuers.verify(token, self.clock.now()).await {
            Ok(identity) => Some(of(identity)),
            Err(rejected) => {
                tracing::info!(%rejected, "a token was rejected");
                None
            }
        }
    }
}

impl Step for Identities {
    async fn answer<S: Serve>(&self, mut request: Request<Body>, rest: Rest<S>) -> Response<Body> {
        let Some(principal) = self.principal(request.headers()).await else {
            if request.uri().path().starts_with(HEALTH) {
                return rest.run(request).await;
            }
            return refusal::answer(&Unauthenticated);
        };
        let eyes = principal.eyes();
        let extensions = request.extensions_mut();
        if principal.rights != Rights::Unlimited {
            extensions.insert(PrincipalKey(principal.actor.to_string()));
        }
        extensions.insert(Arc::new(principal));
        rest.run(request).await.map(|body| seen(body, eyes))
    }
}

/// The token of a call that carries one, and no other credential beside it.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let only = all.next().filter(|_| all.next().is_none())?;
    let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// Who a token proves its bearer to be, as a principal.
fn of(identity: Identity) -> Principal {
    let Identity {
        issuer,
        subject,
        person,
        ecosystems,
        expire_time: _,
    } = identity;
    let granted = ecosystems
        .into_iter()
        .map(|EcosystemGrant { ecosystem, roles }| {
            let grants = roles.into_iter().filter_map(|(role, partner)| {
                // The settings map to these very names.
                let role = Role::try_new(role.as_str()).ok()?;
                Some(Grant { role, partner })
            });
            (ecosystem, grants.collect())
        });
    Principal {
        actor: actor(&issuer, &subject),
        person: person.and_then(|person| Actor::try_new(&person).ok()),
        rights: Rights::Granted(granted.collect()),
    }
}

/// The name under which a bearer acts: `{issuer}:{subject}`, with a hash of a subject that is too
/// long for a name or has letters that a name has not. Two subjects never share one.
fn actor(issuer: &str, subject: &str) -> Actor {
    Actor::try_new(&format!("{issuer}:{subject}")).unwrap_or_else(|_| {
        let mut hashed = String::new();
        for byte in Sha256::digest(format!("{issuer}\0{subject}")) {
            // Writing to a text cannot fail.
            let _ = write!(hashed, "{byte:02x}");
        }
        Actor::try_new(&format!("sha256:{hashed}")).unwrap_or_else(|_| Actor::anonymous())
    })
}

/// The body of an answer for these eyes. For the staff it is the answer as it is.
fn seen(body: Body, eyes: Eyes) -> Body {
    match eyes {
        Eyes::Staff => body,
        Eyes::Partner => Body::new(Seen { body, eyes }),
    }
}

/// An answer that is encoded for somebody's eyes, whenever and wherever that happens.
struct Seen {
    body: Body,
    eyes: Eyes,
}

impl HttpBody for Seen {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let eyes = self.eyes;
        through(eyes, || Pin::new(&mut self.body).poll_frame(context))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
