//! Who has which part in a deal, how it moved, and who gets the credit.

use std::collections::BTreeMap;

use tonic::{Code, Response, Status};
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::AttributionModel as Model;
use trellis_api::deal::v1::deal::evidence::Type;
use trellis_api::deal::v1::deal::role_dispute::State;
use trellis_api::deal::v1::deal::{Role, Stage};
use trellis_api::deal::v1::resolve_deal_role_dispute_request::Resolution;
use trellis_api::deal::v1::role_change::Cause;
use trellis_tests::{on_both, refused};

use super::market::{Market, day, part, usd, who};

fn evidence(r#type: Type, on: i32) -> pb::deal::Evidence {
    pb::deal::Evidence {
        r#type: r#type.into(),
        date: day(2026, 1, on),
        ..pb::deal::Evidence::default()
    }
}

async fn set(
    market: &Market,
    name: &str,
    roles: Vec<pb::deal::PartnerRole>,
) -> Result<Response<pb::Deal>, Status> {
    let request = pb::SetDealRolesRequest {
        name: name.to_owned(),
        roles,
        note: "as agreed".to_owned(),
        ..pb::SetDealRolesRequest::default()
    };
    market.deals().set_deal_roles(request).await
}

async fn dispute(
    market: &Market,
    name: &str,
    role: pb::deal::PartnerRole,
) -> Result<Response<pb::Deal>, Status> {
    let request = pb::DisputeDealRoleRequest {
        name: name.to_owned(),
        role: Some(role),
        reason_code: "WE_MADE_THE_INTRODUCTION".to_owned(),
        note: "we did".to_owned(),
        ..pb::DisputeDealRoleRequest::default()
    };
    market.deals().dispute_deal_role(request).await
}

async fn resolve(
    market: &Market,
    name: &str,
    number: i32,
    resolution: Resolution,
) -> Result<Response<pb::Deal>, Status> {
    let request = pb::ResolveDealRoleDisputeRequest {
        name: name.to_owned(),
        number,
        resolution: resolution.into(),
        reason_code: "EVIDENCE_IS_OLDER".to_owned(),
        ..pb::ResolveDealRoleDisputeRequest::default()
    };
    market.deals().resolve_deal_role_dispute(request).await
}

async fn stages(market: &Market, deal: &str) -> Vec<pb::StageChange> {
    let request = pb::ListStageChangesRequest {
        parent: deal.to_owned(),
        ..pb::ListStageChangesRequest::default()
    };
    let answer = market.deals().list_stage_changes(request).await;
    answer.unwrap().into_inner().stage_changes
}

async fn changes(market: &Market, deal: &str) -> Vec<pb::RoleChange> {
    let request = pb::ListRoleChangesRequest {
        parent: deal.to_owned(),
        ..pb::ListRoleChangesRequest::default()
    };
    let answer = market.deals().list_role_changes(request).await;
    answer.unwrap().into_inner().role_changes
}

async fn attribution(market: &Market, deal: &str) -> pb::GetAttributionResponse {
    let request = pb::GetAttributionRequest {
        name: deal.to_owned(),
        ..pb::GetAttributionRequest::default()
    };
    let answer = market.deals().get_attribution(request).await;
    answer.unwrap().into_inner()
}

fn credits(answer: &pb::GetAttributionResponse, model: Model) -> Vec<(String, i32)> {
    let found = answer.attributions.iter().find(|one| one.model() == model);
    let credits = found.unwrap().credits.iter();
    credits
        .map(|credit| {
            let id = credit.partner.rsplit_once('/').unwrap().1;
            (id.to_owned(), credit.basis_points)
        })
        .collect()
}

fn share(partner: &str, basis_points: i32) -> (String, i32) {
    (partner.to_owned(), basis_points)
}

