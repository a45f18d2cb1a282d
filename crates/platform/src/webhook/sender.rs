//! Sends one request, and tells what was answered. It holds every request to where it may go, and to the time
//! that it may take; it follows no redirect, and reads nothing of an answer but its head.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use http::{HeaderValue, Request, header};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Host;

use super::target::{InvalidTarget, Named, Target};
use crate::event::envelope::{self, Letter};

/// How long a request may take, from the look-up of the host to the head of the answer.
pub const LONGEST: Duration = Duration::from_secs(10);

/// The largest head of an answer.
const LARGEST_HEAD: usize = 64 << 10;

/// How the addresses of hosts are found.
trait Resolve: Send + Sync + 'static {
    /// The addresses of a host.
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>>;
}

/// Asks this machine.
struct Machine;

impl Resolve for Machine {
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}

/// TLS cannot be used on this machine.
#[derive(Debug, thiserror::Error)]
#[error("TLS cannot be used: {0}")]
pub struct TlsError(#[from] rustls::Error);

/// The authorities whose certificates are believed: this machine's, so that an operator's own counts; those of
/// Mozilla on a machine that has none, such as an empty container.
#[must_use]
pub fn roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

/// How a client that believes these authorities speaks TLS.
///
/// # Errors
/// This machine cannot.
pub fn client(roots: RootCertStore) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// Sends requests.
#[derive(Clone)]
pub struct Sender {
    named: Named,
    /// Made when it is first needed: reading what this machine believes takes its time.
    tls: Arc<OnceLock<Option<TlsConnector>>>,
    resolver: Arc<dyn Resolve>,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    /// The status of the answer, or why there was none.
    pub(super) answer: Result<u16, Unanswered>,
    /// How long the answer asks to be left alone.
    pub(super) retry_after: Option<Duration>,
    pub(super) latency: Duration,
}

/// Why there was no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unanswered {
    #[error("the URL cannot be used any more: it {0}")]
    Target(#[from] InvalidTarget),
    #[error("the host has no address")]
    NoAddress,
    #[error("the host has an address that is not public")]
    NotPublic,
    #[error("the host could not be connected to")]
    NotConnected,
    #[error("the host could not prove with a certificate that is believed who it is")]
    Tls,
    #[error("the connection broke off before there was an answer")]
    BrokenOff,
    #[error("there was no answer in time")]
    TooSlow,
}

impl Sent {
    /// Whether it was taken.
    pub(super) fn is_taken(&self) -> bool {
        matches!(self.answer, Ok(200..=299))
    }
}

impl Sender {
    /// A sender that may reach the hosts that the operator has named beside those that are public.
    #[must_use]
    pub fn new(named: Named) -> Self {
        Self {
            named,
            tls: Arc::default(),
            resolver: Arc::new(Machine),
        }
    }

    /// A sender that believes these authorities and finds hosts so.
    #[cfg(test)]
    fn of(named: Named, roots: RootCertStore, resolver: impl Resolve) -> Self {
        let tls = client(roots)
            .ok()
            .map(|tls| TlsConnector::from(Arc::new(tls)));
        Self {
            named,
            tls: Arc::new(OnceLock::from(tls)),
            resolver: Arc::new(resolver),
        }
    }

    fn tls(&self) -> Option<&TlsConnector> {
        let make = || {
            let tls =
                client(roots()).inspect_err(|error| tracing::error!(%error, "no webhook is sent"));
            tls.ok().map(|tls| TlsConnector::from(Arc::new(tls)))
        };
        self.tls.get_or_init(make).as_ref()
    }

    /// A URL that requests may be sent to.
    pub(super) fn target(&self, url: &str) -> Result<Target, InvalidTarget> {
        Target::try_new(url, &self.named)
    }

    /// Sends a letter, signed at a moment, and waits for the answer at most so long.
    pub(super) async fn send(
        &self,
        url: &str,
        letter: Letter,
        (seconds, signature): (i64, String),
        limit: Duration,
    ) -> Sent {
        let begun = Instant::now();
        let request = self.request(url, letter, seconds, &signature);
        let answered = tokio::time::timeout(limit.min(LONGEST), request).await;
        let (answer, retry_after) = match answered {
            Ok(Ok((status, retry_after))) => (Ok(status), retry_after),
            Ok(Err(why)) => (Err(why), None),
            Err(_) => (Err(Unanswered::TooSlow), None),
        };
        Sent {
            answer,
            retry_after,
            latency: begun.elapsed(),
        }
    }

    async fn request(
        &self,
        url: &str,
        Letter { id, body }: Letter,
        seconds: i64,
        signature: &str,
    ) -> Result<(u16, Option<Duration>), Unanswered> {
        let target = self.target(url)?;
        let url = target.url();
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(InvalidTarget::NoUrl.into());
        };
        let addresses = match host {
            Host::Ipv4(address) => vec![SocketAddr::from((address, port))],
            Host::Ipv6(address) => vec![SocketAddr::from((address, port))],
            Host::Domain(name) => self.resolver.resolve(name, port).await.unwrap_or_default(),
        };
        if addresses.is_empty() {
            return Err(Unanswered::NoAddress);
        }
        // One that is not public among them is no slip: somebody wants us to take it.
        if !addresses.iter().all(|one| target.may_be_at(one.ip())) {
            return Err(Unanswered::NotPublic);
        }
        let stream = connect(&addresses).await.ok_or(Unanswered::NotConnected)?;
        let value = |text: &str| HeaderValue::from_str(text).map_err(|_| InvalidTarget::NoUrl);
        let mut request = Request::post(&url[url::Position::BeforePath..])
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| InvalidTarget::NoUrl)?;
        let headers = request.headers_mut();
        let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
        headers.insert(header::HOST, value(authority)?);
        headers.insert(header::USER_AGENT, HeaderValue::from_static("trellis"));
        let media_type = HeaderValue::from_static(envelope::MEDIA_TYPE);
        headers.insert(header::CONTENT_TYPE, media_type);
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        headers.insert("webhook-id", value(&id)?);
        headers.insert("webhook-timestamp", HeaderValue::from(seconds));
        headers.insert("webhook-signature", value(signature)?);
        if target.is_secure() {
            let name = server_name(&host).ok_or(InvalidTarget::NoUrl)?;
            let tls = self.tls().ok_or(Unanswered::Tls)?;
            let stream = tls.connect(name, stream).await;
            exchange(stream.map_err(|_| Unanswered::Tls)?, request).await
        } else {
            exchange(stream, request).await
        }
    }
}

