//! Answers the calls of `DealService`.

use tonic::{Request, Response, Status, Streaming};
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::deal_service_server::{DealService, DealServiceServer};
use trellis_api::{open, page_token, written};
use trellis_store::Store;

use super::{
    assigning, convert, credit, deals, disputes, editing, external, history, import, moves,
    proposals, records, summary,
};

/// `DealService` over a store.
#[derive(Clone)]
pub struct Deals {
    store: Store,
}

impl Deals {
    /// The gRPC service.
    #[must_use]
    pub fn server(store: Store) -> DealServiceServer<Self> {
        DealServiceServer::new(Self { store })
    }
}

#[tonic::async_trait]
impl DealService for Deals {
    async fn create_deal(
        &self,
        request: Request<pb::CreateDealRequest>,
    ) -> Result<Response<pb::Deal>, Status> {
        let (call, create) = open(request, convert::create)?;
        Ok(written(deals::create(&self.store, call, create).await?))
    }

    async fn get_deal(
        &self,
        request: Request<pb::GetDealRequest>,
    ) -> Result<Response<pb::Deal>, Status> {
        let (call, id) = open(request, convert::get)?;
        Ok(Response::new(deals::get(&self.store, call, id).await?))
    }

    async fn lookup_deal(
        &self,
        request: Request<pb::LookupDealRequest>,
    ) -> Result<Response<pb::Deal>, Status> {
        let (call, asked) = open(request, convert::look_up)?;
        Ok(Response::new(
            external::look_up(&self.store, call, asked).await?,
        ))
    }

    async fn list_deals(
        &self,
        request: Request<pb::ListDealsRequest>,
    ) -> Result<Response<pb::ListDealsResponse>, Status> {
        let (call, query) = open(request, convert::list)?;
        let page = deals::list(&self.store, call, &query).await?;
        Ok(Response::new(pb::ListDealsResponse {
            next_page_token: page_token(&query, page.next),
            deals: page.rows,
        }))
    }

    async fn update_deal(
        &self,
        request: Request<pb::UpdateDealRequest>,
    ) -> Result<Response<pb::Deal>, Status> {
        let (call, update) = open(request, convert::update)?;
        Ok(written(editing::update(&self.store, call, update).await?))
    }

    async fn advance_deal(
        &self,
        request: Request<pb::AdvanceDealRequest>,
    ) -> Result<Response<pb::Deal>, Status> {
        let (call, advance) = open(request, convert::advance)?;
        Ok(written(moves::advance(&self.store, call, advance).await?))
    }

    async fn win_deal(
        &self,
        request: Request<pb::WinDealRequest>,
    ) -> Result<Response<pb::Deal>, Status> {
        let (call, win) = open(request, convert::win)?;
        Ok(written(moves::win(&self.store, call, win).await?))
    }

    async fn lose_deal(
        &self,
        request: Request<pb::LoseDealRequest>,
    ) -> Result<Response<pb::Deal>, Status> {
        let (call, lose) = open(request, convert::lose)?;
        Ok(written(moves::lose(&self.store, call, lose).await?))
    }

    async fn reopen_deal(
        &self,
        request: Request<pb::ReopenDealRequest>,
    ) -> Result<Response<pb::Deal>, Status> {
        let (call, reopen) = open(request, convert::reopen)?;
        Ok(written(moves::reopen(&self.store, call, reopen).await?))
    }

    async fn record_invoice(
        &self,
        request: Request<pb::RecordInvoiceRequest>,
    ) -> Result<Response<pb::Deal>, Status> {
        let (call, invoice) = open(request, convert::invoice)?;
        Ok(written(records::record(&self.store, call, invoice).await?))
    }

    async fn record_refund(
        &self,
        request: Request<pb::RecordRefundRequest>,
    ) -> Result<Response<pb::Deal>, Status> {
        let (call, refund) = open(request, convert::refund)?;
        Ok(written(records::record(&self.store, call, refund).await?))
    }

    async fn record_churn(
        &self,
        request: Request<pb::RecordChurnRequest>,
    ) -> Result<Response<pb::Deal>, Status> {
        let (call, churn) = open(request, convert::churn)?;
        Ok(written(records::record(&self.store, call, churn).await?))
    }

    async fn set_deal_roles(
        &self,
        request: Request<pb::SetDealRolesRequest>,
    ) -> Result<Response<pb::Deal>, Status> {
        let (call, set) = open(request, convert::set_roles)?;
        Ok(written(assigning::set_roles(&self.store, call, set).await?))
    }

