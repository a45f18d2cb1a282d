//! Calls without a gRPC client, for what no well-behaved client would send or show.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// An answer as it came over the wire.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) http: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: HeaderMap,
}

impl Answer {
    /// The status, from wherever it stands.
    pub(crate) fn status(&self) -> Status {
        Status::from_header_map(&self.headers)
            .or_else(|| Status::from_header_map(&self.trailers))
            .unwrap_or_else(|| panic!("an answer without a status: {self:?}"))
    }

    /// The code, the reason and the metadata of an error.
    pub(crate) fn error(&self) -> (Code, String, BTreeMap<String, String>) {
        let status = self.status();
        let info = status.get_details_error_info();
        let info = info.unwrap_or_else(|| panic!("an error without a reason: {status:?}"));
        (
            status.code(),
            info.reason,
            info.metadata.into_iter().collect(),
        )
    }
}

/// Sends one call over HTTP/2.
pub(crate) async fn call(
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Answer {
    let ours = [("content-type", "application/grpc"), ("te", "trailers")];
    send(address, "POST", path, &[&ours, headers].concat(), body).await
}

/// Sends one HTTP/2 request.
pub(crate) async fn send(
    address: SocketAddr,
    verb: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Answer {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    let connection = tokio::spawn(connection);
    let uri = format!("http://{address}{path}");
    let request = request(verb, &uri, headers, body);
    let answer = collect(sender.send_request(request).await.unwrap()).await;
    connection.abort();
    answer
}

/// A connection that is kept, for many calls.
pub(crate) struct Line {
    address: SocketAddr,
    sender: http2::SendRequest<Full<Bytes>>,
}

impl Line {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        // Small calls one after another must not wait for each other's acknowledgements.
        stream.set_nodelay(true).unwrap();
        let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
        let (sender, connection) = handshake.unwrap();
        tokio::spawn(connection);
        Self { address, sender }
    }

    /// Sends one call.
    pub(crate) async fn call(&self, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let ours = [("content-type", "application/grpc"), ("te", "trailers")];
        let uri = format!("http://{}{path}", self.address);
        let request = request("POST", &uri, &[&ours, headers].concat(), body);
        let response = self.sender.clone().send_request(request).await.unwrap();
        match path.ends_with(WATCH) {
            true => collect_told(response).await,
            false => collect(response).await,
        }
    }
}

/// The method whose answer has no end.
const WATCH: &str = "/WatchEvents";

/// Sends one HTTP/1.1 request, as a browser's gRPC-Web client does.
pub(crate) async fn send_http1(
    address: SocketAddr,
    verb: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Answer {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let headers = [&[("host", "portal")], headers].concat();
    let request = request(verb, path, &headers, body);
    let answer = collect(sender.send_request(request).await.unwrap()).await;
    connection.abort();
    answer
}

fn request(verb: &str, uri: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Request<Full<Bytes>> {
    let mut request = Request::builder().method(verb).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Full::new(Bytes::from(body))).unwrap()
}

async fn collect(response: http::Response<hyper::body::Incoming>) -> Answer {
    let (parts, body) = response.into_parts();
    let collected = body.collect().await.unwrap();
    let trailers = collected.trailers().cloned().unwrap_or_default();
    Answer {
        http: parts.status.as_u16(),
        headers: parts.headers,
        body: collected.to_bytes().to_vec(),
        trailers,
    }
}

/// What a stream of events tells of what had happened before, or of what there is: everything up to its
/// first heartbeat, or to where a snapshot is complete.
pub(crate) async fn collect_told(response: http::Response<hyper::body::Incoming>) -> Answer {
    let (parts, mut body) = response.into_parts();
    let mut answer = Answer {
        http: parts.status.as_u16(),
        headers: parts.headers,
        body: Vec::new(),
        trailers: HeaderMap::new(),
    };
    while let Some(frame) = body.frame().await {
        match frame.unwrap().into_data() {
            Ok(data) => answer.body.extend_from_slice(&data),
            Err(frame) => answer.trailers = frame.into_trailers().unwrap(),
        }
        if beats(&answer.body) {
            answer.trailers.insert("grpc-status", 0.into());
            break;
        }
    }
    answer
}

/// Whether there is a message among some that begins with its position: one without an event, and after all
/// resources.
fn beats(body: &[u8]) -> bool {
    messages(body).any(|message| message.first() == Some(&0x12))
}

/// The whole messages of a body, without their frames.
pub(crate) fn messages(mut body: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (head, rest) = body.split_first_chunk::<5>()?;
        let [_, length @ ..] = *head;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap();
        let (message, rest) = rest.split_at_checked(length)?;
        body = rest;
        Some(message)
    })
}

/// A message as gRPC frames it.
pub(crate) fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &length[..], message].concat()
}
