//! Answers the calls of `AccountService`.

use tonic::{Request, Response, Status, Streaming};
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::account_service_server::{AccountService, AccountServiceServer};
use trellis_api::import::{Answers, answer_each};
use trellis_api::{open, page_token, written};
use trellis_store::Store;

use super::nearby::Nearby;
use super::{accounts, convert, import, matched, merge, split};

/// `AccountService` over a store.
#[derive(Clone)]
pub struct Accounts {
    store: Store,
    nearby: Nearby,
}

impl Accounts {
    /// The gRPC service, which finds near names by what is held here.
    #[must_use]
    pub fn server(store: Store, nearby: Nearby) -> AccountServiceServer<Self> {
        AccountServiceServer::new(Self { store, nearby })
    }
}

#[tonic::async_trait]
impl AccountService for Accounts {
    async fn create_account(
        &self,
        request: Request<pb::CreateAccountRequest>,
    ) -> Result<Response<pb::Account>, Status> {
        let (call, create) = open(request, convert::create)?;
        Ok(written(accounts::create(&self.store, call, create).await?))
    }

    async fn get_account(
        &self,
        request: Request<pb::GetAccountRequest>,
    ) -> Result<Response<pb::Account>, Status> {
        let (call, id) = open(request, convert::get)?;
        Ok(Response::new(accounts::get(&self.store, call, id).await?))
    }

    async fn list_accounts(
        &self,
        request: Request<pb::ListAccountsRequest>,
    ) -> Result<Response<pb::ListAccountsResponse>, Status> {
        let (call, query) = open(request, convert::list)?;
        let page = accounts::list(&self.store, call, &query).await?;
        Ok(Response::new(pb::ListAccountsResponse {
            next_page_token: page_token(&query, page.next),
            accounts: page.rows,
        }))
    }

    async fn update_account(
        &self,
        request: Request<pb::UpdateAccountRequest>,
    ) -> Result<Response<pb::Account>, Status> {
        let (call, update) = open(request, convert::update)?;
        Ok(written(accounts::update(&self.store, call, update).await?))
    }

    async fn match_account(
        &self,
        request: Request<pb::MatchAccountRequest>,
    ) -> Result<Response<pb::MatchAccountResponse>, Status> {
        let (call, ask) = open(request, convert::matched)?;
        let found = matched::matched(&self.store, &self.nearby, call, ask).await?;
        Ok(Response::new(found))
    }

    async fn merge_accounts(
        &self,
        request: Request<pb::MergeAccountsRequest>,
    ) -> Result<Response<pb::Account>, Status> {
        let (call, merge) = open(request, convert::merge)?;
        Ok(written(merge::merge(&self.store, call, merge).await?))
    }

    async fn split_account(
        &self,
        request: Request<pb::SplitAccountRequest>,
    ) -> Result<Response<pb::Account>, Status> {
        let (call, split) = open(request, convert::split)?;
        Ok(written(split::split(&self.store, call, split).await?))
    }

    type ImportAccountsStream = Answers<pb::ImportAccountsResponse>;

    async fn import_accounts(
        &self,
        request: Request<Streaming<pb::ImportAccountsRequest>>,
    ) -> Result<Response<Self::ImportAccountsStream>, Status> {
        let store = self.store.clone();
        answer_each(request, import::rows, move |call, rows| {
            let store = store.clone();
            async move { Ok(import::accounts(&store, call, rows).await?.value) }
        })
    }
}