on_both! {
    async fn each_move_of_a_deal_is_remembered_with_who_made_it_and_why(world: World) {
        let market = Market::open(world).await;
        let deal = market.deal(market.ten_firewalls()).await.name;
        let advance = |stage: Stage, reason_code: &str| pb::AdvanceDealRequest {
            name: deal.clone(),
            stage: stage.into(),
            reason_code: reason_code.to_owned(),
            note: "after the call".to_owned(),
            ..pb::AdvanceDealRequest::default()
        };
        market.deals().advance_deal(advance(Stage::Committed, "")).await.unwrap();
        market.deals().advance_deal(advance(Stage::Qualified, "BUDGET_CUT")).await.unwrap();
        // What is refused, and what is only validated, is no move.
        market.deals().advance_deal(advance(Stage::Qualified, "")).await.unwrap_err();
        let validated =
            pb::AdvanceDealRequest { validate_only: true, ..advance(Stage::Committed, "") };
        market.deals().advance_deal(validated).await.unwrap();
        market.win(&deal).await;
        let reopen = pb::ReopenDealRequest {
            name: deal.clone(),
            reason_code: "RECORDED_IN_ERROR".to_owned(),
            ..pb::ReopenDealRequest::default()
        };
        market.deals().reopen_deal(reopen).await.unwrap();
        let lose = pb::LoseDealRequest {
            name: deal.clone(),
            reason_code: "PRICE".to_owned(),
            ..pb::LoseDealRequest::default()
        };
        market.deals().lose_deal(lose).await.unwrap();
        let told: Vec<_> = stages(&market, &deal)
            .await
            .into_iter()
            .map(|change| (change.from_stage(), change.to_stage(), change.reason_code))
            .collect();
        let moved = |from, to, reason: &str| (from, to, reason.to_owned());
        assert_eq!(told, [
            moved(Stage::Qualified, Stage::Lost, "PRICE"),
            moved(Stage::Won, Stage::Qualified, "RECORDED_IN_ERROR"),
            moved(Stage::Qualified, Stage::Won, ""),
            moved(Stage::Committed, Stage::Qualified, "BUDGET_CUT"),
            moved(Stage::Prospect, Stage::Committed, ""),
            moved(Stage::Unspecified, Stage::Prospect, ""),
        ]);
        let first = stages(&market, &deal).await.remove(4);
        assert_eq!(first.name, format!("{deal}/stageChanges/2"));
        assert_eq!((first.note.as_str(), first.amount), ("after the call", usd(1_000)));
        assert!(!first.actor.is_empty() && first.create_time.is_some());
    }

    async fn a_long_history_comes_in_pages(world: World) {
        let market = Market::open(world).await;
        let deal = market.deal(market.ten_firewalls()).await.name;
        for stage in [Stage::Qualified, Stage::TechnicalValidation, Stage::Committed] {
            let advance = pb::AdvanceDealRequest {
                name: deal.clone(), stage: stage.into(), ..pb::AdvanceDealRequest::default()
            };
            market.deals().advance_deal(advance).await.unwrap();
        }
        let mut found = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = pb::ListStageChangesRequest {
                parent: deal.clone(), page_size: 3, page_token,
            };
            let page = market.deals().list_stage_changes(request).await.unwrap().into_inner();
            found.extend(page.stage_changes.iter().map(pb::StageChange::to_stage));
            page_token = page.next_page_token;
            if page_token.is_empty() { break; }
        }
        assert_eq!(found, [
            Stage::Committed, Stage::TechnicalValidation, Stage::Qualified, Stage::Prospect,
        ]);
    }

    async fn an_imported_deal_begins_where_it_stood(world: World) {
        let market = Market::open(world).await;
        market.partner("nimbus").await;
        let row = |stage: Stage| pb::ImportDealRow {
            row_number: 1,
            deal: Some(pb::Deal {
                display_name: "Imported".to_owned(),
                external_id: "o-1".to_owned(),
                amount: usd(10),
                stage: stage.into(),
                close_date: (stage == Stage::Won).then(|| day(2026, 2, 1)).flatten(),
                engage_date: day(2025, 12, 1),
                ..pb::Deal::default()
            }),
            partner_external_id: "crm-nimbus".to_owned(),
            ..pb::ImportDealRow::default()
        };
        let send = async |stage: Stage| {
            let message = pb::ImportDealsRequest {
                parent: market.parent.clone(), rows: vec![row(stage)], ..Default::default()
            };
            let answers = market.deals().import_deals(tokio_stream::iter([message])).await;
            let answer = answers.unwrap().into_inner().message().await.unwrap();
            answer.unwrap().outcomes.remove(0).name
        };
        let deal = send(Stage::Qualified).await;
        send(Stage::Qualified).await;
        send(Stage::Won).await;
        let told: Vec<_> = stages(&market, &deal)
            .await
            .into_iter()
            .map(|change| (change.from_stage(), change.to_stage(), change.reason_code))
            .collect();
        let imported = || "IMPORTED".to_owned();
        assert_eq!(told, [
            (Stage::Qualified, Stage::Won, imported()),
            (Stage::Unspecified, Stage::Qualified, imported()),
        ]);
        let [created] = changes(&market, &deal).await.try_into().unwrap();
        assert_eq!(created.cause(), Cause::Imported);
        let [evidence] = created.roles[0].evidence.as_slice() else { panic!("{created:?}") };
        assert_eq!((evidence.r#type(), evidence.date), (Type::Record, day(2025, 12, 1)));
    }

    async fn no_part_that_is_paid_is_set_without_evidence(world: World) {
        let market = Market::open(world).await;
        let (nimbus, stratus) = (market.partner("nimbus").await, market.partner("stratus").await);
        let deal = market.deal(market.ten_firewalls()).await.name;
        let bare = |partner: &str, role: Role| pb::deal::PartnerRole {
            evidence: Vec::new(), ..part(partner, role)
        };
        for role in [Role::Sourced, Role::CoSell, Role::Fulfil] {
            let refusal = set(&market, &deal, vec![bare(&nimbus, role)]).await;
            refused(refusal, Code::InvalidArgument, "INVALID_FIELDS")
                .breaks("roles[0].evidence", "evidence.required");
            // The controls: with evidence it is taken, and then kept without repeating it.
            set(&market, &deal, vec![part(&nimbus, role)]).await.unwrap();
            let kept = set(&market, &deal, vec![bare(&nimbus, role)]).await.unwrap().into_inner();
            assert_eq!(kept.roles[0].evidence[0].date, day(2026, 2, 1));
        }
        // Nobody is paid for a hand in it.
        set(&market, &deal, vec![bare(&stratus, Role::Influenced)]).await.unwrap();
        let mut causes: Vec<_> =
            changes(&market, &deal).await.iter().map(|change| (change.cause(), who(&change.roles))).collect();
        assert_eq!(causes.len(), 7);
        assert_eq!(causes.remove(0), (Cause::Set, vec![(stratus, Role::Influenced)]));
        assert_eq!(causes.remove(5), (Cause::Set, vec![(nimbus, Role::Sourced)]));
    }

    async fn evidence_is_the_partners_own(world: World) {
        let market = Market::open(world).await;
        let [nimbus, stratus] = market.partners_at_work(["nimbus", "stratus"]).await;
        let claim = market.submit(market.claim(&nimbus)).await;
        let deal = market.deal(market.ten_firewalls()).await.name;
        let by = |partner: &str| pb::deal::PartnerRole {
            evidence: vec![pb::deal::Evidence {
                r#type: Type::Registration.into(),
                registration: claim.name.clone(),
                ..pb::deal::Evidence::default()
            }],
            ..part(partner, Role::CoSell)
        };
        refused(
            set(&market, &deal, vec![by(&stratus)]).await, Code::InvalidArgument, "INVALID_FIELDS",
        ).breaks("roles[0].evidence[0].registration", "evidence.partner");
        set(&market, &deal, vec![by(&nimbus)]).await.unwrap();
        let mut unnamed = by(&nimbus);
        unnamed.evidence[0].registration.clear();
        refused(
            set(&market, &deal, vec![unnamed]).await, Code::InvalidArgument, "INVALID_FIELDS",
        ).breaks("roles[0].evidence[0].registration", "evidence.type");
    }

    async fn one_partner_fulfils_a_product(world: World) {
        let market = Market::open(world).await;
        let (nimbus, stratus) = (market.partner("nimbus").await, market.partner("stratus").await);
        let deal = pb::Deal {
            lines: vec![market.line("firewall", 1, usd(90)), market.line("backup", 1, usd(10))],
            ..market.ten_firewalls()
        };
        let deal = market.deal(deal).await.name;
        let fulfils = |partner: &str, products: &[&str]| pb::deal::PartnerRole {
            products: products.iter().map(|id| market.name("products", id)).collect(),
            ..part(partner, Role::Fulfil)
        };
        let apart = vec![fulfils(&nimbus, &["firewall"]), fulfils(&stratus, &["backup"])];
        set(&market, &deal, apart).await.unwrap();
        let answer = attribution(&market, &deal).await;
        assert_eq!(
            credits(&answer, Model::RoleWeighted), [share("nimbus", 9_000), share("stratus", 1_000)],
        );
        let both = vec![fulfils(&nimbus, &["firewall"]), fulfils(&stratus, &["firewall"])];
        refused(set(&market, &deal, both).await, Code::InvalidArgument, "INVALID_FIELDS")
            .breaks("roles[1].products", "roles.one_fulfil");
        let product = market.product("edr", None).await;
        let unsold = vec![pb::deal::PartnerRole {
            products: vec![product], ..part(&nimbus, Role::Fulfil)
        }];
        refused(set(&market, &deal, unsold).await, Code::InvalidArgument, "INVALID_FIELDS")
            .breaks("roles[0].products[0]", "roles.sold");
    }

    async fn a_conversion_gives_the_registration_as_evidence(world: World) {
        let market = Market::open(world).await;
        let [nimbus] = market.partners_at_work(["nimbus"]).await;
        let claim = market.submit(market.claim(&nimbus)).await;
        market.approve(&claim.name).await.unwrap();
        let deal = market.convert(&claim.name).await.unwrap().into_inner().deal;
        let deal = market.read_deal(&deal).await;
        assert_eq!(who(&deal.roles), [(nimbus, Role::Sourced)]);
        let [evidence] = deal.roles[0].evidence.as_slice() else { panic!("{deal:?}") };
        assert_eq!((evidence.r#type(), &evidence.registration), (Type::Registration, &claim.name));
        // It is one touch, whether the deal names it or the part does.
        let answer = attribution(&market, &deal.name).await;
        let [touch] = answer.touches.as_slice() else { panic!("{answer:?}") };
        assert_eq!((touch.r#type(), &touch.registration), (Type::Registration, &claim.name));
        assert_eq!(touch.touch_time, claim.submit_time);
    }

    async fn an_upheld_claim_takes_the_place_of_who_had_the_part(world: World) {
        let market = Market::open(world).await;
        let (nimbus, stratus) = (market.partner("nimbus").await, market.partner("stratus").await);
        let deal = pb::Deal { partner: nimbus.clone(), ..market.ten_firewalls() };
        let deal = market.deal(deal).await.name;
        let bare = pb::deal::PartnerRole { evidence: Vec::new(), ..part(&stratus, Role::Sourced) };
        refused(dispute(&market, &deal, bare).await, Code::InvalidArgument, "INVALID_FIELDS")
            .breaks("role.evidence", "evidence.required");
        let open = dispute(&market, &deal, part(&stratus, Role::Sourced)).await.unwrap().into_inner();
        assert_eq!(open.partner, nimbus, "nothing changes until somebody decides");
        let told = &open.role_disputes[0];
        assert_eq!((told.number, told.state(), told.contested), (1, State::Open, false));
        let again = dispute(&market, &deal, part(&stratus, Role::Sourced)).await;
        refused(again, Code::FailedPrecondition, "PRECONDITION");
        let upheld = resolve(&market, &deal, 1, Resolution::Uphold).await.unwrap().into_inner();
        assert_eq!((&upheld.partner, who(&upheld.roles)), (&stratus, vec![(stratus.clone(), Role::Sourced)]));
        assert_eq!(upheld.role_disputes[0].state(), State::Upheld);
        assert_eq!(upheld.role_disputes[0].resolution_code, "EVIDENCE_IS_OLDER");
        let twice = resolve(&market, &deal, 1, Resolution::Dismiss).await;
        refused(twice, Code::FailedPrecondition, "PRECONDITION");
        let causes: Vec<_> = changes(&market, &deal).await.iter().map(pb::RoleChange::cause).collect();
        assert_eq!(causes, [Cause::Dispute, Cause::Created]);
        // A part that the partner has is contested, and taken away.
        let contested = dispute(&market, &deal, part(&stratus, Role::Sourced)).await.unwrap();
        assert!(contested.into_inner().role_disputes[1].contested);
        let nobody = resolve(&market, &deal, 2, Resolution::Uphold).await.unwrap().into_inner();
        assert_eq!((nobody.partner.as_str(), nobody.roles.len()), ("", 0));
    }

    async fn a_dismissed_dispute_changes_nothing(world: World) {
        let market = Market::open(world).await;
        let (nimbus, stratus) = (market.partner("nimbus").await, market.partner("stratus").await);
        let deal = pb::Deal { partner: nimbus.clone(), ..market.ten_firewalls() };
        let deal = market.deal(deal).await.name;
        dispute(&market, &deal, part(&stratus, Role::Sourced)).await.unwrap();
        let kept = resolve(&market, &deal, 1, Resolution::Dismiss).await.unwrap().into_inner();
        assert_eq!((kept.partner, kept.role_disputes[0].state()), (nimbus, State::Dismissed));
        assert_eq!(changes(&market, &deal).await.len(), 1);
    }

    async fn a_win_that_is_disputed_is_told_anew(world: World) {
        let market = Market::open(world).await;
        let (nimbus, stratus) = (market.partner("nimbus").await, market.partner("stratus").await);
        let deal = pb::Deal { partner: nimbus, ..market.ten_firewalls() };
        let deal = market.deal(deal).await.name;
        let won = market.win(&deal).await;
        dispute(&market, &deal, part(&stratus, Role::Sourced)).await.unwrap();
        let upheld = resolve(&market, &deal, 1, Resolution::Uphold).await.unwrap().into_inner();
        assert_eq!((upheld.stage(), &upheld.partner), (Stage::Won, &stratus));
        assert_eq!((upheld.close_date, upheld.won_time), (won.close_date, won.won_time));
        market.tells(&deal, &[
            "deal.created", "deal.won", "deal.role_disputed", "deal.reopened", "deal.won",
            "deal.role_dispute_resolved", "deal.roles_set",
        ]).await;
        // What is only reported is no reason to tell incentives anything.
        let hand = part(&stratus, Role::Influenced);
        dispute(&market, &deal, hand).await.unwrap();
        resolve(&market, &deal, 2, Resolution::Uphold).await.unwrap();
        // Once something is recorded about the win, it is not taken back by the way.
        dispute(&market, &deal, part(&stratus, Role::CoSell)).await.unwrap();
        let invoice = pb::RecordInvoiceRequest {
            name: deal.clone(),
            external_id: "i-1".to_owned(),
            amount: usd(1),
            ..pb::RecordInvoiceRequest::default()
        };
        market.deals().record_invoice(invoice).await.unwrap();
        let recorded = resolve(&market, &deal, 3, Resolution::Uphold).await;
        refused(recorded, Code::FailedPrecondition, "PRECONDITION");
        resolve(&market, &deal, 3, Resolution::Dismiss).await.unwrap();
    }

    async fn parts_are_disputed_until_thirty_days_after_the_win(world: World) {
        let market = Market::open(world).await;
        let stratus = market.partner("stratus").await;
        let deal = market.deal(market.ten_firewalls()).await.name;
        market.win(&deal).await;
        market.wait_days(29).await;
        dispute(&market, &deal, part(&stratus, Role::CoSell)).await.unwrap();
        market.wait_days(1).await;
        let late = dispute(&market, &deal, part(&stratus, Role::Fulfil)).await;
        refused(late, Code::FailedPrecondition, "PRECONDITION");
        // What was disputed in time is decided whenever.
        resolve(&market, &deal, 1, Resolution::Uphold).await.unwrap();
    }

    async fn all_models_share_the_whole_side_by_side(world: World) {
        let market = Market::open(world).await;
        for id in ["nimbus", "stratus", "altus"] { market.partner(id).await; }
        let partner = |id: &str| market.name("partners", id);
        let deal = market.deal(pb::Deal { amount: usd(1_001), lines: Vec::new(), ..market.ten_firewalls() }).await.name;
        let with = |id: &str, role: Role, pieces: Vec<pb::deal::Evidence>| pb::deal::PartnerRole {
            evidence: pieces, ..part(&partner(id), role)
        };
        set(&market, &deal, vec![
            with("nimbus", Role::Sourced, vec![evidence(Type::Introduction, 1)]),
            with("stratus", Role::CoSell, vec![evidence(Type::Meeting, 11), evidence(Type::Quote, 12)]),
            with("altus", Role::Fulfil, vec![evidence(Type::CustomerLetter, 31)]),
        ]).await.unwrap();
        let answer = attribution(&market, &deal).await;
        let order: Vec<_> = answer.touches.iter().map(pb::get_attribution_response::Touch::r#type).collect();
        assert_eq!(order, [Type::Introduction, Type::Meeting, Type::Quote, Type::CustomerLetter]);
        for (model, expected) in [
            (Model::First, vec![share("nimbus", 10_000)]),
            (Model::Last, vec![share("altus", 10_000)]),
            (Model::Linear, vec![share("altus", 2_500), share("nimbus", 2_500), share("stratus", 5_000)]),
            (Model::UShaped, vec![share("altus", 4_000), share("nimbus", 4_000), share("stratus", 2_000)]),
            (Model::RoleWeighted, vec![share("altus", 3_000), share("nimbus", 5_000), share("stratus", 2_000)]),
        ] {
            let positive: Vec<_> =
                credits(&answer, model).into_iter().filter(|(_, points)| *points > 0).collect();
            assert_eq!(positive, expected, "{model:?}");
        }
        assert_eq!(answer.attributions.len(), 7);
        for one in &answer.attributions {
            let points: i32 = one.credits.iter().map(|credit| credit.basis_points).sum();
            let cents: i64 = one.credits.iter().map(|credit| {
                let amount = credit.amount.clone().unwrap();
                amount.units * 100 + i64::from(amount.nanos) / 10_000_000
            }).sum();
            assert_eq!((points, cents), (10_000, 100_100), "{:?}", one.model());
        }
    }

    async fn a_report_counts_no_deal_twice(world: World) {
        let market = Market::open(world).await;
        for id in ["nimbus", "stratus"] { market.partner(id).await; }
        let partner = |id: &str| market.name("partners", id);
        let sold = async |amount: i64, roles: Vec<pb::deal::PartnerRole>, won: bool| {
            let deal = pb::Deal { amount: usd(amount), lines: Vec::new(), roles, ..market.ten_firewalls() };
            let deal = market.deal(deal).await.name;
            if won { market.win(&deal).await; }
        };
        let of = |id: &str, role: Role| part(&partner(id), role);
        sold(100, vec![of("nimbus", Role::Sourced), of("nimbus", Role::Influenced)], true).await;
        sold(200, vec![of("nimbus", Role::Sourced), of("stratus", Role::CoSell)], true).await;
        sold(400, vec![of("stratus", Role::Influenced), of("nimbus", Role::Influenced)], true).await;
        sold(800, Vec::new(), true).await;
        // Neither open ones nor those of another time count.
        sold(1_600, vec![of("nimbus", Role::Sourced)], false).await;
        let request = |from, until| pb::ReportAttributionRequest {
            parent: market.parent.clone(),
            start_date: from,
            end_date: until,
            model: Model::RoleWeighted.into(),
            ..pb::ReportAttributionRequest::default()
        };
        let asked = request(day(2026, 3, 1), day(2026, 4, 1));
        let answer = market.deals().report_attribution(asked).await.unwrap().into_inner();
        let units = |amount: &Option<trellis_api::google::r#type::Money>| {
            amount.as_ref().map_or(-1, |amount| amount.units)
        };
        let told: BTreeMap<&str, _> = answer.rows.iter().chain(&answer.totals).map(|row| {
            let id = row.partner.rsplit_once('/').map_or("all", |(_, id)| id);
            (id, (
                row.deal_count, units(&row.attributed_amount), units(&row.sourced_amount),
                units(&row.influenced_amount), units(&row.sourced_or_influenced_amount),
                units(&row.won_amount),
            ))
        }).collect();
        assert_eq!(told, BTreeMap::from([
            // 100, and 50 of 70 of 200.
            ("nimbus", (3, 242, 300, 500, 700, -1)),
            // 20 of 70 of 200.
            ("stratus", (2, 57, 0, 600, 600, -1)),
            ("all", (4, 300, 300, 700, 700, 1_500)),
        ]));
        let before = request(day(2026, 1, 1), day(2026, 3, 2));
        let none = market.deals().report_attribution(before).await.unwrap().into_inner();
        assert_eq!((none.rows.len(), none.totals.len()), (0, 0));
        let backwards = request(day(2026, 4, 1), day(2026, 4, 1));
        let refusal = market.deals().report_attribution(backwards).await;
        refused(refusal, Code::InvalidArgument, "INVALID_FIELDS").breaks("end_date", "date.after");
    }
}
