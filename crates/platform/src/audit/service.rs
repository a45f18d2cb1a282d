//! Answers the calls of `AuditService`.

use tonic::{Request, Response, Status};
use trellis_api::platform::v1 as pb;
use trellis_api::platform::v1::audit_service_server::{AuditService, AuditServiceServer};
use trellis_api::{open, page_token};
use trellis_store::Store;

use super::{convert, entries};

/// `AuditService` over a store.
#[derive(Clone)]
pub struct Audit {
    store: Store,
}

impl Audit {
    /// The gRPC service.
    #[must_use]
    pub fn server(store: Store) -> AuditServiceServer<Self> {
        AuditServiceServer::new(Self { store })
    }
}

#[tonic::async_trait]
impl AuditService for Audit {
    async fn list_audit_entries(
        &self,
        request: Request<pb::ListAuditEntriesRequest>,
    ) -> Result<Response<pb::ListAuditEntriesResponse>, Status> {
        let (call, query) = open(request, convert::list)?;
        let page = entries::list(&self.store, call, &query).await?;
        Ok(Response::new(pb::ListAuditEntriesResponse {
            next_page_token: page_token(&query, page.next),
            audit_entries: page.rows,
        }))
    }
}
