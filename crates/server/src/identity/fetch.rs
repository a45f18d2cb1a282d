//! Fetches an issuer's documents: little, soon, and from nowhere else than it was told.
//!
//! Redirects are not followed, so that a document comes from where the settings say. Certificates
//! are checked against this machine's roots, so that an operator's own authority counts; a machine
//! that has none, such as an empty container, gets Mozilla's.

use std::time::Duration;

use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::RootCertStore;
use trellis_platform::webhook::sender::{self, TlsError};

use super::location::Location;

/// How long fetching may take, from the look-up of the name to the last byte.
const LONGEST: Duration = Duration::from_secs(5);

/// The largest document.
const LARGEST: usize = 256 << 10;

/// Fetches documents.
#[derive(Clone, Debug)]
pub(super) struct Fetcher {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
}

/// A document, and how long its sender says that it stays fresh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Document {
    pub(super) bytes: Bytes,
    pub(super) max_age: Option<Duration>,
}

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("{0} did not answer within 5 s")]
    TooSlow(String),
    #[error("{0} cannot be reached")]
    Unreachable(String, #[source] hyper_util::client::legacy::Error),
    #[error("{0} answered {1}; only 200 is taken, and redirects are not followed")]
    Status(String, StatusCode),
    #[error("the document of {0} broke off or is larger than 256 KiB")]
    Body(String),
}

impl Fetcher {
    /// A fetcher that trusts this machine's roots.
    pub(super) fn try_new() -> Result<Self, TlsError> {
        Self::trusting(sender::roots())
    }

    /// A fetcher that trusts these roots.
    pub(super) fn trusting(roots: RootCertStore) -> Result<Self, TlsError> {
        let tls = sender::client(roots)?;
        // Which of the two a URL may be was decided when it was read.
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .build();
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .build(connector);
        Ok(Self { client })
    }

    /// Fetches a document.
    pub(super) async fn get(&self, location: &Location) -> Result<Document, FetchError> {
        let uri = location.uri();
        tokio::time::timeout(LONGEST, self.get_whole(uri))
            .await
            .map_err(|_| FetchError::TooSlow(uri.to_string()))?
    }

    async fn get_whole(&self, uri: &Uri) -> Result<Document, FetchError> {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = uri.clone();
        let headers = request.headers_mut();
        headers.insert(
            header::ACCEPT,
            header::HeaderValue::from_static("application/json"),
        );
        headers.insert(
            header::USER_AGENT,
            header::HeaderValue::from_static("trellis"),
        );
        let response = self
            .client
            .request(request)
            .await
            .map_err(|error| FetchError::Unreachable(uri.to_string(), error))?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(uri.to_string(), response.status()));
        }
        let max_age = max_age(response.headers());
        let body = Limited::new(response.into_body(), LARGEST).collect().await;
        let body = body.map_err(|_| FetchError::Body(uri.to_string()))?;
        Ok(Document {
            bytes: body.to_bytes(),
            max_age,
        })
    }
}

/// How long `Cache-Control` says that a document stays fresh.
fn max_age(headers: &http::HeaderMap) -> Option<Duration> {
    headers
        .get_all(header::CACHE_CONTROL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .find_map(|directive| {
            let (name, seconds) = directive.trim().split_once('=')?;
            let seconds = seconds.trim_matches('"').parse().ok()?;
            name.eq_ignore_ascii_case("max-age")
                .then(|| Duration::from_secs(seconds))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_a_document_stays_fresh_is_read_from_among_other_directives() {
        let read = |text: &str| {
            let mut headers = http::HeaderMap::new();
            headers.insert(header::CACHE_CONTROL, text.parse().unwrap());
            max_age(&headers).map(|age| age.as_secs())
        };
        assert_eq!(read("public, max-age=300, must-revalidate"), Some(300));
        assert_eq!(read("Max-Age=\"15\""), Some(15));
        assert_eq!(read("no-cache"), None);
        assert_eq!(read("max-age=-1"), None);
        assert_eq!(read("s-maxage=9"), None);
        assert_eq!(read("max-age=99999999999999999999999"), None);
        assert_eq!(max_age(&http::HeaderMap::new()), None);
    }
}
