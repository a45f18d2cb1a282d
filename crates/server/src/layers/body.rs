//! Bodies of answers that a layer looks at or changes while they are sent.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{HeaderMap, Response};
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use tonic::body::Body;
use tonic::{Code, Status};
use tracing::Span;

/// The code of an answer, which its headers tell when it has no messages, else its trailers.
pub(super) fn code(headers: &HeaderMap) -> Option<Code> {
    let status = headers.get("grpc-status")?;
    Some(Code::from_bytes(status.as_bytes()))
}

/// Writes a status into the headers or trailers that tell it.
pub(super) fn write(status: &Status, headers: &mut HeaderMap) {
    if let Err(unwritable) = status.add_header(headers) {
        // Some byte of it fits into no header. The code alone still tells the most.
        tracing::error!(%unwritable, "a status could not be written");
        headers.insert("grpc-status", i32::from(status.code()).into());
    }
}

/// The trailers that end an answer with a status.
pub(super) fn trailers(status: &Status) -> Frame<Bytes> {
    let mut headers = HeaderMap::with_capacity(3);
    write(status, &mut headers);
    Frame::trailers(headers)
}

/// What a layer does with an answer's frames.
pub(super) trait Frames: Unpin + Send + 'static {
    /// Polls the next frame of the body.
    fn poll(
        &mut self,
        body: Pin<&mut Body>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>>;
}

/// Puts a layer between an answer's body and whoever sends it.
pub(super) fn through(response: Response<Body>, frames: impl Frames) -> Response<Body> {
    response.map(|body| Body::new(Through { body, frames }))
}

struct Through<F> {
    body: Body,
    frames: F,
}

impl<F: Frames> HttpBody for Through<F> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Self { body, frames } = self.get_mut();
        frames.poll(Pin::new(body), cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Calls `done` with the code of an answer once it is known: at once, with its trailers, or when
/// it is given up. Until then the span stays entered while the answer is made.
pub(super) fn at_end(
    response: Response<Body>,
    span: Span,
    done: impl FnOnce(Code) + Unpin + Send + 'static,
) -> Response<Body> {
    if let Some(code) = code(response.headers()) {
        done(code);
        return response;
    }
    through(
        response,
        AtEnd {
            span,
            done: Some(done),
        },
    )
}

struct AtEnd<F: FnOnce(Code)> {
    span: Span,
    done: Option<F>,
}

impl<F: FnOnce(Code)> AtEnd<F> {
    fn end(&mut self, code: Code) {
        if let Some(done) = self.done.take() {
            self.span.in_scope(|| done(code));
        }
    }
}

impl<F: FnOnce(Code) + Unpin + Send + 'static> Frames for AtEnd<F> {
    fn poll(
        &mut self,
        body: Pin<&mut Body>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(self.span.in_scope(|| body.poll_frame(cx)));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(code) = frame.trailers_ref().and_then(code) {
                    self.end(code);
                }
            }
            Some(Err(status)) => self.end(status.code()),
            // Without trailers the answer never said how it ended.
            None => self.end(Code::Unknown),
        }
        Poll::Ready(frame)
    }
}

impl<F: FnOnce(Code)> Drop for AtEnd<F> {
    fn drop(&mut self) {
        // Nobody waits for the rest: the caller went away.
        self.end(Code::Cancelled);
    }
}
