//! What the layers do to calls, and that they stand in the order that makes it right.

use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use http::{HeaderMap, HeaderValue, Request, Response};
use hyper::body::{Body as HttpBody, Bytes, Frame};
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use tower::{ServiceExt, service_fn};
use trellis_api::Deadline;

use super::*;
use crate::settings::Sources;

const GET: &str = "/trellis.partner.v1.PartnerService/GetPartner";
const IMPORT: &str = "/trellis.partner.v1.PartnerService/ImportPartners";
const WATCH: &str = "/grpc.health.v1.Health/Watch";

/// A stack of layers around a service that the test writes.
struct Stack {
    settings: Settings,
    stop: CancellationToken,
    meter: Meter,
}

impl Stack {
    fn new() -> Self {
        let flags = vec![
            ("deadline-default", "60ms".to_owned()),
            ("stream-deadline-max", "60ms".to_owned()),
        ];
        let settings = Sources {
            flags,
            ..Sources::default()
        }
        .load()
        .unwrap()
        .settings;
        let meter = opentelemetry::global::meter("tests");
        Self {
            settings,
            stop: CancellationToken::new(),
            meter,
        }
    }

    async fn call<F, A>(&self, request: Request<Body>, service: F) -> Response<Body>
    where
        F: Fn(Request<Body>) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Response<Body>> + Send + 'static,
    {
        let service = service_fn(move |request| {
            let answer = service(request);
            async move { Ok(answer.await) }
        });
        let parts = Parts {
            settings: &self.settings,
            methods: Methods::try_new().unwrap(),
            meter: self.meter.clone(),
            stop: self.stop.clone(),
            credentials: Credentials::nobody(),
            recorder: Recorder::deaf(),
        };
        let (_, service) = assemble(parts, service);
        service.oneshot(request).await.unwrap()
    }
}

fn request(path: &str) -> Request<Body> {
    Request::post(path)
        .version(http::Version::HTTP_2)
        .header("content-type", "application/grpc")
        .body(Body::empty())
        .unwrap()
}

fn refused(status: Status) -> Response<Body> {
    status.into_http()
}

/// An answer with these messages and then OK.
fn answered(
    messages: impl futures::Stream<Item = &'static str> + Send + 'static,
) -> Response<Body> {
    let mut ok = HeaderMap::new();
    ok.insert("grpc-status", HeaderValue::from_static("0"));
    let messages = messages.map(|message| Frame::data(Bytes::from_static(message.as_bytes())));
    let frames = messages.chain(stream::iter([Frame::trailers(ok)]));
    Response::new(Body::new(Frames(Box::pin(frames))))
}

struct Frames(std::pin::Pin<Box<dyn futures::Stream<Item = Frame<Bytes>> + Send>>);

impl HttpBody for Frames {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        self.0.poll_next_unpin(cx).map(|frame| frame.map(Ok))
    }
}

/// The status of an answer, and how many messages came before it.
async fn ended(response: Response<Body>) -> (Status, usize) {
    if let Some(status) = Status::from_header_map(response.headers()) {
        assert!(
            response.body().is_end_stream(),
            "a status in the headers ends the answer"
        );
        return (status, 0);
    }
    let mut body = response.into_body();
    let mut messages = 0;
    loop {
        let frame = std::future::poll_fn(|cx| std::pin::Pin::new(&mut body).poll_frame(cx)).await;
        match frame.unwrap().unwrap().into_trailers() {
            Ok(trailers) => return (Status::from_header_map(&trailers).unwrap(), messages),
            Err(_) => messages += 1,
        }
    }
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().unwrap().reason
}

