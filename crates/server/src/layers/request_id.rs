//! Gives every call a name, by which its caller and the server's log speak of the same call.

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use tonic::body::Body;
use uuid::Uuid;

use super::{Rest, Serve, Step};

/// The header that carries it, both ways.
pub(super) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken from a caller.
const LONGEST: usize = 128;

/// The id of a call. What the caller sent is kept if it is short and printable, because it may
/// come from a proxy before us that writes it into its own log.
#[derive(Clone, Debug)]
pub(super) struct RequestId(HeaderValue);

impl RequestId {
    /// The id as text.
    pub(super) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

/// Accepts or makes the id of each call, and answers with it.
#[derive(Clone)]
pub(super) struct RequestIds;

impl Step for RequestIds {
    async fn answer<S: Serve>(&self, mut request: Request<Body>, rest: Rest<S>) -> Response<Body> {
        let id = id_of(request.headers());
        request.headers_mut().insert(HEADER, id.clone());
        request.extensions_mut().insert(RequestId(id.clone()));
        let mut response = rest.run(request).await;
        response.headers_mut().insert(HEADER, id);
        response
    }
}

/// Answers a call with its id before it has passed this step.
pub(super) fn tell(asked: &HeaderMap, answer: &mut HeaderMap) {
    answer.insert(HEADER, id_of(asked));
}

/// What the caller sent, or a new id.
fn id_of(asked: &HeaderMap) -> HeaderValue {
    let sent = asked.get(HEADER);
    match sent.filter(|sent| is_printable(sent.as_bytes())) {
        Some(sent) => sent.clone(),
        None => made(),
    }
}

fn is_printable(id: &[u8]) -> bool {
    (1..=LONGEST).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic)
}

fn made() -> HeaderValue {
    let id = Uuid::new_v4().hyphenated().to_string();
    HeaderValue::try_from(id).unwrap_or_else(|_| HeaderValue::from_static("none"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_taken_from_the_caller_if_it_is_short_and_printable() {
        assert!(is_printable(b"0198c0de-proxy/7"));
        let long = [b'x'; LONGEST + 1];
        for id in [&b""[..], b"two words", b"line\nbreak", b"\xff", &long] {
            assert!(!is_printable(id), "{id:?}");
        }
    }

    #[test]
    fn made_ids_differ() {
        assert_ne!(made(), made());
        assert!(is_printable(made().as_bytes()));
    }
}
