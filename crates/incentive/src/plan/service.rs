//! Answers the calls of `PlanService`.

use futures::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use tonic::{Request, Response, Status};
use trellis_api::incentive::v1 as pb;
use trellis_api::incentive::v1::plan_service_server::{PlanService, PlanServiceServer};
use trellis_api::{open, page_token, written};
use trellis_store::Store;

use super::backtest::convert::backtest;
use super::backtest::run::Backtests;
use super::{convert, plans, review, versions};

/// `PlanService` over a store.
#[derive(Clone)]
pub struct Plans {
    store: Store,
    backtests: Backtests,
}

impl Plans {
    /// The gRPC service. A backtest computes with at most so many facts at once.
    #[must_use]
    pub fn server(store: Store, backtest_facts_max: u32) -> PlanServiceServer<Self> {
        let backtests = Backtests::new(store.clone(), backtest_facts_max.into());
        PlanServiceServer::new(Self { store, backtests })
    }
}

#[tonic::async_trait]
impl PlanService for Plans {
    async fn create_plan(
        &self,
        request: Request<pb::CreatePlanRequest>,
    ) -> Result<Response<pb::Plan>, Status> {
        let (call, create) = open(request, convert::create)?;
        Ok(written(plans::create(&self.store, call, create).await?))
    }

    async fn get_plan(
        &self,
        request: Request<pb::GetPlanRequest>,
    ) -> Result<Response<pb::Plan>, Status> {
        let (call, id) = open(request, convert::get)?;
        Ok(Response::new(plans::get(&self.store, call, id).await?))
    }

    async fn list_plans(
        &self,
        request: Request<pb::ListPlansRequest>,
    ) -> Result<Response<pb::ListPlansResponse>, Status> {
        let (call, query) = open(request, convert::list)?;
        let page = plans::list(&self.store, call, &query).await?;
        Ok(Response::new(pb::ListPlansResponse {
            next_page_token: page_token(&query, page.next),
            plans: page.rows,
        }))
    }

    async fn update_plan(
        &self,
        request: Request<pb::UpdatePlanRequest>,
    ) -> Result<Response<pb::Plan>, Status> {
        let (call, update) = open(request, convert::update)?;
        Ok(written(plans::update(&self.store, call, update).await?))
    }

    async fn create_plan_version(
        &self,
        request: Request<pb::CreatePlanVersionRequest>,
    ) -> Result<Response<pb::PlanVersion>, Status> {
        let (call, create) = open(request, convert::create_version)?;
        Ok(written(versions::create(&self.store, call, create).await?))
    }

    async fn get_plan_version(
        &self,
        request: Request<pb::GetPlanVersionRequest>,
    ) -> Result<Response<pb::PlanVersion>, Status> {
        let (call, key) = open(request, convert::get_version)?;
        Ok(Response::new(versions::get(&self.store, call, key).await?))
    }

    async fn list_plan_versions(
        &self,
        request: Request<pb::ListPlanVersionsRequest>,
    ) -> Result<Response<pb::ListPlanVersionsResponse>, Status> {
        let (call, (plan, query)) = open(request, convert::list_versions)?;
        let page = versions::list(&self.store, call, plan, &query).await?;
        Ok(Response::new(pb::ListPlanVersionsResponse {
            next_page_token: page_token(&query, page.next),
            plan_versions: page.rows,
        }))
    }

    async fn update_plan_version(
        &self,
        request: Request<pb::UpdatePlanVersionRequest>,
    ) -> Result<Response<pb::PlanVersion>, Status> {
        let (call, update) = open(request, convert::update_version)?;
        Ok(written(versions::update(&self.store, call, update).await?))
    }

    async fn schedule_plan_version(
        &self,
        request: Request<pb::SchedulePlanVersionRequest>,
    ) -> Result<Response<pb::PlanVersion>, Status> {
        let (call, schedule) = open(request, convert::schedule)?;
        Ok(written(
            versions::schedule(&self.store, call, schedule).await?,
        ))
    }

    async fn retire_plan_version(
        &self,
        request: Request<pb::RetirePlanVersionRequest>,
    ) -> Result<Response<pb::PlanVersion>, Status> {
        let (call, retire) = open(request, convert::retire)?;
        Ok(written(versions::retire(&self.store, call, retire).await?))
    }

    async fn lint_plan_version(
        &self,
        request: Request<pb::LintPlanVersionRequest>,
    ) -> Result<Response<pb::LintPlanVersionResponse>, Status> {
        let (call, key) = open(request, convert::lint)?;
        Ok(Response::new(review::lint(&self.store, call, key).await?))
    }

    async fn describe_plan(
        &self,
        request: Request<pb::DescribePlanRequest>,
    ) -> Result<Response<pb::DescribePlanResponse>, Status> {
        let (call, id) = open(request, convert::describe)?;
        Ok(Response::new(
            review::describe(&self.store, call, id).await?,
        ))
    }

    type BacktestPlanStream = BoxStream<'static, Result<pb::BacktestPlanResponse, Status>>;

    async fn backtest_plan(
        &self,
        request: Request<pb::BacktestPlanRequest>,
    ) -> Result<Response<Self::BacktestPlanStream>, Status> {
        let (call, asked) = open(request, backtest)?;
        let messages = self.backtests.run(call, asked).await?;
        Ok(Response::new(messages.map_err(Status::from).boxed()))
    }
}
