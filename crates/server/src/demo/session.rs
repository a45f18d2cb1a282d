//! One client that acts as several people, and reads what it has written.

use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Request, Response, Status};
use trellis_api::open::{ACTOR, MIN_POSITION, POSITION};
use uuid::Uuid;

/// A connection, the ecosystem that the calls are about, and how far they have come.
#[derive(Clone)]
pub(super) struct Session {
    /// The connection that all clients share.
    pub(super) channel: Channel,
    /// `ecosystems/{ecosystem}`.
    pub(super) ecosystem: String,
    position: Option<MetadataValue<Ascii>>,
}

impl Session {
    pub(super) fn new(channel: Channel, ecosystem: String) -> Self {
        Self {
            channel,
            ecosystem,
            position: None,
        }
    }

    /// A request by somebody. It is answered from what all calls of this session have come to.
    pub(super) fn by<T>(&self, actor: &'static str, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request
            .metadata_mut()
            .insert(ACTOR, MetadataValue::from_static(actor));
        if let Some(position) = &self.position {
            request
                .metadata_mut()
                .insert(MIN_POSITION, position.clone());
        }
        request
    }

    /// The answer of a write; whoever asks next sees what it came to.
    pub(super) fn wrote<T>(&mut self, answer: Result<Response<T>, Status>) -> Result<T, Status> {
        let answer = answer?;
        if let Some(position) = answer.metadata().get(POSITION) {
            self.position = Some(position.clone());
        }
        Ok(answer.into_inner())
    }

    /// The name of something in the ecosystem.
    pub(super) fn name(&self, collection: &str, id: &str) -> String {
        format!("{}/{collection}/{id}", self.ecosystem)
    }
}

/// A fresh request id: the calls may be sent again without a second effect.
pub(super) fn request_id() -> String {
    Uuid::new_v4().to_string()
}
