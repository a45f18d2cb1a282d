//! Serves one connection until it ends, or one of its limits ends it.

use std::future::ready;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::Either;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::transport::server::{Connected, TcpConnectInfo};
use tower::ServiceExt;

use super::calls::{Answer, Call, Calls, Came, Leaving};
use super::leftover::Leftover;
use super::seats::Seat;
use super::tls::Tls;
use super::wire::{Traffic, Wire};
use crate::layers::{Porter, Serve};
use crate::peer::PeerCertificate;

/// The longest time between two looks at a connection.
const LOOK_LONGEST: Duration = Duration::from_secs(1);

/// How long a connection that rests may take to agree that it is at its end.
const FAREWELL: Duration = Duration::from_secs(1);

/// Why the server ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It did not shake hands properly, or not in time.
    Handshake,
    /// It connected and called nothing.
    Silent,
    /// It has not called for long.
    Idle,
    /// It does not take what it asked for.
    Stalled,
    /// It sent too many frames that belong to no call.
    Flood,
    /// It was old, and did not end in time.
    Old,
    /// Another one took its place, or the server stopped.
    Cut,
    /// Its peer broke a rule of the protocol, or went away.
    Broken,
}

impl End {
    /// As metrics and logs name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Handshake => "handshake",
            Self::Silent => "silent",
            Self::Idle => "idle",
            Self::Stalled => "stalled",
            Self::Flood => "flood",
            Self::Old => "old",
            Self::Cut => "cut",
            Self::Broken => "broken",
        }
    }
}

/// How long a connection may take for what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) handshake: Duration,
    pub(super) opening: Duration,
    pub(super) idle: Duration,
    pub(super) stall: Duration,
    pub(super) age: Duration,
    pub(super) grace: Duration,
}

/// What serves a connection, and how.
pub(super) struct Host {
    /// Who looks at every call first.
    pub(super) porter: Option<Porter>,
    pub(super) http: auto::Builder<TokioExecutor>,
    pub(super) tls: Option<Arc<Tls>>,
    pub(super) times: Times,
    pub(super) control_frames_max: u32,
}

impl Host {
    /// Serves one connection. Answers why the server ended it, if it did.
    pub(super) async fn serve<S: Serve>(
        &self,
        socket: TcpStream,
        seat: &Seat,
        service: S,
        stop: CancellationToken,
    ) -> Result<(), End> {
        tokio::select! {
            ended = self.greet(socket, &seat.calls, service, stop) => ended,
            () = seat.cut.cancelled() => Err(End::Cut),
        }
    }

    async fn greet<S: Serve>(
        &self,
        socket: TcpStream,
        calls: &Arc<Calls>,
        service: S,
        stop: CancellationToken,
    ) -> Result<(), End> {
        // Answers are small and waited for.
        socket.set_nodelay(true).map_err(|_| End::Broken)?;
        let info = socket.connect_info();
        let Some(tls) = &self.tls else {
            return Box::pin(self.converse(socket, info, None, calls, service, stop)).await;
        };
        let hands = timeout(self.times.handshake, tls.acceptor().accept(socket));
        let socket = tokio::select! {
            hands = hands => match hands {
                Ok(Ok(socket)) => socket,
                Ok(Err(error)) => {
                    tracing::debug!(%error, peer = ?info.remote_addr(), "a peer did not shake hands");
                    return Err(End::Handshake);
                }
                Err(_) => return Err(End::Handshake),
            },
            () = stop.cancelled() => return Err(End::Cut),
        };
        let certificate = match socket.get_ref().1.peer_certificates() {
            None => None,
            Some(chain) => match PeerCertificate::read(chain) {
                Ok(certificate) => Some(Arc::new(certificate)),
                Err(error) => {
                    tracing::warn!(%error, peer = ?info.remote_addr(), "a peer is turned away");
                    return Err(End::Handshake);
                }
            },
        };
        Box::pin(self.converse(socket, info, certificate, calls, service, stop)).await
    }

