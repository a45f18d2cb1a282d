//! Answers the calls of `FactService`.

use tonic::{Request, Response, Status};
use trellis_api::incentive::v1 as pb;
use trellis_api::incentive::v1::fact_service_server::{FactService, FactServiceServer};
use trellis_api::{open, page_token, written};
use trellis_store::Store;

use super::{convert, lists, record};

/// `FactService` over a store.
#[derive(Clone)]
pub struct Facts {
    store: Store,
}

impl Facts {
    /// The gRPC service.
    #[must_use]
    pub fn server(store: Store) -> FactServiceServer<Self> {
        FactServiceServer::new(Self { store })
    }
}

#[tonic::async_trait]
impl FactService for Facts {
    async fn record_facts(
        &self,
        request: Request<pb::RecordFactsRequest>,
    ) -> Result<Response<pb::RecordFactsResponse>, Status> {
        let (call, told) = open(request, convert::record)?;
        Ok(written(record::record(&self.store, call, told).await?))
    }

    async fn list_facts(
        &self,
        request: Request<pb::ListFactsRequest>,
    ) -> Result<Response<pb::ListFactsResponse>, Status> {
        let (call, query) = open(request, convert::list_facts)?;
        let page = lists::facts(&self.store, call, &query).await?;
        Ok(Response::new(pb::ListFactsResponse {
            next_page_token: page_token(&query, page.next),
            facts: page.rows,
        }))
    }

    async fn list_quotas(
        &self,
        request: Request<pb::ListQuotasRequest>,
    ) -> Result<Response<pb::ListQuotasResponse>, Status> {
        let (call, query) = open(request, convert::list_quotas)?;
        let page = lists::quotas(&self.store, call, &query).await?;
        Ok(Response::new(pb::ListQuotasResponse {
            next_page_token: page_token(&query, page.next),
            quotas: page.rows,
        }))
    }

    async fn list_exchange_rates(
        &self,
        request: Request<pb::ListExchangeRatesRequest>,
    ) -> Result<Response<pb::ListExchangeRatesResponse>, Status> {
        let (call, query) = open(request, convert::list_exchange_rates)?;
        let page = lists::exchange_rates(&self.store, call, &query).await?;
        Ok(Response::new(pb::ListExchangeRatesResponse {
            next_page_token: page_token(&query, page.next),
            exchange_rates: page.rows,
        }))
    }
}
