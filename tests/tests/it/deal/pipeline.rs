//! `GetPipeline`.

use tonic::Code;
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::deal::Stage;
use trellis_api::deal::v1::get_pipeline_request::Grouping;
use trellis_api::deal::v1::pipeline_row::Group;
use trellis_api::google::r#type::Money;
use trellis_tests::{Caller, Engine, on_both, refused, run};

use super::market::{MARCH_2, Market, day, money, usd};
use crate::canary::bare::{BELOW, Bare};

/// How many statements a number of calls take once the workers have done what there was: the fewest of
/// some tries, since they look now and then whether there is more.
async fn statements(way: &Bare, caller: &Caller, market: &Market, calls: usize) -> usize {
    market.settled(&market.parent).await;
    let mut fewest = usize::MAX;
    for _ in 0..30 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        let before = way.run();
        for _ in 0..calls {
            let request = pb::GetPipelineRequest {
                parent: market.parent.clone(),
                group_by: Grouping::Product.into(),
                ..pb::GetPipelineRequest::default()
            };
            caller.deals().get_pipeline(request).await.unwrap();
        }
        fewest = fewest.min(way.run() - before);
    }
    fewest
}

/// On PostgreSQL, where what passes between the server and the database can be counted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipeline_takes_as_many_statements_whatever_it_sums_up() {
    run(Engine::Postgres, &[], async |world| {
        let market = Market::open(world).await;
        let way = Bare::open(&market.world).await;
        let url = way.url(BELOW);
        let flags = [("database-url", url.as_str()), ("database-rls", "require")];
        let server = market.beside(&flags).await;
        let caller = market.caller_of(&server);
        market.deal(market.ten_firewalls()).await;
        let of_one = statements(&way, &caller, &market, 1).await;
        let partner = market.partner("nimbus").await;
        for number in 0..60 {
            let deal = pb::Deal {
                partner: if number % 2 == 0 {
                    partner.clone()
                } else {
                    String::new()
                },
                lines: vec![
                    market.line("firewall", 1, None),
                    market.line("backup", 1, None),
                ],
                ..market.ten_firewalls()
            };
            market.deal(deal).await;
        }
        let of_many = statements(&way, &caller, &market, 1).await;
        assert_eq!((of_many, of_one > 0), (of_one, true));
        // The control: two calls take twice as many.
        assert_eq!(statements(&way, &caller, &market, 2).await, 2 * of_one);
        println!("{of_one} statements");
        server.stop().await;
    })
    .await;
}

async fn pipeline(market: &Market, by: Grouping, filter: &str) -> pb::GetPipelineResponse {
    let request = pb::GetPipelineRequest {
        parent: market.parent.clone(),
        group_by: by.into(),
        filter: filter.to_owned(),
        ..pb::GetPipelineRequest::default()
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

    async fn a_deal_counts_in_each_of_its_products_and_once_in_all(world: World) {
        let market = Market::open(world).await;
        let dach = market.territory("dach", "", &["DE"]).await;
        let [firewall, backup] = ["firewall", "backup"].map(|id| market.name("products", id));
        let sold = |lines: Vec<pb::deal::Line>, territory: &str, amount: Option<Money>| pb::Deal {
            display_name: "A deal".to_owned(),
            lines,
            amount,
            territory: territory.to_owned(),
            ..pb::Deal::default()
        };
        let two = || vec![market.line("firewall", 1, usd(70)), market.line("backup", 1, usd(30))];
        market.deal(sold(two(), &dach, None)).await;
        let won = market.deal(sold(two(), "", None)).await;
        market.win(&won.name).await;
        // A line without an amount has its share of the deal's.
        let shared = vec![market.line("backup", 1, None), market.line("firewall", 3, None)];
        market.deal(sold(shared, &dach, usd(400))).await;
        market.deal(sold(Vec::new(), "", usd(5))).await;
        let told = |answer: pb::GetPipelineResponse| -> Vec<_> {
            answer.rows.into_iter().chain(answer.totals).map(|row| {
                let units = |amount: Option<Money>| amount.map_or(0, |amount| amount.units);
                let group = match row.group {
                    Some(Group::Product(name) | Group::Territory(name)) => name,
                    Some(other) => panic!("{other:?}"),
                    None => "all".to_owned(),
                };
                let (open, won) = (units(row.open_amount), units(row.won_amount));
                (group, row.open_count, open, row.won_count, won)
            }).collect()
        };
        let all = || ("all".to_owned(), 3, 505, 1, 100);
        assert_eq!(told(pipeline(&market, Grouping::Product, "").await), [
            (String::new(), 1, 5, 0, 0),
            (backup.clone(), 2, 130, 1, 30),
            (firewall, 2, 370, 1, 70),
            all(),
        ]);
        assert_eq!(told(pipeline(&market, Grouping::Territory, "").await), [
            (String::new(), 1, 5, 1, 100),
            (dach.clone(), 2, 500, 0, 0),
            all(),
        ]);
        // Narrowed to a territory and a product at once.
        let request = pb::GetPipelineRequest {
            parent: market.parent.clone(),
            group_by: Grouping::Territory.into(),
            filter: format!("territory = \"{dach}\""),
            products: vec![backup.clone()],
        };
        let both = market.deals().get_pipeline(request.clone()).await.unwrap().into_inner();
        assert_eq!(told(both), [(dach, 2, 500, 0, 0), ("all".to_owned(), 2, 500, 0, 0)]);
        let none = pb::GetPipelineRequest {
            products: vec![market.product("edr", None).await], ..request
        };
        let none = market.deals().get_pipeline(none).await.unwrap().into_inner();
        assert_eq!(told(none), []);
    }
}
