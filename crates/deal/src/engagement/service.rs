//! Answers the calls of `EngagementService`.

use tonic::{Request, Response, Status};
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::engagement_service_server::{
    EngagementService, EngagementServiceServer,
};
use trellis_api::{open, page_token, written};
use trellis_store::Store;

use super::{convert, engagements, members, snapshots};

/// `EngagementService` over a store.
#[derive(Clone)]
pub struct Engagements {
    store: Store,
}

impl Engagements {
    /// The gRPC service.
    #[must_use]
    pub fn server(store: Store) -> EngagementServiceServer<Self> {
        EngagementServiceServer::new(Self { store })
    }
}

#[tonic::async_trait]
impl EngagementService for Engagements {
    async fn create_engagement(
        &self,
        request: Request<pb::CreateEngagementRequest>,
    ) -> Result<Response<pb::Engagement>, Status> {
        let (call, command) = open(request, convert::create)?;
        Ok(written(
            engagements::create(&self.store, call, command).await?,
        ))
    }

    async fn get_engagement(
        &self,
        request: Request<pb::GetEngagementRequest>,
    ) -> Result<Response<pb::Engagement>, Status> {
        let (call, id) = open(request, convert::get)?;
        Ok(Response::new(
            engagements::get(&self.store, call, id).await?,
        ))
    }

    async fn list_engagements(
        &self,
        request: Request<pb::ListEngagementsRequest>,
    ) -> Result<Response<pb::ListEngagementsResponse>, Status> {
        let (call, query) = open(request, convert::list)?;
        let page = engagements::list(&self.store, call, &query).await?;
        Ok(Response::new(pb::ListEngagementsResponse {
            next_page_token: page_token(&query, page.next),
            engagements: page.rows,
        }))
    }

    async fn update_engagement(
        &self,
        request: Request<pb::UpdateEngagementRequest>,
    ) -> Result<Response<pb::Engagement>, Status> {
        let (call, command) = open(request, convert::update)?;
        Ok(written(
            engagements::update(&self.store, call, command).await?,
        ))
    }

    async fn activate_engagement(
        &self,
        request: Request<pb::ActivateEngagementRequest>,
    ) -> Result<Response<pb::Engagement>, Status> {
        let (call, command) = open(request, convert::activate)?;
        Ok(written(
            engagements::activate(&self.store, call, command).await?,
        ))
    }

    async fn suspend_engagement(
        &self,
        request: Request<pb::SuspendEngagementRequest>,
    ) -> Result<Response<pb::Engagement>, Status> {
        let (call, command) = open(request, convert::suspend)?;
        Ok(written(
            engagements::suspend(&self.store, call, command).await?,
        ))
    }

    async fn resume_engagement(
        &self,
        request: Request<pb::ResumeEngagementRequest>,
    ) -> Result<Response<pb::Engagement>, Status> {
        let (call, command) = open(request, convert::resume)?;
        Ok(written(
            engagements::resume(&self.store, call, command).await?,
        ))
    }

    async fn close_engagement(
        &self,
        request: Request<pb::CloseEngagementRequest>,
    ) -> Result<Response<pb::Engagement>, Status> {
        let (call, command) = open(request, convert::close)?;
        Ok(written(
            engagements::close(&self.store, call, command).await?,
        ))
    }

    async fn invite_member(
        &self,
        request: Request<pb::InviteMemberRequest>,
    ) -> Result<Response<pb::EngagementMember>, Status> {
        let (call, command) = open(request, convert::invite)?;
        Ok(written(members::invite(&self.store, call, command).await?))
    }

    async fn get_member(
        &self,
        request: Request<pb::GetMemberRequest>,
    ) -> Result<Response<pb::EngagementMember>, Status> {
        let (call, id) = open(request, convert::get_member)?;
        Ok(Response::new(members::get(&self.store, call, id).await?))
    }

    async fn list_members(
        &self,
        request: Request<pb::ListMembersRequest>,
    ) -> Result<Response<pb::ListMembersResponse>, Status> {
        let (call, list) = open(request, convert::list_members)?;
        let page = members::list(&self.store, call, &list).await?;
        Ok(Response::new(pb::ListMembersResponse {
            next_page_token: page_token(&list.query, page.next),
            members: page.rows,
        }))
    }

    async fn accept_invitation(
        &self,
        request: Request<pb::AcceptInvitationRequest>,
    ) -> Result<Response<pb::EngagementMember>, Status> {
        let (call, command) = open(request, convert::accept)?;
        Ok(written(members::accept(&self.store, call, command).await?))
    }

    async fn reject_invitation(
        &self,
        request: Request<pb::RejectInvitationRequest>,
    ) -> Result<Response<pb::EngagementMember>, Status> {
        let (call, command) = open(request, convert::reject)?;
        Ok(written(members::reject(&self.store, call, command).await?))
    }

    async fn cancel_invitation(
        &self,
        request: Request<pb::CancelInvitationRequest>,
    ) -> Result<Response<pb::EngagementMember>, Status> {
        let (call, command) = open(request, convert::cancel)?;
        Ok(written(members::cancel(&self.store, call, command).await?))
    }

    async fn leave_engagement(
        &self,
        request: Request<pb::LeaveEngagementRequest>,
    ) -> Result<Response<pb::EngagementMember>, Status> {
        let (call, command) = open(request, convert::leave)?;
        Ok(written(members::leave(&self.store, call, command).await?))
    }

    async fn remove_member(
        &self,
        request: Request<pb::RemoveMemberRequest>,
    ) -> Result<Response<pb::EngagementMember>, Status> {
        let (call, command) = open(request, convert::remove)?;
        Ok(written(members::remove(&self.store, call, command).await?))
    }

    async fn share_snapshot(
        &self,
        request: Request<pb::ShareSnapshotRequest>,
    ) -> Result<Response<pb::EngagementSnapshot>, Status> {
        let (call, command) = open(request, convert::share)?;
        Ok(written(snapshots::share(&self.store, call, command).await?))
    }

    async fn get_snapshot(
        &self,
        request: Request<pb::GetSnapshotRequest>,
    ) -> Result<Response<pb::EngagementSnapshot>, Status> {
        let (call, id) = open(request, convert::get_snapshot)?;
        Ok(Response::new(snapshots::get(&self.store, call, id).await?))
    }

    async fn list_snapshots(
        &self,
        request: Request<pb::ListSnapshotsRequest>,
    ) -> Result<Response<pb::ListSnapshotsResponse>, Status> {
        let (call, list) = open(request, convert::list_snapshots)?;
        let page = snapshots::list(&self.store, call, &list).await?;
        Ok(Response::new(pb::ListSnapshotsResponse {
            next_page_token: page_token(&list.query, page.next),
            snapshots: page.rows,
        }))
    }

    async fn revoke_snapshot(
        &self,
        request: Request<pb::RevokeSnapshotRequest>,
    ) -> Result<Response<pb::EngagementSnapshot>, Status> {
        let (call, command) = open(request, convert::revoke)?;
        Ok(written(
            snapshots::revoke(&self.store, call, command).await?,
        ))
    }
}
