//! The porter: refuses calls as soon as they are read, in the task of their connection.
//!
//! Most of what a refused call costs is what is done for it before it is refused. A quick read takes
//! a third of a millisecond, and the way to its gate a tenth of that. So where it is known already
//! that a call would have to wait too long, nothing is done for it at all: it passes no layer, and is
//! only counted.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Request, Response};
use tonic::Code;
use tonic::body::Body;

use super::{Admission, Door, refuse};
use crate::layers::metrics::Metrics;
use crate::layers::request_id;
use crate::methods::Methods;

/// In which steps refused calls are told how long they would have waited, so that many are told the
/// same.
const STEP: Duration = Duration::from_millis(10);

/// Looks at every call first.
#[derive(Clone)]
pub(crate) struct Porter(Arc<Inner>);

struct Inner {
    admission: Admission,
    methods: Methods,
    metrics: Metrics,
    /// What the last one that was refused was told.
    told: Mutex<Option<(Duration, HeaderMap)>>,
}

impl Porter {
    pub(in crate::layers) fn new(admission: Admission, methods: Methods, metrics: Metrics) -> Self {
        Self(Arc::new(Inner {
            admission,
            methods,
            metrics,
            told: Mutex::default(),
        }))
    }

    /// Refuses a call that was just read, or counts it among those that queue for a processor.
    pub(crate) fn look<B>(&self, request: &mut Request<B>) -> Option<Response<Body>> {
        let Inner {
            admission,
            methods,
            metrics,
            ..
        } = &*self.0;
        // What is framed otherwise must be refused otherwise, by layers that know how.
        if !is_grpc(request.headers()) {
            return None;
        }
        let method = methods.find(request.uri().path())?;
        match admission.door(&method)?.come(Instant::now()) {
            Ok(queueing) => {
                request.extensions_mut().insert(queueing);
                None
            }
            Err(wait) => {
                metrics.count(&method, Code::Unavailable);
                let mut response = Response::new(Body::empty());
                *response.headers_mut() = self.tell(wait);
                request_id::tell(request.headers(), response.headers_mut());
                Some(response)
            }
        }
    }

    /// What one is told that would have to wait for so long.
    fn tell(&self, wait: Duration) -> HeaderMap {
        let steps = wait.as_nanos().div_ceil(STEP.as_nanos());
        let wait = STEP.saturating_mul(u32::try_from(steps).unwrap_or(u32::MAX));
        let mut told = self.0.told.lock().unwrap_or_else(PoisonError::into_inner);
        let _other = told.take_if(|(then, _)| *then != wait);
        let (_, headers) = told.get_or_insert_with(|| (wait, refuse(wait).into_parts().0.headers));
        headers.clone()
    }
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let rest = headers
        .get(CONTENT_TYPE)
        .and_then(|content| content.as_bytes().strip_prefix(b"application/grpc"));
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
}

/// A call that was read and has not had its first turn, in the extensions of its request.
#[derive(Clone)]
pub(super) struct Queueing(Arc<Place>);

struct Place {
    door: Arc<Door>,
    /// How many were there when it came, itself included.
    among: u32,
}

impl Queueing {
    pub(super) fn new(door: Arc<Door>, among: u32) -> Self {
        Self(Arc::new(Place { door, among }))
    }

    /// Its turn has come, after so long.
    pub(super) fn turn(self, queued: Duration) {
        self.0.door.gate().learn_pace(queued, self.0.among);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.door.gate().leave_queue();
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use tonic::Status;
    use tonic_types::StatusExt as _;

    use super::*;
    use crate::settings::Sources;

    const LIST: &str = "/trellis.partner.v1.PartnerService/ListPartners";

    fn call(path: &str, content: &'static str) -> Request<()> {
        let request = Request::post(path).header(CONTENT_TYPE, content);
        request.body(()).unwrap()
    }

    /// A porter at a server that has more to do than it can.
    fn crowded() -> Porter {
        let settings = Sources::default().load().unwrap().settings;
        let admission = Admission::new(&settings);
        let methods = Methods::try_new().unwrap();
        let metrics = Metrics::new(&opentelemetry::global::meter("tests"));
        let gates = admission.0.as_ref().unwrap();
        let mut gate = gates.reads.gate();
        let (start, late) = (Instant::now(), settings.admission_wait * 3);
        for turn in 0..200 {
            gate.learn_pace(late, 1);
            gate.glance(start + settings.admission_wait * turn, late);
        }
        assert!(gate.overloaded());
        drop(gate);
        Porter::new(admission, methods, metrics)
    }

    #[test]
    fn whoever_would_queue_too_long_is_refused_before_anything_else() {
        let porter = crowded();
        let mut first = call(LIST, "application/grpc");
        assert!(porter.look(&mut first).is_none(), "nobody is before it");
        let mut second = call(LIST, "application/grpc+proto");
        let id = HeaderValue::from_static("mine");
        second.headers_mut().insert("x-request-id", id.clone());
        let refused = porter.look(&mut second).unwrap();
        assert_eq!(refused.headers()["x-request-id"], id);
        let status = Status::from_header_map(refused.headers()).unwrap();
        let info = status.get_details_error_info().unwrap();
        assert_eq!(
            (status.code(), info.reason.as_str()),
            (Code::Unavailable, "OVERLOADED")
        );
        assert_eq!(info.metadata["wait_ms"].parse::<u64>().unwrap() % 10, 0);
        // Everybody has an id, and those who sent none one of their own.
        let mut ids = (0..2).map(|_| {
            let refused = porter.look(&mut call(LIST, "application/grpc")).unwrap();
            refused.headers()["x-request-id"].clone()
        });
        assert_ne!(ids.next(), ids.next());
        // Once the first has had its turn, or has gone away, there is room again.
        drop(first);
        assert!(porter.look(&mut call(LIST, "application/grpc")).is_none());
    }

    #[test]
    fn what_the_porter_does_not_know_goes_on() {
        let porter = crowded();
        let mut queueing = call(LIST, "application/grpc");
        assert!(porter.look(&mut queueing).is_none());
        for (path, content) in [
            (LIST, "application/grpc-web"),
            (LIST, "application/json"),
            ("/grpc.health.v1.Health/Check", "application/grpc"),
            (
                "/trellis.partner.v1.PartnerService/CreatePartner",
                "application/grpc",
            ),
            ("/no.such/Method", "application/grpc"),
        ] {
            assert!(porter.look(&mut call(path, content)).is_none(), "{path}");
        }
    }
}
