//! `GetPipeline`.

use tonic::Code;
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::deal::Stage;
use trellis_api::deal::v1::get_pipeline_request::Grouping;
use trellis_api::deal::v1::pipeline_row::Group;
use trellis_api::google::r#type::Money;
use trellis_tests::{on_both, refused};

use super::market::{MARCH_2, Market, day, money, usd};

async fn pipeline(market: &Market, by: Grouping, filter: &str) -> pb::GetPipelineResponse {
    let request = pb::GetPipelineRequest {
        parent: market.parent.clone(),
        group_by: by.into(),
        filter: filter.to_owned(),
    };
    let answer = market.deals().get_pipeline(request).await;
    answer.unwrap().into_inner()
}

/// Deals of two partners and of nobody: open, won and lost, in two currencies and in none.
async fn deals(market: &Market) -> [String; 2] {
    let partners = [
        market.partner("nimbus").await,
        market.partner("stratus").await,
    ];
    let [nimbus, stratus] = &partners;
    let worth = |partner: &str, amount: Option<Money>, expected: Option<_>| pb::Deal {
        display_name: "A deal".to_owned(),
        partner: partner.to_owned(),
        amount,
        expected_close_date: expected,
        ..pb::Deal::default()
    };
    market.deal(worth(nimbus, usd(101), day(2026, 5, 5))).await;
    let half = market.deal(worth(nimbus, usd(333), day(2026, 6, 6))).await;
    let advance = pb::AdvanceDealRequest {
        name: half.name,
        stage: Stage::TechnicalValidation.into(),
        ..pb::AdvanceDealRequest::default()
    };
    market.deals().advance_deal(advance).await.unwrap();
    let won = market
        .deal(worth(stratus, usd(1_000), day(2026, 12, 1)))
        .await;
    market.win(&won.name).await;
    let won = market.deal(worth(stratus, money(500, "EUR"), None)).await;
    market.win(&won.name).await;
    let lost = market.deal(worth("", usd(70), None)).await;
    let lose = pb::LoseDealRequest {
        name: lost.name,
        reason_code: "PRICE".to_owned(),
        close_date: day(2025, 12, 31),
        ..pb::LoseDealRequest::default()
    };
    market.deals().lose_deal(lose).await.unwrap();
    market.deal(worth("", None, None)).await;
    partners
}

fn row(group: Option<Group>, currency: &str) -> pb::PipelineRow {
    let nothing = if currency.is_empty() {
        None
    } else {
        money(0, currency)
    };
    pb::PipelineRow {
        group,
        currency_code: currency.to_owned(),
        open_amount: nothing.clone(),
        weighted_amount: nothing.clone(),
        won_amount: nothing,
        ..pb::PipelineRow::default()
    }
}

/// What the open deals of nimbus come to: 10 percent of 101 and 50 percent of 333 dollars.
fn weighted() -> Option<Money> {
    Some(Money {
        currency_code: "USD".to_owned(),
        units: 176,
        nanos: 600_000_000,
    })
}

on_both! {
    async fn deals_are_summed_up_by_partner_and_currency(world: World) {
        let market = Market::open(world).await;
        let [nimbus, stratus] = deals(&market).await;
        let of = |partner: &str, currency| row(Some(Group::Partner(partner.to_owned())), currency);
        let answer = pipeline(&market, Grouping::Partner, "").await;
        assert_eq!(answer.rows, [
            pb::PipelineRow { open_count: 1, ..of("", "") },
            pb::PipelineRow { lost_count: 1, ..of("", "USD") },
            pb::PipelineRow {
                open_count: 2,
                open_amount: usd(434),
                weighted_amount: weighted(),
                ..of(&nimbus, "USD")
            },
            pb::PipelineRow {
                won_count: 1, won_amount: money(500, "EUR"), ..of(&stratus, "EUR")
            },
            pb::PipelineRow { won_count: 1, won_amount: usd(1_000), ..of(&stratus, "USD") },
        ]);
        assert_eq!(answer.totals, [
            pb::PipelineRow { open_count: 1, ..row(None, "") },
            pb::PipelineRow { won_count: 1, won_amount: money(500, "EUR"), ..row(None, "EUR") },
            pb::PipelineRow {
                open_count: 2,
                open_amount: usd(434),
                weighted_amount: weighted(),
                won_count: 1,
                won_amount: usd(1_000),
                lost_count: 1,
                ..row(None, "USD")
            },
        ]);
    }

    async fn deals_are_summed_up_by_stage_and_by_period(world: World) {
        let market = Market::open(world).await;
        deals(&market).await;
        let groups = |answer: pb::GetPipelineResponse| -> Vec<(Group, String, i64)> {
            let group = |row: pb::PipelineRow| {
                let count = row.open_count + row.won_count + row.lost_count;
                (row.group.unwrap(), row.currency_code, count)
            };
            answer.rows.into_iter().map(group).collect()
        };
        let stage = |stage: Stage, currency: &str| {
            (Group::Stage(stage.into()), currency.to_owned(), 1)
        };
        assert_eq!(groups(pipeline(&market, Grouping::Unspecified, "").await), [
            stage(Stage::Prospect, ""),
            stage(Stage::Prospect, "USD"),
            stage(Stage::TechnicalValidation, "USD"),
            stage(Stage::Won, "EUR"),
            stage(Stage::Won, "USD"),
            stage(Stage::Lost, "USD"),
        ]);
        let period = |year, month, currency: &str, count| {
            (Group::PeriodStartDate(day(year, month, 1).unwrap()), currency.to_owned(), count)
        };
        let undated = || (Group::Undated(true), String::new(), 1);
        assert_eq!(groups(pipeline(&market, Grouping::Month, "").await), [
            period(2025, 12, "USD", 1),
            period(MARCH_2.year, MARCH_2.month, "EUR", 1),
            period(MARCH_2.year, MARCH_2.month, "USD", 1),
            period(2026, 5, "USD", 1),
            period(2026, 6, "USD", 1),
            undated(),
        ]);
        assert_eq!(groups(pipeline(&market, Grouping::Quarter, "").await), [
            period(2025, 10, "USD", 1),
            period(2026, 1, "EUR", 1),
            period(2026, 1, "USD", 1),
            period(2026, 4, "USD", 2),
            undated(),
        ]);
    }

    async fn a_filter_says_which_deals_count(world: World) {
        let market = Market::open(world).await;
        let [nimbus, _] = deals(&market).await;
        let filter = format!("partner = \"{nimbus}\" AND stage = TECHNICAL_VALIDATION");
        let answer = pipeline(&market, Grouping::Stage, &filter).await;
        assert_eq!(answer.rows.len(), 1);
        assert_eq!(answer.totals.first().unwrap().open_amount, usd(333));
        let none = pipeline(&market, Grouping::Quarter, "close_date < \"2000-01-01\"").await;
        assert_eq!((none.rows.len(), none.totals.len()), (0, 0));
        let wrong = pb::GetPipelineRequest {
            parent: market.parent.clone(),
            filter: "colour = blue".to_owned(),
            ..pb::GetPipelineRequest::default()
        };
        let wrong = market.deals().get_pipeline(wrong).await;
        assert_eq!(refused(wrong, Code::InvalidArgument, "INVALID_FIELDS").fields(), ["filter"]);
    }
}
