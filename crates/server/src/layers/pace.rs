//! Holds a caller to a pace: a message that has begun must come on.
//!
//! A call's deadline bounds it too, but that of a stream is long, because streams last. Between its
//! messages a stream may rest; in the midst of one nobody has a reason to.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Status;
use tonic::body::Body;

use super::{Rest, Serve, Step};
use crate::refusal::Refusal;
use crate::settings::Settings;

/// How many bytes of a message earn it a further second: less than the slowest line that an import
/// would be sent over.
const PER_SECOND: u64 = 16 * 1024;

/// How many bytes stand before a message: whether it is compressed, and its length.
const HEAD: u64 = 5;

/// Ends calls whose messages come too slowly.
#[derive(Clone)]
pub(super) struct Paces {
    timeout: Duration,
}

impl Paces {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            timeout: settings.message_timeout,
        }
    }
}

impl Step for Paces {
    async fn answer<S: Serve>(&self, request: Request<Body>, rest: Rest<S>) -> Response<Body> {
        let timeout = self.timeout;
        let request = request.map(|body| {
            Body::new(Paced {
                body,
                timeout,
                message: Message::default(),
                under_way: None,
            })
        });
        rest.run(request).await
    }
}

/// A body that fails where a message takes too long.
struct Paced {
    body: Body,
    timeout: Duration,
    message: Message,
    under_way: Option<UnderWay>,
}

/// A message that has begun and not ended.
struct UnderWay {
    began: Instant,
    /// Set to when it must have come on.
    limit: Pin<Box<Sleep>>,
}

/// How far a message has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Message {
    come: u64,
    /// What its head says of it, as far as that has come.
    length: u32,
}

impl Message {
    /// Goes on over some bytes; answers whether a message began among them.
    fn pass(&mut self, mut bytes: &[u8]) -> bool {
        let mut began = false;
        while let Some((first, rest)) = bytes.split_first() {
            if self.come < HEAD {
                began |= self.come == 0;
                if self.come > 0 {
                    self.length = self.length << 8 | u32::from(*first);
                }
                self.come += 1;
                bytes = rest;
            } else {
                let left = (HEAD + u64::from(self.length)).saturating_sub(self.come);
                let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                self.come += u64::try_from(here).unwrap_or(u64::MAX);
                bytes = bytes.get(here..).unwrap_or_default();
            }
            if self.come >= HEAD && self.come == HEAD + u64::from(self.length) {
                *self = Self::default();
            }
        }
        began
    }

    fn is_under_way(self) -> bool {
        self.come > 0
    }
}

impl Paced {
    /// Notes what has come, and until when the rest must.
    fn note(&mut self, data: &[u8]) {
        let began = self.message.pass(data);
        if !self.message.is_under_way() {
            self.under_way = None;
            return;
        }
        let began = match &self.under_way {
            Some(under_way) if !began => under_way.began,
            _ => Instant::now(),
        };
        let limit = began + self.timeout + Duration::from_secs(self.message.come / PER_SECOND);
        match &mut self.under_way {
            Some(under_way) => {
                under_way.began = began;
                under_way.limit.as_mut().reset(limit);
            }
            None => {
                self.under_way = Some(UnderWay {
                    began,
                    limit: Box::pin(sleep_until(limit)),
                });
            }
        }
    }
}

impl HttpBody for Paced {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let paced = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut paced.body).poll_frame(cx) {
            if let Some(Ok(frame)) = &frame
                && let Some(data) = frame.data_ref()
            {
                paced.note(data);
            }
            return Poll::Ready(frame);
        }
        let Some(under_way) = &mut paced.under_way else {
            return Poll::Pending;
        };
        let over = under_way.limit.as_mut().poll(cx);
        over.map(|()| Some(Err(Refusal::Slow.status())))
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
    use http_body_util::{BodyExt, StreamBody};
    use tokio::sync::mpsc::unbounded_channel;
    use tokio_stream::wrappers::UnboundedReceiverStream;

    use super::*;

    const TIMEOUT: Duration = Duration::from_millis(150);

    /// What comes of a body whose parts come so many milliseconds apart: how many bytes, and what
    /// ended it.
    async fn sent(parts: &[&[u8]], apart: u64) -> (usize, Option<Status>) {
        let (sending, receiving) = unbounded_channel();
        let parts: Vec<Vec<u8>> = parts.iter().map(|part| part.to_vec()).collect();
        tokio::spawn(async move {
            for part in parts {
                let _gone = sending.send(Ok::<_, Status>(Frame::data(Bytes::from(part))));
                tokio::time::sleep(Duration::from_millis(apart)).await;
            }
        });
        let stream = StreamBody::new(UnboundedReceiverStream::new(receiving));
        let mut body = Paced {
            body: Body::new(stream),
            timeout: TIMEOUT,
            message: Message::default(),
            under_way: None,
        };
        let mut come = 0;
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => come += frame.data_ref().unwrap().len(),
                Err(status) => return (come, Some(status)),
            }
        }
        (come, None)
    }

    #[tokio::test]
    async fn a_message_that_comes_a_byte_at_a_time_is_given_up_on() {
        let message = [&[0, 0, 0, 1, 0][..], &[7; 256]].concat();
        let bytes: Vec<&[u8]> = message.chunks(1).collect();
        let (come, ended) = sent(&bytes, 20).await;
        assert!(come < 50, "{come}");
        assert_eq!(ended.unwrap().code(), tonic::Code::DeadlineExceeded);
        // The control: the same message at once, and then nothing for long.
        assert!(matches!(sent(&[&message], 400).await, (261, None)));
    }

    #[tokio::test]
    async fn a_stream_may_rest_between_its_messages_and_not_within() {
        let (empty, half) = ([0, 0, 0, 0, 0], [0, 0, 0, 0, 9, 1]);
        assert!(matches!(
            sent(&[&empty, &empty, &empty], 300).await,
            (15, None)
        ));
        let both = [&empty[..], &half].concat();
        let (come, ended) = sent(&[&empty, &both], 300).await;
        assert!(ended.is_some() && come == 16);
    }

    #[tokio::test]
    async fn a_large_message_gets_the_time_that_it_takes() {
        let length = 1_u32 << 18;
        let head = [&[0][..], &length.to_be_bytes()].concat();
        let part = vec![7; 1 << 14];
        let mut parts = vec![head.as_slice()];
        parts.extend((0..16).map(|_| part.as_slice()));
        // Longer in all than a small one may take: each part earns a second.
        assert!(matches!(sent(&parts, 40).await, (262_149, None)));
    }

    #[test]
    fn messages_are_told_apart_however_the_bytes_are_cut() {
        let bytes = [0, 0, 0, 0, 2, 7, 7, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1];
        for size in 1..=bytes.len() {
            let mut message = Message::default();
            let began = bytes.chunks(size).filter(|part| message.pass(part)).count();
            assert_eq!(message, Message { come: 5, length: 1 }, "{size}");
            assert!((1..=3).contains(&began), "{size}");
        }
    }
}
