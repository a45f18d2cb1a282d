//! `ImportDeals`.

use tonic::Code;
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::deal::{Role, Stage};
use trellis_api::deal::v1::import_deals_response::{Difference, RowDifferences};
use trellis_api::rpc::v1::RowOutcome;
use trellis_api::rpc::v1::row_outcome::Result as Outcome;
use trellis_tests::{on_both, refused};

use super::market::{Market, day, part, usd, who};

/// Sends rows, so many a message, and answers their outcomes.
async fn send(market: &Market, rows: Vec<pb::ImportDealRow>, at_once: usize) -> Vec<RowOutcome> {
    let messages: Vec<_> = rows
        .chunks(at_once)
        .map(|rows| pb::ImportDealsRequest {
            parent: market.parent.clone(),
            rows: rows.to_vec(),
            validate_only: false,
        })
        .collect();
    let mut answers = market
        .deals()
        .import_deals(tokio_stream::iter(messages))
        .await
        .unwrap()
        .into_inner();
    let mut outcomes = Vec::new();
    while let Some(answer) = answers.message().await.unwrap() {
        outcomes.extend(answer.outcomes);
    }
    outcomes
}

async fn import(market: &Market, rows: Vec<pb::ImportDealRow>) -> Vec<RowOutcome> {
    send(market, rows, 500).await
}

fn results(outcomes: &[RowOutcome]) -> Vec<Outcome> {
    outcomes.iter().map(RowOutcome::result).collect()
}

/// A won deal of 1,054 dollars, closed in March 2017.
fn won(market: &Market, row_number: i64) -> pb::ImportDealRow {
    pb::ImportDealRow {
        row_number,
        deal: Some(pb::Deal {
            display_name: format!("Deal {row_number}"),
            external_id: format!("opportunity-{row_number}"),
            lines: vec![market.line("firewall", 1, usd(1_054))],
            engage_date: day(2016, 10, 20),
            stage: Stage::Won.into(),
            close_date: day(2017, 3, 1),
            ..pb::Deal::default()
        }),
        partner_external_id: "crm-nimbus".to_owned(),
        account_external_id: "crm-initech".to_owned(),
    }
}

fn with(row: pb::ImportDealRow, change: impl FnOnce(&mut pb::Deal)) -> pb::ImportDealRow {
    let mut row = row;
    change(row.deal.as_mut().unwrap());
    row
}

