//! Answers the calls of `LedgerService`.

use futures::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use tonic::{Request, Response, Status};
use trellis_api::incentive::v1 as pb;
use trellis_api::incentive::v1::ledger_service_server::{LedgerService, LedgerServiceServer};
use trellis_api::{date, name, open, page_token, written};
use trellis_store::Store;

use super::statements::Asked;
use super::{
    accounts, convert, journals, periods, reversals, statements, trial_balance, verification,
};

/// `LedgerService` over a store.
#[derive(Clone)]
pub struct Ledger {
    store: Store,
}

impl Ledger {
    /// The gRPC service.
    #[must_use]
    pub fn server(store: Store) -> LedgerServiceServer<Self> {
        LedgerServiceServer::new(Self { store })
    }
}

#[tonic::async_trait]
impl LedgerService for Ledger {
    async fn get_ledger_account(
        &self,
        request: Request<pb::GetLedgerAccountRequest>,
    ) -> Result<Response<pb::LedgerAccount>, Status> {
        let (call, id) = open(request, convert::get_account)?;
        Ok(Response::new(accounts::get(&self.store, call, id).await?))
    }

    async fn list_ledger_accounts(
        &self,
        request: Request<pb::ListLedgerAccountsRequest>,
    ) -> Result<Response<pb::ListLedgerAccountsResponse>, Status> {
        let (call, query) = open(request, convert::list_accounts)?;
        let page = accounts::list(&self.store, call, &query).await?;
        Ok(Response::new(pb::ListLedgerAccountsResponse {
            next_page_token: page_token(&query, page.next),
            ledger_accounts: page.rows,
        }))
    }

    async fn list_journals(
        &self,
        request: Request<pb::ListJournalsRequest>,
    ) -> Result<Response<pb::ListJournalsResponse>, Status> {
        let (call, (touching, query)) = open(request, convert::list_journals)?;
        let page = journals::list(&self.store, call, &touching, &query).await?;
        Ok(Response::new(pb::ListJournalsResponse {
            next_page_token: page_token(&query, page.next),
            journals: page.rows,
        }))
    }

    async fn reverse_journal(
        &self,
        request: Request<pb::ReverseJournalRequest>,
    ) -> Result<Response<pb::Journal>, Status> {
        let (call, reverse) = open(request, convert::reverse)?;
        Ok(written(
            reversals::reverse(&self.store, call, reverse).await?,
        ))
    }

    async fn get_ledger_period(
        &self,
        request: Request<pb::GetLedgerPeriodRequest>,
    ) -> Result<Response<pb::LedgerPeriod>, Status> {
        let (call, id) = open(request, convert::get_period)?;
        Ok(Response::new(periods::get(&self.store, call, id).await?))
    }

    async fn list_ledger_periods(
        &self,
        request: Request<pb::ListLedgerPeriodsRequest>,
    ) -> Result<Response<pb::ListLedgerPeriodsResponse>, Status> {
        let (call, query) = open(request, convert::list_periods)?;
        let page = periods::list(&self.store, call, &query).await?;
        Ok(Response::new(pb::ListLedgerPeriodsResponse {
            next_page_token: page_token(&query, page.next),
            ledger_periods: page.rows,
        }))
    }

    async fn close_ledger_period(
        &self,
        request: Request<pb::CloseLedgerPeriodRequest>,
    ) -> Result<Response<pb::LedgerPeriod>, Status> {
        let (call, close) = open(request, convert::close_period)?;
        Ok(written(periods::close(&self.store, call, close).await?))
    }

    async fn get_trial_balance(
        &self,
        request: Request<pb::GetTrialBalanceRequest>,
    ) -> Result<Response<pb::GetTrialBalanceResponse>, Status> {
        let (call, (as_of, query)) = open(request, convert::trial_balance)?;
        let trial_balance::TrialBalance {
            currencies,
            accounts,
            next,
        } = trial_balance::get(&self.store, call, as_of, &query).await?;
        let next_page_token = page_token(&query, next);
        Ok(Response::new(pb::GetTrialBalanceResponse {
            currencies,
            accounts,
            next_page_token,
        }))
    }

    async fn get_balance_as_of(
        &self,
        request: Request<pb::GetBalanceAsOfRequest>,
    ) -> Result<Response<pb::GetBalanceAsOfResponse>, Status> {
        let (call, asked) = open(request, convert::as_of)?;
        Ok(Response::new(
            accounts::as_of(&self.store, call, asked).await?,
        ))
    }

    async fn verify_ledger(
        &self,
        request: Request<pb::VerifyLedgerRequest>,
    ) -> Result<Response<pb::VerifyLedgerResponse>, Status> {
        let (call, ()) = open(request, convert::verify)?;
        Ok(Response::new(
            verification::verify(&self.store, call).await?,
        ))
    }

    async fn get_statement(
        &self,
        request: Request<pb::GetStatementRequest>,
    ) -> Result<Response<pb::Statement>, Status> {
        let (call, (asked, query)) = open(request, convert::statement)?;
        let ecosystem = call.ecosystem.clone();
        let statements::Statement {
            currencies,
            movements,
            next,
        } = statements::get(&self.store, call, &asked, &query).await?;
        let Asked {
            partner,
            start,
            end,
        } = asked;
        Ok(Response::new(pb::Statement {
            partner: name(&ecosystem, &partner),
            start_date: Some(date::wire(start)),
            end_date: Some(date::wire(end)),
            currencies,
            movements,
            next_page_token: page_token(&query, next),
        }))
    }

    type ExportJournalsStream = BoxStream<'static, Result<pb::ExportJournalsResponse, Status>>;

    async fn export_journals(
        &self,
        request: Request<pb::ExportJournalsRequest>,
    ) -> Result<Response<Self::ExportJournalsStream>, Status> {
        let (call, export) = open(request, convert::export)?;
        let messages = journals::export(&self.store, call, export).await?;
        Ok(Response::new(messages.map_err(Status::from).boxed()))
    }
}
