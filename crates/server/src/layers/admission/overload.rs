//! Overload, measured: callers that come whatever happens to them, over real connections, through
//! every layer, before a service that can do only so much.
//!
//! What it can do is bounded by workers that sleep and not by the machine, which others use too.
//! Like the data layer, it finishes what it has begun when its caller is gone. Everything is
//! compared within one run: what is answered at most, how long calls take at 70 % of that, and both
//! at twice of it. `TRELLIS_TESTS_OVERLOAD_SECONDS` makes each part so many times as long.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use futures::stream;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::StreamBody;
use hyper::body::{Bytes, Frame};
use rand::Rng;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_types::StatusExt;
use trellis_api::partner::v1 as partner;
use trellis_api::partner::v1::partner_service_client::PartnerServiceClient;

use crate::audit::Recorder;
use crate::credentials::Credentials;
use crate::layers::{Parts, assemble};
use crate::listen::Acceptor;
use crate::methods::Methods;
use crate::settings::{Settings, Sources};

/// How many calls the service works on at once, and how long each takes.
const WORKERS: usize = 8;
const WORK: Duration = Duration::from_millis(80);

/// How long callers wait.
const DEADLINE: Duration = Duration::from_secs(1);

/// What a busy machine may add to any call. Others run beside the tests.
const NOISE: Duration = Duration::from_millis(60);

/// A call that ended.
#[derive(Clone, Copy, Debug)]
struct Ended {
    came: Instant,
    took: Duration,
    outcome: Result<(), Code>,
}

fn settings(admission: &str) -> Settings {
    let flags = [
        ("admission", admission),
        ("admission-burst", "500ms"),
        ("admission-wait", "40ms"),
        // What else would bound the load.
        ("principal-calls-max", "1000000"),
        ("streams-max", "10000"),
    ];
    let flags = flags.map(|(name, value)| (name, value.to_owned())).into();
    let sources = Sources {
        flags,
        ..Sources::default()
    };
    sources.load().unwrap().settings
}

/// Answers with an empty message once a worker has done its work.
async fn answer(workers: Arc<Semaphore>) -> Result<Response<Body>, Infallible> {
    let work = tokio::spawn(async move {
        let _worker = workers.acquire().await.unwrap();
        sleep(WORK).await;
    });
    work.await.unwrap();
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let frames = [
        Frame::data(Bytes::from_static(&[0; 5])),
        Frame::trailers(trailers),
    ];
    let frames = stream::iter(frames.map(Ok::<_, Status>));
    let mut response = Response::new(Body::new(StreamBody::new(frames)));
    let content = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert("content-type", content);
    Ok(response)
}

/// A call that is refused learns why and when to come again.
fn assert_told(status: &Status) {
    let info = status.get_details_error_info();
    let info = info.unwrap_or_else(|| panic!("{status:?}"));
    assert_eq!(info.reason, "OVERLOADED");
    assert!(info.metadata["wait_ms"].parse::<u64>().is_ok());
    let retry = status.get_details_retry_info().unwrap().retry_delay;
    assert!(retry.is_some_and(|retry| retry >= Duration::from_millis(50)));
}

/// A server, and clients of it.
#[derive(Clone)]
struct Load {
    channels: Vec<Channel>,
    stop: CancellationToken,
}

impl Load {
    async fn new(settings: &Settings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, meter) = (
            CancellationToken::new(),
            opentelemetry::global::meter("tests"),
        );
        let workers = Arc::new(Semaphore::new(WORKERS));
        let parts = Parts {
            settings,
            methods: Methods::try_new().unwrap(),
            meter: meter.clone(),
            stop: stop.clone(),
            credentials: Credentials::nobody(),
            recorder: Recorder::deaf(),
        };
        let service = tower::service_fn(move |_: Request<Body>| answer(workers.clone()));
        let (porter, service) = assemble(parts, service);
        let acceptor = Acceptor::new(settings, None, Some(porter), &meter);
        tokio::spawn(acceptor.run(listener, service, stop.clone()));
        let connecting = (0..4).map(|_| Self::connect(address));
        let channels = join_all(connecting).await;
        Self { channels, stop }
    }

    async fn connect(address: SocketAddr) -> Channel {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        endpoint.connect().await.unwrap()
    }

    /// One write.
    async fn call(&self, at: usize) -> Ended {
        let mut request = tonic::Request::new(partner::CreatePartnerRequest::default());
        request.set_timeout(DEADLINE);
        let channel = self.channels[at % self.channels.len()].clone();
        let mut partners = PartnerServiceClient::new(channel);
        let came = Instant::now();
        let answered = partners.create_partner(request).await;
        let took = came.elapsed();
        // Whatever the client says, an answer after its deadline is none.
        let outcome = match answered {
            Ok(_) if took <= DEADLINE => Ok(()),
            Ok(_) => Err(Code::DeadlineExceeded),
            Err(status) => {
                if status.code() == Code::Unavailable {
                    assert_told(&status);
                }
                Err(status.code())
            }
        };
        Ended {
            came,
            took,
            outcome,
        }
    }

    /// What the server can do: calls a second that a few clients get answered who call again at
    /// once.
    async fn peak(&self, time: Duration) -> f64 {
        let until = Instant::now() + time;
        let clients = (0..WORKERS + 2).map(|at| async move {
            let mut good = 0_u32;
            while Instant::now() < until {
                good += u32::from(self.call(at).await.outcome.is_ok());
            }
            good
        });
        let good: u32 = join_all(clients).await.into_iter().sum();
        f64::from(good) / time.as_secs_f64()
    }

    /// Calls at a rate, at random, for some time.
    async fn run(&self, per_second: f64, time: Duration) -> Vec<Ended> {
        let began = Instant::now();
        let mut next = began;
        let mut calls = JoinSet::new();
        let ended = Arc::new(Mutex::new(Vec::new()));
        let mut at = 0;
        while next < began + time {
            sleep_until(next).await;
            let (load, ended) = (self.clone(), ended.clone());
            calls.spawn(async move {
                let call = load.call(at).await;
                ended.lock().await.push(call);
            });
            at += 1;
            let uniform: f64 = rand::rng().random_range(f64::EPSILON..1.0);
            next += Duration::from_secs_f64(-uniform.ln() / per_second);
        }
        calls.join_all().await;
        Arc::into_inner(ended).unwrap().into_inner()
    }
}

