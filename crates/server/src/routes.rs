//! Finds the service that a call is for.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};

use futures::future::{BoxFuture, ready};
use http::{Request, Response};
use tonic::body::Body;
use tonic::server::NamedService;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt};
use trellis_api::METHODS;

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

/// Which methods a listener serves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Part {
    /// All.
    #[default]
    Whole,
    /// All but those that administer the deployment, which another listener serves.
    Business,
}

impl Part {
    fn has(self, path: &str) -> bool {
        match self {
            Self::Whole => true,
            Self::Business => !administration(path),
        }
    }
}

/// Whether a method administers the deployment and not what one ecosystem does in it, as the
/// contract says of it: whoever may call it decides over tenants and their clocks.
pub(crate) fn administration(path: &str) -> bool {
    static PATHS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
        let all = METHODS.iter().filter(|method| method.access.administration);
        all.map(|method| method.path).collect()
    });
    PATHS.contains(path)
}

/// The services by name.
#[derive(Clone, Default)]
pub(crate) struct Routes {
    by_name: Arc<HashMap<&'static str, Route>>,
    part: Part,
}

impl Routes {
    /// Adds a service: as most of its methods see it, and as its imports do.
    pub(crate) fn add<S: Serve + NamedService>(&mut self, usual: S, imports: S) {
        let (usual, imports) = (Server::new(usual), Server::new(imports));
        Arc::make_mut(&mut self.by_name).insert(S::NAME, Route { usual, imports });
    }

    /// The same services, of which only some methods are served.
    pub(crate) fn only(&self, part: Part) -> Self {
        Self {
            by_name: self.by_name.clone(),
            part,
        }
    }

    fn find(&self, request: &Request<Body>) -> Option<Server> {
        let path = request.uri().path();
        let (service, _) = path.strip_prefix('/')?.split_once('/')?;
        let Route { usual, imports } = self.by_name.get(service)?;
        if !self.part.has(path) {
            return None;
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_decides_over_tenants_is_administration_and_nothing_else_is() {
        let found: Vec<_> = METHODS
            .iter()
            .filter(|method| administration(method.path))
            .map(|method| method.name)
            .collect();
        assert_eq!(found, ADMINISTRATION);
        for other in [
            "",
            "/",
            "/trellis.platform.v1.EcosystemService",
            "CreateEcosystem",
        ] {
            assert!(!administration(other), "{other}");
        }
    }

    const ADMINISTRATION: [&str; 3] = ["CreateEcosystem", "UpdateEcosystem", "AdvanceClock"];
}
