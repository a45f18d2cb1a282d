//! An issuer's web server on this machine, which counts what it is asked for.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

/// The path of the keys.
pub(super) const KEYS: &str = "/keys";

/// The path of the discovery document.
pub(super) const DISCOVERY: &str = "/.well-known/openid-configuration";

/// What is answered at a path.
#[derive(Clone)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    pub(super) delay: Duration,
}

impl Answer {
    pub(super) fn json(value: &Value) -> Self {
        Self {
            status: StatusCode::OK,
            headers: Vec::new(),
            body: value.to_string().into_bytes(),
            delay: Duration::ZERO,
        }
    }

    pub(super) fn keys(keys: &[Value]) -> Self {
        Self::json(&json!({ "keys": keys }))
    }
}

#[derive(Default)]
struct State {
    answers: HashMap<String, Answer>,
    asked: HashMap<String, usize>,
}

/// The server. Stops when it is dropped.
pub(super) struct Provider {
    pub(super) url: String,
    state: Arc<Mutex<State>>,
    task: AbortHandle,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Provider {
    /// A server with a discovery document and these keys.
    pub(super) async fn start(keys: &[Value]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let task = tokio::spawn(serve(listener, Arc::clone(&state))).abort_handle();
        let provider = Self { url, state, task };
        let discovery = json!({
            "issuer": provider.url, "jwks_uri": format!("{}{KEYS}", provider.url),
        });
        provider.answer(DISCOVERY, Answer::json(&discovery));
        provider.answer(KEYS, Answer::keys(keys));
        provider
    }

    /// Answers this at the path from now on.
    pub(super) fn answer(&self, path: &str, answer: Answer) {
        let mut state = self.state.lock().unwrap();
        state.answers.insert(path.to_owned(), answer);
    }

    /// How often the path was asked for.
    pub(super) fn asked(&self, path: &str) -> usize {
        let state = self.state.lock().unwrap();
        state.asked.get(path).copied().unwrap_or_default()
    }

    /// Waits until the path was asked for so often.
    pub(super) async fn until_asked(&self, path: &str, times: usize) {
        let waited = async {
            while self.asked(path) < times {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(60), waited).await;
        assert!(
            waited.is_ok(),
            "{path} was asked for {} times",
            self.asked(path)
        );
    }
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let state = Arc::clone(&state);
        let service = service_fn(move |request| respond(Arc::clone(&state), request));
        tokio::spawn(async move {
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service);
            // A client that goes away is part of the tests.
            drop(connection.await);
        });
    }
}

async fn respond(
    state: Arc<Mutex<State>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let answer = {
        let mut state = state.lock().unwrap();
        *state.asked.entry(path.clone()).or_default() += 1;
        state.answers.get(&path).cloned()
    };
    let mut response = Response::new(Full::default());
    let Some(answer) = answer else {
        *response.status_mut() = StatusCode::NOT_FOUND;
        return Ok(response);
    };
    tokio::time::sleep(answer.delay).await;
    *response.status_mut() = answer.status;
    for (name, value) in answer.headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    *response.body_mut() = Full::from(answer.body);
    Ok(response)
}
