//! Finds the service that a call is for.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::{BoxFuture, ready};
use http::{Request, Response};
use tonic::body::Body;
use tonic::server::NamedService;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt};

use crate::layers::Serve;
use crate::methods::Method;
use crate::refusal::Refusal;

type Server = BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;

/// A service twice: tonic knows one limit of message size for all its methods, but imports take
/// larger messages than the others.
#[derive(Clone)]
struct Route {
    usual: Server,
    imports: Server,
}

/// The services by name.
#[derive(Clone, Default)]
pub(crate) struct Routes(Arc<HashMap<&'static str, Route>>);

impl Routes {
    /// Adds a service: as most of its methods see it, and as its imports do.
    pub(crate) fn add<S: Serve + NamedService>(&mut self, usual: S, imports: S) {
        let (usual, imports) = (Server::new(usual), Server::new(imports));
        Arc::make_mut(&mut self.0).insert(S::NAME, Route { usual, imports });
    }

    fn find(&self, request: &Request<Body>) -> Option<Server> {
        let (service, _) = request.uri().path().strip_prefix('/')?.split_once('/')?;
        let Route { usual, imports } = self.0.get(service)?;
        let is_import = request
            .extensions()
            .get::<Method>()
            .is_some_and(Method::is_import);
        Some(if is_import {
            imports.clone()
        } else {
            usual.clone()
        })
    }
}

impl Service<Request<Body>> for Routes {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // The service that is called is asked itself.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match self.find(&request) {
            Some(server) => Box::pin(server.oneshot(request)),
            None => {
                let method = request.uri().path().trim_start_matches('/').to_owned();
                Box::pin(ready(Ok(Refusal::NotServed { method }.answer())))
            }
        }
    }
}
