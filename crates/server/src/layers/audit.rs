//! Tells the audit trail of calls that change nothing and are entered all the same: commands that are
//! refused, and reads of what is sensitive.
//!
//! A command that succeeds enters itself, in its own transaction. One that failed by a fault of the server,
//! or ran out of time, was not refused: whether it was done, its own entry tells.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{HeaderMap, Request, Response};
use hyper::body::{Body as _, Bytes, Frame};
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use trellis_api::Heard;
use trellis_store::audit::Draft;

use super::metrics::name;
use super::request_id::RequestId;
use super::{Rest, Serve, Step, body};
use crate::audit::Recorder;
use crate::methods::{Method, Work};
use crate::refusal::Shed;

/// Tells of each call that is to be entered, once it has ended.
#[derive(Clone)]
pub(super) struct Audits(pub(super) Recorder);

impl Step for Audits {
    async fn answer<S: Serve>(&self, mut request: Request<Body>, rest: Rest<S>) -> Response<Body> {
        let method = request.extensions().get::<Method>();
        let Some(method) = method.filter(|method| method.is_audited()).cloned() else {
            return rest.run(request).await;
        };
        let heard = Heard::default();
        let mut listening = Listening {
            recorder: self.0.clone(),
            method,
            call_id: request.extensions().get::<RequestId>().cloned(),
            heard: heard.clone(),
            is_done: false,
        };
        request.extensions_mut().insert(heard);
        let response = rest.run(request).await;
        // There may be any number of them.
        if response.extensions().get::<Shed>().is_some() {
            listening.is_done = true;
            return response;
        }
        if body::code(response.headers()).is_none() {
            return body::through(response, listening);
        }
        listening.end(response.headers());
        response
    }
}

/// A call that is to be entered. One that is dropped was given up by its caller.
struct Listening {
    recorder: Recorder,
    method: Method,
    call_id: Option<RequestId>,
    heard: Heard,
    is_done: bool,
}

impl Listening {
    /// Tells of a call by the headers or trailers that end it.
    fn end(&mut self, headers: &HeaderMap) {
        let Some(code) = body::code(headers) else {
            return;
        };
        let reason = || {
            let status = Status::from_header_map(headers)?;
            Some(status.get_details_error_info()?.reason)
        };
        self.tell(code, reason);
    }

    fn tell(&mut self, code: Code, reason: impl FnOnce() -> Option<String>) {
        if std::mem::replace(&mut self.is_done, true) || !is_entered(self.method.work(), code) {
            return;
        }
        let Some(about) = self.heard.about() else {
            return;
        };
        self.recorder.take(&about.ecosystem, |time| Draft {
            time,
            method: self.method.path().to_owned(),
            resource: about.resource.clone(),
            code: name(code),
            reason: reason().filter(|reason| !reason.is_empty()),
            call_id: self.call_id.as_ref().map(|id| id.as_str().to_owned()),
            request_id: None,
            principal: about.principal.clone(),
            person: about.person.clone(),
        });
    }
}

impl body::Frames for Listening {
    fn poll(
        &mut self,
        body: Pin<&mut Body>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(body.poll_frame(cx));
        if let Some(Ok(frame)) = &frame
            && let Some(trailers) = frame.trailers_ref()
        {
            self.end(trailers);
        }
        Poll::Ready(frame)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.tell(Code::Cancelled, || None);
    }
}

/// Whether a call that ended so is entered from here.
fn is_entered(work: Work, code: Code) -> bool {
    match code {
        Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::ResourceExhausted
        | Code::Unimplemented
        | Code::Unauthenticated => true,
        // Who reads, and goes away before the end, may have read it.
        Code::Ok | Code::Cancelled => work == Work::Read,
        Code::Unknown
        | Code::DeadlineExceeded
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_and_what_is_read_is_entered_and_faults_are_not() {
        for code in [Code::PermissionDenied, Code::FailedPrecondition] {
            assert!(is_entered(Work::Write, code) && is_entered(Work::Read, code));
        }
        assert!(is_entered(Work::Read, Code::Ok));
        // A command that succeeds enters itself.
        assert!(!is_entered(Work::Write, Code::Ok));
        assert!(!is_entered(Work::Write, Code::Internal));
    }
}