#[test]
fn the_layers_stand_in_this_order() {
    let stack = Stack::new();
    let parts = Parts {
        settings: &stack.settings,
        methods: Methods::try_new().unwrap(),
        meter: stack.meter,
        stop: stack.stop,
        credentials: Credentials::nobody(),
        recorder: Recorder::deaf(),
    };
    #[derive(Clone)]
    struct Innermost;
    impl Service<Request<Body>> for Innermost {
        type Response = Response<Body>;
        type Error = Infallible;
        type Future = std::future::Ready<Result<Response<Body>, Infallible>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }
        fn call(&mut self, _: Request<Body>) -> Self::Future {
            std::future::ready(Ok(Response::new(Body::empty())))
        }
    }
    let (_, service) = assemble(parts, Innermost);
    let name = std::any::type_name_of_val(&service);
    let layers = [
        "Cors",
        "GrpcWebService",
        "Forms",
        "Naming",
        "RequestIds",
        "Metrics",
        "Glances",
        "Spans",
        "Audits",
        "Reasons",
        "Panics",
        "Identities",
        "Principals",
        "Quotas",
        "Deadlines",
        "Admission",
        "Messages",
        "Paces",
        "Innermost",
    ];
    // The type of the whole names each layer outside of those that it goes around.
    let names: Vec<&str> = name
        .split(['<', '>', ',', ' '])
        .map(|path| path.rsplit("::").next().unwrap_or_default())
        .filter(|name| !["", "Either", "Passed"].contains(name))
        .collect();
    // An optional layer is named twice: around the rest, and as the rest without it.
    let outermost: Vec<&str> = names.into_iter().take(layers.len()).collect();
    assert_eq!(outermost, layers, "{name}");
}

#[tokio::test]
async fn an_answer_passes_unchanged_with_its_request_id() {
    let stack = Stack::new();
    let mut request = request(GET);
    request
        .headers_mut()
        .insert("x-request-id", HeaderValue::from_static("from-a-proxy"));
    let response = stack
        .call(request, |_| async { answered(stream::iter(["one"])) })
        .await;
    assert_eq!(response.headers()["x-request-id"], "from-a-proxy");
    let (status, messages) = ended(response).await;
    assert_eq!((status.code(), messages), (Code::Ok, 1));
}

#[tokio::test]
async fn a_call_without_a_request_id_gets_one_that_the_service_sees_too() {
    let stack = Stack::new();
    let response = stack
        .call(request(GET), |request| async move {
            let mut response = answered(stream::empty());
            response
                .headers_mut()
                .insert("seen", request.headers()["x-request-id"].clone());
            response
        })
        .await;
    assert_eq!(
        response.headers()["x-request-id"],
        response.headers()["seen"]
    );
    assert!(response.headers()["x-request-id"].len() >= 32);
}

#[tokio::test]
async fn a_panic_answers_internal_with_the_request_id_and_nothing_of_the_panic() {
    let stack = Stack::new();
    let response = stack
        .call(request(GET), |_| async { panic!("the password is s3cret") })
        .await;
    let id = response.headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let (status, _) = ended(response).await;
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::Internal, "INTERNAL")
    );
    assert_eq!(
        status.get_details_error_info().unwrap().metadata["request_id"],
        id
    );
    assert!(!format!("{status:?}").contains("s3cret"));
}

#[tokio::test]
async fn a_panic_between_messages_ends_the_answer_in_its_trailers() {
    let stack = Stack::new();
    let messages = || stream::iter([1, 2]).map(|at| if at == 1 { "one" } else { panic!("two") });
    let response = stack
        .call(
            request(IMPORT),
            move |_| async move { answered(messages()) },
        )
        .await;
    assert!(response.headers().get("grpc-status").is_none());
    let (status, sent) = ended(response).await;
    assert_eq!((status.code(), sent), (Code::Internal, 1));
    assert_eq!(reason(&status), "INTERNAL");
}

