//! Answers the calls of `EventService`.

use std::sync::Arc;

use futures::stream::BoxStream;
use tonic::{Request, Response, Status};
use trellis_api::platform::v1 as pb;
use trellis_api::platform::v1::event_service_server::{EventService, EventServiceServer};
use trellis_api::{open, open_lasting, page_token};
use trellis_store::Store;

use super::snapshot::Inside;
use super::{convert, events, watching};

/// `EventService` over a store.
#[derive(Clone)]
pub struct Events {
    store: Store,
    inside: Arc<dyn Inside>,
}

impl Events {
    /// The gRPC service, whose snapshots are read through the other services.
    #[must_use]
    pub fn server(store: Store, inside: Arc<dyn Inside>) -> EventServiceServer<Self> {
        EventServiceServer::new(Self { store, inside })
    }
}

#[tonic::async_trait]
impl EventService for Events {
    async fn list_events(
        &self,
        request: Request<pb::ListEventsRequest>,
    ) -> Result<Response<pb::ListEventsResponse>, Status> {
        let (call, list, standing) = open_lasting(request, convert::list)?;
        let (page, oldest) = events::list(&self.store, call, &list, &standing).await?;
        Ok(Response::new(pb::ListEventsResponse {
            next_page_token: page_token(&list.query, page.next),
            events: page.rows,
            oldest_position: oldest.map(|oldest| oldest.to_string()).unwrap_or_default(),
        }))
    }

    type WatchEventsStream = BoxStream<'static, Result<pb::WatchEventsResponse, Status>>;

    async fn watch_events(
        &self,
        request: Request<pb::WatchEventsRequest>,
    ) -> Result<Response<Self::WatchEventsStream>, Status> {
        let (call, asked, standing) = open_lasting(request, convert::watch)?;
        let inside = self.inside.clone();
        let told = watching::watch(&self.store, inside, &call, asked, standing).await?;
        Ok(Response::new(told))
    }

    async fn get_position(
        &self,
        request: Request<pb::GetPositionRequest>,
    ) -> Result<Response<pb::GetPositionResponse>, Status> {
        let (call, ()) = open(request, convert::get_position)?;
        let position = events::position(&self.store, call).await?.to_string();
        Ok(Response::new(pb::GetPositionResponse { position }))
    }
}
