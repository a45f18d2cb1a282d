//! Who calls: finds the principal behind a call's credential, and lets its answer be seen through
//! that principal's eyes.
//!
//! What the principal may is not decided here but where the request is opened, which knows what it
//! is about. A call without a principal is answered by nobody.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;
use trellis_api::exposed::through;
use trellis_core::{Actor, Eyes, Principal};

use super::{Rest, Serve, Step};

/// Tells who calls.
#[derive(Clone)]
pub(crate) struct Identities;

impl Identities {
    /// A server without identities: whoever reaches its port is believed.
    pub(crate) const fn none() -> Self {
        Self
    }
}

impl Step for Identities {
    async fn answer<S: Serve>(&self, mut request: Request<Body>, rest: Rest<S>) -> Response<Body> {
        let principal = Arc::new(Principal::unidentified(Actor::anonymous()));
        let eyes = principal.eyes();
        request.extensions_mut().insert(principal);
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