    /// Serves calls on a connection that stands.
    async fn converse<I, S>(
        &self,
        socket: I,
        info: TcpConnectInfo,
        certificate: Option<Arc<PeerCertificate>>,
        calls: &Arc<Calls>,
        service: S,
        stop: CancellationToken,
    ) -> Result<(), End>
    where
        I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
        S: Serve,
    {
        let peer: Option<SocketAddr> = info.remote_addr();
        let traffic = Traffic::new(self.control_frames_max);
        let socket = TokioIo::new(Wire::new(socket, traffic.clone()));
        let leaving = CancellationToken::new();
        let service = Announcing {
            info,
            certificate,
            calls: calls.clone(),
            leaving: Leaving(leaving.clone()),
            porter: self.porter.clone(),
        }
        .around(service);
        let connection = self.http.serve_connection(socket, service);
        let mut connection = pin!(connection);
        let mut looks = interval(self.times.look());
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut watch = Watch::new(self.times, calls.clone(), traffic.clone());
        let mut stopping = false;
        loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    return match ended {
                        Ok(()) => watch.leaving.map_or(Ok(()), |(end, _)| Err(end)),
                        Err(_) if traffic.flooded() => Err(End::Flood),
                        Err(error) => {
                            tracing::debug!(error, ?peer, "a connection ended badly");
                            Err(End::Broken)
                        }
                    };
                }
                () = stop.cancelled(), if !stopping => {
                    stopping = true;
                    connection.as_mut().graceful_shutdown();
                }
                _ = looks.tick() => match watch.look(Instant::now()) {
                    Look::Stay => {}
                    Look::Leave => {
                        connection.as_mut().graceful_shutdown();
                        leaving.cancel();
                    }
                    Look::Cut(end) => return Err(end),
                },
            }
        }
    }
}

impl Times {
    /// How often a connection is looked at: often enough for the shortest of its limits.
    fn look(&self) -> Duration {
        [self.opening, self.idle, self.stall, self.age, self.grace]
            .into_iter()
            .fold(LOOK_LONGEST, |look, time| look.min(time / 8))
            .max(Duration::from_millis(5))
    }
}

/// What is to be done with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// Nothing.
    Stay,
    /// Its peer is asked to make a new one.
    Leave,
    /// It ends at once.
    Cut(End),
}

/// Watches over the limits of one connection.
struct Watch {
    times: Times,
    calls: Arc<Calls>,
    traffic: Arc<Traffic>,
    began: Instant,
    /// Why it was asked to leave, and until when it may take its leave.
    leaving: Option<(End, Instant)>,
    /// Since when nothing left of the answers that the peer should take, and how much had.
    owed: Option<(Instant, u64)>,
}

impl Watch {
    fn new(times: Times, calls: Arc<Calls>, traffic: Arc<Traffic>) -> Self {
        let times = Times {
            age: spread(times.age),
            ..times
        };
        Self {
            times,
            calls,
            traffic,
            began: Instant::now(),
            leaving: None,
            owed: None,
        }
    }

    fn look(&mut self, now: Instant) -> Look {
        if self.stalled(now) {
            return Look::Cut(End::Stalled);
        }
        if let Some((end, until)) = self.leaving {
            // Whoever calls again while it rests keeps the connection until it is old.
            return if now < until {
                Look::Stay
            } else {
                Look::Cut(end)
            };
        }
        let times = self.times;
        let since = |then: Instant| now.saturating_duration_since(then);
        let (end, farewell) = match self.calls.rested_since() {
            // The last quarter is for saying farewell.
            None if since(self.began) >= times.opening.mul_f32(0.75) => {
                (End::Silent, times.opening / 4)
            }
            Some(rested) if self.calls.under_way() == 0 && since(rested) >= times.idle => {
                (End::Idle, FAREWELL)
            }
            _ if since(self.began) >= times.age => (End::Old, times.grace),
            _ => return Look::Stay,
        };
        self.leaving = Some((end, now + farewell));
        Look::Leave
    }

