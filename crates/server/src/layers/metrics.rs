//! Measures each call: how many, how they ended, how long they took, how many are under way.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Request, Response};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, Meter, UpDownCounter};
use tonic::Code;
use tonic::body::Body;
use tracing::Span;

use super::{Rest, Serve, Step, body};
use crate::methods::{Method, UNKNOWN};

/// The bounds of the histogram, in seconds: fine where calls should be, coarse where they must
/// not be.
const BOUNDS: [f64; 14] = [
    0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0,
];

/// Counts and times calls by method and code.
#[derive(Clone)]
pub(super) struct Metrics {
    instruments: Arc<Instruments>,
}

struct Instruments {
    calls: Counter<u64>,
    duration: Histogram<f64>,
    active: UpDownCounter<i64>,
}

impl Metrics {
    pub(super) fn new(meter: &Meter) -> Self {
        let instruments = Instruments {
            calls: meter
                .u64_counter("trellis.server.calls")
                .with_description("Calls that ended, by method and code.")
                .build(),
            duration: meter
                .f64_histogram("rpc.server.call.duration")
                .with_unit("s")
                .with_boundaries(BOUNDS.to_vec())
                .with_description("How long calls took, by method and code.")
                .build(),
            active: meter
                .i64_up_down_counter("trellis.server.calls.active")
                .with_description("Calls under way, by method.")
                .build(),
        };
        Self {
            instruments: Arc::new(instruments),
        }
    }
}

impl Metrics {
    /// Counts a call that ended as soon as it came.
    pub(super) fn count(&self, method: &Method, code: Code) {
        let method = KeyValue::new("rpc.method", method.shared_path());
        self.instruments.ended(method, Duration::ZERO, code);
    }
}

impl Instruments {
    fn ended(&self, method: KeyValue, took: Duration, code: Code) {
        let attributes = [
            method,
            KeyValue::new("rpc.response.status_code", name(code)),
        ];
        self.calls.add(1, &attributes);
        self.duration.record(took.as_secs_f64(), &attributes);
    }
}

impl Step for Metrics {
    async fn answer<S: Serve>(&self, request: Request<Body>, rest: Rest<S>) -> Response<Body> {
        let method = match request.extensions().get::<Method>() {
            Some(method) => KeyValue::new("rpc.method", method.shared_path()),
            // Whatever paths callers think of, they are one series.
            None => KeyValue::new("rpc.method", UNKNOWN),
        };
        let active = Active::new(self.instruments.clone(), method);
        let response = rest.run(request).await;
        body::at_end(response, Span::none(), move |code| active.end(code))
    }
}

/// A call under way. One that is dropped was given up by its caller.
struct Active {
    instruments: Arc<Instruments>,
    method: KeyValue,
    began: Instant,
    ended: Option<Code>,
}

impl Active {
    fn new(instruments: Arc<Instruments>, method: KeyValue) -> Self {
        instruments.active.add(1, std::slice::from_ref(&method));
        Self {
            instruments,
            method,
            began: Instant::now(),
            ended: None,
        }
    }

    fn end(mut self, code: Code) {
        self.ended = Some(code);
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        let code = self.ended.unwrap_or(Code::Cancelled);
        self.instruments
            .ended(self.method.clone(), self.began.elapsed(), code);
        self.instruments
            .active
            .add(-1, std::slice::from_ref(&self.method));
    }
}

/// A code as the contract writes it.
pub(super) fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
