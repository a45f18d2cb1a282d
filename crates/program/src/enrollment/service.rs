//! Answers the calls of `EnrollmentService`.

use tonic::{Request, Response, Status};
use trellis_api::program::v1 as pb;
use trellis_api::program::v1::enrollment_service_server::{
    EnrollmentService, EnrollmentServiceServer,
};
use trellis_api::{open, page_token, written};
use trellis_store::Store;

use super::{convert, enrollments};

/// `EnrollmentService` over a store.
#[derive(Clone)]
pub struct Enrollments {
    store: Store,
}

impl Enrollments {
    /// The gRPC service.
    #[must_use]
    pub fn server(store: Store) -> EnrollmentServiceServer<Self> {
        EnrollmentServiceServer::new(Self { store })
    }
}

#[tonic::async_trait]
impl EnrollmentService for Enrollments {
    async fn create_enrollment(
        &self,
        request: Request<pb::CreateEnrollmentRequest>,
    ) -> Result<Response<pb::Enrollment>, Status> {
        let (call, create) = open(request, convert::create)?;
        Ok(written(
            enrollments::create(&self.store, call, create).await?,
        ))
    }

    async fn update_enrollment(
        &self,
        request: Request<pb::UpdateEnrollmentRequest>,
    ) -> Result<Response<pb::Enrollment>, Status> {
        let (call, update) = open(request, convert::update)?;
        Ok(written(
            enrollments::update(&self.store, call, update).await?,
        ))
    }

    async fn get_enrollment(
        &self,
        request: Request<pb::GetEnrollmentRequest>,
    ) -> Result<Response<pb::Enrollment>, Status> {
        let (call, id) = open(request, convert::get)?;
        Ok(Response::new(
            enrollments::get(&self.store, call, id).await?,
        ))
    }

    async fn list_enrollments(
        &self,
        request: Request<pb::ListEnrollmentsRequest>,
    ) -> Result<Response<pb::ListEnrollmentsResponse>, Status> {
        let (call, query) = open(request, convert::list)?;
        let page = enrollments::list(&self.store, call, &query).await?;
        Ok(Response::new(pb::ListEnrollmentsResponse {
            next_page_token: page_token(&query, page.next),
            enrollments: page.rows,
        }))
    }
}