on_both! {
    async fn a_deal_comes_as_it_stands_elsewhere_and_counts_as_won(world: World) {
        let market = Market::open(world).await;
        let nimbus = market.partner("nimbus").await;
        let outcomes = import(&market, vec![won(&market, 1)]).await;
        let outcome = outcomes.first().unwrap();
        assert_eq!((outcome.result(), outcome.row_number), (Outcome::Created, 1));
        assert_eq!(outcome.external_id, "opportunity-1");
        let deal = market.read_deal(&outcome.name).await;
        assert_eq!((deal.stage(), deal.amount.clone()), (Stage::Won, usd(1_054)));
        assert_eq!((deal.engage_date, deal.close_date), (day(2016, 10, 20), day(2017, 3, 1)));
        assert_eq!(deal.partner, nimbus);
        assert_eq!(deal.account, market.name("accounts", "initech"));
        assert_eq!(deal.won_time.unwrap().to_string(), "2017-03-01T00:00:00Z");
        market.tells(&deal.name, &["deal.created", "deal.won"]).await;
    }

    async fn every_stage_can_be_imported(world: World) {
        let market = Market::open(world).await;
        market.partner("nimbus").await;
        let rows = vec![
            with(won(&market, 1), |deal| {
                deal.stage = Stage::Prospect.into();
                deal.close_date = None;
                deal.lines = vec![market.line("firewall", 1, None)];
            }),
            with(won(&market, 2), |deal| {
                deal.stage = Stage::Committed.into();
                deal.close_date = None;
                deal.expected_close_date = day(2017, 4, 1);
            }),
            with(won(&market, 3), |deal| {
                deal.stage = Stage::Lost.into();
                deal.lost_reason_code = "PRICE".to_owned();
                deal.lines = vec![market.line("firewall", 1, usd(0))];
            }),
        ];
        let outcomes = import(&market, rows).await;
        assert_eq!(results(&outcomes), [Outcome::Created; 3]);
        let mut found = Vec::new();
        for outcome in &outcomes {
            let deal = market.read_deal(&outcome.name).await;
            found.push((deal.stage(), deal.amount.clone(), deal.lost_reason_code));
        }
        assert_eq!(found, [
            (Stage::Prospect, usd(100), String::new()),
            (Stage::Committed, usd(1_054), String::new()),
            (Stage::Lost, usd(0), "PRICE".to_owned()),
        ]);
        market.tells(&outcomes[1].name, &["deal.created", "deal.advanced"]).await;
        market.tells(&outcomes[2].name, &["deal.created", "deal.lost"]).await;
    }

    async fn importing_again_changes_nothing(world: World) {
        let market = Market::open(world).await;
        market.partner("nimbus").await;
        let rows: Vec<_> = (0..1_200)
            .map(|index| match index % 3 {
                0 => won(&market, index),
                1 => with(won(&market, index), |deal| {
                    deal.stage = Stage::Qualified.into();
                    deal.close_date = None;
                    deal.lines = vec![market.line("backup", 2, None)];
                }),
                _ => with(won(&market, index), |deal| deal.stage = Stage::Lost.into()),
            })
            .collect();
        let first = import(&market, rows.clone()).await;
        assert_eq!(results(&first), vec![Outcome::Created; 1_200]);
        let second = import(&market, rows.clone()).await;
        assert_eq!(results(&second), vec![Outcome::Unchanged; 1_200]);
        let third = send(&market, rows, 7).await;
        assert_eq!(results(&third), vec![Outcome::Unchanged; 1_200]);
        let names = |outcomes: &[RowOutcome]| -> Vec<String> {
            outcomes.iter().map(|outcome| outcome.name.clone()).collect()
        };
        assert_eq!(names(&first), names(&second));
        let request = pb::GetPipelineRequest {
            parent: market.parent.clone(), ..pb::GetPipelineRequest::default()
        };
        let pipeline = market.deals().get_pipeline(request).await.unwrap().into_inner();
        let total = pipeline.totals.first().unwrap();
        assert_eq!((total.won_count, total.won_amount.clone()), (400, usd(421_600)));
        assert_eq!((total.open_count, total.open_amount.clone()), (400, usd(32_000)));
        assert_eq!(total.lost_count, 400);
    }

    async fn a_wrong_row_is_rejected_by_itself_with_everything_that_is_wrong(world: World) {
        let market = Market::open(world).await;
        market.partner("nimbus").await;
        let empty = pb::ImportDealRow { row_number: 4, ..pb::ImportDealRow::default() };
        let rows = vec![
            won(&market, 1),
            with(won(&market, 2), |deal| {
                deal.external_id = String::new();
                deal.close_date = None;
                deal.lost_reason_code = "PRICE".to_owned();
            }),
            pb::ImportDealRow {
                partner_external_id: "crm-ghost".to_owned(),
                account_external_id: "crm-ghost".to_owned(),
                ..with(won(&market, 3), |deal| {
                    deal.lines = vec![market.line("ghost", 1, usd(5))];
                    deal.territory = market.name("territories", "ghost");
                })
            },
            empty,
            with(won(&market, 5), |deal| {
                deal.partner = market.name("partners", "nimbus");
                deal.stage = Stage::Unspecified.into();
            }),
            with(won(&market, 6), |deal| {
                deal.lines = Vec::new();
                deal.amount = None;
            }),
            won(&market, 7),
        ];
        let outcomes = import(&market, rows).await;
        let fields = |index: usize| -> Vec<&str> {
            let violations = &outcomes[index].violations;
            violations.iter().map(|violation| violation.field.as_str()).collect()
        };
        assert_eq!(outcomes[0].result(), Outcome::Created);
        assert_eq!(
            fields(1), ["deal.external_id", "deal.close_date", "deal.lost_reason_code"]
        );
        assert_eq!(fields(2), [
            "deal.lines[0].product", "deal.territory", "partner_external_id", "account_external_id",
        ]);
        assert_eq!(fields(3), ["deal"]);
        assert_eq!(fields(4), ["partner_external_id", "deal.stage"]);
        assert_eq!(fields(5), ["deal.amount"]);
        assert_eq!(outcomes[6].result(), Outcome::Created);
        for (index, outcome) in outcomes.iter().enumerate().skip(1).take(5) {
            assert_eq!((outcome.result(), outcome.name.as_str()), (Outcome::Rejected, ""), "{index}");
        }
    }

    async fn what_a_row_leaves_empty_stays_as_it_is(world: World) {
        let market = Market::open(world).await;
        let (nimbus, stratus) = (market.partner("nimbus").await, market.partner("stratus").await);
        let open = with(won(&market, 1), |deal| {
            deal.stage = Stage::Qualified.into();
            deal.close_date = None;
            deal.deal_type = pb::DealType::Renewal.into();
        });
        let name = import(&market, vec![open.clone()]).await.first().unwrap().name.clone();
        let roles = |sourced: &str| vec![
            part(sourced, Role::Sourced),
            part(&stratus, Role::Fulfil),
        ];
        let set = pb::SetDealRolesRequest {
            name: name.clone(), roles: roles(&nimbus), ..pb::SetDealRolesRequest::default()
        };
        market.deals().set_deal_roles(set).await.unwrap();
        assert_eq!(results(&import(&market, vec![open.clone()]).await), [Outcome::Unchanged]);
        let sparse = pb::ImportDealRow {
            row_number: 1,
            deal: Some(pb::Deal {
                display_name: "Renamed".to_owned(),
                external_id: "opportunity-1".to_owned(),
                stage: Stage::Committed.into(),
                ..pb::Deal::default()
            }),
            partner_external_id: "crm-stratus".to_owned(),
            ..pb::ImportDealRow::default()
        };
        assert_eq!(results(&import(&market, vec![sparse]).await), [Outcome::Updated]);
        let deal = market.read_deal(&name).await;
        assert_eq!((deal.display_name.as_str(), deal.stage()), ("Renamed", Stage::Committed));
        assert_eq!(who(&deal.roles), who(&roles(&stratus)));
        assert_eq!((deal.amount, deal.deal_type), (usd(1_054), pb::DealType::Renewal.into()));
        assert_eq!(deal.account, market.name("accounts", "initech"));
    }

    async fn a_win_that_changed_elsewhere_is_taken_back_and_told_anew(world: World) {
        let market = Market::open(world).await;
        market.partner("nimbus").await;
        let name = import(&market, vec![won(&market, 1)]).await.first().unwrap().name.clone();
        let dearer = with(won(&market, 1), |deal| {
            deal.lines = vec![market.line("firewall", 1, usd(2_000))];
        });
        assert_eq!(results(&import(&market, vec![dearer]).await), [Outcome::Updated]);
        market.tells(&name, &[
            "deal.created", "deal.won", "deal.updated", "deal.reopened", "deal.won",
        ]).await;
        assert_eq!(market.read_deal(&name).await.amount, usd(2_000));
        let lost = with(won(&market, 1), |deal| deal.stage = Stage::Lost.into());
        assert_eq!(results(&import(&market, vec![lost]).await), [Outcome::Updated]);
        let deal = market.read_deal(&name).await;
        assert_eq!((deal.stage(), deal.won_time), (Stage::Lost, None));
    }

    async fn a_win_about_which_something_is_recorded_is_left_alone(world: World) {
        let market = Market::open(world).await;
        market.partner("nimbus").await;
        let name = import(&market, vec![won(&market, 1)]).await.first().unwrap().name.clone();
        let refund = pb::RecordRefundRequest {
            name: name.clone(),
            external_id: "r-1".to_owned(),
            amount: usd(54),
            reason_code: "RETURNED_GOODS".to_owned(),
            ..pb::RecordRefundRequest::default()
        };
        market.deals().record_refund(refund).await.unwrap();
        assert_eq!(results(&import(&market, vec![won(&market, 1)]).await), [Outcome::Unchanged]);
        let later = with(won(&market, 1), |deal| deal.close_date = day(2017, 3, 2));
        let outcomes = import(&market, vec![later]).await;
        assert_eq!(results(&outcomes), [Outcome::Rejected]);
        let deal = market.read_deal(&name).await;
        assert_eq!((deal.close_date, deal.refunded_amount), (day(2017, 3, 1), usd(54)));
    }

    async fn a_row_may_come_twice_in_one_message(world: World) {
        let market = Market::open(world).await;
        market.partner("nimbus").await;
        let renamed = with(won(&market, 1), |deal| deal.display_name = "Renamed".to_owned());
        let rows = vec![won(&market, 1), won(&market, 1), renamed];
        let outcomes = import(&market, rows).await;
        assert_eq!(results(&outcomes), [Outcome::Created, Outcome::Unchanged, Outcome::Updated]);
        assert_eq!(market.read_deal(&outcomes[0].name).await.display_name, "Renamed");
    }

    async fn imports_at_the_same_time_make_each_deal_once(world: World) {
        let market = Market::open(world).await;
        market.partner("nimbus").await;
        let imports = (0..4).map(|_| {
            let market = market.clone();
            tokio::spawn(async move {
                let rows = (0..60).map(|index| won(&market, index)).collect();
                send(&market, rows, 20).await
            })
        });
        let outcomes: Vec<RowOutcome> =
            futures::future::join_all(imports).await.into_iter().flat_map(Result::unwrap).collect();
        let of = |result| outcomes.iter().filter(|outcome| outcome.result() == result).count();
        assert_eq!((of(Outcome::Created), of(Outcome::Unchanged)), (60, 180));
    }

    async fn a_dry_run_changes_nothing_and_a_message_has_a_limit(world: World) {
        let market = Market::open(world).await;
        market.partner("nimbus").await;
        let message = |rows: i64, validate_only| pb::ImportDealsRequest {
            parent: market.parent.clone(),
            rows: (0..rows).map(|index| won(&market, index)).collect(),
            validate_only,
        };
        let tried = tokio_stream::iter([message(3, true)]);
        let mut answers = market.deals().import_deals(tried).await.unwrap().into_inner();
        let answer = answers.message().await.unwrap().unwrap();
        assert_eq!(results(&answer.outcomes), [Outcome::Created; 3]);
        let list = pb::ListDealsRequest {
            parent: market.parent.clone(), ..pb::ListDealsRequest::default()
        };
        let list = market.deals().list_deals(list).await.unwrap().into_inner();
        assert!(list.deals.is_empty());
        let many = tokio_stream::iter([message(501, false)]);
        let mut answers = market.deals().import_deals(many).await.unwrap().into_inner();
        let refusal = answers.message().await.map(tonic::Response::new);
        refused(refusal, Code::InvalidArgument, "INVALID_FIELDS").breaks("rows", "repeated.max_items");
    }

    async fn a_row_that_differs_tells_in_what_and_a_dry_run_changes_nothing(world: World) {
        let market = Market::open(world).await;
        let nimbus = market.partner("nimbus").await;
        let open = |row_number| with(won(&market, row_number), |deal| {
            deal.stage = Stage::Qualified.into();
            deal.close_date = None;
        });
        let name = import(&market, vec![open(1), won(&market, 2)]).await[0].name.clone();
        let compare = async |rows: Vec<pb::ImportDealRow>, validate_only: bool| {
            let message = pb::ImportDealsRequest { parent: market.parent.clone(), rows, validate_only };
            let answers = market.deals().import_deals(tokio_stream::iter([message])).await;
            answers.unwrap().into_inner().message().await.unwrap().unwrap()
        };
        let rows = || vec![
            with(open(1), |deal| {
                deal.display_name = "Renamed".to_owned();
                deal.lines = vec![market.line("firewall", 1, usd(2_000))];
                deal.stage = Stage::Committed.into();
            }),
            won(&market, 2),
            won(&market, 3),
        ];
        let told = |field: &str, held: &str, given: &str, applied| Difference {
            field: field.to_owned(), held: held.to_owned(), given: given.to_owned(), applied,
            proposal: String::new(),
        };
        let expected = [RowDifferences {
            row_number: 1,
            differences: vec![
                told("display_name", "Deal 1", "Renamed", true),
                told("lines", "1 of firewall for 1,054.00 USD", "1 of firewall for 2,000.00 USD", true),
                told("amount", "1,054.00 USD", "2,000.00 USD", true),
                told("stage", "QUALIFIED", "COMMITTED", true),
            ],
        }];
        let before = market.read_deal(&name).await;
        let results_of = [Outcome::Updated, Outcome::Unchanged, Outcome::Created];
        let dry = compare(rows(), true).await;
        assert_eq!((results(&dry.outcomes), dry.row_differences), (results_of.to_vec(), expected.to_vec()));
        assert_eq!(market.read_deal(&name).await, before);
        let real = compare(rows(), false).await;
        assert_eq!((results(&real.outcomes), real.row_differences), (results_of.to_vec(), expected.to_vec()));
        let again = compare(rows(), true).await;
        assert_eq!((results(&again.outcomes), again.row_differences), (vec![Outcome::Unchanged; 3], vec![]));
        // What may not be changed any more is a conflict.
        let invoice = pb::RecordInvoiceRequest {
            name: again.outcomes[1].name.clone(),
            external_id: "i-1".to_owned(),
            amount: usd(1),
            ..pb::RecordInvoiceRequest::default()
        };
        market.deals().record_invoice(invoice).await.unwrap();
        let later = with(won(&market, 2), |deal| deal.close_date = day(2017, 3, 2));
        let conflict = compare(vec![later], false).await;
        assert_eq!(results(&conflict.outcomes), [Outcome::Rejected]);
        assert_eq!(
            conflict.row_differences[0].differences,
            [told("close_date", "2017-03-01", "2017-03-02", false)],
        );
        assert_eq!(market.read_deal(&name).await.partner, nimbus);
    }
}
