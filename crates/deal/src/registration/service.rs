//! Answers the calls of `RegistrationService`.

use tonic::{Request, Response, Status};
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::registration_service_server::{
    RegistrationService, RegistrationServiceServer,
};
use trellis_api::{open, page_token, written};
use trellis_store::Store;

use super::{activities, check, convert, explain, moves, registrations};

/// `RegistrationService` over a store.
#[derive(Clone)]
pub struct Registrations {
    store: Store,
}

impl Registrations {
    /// The gRPC service.
    #[must_use]
    pub fn server(store: Store) -> RegistrationServiceServer<Self> {
        RegistrationServiceServer::new(Self { store })
    }
}

#[tonic::async_trait]
impl RegistrationService for Registrations {
    async fn create_registration(
        &self,
        request: Request<pb::CreateRegistrationRequest>,
    ) -> Result<Response<pb::Registration>, Status> {
        let (call, create) = open(request, convert::create)?;
        Ok(written(
            registrations::create(&self.store, call, create).await?,
        ))
    }

    async fn get_registration(
        &self,
        request: Request<pb::GetRegistrationRequest>,
    ) -> Result<Response<pb::Registration>, Status> {
        let (call, id) = open(request, convert::get)?;
        Ok(Response::new(
            registrations::get(&self.store, call, id).await?,
        ))
    }

    async fn list_registrations(
        &self,
        request: Request<pb::ListRegistrationsRequest>,
    ) -> Result<Response<pb::ListRegistrationsResponse>, Status> {
        let (call, query) = open(request, convert::list)?;
        let page = registrations::list(&self.store, call, &query).await?;
        Ok(Response::new(pb::ListRegistrationsResponse {
            next_page_token: page_token(&query, page.next),
            registrations: page.rows,
        }))
    }

    async fn update_registration(
        &self,
        request: Request<pb::UpdateRegistrationRequest>,
    ) -> Result<Response<pb::Registration>, Status> {
        let (call, update) = open(request, convert::update)?;
        Ok(written(
            registrations::update(&self.store, call, update).await?,
        ))
    }

    async fn submit_registration(
        &self,
        request: Request<pb::SubmitRegistrationRequest>,
    ) -> Result<Response<pb::Registration>, Status> {
        let (call, submit) = open(request, convert::submit)?;
        Ok(written(moves::submit(&self.store, call, submit).await?))
    }

    async fn approve_registration(
        &self,
        request: Request<pb::ApproveRegistrationRequest>,
    ) -> Result<Response<pb::Registration>, Status> {
        let (call, approve) = open(request, convert::approve)?;
        Ok(written(moves::approve(&self.store, call, approve).await?))
    }

    async fn reject_registration(
        &self,
        request: Request<pb::RejectRegistrationRequest>,
    ) -> Result<Response<pb::Registration>, Status> {
        let (call, reject) = open(request, convert::reject)?;
        Ok(written(moves::reject(&self.store, call, reject).await?))
    }

    async fn request_registration_info(
        &self,
        request: Request<pb::RequestRegistrationInfoRequest>,
    ) -> Result<Response<pb::Registration>, Status> {
        let (call, ask) = open(request, convert::request_info)?;
        Ok(written(moves::request_info(&self.store, call, ask).await?))
    }

    async fn revoke_registration(
        &self,
        request: Request<pb::RevokeRegistrationRequest>,
    ) -> Result<Response<pb::Registration>, Status> {
        let (call, revoke) = open(request, convert::revoke)?;
        Ok(written(moves::revoke(&self.store, call, revoke).await?))
    }

    async fn extend_registration(
        &self,
        request: Request<pb::ExtendRegistrationRequest>,
    ) -> Result<Response<pb::Registration>, Status> {
        let (call, extend) = open(request, convert::extend)?;
        Ok(written(moves::extend(&self.store, call, extend).await?))
    }

    async fn log_activity(
        &self,
        request: Request<pb::LogActivityRequest>,
    ) -> Result<Response<pb::RegistrationActivity>, Status> {
        let (call, log) = open(request, activities::read_log)?;
        Ok(written(activities::log(&self.store, call, log).await?))
    }

    async fn list_activities(
        &self,
        request: Request<pb::ListActivitiesRequest>,
    ) -> Result<Response<pb::ListActivitiesResponse>, Status> {
        let (call, list) = open(request, activities::read_list)?;
        let page = activities::list(&self.store, call, &list).await?;
        Ok(Response::new(pb::ListActivitiesResponse {
            next_page_token: page_token(&list.query, page.next),
            registration_activities: page.rows,
        }))
    }

    async fn transfer_registration(
        &self,
        request: Request<pb::TransferRegistrationRequest>,
    ) -> Result<Response<pb::Registration>, Status> {
        let (call, transfer) = open(request, convert::transfer)?;
        Ok(written(moves::transfer(&self.store, call, transfer).await?))
    }

    async fn withdraw_registration(
        &self,
        request: Request<pb::WithdrawRegistrationRequest>,
    ) -> Result<Response<pb::Registration>, Status> {
        let (call, withdraw) = open(request, convert::withdraw)?;
        Ok(written(moves::withdraw(&self.store, call, withdraw).await?))
    }

    async fn check_conflict(
        &self,
        request: Request<pb::CheckConflictRequest>,
    ) -> Result<Response<pb::CheckConflictResponse>, Status> {
        let (call, id) = open(request, convert::check)?;
        Ok(Response::new(check::check(&self.store, call, id).await?))
    }

    async fn explain_decision(
        &self,
        request: Request<pb::ExplainDecisionRequest>,
    ) -> Result<Response<pb::ExplainDecisionResponse>, Status> {
        let (call, id) = open(request, convert::explain)?;
        let explained = explain::explain(&self.store, call, id).await?;
        Ok(Response::new(explained))
    }

    async fn convert_registration(
        &self,
        request: Request<pb::ConvertRegistrationRequest>,
    ) -> Result<Response<pb::Registration>, Status> {
        let (call, convert) = open(request, convert::convert)?;
        Ok(written(moves::convert(&self.store, call, convert).await?))
    }
}
