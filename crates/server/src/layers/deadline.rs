//! Bounds every call by the client's deadline and the server's own.
//!
//! The deadline travels with the call, so that the store can bound its statements by it. When it
//! passes, the call is answered DEADLINE_EXCEEDED and its future is dropped; a write goes on in a
//! task of its own, so that a deadline never cuts a commit in two.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::{HeaderMap, Request, Response};
use hyper::body::{Body as _, Bytes, Frame};
use tokio::time::{Sleep, sleep_until, timeout_at};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::Status;
use tonic::body::Body;
use trellis_api::Deadline;
use trellis_core::{Problem, Violation};

use super::{Rest, Serve, Step, body};
use crate::listen::{Came, Leaving};
use crate::methods::{Method, Shape};
use crate::refusal::Refusal;
use crate::settings::Settings;

/// How long a stream may still tell what is ready when the server stops or its connection leaves.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The header by which a client says how long it waits.
const TIMEOUT: &str = "grpc-timeout";

/// Gives each call its deadline and holds it to that.
#[derive(Clone)]
pub(super) struct Deadlines {
    default: Duration,
    max: Duration,
    stream_max: Duration,
    stop: CancellationToken,
}

impl Deadlines {
    pub(super) fn new(settings: &Settings, stop: CancellationToken) -> Self {
        Self {
            default: settings.deadline_default,
            max: settings.deadline_max,
            stream_max: settings.stream_deadline_max,
            stop,
        }
    }

    /// How long a call may take; nothing for one that lives as long as its connection.
    fn limit(&self, shape: Shape, asked: Option<Duration>) -> Option<Duration> {
        match shape {
            Shape::Unary => Some(asked.unwrap_or(self.default).min(self.max)),
            Shape::Stream => Some(asked.unwrap_or(self.stream_max).min(self.stream_max)),
            Shape::Watch => asked,
        }
    }

    /// What ends a stream that nothing else ends.
    fn causes(&self, leaving: Option<Leaving>) -> Vec<Cause> {
        let leaving = leaving.map(|Leaving(leaving)| Cause::new(leaving, Refusal::Leaving));
        let stop = Cause::new(self.stop.clone(), Refusal::Stopping);
        [stop].into_iter().chain(leaving).collect()
    }
}

impl Step for Deadlines {
    async fn answer<S: Serve>(&self, mut request: Request<Body>, rest: Rest<S>) -> Response<Body> {
        let asked = match asked(request.headers()) {
            Ok(asked) => asked,
            Err(wrong) => return crate::refusal::answer(&wrong),
        };
        let shape = request
            .extensions()
            .get::<Method>()
            .map_or(Shape::Unary, Method::shape);
        let limit = self.limit(shape, asked);
        if limit.is_some_and(|limit| limit.is_zero()) {
            // Nobody waits, so nothing is begun, however quick it might be.
            return Refusal::Deadline.answer();
        }
        // A call waits from when it came, also while it has not had its turn yet.
        let now = Instant::now();
        let came = request.extensions().get().map_or(now, |Came(came)| *came);
        let deadline = limit.map(|limit| came + limit);
        if deadline.is_some_and(|deadline| deadline <= now) {
            return Refusal::Deadline.answer();
        }
        let leaving = request.extensions().get().cloned();
        let response = match deadline {
            Some(deadline) => {
                request.extensions_mut().insert(Deadline(deadline));
                match timeout_at(deadline.into(), rest.run(request)).await {
                    Ok(response) => response,
                    Err(_) => return Refusal::Deadline.answer(),
                }
            }
            None => rest.run(request).await,
        };
        if shape == Shape::Unary || body::code(response.headers()).is_some() {
            return response;
        }
        let ending = Ending {
            deadline: deadline.map(|deadline| Box::pin(sleep_until(deadline.into()))),
            causes: match shape {
                Shape::Watch => self.causes(leaving),
                Shape::Unary | Shape::Stream => Vec::new(),
            },
            ended: false,
        };
        body::through(response, ending)
    }
}

/// Ends a streamed answer at its deadline, and one that nothing else ends when the server stops or its
/// connection leaves.
struct Ending {
    deadline: Option<Pin<Box<Sleep>>>,
    causes: Vec<Cause>,
    ended: bool,
}

