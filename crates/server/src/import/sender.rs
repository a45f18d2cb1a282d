//! Sends messages of rows and brings the answers, over as many streams as that takes.
//!
//! A stream may end before the file does: a server ends streams that last too long, connections
//! break, servers restart. Rows are found again by their external ids, so everything that was not
//! answered is sent again over a new stream, and what the server had done of it already comes back as
//! unchanged.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tonic::{Status, Streaming};
use trellis_api::rpc::v1::RowOutcome;

use super::batch::Batch;
use super::error::{Error, transient};
use super::resource::{Messages, Resource};
use super::retry::Patience;
use super::session::Caller;

/// How many messages are under way: one that the server works on and one that waits for it.
pub(super) const WINDOW: usize = 2;

/// After how long a stream is ended in favour of a new one, well before the ten minutes after which
/// a server ends it.
const STREAM_AGE_MAX: Duration = Duration::from_secs(240);

/// The batches that are under way, and the stream that they go over.
pub(super) struct Sender<R: Resource> {
    caller: Caller,
    validate_only: bool,
    waiting: VecDeque<Batch<R>>,
    stream: Option<Stream<R>>,
}

struct Stream<R: Resource> {
    messages: mpsc::Sender<R::Request>,
    answers: Streaming<R::Response>,
    since: Instant,
}

/// Why there is no answer.
enum Failure {
    Status(Status),
    /// The stream ended although answers were missing.
    Ended,
}

impl<R: Resource> Sender<R> {
    /// Nothing is under way yet.
    pub(super) fn new(caller: Caller, validate_only: bool) -> Self {
        Self {
            caller,
            validate_only,
            waiting: VecDeque::new(),
            stream: None,
        }
    }

    /// Whether another batch may be sent.
    pub(super) fn has_room(&self) -> bool {
        // A stream that is to end takes nothing more, and is followed by another when all that it
        // took is answered.
        let old = self.stream.as_ref().is_some_and(Stream::is_old);
        if old {
            self.waiting.is_empty()
        } else {
            self.waiting.len() < WINDOW
        }
    }

    /// Sends a batch.
    pub(super) async fn send(&mut self, batch: Batch<R>) {
        if self.stream.as_ref().is_some_and(Stream::is_old) {
            self.close().await;
        }
        if let Some(stream) = &self.stream
            && !batch.stays()
        {
            let request = batch.request(&self.caller.parent, self.validate_only);
            // When the stream is broken, waiting for the answer finds out.
            let _ = stream.messages.send(request).await;
        }
        self.waiting.push_back(batch);
    }

    /// The first batch under way and what became of its rows; nothing when none is.
    ///
    /// # Errors
    /// When the server refuses, or does not answer for long.
    pub(super) async fn answer(&mut self) -> Result<Option<(Batch<R>, Vec<RowOutcome>)>, Error> {
        let Some(first) = self.waiting.front() else {
            return Ok(None);
        };
        let mut outcomes = Vec::new();
        if !first.stays() {
            let mut patience = Patience::default();
            outcomes = loop {
                match self.next_answer().await {
                    Ok(response) => break R::outcomes(response),
                    Err(failure) => {
                        self.stream = None;
                        if !failure.may_pass() || !patience.wait().await {
                            return Err(failure.told::<R>());
                        }
                    }
                }
            };
        }
        Ok(self.waiting.pop_front().map(|batch| (batch, outcomes)))
    }

    /// Ends the stream, if there is one. Everything on it has been answered.
    pub(super) async fn close(&mut self) {
        if let Some(Stream {
            messages,
            mut answers,
            ..
        }) = self.stream.take()
        {
            drop(messages);
            while let Ok(Some(_)) = answers.message().await {}
        }
    }

    async fn next_answer(&mut self) -> Result<R::Response, Failure> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => {
                let stream = open(&self.caller, self.validate_only, &self.waiting).await;
                none.insert(stream.map_err(Failure::Status)?)
            }
        };
        match stream.answers.message().await {
            Ok(Some(response)) => Ok(response),
            Ok(None) => Err(Failure::Ended),
            Err(status) => Err(Failure::Status(status)),
        }
    }
}

/// Opens a stream and puts everything on it that waits.
async fn open<R: Resource>(
    caller: &Caller,
    validate_only: bool,
    waiting: &VecDeque<Batch<R>>,
) -> Result<Stream<R>, Status> {
    let (messages, requests) = mpsc::channel(WINDOW);
    for batch in waiting.iter().filter(|batch| !batch.stays()) {
        // There is room for as many as may wait.
        let _ = messages.try_send(batch.request(&caller.parent, validate_only));
    }
    let requests = caller.request(Messages::new(requests));
    let answers = R::send(caller.channel.clone(), requests)
        .await?
        .into_inner();
    Ok(Stream {
        messages,
        answers,
        since: Instant::now(),
    })
}

impl<R: Resource> Stream<R> {
    fn is_old(&self) -> bool {
        self.since.elapsed() > STREAM_AGE_MAX
    }
}

impl Failure {
    fn may_pass(&self) -> bool {
        match self {
            Self::Status(status) => transient(status),
            Self::Ended => true,
        }
    }

    fn told<R: Resource>(self) -> Error {
        match self {
            Self::Status(status) => Error::refused(format!("import {}", R::KIND), status),
            Self::Ended => {
                Error::Answer("the stream ended before all rows were answered".to_owned())
            }
        }
    }
}
