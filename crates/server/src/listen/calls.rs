//! The calls of one connection: whether it has ever called, how many are under way, and at how
//! many of them it is the server's turn.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::body::Body;

/// The calls of one connection.
#[derive(Debug)]
pub(super) struct Calls {
    under_way: AtomicUsize,
    ours: AtomicUsize,
    /// When the last call began or ended; nothing before the first.
    moved: Mutex<Option<Instant>>,
}

impl Calls {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            under_way: AtomicUsize::new(0),
            ours: AtomicUsize::new(0),
            moved: Mutex::new(None),
        })
    }

    /// How many calls are under way.
    pub(super) fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }

    /// How many of them wait for the server, and not for the peer to take what it has been given.
    pub(super) fn ours(&self) -> usize {
        self.ours.load(Ordering::Relaxed)
    }

    /// When the last call began or ended; nothing when there has been none.
    pub(super) fn rested_since(&self) -> Option<Instant> {
        *self.moved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn moved(&self) {
        *self.moved.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}

/// When a call was read from its connection, in the extensions of its request.
///
/// Between that and the first work on it lies the queue for the processors: a connection reads calls
/// as fast as they come, and each then waits for its turn among all that is ready to run. When there
/// is more to do than the processors can, this is the queue that grows, and nobody else sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Came(pub(crate) Instant);

/// Cancelled when the connection of a call is asked to leave, in the extensions of its request. A call
/// that would last as long as its connection ends by this.
#[derive(Clone, Debug)]
pub(crate) struct Leaving(pub(crate) CancellationToken);

/// A call that is under way until this is dropped.
#[derive(Debug)]
pub(super) struct Call {
    calls: Arc<Calls>,
    ours: bool,
}

impl Call {
    pub(super) fn begin(calls: &Arc<Calls>) -> Self {
        calls.under_way.fetch_add(1, Ordering::Relaxed);
        calls.ours.fetch_add(1, Ordering::Relaxed);
        calls.moved();
        Self {
            calls: calls.clone(),
            ours: true,
        }
    }

    /// Says whose turn it is.
    fn turn(&mut self, ours: bool) {
        match (self.ours, ours) {
            (true, false) => self.calls.ours.fetch_sub(1, Ordering::Relaxed),
            (false, true) => self.calls.ours.fetch_add(1, Ordering::Relaxed),
            (true, true) | (false, false) => return,
        };
        self.ours = ours;
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.turn(false);
        self.calls.moved();
        self.calls.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An answer whose call is under way until its last frame is taken. Once a frame is handed out it
/// is the peer's turn, until the next is asked for.
pub(super) struct Answer {
    body: Body,
    call: Call,
}

impl Answer {
    pub(super) fn new(body: Body, call: Call) -> Self {
        Self { body, call }
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Self { body, call } = self.get_mut();
        call.turn(true);
        let frame = Pin::new(body).poll_frame(cx);
        if frame.is_ready() {
            call.turn(false);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_peers_turn_from_a_frame_to_the_next_question() {
        let calls = Calls::new();
        assert_eq!(calls.rested_since(), None);
        let body = Body::new(tonic::body::Body::empty());
        let mut answer = Answer::new(body, Call::begin(&calls));
        assert_eq!((calls.under_way(), calls.ours()), (1, 1));
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert!(Pin::new(&mut answer).poll_frame(&mut cx).is_ready());
        assert_eq!((calls.under_way(), calls.ours()), (1, 0));
        drop(answer);
        assert_eq!((calls.under_way(), calls.ours()), (0, 0));
        assert!(calls.rested_since().is_some());
    }
}
