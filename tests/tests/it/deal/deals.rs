//! `DealService`: its standard methods, and the moves of a deal.

use tonic::{Code, Response, Status};
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::deal::{Role, Stage};
use trellis_tests::{on_both, refused};

use super::market::{MARCH_2, Market, day, money, part, usd, who};

async fn update(
    market: &Market,
    deal: pb::Deal,
    paths: &[&str],
) -> Result<Response<pb::Deal>, Status> {
    let request = pb::UpdateDealRequest {
        deal: Some(deal),
        update_mask: (!paths.is_empty()).then(|| prost_types::FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        }),
        ..pb::UpdateDealRequest::default()
    };
    market.deals().update_deal(request).await
}

async fn advance(
    market: &Market,
    name: &str,
    stage: Stage,
    reason_code: &str,
) -> Result<Response<pb::Deal>, Status> {
    let request = pb::AdvanceDealRequest {
        name: name.to_owned(),
        stage: stage.into(),
        reason_code: reason_code.to_owned(),
        ..pb::AdvanceDealRequest::default()
    };
    market.deals().advance_deal(request).await
}

async fn lose(market: &Market, name: &str) -> Result<Response<pb::Deal>, Status> {
    let request = pb::LoseDealRequest {
        name: name.to_owned(),
        reason_code: "PRICE".to_owned(),
        close_date: day(2026, 2, 27),
        ..pb::LoseDealRequest::default()
    };
    market.deals().lose_deal(request).await
}

async fn reopen(market: &Market, name: &str, stage: Stage) -> Result<Response<pb::Deal>, Status> {
    let request = pb::ReopenDealRequest {
        name: name.to_owned(),
        reason_code: "RECORDED_IN_ERROR".to_owned(),
        stage: stage.into(),
        ..pb::ReopenDealRequest::default()
    };
    market.deals().reopen_deal(request).await
}

async fn set_roles(
    market: &Market,
    name: &str,
    roles: Vec<pb::deal::PartnerRole>,
) -> Result<Response<pb::Deal>, Status> {
    let request = pb::SetDealRolesRequest {
        name: name.to_owned(),
        roles,
        ..pb::SetDealRolesRequest::default()
    };
    market.deals().set_deal_roles(request).await
}

