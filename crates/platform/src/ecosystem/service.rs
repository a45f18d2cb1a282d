//! Answers the calls of `EcosystemService`.

use tonic::{Request, Response, Status};
use trellis_api::platform::v1 as pb;
use trellis_api::platform::v1::ecosystem_service_server::{
    EcosystemService, EcosystemServiceServer,
};
use trellis_api::{open, open_unscoped, page_token, written};
use trellis_store::Store;

use super::{convert, ecosystems};

/// `EcosystemService` over a store.
#[derive(Clone)]
pub struct Ecosystems {
    store: Store,
}

impl Ecosystems {
    /// The gRPC service.
    #[must_use]
    pub fn server(store: Store) -> EcosystemServiceServer<Self> {
        EcosystemServiceServer::new(Self { store })
    }
}

#[tonic::async_trait]
impl EcosystemService for Ecosystems {
    async fn create_ecosystem(
        &self,
        request: Request<pb::CreateEcosystemRequest>,
    ) -> Result<Response<pb::Ecosystem>, Status> {
        let (call, create) = open(request, convert::create)?;
        Ok(written(
            ecosystems::create(&self.store, call, create).await?,
        ))
    }

    async fn get_ecosystem(
        &self,
        request: Request<pb::GetEcosystemRequest>,
    ) -> Result<Response<pb::Ecosystem>, Status> {
        let (call, ()) = open(request, convert::get)?;
        Ok(Response::new(ecosystems::get(&self.store, call).await?))
    }

    async fn list_ecosystems(
        &self,
        request: Request<pb::ListEcosystemsRequest>,
    ) -> Result<Response<pb::ListEcosystemsResponse>, Status> {
        let (principal, query) = open_unscoped(request, convert::list)?;
        let page = ecosystems::list(&self.store, &principal, &query).await?;
        Ok(Response::new(pb::ListEcosystemsResponse {
            next_page_token: page_token(&query, page.next),
            ecosystems: page.rows,
        }))
    }

    async fn update_ecosystem(
        &self,
        request: Request<pb::UpdateEcosystemRequest>,
    ) -> Result<Response<pb::Ecosystem>, Status> {
        let (call, update) = open(request, convert::update)?;
        Ok(written(
            ecosystems::update(&self.store, call, update).await?,
        ))
    }

    async fn advance_clock(
        &self,
        request: Request<pb::AdvanceClockRequest>,
    ) -> Result<Response<pb::Ecosystem>, Status> {
        let (call, advance) = open(request, convert::advance)?;
        Ok(written(
            ecosystems::advance(&self.store, call, advance).await?,
        ))
    }
}
