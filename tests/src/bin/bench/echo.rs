//! The floor of the transport: a server in a process of its own that answers the same deal, or the
//! same page of deals, to whatever it is asked, with nothing behind it and nothing around it.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::{Request, Response};
use prost::Message;
use tonic::body::Body;
use tonic::transport::Server;
use tonic_prost::ProstCodec;
use tower::service_fn;
use trellis_api::deal::v1 as deal;

use crate::product;

/// The argument that makes this binary the server.
pub(crate) const ARGUMENT: &str = "echo";

const DEAL: &str = "deal.bin";
const PAGE: &str = "page.bin";

/// The server, and connections to it.
pub(crate) struct Echo {
    process: Child,
    pub(crate) channels: Vec<crate::product::Called>,
}

impl Drop for Echo {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Echo {
    /// Starts a server that answers what the product answers.
    pub(crate) async fn start(
        folder: &Path,
        deal: &deal::Deal,
        page: &deal::ListDealsResponse,
    ) -> Self {
        std::fs::write(folder.join(DEAL), deal.encode_to_vec()).expect("a file");
        std::fs::write(folder.join(PAGE), page.encode_to_vec()).expect("a file");
        let port = product::free_port();
        let binary = std::env::current_exe().expect("this binary");
        let process = Command::new(binary)
            .args([ARGUMENT, &port.to_string()])
            .arg(folder)
            .stdout(Stdio::null())
            .spawn()
            .expect("the echo starts");
        Self {
            process,
            channels: product::connect(port, None).await,
        }
    }
}

/// Serves until the process is killed.
pub(crate) async fn serve(port: u16, folder: &Path) {
    let read = |file| std::fs::read(folder.join(file)).expect("what to answer");
    let answers = Answers {
        deal: deal::Deal::decode(read(DEAL).as_slice()).expect("a deal"),
        page: deal::ListDealsResponse::decode(read(PAGE).as_slice()).expect("a page"),
    };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    Server::builder()
        .serve(address, Answering(Arc::new(answers)))
        .await
        .expect("the port");
}

struct Answers {
    deal: deal::Deal,
    page: deal::ListDealsResponse,
}

#[derive(Clone)]
struct Answering(Arc<Answers>);

impl tower::Service<Request<Body>> for Answering {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let answers = self.0.clone();
        Box::pin(async move {
            Ok(if request.uri().path().ends_with("/GetDeal") {
                let get = service_fn(|_: tonic::Request<deal::GetDealRequest>| {
                    let deal = answers.deal.clone();
                    async move { Ok(tonic::Response::new(deal)) }
                });
                tonic::server::Grpc::new(ProstCodec::default())
                    .unary(get, request)
                    .await
            } else {
                let list = service_fn(|_: tonic::Request<deal::ListDealsRequest>| {
                    let page = answers.page.clone();
                    async move { Ok(tonic::Response::new(page)) }
                });
                tonic::server::Grpc::new(ProstCodec::default())
                    .unary(list, request)
                    .await
            })
        })
    }
}
