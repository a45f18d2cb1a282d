//! Why the server itself, and not a service, refuses a call.

use std::time::Duration;

use http::Response;
use tonic::Status;
use tonic::body::Body;
use trellis_core::{Code, Failure};

/// A refusal by a layer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// Something of ours is broken. What, the log tells; the caller learns under which id.
    #[error("an internal error occurred; tell whoever runs this server the request id")]
    Fault,
    /// The call's time ran out.
    #[error(
        "the deadline passed; a write may still happen: send the call again with the same \
         request id to learn its result"
    )]
    Deadline,
    /// A message did not come on.
    #[error("the message takes too long to arrive; send it faster, or in smaller parts")]
    Slow,
    /// The server stops.
    #[error("the server is stopping; send the call again to another one")]
    Stopping,
    /// Nobody here serves the method.
    #[error("this server does not serve {method}; check the name, or ask one that serves it")]
    NotServed {
        /// The method's name.
        method: String,
    },
    /// A message is too large, in or out.
    #[error("the message is larger than this server takes; split it, or ask for less")]
    TooLarge {
        /// How large it may be.
        limit_bytes: Option<u64>,
    },
    /// The bytes are not a message of the method.
    #[error("the bytes are no request of this method ({what}); compare the client's protos")]
    Malformed {
        /// What is wrong with them.
        what: String,
    },
    /// The call carries no message or several, where the method takes exactly one.
    #[error(
        "{method} takes exactly one message, and the call carries {found}; send one, and call \
         again for the next"
    )]
    MessageCount {
        /// The method's name.
        method: String,
        /// How many there are: `none` or `several`.
        found: &'static str,
    },
    /// The message is compressed in a way that we do not read.
    #[error("{what}; use gzip or nothing")]
    Compression {
        /// What the transport says of it.
        what: String,
    },
    /// The caller does more than its share.
    #[error(
        "the quota {quota} of {limit} is used up; try again in {} ms, and less often",
        retry.as_millis()
    )]
    Quota {
        /// Which one.
        quota: &'static str,
        /// Its size.
        limit: u32,
        /// When there is some of it again.
        retry: Duration,
    },
    /// The caller watches in too many streams already.
    #[error(
        "{limit} streams of events are open, which is the most for one caller \
         (principal-watches-max); end one, or let one stream serve several readers"
    )]
    Watches {
        /// How many there may be.
        limit: u32,
    },
    /// The connection is at its end.
    #[error("the connection is old; call again on a new one")]
    Leaving,
    /// There is more to do than can be done in time.
    #[error(
        "the server is overloaded: the call would wait for {} ms; nothing was done, try again in \
         {} ms, and wait longer each time",
        wait.as_millis(),
        retry.as_millis()
    )]
    Overloaded {
        /// How long the call would have waited.
        wait: Duration,
        /// When it may be better.
        retry: Duration,
    },
    /// A service that comes with the transport, such as health, does not know what it was asked
    /// for.
    #[error("{what}; check the name")]
    NotFound {
        /// What is not there.
        what: String,
    },
}

impl Failure for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::Fault => Code::Internal,
            Self::Deadline | Self::Slow => Code::DeadlineExceeded,
            Self::Stopping | Self::Leaving | Self::Overloaded { .. } => Code::Unavailable,
            Self::NotServed { .. } | Self::MessageCount { .. } | Self::Compression { .. } => {
                Code::Unimplemented
            }
            Self::TooLarge { .. } | Self::Quota { .. } | Self::Watches { .. } => {
                Code::ResourceExhausted
            }
            Self::Malformed { .. } => Code::InvalidArgument,
            Self::NotFound { .. } => Code::NotFound,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Fault => "INTERNAL",
            Self::Deadline | Self::Slow => "DEADLINE_EXCEEDED",
            Self::Stopping | Self::Leaving => "UNAVAILABLE",
            Self::NotServed { .. } => "NOT_SERVED",
            Self::TooLarge { .. } => "TOO_LARGE",
            Self::Malformed { .. } => "MALFORMED_MESSAGE",
            Self::MessageCount { .. } => "MESSAGE_COUNT",
            Self::Compression { .. } => "UNKNOWN_COMPRESSION",
            Self::Quota { .. } | Self::Watches { .. } => "QUOTA_EXCEEDED",
            Self::Overloaded { .. } => "OVERLOADED",
            Self::NotFound { .. } => "RESOURCE_NOT_FOUND",
        }
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Fault | Self::Deadline | Self::Slow | Self::Stopping | Self::Leaving => {
                Vec::new()
            }
            Self::NotServed { method } => vec![("method", method.clone())],
            Self::TooLarge { limit_bytes } => limit_bytes
                .map(|limit| ("limit_bytes", limit.to_string()))
                .into_iter()
                .collect(),
            Self::Malformed { what } | Self::Compression { what } => vec![("what", what.clone())],
            Self::MessageCount { method, found } => {
                vec![("method", method.clone()), ("found", (*found).to_owned())]
            }
            Self::Quota { quota, limit, .. } => {
                vec![("quota", (*quota).to_owned()), ("limit", limit.to_string())]
            }
            Self::Watches { limit } => {
                let quota = "watches_under_way".to_owned();
                vec![("quota", quota), ("limit", limit.to_string())]
            }
            Self::Overloaded { wait, .. } => vec![("wait_ms", wait.as_millis().to_string())],
            Self::NotFound { what } => vec![("resource", what.clone())],
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Quota { retry, .. } | Self::Overloaded { retry, .. } => Some(*retry),
            _ => None,
        }
    }
}

impl Refusal {
    /// The refusal as a status.
    pub(crate) fn status(&self) -> Status {
        trellis_api::status(self)
    }

    /// The refusal as an answer without messages.
    pub(crate) fn answer(&self) -> Response<Body> {
        let mut answer = answer(self);
        let shed = matches!(
            self,
            Self::Overloaded { .. } | Self::Quota { .. } | Self::Watches { .. }
        );
        if shed {
            answer.extensions_mut().insert(Shed);
        }
        answer
    }
}

/// That a call was refused only because there were too many, in the extensions of its answer. Of
/// such calls there may be any number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shed;

/// Any failure as an answer without messages.
pub(crate) fn answer(failure: &impl Failure) -> Response<Body> {
    trellis_api::status(failure).into_http()
}
