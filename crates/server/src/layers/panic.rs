//! Turns a panic into an answer. Whatever held the panic is gone, the server is not: a transaction
//! that was open rolls back, and every other call goes on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::FutureExt;
use http::{Request, Response};
use hyper::body::{Body as _, Bytes, Frame};
use tonic::Status;
use tonic::body::Body;

use super::{Rest, Serve, Step, body};
use crate::refusal::Refusal;

/// Answers INTERNAL for a call that panics. The panic itself is told by the panic hook.
#[derive(Clone)]
pub(super) struct Panics;

impl Step for Panics {
    async fn answer<S: Serve>(&self, request: Request<Body>, rest: Rest<S>) -> Response<Body> {
        // Nothing of the call is looked at afterwards, so nothing broken can be seen.
        match AssertUnwindSafe(rest.run(request)).catch_unwind().await {
            Ok(response) if body::code(response.headers()).is_some() => response,
            Ok(response) => body::through(response, Caught { panicked: false }),
            Err(_) => Refusal::Fault.answer(),
        }
    }
}

/// Ends an answer whose messages panic while they are made.
struct Caught {
    panicked: bool,
}

impl body::Frames for Caught {
    fn poll(
        &mut self,
        body: Pin<&mut Body>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.panicked {
            return Poll::Ready(None);
        }
        catch_unwind(AssertUnwindSafe(|| body.poll_frame(cx))).unwrap_or_else(|_| {
            self.panicked = true;
            Poll::Ready(Some(Ok(body::trailers(&Refusal::Fault.status()))))
        })
    }
}
