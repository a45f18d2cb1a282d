//! Publishes.
//!
//! A batch is sent message by message without waiting, and then its acknowledgements are awaited. Two things
//! could tear holes into it: a connection that breaks in the middle and is made again, and a stream
//! that refuses one message and takes the next. So each message but the first names the one ahead of it
//! (`Nats-Expected-Last-Msg-Id`), and the stream takes it only if that one is the last that it has.
//! The first of a batch names none: all before it are acknowledged, or the place in the feed would not
//! be where it is.
//!
//! The same holds off a publisher that was stopped for a while, and whose messages come late: others
//! have gone on since, so that its messages no longer follow upon the last one. Whoever is refused
//! like that reads its place in the feed anew.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::connection::State;
use async_nats::header::{NATS_EXPECTED_LAST_MESSAGE_ID, NATS_EXPECTED_STREAM, NATS_MESSAGE_ID};
use async_nats::jetstream::context::{
    ContextBuilder, PublishAckFuture, PublishError, PublishErrorKind,
};
use async_nats::jetstream::{Context, message::PublishMessage};
use async_nats::{Client, Event, HeaderMap};
use futures::future::BoxFuture;
use trellis_core::{EcosystemId, Position};
use trellis_store::event::Model;
use trellis_store::relay::{Refusal, Sink, Taken};

use crate::stream;
use crate::{Settings, Unusable};

/// The name that keys the place in the feed.
pub const NAME: &str = "broker.nats";

/// How long the stream may take to acknowledge.
const PATIENCE: Duration = Duration::from_secs(5);

/// How an event is written down as the body of a message.
#[derive(Clone, Copy)]
pub struct Envelope {
    /// The media type of the body.
    pub media_type: &'static str,
    /// The body.
    pub body: fn(Model) -> Vec<u8>,
}

/// Publishes to a stream of JetStream.
pub struct Broker {
    settings: Settings,
    envelope: Envelope,
    client: Client,
    jetstream: Context,
    /// Whether the stream was found to take our messages since anything last went wrong.
    is_ready: AtomicBool,
    /// What last went wrong with the connection.
    trouble: Arc<Mutex<Option<String>>>,
}

/// A message on its way.
type Sent = Result<PublishAckFuture, PublishError>;

impl Broker {
    /// Begins to connect, and goes on with that for ever.
    ///
    /// # Errors
    /// The settings are unusable. That nobody answers is no error.
    pub async fn connect(settings: Settings, envelope: Envelope) -> Result<Self, Unusable> {
        let trouble = Arc::new(Mutex::new(None));
        let told = trouble.clone();
        let options = settings.options()?.event_callback(move |event| {
            let text = match &event {
                Event::Connected => None,
                _ => Some(event.to_string()),
            };
            *told.lock().unwrap_or_else(PoisonError::into_inner) = text;
            std::future::ready(())
        });
        let client = options
            .connect(&settings.servers[..])
            .await
            .map_err(|error| Unusable::Servers(error.to_string()))?;
        let jetstream = ContextBuilder::new()
            .timeout(PATIENCE)
            .ack_timeout(PATIENCE)
            .build(client.clone());
        Ok(Self {
            settings,
            envelope,
            client,
            jetstream,
            is_ready: AtomicBool::new(false),
            trouble,
        })
    }

    async fn look(&self) -> Result<(), String> {
        if self.client.connection_state() != State::Connected {
            let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
            let trouble = trouble.as_deref().unwrap_or("it does not answer");
            return Err(format!("NATS cannot be reached: {trouble}"));
        }
        if !self.is_ready.load(Ordering::Relaxed) {
            stream::ensure(&self.jetstream, &self.settings).await?;
            self.is_ready.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn publish(&self, events: Vec<Model>) -> Taken {
        let mut sent = Vec::with_capacity(events.len());
        let mut before = None;
        for event in events {
            let id = id(&self.settings.prefix, &event.ecosystem, event.position());
            let message = self.send(event, &id, before.as_deref()).await;
            let ends = message.is_err();
            sent.push(message);
            if ends {
                break;
            }
            before = Some(id);
        }
        let taken = self.settle(sent).await;
        if taken.refusal.is_some() {
            self.is_ready.store(false, Ordering::Relaxed);
        }
        taken
    }

    /// Sends one message, which is to follow upon another one.
    async fn send(&self, event: Model, id: &str, before: Option<&str>) -> Sent {
        let subject = format!(
            "{}.{}.{}",
            self.settings.prefix, event.ecosystem, event.kind
        );
        let mut headers = HeaderMap::new();
        headers.insert("Content-Type", self.envelope.media_type);
        headers.insert(NATS_MESSAGE_ID, id);
        headers.insert(NATS_EXPECTED_STREAM, self.settings.stream.as_str());
        if let Some(before) = before {
            headers.insert(NATS_EXPECTED_LAST_MESSAGE_ID, before);
        }
        let message = PublishMessage::build()
            .headers(headers)
            .payload((self.envelope.body)(event).into());
        self.jetstream.send_publish(subject, message).await
    }

    /// Waits for what becomes of messages, up to the first that is not taken.
    async fn settle(&self, sent: Vec<Sent>) -> Taken {
        let mut count = 0;
        for message in sent {
            let outcome = match message {
                Ok(acknowledged) => acknowledged.await.map(drop),
                Err(error) => Err(error),
            };
            match outcome {
                Ok(()) => count += 1,
                Err(error) => {
                    let refusal = self.refusal(&error, count);
                    return Taken { count, refusal };
                }
            }
        }
        Taken {
            count,
            refusal: None,
        }
    }

    /// What follows from an error, after so many messages that were taken.
    fn refusal(&self, error: &PublishError, count: usize) -> Option<Refusal> {
        let stream = &self.settings.stream;
        match error.kind() {
            // Somebody else has published in between.
            PublishErrorKind::WrongLastMessageId if count > 0 => None,
            PublishErrorKind::StreamNotFound => Some(Refusal::Away(format!(
                "nobody answers for the stream {stream}: JetStream is off, or just chooses who leads"
            ))),
            PublishErrorKind::TimedOut | PublishErrorKind::BrokenPipe => Some(Refusal::Away(
                format!("the stream {stream} does not acknowledge in time"),
            )),
            _ => Some(Refusal::Refused(match std::error::Error::source(error) {
                Some(source) => format!("{error}: {source}"),
                None => error.to_string(),
            })),
        }
    }
}

/// What a message is known by: the same whenever it is published, and no other event's, of whatever
/// ecosystem, life of a feed or deployment with a prefix of its own.
fn id(prefix: &str, ecosystem: &EcosystemId, position: Position) -> String {
    format!("{prefix}.{ecosystem}.{position}")
}

impl Sink for Broker {
    fn name(&self) -> &'static str {
        NAME
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(self.look())
    }

    fn take(&self, events: Vec<Model>) -> BoxFuture<'_, Taken> {
        Box::pin(self.publish(events))
    }
}
