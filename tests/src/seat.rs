//! A seat at the server's services for somebody with rights: the same services over the same data,
//! behind a port of their own at which everybody is one principal.
//!
//! What a credential proves is not asked here; what the principal may then see and do is.

use std::collections::HashMap;
use std::convert::Infallible;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::body::{Body as HttpBody, Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http;
use tonic::server::NamedService;
use tonic::transport::Endpoint;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt as _};
use trellis_api::exposed::through;
use trellis_core::{Eyes, Principal};
use trellis_platform::access::secret::Pepper;
use trellis_store::Store;

use crate::{Caller, World};

/// A principal that calls. The port is closed with it.
pub struct Seat {
    caller: Caller,
    serving: JoinHandle<()>,
}

impl Seat {
    /// Seats a principal at the services of a world.
    ///
    /// # Panics
    /// When no port can be had.
    pub async fn take(world: &World, principal: Principal) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let desk = Desk::over(world.store(), world.pepper().await, principal);
        let desk = Arc::new(desk);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // As the server does: an answer must not wait until its headers are acknowledged.
                stream.set_nodelay(true).expect("a socket takes options");
                tokio::spawn(serve(desk.clone(), stream));
            }
        });
        let endpoint = Endpoint::from_shared(format!("http://{address}"));
        let channel = endpoint.expect("an address is a URI").connect_lazy();
        Self {
            caller: Caller::new(channel),
            serving,
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Deref for Seat {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

type Request = http::Request<Body>;
type Answer = http::Response<Body>;
type Served = BoxCloneSyncService<Request, Answer, Infallible>;

/// The services, at which everybody is one principal.
struct Desk {
    services: HashMap<&'static str, Served>,
    principal: Arc<Principal>,
}

impl Desk {
    fn over(store: &Store, pepper: Pepper, principal: Principal) -> Self {
        let store = || store.clone();
        let mut desk = Self {
            services: HashMap::new(),
            principal: Arc::new(principal),
        };
        desk.add(trellis_platform::ecosystem::Ecosystems::server(store()));
        desk.add(trellis_platform::access::Access::server(store(), pepper));
        desk.add(trellis_platform::event::Events::server(store()));
        desk.add(trellis_partner::partner::Partners::server(store()));
        desk.add(trellis_program::program::Programs::server(store()));
        desk.add(trellis_program::enrollment::Enrollments::server(store()));
        desk.add(trellis_deal::catalog::Catalog::server(store()));
        desk.add(trellis_deal::account::Accounts::server(store()));
        desk.add(trellis_deal::registration::Registrations::server(store()));
        desk.add(trellis_deal::deal::Deals::server(store()));
        desk.add(trellis_incentive::plan::Plans::server(store()));
        desk.add(trellis_incentive::award::Awards::server(store()));
        desk.add(trellis_incentive::ledger::Ledger::server(store()));
        desk.add(trellis_incentive::payout::Payouts::server(store()));
        desk
    }

    fn add<S>(&mut self, service: S)
    where
        S: Service<Request, Response = Answer, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        self.services.insert(S::NAME, Served::new(service));
    }

    async fn answer(&self, mut request: Request) -> Result<Answer, Infallible> {
        let service = request.uri().path().trim_start_matches('/');
        let service = service
            .split('/')
            .next()
            .and_then(|name| self.services.get(name));
        let service = service.expect("the service is one of ours").clone();
        request.extensions_mut().insert(self.principal.clone());
        let eyes = self.principal.eyes();
        let answer = service.oneshot(request).await?;
        Ok(answer.map(|body| Body::new(Seen { body, eyes })))
    }
}

async fn serve(desk: Arc<Desk>, stream: TcpStream) {
    let service = service_fn(|request: http::Request<Incoming>| {
        let desk = desk.clone();
        async move { desk.answer(request.map(Body::new)).await }
    });
    let server = auto::Builder::new(TokioExecutor::new()).http2_only();
    // A client that goes away is no failure of a test.
    let _gone = server.serve_connection(TokioIo::new(stream), service).await;
}

/// An answer that is encoded for somebody's eyes.
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
}
