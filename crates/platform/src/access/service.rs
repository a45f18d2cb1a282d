//! Answers the calls of `AccessService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};
use trellis_api::open::Unauthenticated;
use trellis_api::platform::v1 as pb;
use trellis_api::platform::v1::access_service_server::{AccessService, AccessServiceServer};
use trellis_api::{open, open_unscoped, page_token, written};
use trellis_core::{Principal, Written};
use trellis_store::Store;

use super::secret::{Pepper, Secret};
use super::{convert, explain, grants, keys};

/// `AccessService` over a store.
#[derive(Clone)]
pub struct Access {
    store: Store,
    pepper: Pepper,
}

impl Access {
    /// The gRPC service.
    #[must_use]
    pub fn server(store: Store, pepper: Pepper) -> AccessServiceServer<Self> {
        AccessServiceServer::new(Self { store, pepper })
    }
}

/// The answer of a write with a secret beside it, which is never stored.
fn with_secret<T>(
    (written, secret): (Written<pb::ApiKey>, Option<Secret>),
    answer: impl FnOnce(pb::ApiKey, String) -> T,
) -> Written<T> {
    let Written { value, position } = written;
    let secret = secret.map(|secret| secret.reveal().to_owned());
    Written {
        value: answer(value, secret.unwrap_or_default()),
        position,
    }
}

#[tonic::async_trait]
impl AccessService for Access {
    async fn create_api_key(
        &self,
        request: Request<pb::CreateApiKeyRequest>,
    ) -> Result<Response<pb::CreateApiKeyResponse>, Status> {
        let (call, create) = open(request, convert::create_key)?;
        let created = keys::create(&self.store, &self.pepper, call, create).await?;
        Ok(written(with_secret(created, |key, secret| {
            pb::CreateApiKeyResponse {
                api_key: Some(key),
                secret,
            }
        })))
    }

    async fn get_api_key(
        &self,
        request: Request<pb::GetApiKeyRequest>,
    ) -> Result<Response<pb::ApiKey>, Status> {
        let (call, id) = open(request, convert::get_key)?;
        Ok(Response::new(keys::get(&self.store, call, id).await?))
    }

    async fn list_api_keys(
        &self,
        request: Request<pb::ListApiKeysRequest>,
    ) -> Result<Response<pb::ListApiKeysResponse>, Status> {
        let (call, query) = open(request, convert::list_keys)?;
        let page = keys::list(&self.store, call, &query).await?;
        Ok(Response::new(pb::ListApiKeysResponse {
            next_page_token: page_token(&query, page.next),
            api_keys: page.rows,
        }))
    }

    async fn revoke_api_key(
        &self,
        request: Request<pb::RevokeApiKeyRequest>,
    ) -> Result<Response<pb::ApiKey>, Status> {
        let (call, on) = open(request, convert::revoke_key)?;
        Ok(written(keys::revoke(&self.store, call, on).await?))
    }

    async fn rotate_api_key(
        &self,
        request: Request<pb::RotateApiKeyRequest>,
    ) -> Result<Response<pb::RotateApiKeyResponse>, Status> {
        let (call, on) = open(request, convert::rotate_key)?;
        let rotated = keys::rotate(&self.store, &self.pepper, call, on).await?;
        Ok(written(with_secret(rotated, |key, secret| {
            pb::RotateApiKeyResponse {
                api_key: Some(key),
                secret,
            }
        })))
    }

    async fn create_role_grant(
        &self,
        request: Request<pb::CreateRoleGrantRequest>,
    ) -> Result<Response<pb::RoleGrant>, Status> {
        let (call, create) = open(request, convert::create_grant)?;
        Ok(written(grants::create(&self.store, call, create).await?))
    }

    async fn list_role_grants(
        &self,
        request: Request<pb::ListRoleGrantsRequest>,
    ) -> Result<Response<pb::ListRoleGrantsResponse>, Status> {
        let (call, query) = open(request, convert::list_grants)?;
        let page = grants::list(&self.store, call, &query).await?;
        Ok(Response::new(pb::ListRoleGrantsResponse {
            next_page_token: page_token(&query, page.next),
            role_grants: page.rows,
        }))
    }

    async fn delete_role_grant(
        &self,
        request: Request<pb::DeleteRoleGrantRequest>,
    ) -> Result<Response<pb::RoleGrant>, Status> {
        let (call, id) = open(request, convert::delete_grant)?;
        Ok(written(grants::delete(&self.store, call, id).await?))
    }

    async fn who_am_i(
        &self,
        request: Request<pb::WhoAmIRequest>,
    ) -> Result<Response<pb::WhoAmIResponse>, Status> {
        let (principal, ()) = open_unscoped(request, convert::who_am_i)?;
        Ok(Response::new(explain::who_am_i(&principal)))
    }

    async fn check_access(
        &self,
        request: Request<pb::CheckAccessRequest>,
    ) -> Result<Response<pb::CheckAccessResponse>, Status> {
        let caller = request.extensions().get::<Arc<Principal>>().cloned();
        let (call, question) = open(request, convert::check)?;
        // Without a caller nothing is opened.
        let caller = caller.ok_or_else(|| trellis_api::status(&Unauthenticated))?;
        let answer = explain::check(&self.store, call, &caller, question).await?;
        Ok(Response::new(answer))
    }
}
