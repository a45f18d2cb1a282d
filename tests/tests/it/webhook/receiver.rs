//! Somebody who takes webhooks: a server on this machine that does what a test tells it to.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What it does about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// Answers with a status.
    Status(u16),
    /// Says nothing for so long, and then that it is well.
    After(Duration),
    /// Hangs up.
    Reset,
}

pub(super) const WELL: Reply = Reply::Status(200);

/// A request that came.
#[derive(Clone, Debug)]
pub(super) struct Came {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) event: Value,
    /// What was done about it.
    pub(super) reply: Reply,
    pub(super) at: Instant,
}

impl Came {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub(super) fn id(&self) -> &str {
        self.header("webhook-id")
    }

    pub(super) fn kind(&self) -> &str {
        self.event["type"].as_str().unwrap()
    }

    pub(super) fn subject(&self) -> &str {
        self.event["subject"].as_str().unwrap()
    }

    pub(super) fn is_taken(&self) -> bool {
        matches!(self.reply, Reply::Status(200..=299))
    }
}

/// Whether the reference implementation of the specification signs a request so with this secret. It is not asked to
/// verify it, because the clock of tests stands still in the past.
pub(super) fn is_by_secret(came: &Came, secret: &str) -> bool {
    let reference = standardwebhooks::Webhook::new(secret).unwrap();
    let time = came.header("webhook-timestamp").parse().unwrap();
    let signature = reference.sign(came.id(), time, &came.body).unwrap();
    came.header("webhook-signature")
        .split(' ')
        .any(|one| one == signature)
}

type Decide = Box<dyn Fn(&Value, &HeaderMap) -> Reply + Send + Sync>;

/// The server. It is gone when it is dropped.
pub(super) struct Receiver {
    pub(super) url: String,
    came: Arc<Mutex<Vec<Came>>>,
    decide: Arc<Mutex<Decide>>,
    serving: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Receiver {
    /// One that takes everything.
    pub(super) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let came = Arc::new(Mutex::new(Vec::new()));
        let decide: Arc<Mutex<Decide>> = Arc::new(Mutex::new(Box::new(|_, _| WELL)));
        let (seen, decides) = (came.clone(), decide.clone());
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, decides) = (seen.clone(), decides.clone());
                let answer =
                    service_fn(move |request| take(request, seen.clone(), decides.clone()));
                let serve = http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
                // Whoever hangs up is no fault here.
                tokio::spawn(async move { drop(serve.await) });
            }
        });
        Self {
            url,
            came,
            decide,
            serving,
        }
    }

    /// What it does about what comes from now on.
    pub(super) fn replies(
        &self,
        decide: impl Fn(&Value, &HeaderMap) -> Reply + Send + Sync + 'static,
    ) {
        *self.decide.lock().unwrap() = Box::new(decide);
    }

    /// What came so far.
    pub(super) fn came(&self) -> Vec<Came> {
        self.came.lock().unwrap().clone()
    }

    /// Waits until so many requests have come.
    pub(super) async fn until(&self, count: usize) -> Vec<Came> {
        eventually(&format!("{count} requests"), || async {
            let came = self.came();
            (came.len() >= count).then_some(came)
        })
        .await
    }
}

/// Waits for something that happens soon.
pub(super) async fn eventually<T, F>(what: &str, mut look: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(60) {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{what} did not come about within a minute");
}

async fn take(
    request: Request<Incoming>,
    came: Arc<Mutex<Vec<Came>>>,
    decide: Arc<Mutex<Decide>>,
) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let (head, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map_err(std::io::Error::other)?
        .to_bytes();
    let event: Value = serde_json::from_slice(&body)?;
    let reply = decide.lock().unwrap()(&event, &head.headers);
    came.lock().unwrap().push(Came {
        headers: head.headers,
        body,
        event,
        reply,
        at: Instant::now(),
    });
    let status = match reply {
        Reply::Status(status) => status,
        Reply::After(span) => {
            tokio::time::sleep(span).await;
            200
        }
        Reply::Reset => return Err(std::io::Error::other("hangs up")),
    };
    let mut response = Response::new(Full::new(Bytes::from_static(b"thanks")));
    *response.status_mut() = status.try_into().unwrap();
    Ok(response)
}