#[tokio::test]
async fn an_error_without_a_reason_gets_one_in_headers_and_in_trailers() {
    let stack = Stack::new();
    let too_large = || {
        Status::out_of_range(
            "Error, decoded message length too large: found 9 bytes, the limit is: 5 bytes",
        )
    };
    let response = stack
        .call(request(GET), move |_| async move { refused(too_large()) })
        .await;
    let (in_headers, _) = ended(response).await;
    let response = stack
        .call(request(IMPORT), move |_| async move {
            let mut trailers = HeaderMap::new();
            too_large().add_header(&mut trailers).unwrap();
            Response::new(Body::new(Frames(Box::pin(stream::iter([
                Frame::data(Bytes::from_static(b"one")),
                Frame::trailers(trailers),
            ])))))
        })
        .await;
    let (in_trailers, messages) = ended(response).await;
    assert_eq!(messages, 1);
    for status in [in_headers, in_trailers] {
        assert_eq!(status.code(), Code::ResourceExhausted);
        let info = status.get_details_error_info().unwrap();
        assert_eq!(
            (info.reason.as_str(), info.metadata["limit_bytes"].as_str()),
            ("TOO_LARGE", "5")
        );
    }
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_answered_at_its_deadline() {
    let stack = Stack::new();
    let began = std::time::Instant::now();
    let response = stack.call(request(GET), |_| std::future::pending()).await;
    assert!(
        (50..2000).contains(&began.elapsed().as_millis()),
        "{:?}",
        began.elapsed()
    );
    let (status, _) = ended(response).await;
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(reason(&status), "DEADLINE_EXCEEDED");
}

#[tokio::test]
async fn the_service_knows_the_nearer_deadline() {
    let stack = Stack::new();
    for (asked, most) in [("20m", 20), ("1H", 10_000)] {
        let mut request = request(GET);
        request
            .headers_mut()
            .insert("grpc-timeout", HeaderValue::from_static(asked));
        let left = Arc::new(Mutex::new(Duration::ZERO));
        let seen = left.clone();
        let service = move |request: Request<Body>| {
            let Deadline(deadline) = *request.extensions().get::<Deadline>().unwrap();
            *seen.lock().unwrap() = deadline.duration_since(std::time::Instant::now());
            async { answered(stream::empty()) }
        };
        stack.call(request, service).await;
        let left = left.lock().unwrap().as_millis();
        assert!(left <= most && left + 20 >= most, "{asked}: {left} ms left");
    }
}

#[tokio::test]
async fn a_timeout_that_is_none_is_refused() {
    let stack = Stack::new();
    let mut request = request(GET);
    request
        .headers_mut()
        .insert("grpc-timeout", HeaderValue::from_static("soon"));
    let response = stack
        .call(request, |_| async { answered(stream::empty()) })
        .await;
    let (status, _) = ended(response).await;
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::InvalidArgument, "INVALID_FIELDS")
    );
    let fields = status.get_details_bad_request().unwrap().field_violations;
    assert_eq!(fields[0].field, "grpc-timeout");
}

#[tokio::test]
async fn a_stream_that_takes_too_long_ends_in_its_trailers() {
    let stack = Stack::new();
    let response = stack
        .call(request(IMPORT), |_| async {
            answered(stream::iter(["one"]).chain(stream::pending()))
        })
        .await;
    let (status, messages) = ended(response).await;
    assert_eq!((status.code(), messages), (Code::DeadlineExceeded, 1));
    assert_eq!(reason(&status), "DEADLINE_EXCEEDED");
}

#[tokio::test]
async fn a_stream_that_never_rests_ends_at_its_deadline_too() {
    let stack = Stack::new();
    let busy = || {
        stream::repeat("more").then(|message| async move {
            tokio::task::yield_now().await;
            message
        })
    };
    let response = stack
        .call(request(IMPORT), move |_| async move { answered(busy()) })
        .await;
    let (status, messages) = ended(response).await;
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(messages > 1);
}

#[tokio::test]
async fn a_watch_has_no_deadline_and_ends_when_the_server_stops() {
    let stack = Stack::new();
    let stop = stack.stop.clone();
    let response = stack
        .call(request(WATCH), |_| async {
            answered(stream::iter(["one"]).chain(stream::pending()))
        })
        .await;
    let began = std::time::Instant::now();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(150)).await;
        stop.cancel();
    });
    let (status, messages) = ended(response).await;
    assert!(
        began.elapsed().as_millis() >= 100,
        "it outlived the deadline of others"
    );
    assert_eq!((status.code(), messages), (Code::Unavailable, 1));
    assert_eq!(reason(&status), "UNAVAILABLE");
}

