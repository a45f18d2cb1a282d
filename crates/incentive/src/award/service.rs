//! Answers the calls of `AwardService`.

use tonic::{Request, Response, Status};
use trellis_api::incentive::v1 as pb;
use trellis_api::incentive::v1::award_service_server::{AwardService, AwardServiceServer};
use trellis_api::{open, page_token, written};
use trellis_store::Store;

use super::{adjustments, awards, convert, explain, holds, rejections, replays, simulate};

/// `AwardService` over a store.
#[derive(Clone)]
pub struct Awards {
    store: Store,
}

impl Awards {
    /// The gRPC service.
    #[must_use]
    pub fn server(store: Store) -> AwardServiceServer<Self> {
        AwardServiceServer::new(Self { store })
    }
}

#[tonic::async_trait]
impl AwardService for Awards {
    async fn get_award(
        &self,
        request: Request<pb::GetAwardRequest>,
    ) -> Result<Response<pb::Award>, Status> {
        let (call, id) = open(request, convert::get)?;
        Ok(Response::new(awards::get(&self.store, call, id).await?))
    }

    async fn list_awards(
        &self,
        request: Request<pb::ListAwardsRequest>,
    ) -> Result<Response<pb::ListAwardsResponse>, Status> {
        let (call, query) = open(request, convert::list)?;
        let page = awards::list(&self.store, call, &query).await?;
        Ok(Response::new(pb::ListAwardsResponse {
            next_page_token: page_token(&query, page.next),
            awards: page.rows,
        }))
    }

    async fn explain_award(
        &self,
        request: Request<pb::ExplainAwardRequest>,
    ) -> Result<Response<pb::ExplainAwardResponse>, Status> {
        let (call, id) = open(request, convert::explain)?;
        Ok(Response::new(
            explain::explain(&self.store, call, id).await?,
        ))
    }

    async fn replay_awards(
        &self,
        request: Request<pb::ReplayAwardsRequest>,
    ) -> Result<Response<pb::ReplayAwardsResponse>, Status> {
        let (call, replay) = open(request, convert::replay)?;
        Ok(Response::new(
            replays::replays(&self.store, call, replay).await?,
        ))
    }

    async fn simulate_awards(
        &self,
        request: Request<pb::SimulateAwardsRequest>,
    ) -> Result<Response<pb::SimulateAwardsResponse>, Status> {
        let (call, simulated) = open(request, convert::simulate)?;
        let response = simulate::simulate(&self.store, call, simulated).await?;
        Ok(Response::new(response))
    }

    async fn approve_awards(
        &self,
        request: Request<pb::ApproveAwardsRequest>,
    ) -> Result<Response<pb::ApproveAwardsResponse>, Status> {
        let (call, approve) = open(request, convert::approve)?;
        Ok(written(awards::approve(&self.store, call, approve).await?))
    }

    async fn adjust_award(
        &self,
        request: Request<pb::AdjustAwardRequest>,
    ) -> Result<Response<pb::Award>, Status> {
        let (call, adjust) = open(request, convert::adjust)?;
        Ok(written(
            adjustments::adjust(&self.store, call, adjust).await?,
        ))
    }

    async fn hold_award(
        &self,
        request: Request<pb::HoldAwardRequest>,
    ) -> Result<Response<pb::Award>, Status> {
        let (call, stop) = open(request, convert::hold)?;
        Ok(written(holds::hold(&self.store, call, stop).await?))
    }

    async fn release_award(
        &self,
        request: Request<pb::ReleaseAwardRequest>,
    ) -> Result<Response<pb::Award>, Status> {
        let (call, release) = open(request, convert::release)?;
        Ok(written(holds::release(&self.store, call, release).await?))
    }

    async fn reject_award(
        &self,
        request: Request<pb::RejectAwardRequest>,
    ) -> Result<Response<pb::Award>, Status> {
        let (call, reject) = open(request, convert::reject)?;
        Ok(written(
            rejections::reject(&self.store, call, reject).await?,
        ))
    }
}
