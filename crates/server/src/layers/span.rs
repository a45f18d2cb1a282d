//! Tells of each call: a span for its whole length, and a log line when it ends.

use std::collections::HashMap;
use std::time::Instant;

use http::{HeaderMap, Request, Response};
use opentelemetry::propagation::Extractor;
use tonic::Code;
use tonic::body::Body;
use tracing::field::Empty;
use tracing::{Instrument, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use trellis_api::open::ACTOR;
use trellis_core::Trace;

use super::request_id::RequestId;
use super::{Rest, Serve, Step, body};
use crate::methods::{Method, UNKNOWN, Work};
use crate::refusal::Shed;

/// The longest actor that is logged as it was sent.
const ACTOR_LONGEST: usize = 128;

/// Opens a span for each call and ends it with the call's code and duration.
#[derive(Clone)]
pub(super) struct Spans;

impl Step for Spans {
    async fn answer<S: Serve>(&self, mut request: Request<Body>, rest: Rest<S>) -> Response<Body> {
        let began = Instant::now();
        let span = open(&request);
        let method = request.extensions().get::<Method>();
        if method.is_some_and(|method| method.work() == Work::Write)
            && let Some(trace) = trace(&span, request.headers())
        {
            request.extensions_mut().insert(trace);
        }
        let response = rest.run(request).instrument(span.clone()).await;
        let ended = span.clone();
        let shed = response.extensions().get::<Shed>().is_some();
        body::at_end(response, span, move |code| close(&ended, code, shed, began))
    }
}

fn open(request: &Request<Body>) -> Span {
    let headers = request.headers();
    let method = request
        .extensions()
        .get::<Method>()
        .map_or(UNKNOWN, Method::path);
    let request_id = request
        .extensions()
        .get::<RequestId>()
        .map(RequestId::as_str);
    let actor = headers.get(ACTOR).and_then(|actor| actor.to_str().ok());
    let span = tracing::info_span!(
        "call",
        otel.name = method.trim_start_matches('/'),
        otel.kind = "server",
        otel.status_code = Empty,
        rpc.system = "grpc",
        rpc.method = method,
        rpc.grpc.status_code = Empty,
        request_id,
        actor = actor.filter(|actor| actor.len() <= ACTOR_LONGEST),
    );
    // A caller that traces too sends where its own trace stands. Without an exporter nothing is
    // there to continue, which is no fault.
    let parent = opentelemetry::global::get_text_map_propagator(|propagator| {
        propagator.extract(&Headers(headers))
    });
    if let Err(untraced) = span.set_parent(parent) {
        tracing::trace!(%untraced, "no trace to continue");
    }
    span
}

/// Where a call stands in a trace, for what it changes: its own span, where spans are exported, and
/// otherwise what its caller says.
fn trace(span: &Span, headers: &HeaderMap) -> Option<Trace> {
    let mut own = HashMap::new();
    opentelemetry::global::get_text_map_propagator(|propagator| {
        propagator.inject_context(&span.context(), &mut own);
    });
    let told = |name: &str| headers.get(name)?.to_str().ok();
    let of = |name: &str| own.get(name).map(String::as_str).or_else(|| told(name));
    Trace::read(of("traceparent")?, of("tracestate"))
}

fn close(span: &Span, code: Code, shed: bool, began: Instant) {
    span.record("rpc.grpc.status_code", i32::from(code));
    let duration_ms = began.elapsed().as_secs_f64() * 1e3;
    let gravity = match shed {
        // There may be any number of them, and none is worth what telling of it costs.
        true => Gravity::None,
        false => gravity(code),
    };
    span.in_scope(|| match gravity {
        Gravity::Fault => {
            span.record("otel.status_code", "ERROR");
            tracing::error!(
                ?code,
                duration_ms,
                "the call failed by a fault of the server"
            );
        }
        Gravity::Trouble => {
            span.record("otel.status_code", "ERROR");
            tracing::warn!(?code, duration_ms, "the call could not be answered");
        }
        Gravity::Refusal => tracing::info!(?code, duration_ms, "the call was refused"),
        // At many thousand calls a second a line for each would cost more than the call; the
        // metrics count them, and the span tells them apart.
        Gravity::None => tracing::debug!(?code, duration_ms, "the call ended"),
    });
}

/// How much a code matters to whoever runs the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gravity {
    /// Nothing happened.
    None,
    /// The caller asked for what cannot be: theirs to mend.
    Refusal,
    /// The server could not answer in time or at all, which more capacity or patience mends.
    Trouble,
    /// The server is wrong.
    Fault,
}

fn gravity(code: Code) -> Gravity {
    match code {
        Code::Ok | Code::Cancelled => Gravity::None,
        Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::Unauthenticated => Gravity::Refusal,
        Code::DeadlineExceeded | Code::ResourceExhausted | Code::Unavailable => Gravity::Trouble,
        Code::Unknown | Code::Internal | Code::DataLoss => Gravity::Fault,
    }
}

/// Reads the trace that a caller continues from the call's headers.
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_caller_can_mend_is_no_fault() {
        assert_eq!(gravity(Code::InvalidArgument), Gravity::Refusal);
        assert_eq!(gravity(Code::NotFound), Gravity::Refusal);
        assert_eq!(gravity(Code::Unavailable), Gravity::Trouble);
        assert_eq!(gravity(Code::Internal), Gravity::Fault);
        assert_eq!(gravity(Code::Ok), Gravity::None);
    }
}
