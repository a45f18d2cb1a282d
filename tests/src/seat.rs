//! A seat at the server's services for somebody with rights: the same services over the same data,
//! behind a port of their own at which everybody is one principal.
//!
//! What a credential proves is not asked here; what the principal may then see and do is.

use std::convert::Infallible;
use std::net::SocketAddr;
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
use tonic::transport::Endpoint;
use tower::ServiceExt as _;
use tower::util::BoxCloneSyncService;
use trellis_api::exposed::through;
use trellis_core::{Eyes, Principal};

use crate::{Caller, World};

/// A principal that calls. The port is closed with it.
pub struct Seat {
    address: SocketAddr,
    caller: Caller,
    serving: JoinHandle<()>,
}

impl Seat {
    /// Seats a principal at the services of a world.
    ///
    /// # Panics
    /// When no port can be had.
    pub async fn take(world: &World, principal: Principal) -> Self {
        Self::at(world, Some(principal)).await
    }

    /// A seat in which nobody sits: its calls have no principal.
    ///
    /// # Panics
    /// When no port can be had.
    pub async fn empty(world: &World) -> Self {
        Self::at(world, None).await
    }

    /// The address of the port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    async fn at(world: &World, principal: Option<Principal>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let desk = Arc::new(Desk {
            services: world.services(world.pepper().await),
            principal: principal.map(Arc::new),
        });
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
            address,
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

/// The services, at which everybody is one principal, or nobody.
struct Desk {
    services: BoxCloneSyncService<Request, Answer, Infallible>,
    principal: Option<Arc<Principal>>,
}

impl Desk {
    async fn answer(&self, mut request: Request) -> Result<Answer, Infallible> {
        let services = self.services.clone();
        let Some(principal) = &self.principal else {
            return services.oneshot(request).await;
        };
        request.extensions_mut().insert(principal.clone());
        let eyes = principal.eyes();
        let answer = services.oneshot(request).await?;
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