/// Why a stream ends that nothing else ends.
struct Cause {
    comes: Pin<Box<WaitForCancellationFutureOwned>>,
    refusal: Refusal,
    /// Since when it is there.
    since: Option<Instant>,
}

impl Cause {
    fn new(comes: CancellationToken, refusal: Refusal) -> Self {
        Self {
            comes: Box::pin(comes.cancelled_owned()),
            refusal,
            since: None,
        }
    }

    /// For how long it is there; nothing when it is not.
    fn age(&mut self, cx: &mut Context<'_>) -> Option<Duration> {
        if self.since.is_none() && self.comes.as_mut().poll(cx).is_ready() {
            self.since = Some(Instant::now());
        }
        Some(self.since?.elapsed())
    }
}

impl Ending {
    fn end(&mut self, refusal: &Refusal) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        self.ended = true;
        Poll::Ready(Some(Ok(body::trailers(&refusal.status()))))
    }
}

impl body::Frames for Ending {
    fn poll(
        &mut self,
        body: Pin<&mut Body>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        // A deadline holds even while messages flow.
        if self
            .deadline
            .as_mut()
            .is_some_and(|sleep| sleep.as_mut().poll(cx).is_ready())
        {
            return self.end(&Refusal::Deadline);
        }
        // What is ready passes first, such as the news that the server stops; but not for ever.
        let there = self.causes.iter_mut().find_map(|cause| {
            let age = cause.age(cx)?;
            Some((cause.refusal.clone(), age >= LAST_WORDS))
        });
        if let Some((refusal, true)) = &there {
            return self.end(refusal);
        }
        let frame = body.poll_frame(cx);
        match there {
            Some((refusal, _)) if frame.is_pending() => self.end(&refusal),
            _ => frame,
        }
    }
}

/// Reads how long the client waits: at most eight digits and a unit.
fn asked(headers: &HeaderMap) -> Result<Option<Duration>, Problem> {
    let Some(header) = headers.get(TIMEOUT) else {
        return Ok(None);
    };
    let read = header.to_str().ok().and_then(duration);
    read.map(Some).ok_or_else(|| {
        let description = "must be at most eight digits and one of H, M, S, m, u, n";
        Problem::Invalid(vec![Violation::new(TIMEOUT, "header", description)])
    })
}

fn duration(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let count: u64 = match digits.len() {
        1..=8 if digits.bytes().all(|digit| digit.is_ascii_digit()) => digits.parse().ok()?,
        _ => return None,
    };
    match unit {
        "H" => Some(Duration::from_secs(count * 3600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_digits_and_a_unit() {
        assert_eq!(duration("1H"), Some(Duration::from_secs(3600)));
        assert_eq!(duration("2M"), Some(Duration::from_secs(120)));
        assert_eq!(duration("99999999S"), Some(Duration::from_secs(99_999_999)));
        assert_eq!(duration("250m"), Some(Duration::from_millis(250)));
        assert_eq!(duration("7u"), Some(Duration::from_micros(7)));
        assert_eq!(duration("0n"), Some(Duration::ZERO));
        for wrong in [
            "",
            "S",
            "1",
            "1s",
            "-1S",
            "1.5S",
            "123456789S",
            "1 S",
            "١S",
            "1é",
        ] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_nearer_of_two_deadlines_holds() {
        let second = Duration::from_secs;
        let deadlines = Deadlines {
            default: second(10),
            max: second(30),
            stream_max: second(600),
            stop: CancellationToken::new(),
        };
        assert_eq!(deadlines.limit(Shape::Unary, None), Some(second(10)));
        assert_eq!(
            deadlines.limit(Shape::Unary, Some(second(20))),
            Some(second(20))
        );
        assert_eq!(
            deadlines.limit(Shape::Unary, Some(second(40))),
            Some(second(30))
        );
        assert_eq!(deadlines.limit(Shape::Stream, None), Some(second(600)));
        assert_eq!(
            deadlines.limit(Shape::Stream, Some(second(5))),
            Some(second(5))
        );
        assert_eq!(deadlines.limit(Shape::Watch, None), None);
        assert_eq!(
            deadlines.limit(Shape::Watch, Some(second(5))),
            Some(second(5))
        );
    }
}
