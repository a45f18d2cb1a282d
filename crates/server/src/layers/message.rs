//! Holds a call to the one message that its method takes. The transport reads on to the end and
//! forgets what else there is; a client that sent two would believe that both were done.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

use super::{Rest, Serve, Step};
use crate::methods::Method;
use crate::refusal::Refusal;

/// Refuses calls that carry more than one message where the method takes one. What carries none is
/// refused by the transport.
#[derive(Clone)]
pub(super) struct Messages;

impl Step for Messages {
    async fn answer<S: Serve>(&self, request: Request<Body>, rest: Rest<S>) -> Response<Body> {
        let method = request.extensions().get::<Method>().cloned();
        let request = match method.filter(Method::takes_one) {
            None => request,
            Some(method) => request.map(|body| {
                Body::new(Single {
                    body,
                    method,
                    place: Place::Head([0; 5], 0),
                })
            }),
        };
        rest.run(request).await
    }
}

/// A body that fails where a second message begins.
struct Single {
    body: Body,
    method: Method,
    place: Place,
}

/// Where in the one message we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Among the five bytes before it, of which so many have come.
    Head([u8; 5], usize),
    /// So many bytes of it are still to come.
    Rest(u32),
}

impl Place {
    /// Goes on over some bytes; answers whether there are more than the message has.
    fn pass(&mut self, mut bytes: &[u8]) -> bool {
        while let Some((first, rest)) = bytes.split_first() {
            match self {
                Self::Head(head, come) => {
                    if let Some(at) = head.get_mut(*come) {
                        *at = *first;
                    }
                    *come += 1;
                    if *come == head.len() {
                        let [_, a, b, c, d] = *head;
                        *self = Self::Rest(u32::from_be_bytes([a, b, c, d]));
                    }
                    bytes = rest;
                }
                Self::Rest(0) => return true,
                Self::Rest(left) => {
                    let here = u32::try_from(bytes.len()).unwrap_or(u32::MAX).min(*left);
                    *left -= here;
                    let here = usize::try_from(here).unwrap_or(usize::MAX);
                    bytes = bytes.get(here..).unwrap_or_default();
                }
            }
        }
        false
    }
}

impl HttpBody for Single {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Self {
            body,
            method,
            place,
        } = self.get_mut();
        let frame = ready!(Pin::new(body).poll_frame(cx));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
            && place.pass(data)
        {
            let refusal = Refusal::MessageCount {
                method: method.path().trim_start_matches('/').to_owned(),
                found: "several",
            };
            return Poll::Ready(Some(Err(refusal.status())));
        }
        Poll::Ready(frame)
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
    fn a_second_message_is_noticed_however_the_bytes_are_cut() {
        let one = [0, 0, 0, 0, 3, 7, 7, 7];
        let two = [&one[..], &[0]].concat();
        for size in 1..=two.len() {
            let passes = |bytes: &[u8]| {
                let mut place = Place::Head([0; 5], 0);
                bytes.chunks(size).any(|part| place.pass(part))
            };
            assert!(!passes(&one), "{size}");
            assert!(passes(&two), "{size}");
        }
        let empty_twice = [0; 10];
        assert!(Place::Head([0; 5], 0).pass(&empty_twice));
        assert!(!Place::Head([0; 5], 0).pass(&empty_twice[..5]));
    }
}
