//! What every call passes through, whatever it asks for.
//!
//! Each layer is a [`Step`] in a file of its own: a function around the rest of the way. They
//! stand in one list, [`assemble`], from the outside in, and a test asserts their order, because
//! the order is what makes them right: whatever a layer does to an answer is seen by those before
//! it in the list and by none after it.
//!
//! Nothing of this is repeated in a handler: no telemetry, no deadline, no status that is not the
//! domain's own.

mod admission;
mod audit;
mod body;
mod deadline;
mod form;
mod identity;
mod message;
mod method;
mod metrics;
mod pace;
mod panic;
mod principal;
mod quota;
mod reason;
mod request_id;
mod span;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::{HeaderName, Method, Request, Response};
use opentelemetry::metrics::Meter;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic_web::GrpcWebLayer;
use tower::{Layer, Service, ServiceBuilder, ServiceExt};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer, ExposeHeaders};

pub(crate) use self::admission::Porter;
use crate::audit::Recorder;
use crate::credentials::Credentials;
use crate::methods::Methods;
use crate::settings::Settings;

/// What the layers need to know.
pub(crate) struct Parts<'a> {
    /// How long calls may take, and who may call from a browser.
    pub(crate) settings: &'a Settings,
    /// Every method that the server knows.
    pub(crate) methods: Methods,
    /// Where measurements go.
    pub(crate) meter: Meter,
    /// Cancelled when the server begins to stop.
    pub(crate) stop: CancellationToken,
    /// Who tells who calls.
    pub(crate) credentials: Credentials,
    /// Who is told what the audit trail keeps of calls that change nothing.
    pub(crate) recorder: Recorder,
}

/// Puts all layers around a service, the outermost first. Before them stands the porter.
pub(crate) fn assemble<S>(parts: Parts<'_>, service: S) -> (Porter, impl Serve + use<S>)
where
    S: Serve,
{
    let Parts {
        settings,
        methods,
        meter,
        stop,
        credentials,
        recorder,
    } = parts;
    let admission = admission::Admission::new(settings);
    let metrics = metrics::Metrics::new(&meter);
    let porter = Porter::new(admission.clone(), methods.clone(), metrics.clone());
    let service = ServiceBuilder::new()
        // Browsers: who may call, and their own framing around what the others do.
        .option_layer(settings.grpc_web.then(|| cors(settings)))
        .option_layer(settings.grpc_web.then(GrpcWebLayer::new))
        // What is no gRPC call at all.
        .layer(Passing(form::Forms))
        // What is called, and under which name it is spoken of: all others need it.
        .layer(Passing(method::Naming::new(methods)))
        .layer(Passing(request_id::RequestIds))
        // What is counted of a call, and told: outside of whatever may still change its code.
        .layer(Passing(metrics))
        // For whom there was no time, neither to ask who they are nor to tell of them.
        .layer(Passing(admission.glances()))
        .layer(Passing(span::Spans))
        // What the audit trail keeps of calls that change nothing, with the reasons that they get.
        .layer(Passing(audit::Audits(recorder)))
        // What a failure says: outside of whatever may fail.
        .layer(Passing(reason::Reasons))
        .layer(Passing(panic::Panics))
        // Who calls.
        .layer(Passing(identity::Identities(credentials)))
        // Whose share a call is of: inside of whatever authenticates.
        .layer(Passing(principal::Principals::new(settings)))
        .layer(Passing(quota::Quotas::new(settings)))
        .layer(Passing(deadline::Deadlines::new(settings, stop)))
        // Who may work now: it must know how long the caller waits.
        .layer(Passing(admission))
        .layer(Passing(message::Messages))
        .layer(Passing(pace::Paces::new(settings)))
        .service(service);
    (porter, service)
}

/// Puts around a service what calls from inside of the server pass through: their callers have been let in
/// already, and are at work.
pub(crate) fn within<S: Serve>(
    methods: Methods,
    recorder: Recorder,
    service: S,
) -> impl Serve + use<S> {
    ServiceBuilder::new()
        .layer(Passing(method::Naming::new(methods)))
        .layer(Passing(audit::Audits(recorder)))
        .layer(Passing(identity::Sight))
        .service(service)
}

/// Any service that answers gRPC calls and always has an answer.
pub(crate) trait Serve:
    Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send + 'static>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> Serve for S where
    S: Service<
            Request<Body>,
            Response = Response<Body>,
            Error = Infallible,
            Future: Send + 'static,
        > + Clone
        + Send
        + Sync
        + 'static
{
}

/// One layer: what it does with a call before, around and after the rest of the way.
pub(crate) trait Step: Clone + Send + Sync + 'static {
    /// Answers a call, by sending it on or without.
    fn answer<S: Serve>(
        &self,
        request: Request<Body>,
        rest: Rest<S>,
    ) -> impl Future<Output = Response<Body>> + Send;
}

/// The rest of the way of a call.
pub(crate) struct Rest<S>(S);

impl<S: Serve> Rest<S> {
    /// Sends the call on.
    pub(crate) async fn run(self, request: Request<Body>) -> Response<Body> {
        match self.0.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

/// Makes a tower layer of a step, and is the service that passes calls through it.
#[derive(Clone)]
struct Passing<T>(T);

impl<T: Clone, S> Layer<S> for Passing<T> {
    type Service = Passed<T, S>;

    fn layer(&self, rest: S) -> Passed<T, S> {
        Passed(Arc::new((self.0.clone(), rest)))
    }
}

/// A step and the rest of the way. Every call takes a copy along, so that copying must be cheap.
struct Passed<T, S>(Arc<(T, S)>);

impl<T, S> Clone for Passed<T, S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Step, S: Serve> Service<Request<Body>> for Passed<T, S> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // The rest is asked when the call is sent on: a step may answer without it.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let passed = self.0.clone();
        Box::pin(async move {
            let (step, rest) = &*passed;
            Ok(step.answer(request, Rest(rest.clone())).await)
        })
    }
}

/// Lets pages of the allowed origins call, and read what an answer says beside its messages.
fn cors(settings: &Settings) -> CorsLayer {
    let exposed = [
        "grpc-status",
        "grpc-message",
        "grpc-status-details-bin",
        "trellis-position",
        "x-request-id",
    ];
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(
            settings.grpc_web_origins.values().iter().cloned(),
        ))
        .allow_methods([Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(ExposeHeaders::list(exposed.map(HeaderName::from_static)))
        .max_age(std::time::Duration::from_secs(3600))
}
