//! `DealService`: what is recorded about a won deal, and what reopening takes back.

use tonic::{Code, Response, Status};
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::deal::Stage;
use trellis_api::google::r#type::Money;
use trellis_tests::{on_both, refused};

use super::market::{MARCH_2, Market, day, money, usd};

/// A won deal of a thousand dollars.
async fn won(market: &Market) -> String {
    let deal = market.deal(market.ten_firewalls()).await;
    market.win(&deal.name).await.name
}

async fn invoice(
    market: &Market,
    name: &str,
    external_id: &str,
    amount: Option<Money>,
) -> Result<Response<pb::Deal>, Status> {
    let request = pb::RecordInvoiceRequest {
        name: name.to_owned(),
        external_id: external_id.to_owned(),
        amount,
        ..pb::RecordInvoiceRequest::default()
    };
    market.deals().record_invoice(request).await
}

async fn refund(
    market: &Market,
    name: &str,
    external_id: &str,
    amount: Option<Money>,
) -> Result<Response<pb::Deal>, Status> {
    let request = pb::RecordRefundRequest {
        name: name.to_owned(),
        external_id: external_id.to_owned(),
        amount,
        reason_code: "RETURNED_GOODS".to_owned(),
        ..pb::RecordRefundRequest::default()
    };
    market.deals().record_refund(request).await
}

async fn churn(
    market: &Market,
    name: &str,
    external_id: &str,
) -> Result<Response<pb::Deal>, Status> {
    let request = pb::RecordChurnRequest {
        name: name.to_owned(),
        external_id: external_id.to_owned(),
        churn_date: day(2026, 3, 1),
        reason_code: "CONTRACT_CANCELLED".to_owned(),
        ..pb::RecordChurnRequest::default()
    };
    market.deals().record_churn(request).await
}

async fn reopen(market: &Market, name: &str) -> pb::Deal {
    let request = pb::ReopenDealRequest {
        name: name.to_owned(),
        reason_code: "RECORDED_IN_ERROR".to_owned(),
        ..pb::ReopenDealRequest::default()
    };
    let reopened = market.deals().reopen_deal(request).await;
    reopened.unwrap().into_inner()
}