/// The calls that came some time after the first of them.
fn after(ended: &[Ended], time: Duration) -> Vec<Ended> {
    let first = ended.iter().map(|call| call.came).min().unwrap();
    let late = |call: &&Ended| call.came >= first + time;
    ended.iter().filter(late).copied().collect()
}

/// How many of these calls a second were answered in time.
fn goodput(ended: &[Ended]) -> f64 {
    let first = ended.iter().map(|call| call.came).min().unwrap();
    let last = ended.iter().map(|call| call.came).max().unwrap();
    let good = ended.iter().filter(|call| call.outcome.is_ok()).count();
    f64::from(u32::try_from(good).unwrap()) / (last - first).as_secs_f64()
}

/// The time in which all but one in a hundred of those that were let in were answered.
fn p99(ended: &[Ended]) -> Duration {
    let admitted = |call: &&Ended| call.outcome != Err(Code::Unavailable);
    let mut took: Vec<_> = ended
        .iter()
        .filter(admitted)
        .map(|call| call.took)
        .collect();
    took.sort_unstable();
    took[took.len() * 99 / 100]
}

/// What was measured.
#[derive(Debug)]
struct Measured {
    peak: f64,
    calm_p99: Duration,
    goodput: f64,
    p99: Duration,
    offered_after: f64,
    goodput_after: f64,
}

impl Measured {
    async fn new(admission: &str) -> Self {
        let scale: u32 = std::env::var_os("TRELLIS_TESTS_OVERLOAD_SECONDS")
            .and_then(|seconds| seconds.to_str()?.parse().ok())
            .unwrap_or(1);
        let second = Duration::from_secs(1) * scale;
        let load = Load::new(&settings(admission)).await;
        let peak = load.peak(2 * second).await;
        let calm = load.run(0.7 * peak, 2 * second).await;
        let overload = load.run(2.0 * peak, 4 * second).await;
        let overload = after(&overload, second);
        let recovered = load.run(0.7 * peak, 3 * second).await;
        let recovered = after(&recovered, Duration::from_secs(1));
        load.stop.cancel();
        Self {
            peak,
            calm_p99: p99(&calm),
            goodput: goodput(&overload),
            p99: p99(&overload),
            offered_after: 0.7 * peak,
            goodput_after: goodput(&recovered),
        }
    }

    /// Whether overload does no harm. A few calls more or less in a second are chance.
    fn holds(&self) -> bool {
        self.goodput >= 0.9 * self.peak
            && self.p99 <= 3 * self.calm_p99 + NOISE
            && self.goodput_after >= 0.85 * self.offered_after
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it measures, and wants the machine for itself: `make endurance`"]
async fn twice_as_many_calls_as_it_can_answer_do_not_keep_it_from_answering() {
    let mut all = Vec::new();
    // Others use the machine too, so that one bad measurement says nothing.
    for _ in 0..4 {
        let measured = Measured::new("true").await;
        let holds = measured.holds();
        eprintln!("with admission: {measured:?}");
        all.push(measured);
        if holds {
            return;
        }
    }
    panic!("{all:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it measures, and wants the machine for itself: `make endurance`"]
async fn without_admission_they_do() {
    let measured = Measured::new("false").await;
    eprintln!("without admission: {measured:?}");
    assert!(measured.goodput < 0.5 * measured.peak, "{measured:?}");
    assert!(measured.p99 > 3 * measured.calm_p99, "{measured:?}");
}
