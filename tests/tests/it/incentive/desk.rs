//! Payout batches, as those at a desk move them.

use tonic::{Response, Status};
use trellis_api::incentive::v1 as pb;
use trellis_core::Currency;
use trellis_store::incentive::ledger::{Account, Rail};
use trellis_tests::Caller;

use super::books::Books;

pub(super) const MAKER: &str = "ada@acme.example";
pub(super) const CHECKER: &str = "grace@acme.example";

pub(super) type Answer = Result<Response<pb::PayoutBatch>, Status>;

/// A batch in dollars for everybody.
pub(super) fn dollars() -> pb::PayoutBatch {
    pb::PayoutBatch {
        currency_code: "USD".to_owned(),
        ..pb::PayoutBatch::default()
    }
}

/// Calls about batches as somebody.
pub(super) struct Desk {
    pub(super) caller: Caller,
    pub(super) ecosystem: String,
}

impl Desk {
    pub(super) fn of(books: &Books, actor: &str) -> Self {
        Self {
            caller: books.world.actor(actor),
            ecosystem: books.ecosystem.clone(),
        }
    }

    pub(super) async fn create(&self, id: &str, batch: pb::PayoutBatch) -> Answer {
        let request = pb::CreateBatchRequest {
            parent: self.ecosystem.clone(),
            batch_id: id.to_owned(),
            batch: Some(batch),
            ..pb::CreateBatchRequest::default()
        };
        self.caller.payouts().create_batch(request).await
    }

    pub(super) async fn made(&self, id: &str, batch: pb::PayoutBatch) -> pb::PayoutBatch {
        self.create(id, batch).await.unwrap().into_inner()
    }

    pub(super) async fn submit(&self, name: &str) -> Answer {
        let name = name.to_owned();
        let request = pb::SubmitBatchRequest {
            name,
            ..pb::SubmitBatchRequest::default()
        };
        self.caller.payouts().submit_batch(request).await
    }

    pub(super) async fn approve(&self, name: &str) -> Answer {
        let name = name.to_owned();
        let request = pb::ApproveBatchRequest {
            name,
            ..pb::ApproveBatchRequest::default()
        };
        self.caller.payouts().approve_batch(request).await
    }

    pub(super) async fn cancel(&self, name: &str) -> Answer {
        let name = name.to_owned();
        let request = pb::CancelBatchRequest {
            name,
            ..pb::CancelBatchRequest::default()
        };
        self.caller.payouts().cancel_batch(request).await
    }

    pub(super) async fn send(&self, name: &str) -> Answer {
        let name = name.to_owned();
        let request = pb::SendBatchRequest {
            name,
            ..pb::SendBatchRequest::default()
        };
        self.caller.payouts().send_batch(request).await
    }

    pub(super) async fn settle(&self, name: &str, partners: &[&str]) -> Answer {
        let items = partners
            .iter()
            .map(|partner| format!("{name}/items/{partner}"))
            .collect();
        let name = name.to_owned();
        let request = pb::SettleItemsRequest {
            name,
            items,
            ..pb::SettleItemsRequest::default()
        };
        self.caller.payouts().settle_items(request).await
    }

    pub(super) async fn fail(&self, item: &str) -> Answer {
        let request = pb::FailItemRequest {
            name: item.to_owned(),
            reason_code: "AC04".to_owned(),
            ..pb::FailItemRequest::default()
        };
        self.caller.payouts().fail_item(request).await
    }

    pub(super) async fn come_back(&self, item: &str) -> Answer {
        let request = pb::ReturnItemRequest {
            name: item.to_owned(),
            reason_code: "MD06".to_owned(),
            note: "The account holder has sent it back.".to_owned(),
            ..pb::ReturnItemRequest::default()
        };
        self.caller.payouts().return_item(request).await
    }

    pub(super) async fn get(&self, name: &str) -> pb::PayoutBatch {
        let request = pb::GetBatchRequest {
            name: name.to_owned(),
        };
        self.caller
            .payouts()
            .get_batch(request)
            .await
            .unwrap()
            .into_inner()
    }

    pub(super) async fn items(&self, name: &str, filter: &str) -> Vec<pb::PayoutItem> {
        let request = pb::ListItemsRequest {
            parent: name.to_owned(),
            page_size: 1_000,
            filter: filter.to_owned(),
            ..pb::ListItemsRequest::default()
        };
        self.caller
            .payouts()
            .list_items(request)
            .await
            .unwrap()
            .into_inner()
            .items
    }

    pub(super) async fn lines(&self, name: &str, filter: &str) -> Vec<pb::PayoutLine> {
        let request = pb::ListLinesRequest {
            parent: name.to_owned(),
            page_size: 1_000,
            filter: filter.to_owned(),
            ..pb::ListLinesRequest::default()
        };
        self.caller
            .payouts()
            .list_lines(request)
            .await
            .unwrap()
            .into_inner()
            .lines
    }
}

/// A batch that was approved.
pub(super) async fn approved(books: &Books, id: &str) -> pb::PayoutBatch {
    let (maker, checker) = (Desk::of(books, MAKER), Desk::of(books, CHECKER));
    let batch = maker.made(id, dollars()).await;
    maker.submit(&batch.name).await.unwrap();
    checker.approve(&batch.name).await.unwrap().into_inner()
}

pub(super) fn cash() -> Account {
    Account::cash(Rail::Bank, Currency::USD)
}

pub(super) fn clearing() -> Account {
    Account::payout_clearing(Rail::Bank, Currency::USD)
}
