//! Answers the calls of `LeadService`.

use tonic::{Request, Response, Status};
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::lead_service_server::{LeadService, LeadServiceServer};
use trellis_api::{open, page_token, written};
use trellis_store::Store;

use super::{convert, leads};

/// `LeadService` over a store.
#[derive(Clone)]
pub struct Leads {
    store: Store,
}

impl Leads {
    /// The gRPC service.
    #[must_use]
    pub fn server(store: Store) -> LeadServiceServer<Self> {
        LeadServiceServer::new(Self { store })
    }
}

#[tonic::async_trait]
impl LeadService for Leads {
    async fn create_lead(
        &self,
        request: Request<pb::CreateLeadRequest>,
    ) -> Result<Response<pb::Lead>, Status> {
        let (call, create) = open(request, convert::create)?;
        Ok(written(leads::create(&self.store, call, create).await?))
    }

    async fn get_lead(
        &self,
        request: Request<pb::GetLeadRequest>,
    ) -> Result<Response<pb::Lead>, Status> {
        let (call, id) = open(request, convert::get)?;
        Ok(Response::new(leads::get(&self.store, call, id).await?))
    }

    async fn list_leads(
        &self,
        request: Request<pb::ListLeadsRequest>,
    ) -> Result<Response<pb::ListLeadsResponse>, Status> {
        let (call, query) = open(request, convert::list)?;
        let page = leads::list(&self.store, call, &query).await?;
        Ok(Response::new(pb::ListLeadsResponse {
            next_page_token: page_token(&query, page.next),
            leads: page.rows,
        }))
    }

    async fn route_lead(
        &self,
        request: Request<pb::RouteLeadRequest>,
    ) -> Result<Response<pb::RouteLeadResponse>, Status> {
        let (call, route) = open(request, convert::route)?;
        Ok(written(leads::route(&self.store, call, route).await?))
    }

    async fn list_lead_routings(
        &self,
        request: Request<pb::ListLeadRoutingsRequest>,
    ) -> Result<Response<pb::ListLeadRoutingsResponse>, Status> {
        let (call, routings) = open(request, convert::routings)?;
        let page = leads::routings(&self.store, call, &routings).await?;
        Ok(Response::new(pb::ListLeadRoutingsResponse {
            next_page_token: page_token(&routings.query, page.next),
            lead_routings: page.rows,
        }))
    }

    async fn accept_lead(
        &self,
        request: Request<pb::AcceptLeadRequest>,
    ) -> Result<Response<pb::Lead>, Status> {
        let (call, accept) = open(request, convert::accept)?;
        Ok(written(leads::accept(&self.store, call, accept).await?))
    }

    async fn decline_lead(
        &self,
        request: Request<pb::DeclineLeadRequest>,
    ) -> Result<Response<pb::Lead>, Status> {
        let (call, decline) = open(request, convert::decline)?;
        Ok(written(leads::decline(&self.store, call, decline).await?))
    }

    async fn work_lead(
        &self,
        request: Request<pb::WorkLeadRequest>,
    ) -> Result<Response<pb::Lead>, Status> {
        let (call, work) = open(request, convert::work)?;
        Ok(written(leads::work(&self.store, call, work).await?))
    }

    async fn qualify_lead(
        &self,
        request: Request<pb::QualifyLeadRequest>,
    ) -> Result<Response<pb::Lead>, Status> {
        let (call, qualify) = open(request, convert::qualify)?;
        Ok(written(leads::qualify(&self.store, call, qualify).await?))
    }

    async fn disqualify_lead(
        &self,
        request: Request<pb::DisqualifyLeadRequest>,
    ) -> Result<Response<pb::Lead>, Status> {
        let (call, disqualify) = open(request, convert::disqualify)?;
        Ok(written(
            leads::disqualify(&self.store, call, disqualify).await?,
        ))
    }

    async fn return_lead(
        &self,
        request: Request<pb::ReturnLeadRequest>,
    ) -> Result<Response<pb::Lead>, Status> {
        let (call, give_back) = open(request, convert::give_back)?;
        Ok(written(
            leads::give_back(&self.store, call, give_back).await?,
        ))
    }

    async fn convert_lead(
        &self,
        request: Request<pb::ConvertLeadRequest>,
    ) -> Result<Response<pb::Lead>, Status> {
        let (call, convert) = open(request, convert::convert)?;
        Ok(written(leads::convert(&self.store, call, convert).await?))
    }

    async fn mark_lead_duplicate(
        &self,
        request: Request<pb::MarkLeadDuplicateRequest>,
    ) -> Result<Response<pb::Lead>, Status> {
        let (call, mark) = open(request, convert::mark_duplicate)?;
        Ok(written(
            leads::mark_duplicate(&self.store, call, mark).await?,
        ))
    }
}
