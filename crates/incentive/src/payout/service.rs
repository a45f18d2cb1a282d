//! Answers the calls of `PayoutService`.

use tonic::{Request, Response, Status};
use trellis_api::incentive::v1 as pb;
use trellis_api::incentive::v1::payout_service_server::{PayoutService, PayoutServiceServer};
use trellis_api::{open, page_token, written};
use trellis_store::Store;

use super::{batches, convert, moves};

/// `PayoutService` over a store.
#[derive(Clone)]
pub struct Payouts {
    store: Store,
}

impl Payouts {
    /// The gRPC service.
    #[must_use]
    pub fn server(store: Store) -> PayoutServiceServer<Self> {
        PayoutServiceServer::new(Self { store })
    }
}

#[tonic::async_trait]
impl PayoutService for Payouts {
    async fn create_batch(
        &self,
        request: Request<pb::CreateBatchRequest>,
    ) -> Result<Response<pb::PayoutBatch>, Status> {
        let (call, create) = open(request, convert::create)?;
        Ok(written(batches::create(&self.store, call, create).await?))
    }

    async fn get_batch(
        &self,
        request: Request<pb::GetBatchRequest>,
    ) -> Result<Response<pb::PayoutBatch>, Status> {
        let (call, id) = open(request, convert::get)?;
        Ok(Response::new(batches::get(&self.store, call, id).await?))
    }

    async fn list_batches(
        &self,
        request: Request<pb::ListBatchesRequest>,
    ) -> Result<Response<pb::ListBatchesResponse>, Status> {
        let (call, query) = open(request, convert::list)?;
        let page = batches::list(&self.store, call, &query).await?;
        Ok(Response::new(pb::ListBatchesResponse {
            next_page_token: page_token(&query, page.next),
            batches: page.rows,
        }))
    }

    async fn list_items(
        &self,
        request: Request<pb::ListItemsRequest>,
    ) -> Result<Response<pb::ListItemsResponse>, Status> {
        let (call, (batch, query)) = open(request, convert::list_items)?;
        let page = batches::list_items(&self.store, call, &batch, &query).await?;
        Ok(Response::new(pb::ListItemsResponse {
            next_page_token: page_token(&query, page.next),
            items: page.rows,
        }))
    }

    async fn list_lines(
        &self,
        request: Request<pb::ListLinesRequest>,
    ) -> Result<Response<pb::ListLinesResponse>, Status> {
        let (call, (batch, query)) = open(request, convert::list_lines)?;
        let page = batches::list_lines(&self.store, call, &batch, query.clone()).await?;
        Ok(Response::new(pb::ListLinesResponse {
            next_page_token: page_token(&query, page.next),
            lines: page.rows,
        }))
    }

    async fn submit_batch(
        &self,
        request: Request<pb::SubmitBatchRequest>,
    ) -> Result<Response<pb::PayoutBatch>, Status> {
        let (call, on) = open(request, convert::submit)?;
        Ok(written(moves::submit(&self.store, call, on).await?))
    }

    async fn approve_batch(
        &self,
        request: Request<pb::ApproveBatchRequest>,
    ) -> Result<Response<pb::PayoutBatch>, Status> {
        let (call, on) = open(request, convert::approve)?;
        Ok(written(moves::approve(&self.store, call, on).await?))
    }

    async fn cancel_batch(
        &self,
        request: Request<pb::CancelBatchRequest>,
    ) -> Result<Response<pb::PayoutBatch>, Status> {
        let (call, on) = open(request, convert::cancel)?;
        Ok(written(moves::cancel(&self.store, call, on).await?))
    }

    async fn send_batch(
        &self,
        request: Request<pb::SendBatchRequest>,
    ) -> Result<Response<pb::PayoutBatch>, Status> {
        let (call, on) = open(request, convert::send)?;
        Ok(written(moves::send(&self.store, call, on).await?))
    }

    async fn settle_items(
        &self,
        request: Request<pb::SettleItemsRequest>,
    ) -> Result<Response<pb::PayoutBatch>, Status> {
        let (call, settle) = open(request, convert::settle)?;
        Ok(written(moves::settle(&self.store, call, settle).await?))
    }

    async fn fail_item(
        &self,
        request: Request<pb::FailItemRequest>,
    ) -> Result<Response<pb::PayoutBatch>, Status> {
        let (call, fail) = open(request, convert::fail)?;
        Ok(written(moves::fail(&self.store, call, fail).await?))
    }

    async fn return_item(
        &self,
        request: Request<pb::ReturnItemRequest>,
    ) -> Result<Response<pb::PayoutBatch>, Status> {
        let (call, returned) = open(request, convert::come_back)?;
        Ok(written(
            moves::come_back(&self.store, call, returned).await?,
        ))
    }
}
