//! The socket of a connection, and what can be told of it without understanding HTTP/2.
//!
//! Frames begin with nine bytes that say how long they are, of which kind, and of which stream.
//! Reading these as they pass tells three things that the library beneath us does not: how many
//! frames come that belong to no call (it answers pings and settings without number), which
//! streams the peer has opened and not yet got the end of (an answer that the peer lets no window
//! for waits in the library's memory, out of sight of the call's deadline), and whether anything
//! of an answer still leaves.

use std::collections::HashSet;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What every HTTP/2 connection begins with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;

/// The first nine bytes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head {
    length: usize,
    kind: u8,
    flags: u8,
    stream: u32,
}

/// Where in the frames of one direction we are.
#[derive(Debug)]
enum Place {
    /// So many bytes of the preface have come.
    Preface(usize),
    /// Among the first nine bytes of a frame, of which so many have come.
    Head([u8; 9], usize),
    /// So many bytes of the frame are still to come.
    Payload(usize),
    /// This is not HTTP/2.
    Foreign,
}

impl Place {
    const FRAME: Self = Self::Head([0; 9], 0);

    /// Goes on over some bytes, and tells of each frame that begins in them.
    fn pass(&mut self, mut bytes: &[u8], mut tell: impl FnMut(Head)) {
        while let Some((first, rest)) = bytes.split_first() {
            match self {
                Self::Foreign => return,
                Self::Preface(come) => {
                    if PREFACE.get(*come) != Some(first) {
                        *self = Self::Foreign;
                        return;
                    }
                    *come += 1;
                    if *come == PREFACE.len() {
                        *self = Self::FRAME;
                    }
                    bytes = rest;
                }
                Self::Head(head, come) => {
                    if let Some(at) = head.get_mut(*come) {
                        *at = *first;
                    }
                    *come += 1;
                    if *come == head.len() {
                        let head = read(*head);
                        *self = match head.length {
                            0 => Self::FRAME,
                            length => Self::Payload(length),
                        };
                        tell(head);
                    }
                    bytes = rest;
                }
                Self::Payload(left) => {
                    let passed = bytes.len().min(*left);
                    *left -= passed;
                    if *left == 0 {
                        *self = Self::FRAME;
                    }
                    bytes = bytes.get(passed..).unwrap_or_default();
                }
            }
        }
    }
}

fn read([a, b, c, kind, flags, d, e, f, g]: [u8; 9]) -> Head {
    let length = u32::from_be_bytes([0, a, b, c]);
    Head {
        length: usize::try_from(length).unwrap_or(usize::MAX),
        kind,
        flags,
        stream: u32::from_be_bytes([d & 0x7f, e, f, g]),
    }
}

/// What has passed over a connection's socket.
#[derive(Debug)]
pub(super) struct Traffic {
    passed: Mutex<Passed>,
    control_max: u32,
}

#[derive(Debug)]
struct Passed {
    inbound: Place,
    outbound: Place,
    /// The streams that the peer has opened and not yet got the end of.
    open: HashSet<u32>,
    newest: u32,
    /// Grows with whatever leaves of an answer.
    answered: u64,
    /// Since when the system takes nothing more.
    blocked: Option<Instant>,
    second: Instant,
    control: u32,
    flooded: bool,
}

impl Traffic {
    /// Nothing yet, on a connection that may send so many frames a second that belong to no call.
    pub(super) fn new(control_max: u32) -> Arc<Self> {
        Arc::new(Self {
            passed: Mutex::new(Passed {
                inbound: Place::Preface(0),
                outbound: Place::FRAME,
                open: HashSet::new(),
                newest: 0,
                answered: 0,
                blocked: None,
                second: Instant::now(),
                control: 0,
                flooded: false,
            }),
            control_max,
        })
    }

    fn passed(&self) -> MutexGuard<'_, Passed> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many streams the peer has opened and not yet got the end of.
    pub(super) fn open(&self) -> usize {
        self.passed().open.len()
    }

    /// A number that grows with whatever leaves of an answer.
    pub(super) fn answered(&self) -> u64 {
        self.passed().answered
    }

    /// How long the system has taken nothing more, because the peer reads nothing.
    pub(super) fn blocked(&self, now: Instant) -> Duration {
        let since = self.passed().blocked;
        since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    /// Whether the peer sent more frames that belong to no call than it may.
    pub(super) fn flooded(&self) -> bool {
        self.passed().flooded
    }

    fn received(&self, bytes: &[u8]) -> io::Result<()> {
        let passed = &mut *self.passed();
        let Passed {
            inbound,
            open,
            newest,
            ..
        } = passed;
        let mut control = 0_u32;
        inbound.pass(bytes, |head| match head.kind {
            // Trailers come on a stream that is open.
            HEADERS if head.stream > *newest => {
                *newest = head.stream;
                open.insert(head.stream);
            }
            RST_STREAM => {
                open.remove(&head.stream);
            }
            DATA | HEADERS | WINDOW_UPDATE | CONTINUATION => {}
            _ => control += 1,
        });
        if control > 0 {
            if passed.second.elapsed() >= Duration::from_secs(1) {
                passed.second = Instant::now();
                passed.control = 0;
            }
            passed.control = passed.control.saturating_add(control);
            passed.flooded |= passed.control > self.control_max;
        }
        if passed.flooded {
            return Err(io::Error::other("too many frames that belong to no call"));
        }
        Ok(())
    }

    fn sent<'a>(&self, parts: impl Iterator<Item = &'a [u8]>, mut count: usize) {
        let passed = &mut *self.passed();
        passed.blocked = None;
        let Passed {
            inbound,
            outbound,
            open,
            answered,
            ..
        } = passed;
        if matches!(inbound, Place::Foreign) {
            return;
        }
        for part in parts {
            let part = part.get(..count).unwrap_or(part);
            count -= part.len();
            outbound.pass(part, |head| {
                let ends = head.flags & END_STREAM != 0;
                match head.kind {
                    DATA | HEADERS => *answered += 1,
                    _ => {}
                }
                if head.kind == RST_STREAM || (ends && matches!(head.kind, DATA | HEADERS)) {
                    open.remove(&head.stream);
                }
            });
        }
    }

