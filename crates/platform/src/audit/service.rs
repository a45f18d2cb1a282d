//! Answers the calls of `AuditService`.

use std::sync::Arc;

use futures::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use tonic::{Request, Response, Status};
use trellis_api::platform::v1 as pb;
use trellis_api::platform::v1::audit_service_server::{AuditService, AuditServiceServer};
use trellis_api::{open, page_token, written};
use trellis_store::Store;

use super::note::Signer;
use super::{checkpoints, convert, entries};

/// `AuditService` over a store.
#[derive(Clone)]
pub struct Audit {
    store: Store,
    signer: Arc<Signer>,
}

impl Audit {
    /// The gRPC service, which knows checkpoints by this signer.
    #[must_use]
    pub fn server(store: Store, signer: Arc<Signer>) -> AuditServiceServer<Self> {
        AuditServiceServer::new(Self { store, signer })
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

    async fn get_checkpoint(
        &self,
        request: Request<pb::GetCheckpointRequest>,
    ) -> Result<Response<pb::AuditCheckpoint>, Status> {
        let (call, tree_size) = open(request, convert::get_checkpoint)?;
        let found = checkpoints::get(&self.store, &self.signer, call, tree_size).await?;
        Ok(Response::new(found))
    }

    async fn erase_personal_data(
        &self,
        request: Request<pb::ErasePersonalDataRequest>,
    ) -> Result<Response<pb::ErasePersonalDataResponse>, Status> {
        let (call, principal) = open(request, convert::erase)?;
        Ok(written(entries::erase(&self.store, call, principal).await?))
    }

    type VerifyAuditStream = BoxStream<'static, Result<pb::VerifyAuditResponse, Status>>;

    async fn verify_audit(
        &self,
        request: Request<pb::VerifyAuditRequest>,
    ) -> Result<Response<Self::VerifyAuditStream>, Status> {
        let (call, kept) = open(request, convert::verify(&self.signer))?;
        let told = checkpoints::verify(&self.store, self.signer.clone(), call, kept).await?;
        Ok(Response::new(told.map_err(Status::from).boxed()))
    }
}