on_both! {
    async fn invoices_and_refunds_add_up(world: World) {
        let market = Market::open(world).await;
        let deal = won(&market).await;
        invoice(&market, &deal, "i-1", usd(600)).await.unwrap();
        let invoiced = invoice(&market, &deal, "i-2", usd(590)).await.unwrap().into_inner();
        assert_eq!(invoiced.invoiced_amount, usd(1_190), "taxes are invoiced too");
        refund(&market, &deal, "r-1", usd(400)).await.unwrap();
        let refunded = refund(&market, &deal, "r-2", usd(600)).await.unwrap().into_inner();
        assert_eq!(refunded.refunded_amount, usd(1_000));
        market.tells(&deal, &[
            "deal.created", "deal.won", "deal.invoiced", "deal.invoiced", "deal.refunded",
            "deal.refunded",
        ]).await;
        let events = market.events_about(&deal).await;
        assert_eq!(events.last().unwrap().reason_code, "RETURNED_GOODS");
    }

    async fn no_more_is_paid_back_than_was_won(world: World) {
        let market = Market::open(world).await;
        let deal = won(&market).await;
        refund(&market, &deal, "r-1", usd(400)).await.unwrap();
        let one_cent_more =
            Some(Money { currency_code: "USD".to_owned(), units: 600, nanos: 10_000_000 });
        refused(
            refund(&market, &deal, "r-2", one_cent_more).await,
            Code::FailedPrecondition, "REFUND_EXCEEDS_DEAL",
        )
        .tells("resource", &deal)
        .tells("won_amount", "1,000.00 USD")
        .tells("refunded_amount", "400.00 USD");
        assert_eq!(market.read_deal(&deal).await.refunded_amount, usd(400));
    }

    async fn of_refunds_that_come_at_once_only_those_that_fit_are_recorded(world: World) {
        let market = Market::open(world).await;
        let deal = won(&market).await;
        let tries = (0..16).map(|index| {
            let (market, deal) = (market.clone(), deal.clone());
            tokio::spawn(async move {
                refund(&market, &deal, &format!("r-{index}"), usd(300)).await
            })
        });
        let answers = futures::future::join_all(tries).await;
        let done = answers.into_iter().filter(|answer| answer.as_ref().unwrap().is_ok());
        assert_eq!(done.count(), 3);
        assert_eq!(market.read_deal(&deal).await.refunded_amount, usd(900));
    }

    async fn the_same_record_sent_again_changes_nothing(world: World) {
        let market = Market::open(world).await;
        let deal = won(&market).await;
        let first = refund(&market, &deal, "r-1", usd(400)).await.unwrap().into_inner();
        market.wait_days(3).await;
        let again = refund(&market, &deal, "r-1", usd(400)).await.unwrap().into_inner();
        assert_eq!(again, first);
        let other = refund(&market, &deal, "r-1", usd(401)).await;
        refused(other, Code::AlreadyExists, "RESOURCE_EXISTS").tells("field", "external_id");
        // An invoice has ids of its own.
        invoice(&market, &deal, "r-1", usd(400)).await.unwrap();
        market.tells(&deal, &["deal.created", "deal.won", "deal.refunded", "deal.invoiced"]).await;
    }

    async fn a_customer_leaves_once(world: World) {
        let market = Market::open(world).await;
        let deal = won(&market).await;
        let left = churn(&market, &deal, "c-1").await.unwrap().into_inner();
        assert_eq!((left.churn_date, left.stage()), (day(2026, 3, 1), Stage::Won));
        assert_eq!(churn(&market, &deal, "c-1").await.unwrap().into_inner(), left);
        let again = churn(&market, &deal, "c-2").await;
        refused(again, Code::FailedPrecondition, "PRECONDITION");
        market.tells(&deal, &["deal.created", "deal.won", "deal.churned"]).await;
    }

    async fn only_won_deals_are_recorded_about_and_only_in_their_currency(world: World) {
        let market = Market::open(world).await;
        let open = market.deal(market.ten_firewalls()).await.name;
        for refusal in [
            invoice(&market, &open, "x", usd(1)).await,
            refund(&market, &open, "x", usd(1)).await,
            churn(&market, &open, "x").await,
        ] {
            refused(refusal, Code::FailedPrecondition, "ILLEGAL_TRANSITION")
                .tells("state", "PROSPECT");
        }
        let deal = won(&market).await;
        refused(
            invoice(&market, &deal, "x", money(1, "EUR")).await,
            Code::InvalidArgument, "INVALID_FIELDS",
        ).breaks("amount", "money.currency");
        for amount in [None, usd(0), usd(-1)] {
            let refusal = refund(&market, &deal, "x", amount).await;
            let refusal = refused(refusal, Code::InvalidArgument, "INVALID_FIELDS");
            assert_eq!(refusal.fields(), ["amount"]);
        }
    }

    async fn reopening_takes_a_win_back_with_everything_that_followed_it(world: World) {
        let market = Market::open(world).await;
        let deal = won(&market).await;
        invoice(&market, &deal, "i-1", usd(1_000)).await.unwrap();
        refund(&market, &deal, "r-1", usd(900)).await.unwrap();
        churn(&market, &deal, "c-1").await.unwrap();
        let open = reopen(&market, &deal).await;
        assert_eq!(open.stage(), Stage::Prospect, "the stage where it was won");
        assert_eq!((open.close_date, open.won_time, open.churn_date), (None, None, None));
        assert_eq!((open.invoiced_amount, open.refunded_amount), (None, None));
        let again = market.win(&deal).await;
        assert_eq!(again.close_date, Some(MARCH_2));
        assert_eq!(again.refunded_amount, usd(0));
        // The refund of the first win does not count against the second, nor is its id taken.
        let refunded = refund(&market, &deal, "r-1", usd(200)).await.unwrap().into_inner();
        assert_eq!(refunded.refunded_amount, usd(200));
        market.tells(&deal, &[
            "deal.created", "deal.won", "deal.invoiced", "deal.refunded", "deal.churned",
            "deal.reopened", "deal.won", "deal.refunded",
        ]).await;
        let events = market.events_about(&deal).await;
        let win = |index: usize| match events[index].data.as_ref().unwrap().fields["win"].kind {
            Some(prost_types::value::Kind::NumberValue(win)) => win,
            ref other => panic!("{other:?}"),
        };
        assert_eq!([1, 3, 5, 6, 7].map(win), [1.0, 1.0, 1.0, 2.0, 2.0]);
    }
}
