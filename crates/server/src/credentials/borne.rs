//! The credential of a call that lasts, asked again while it does.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{Extensions, HeaderMap, Request};
use tonic::Status;
use tonic::body::Body;
use trellis_api::Credential;
use trellis_core::{Principal, Timestamp};

use super::{Asked, Credentials};
use crate::peer::PeerCertificate;

/// Never.
const NEVER: i64 = i64::MAX;

/// What a call was made with.
pub(super) struct Borne {
    credentials: Credentials,
    /// Those of the call's that say who calls.
    headers: HeaderMap,
    extensions: Extensions,
    /// When it ends, in microseconds.
    expires: AtomicI64,
}

impl Borne {
    pub(super) fn new(
        credentials: Credentials,
        request: &Request<Body>,
        expire_time: Option<Timestamp>,
    ) -> Self {
        let all = request.headers().get_all(AUTHORIZATION).iter();
        let headers = all.map(|shown| (AUTHORIZATION, shown.clone())).collect();
        let mut extensions = Extensions::new();
        if let Some(certificate) = request.extensions().get::<Arc<PeerCertificate>>() {
            extensions.insert(certificate.clone());
        }
        Self {
            credentials,
            headers,
            extensions,
            expires: AtomicI64::new(expire_time.map_or(NEVER, Timestamp::micros)),
        }
    }
}

impl Credential for Borne {
    fn has_expired(&self) -> bool {
        let expires = self.expires.load(Ordering::Relaxed);
        self.credentials
            .now()
            .is_some_and(|now| now.micros() >= expires)
    }

    fn principal(&self, since: Instant) -> BoxFuture<'_, Result<Arc<Principal>, Status>> {
        let asked = Asked::Since(since);
        let found = self
            .credentials
            .find_as(&self.headers, &self.extensions, asked);
        async move {
            let found = found
                .await
                .map_err(|unknown| trellis_api::status(&unknown))?;
            // A key whose secret was exchanged ends sooner than it was known to.
            let expires = found.expire_time.map_or(NEVER, Timestamp::micros);
            self.expires.store(expires, Ordering::Relaxed);
            Ok(found.principal)
        }
        .boxed()
    }
}
