//! Answers the calls of `ProgramService`: programs, their revisions and their tiers.

use tonic::{Request, Response, Status};
use trellis_api::program::v1 as pb;
use trellis_api::program::v1::program_service_server::{ProgramService, ProgramServiceServer};
use trellis_api::{open, page_token, written};
use trellis_store::Store;

use super::{convert, programs};
use crate::tier::{self, tiers};

/// `ProgramService` over a store.
#[derive(Clone)]
pub struct Programs {
    store: Store,
}

impl Programs {
    /// The gRPC service.
    #[must_use]
    pub fn server(store: Store) -> ProgramServiceServer<Self> {
        ProgramServiceServer::new(Self { store })
    }
}

#[tonic::async_trait]
impl ProgramService for Programs {
    async fn create_program(
        &self,
        request: Request<pb::CreateProgramRequest>,
    ) -> Result<Response<pb::Program>, Status> {
        let (call, create) = open(request, convert::create)?;
        Ok(written(programs::create(&self.store, call, create).await?))
    }

    async fn get_program(
        &self,
        request: Request<pb::GetProgramRequest>,
    ) -> Result<Response<pb::Program>, Status> {
        let (call, id) = open(request, convert::get)?;
        Ok(Response::new(programs::get(&self.store, call, id).await?))
    }

    async fn list_programs(
        &self,
        request: Request<pb::ListProgramsRequest>,
    ) -> Result<Response<pb::ListProgramsResponse>, Status> {
        let (call, query) = open(request, convert::list)?;
        let page = programs::list(&self.store, call, &query).await?;
        Ok(Response::new(pb::ListProgramsResponse {
            next_page_token: page_token(&query, page.next),
            programs: page.rows,
        }))
    }

    async fn update_program(
        &self,
        request: Request<pb::UpdateProgramRequest>,
    ) -> Result<Response<pb::Program>, Status> {
        let (call, update) = open(request, convert::update)?;
        Ok(written(programs::update(&self.store, call, update).await?))
    }

    async fn publish_program(
        &self,
        request: Request<pb::PublishProgramRequest>,
    ) -> Result<Response<pb::Program>, Status> {
        let (call, publish) = open(request, convert::publish)?;
        Ok(written(
            programs::publish(&self.store, call, publish).await?,
        ))
    }

    async fn retire_program(
        &self,
        request: Request<pb::RetireProgramRequest>,
    ) -> Result<Response<pb::Program>, Status> {
        let (call, retire) = open(request, convert::retire)?;
        Ok(written(programs::retire(&self.store, call, retire).await?))
    }

    async fn list_program_revisions(
        &self,
        request: Request<pb::ListProgramRevisionsRequest>,
    ) -> Result<Response<pb::ListProgramRevisionsResponse>, Status> {
        let (call, revisions) = open(request, convert::revisions)?;
        let page = programs::revisions(&self.store, call, &revisions).await?;
        Ok(Response::new(pb::ListProgramRevisionsResponse {
            next_page_token: page_token(&revisions.query, page.next),
            program_revisions: page.rows,
        }))
    }

    async fn create_tier(
        &self,
        request: Request<pb::CreateTierRequest>,
    ) -> Result<Response<pb::Tier>, Status> {
        let (call, create) = open(request, tier::convert::create)?;
        Ok(written(tiers::create(&self.store, call, create).await?))
    }

    async fn get_tier(
        &self,
        request: Request<pb::GetTierRequest>,
    ) -> Result<Response<pb::Tier>, Status> {
        let (call, key) = open(request, tier::convert::get)?;
        Ok(Response::new(tiers::get(&self.store, call, key).await?))
    }

    async fn list_tiers(
        &self,
        request: Request<pb::ListTiersRequest>,
    ) -> Result<Response<pb::ListTiersResponse>, Status> {
        let (call, list) = open(request, tier::convert::list)?;
        let page = tiers::list(&self.store, call, &list).await?;
        Ok(Response::new(pb::ListTiersResponse {
            next_page_token: page_token(&list.query, page.next),
            tiers: page.rows,
        }))
    }

    async fn update_tier(
        &self,
        request: Request<pb::UpdateTierRequest>,
    ) -> Result<Response<pb::Tier>, Status> {
        let (call, update) = open(request, tier::convert::update)?;
        Ok(written(tiers::update(&self.store, call, update).await?))
    }

    async fn delete_tier(
        &self,
        request: Request<pb::DeleteTierRequest>,
    ) -> Result<Response<pb::Tier>, Status> {
        let (call, delete) = open(request, tier::convert::delete)?;
        Ok(written(tiers::delete(&self.store, call, delete).await?))
    }
}