    /// Whether the peer takes nothing of what it should.
    fn stalled(&mut self, now: Instant) -> bool {
        if self.traffic.blocked(now) >= self.times.stall {
            return true;
        }
        // Streams whose end the peer has not got although it is not our turn.
        if self.traffic.open() <= self.calls.ours() {
            self.owed = None;
            return false;
        }
        let answered = self.traffic.answered();
        match self.owed {
            Some((since, then)) if then == answered => {
                now.saturating_duration_since(since) >= self.times.stall
            }
            _ => {
                self.owed = Some((now, answered));
                false
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

/// Puts what is known of the peer into each request, and when it came, and counts its calls. Those
/// that the porter refuses are answered at once.
#[derive(Clone)]
struct Announcing {
    info: TcpConnectInfo,
    certificate: Option<Arc<PeerCertificate>>,
    calls: Arc<Calls>,
    leaving: Leaving,
    porter: Option<Porter>,
}

impl Announcing {
    /// All but the answer itself is done as soon as a request is read, in the task of its connection.
    fn around<S: Serve>(
        self,
        service: S,
    ) -> impl hyper::service::Service<
        Request<Incoming>,
        Response = http::Response<Answer>,
        Error = std::convert::Infallible,
        Future: Send,
    > + Clone {
        service_fn(move |mut request: Request<Incoming>| {
            let call = Call::begin(&self.calls);
            let porter = self.porter.as_ref();
            if let Some(refused) = porter.and_then(|porter| porter.look(&mut request)) {
                return Either::Left(ready(Ok(refused.map(|body| Answer::new(body, call)))));
            }
            let extensions = request.extensions_mut();
            extensions.insert(Came(Instant::now()));
            extensions.insert(self.leaving.clone());
            extensions.insert(self.info.clone());
            if let Some(certificate) = &self.certificate {
                extensions.insert(certificate.clone());
            }
            let http2 = request.version() == http::Version::HTTP_2;
            let request = request.map(|body| match http2 {
                true => Body::new(body),
                false => Body::new(Leftover::new(body)),
            });
            let answered = service.clone().oneshot(request);
            Either::Right(async move { Ok(answered.await?.map(|body| Answer::new(body, call))) })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: Times = Times {
        handshake: Duration::from_secs(5),
        opening: Duration::from_secs(4),
        idle: Duration::from_secs(60),
        stall: Duration::from_secs(10),
        age: Duration::from_secs(1000),
        grace: Duration::from_secs(100),
    };

    fn watch() -> Watch {
        Watch::new(TIMES, Calls::new(), Traffic::new(10))
    }

    #[test]
    fn a_peer_that_calls_nothing_is_asked_to_leave_and_cut_at_the_limit() {
        let mut watch = watch();
        let after = |seconds| watch.began + Duration::from_secs(seconds);
        let (two, three, four) = (after(2), after(3), after(4));
        assert_eq!(watch.look(two), Look::Stay);
        assert_eq!(watch.look(three), Look::Leave);
        assert_eq!(watch.look(four), Look::Cut(End::Silent));
    }

    #[test]
    fn a_connection_rests_only_without_calls() {
        let mut watch = watch();
        let call = Call::begin(&watch.calls);
        let later = Instant::now() + Duration::from_secs(61);
        assert_eq!(watch.look(later), Look::Stay);
        drop(call);
        assert_eq!(watch.look(Instant::now()), Look::Stay);
        assert_eq!(watch.look(later), Look::Leave);
        assert_eq!(watch.look(later + FAREWELL), Look::Cut(End::Idle));
    }

    #[test]
    fn an_old_connection_is_asked_to_leave_and_cut_after_its_grace() {
        let mut watch = watch();
        let _call = Call::begin(&watch.calls);
        let old = watch.began + Duration::from_secs(1100);
        assert_eq!(watch.look(old), Look::Leave);
        assert_eq!(watch.look(old + Duration::from_secs(99)), Look::Stay);
        let late = old + Duration::from_secs(100);
        assert_eq!(watch.look(late), Look::Cut(End::Old));
    }

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