fn server_name(host: &Host<&str>) -> Option<ServerName<'static>> {
    Some(match host {
        Host::Domain(name) => ServerName::try_from((*name).to_owned()).ok()?,
        Host::Ipv4(address) => ServerName::from(std::net::IpAddr::V4(*address)),
        Host::Ipv6(address) => ServerName::from(std::net::IpAddr::V6(*address)),
    })
}

/// Connects to the first address that lets itself be connected to.
async fn connect(addresses: &[SocketAddr]) -> Option<TcpStream> {
    for address in addresses {
        if let Ok(stream) = TcpStream::connect(address).await {
            return Some(stream);
        }
    }
    None
}

async fn exchange<S>(
    stream: S,
    request: Request<Full<Bytes>>,
) -> Result<(u16, Option<Duration>), Unanswered>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let handshake = hyper::client::conn::http1::Builder::new()
        .max_buf_size(LARGEST_HEAD)
        .handshake(TokioIo::new(stream))
        .await;
    let (mut asking, connection) = handshake.map_err(|_| Unanswered::BrokenOff)?;
    // It ends with the request, whose answer nobody reads further than its head.
    let answer = async {
        let response = asking.send_request(request).await;
        response.map_err(|_| Unanswered::BrokenOff)
    };
    let mut connection = std::pin::pin!(connection);
    let mut answer = std::pin::pin!(answer);
    let response = tokio::select! {
        biased;
        answer = &mut answer => answer?,
        ended = &mut connection => match ended {
            Ok(()) => answer.await?,
            Err(_) => return Err(Unanswered::BrokenOff),
        },
    };
    Ok((response.status().as_u16(), retry_after(response.headers())))
}

/// How many seconds `Retry-After` asks for. The date that it may name instead is not looked at.
fn retry_after(headers: &http::HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    Some(Duration::from_secs(seconds.trim().parse().ok()?))
}

#[cfg(test)]
mod tests;
