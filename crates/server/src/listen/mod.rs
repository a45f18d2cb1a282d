//! Accepts connections and serves calls on them, within limits that no peer can talk its way out
//! of.
//!
//! What the transport's defaults leave open is closed here: streams without number, resets without
//! number, pings without number, peers that connect and say nothing, that ask and do not read,
//! connections that never end. It is our own loop and not tonic's, because tonic's answers a passed
//! deadline with the wrong code before our layer can answer it, and waits for ever for silent peers
//! when it stops.
//!
//! [`seats`] says who may connect, [`tls`] shakes hands, [`wire`] counts what passes over the
//! socket, [`calls`] whose turn it is, and [`connection`] holds a connection to its limits.

mod calls;
mod connection;
mod leftover;
mod seats;
#[cfg(test)]
mod tests;
pub(crate) mod tls;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Meter};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use self::calls::{Came, Leaving};
use self::connection::{Host, Times};
use self::seats::{Full, Seats};
use self::tls::Tls;
use crate::layers::{Porter, Serve};
use crate::settings::Settings;

/// How long to wait when the system has no more sockets to give.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// How much of an answer waits for a peer to read it, beside the message at hand, for each call.
/// The library's own 400 kB would let one connection hold 50 MB.
const SEND_BUFFER: usize = 64 << 10;

/// How serving ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Every call under way was finished.
    Whole,
    /// The limit came first: so many connections were cut.
    Cut(usize),
}

impl Drained {
    /// How serving ended on two listeners.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Whole, other) | (other, Self::Whole) => other,
            (Self::Cut(some), Self::Cut(more)) => Self::Cut(some + more),
        }
    }
}

/// What serves connections, and how.
pub(crate) struct Acceptor {
    host: Host,
    seats: Arc<Seats>,
    drain: Duration,
    ended: Counter<u64>,
}

impl Acceptor {
    pub(crate) fn new(
        settings: &Settings,
        tls: Option<Arc<Tls>>,
        porter: Option<Porter>,
        meter: &Meter,
    ) -> Self {
        let host = Host {
            porter,
            http: http(settings),
            tls,
            times: Times {
                handshake: settings.tls_handshake_timeout,
                opening: settings.opening_timeout,
                idle: settings.idle_timeout,
                stall: settings.stall_timeout,
                age: settings.connection_age_max,
                grace: settings.connection_age_grace,
            },
            control_frames_max: settings.control_frames_max,
        };
        Self {
            host,
            seats: Seats::new(
                count(settings.connections_max),
                count(settings.peer_connections_max),
            ),
            drain: settings.drain_limit,
            ended: meter
                .u64_counter("trellis.server.connections.ended")
                .with_description("Connections that the server ended or refused, by reason.")
                .build(),
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
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((socket, address)) => match acceptor.seats.take(address.ip(), &cut) {
                    Ok(seat) => {
                        let (acceptor, service) = (acceptor.clone(), service.clone());
                        let stop = stop.clone();
                        connections.spawn(async move {
                            acceptor.serve(socket, seat, service, stop).await;
                        });
                    }
                    Err(full) => acceptor.refuse(socket, full),
                },
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_AGAIN).await;
                }
            }
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

    async fn serve<S: Serve>(
        &self,
        socket: TcpStream,
        seat: seats::Seat,
        service: S,
        stop: CancellationToken,
    ) {
        let peer = socket.peer_addr().ok();
        if let Err(end) = self.host.serve(socket, &seat, service, stop).await {
            tracing::debug!(reason = end.name(), ?peer, "a connection was ended");
            self.tell(end.name());
        }
    }

    /// Hangs up on somebody for whom there is no place.
    fn refuse(&self, socket: TcpStream, full: Full) {
        let (reason, limit) = match full {
            Full::All => ("full", "connections-max"),
            Full::Peer => ("peer-full", "peer-connections-max"),
        };
        let peer = socket.peer_addr().ok();
        drop(socket);
        tracing::debug!(limit, ?peer, "a connection was refused");
        self.tell(reason);
    }

    fn tell(&self, reason: &'static str) {
        self.ended.add(1, &[KeyValue::new("reason", reason)]);
    }
}

/// HTTP as we speak it. Every limit is said, because what is not said is no limit.
fn http(settings: &Settings) -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(settings.streams_max)
        .max_local_error_reset_streams(count(settings.error_resets_max))
        .max_pending_accept_reset_streams(count(settings.pending_resets_max))
        .max_header_list_size(settings.header_size_max.bytes_u32())
        .max_send_buf_size(SEND_BUFFER)
        .keep_alive_interval(settings.keepalive_interval)
        .keep_alive_timeout(settings.keepalive_timeout);
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(settings.opening_timeout)
        .max_buf_size(settings.header_size_max.bytes().max(8192));
    // Only gRPC-Web speaks HTTP/1.1.
    if settings.grpc_web {
        http
    } else {
        http.http2_only()
    }
}

fn count(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