    fn blocks(&self) {
        self.passed().blocked.get_or_insert_with(Instant::now);
    }
}

/// A socket that tells what passes over it.
pub(super) struct Wire<S> {
    socket: S,
    traffic: Arc<Traffic>,
}

impl<S> Wire<S> {
    pub(super) fn new(socket: S, traffic: Arc<Traffic>) -> Self {
        Self { socket, traffic }
    }

    fn told<'a>(
        &self,
        wrote: Poll<io::Result<usize>>,
        parts: impl Iterator<Item = &'a [u8]>,
    ) -> Poll<io::Result<usize>> {
        match &wrote {
            Poll::Ready(Ok(count)) => self.traffic.sent(parts, *count),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.traffic.blocks(),
        }
        wrote
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.socket).poll_read(cx, buffer))?;
        let new = buffer.filled().get(before..).unwrap_or_default();
        Poll::Ready(self.traffic.received(new))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.told(wrote, std::iter::once(bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.socket).poll_write_vectored(cx, bytes);
        self.told(wrote, bytes.iter().map(|slice| &**slice))
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()[..]].concat();
        [&head[..], payload].concat()
    }

    fn opened(control_max: u32) -> Arc<Traffic> {
        let traffic = Traffic::new(control_max);
        traffic.received(PREFACE).unwrap();
        traffic
    }

    fn sent(traffic: &Traffic, bytes: &[u8]) {
        traffic.sent(std::iter::once(bytes), bytes.len());
    }

    #[test]
    fn a_stream_is_open_from_its_headers_to_the_end_of_its_answer() {
        let traffic = opened(10);
        let call = [
            frame(HEADERS, 4, 1, b"headers"),
            frame(DATA, 1, 1, &[7; 300]),
            frame(HEADERS, 5, 3, b"more"),
        ]
        .concat();
        // However the bytes are cut.
        for byte in call {
            traffic.received(&[byte]).unwrap();
        }
        assert_eq!(traffic.open(), 2);
        sent(&traffic, &frame(HEADERS, 4, 1, b"ok"));
        sent(&traffic, &frame(DATA, 0, 1, b"answer"));
        assert_eq!((traffic.open(), traffic.answered()), (2, 2));
        sent(&traffic, &frame(HEADERS, 5, 1, b"trailers"));
        assert_eq!(traffic.open(), 1);
        traffic.received(&frame(RST_STREAM, 0, 3, &[0; 4])).unwrap();
        assert_eq!(traffic.open(), 0);
        // Trailers of the peer open nothing anew.
        traffic.received(&frame(HEADERS, 5, 1, b"late")).unwrap();
        assert_eq!(traffic.open(), 0);
    }

    #[test]
    fn what_was_not_written_does_not_count() {
        let traffic = opened(10);
        traffic.received(&frame(HEADERS, 5, 1, b"headers")).unwrap();
        let (first, second) = (frame(DATA, 0, 1, b"answer"), frame(DATA, 1, 1, b""));
        let parts = [first.as_slice(), &second];
        traffic.sent(parts.into_iter(), first.len());
        assert_eq!(traffic.open(), 1);
        sent(&traffic, &second);
        assert_eq!(traffic.open(), 0);
    }

    #[test]
    fn frames_that_belong_to_no_call_are_counted_and_others_are_not() {
        let traffic = opened(3);
        let (ping, settings) = (frame(6, 0, 0, &[0; 8]), frame(4, 0, 0, &[]));
        for _ in 0..50 {
            traffic.received(&frame(DATA, 0, 1, b"x")).unwrap();
            traffic
                .received(&frame(WINDOW_UPDATE, 0, 1, &[0; 4]))
                .unwrap();
        }
        for control in [&ping, &settings, &ping] {
            traffic.received(control).unwrap();
        }
        assert!(!traffic.flooded());
        assert!(traffic.received(&ping).is_err());
        assert!(traffic.flooded());
    }

    #[test]
    fn what_is_not_http_2_is_left_alone() {
        let traffic = Traffic::new(1);
        let request = b"POST / HTTP/1.1\r\n\r\n";
        traffic.received(&request.repeat(50)).unwrap();
        sent(&traffic, b"HTTP/1.1 200 OK\r\n\r\n");
        assert_eq!((traffic.open(), traffic.answered()), (0, 0));
        assert!(!traffic.flooded());
    }

    #[test]
    fn a_socket_that_takes_nothing_is_blocked_until_it_takes_something() {
        let traffic = opened(1);
        let later = Instant::now() + Duration::from_secs(5);
        assert_eq!(traffic.blocked(later), Duration::ZERO);
        traffic.blocks();
        assert!(traffic.blocked(later) > Duration::from_secs(4));
        sent(&traffic, &frame(6, 0, 0, &[0; 8]));
        assert_eq!(traffic.blocked(later), Duration::ZERO);
    }
}
