//! Finds out which method is called, so that the layers after it need not read paths.

use http::{Request, Response};
use tonic::body::Body;

use super::{Rest, Serve, Step};
use crate::methods::Methods;

/// Names each call's method. A call of a method that nobody knows has none.
#[derive(Clone)]
pub(super) struct Naming {
    methods: Methods,
}

impl Naming {
    pub(super) fn new(methods: Methods) -> Self {
        Self { methods }
    }
}

impl Step for Naming {
    async fn answer<S: Serve>(&self, mut request: Request<Body>, rest: Rest<S>) -> Response<Body> {
        if let Some(method) = self.methods.find(request.uri().path()) {
            request.extensions_mut().insert(method);
        }
        rest.run(request).await
    }
}