    async fn dispute_deal_role(
        &self,
        request: Request<pb::DisputeDealRoleRequest>,
    ) -> Result<Response<pb::Deal>, Status> {
        let (call, dispute) = open(request, convert::dispute)?;
        Ok(written(
            disputes::dispute(&self.store, call, dispute).await?,
        ))
    }

    async fn resolve_deal_role_dispute(
        &self,
        request: Request<pb::ResolveDealRoleDisputeRequest>,
    ) -> Result<Response<pb::Deal>, Status> {
        let (call, resolve) = open(request, convert::resolve)?;
        Ok(written(
            disputes::resolve(&self.store, call, resolve).await?,
        ))
    }

    async fn get_deal_proposal(
        &self,
        request: Request<pb::GetDealProposalRequest>,
    ) -> Result<Response<pb::DealProposal>, Status> {
        let (call, asked) = open(request, convert::proposal)?;
        Ok(Response::new(
            proposals::get(&self.store, call, asked).await?,
        ))
    }

    async fn list_deal_proposals(
        &self,
        request: Request<pb::ListDealProposalsRequest>,
    ) -> Result<Response<pb::ListDealProposalsResponse>, Status> {
        let (call, asked) = open(request, convert::proposals)?;
        let page = proposals::list(&self.store, call, &asked).await?;
        Ok(Response::new(pb::ListDealProposalsResponse {
            next_page_token: page_token(&asked.query, page.next),
            deal_proposals: page.rows,
        }))
    }

    async fn accept_deal_proposal(
        &self,
        request: Request<pb::AcceptDealProposalRequest>,
    ) -> Result<Response<pb::DealProposal>, Status> {
        let (call, decide) = open(request, convert::accept)?;
        Ok(written(proposals::decide(&self.store, call, decide).await?))
    }

    async fn reject_deal_proposal(
        &self,
        request: Request<pb::RejectDealProposalRequest>,
    ) -> Result<Response<pb::DealProposal>, Status> {
        let (call, decide) = open(request, convert::reject)?;
        Ok(written(proposals::decide(&self.store, call, decide).await?))
    }

    async fn list_stage_changes(
        &self,
        request: Request<pb::ListStageChangesRequest>,
    ) -> Result<Response<pb::ListStageChangesResponse>, Status> {
        let (call, asked) = open(request, convert::stage_changes)?;
        let page = history::stages(&self.store, call, &asked).await?;
        Ok(Response::new(pb::ListStageChangesResponse {
            next_page_token: page_token(&asked.query, page.next),
            stage_changes: page.rows,
        }))
    }

    async fn list_role_changes(
        &self,
        request: Request<pb::ListRoleChangesRequest>,
    ) -> Result<Response<pb::ListRoleChangesResponse>, Status> {
        let (call, asked) = open(request, convert::role_changes)?;
        let page = history::roles(&self.store, call, &asked).await?;
        Ok(Response::new(pb::ListRoleChangesResponse {
            next_page_token: page_token(&asked.query, page.next),
            role_changes: page.rows,
        }))
    }

    async fn get_attribution(
        &self,
        request: Request<pb::GetAttributionRequest>,
    ) -> Result<Response<pb::GetAttributionResponse>, Status> {
        let (call, asked) = open(request, convert::attribution)?;
        Ok(Response::new(credit::get(&self.store, call, asked).await?))
    }

    async fn report_attribution(
        &self,
        request: Request<pb::ReportAttributionRequest>,
    ) -> Result<Response<pb::ReportAttributionResponse>, Status> {
        let (call, asked) = open(request, convert::report)?;
        Ok(Response::new(
            credit::report(&self.store, call, asked).await?,
        ))
    }

    type ImportDealsStream = trellis_api::import::Answers<pb::ImportDealsResponse>;

    async fn import_deals(
        &self,
        request: Request<Streaming<pb::ImportDealsRequest>>,
    ) -> Result<Response<Self::ImportDealsStream>, Status> {
        let store = self.store.clone();
        trellis_api::import::answer_each(request, import::rows, move |call, rows| {
            let store = store.clone();
            async move { Ok(import::deals(&store, call, rows).await?.value) }
        })
    }

    async fn get_pipeline(
        &self,
        request: Request<pb::GetPipelineRequest>,
    ) -> Result<Response<pb::GetPipelineResponse>, Status> {
        let (call, ask) = open(request, convert::pipeline)?;
        Ok(Response::new(
            summary::pipeline(&self.store, call, ask).await?,
        ))
    }
}
