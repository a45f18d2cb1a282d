//! What is sent to a collector, and what never is.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::Status;
use tonic::body::Body;
use tonic::transport::{Channel, Server};
use tower::{Service, service_fn};
use trellis_api::partner::v1::GetPartnerRequest;
use trellis_api::partner::v1::partner_service_client::PartnerServiceClient;
use trellis_api::platform::v1 as platform;
use trellis_api::platform::v1::ecosystem_service_client::EcosystemServiceClient;
use trellis_api::platform::v1::event_service_client::EventServiceClient;

use crate::binary::Serving;

/// A collector that keeps what it is sent.
#[derive(Clone, Default)]
struct Collector {
    traces: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
    metrics: Arc<Mutex<Vec<ExportMetricsServiceRequest>>>,
    keys: Arc<Mutex<BTreeSet<String>>>,
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, Status> {
        if let Some(key) = request.metadata().get("api-key") {
            self.keys
                .lock()
                .unwrap()
                .insert(key.to_str().unwrap().to_owned());
        }
        self.traces.lock().unwrap().push(request.into_inner());
        Ok(tonic::Response::new(Default::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Collector {
    async fn export(
        &self,
        request: tonic::Request<ExportMetricsServiceRequest>,
    ) -> Result<tonic::Response<ExportMetricsServiceResponse>, Status> {
        self.metrics.lock().unwrap().push(request.into_inner());
        Ok(tonic::Response::new(Default::default()))
    }
}

impl Collector {
    /// Serves itself, and answers where.
    async fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let traces = TraceServiceServer::new(self.clone());
        let metrics = MetricsServiceServer::new(self.clone());
        let service = service_fn(move |request: Request<Body>| {
            let (mut traces, mut metrics) = (traces.clone(), metrics.clone());
            async move {
                let answer: Result<Response<Body>, Infallible> =
                    if request.uri().path().contains("TraceService") {
                        traces.call(request).await
                    } else {
                        metrics.call(request).await
                    };
                answer
            }
        });
        let incoming = TcpListenerStream::new(listener);
        tokio::spawn(Server::builder().serve_with_incoming(service, incoming));
        url
    }

    /// The names of all spans.
    fn spans(&self) -> BTreeSet<String> {
        let traces = self.traces.lock().unwrap();
        let scopes = traces
            .iter()
            .flat_map(|request| &request.resource_spans)
            .flat_map(|resource| &resource.scope_spans);
        scopes
            .flat_map(|scope| &scope.spans)
            .map(|span| span.name.clone())
            .collect()
    }

    /// The id of the span of a method that was called once.
    fn span_of(&self, method: &str) -> String {
        let traces = self.traces.lock().unwrap();
        let scopes = traces
            .iter()
            .flat_map(|request| &request.resource_spans)
            .flat_map(|resource| &resource.scope_spans);
        let mut spans = scopes.flat_map(|scope| &scope.spans);
        let span = spans.find(|span| span.name.ends_with(method)).unwrap();
        let hex = span.span_id.iter().map(|byte| format!("{byte:02x}"));
        hex.collect()
    }

    /// The names of all metrics.
    fn measured(&self) -> BTreeSet<String> {
        let metrics = self.metrics.lock().unwrap();
        let scopes = metrics
            .iter()
            .flat_map(|request| &request.resource_metrics)
            .flat_map(|resource| &resource.scope_metrics);
        scopes
            .flat_map(|scope| &scope.metrics)
            .map(|metric| metric.name.clone())
            .collect()
    }
}

/// A call whose caller has begun a trace.
fn traced<T>(message: T, parent: &str) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    let metadata = request.metadata_mut();
    metadata.insert("traceparent", parent.parse().unwrap());
    request
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_traced_and_measured_and_the_rest_is_flushed_at_the_end() {
    let collector = Collector::default();
    let url = collector.serve().await;
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "--otlp-endpoint",
        &url,
        "--otlp-headers",
        "api-key=s3cret",
        "--log-level",
        "trace",
    ];
    let serving = Serving::start(folder.path(), &arguments);
    let channel = Channel::from_shared(format!("http://{}", serving.address)).unwrap();
    let channel = channel.connect().await.unwrap();
    let mut partners = PartnerServiceClient::new(channel.clone());
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    for _ in 0..3 {
        let request = traced(GetPartnerRequest::default(), &parent);
        partners.get_partner(request).await.unwrap_err();
    }
    // What a call changes says where the call stands: below what its caller has begun.
    let create = platform::CreateEcosystemRequest {
        ecosystem_id: "acme".to_owned(),
        ecosystem: Some(platform::Ecosystem {
            display_name: "Acme".to_owned(),
            ..platform::Ecosystem::default()
        }),
        ..platform::CreateEcosystemRequest::default()
    };
    let mut ecosystems = EcosystemServiceClient::new(channel.clone());
    let made = ecosystems.create_ecosystem(traced(create, &parent)).await;
    made.unwrap();
    let list = platform::ListEventsRequest {
        parent: "ecosystems/acme".to_owned(),
        ..platform::ListEventsRequest::default()
    };
    let mut events = EventServiceClient::new(channel);
    let listed = events.list_events(list).await.unwrap().into_inner();
    let stands = listed.events[0].trace_parent.clone();
    drop((partners, ecosystems, events));
    serving.signal("-TERM");
    let (status, told) =
        tokio::task::spawn_blocking(move || serving.ended(Duration::from_secs(30)))
            .await
            .unwrap();
    assert!(status.success(), "{told}");

    let spans = collector.spans();
    assert!(
        spans.contains("trellis.partner.v1.PartnerService/GetPartner"),
        "{spans:?}"
    );
    // Only calls are traced here; a library's span would make this fail by its name.
    assert!(
        spans.iter().all(|name| name.starts_with("trellis.")),
        "{spans:?}"
    );
    let measured = collector.measured();
    for name in [
        "trellis.server.calls",
        "trellis.feed.lag",
        "trellis.worker.stall",
        "rpc.server.call.duration",
    ] {
        assert!(measured.contains(name), "{name}: {measured:?}");
    }
    assert_eq!(
        *collector.keys.lock().unwrap(),
        BTreeSet::from(["s3cret".to_owned()])
    );

    assert_eq!(
        stands,
        format!("00-{trace}-{}-01", collector.span_of("CreateEcosystem"))
    );

    let traces = collector.traces.lock().unwrap();
    let continued = traces
        .iter()
        .flat_map(|request| &request.resource_spans)
        .flat_map(|resource| &resource.scope_spans)
        .flat_map(|scope| &scope.spans)
        .all(|span| {
            let id: String = span
                .trace_id
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            !span.name.contains("GetPartner") || id == trace
        });
    assert!(continued, "a call continues the trace that its caller sent");
    assert!(!told.contains("s3cret"), "{told}");
}

#[test]
fn a_collector_that_is_away_holds_nothing_up() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), &["--otlp-endpoint", "http://127.0.0.1:1"]);
    serving.signal("-TERM");
    let (status, told) = serving.ended(Duration::from_secs(15));
    assert!(status.success(), "{told}");
}
