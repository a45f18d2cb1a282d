//! One client that acts as several people, each with an API key of their own, and reads what it has
//! written.

use std::collections::HashMap;

use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Request, Response, Status};
use trellis_api::open::{MIN_POSITION, POSITION};
use trellis_api::platform::v1::GetEcosystemRequest;
use trellis_api::platform::v1::ecosystem_service_client::EcosystemServiceClient;
use trellis_core::{Date, TimeZone};
use uuid::Uuid;

/// A connection, the ecosystem that the calls are about, and how far they have come.
#[derive(Clone)]
pub(super) struct Session {
    /// The connection that all clients share.
    pub(super) channel: Channel,
    /// `ecosystems/{ecosystem}`.
    pub(super) ecosystem: String,
    /// What each person sends to prove who they are.
    credentials: HashMap<&'static str, MetadataValue<Ascii>>,
    position: Option<MetadataValue<Ascii>>,
}

impl Session {
    pub(super) fn new(channel: Channel, ecosystem: String) -> Self {
        Self {
            channel,
            ecosystem,
            credentials: HashMap::new(),
            position: None,
        }
    }

    /// Gives somebody the secret of their key.
    pub(super) fn equip(&mut self, person: &'static str, secret: &str) -> Result<(), Status> {
        let credential = format!("Bearer {secret}").parse();
        let credential = credential.map_err(|_| Status::internal("a secret is printable"))?;
        self.credentials.insert(person, credential);
        Ok(())
    }

    /// A request by somebody. It is answered from what all calls of this session have come to.
    pub(super) fn by<T>(&self, person: &'static str, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(credential) = self.credentials.get(person) {
            let metadata = request.metadata_mut();
            metadata.insert("authorization", credential.clone());
        }
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

    /// The day by the ecosystem's clock, in UTC.
    pub(super) async fn today(&self, person: &'static str) -> Result<Date, Status> {
        let mut client = EcosystemServiceClient::new(self.channel.clone());
        let get = GetEcosystemRequest {
            name: self.ecosystem.clone(),
        };
        let ecosystem = client.get_ecosystem(self.by(person, get)).await?;
        let now = ecosystem.into_inner().clock_time.unwrap_or_default();
        trellis_api::time::read(&now)
            .map(|now| TimeZone::utc().local_date(now))
            .map_err(|_| Status::internal("the server's clock"))
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
