//! Who calls: finds the principal behind a call's credential, and lets its answer be seen through
//! that principal's eyes.
//!
//! What the principal may is not decided here but where the request is opened, which knows what it
//! is about. A call without a principal is answered by nobody. Only health is told to anybody, who
//! learns nothing from it but that the server lives.
//!
//! A call that is to last gets its credential along, so that it can be asked again.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;
use trellis_api::exposed::through;
use trellis_api::heard::About;
use trellis_api::{Heard, ecosystem_name};
use trellis_core::access::Rights;
use trellis_core::{Eyes, Principal};

use super::{Rest, Serve, Step};
use crate::credentials::{self, Credentials, Found};
use crate::methods::{Method, Shape};
use crate::peer::PrincipalKey;
use crate::refusal;

/// What is told to anybody.
const HEALTH: &str = "/grpc.health.v1.Health/";

/// Tells the rest of the way who calls.
#[derive(Clone)]
pub(super) struct Identities(pub(super) Credentials);

impl Step for Identities {
    async fn answer<S: Serve>(&self, mut request: Request<Body>, rest: Rest<S>) -> Response<Body> {
        if request.uri().path().starts_with(HEALTH) {
            return rest.run(request).await;
        }
        let caller = self.0.find(request.headers(), request.extensions());
        let found = match caller.await {
            Ok(found) => found,
            Err(unknown) => {
                tell(&request);
                return refusal::answer(&unknown);
            }
        };
        let method = request.extensions().get::<Method>();
        if method.is_some_and(|method| method.shape() == Shape::Watch) {
            let credential = self.0.borne(&request, found.expire_time);
            request.extensions_mut().insert(credential);
        }
        let Found {
            principal,
            page_keys,
            expire_time: _,
        } = found;
        let eyes = principal.eyes();
        let extensions = request.extensions_mut();
        if principal.rights != Rights::Unlimited {
            extensions.insert(PrincipalKey(principal.actor.to_string()));
        }
        if let Some(page_keys) = page_keys {
            extensions.insert(page_keys);
        }
        extensions.insert(principal);
        rest.run(request).await.map(|body| seen(body, eyes))
    }
}

/// Tells whoever keeps a record in which ecosystem somebody tried who did not prove who they are, as far
/// as what they showed says it.
fn tell(request: &Request<Body>) {
    let heard = request.extensions().get::<Heard>();
    if let (Some(heard), Some(ecosystem)) = (heard, credentials::claimed(request.headers())) {
        heard.tell(|| About {
            resource: ecosystem_name(&ecosystem),
            ecosystem,
            principal: None,
            person: None,
        });
    }
}

/// Lets the answer to a caller who is known be seen through their eyes.
#[derive(Clone)]
pub(super) struct Sight;

impl Step for Sight {
    async fn answer<S: Serve>(&self, request: Request<Body>, rest: Rest<S>) -> Response<Body> {
        let principal = request.extensions().get::<Arc<Principal>>();
        // Nobody is answered anything; whoever they are, they see no more than a partner.
        let eyes = principal.map_or(Eyes::Partner, |principal| principal.eyes());
        rest.run(request).await.map(|body| seen(body, eyes))
    }
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
