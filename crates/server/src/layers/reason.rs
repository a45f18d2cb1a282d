//! Sees to it that every error says why, in the words of the contract.
//!
//! A service's own errors do already. What is left are those that the transport makes before or
//! after a service: a message too large, bytes that are no message, a method that nobody serves.
//! An INTERNAL error also gets the call's id, by which the server's log tells what happened.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{HeaderMap, Request, Response};
use hyper::body::{Body as _, Bytes, Frame};
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::request_id::RequestId;
use super::{Rest, Serve, Step, body};
use crate::methods::{Method, UNKNOWN};
use crate::refusal::Refusal;

/// The headers that tell a status.
const STATUS: [&str; 3] = ["grpc-status", "grpc-message", "grpc-status-details-bin"];

/// Completes errors wherever they are told: in the headers of an answer without messages, or in
/// the trailers after them.
#[derive(Clone)]
pub(super) struct Reasons;

impl Step for Reasons {
    async fn answer<S: Serve>(&self, request: Request<Body>, rest: Rest<S>) -> Response<Body> {
        let completing = Completing {
            method: request.extensions().get::<Method>().cloned(),
            request_id: request.extensions().get::<RequestId>().cloned(),
        };
        let mut response = rest.run(request).await;
        if body::code(response.headers()).is_none() {
            return body::through(response, completing);
        }
        completing.complete(response.headers_mut());
        response
    }
}

struct Completing {
    method: Option<Method>,
    request_id: Option<RequestId>,
}

impl Completing {
    /// Rewrites the status that these headers tell, if it tells less than it must.
    fn complete(&self, headers: &mut HeaderMap) {
        if matches!(body::code(headers), None | Some(Code::Ok)) {
            return;
        }
        let Some(status) = Status::from_header_map(headers) else {
            return;
        };
        let Some(status) = self.completed(&status) else {
            return;
        };
        for header in STATUS {
            headers.remove(header);
        }
        body::write(&status, headers);
    }

    /// The status as it should be; nothing when it is so already.
    fn completed(&self, status: &Status) -> Option<Status> {
        let told = status.get_details_error_info();
        match (status.code(), told) {
            (Code::Internal, Some(_)) => Some(self.with_request_id(status)),
            (_, Some(_)) => None,
            // It ended because its caller went away: nobody is left to read why.
            (Code::Cancelled, None) => None,
            (_, None) => {
                let refusal = self.refusal(status);
                if matches!(refusal, Refusal::Fault) {
                    tracing::error!(code = ?status.code(), message = status.message(), "an error without a reason");
                }
                let status = refusal.status();
                let internal = status.code() == Code::Internal;
                Some(if internal {
                    self.with_request_id(&status)
                } else {
                    status
                })
            }
        }
    }

    /// What an error of the transport means.
    fn refusal(&self, status: &Status) -> Refusal {
        let message = status.message();
        match status.code() {
            Code::OutOfRange | Code::ResourceExhausted => Refusal::TooLarge {
                limit_bytes: last_number(message),
            },
            Code::Unimplemented if message.starts_with("Content is compressed") => {
                Refusal::Compression {
                    what: message.trim_end_matches('.').to_owned(),
                }
            }
            Code::Unimplemented => Refusal::NotServed {
                method: self.method(),
            },
            Code::Internal if message.starts_with("Missing request message") => {
                Refusal::MessageCount {
                    method: self.method(),
                    found: "none",
                }
            }
            Code::Internal if is_about_bytes(message) => Refusal::Malformed {
                what: message.to_owned(),
            },
            Code::NotFound => Refusal::NotFound {
                what: message.to_owned(),
            },
            Code::InvalidArgument => Refusal::Malformed {
                what: message.to_owned(),
            },
            Code::DeadlineExceeded => Refusal::Deadline,
            Code::Unavailable => Refusal::Stopping,
            Code::Ok
            | Code::Cancelled
            | Code::Unknown
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::Aborted
            | Code::Internal
            | Code::DataLoss
            | Code::Unauthenticated => Refusal::Fault,
        }
    }