#[tokio::test]
async fn calls_are_counted_by_method_and_by_the_code_that_was_answered() {
    let exporter = InMemoryMetricExporter::default();
    let provider = SdkMeterProvider::builder()
        .with_reader(PeriodicReader::builder(exporter.clone()).build())
        .build();
    let stack = Stack {
        meter: provider.meter("tests"),
        ..Stack::new()
    };
    ended(
        stack
            .call(request(GET), |_| async { answered(stream::iter(["one"])) })
            .await,
    )
    .await;
    ended(
        stack
            .call(request(GET), |_| async { panic!("broken") })
            .await,
    )
    .await;
    ended(
        stack
            .call(request("/what/Ever"), |_| async {
                refused(Status::unimplemented(""))
            })
            .await,
    )
    .await;
    drop(
        stack
            .call(request(IMPORT), |_| async { answered(stream::pending()) })
            .await,
    );
    provider.force_flush().unwrap();

    let mut counted = Vec::new();
    let mut timed = 0;
    for metric in exporter
        .get_finished_metrics()
        .unwrap()
        .iter()
        .flat_map(|resource| resource.scope_metrics())
        .flat_map(|scope| scope.metrics())
    {
        match metric.data() {
            AggregatedMetrics::U64(MetricData::Sum(sum)) => {
                for point in sum.data_points() {
                    let label = |key: &str| {
                        let found = point.attributes().find(|label| label.key.as_str() == key);
                        found.unwrap().value.to_string()
                    };
                    counted.push((
                        label("rpc.method"),
                        label("rpc.response.status_code"),
                        point.value(),
                    ));
                }
            }
            AggregatedMetrics::F64(MetricData::Histogram(histogram)) => {
                timed += histogram
                    .data_points()
                    .map(|point| point.count())
                    .sum::<u64>();
            }
            _ => {}
        }
    }
    counted.sort();
    assert_eq!(
        counted,
        [
            (GET.to_owned(), "INTERNAL".to_owned(), 1),
            (GET.to_owned(), "OK".to_owned(), 1),
            (IMPORT.to_owned(), "CANCELLED".to_owned(), 1),
            ("unknown".to_owned(), "UNIMPLEMENTED".to_owned(), 1),
        ]
    );
    assert_eq!(timed, 4);
}

/// What was logged, line by line.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_call_is_logged_with_its_method_id_actor_code_and_duration() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let stack = Stack::new();
    for (status, level) in [
        (Status::not_found(""), "INFO"),
        (Status::invalid_argument(""), "INFO"),
        (Status::unavailable(""), "WARN"),
        (Status::unknown(""), "ERROR"),
    ] {
        let mut request = request(GET);
        request
            .headers_mut()
            .insert("x-request-id", HeaderValue::from_static("id-7"));
        request
            .headers_mut()
            .insert("trellis-actor", HeaderValue::from_static("alice"));
        let (code, message) = (status.code(), status.message().to_owned());
        let service = move |_| {
            let status = Status::new(code, message.clone());
            async { refused(status) }
        };
        ended(stack.call(request, service).await).await;
        let text = String::from_utf8(std::mem::take(&mut *log.0.lock().unwrap())).unwrap();
        let line: serde_json::Value =
            serde_json::from_str(text.lines().last().unwrap_or_else(|| panic!("{text}"))).unwrap();
        assert_eq!(line["level"], level, "{text}");
        let span = &line["span"];
        assert_eq!(span["rpc.method"], GET);
        assert_eq!(span["request_id"], "id-7");
        assert_eq!(span["actor"], "alice");
        assert!(line["fields"]["code"].is_string() && line["fields"]["duration_ms"].is_f64());
    }
    drop(guard);
}
