//! Answers the calls of `PartnerService`.

use tonic::{Request, Response, Status, Streaming};
use trellis_api::import::{Answers, answer_each};
use trellis_api::partner::v1 as pb;
use trellis_api::partner::v1::partner_service_server::{PartnerService, PartnerServiceServer};
use trellis_api::{open, page_token, written};
use trellis_store::Store;

use super::lifecycle::Verb;
use super::{convert, import, partners};

/// `PartnerService` over a store.
#[derive(Clone)]
pub struct Partners {
    store: Store,
}

impl Partners {
    /// The gRPC service.
    #[must_use]
    pub fn server(store: Store) -> PartnerServiceServer<Self> {
        PartnerServiceServer::new(Self { store })
    }
}

#[tonic::async_trait]
impl PartnerService for Partners {
    async fn create_partner(
        &self,
        request: Request<pb::CreatePartnerRequest>,
    ) -> Result<Response<pb::Partner>, Status> {
        let (call, create) = open(request, convert::create)?;
        Ok(written(partners::create(&self.store, call, create).await?))
    }

    async fn get_partner(
        &self,
        request: Request<pb::GetPartnerRequest>,
    ) -> Result<Response<pb::Partner>, Status> {
        let (call, id) = open(request, convert::get)?;
        Ok(Response::new(partners::get(&self.store, call, id).await?))
    }

    async fn list_partners(
        &self,
        request: Request<pb::ListPartnersRequest>,
    ) -> Result<Response<pb::ListPartnersResponse>, Status> {
        let (call, query) = open(request, convert::list)?;
        let page = partners::list(&self.store, call, &query).await?;
        Ok(Response::new(pb::ListPartnersResponse {
            next_page_token: page_token(&query, page.next),
            partners: page.rows,
        }))
    }

    async fn update_partner(
        &self,
        request: Request<pb::UpdatePartnerRequest>,
    ) -> Result<Response<pb::Partner>, Status> {
        let (call, update) = open(request, convert::update)?;
        Ok(written(partners::update(&self.store, call, update).await?))
    }

    async fn batch_get_partners(
        &self,
        request: Request<pb::BatchGetPartnersRequest>,
    ) -> Result<Response<pb::BatchGetPartnersResponse>, Status> {
        let (call, ids) = open(request, convert::batch_get)?;
        let partners = partners::batch_get(&self.store, call, ids).await?;
        Ok(Response::new(pb::BatchGetPartnersResponse { partners }))
    }

    async fn invite_partner(
        &self,
        request: Request<pb::InvitePartnerRequest>,
    ) -> Result<Response<pb::Partner>, Status> {
        let (call, invite) = open(request, convert::invite)?;
        Ok(written(partners::invite(&self.store, call, invite).await?))
    }

    async fn accept_invitation(
        &self,
        request: Request<pb::AcceptInvitationRequest>,
    ) -> Result<Response<pb::Partner>, Status> {
        let (call, accept) = open(request, convert::accept)?;
        Ok(written(
            partners::make(&self.store, call, accept, Verb::Accept).await?,
        ))
    }

    async fn decline_invitation(
        &self,
        request: Request<pb::DeclineInvitationRequest>,
    ) -> Result<Response<pb::Partner>, Status> {
        let (call, decline) = open(request, convert::decline)?;
        Ok(written(
            partners::make(&self.store, call, decline, Verb::Decline).await?,
        ))
    }

    async fn activate_partner(
        &self,
        request: Request<pb::ActivatePartnerRequest>,
    ) -> Result<Response<pb::Partner>, Status> {
        let (call, activate) = open(request, convert::activate)?;
        Ok(written(
            partners::make(&self.store, call, activate, Verb::Activate).await?,
        ))
    }

    async fn suspend_partner(
        &self,
        request: Request<pb::SuspendPartnerRequest>,
    ) -> Result<Response<pb::Partner>, Status> {
        let (call, suspend) = open(request, convert::suspend)?;
        Ok(written(
            partners::suspend(&self.store, call, suspend).await?,
        ))
    }

    async fn reinstate_partner(
        &self,
        request: Request<pb::ReinstatePartnerRequest>,
    ) -> Result<Response<pb::Partner>, Status> {
        let (call, reinstate) = open(request, convert::reinstate)?;
        Ok(written(
            partners::make(&self.store, call, reinstate, Verb::Reinstate).await?,
        ))
    }

    async fn give_notice(
        &self,
        request: Request<pb::GiveNoticeRequest>,
    ) -> Result<Response<pb::Partner>, Status> {
        let (call, notice) = open(request, convert::give_notice)?;
        Ok(written(
            partners::give_notice(&self.store, call, notice).await?,
        ))
    }

    async fn terminate_partner(
        &self,
        request: Request<pb::TerminatePartnerRequest>,
    ) -> Result<Response<pb::Partner>, Status> {
        let (call, terminate) = open(request, convert::terminate)?;
        Ok(written(
            partners::make(&self.store, call, terminate, Verb::Terminate).await?,
        ))
    }

    type ImportPartnersStream = Answers<pb::ImportPartnersResponse>;

    async fn import_partners(
        &self,
        request: Request<Streaming<pb::ImportPartnersRequest>>,
    ) -> Result<Response<Self::ImportPartnersStream>, Status> {
        let store = self.store.clone();
        answer_each(request, import::rows, move |call, rows| {
            let store = store.clone();
            async move { Ok(import::partners(&store, call, rows).await?.value) }
        })
    }
}
