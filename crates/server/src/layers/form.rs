//! Turns away what is no gRPC call: another verb than POST, or a body that is not a message of the
//! contract. There is no status to tell such a client, only HTTP's own, as gRPC asks for.

use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use tonic::body::Body;

use super::{Rest, Serve, Step};

/// Lets pass only what has the form of a call.
#[derive(Clone)]
pub(super) struct Forms;

impl Step for Forms {
    async fn answer<S: Serve>(&self, request: Request<Body>, rest: Rest<S>) -> Response<Body> {
        if request.method() != Method::POST {
            let mut response = refused(StatusCode::METHOD_NOT_ALLOWED);
            let post = HeaderValue::from_static("POST");
            response.headers_mut().insert(ALLOW, post);
            return response;
        }
        let content = request.headers().get(CONTENT_TYPE);
        if !content.is_some_and(|content| is_ours(content.as_bytes())) {
            return refused(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
        rest.run(request).await
    }
}

fn refused(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// Whether a body is said to be protobuf in gRPC's frames.
fn is_ours(content: &[u8]) -> bool {
    let whole = content.split(|byte| *byte == b';').next();
    matches!(
        whole.map(<[u8]>::trim_ascii),
        Some(b"application/grpc" | b"application/grpc+proto")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protobuf_in_grpcs_frames_is_ours_and_nothing_else() {
        for ours in [
            "application/grpc",
            "application/grpc+proto",
            "application/grpc;charset=utf-8",
        ] {
            assert!(is_ours(ours.as_bytes()), "{ours}");
        }
        for other in [
            "",
            "application/grpc+json",
            "application/grpcfoo",
            "text/plain",
        ] {
            assert!(!is_ours(other.as_bytes()), "{other}");
        }
    }
}