on_both! {
    async fn a_new_deal_is_a_prospect_worth_its_list_prices(world: World) {
        let market = Market::open(world).await;
        let nimbus = market.partner("nimbus").await;
        let deal = pb::Deal {
            partner: nimbus.clone(),
            lines: vec![market.line("firewall", 10, None), market.line("backup", 0, usd(30))],
            deal_type: pb::DealType::New.into(),
            territory: market.territory("dach", "", &["DE"]).await,
            engage_date: day(2026, 1, 15),
            expected_close_date: day(2026, 6, 30),
            external_id: "crm-1".to_owned(),
            ..market.ten_firewalls()
        };
        let request = pb::CreateDealRequest {
            parent: market.parent.clone(),
            deal_id: "big-one".to_owned(),
            deal: Some(deal.clone()),
            ..pb::CreateDealRequest::default()
        };
        let made = market.deals().create_deal(request).await.unwrap().into_inner();
        let expected = pb::Deal {
            name: market.name("deals", "big-one"),
            roles: made.roles.clone(),
            lines: vec![market.line("firewall", 10, usd(1_000)), market.line("backup", 1, usd(30))],
            amount: usd(1_030),
            stage: Stage::Prospect.into(),
            create_time: made.create_time,
            update_time: made.create_time,
            etag: "\"1\"".to_owned(),
            ..deal
        };
        assert_eq!(made, expected);
        assert_eq!(who(&made.roles), [(nimbus, Role::Sourced)]);
        assert_eq!(market.read_deal(&made.name).await, made);
        market.tells(&made.name, &["deal.created"]).await;
    }

    async fn a_deal_needs_no_customer_no_partner_and_no_amount(world: World) {
        let market = Market::open(world).await;
        let bare = pb::Deal { display_name: "A lead".to_owned(), ..pb::Deal::default() };
        let made = market.deal(bare).await;
        assert_eq!((made.account.as_str(), made.partner.as_str()), ("", ""));
        assert_eq!(made.amount, None);
        let won = market.try_win(&made.name, None).await;
        refused(won, Code::FailedPrecondition, "PRECONDITION")
            .tells("requires", "say what the deal was won for");
        let won = market.try_win(&made.name, usd(12)).await.unwrap().into_inner();
        assert_eq!((won.stage(), won.amount), (Stage::Won, usd(12)));
    }

    async fn everything_that_is_wrong_with_a_deal_is_told_at_once(world: World) {
        let market = Market::open(world).await;
        let nimbus = market.name("partners", "nimbus");
        let stratus = market.name("partners", "stratus");
        let wrong = pb::Deal {
            account: "initech".to_owned(),
            partner: nimbus,
            roles: vec![part(&stratus, Role::Sourced), part(&stratus, Role::Unspecified)],
            lines: vec![
                market.line("firewall", -1, None),
                market.line("backup", 1, usd(-5)),
                market.line("backup", 1, None),
            ],
            amount: money(5, "XYZ"),
            engage_date: day(2026, 13, 1),
            ..pb::Deal::default()
        };
        let refusal =
            refused(market.try_deal(wrong).await, Code::InvalidArgument, "INVALID_FIELDS");
        refusal
            .breaks("deal.display_name", "string.min_len")
            .breaks("deal.account", "resource_name")
            .breaks("deal.roles[1].role", "enum.not_in")
            .breaks("deal.lines[0].quantity", "int64.gte_lte")
            .breaks("deal.lines[1].amount", "money.gte_zero")
            .breaks("deal.lines[2].product", "repeated.unique")
            .breaks("deal.amount.currency_code", "money.currency")
            .breaks("deal.engage_date", "date");
        let two = pb::Deal {
            partner: market.partner("nimbus").await,
            roles: vec![part(&market.partner("stratus").await, Role::Sourced)],
            ..market.ten_firewalls()
        };
        refused(market.try_deal(two).await, Code::InvalidArgument, "INVALID_FIELDS")
            .breaks("deal.roles[0].role", "roles.one_sourced");
        let sum = pb::Deal {
            lines: vec![market.line("firewall", 1, usd(10))],
            amount: usd(11),
            ..market.ten_firewalls()
        };
        refused(market.try_deal(sum).await, Code::InvalidArgument, "INVALID_FIELDS")
            .breaks("deal.amount", "money.sum");
    }

    async fn what_a_deal_names_must_exist_and_its_external_id_is_its_own(world: World) {
        let market = Market::open(world).await;
        let ghost = market.name("partners", "ghost");
        let unknown = pb::Deal { partner: ghost.clone(), ..market.ten_firewalls() };
        refused(market.try_deal(unknown).await, Code::NotFound, "RESOURCE_NOT_FOUND")
            .tells("resource", &ghost);
        let ours = pb::Deal { external_id: "crm-1".to_owned(), ..market.ten_firewalls() };
        market.deal(ours.clone()).await;
        refused(market.try_deal(ours).await, Code::AlreadyExists, "RESOURCE_EXISTS")
            .tells("field", "external_id");
        let other = market.deal(market.ten_firewalls()).await;
        let taken = pb::Deal { external_id: "crm-1".to_owned(), ..other };
        refused(
            update(&market, taken, &["external_id"]).await,
            Code::AlreadyExists, "RESOURCE_EXISTS",
        );
    }

    async fn amounts_follow_the_lines_and_lines_follow_the_amount(world: World) {
        let market = Market::open(world).await;
        let deal = pb::Deal {
            lines: vec![market.line("firewall", 3, None), market.line("backup", 5, None)],
            ..market.ten_firewalls()
        };
        let deal = market.deal(deal).await;
        assert_eq!(deal.amount, usd(500));
        let amounts = |deal: &pb::Deal| -> Vec<_> {
            deal.lines.iter().map(|line| line.amount.clone()).collect()
        };
        let cheaper = pb::Deal { amount: usd(250), ..deal };
        let cheaper = update(&market, cheaper, &["amount"]).await.unwrap().into_inner();
        assert_eq!(amounts(&cheaper), [usd(150), usd(100)], "in proportion");
        let fewer = pb::Deal { lines: vec![market.line("backup", 2, None)], ..cheaper };
        let fewer = update(&market, fewer, &["lines"]).await.unwrap().into_inner();
        assert_eq!((fewer.amount.clone(), amounts(&fewer)), (usd(80), vec![usd(80)]));
        let unsaid = pb::Deal { amount: None, ..fewer };
        let unsaid = update(&market, unsaid, &["amount"]).await.unwrap().into_inner();
        assert_eq!(unsaid.amount, usd(80), "the sum of the lines again");
        let won = market.try_win(&unsaid.name, usd(75)).await.unwrap().into_inner();
        assert_eq!((won.amount.clone(), amounts(&won)), (usd(75), vec![usd(75)]));
    }

    async fn open_deals_can_be_rewritten_and_closed_ones_renamed(world: World) {
        let market = Market::open(world).await;
        let nimbus = market.partner("nimbus").await;
        let deal = market.deal(pb::Deal { partner: nimbus, ..market.ten_firewalls() }).await;
        let renamed = pb::Deal {
            display_name: "Renamed".to_owned(),
            account: market.name("accounts", "globex"),
            expected_close_date: day(2026, 7, 1),
            ..deal.clone()
        };
        let renamed = update(&market, renamed, &[]).await.unwrap().into_inner();
        assert_eq!(renamed.display_name, "Renamed");
        assert_eq!(renamed.account, market.name("accounts", "globex"));
        let stale = update(&market, deal, &["display_name"]).await;
        refused(stale, Code::Aborted, "ETAG_MISMATCH");
        let other = pb::Deal {
            partner: market.partner("stratus").await, etag: String::new(), ..renamed.clone()
        };
        refused(update(&market, other, &["partner"]).await, Code::InvalidArgument, "INVALID_FIELDS")
            .breaks("deal.partner", "immutable");
        let won = market.win(&renamed.name).await;
        let named = pb::Deal { display_name: "Won".to_owned(), amount: usd(1), ..won };
        refused(
            update(&market, named.clone(), &["display_name", "amount"]).await,
            Code::FailedPrecondition, "NOT_EDITABLE",
        ).tells("state", "WON").tells("fields", "amount");
        let named = update(&market, named, &["display_name"]).await.unwrap().into_inner();
        assert_eq!((named.display_name.as_str(), named.stage()), ("Won", Stage::Won));
    }

    async fn lists_are_filtered_ordered_and_paged(world: World) {
        let market = Market::open(world).await;
        let nimbus = market.partner("nimbus").await;
        for (name, won) in [("c", true), ("a", true), ("b", false), ("d", true)] {
            let deal = pb::Deal {
                display_name: name.to_owned(), partner: nimbus.clone(), ..market.ten_firewalls()
            };
            let deal = market.deal(deal).await;
            if won {
                market.win(&deal.name).await;
            }
        }
        let request = |page_token: &str| pb::ListDealsRequest {
            parent: market.parent.clone(),
            page_size: 2,
            page_token: page_token.to_owned(),
            filter: format!(
                "stage = WON AND partner = \"{nimbus}\" AND close_date >= \"2026-03-02\""
            ),
            order_by: "display_name desc".to_owned(),
        };
        let first = market.deals().list_deals(request("")).await.unwrap().into_inner();
        let second = request(&first.next_page_token);
        let second = market.deals().list_deals(second).await.unwrap().into_inner();
        assert_eq!(second.next_page_token, "");
        let names: Vec<_> =
            first.deals.iter().chain(&second.deals).map(|deal| deal.display_name.as_str()).collect();
        assert_eq!(names, ["d", "c", "a"]);
    }

    async fn a_deal_goes_forward_freely_and_back_with_a_reason(world: World) {
        let market = Market::open(world).await;
        let deal = market.deal(market.ten_firewalls()).await;
        let on = advance(&market, &deal.name, Stage::Committed, "").await.unwrap().into_inner();
        assert_eq!(on.stage(), Stage::Committed);
        let back = advance(&market, &deal.name, Stage::Qualified, "").await;
        refused(back, Code::InvalidArgument, "INVALID_FIELDS").breaks("reason_code", "required");
        let back = advance(&market, &deal.name, Stage::Qualified, "BUDGET_CUT").await.unwrap();
        assert_eq!(back.into_inner().stage(), Stage::Qualified);
        let stays = advance(&market, &deal.name, Stage::Qualified, "").await;
        refused(stays, Code::InvalidArgument, "INVALID_FIELDS").breaks("stage", "stage.other");
        let won = advance(&market, &deal.name, Stage::Won, "").await;
        refused(won, Code::InvalidArgument, "INVALID_FIELDS").breaks("stage", "enum.not_in");
        market.tells(&deal.name, &["deal.created", "deal.advanced", "deal.advanced"]).await;
        let events = market.events_about(&deal.name).await;
        assert_eq!(events.last().unwrap().reason_code, "BUDGET_CUT");
    }

    async fn a_won_deal_is_closed_today_and_told_as_a_fact(world: World) {
        let market = Market::open(world).await;
        let [nimbus, stratus] = market.partners_at_work(["nimbus", "stratus"]).await;
        let claim = market.submit(market.claim(&nimbus)).await;
        market.approve(&claim.name).await.unwrap();
        let deal = market.convert(&claim.name).await.unwrap().into_inner().deal;
        let parts = vec![part(&nimbus, Role::Sourced), part(&stratus, Role::CoSell)];
        set_roles(&market, &deal, parts).await.unwrap();
        let won = market.win(&deal).await;
        assert_eq!(won.stage(), Stage::Won);
        assert_eq!(won.close_date, Some(MARCH_2));
        assert!(won.won_time.is_some());
        assert_eq!((won.invoiced_amount, won.refunded_amount), (usd(0), usd(0)));
        market.tells(&deal, &["deal.created", "deal.roles_set", "deal.won"]).await;
        let events = market.events_about(&deal).await;
        let fact = events.last().unwrap().data.clone().unwrap();
        let text = |key: &str| match &fact.fields[key].kind {
            Some(prost_types::value::Kind::StringValue(text)) => text.clone(),
            other => panic!("{key}: {other:?}"),
        };
        assert_eq!(text("partner"), "nimbus");
        assert_eq!(text("program"), "gold");
        assert_eq!(text("account"), "initech");
        assert_eq!(text("currency"), "USD");
        assert_eq!(market.name("registrations", &text("registration")), claim.name);
        let number = |key: &str| match fact.fields[key].kind {
            Some(prost_types::value::Kind::NumberValue(number)) => number,
            ref other => panic!("{key}: {other:?}"),
        };
        assert_eq!((number("win"), number("amount_minor")), (1.0, 500_000.0));
    }

    async fn moves_that_its_stage_does_not_have_are_refused(world: World) {
        let market = Market::open(world).await;
        let deal = market.deal(market.ten_firewalls()).await;
        let open = reopen(&market, &deal.name, Stage::Unspecified).await;
        refused(open, Code::FailedPrecondition, "ILLEGAL_TRANSITION")
            .tells("state", "PROSPECT")
            .tells("move", "REOPEN")
            .tells("allowed", "ADVANCE,WIN,LOSE");
        market.win(&deal.name).await;
        refused(lose(&market, &deal.name).await, Code::FailedPrecondition, "ILLEGAL_TRANSITION");
        refused(
            market.try_win(&deal.name, None).await, Code::FailedPrecondition, "ILLEGAL_TRANSITION",
        );
        let on = advance(&market, &deal.name, Stage::Committed, "").await;
        refused(on, Code::FailedPrecondition, "ILLEGAL_TRANSITION")
            .tells("allowed", "RECORD_INVOICE,RECORD_REFUND,RECORD_CHURN,REOPEN");
        refused(
            set_roles(&market, &deal.name, Vec::new()).await,
            Code::FailedPrecondition, "NOT_EDITABLE",
        ).tells("fields", "roles");
    }

    async fn winning_twice_with_one_request_id_is_one_win(world: World) {
        let market = Market::open(world).await;
        let deal = market.deal(market.ten_firewalls()).await;
        let request = pb::WinDealRequest {
            name: deal.name.clone(),
            request_id: "0f4d8f86-5a57-4a43-9d83-0a2f3b1f7e55".to_owned(),
            ..pb::WinDealRequest::default()
        };
        let first = market.deals().win_deal(request.clone()).await.unwrap().into_inner();
        let second = market.deals().win_deal(request).await.unwrap().into_inner();
        assert_eq!(first, second);
        market.tells(&deal.name, &["deal.created", "deal.won"]).await;
    }

    async fn of_those_who_close_a_deal_at_once_one_does(world: World) {
        let market = Market::open(world).await;
        let deal = market.deal(market.ten_firewalls()).await;
        let tries = (0..16).map(|index| {
            let (market, name) = (market.clone(), deal.name.clone());
            tokio::spawn(async move {
                if index % 2 == 0 {
                    market.try_win(&name, None).await
                } else {
                    lose(&market, &name).await
                }
            })
        });
        let answers = futures::future::join_all(tries).await;
        let closed = answers.into_iter().filter(|answer| answer.as_ref().unwrap().is_ok());
        assert_eq!(closed.count(), 1);
        let stage = market.read_deal(&deal.name).await.stage();
        let how = if stage == Stage::Won { "deal.won" } else { "deal.lost" };
        market.tells(&deal.name, &["deal.created", how]).await;
    }

    async fn another_currency_than_the_deals_is_refused(world: World) {
        let market = Market::open(world).await;
        let deal = market.deal(market.ten_firewalls()).await;
        refused(
            market.try_win(&deal.name, money(5, "EUR")).await,
            Code::InvalidArgument, "INVALID_FIELDS",
        ).breaks("amount", "money.currency");
    }

    async fn a_lost_deal_says_why_and_can_be_reopened_where_it_was(world: World) {
        let market = Market::open(world).await;
        let deal = market.deal(market.ten_firewalls()).await;
        advance(&market, &deal.name, Stage::BusinessValidation, "").await.unwrap();
        let lost = lose(&market, &deal.name).await.unwrap().into_inner();
        assert_eq!((lost.stage(), lost.lost_reason_code.as_str()), (Stage::Lost, "PRICE"));
        assert_eq!(lost.close_date, day(2026, 2, 27));
        let open = reopen(&market, &deal.name, Stage::Unspecified).await.unwrap().into_inner();
        assert_eq!(open.stage(), Stage::BusinessValidation);
        assert_eq!((open.close_date, open.lost_reason_code.as_str()), (None, ""));
        lose(&market, &deal.name).await.unwrap();
        let open = reopen(&market, &deal.name, Stage::Qualified).await.unwrap().into_inner();
        assert_eq!(open.stage(), Stage::Qualified);
    }

    async fn roles_are_set_as_a_whole(world: World) {
        let market = Market::open(world).await;
        let (nimbus, stratus) = (market.partner("nimbus").await, market.partner("stratus").await);
        let deal = pb::Deal { partner: nimbus.clone(), ..market.ten_firewalls() };
        let deal = market.deal(deal).await;
        let parts = vec![part(&nimbus, Role::Influenced), part(&stratus, Role::Sourced)];
        let set = set_roles(&market, &deal.name, parts.clone()).await.unwrap().into_inner();
        assert_eq!((who(&set.roles), set.partner), (who(&parts), stratus.clone()));
        let twice = vec![part(&nimbus, Role::Fulfil), part(&nimbus, Role::Fulfil)];
        refused(
            set_roles(&market, &deal.name, twice).await, Code::InvalidArgument, "INVALID_FIELDS",
        ).breaks("roles[1]", "repeated.unique");
        let ghost = vec![part(&market.name("partners", "ghost"), Role::Sourced)];
        refused(
            set_roles(&market, &deal.name, ghost).await, Code::NotFound, "RESOURCE_NOT_FOUND",
        );
        let nobody = set_roles(&market, &deal.name, Vec::new()).await.unwrap().into_inner();
        assert_eq!((nobody.roles, nobody.partner.as_str()), (Vec::new(), ""));
    }
}