    fn method(&self) -> String {
        let method = self.method.as_ref().map_or(UNKNOWN, Method::path);
        method.trim_start_matches('/').to_owned()
    }

    fn with_request_id(&self, status: &Status) -> Status {
        let mut details = status.get_error_details();
        if let (Some(info), Some(id)) = (details.error_info(), &self.request_id) {
            let mut info = info.clone();
            info.metadata
                .insert("request_id".to_owned(), id.as_str().to_owned());
            details.set_error_info(info.reason, info.domain, info.metadata);
        }
        Status::with_error_details(status.code(), status.message(), details)
    }
}

impl body::Frames for Completing {
    fn poll(
        &mut self,
        body: Pin<&mut Body>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(body.poll_frame(cx));
        Poll::Ready(frame.map(|frame| {
            frame.map(|mut frame| {
                if let Some(trailers) = frame.trailers_mut() {
                    self.complete(trailers);
                }
                frame
            })
        }))
    }
}

/// Whether tonic says that it could not read the request. It calls that INTERNAL, like a fault of
/// the server, though only the caller can mend it.
fn is_about_bytes(message: &str) -> bool {
    [
        "failed to decode Protobuf message",
        "Unexpected EOF decoding stream",
        "protocol error: received message",
        "Error decompressing",
    ]
    .iter()
    .any(|start| message.starts_with(start))
}

/// The last number in a message of tonic's about sizes, which is the limit.
fn last_number(message: &str) -> Option<u64> {
    message
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok())
        .next_back()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completing() -> Completing {
        Completing {
            method: None,
            request_id: None,
        }
    }

    #[test]
    fn the_limit_is_read_from_tonics_messages() {
        let decoded = "Error, decoded message length too large: found 2000 bytes, the limit is: 1048576 bytes";
        assert_eq!(last_number(decoded), Some(1_048_576));
        let bomb = "Error decompressing: size limit, of 1048576 bytes, exceeded while decompressing message";
        assert_eq!(last_number(bomb), Some(1_048_576));
        assert_eq!(last_number("none"), None);
    }

    #[test]
    fn every_error_of_the_transport_gets_a_reason() {
        for (status, code, reason) in [
            (
                Status::out_of_range("found 2 bytes, the limit is: 1 bytes"),
                Code::ResourceExhausted,
                "TOO_LARGE",
            ),
            (Status::unimplemented(""), Code::Unimplemented, "NOT_SERVED"),
            (
                Status::internal("Missing request message."),
                Code::Unimplemented,
                "MESSAGE_COUNT",
            ),
            (
                Status::internal("Unexpected EOF decoding stream."),
                Code::InvalidArgument,
                "MALFORMED_MESSAGE",
            ),
            (
                Status::unimplemented("Content is compressed with `x` which isn't supported"),
                Code::Unimplemented,
                "UNKNOWN_COMPRESSION",
            ),
            (Status::internal("what is this"), Code::Internal, "INTERNAL"),
            (
                Status::not_found("service not registered"),
                Code::NotFound,
                "RESOURCE_NOT_FOUND",
            ),
            (Status::unknown("?"), Code::Internal, "INTERNAL"),
        ] {
            let completed = completing().completed(&status).unwrap();
            let info = completed.get_details_error_info().unwrap();
            assert_eq!((completed.code(), info.reason.as_str()), (code, reason));
            assert_eq!(info.domain, "trellis.dev");
        }
    }

    #[test]
    fn what_a_service_said_is_left_as_it_is() {
        let said = Refusal::NotServed {
            method: "x".to_owned(),
        }
        .status();
        assert!(completing().completed(&said).is_none());
    }

    #[test]
    fn a_call_that_its_caller_gave_up_is_left_alone() {
        assert!(completing().completed(&Status::cancelled("")).is_none());
    }
}
