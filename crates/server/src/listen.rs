//! Accepts connections and serves calls on them, within limits that no peer can talk its way out
//! of.
//!
//! What the transport's defaults leave open is closed here: streams without number, resets without
//! number, peers that connect and say nothing, connections that never end. It is our own loop
//! and not tonic's, because tonic's answers a passed deadline with the wrong code before our layer
//! can answer it, and waits for ever for silent peers when it stops.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::body::Body;
use tonic::transport::server::Connected;
use tower::ServiceExt;

use crate::layers::Serve;
use crate::settings::Settings;

/// What every HTTP/2 connection begins with; who has not sent as much has not opened one.
const PREFACE: usize = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len();

/// How long to wait when the system has no more sockets to give.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// How serving ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Every call under way was finished.
    Whole,
    /// The limit came first: so many connections were cut.
    Cut(usize),
}

/// What serves connections, and how.
pub(crate) struct Acceptor {
    http: auto::Builder<TokioExecutor>,
    connections: Arc<Semaphore>,
    opening: Duration,
    age: Duration,
    grace: Duration,
    drain: Duration,
}

impl Acceptor {
    pub(crate) fn new(settings: &Settings) -> Self {
        let mut http = auto::Builder::new(TokioExecutor::new());
        http.http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(settings.streams_max)
            .max_local_error_reset_streams(count(settings.error_resets_max))
            .max_pending_accept_reset_streams(count(settings.pending_resets_max))
            .max_header_list_size(settings.header_size_max.bytes_u32())
            .keep_alive_interval(settings.keepalive_interval)
            .keep_alive_timeout(settings.keepalive_timeout);
        http.http1()
            .timer(TokioTimer::new())
            .header_read_timeout(settings.opening_timeout)
            .max_buf_size(settings.header_size_max.bytes().max(8192));
        // Only gRPC-Web speaks HTTP/1.1.
        let http = if settings.grpc_web {
            http
        } else {
            http.http2_only()
        };
        Self {
            http,
            connections: Arc::new(Semaphore::new(count(settings.connections_max))),
            opening: settings.opening_timeout,
            age: settings.connection_age_max,
            grace: settings.connection_age_grace,
            drain: settings.drain_limit,
        }
    }

    /// Serves until `stop`; then accepts nobody any more and finishes what is under way, for as
    /// long as the limit allows.
    pub(crate) async fn run<S: Serve>(
        self,
        listener: TcpListener,
        service: S,
        stop: CancellationToken,
    ) -> Drained {
        let acceptor = Arc::new(self);
        let connections = TaskTracker::new();
        let cut = CancellationToken::new();
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = acceptor.accept(&listener) => accepted,
            };
            let Some((socket, permit)) = accepted else {
                break;
            };
            let (acceptor, service) = (acceptor.clone(), service.clone());
            let (stop, cut) = (stop.clone(), cut.clone());
            connections.spawn(async move {
                tokio::select! {
                    () = acceptor.serve(socket, service, stop) => {}
                    () = cut.cancelled() => {}
                }
                drop(permit);
            });
        }
        // The port is free from here on: a client that connects now is refused at once and goes
        // elsewhere, instead of waiting for somebody who will never answer.
        drop(listener);
        connections.close();
        match tokio::time::timeout(acceptor.drain, connections.wait()).await {
            Ok(()) => Drained::Whole,
            Err(_) => {
                let left = connections.len();
                cut.cancel();
                connections.wait().await;
                Drained::Cut(left)
            }
        }
    }

    /// Accepts the next connection, once there is room for it.
    async fn accept(
        &self,
        listener: &TcpListener,
    ) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
        let permit = self.connections.clone().acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((socket, _)) => return Some((socket, permit)),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_AGAIN).await;
                }
            }
        }
    }

    /// Serves one connection until it ends, its peer proves silent, it is too old, or the server
    /// stops.
    async fn serve<S: Serve>(&self, socket: TcpStream, service: S, stop: CancellationToken) {
        // Answers are small and waited for.
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "a connection is gone already");
            return;
        }
        let info = socket.connect_info();
        let (socket, received) = Counted::new(socket);
        let service = service.map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(info.clone());
            request.map(Body::new)
        });
        let connection = self
            .http
            .serve_connection(TokioIo::new(socket), TowerToHyperService::new(service));
        let mut connection = pin!(connection);
        let mut opening = pin!(sleep(self.opening));
        let mut age = pin!(sleep(spread(self.age)));
        let (mut opened, mut old, mut stopping) = (false, false, false);
        loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(error, "a connection ended badly");
                    }
                    return;
                }
                () = opening.as_mut(), if !opened => {
                    if received.load(Ordering::Relaxed) < PREFACE {
                        tracing::debug!("a peer connected and said nothing");
                        return;
                    }
                    opened = true;
                }
                () = age.as_mut() => {
                    if old {
                        tracing::debug!("an old connection did not end in time");
                        return;
                    }
                    old = true;
                    connection.as_mut().graceful_shutdown();
                    age.as_mut().reset(Instant::now() + self.grace);
                }
                () = stop.cancelled(), if !stopping => {
                    stopping = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }
}

/// An age give or take a tenth, so that connections made together do not end together.
fn spread(age: Duration) -> Duration {
    // Ids are random enough for this, and there is no other use for a generator here.
    let [byte, ..] = uuid::Uuid::new_v4().into_bytes();
    age.mul_f64(0.9 + 0.2 * f64::from(byte) / 255.0)
}

fn count(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// A socket that counts what it received.
struct Counted {
    socket: TcpStream,
    received: Arc<AtomicUsize>,
}

impl Counted {
    fn new(socket: TcpStream) -> (Self, Arc<AtomicUsize>) {
        let received = Arc::new(AtomicUsize::new(0));
        (
            Self {
                socket,
                received: received.clone(),
            },
            received,
        )
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.socket).poll_read(cx, buffer))?;
        self.received.fetch_add(
            buffer.filled().len().saturating_sub(before),
            Ordering::Relaxed,
        );
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_spread_by_a_tenth() {
        let ages: Vec<_> = (0..200).map(|_| spread(Duration::from_secs(100))).collect();
        assert!(
            ages.iter().all(|age| (90..=110).contains(&age.as_secs())),
            "{ages:?}"
        );
        assert!(ages.iter().any(|age| *age != ages[0]));
    }
}
