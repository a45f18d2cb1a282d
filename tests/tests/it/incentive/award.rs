//! `AwardService`, and the worker behind it.

use std::time::Duration;

use futures::future::join_all;
use tonic::Code;
use trellis_api::incentive::v1 as pb;
use trellis_core::{Currency, Date, PartnerId};
use trellis_store::incentive::ledger::{self, Account, Key, Kind, Line, Posting, Rail};
use trellis_tests::{on_both, refused};

use super::scene::{
    Scene, band, buckets, day, minor, percent, quarterly, refunded, reopened, usd, version, won,
};

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn reason(award: &pb::Award) -> pb::award::NotPaidReason {
    award.not_paid_reason()
}

/// What awards are entitled to.
fn entitled(awards: &[pb::Award]) -> Vec<i64> {
    awards
        .iter()
        .map(|award| minor(&award.entitled_amount))
        .collect()
}

/// Pays everything that an award has payable, as a payout would.
async fn pay(scene: &Scene, award: &pb::Award) {
    let id = trellis_core::AwardId::try_new(award.name.rsplit('/').next().unwrap()).unwrap();
    let partner = PartnerId::try_new(award.partner.rsplit('/').next().unwrap()).unwrap();
    let amount = buckets(award)[2];
    let usd = Currency::USD;
    let accounts = [
        (
            Kind::PayoutReserve,
            Account::payable(&partner, usd),
            Account::in_payout(&partner, usd),
        ),
        (
            Kind::PayoutSend,
            Account::in_payout(&partner, usd),
            Account::payout_clearing(Rail::Bank, usd),
        ),
        (
            Kind::PayoutSettle,
            Account::payout_clearing(Rail::Bank, usd),
            Account::cash(Rail::Bank, usd),
        ),
    ];
    let postings: Vec<Posting> = accounts
        .into_iter()
        .enumerate()
        .map(|(at, (kind, debit, credit))| {
            let key = Key::new(format!("payouts/{id}"), i64::try_from(at).unwrap());
            let lines = Line::pair(debit, credit, Some(&id), amount).into();
            Posting::try_new(key, kind, Date::from_days(20_515), lines).unwrap()
        })
        .collect();
    scene
        .world
        .store()
        .write(scene.call(), postings, |txn, postings| async move {
            ledger::append(&txn, postings).await?;
            Ok::<(), trellis_store::Error>(())
        })
        .await
        .unwrap();
}

on_both! {
    async fn a_won_deal_earns_its_percent_and_is_held(world: World) {
        let scene = Scene::new(world).await;
        let mut plan = percent("0.125");
        plan.hold_days = 30;
        let version = scene.promise("spiff", plan).await;
        scene.win("deal-1", "nimbus", 1_249_999, "2026-03-02").await;
        let award = scene.award("spiff").await;
        assert_eq!(award.partner, "ecosystems/acme/partners/nimbus");
        assert_eq!(award.program, "ecosystems/acme/programs/channel");
        assert_eq!(award.plan, "ecosystems/acme/plans/spiff");
        assert_eq!(award.plan_version, version.name);
        let deal = "ecosystems/acme/deals/deal-1".to_owned();
        assert_eq!(award.scope, Some(pb::award::Scope::Deal(deal)));
        assert_eq!(award.entitled_amount, usd(156_250));
        assert_eq!(buckets(&award), [156_250, 0, 0, 0, 0, 0]);
        assert_eq!(reason(&award), pb::award::NotPaidReason::Unspecified);
        // Midnight of April 1 in New York, in summer time.
        assert_eq!(award.release_time.unwrap().seconds, 1_775_016_000);
        let request = pb::GetAwardRequest { name: award.name.clone() };
        let read = scene.world.awards().get_award(request).await.unwrap().into_inner();
        assert_eq!(read, award);
        scene.has_events(&award.name, &["award.posted"]).await;
        scene.is_sound().await;
    }

    async fn a_quarter_pays_back_to_the_first_dollar_and_takes_it_back(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("rebate", quarterly()).await;
        scene.win("deal-1", "nimbus", 300_000, "2026-01-15").await;
        let nothing = scene.award("rebate").await;
        assert_eq!(reason(&nothing), pb::award::NotPaidReason::BelowFirstBand);
        let period = pb::AwardPeriod { start_date: day("2026-01-01"), end_date: day("2026-04-01") };
        assert_eq!(nothing.scope, Some(pb::award::Scope::Period(period)));
        scene.win("deal-2", "nimbus", 400_000, "2026-02-15").await;
        assert_eq!(buckets(&scene.award("rebate").await), [0, 14_000, 0, 0, 0, 0]);
        scene.win("deal-3", "nimbus", 2_000_000, "2026-03-01").await;
        assert_eq!(buckets(&scene.award("rebate").await), [0, 108_000, 0, 0, 0, 0]);
        scene.refund("deal-3", "refund-1", 1_800_000).await;
        let award = scene.award("rebate").await;
        assert_eq!(buckets(&award), [0, 18_000, 0, 0, 0, 0]);
        let explanation = scene.explain(&award).await;
        assert_eq!(explanation.posted_before_amount, usd(108_000));
        assert_eq!(explanation.delta_amount, usd(-90_000));
        assert_eq!(explanation.fact_count, 4);
        // The next quarter is another award.
        scene.win("deal-4", "nimbus", 600_000, "2026-04-01").await;
        let awards = scene.of_plan("rebate").await;
        assert_eq!(entitled(&awards), [18_000, 12_000]);
        scene.is_sound().await;
    }

    async fn bands_pay_for_their_parts_and_their_fixed_amounts_once(world: World) {
        let scene = Scene::new(world).await;
        let plan = version(
            pb::measure::Window::Year,
            pb::schedule::Mode::Marginal,
            vec![
                band(0, "0.01", 20_000),
                band(100_000, "0.02", 30_000),
                band(1_000_000, "0.03", 40_000),
            ],
        );
        scene.promise("graduated", plan).await;
        let mut results = Vec::new();
        for (deal, amount) in [("deal-1", 50_000), ("deal-2", 55_000), ("deal-3", 400_000)] {
            scene.win(deal, "nimbus", amount, "2026-03-02").await;
            results.push(minor(&scene.award("graduated").await.entitled_amount));
        }
        assert_eq!(results, [20_500, 51_100, 59_100]);
        scene.is_sound().await;
    }

    async fn who_earns_nothing_is_told_why(world: World) {
        let scene = Scene::new(world).await;
        let mut gold = percent("0.1");
        gold.audience = Some(pb::Audience {
            tiers: vec!["ecosystems/acme/programs/channel/tiers/gold".to_owned()],
            partner_types: Vec::new(),
            ..pb::Audience::default()
        });
        scene.promise("gold", gold).await;
        let mut referrals = percent("0.1");
        referrals.audience = Some(pb::Audience {
            tiers: Vec::new(),
            partner_types: vec![trellis_api::partner::v1::partner::PartnerType::Reseller.into()],
            ..pb::Audience::default()
        });
        scene.promise("resale", referrals).await;
        let mut least = percent("0.1");
        least.limits = Some(pb::Limits { minimum_amount: usd(20_000), ..pb::Limits::default() });
        scene.promise("least", least).await;
        scene.win("deal-1", "cirrus", 199_994, "2026-03-02").await;
        for (plan, expected) in [
            ("gold", pb::award::NotPaidReason::TierNotInAudience),
            ("resale", pb::award::NotPaidReason::PartnerTypeNotInAudience),
            ("least", pb::award::NotPaidReason::BelowMinimum),
        ] {
            let award = scene.award(plan).await;
            assert_eq!(reason(&award), expected);
            assert_eq!(award.entitled_amount, usd(0));
            assert_eq!(buckets(&award), [0; 6]);
        }
        scene.tell(won("deal-2", 1, Some("nimbus"), 100, Currency::EUR, "2026-03-02")).await;
        let filter =
            "deal = \"ecosystems/acme/deals/deal-2\" AND not_paid_reason = CURRENCY_MISMATCH";
        assert_eq!(scene.awards(filter).await.len(), 3);
        let explanation = scene.explain(&scene.award_of("gold", "deal-1").await).await;
        assert!(explanation.summary.contains("held tier base"), "{}", explanation.summary);
        scene.is_sound().await;
    }

    async fn a_plan_makes_no_award_for_partners_outside_its_program(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", percent("0.1")).await;
        let kind = trellis_api::partner::v1::partner::PartnerType::Reseller;
        scene.partner("stratus", kind).await;
        scene.win("deal-1", "stratus", 100_000, "2026-03-02").await;
        scene.tell(won("deal-2", 1, None, 100_000, Currency::USD, "2026-03-02")).await;
        assert_eq!(scene.awards("").await, []);
        // What it wins once it is enrolled counts; what it won before does not.
        scene.promise("rebate", quarterly()).await;
        scene.enrol("stratus", "base").await;
        scene.win("deal-3", "stratus", 600_000, "2026-03-02").await;
        assert_eq!(scene.award("spiff").await.entitled_amount, usd(60_000));
        let rebate = scene.award("rebate").await;
        assert_eq!(rebate.entitled_amount, usd(12_000));
        let amounts = scene.explain(&rebate).await.amounts;
        assert_eq!(
            amounts.iter().map(pb::AwardAmount::not_counted_reason).collect::<Vec<_>>(),
            [pb::award::NotPaidReason::NotEnrolled, pb::award::NotPaidReason::Unspecified]
        );
        scene.is_sound().await;
    }

    async fn a_hold_ends_at_midnight_in_the_programs_time_zone(world: World) {
        let scene = Scene::new(world).await;
        let mut plan = percent("0.1");
        plan.hold_days = 1;
        scene.promise("spiff", plan).await;
        scene.win("deal-1", "nimbus", 100_000, "2026-03-02").await;
        // It is 10:00 in UTC; March 3 begins in New York 19 hours later.
        scene.pass(19 * HOUR - Duration::from_secs(1)).await;
        let held = scene.award("spiff").await;
        assert_eq!(buckets(&held), [10_000, 0, 0, 0, 0, 0]);
        scene.pass(Duration::from_secs(1)).await;
        let released = scene.award("spiff").await;
        assert_eq!(buckets(&released), [0, 10_000, 0, 0, 0, 0]);
        assert_eq!(released.release_time, None);
        assert_ne!(released.etag, held.etag);
        scene.has_events(&held.name, &["award.posted", "award.released"]).await;
        scene.is_sound().await;
    }

    async fn a_hold_that_has_ended_counts_as_ended_before_anybody_has_looked(world: World) {
        let scene = Scene::new(world).await;
        let mut plan = percent("0.1");
        plan.hold_days = 5;
        scene.promise("spiff", plan).await;
        scene.win("deal-1", "nimbus", 600_000, "2026-03-01").await;
        scene.win("deal-2", "nimbus", 100_000, "2026-03-02").await;
        let first = scene.award_of("spiff", "deal-1").await;
        assert_eq!(buckets(&first), [60_000, 0, 0, 0, 0, 0]);
        // The deployment's own clock moves, which nobody tells the worker of.
        scene.world.clock().advance(4 * DAY);
        let first = scene.award_of("spiff", "deal-1").await;
        assert_eq!(buckets(&first), [0, 60_000, 0, 0, 0, 0]);
        let second = scene.award_of("spiff", "deal-2").await;
        assert_eq!(buckets(&second), [10_000, 0, 0, 0, 0, 0]);
        let approved = scene.approve(&[&first]).await;
        assert_eq!(approved.iter().map(buckets).collect::<Vec<_>>(), [[0, 0, 60_000, 0, 0, 0]]);
        scene.is_sound().await;
    }

    async fn what_a_period_earns_is_held_from_its_end(world: World) {
        let scene = Scene::new(world).await;
        let mut plan = quarterly();
        plan.hold_days = 5;
        scene.promise("rebate", plan).await;
        scene.win("deal-1", "nimbus", 600_000, "2026-01-15").await;
        let award = scene.award("rebate").await;
        assert_eq!(buckets(&award), [12_000, 0, 0, 0, 0, 0]);
        // Midnight of April 6 in New York, in summer time.
        assert_eq!(award.release_time.unwrap().seconds, 1_775_448_000);
        scene.pass(36 * DAY).await;
        assert_eq!(buckets(&scene.award("rebate").await), [0, 12_000, 0, 0, 0, 0]);
        scene.is_sound().await;
    }

    async fn approving_moves_what_is_in_review_and_nothing_else(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", percent("0.1")).await;
        scene.win("deal-1", "nimbus", 100_000, "2026-03-02").await;
        scene.win("deal-2", "cirrus", 200_000, "2026-03-02").await;
        let awards = scene.of_plan("spiff").await;
        let [first, second] = awards.as_slice() else { panic!("{awards:?}") };
        let mut client = scene.world.awards();
        let request = |names: &[&str]| pb::ApproveAwardsRequest {
            parent: scene.name.clone(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            note: "seen".to_owned(),
            ..pb::ApproveAwardsRequest::default()
        };
        let trial = pb::ApproveAwardsRequest { validate_only: true, ..request(&[&first.name]) };
        let tried = client.approve_awards(trial).await.unwrap().into_inner().awards;
        assert_eq!(buckets(&tried[0]), [0, 0, 10_000, 0, 0, 0]);
        assert_eq!(buckets(&scene.of_plan("spiff").await[0]), [0, 10_000, 0, 0, 0, 0]);

        let approval = pb::ApproveAwardsRequest {
            request_id: "0b0b7a8e-8d1f-4c6e-8c35-0a6f1b9f3f10".to_owned(),
            ..request(&[&second.name, &first.name])
        };
        let approved = client.approve_awards(approval.clone()).await.unwrap().into_inner().awards;
        let payable: Vec<_> =
            approved.iter().map(|award| (award.name.as_str(), buckets(award)[2])).collect();
        assert_eq!(payable, [(second.name.as_str(), 20_000), (first.name.as_str(), 10_000)]);
        let again = client.approve_awards(approval).await.unwrap().into_inner().awards;
        assert_eq!(again, approved);
        assert_eq!(scene.of_plan("spiff").await, [approved[1].clone(), approved[0].clone()]);

        scene.win("deal-3", "nimbus", 300_000, "2026-03-02").await;
        let third = scene.award_of("spiff", "deal-3").await;
        refused(
            client.approve_awards(request(&[&third.name, &first.name])).await,
            Code::FailedPrecondition,
            "NOTHING_TO_APPROVE",
        )
        .tells("resource", &first.name);
        let unknown = "ecosystems/acme/awards/0198f2dc-0a00-7003-a751-c951b569123e";
        refused(
            client.approve_awards(request(&[&third.name, unknown])).await,
            Code::NotFound,
            "RESOURCE_NOT_FOUND",
        )
        .tells("resource", unknown);
        assert_eq!(buckets(&scene.award_of("spiff", "deal-3").await), [0, 30_000, 0, 0, 0, 0]);
        refused(
            client.approve_awards(request(&[&third.name, "ecosystems/rival/awards/a"])).await,
            Code::InvalidArgument,
            "INVALID_FIELDS",
        );
        scene.has_events(&first.name, &["award.posted", "award.approved"]).await;
        scene.is_sound().await;
    }

    async fn a_refund_after_the_payout_is_owed(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", percent("0.1")).await;
        scene.win("deal-1", "nimbus", 80_000, "2026-03-02").await;
        let award = scene.award("spiff").await;
        let approved = scene.approve(&[&award]).await;
        pay(&scene, &approved[0]).await;
        assert_eq!(buckets(&scene.award("spiff").await), [0, 0, 0, 0, 8_000, 0]);
        scene.refund("deal-1", "refund-1", 20_000).await;
        let owing = scene.award("spiff").await;
        assert_eq!(owing.entitled_amount, usd(6_000));
        assert_eq!(buckets(&owing), [0, 0, 0, 0, 8_000, 2_000]);
        let explanation = scene.explain(&owing).await;
        assert_eq!(explanation.delta_amount, usd(-2_000));
        // Won anew for more: first the debt is settled, the rest waits for review.
        scene.tell(reopened("deal-1", 1)).await;
        assert_eq!(buckets(&scene.award("spiff").await), [0, 0, 0, 0, 8_000, 8_000]);
        scene.tell(won("deal-1", 2, Some("nimbus"), 90_000, Currency::USD, "2026-03-02")).await;
        assert_eq!(buckets(&scene.award("spiff").await), [0, 1_000, 0, 0, 8_000, 0]);
        scene.is_sound().await;
    }

    async fn a_reopened_deal_earns_nothing_and_may_be_won_by_another(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", percent("0.1")).await;
        scene.promise("rebate", quarterly()).await;
        scene.win("deal-1", "nimbus", 600_000, "2026-03-02").await;
        scene.refund("deal-1", "refund-1", 100_000).await;
        scene.tell(reopened("deal-1", 1)).await;
        for plan in ["spiff", "rebate"] {
            let award = scene.award(plan).await;
            assert_eq!(reason(&award), pb::award::NotPaidReason::DealReopened);
            assert_eq!(buckets(&award), [0; 6]);
        }
        scene.tell(won("deal-1", 2, Some("cirrus"), 700_000, Currency::USD, "2026-04-01")).await;
        let spiffs = scene.of_plan("spiff").await;
        assert_eq!(
            spiffs.iter().map(|award| (award.partner.as_str(), reason(award))).collect::<Vec<_>>(),
            [
                ("ecosystems/acme/partners/cirrus", pb::award::NotPaidReason::Unspecified),
                ("ecosystems/acme/partners/nimbus", pb::award::NotPaidReason::DealMoved),
            ]
        );
        assert_eq!(entitled(&spiffs), [70_000, 0]);
        assert_eq!(entitled(&scene.of_plan("rebate").await), [0, 14_000]);
        scene.is_sound().await;
    }

    async fn news_that_come_twice_are_one_fact(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", percent("0.1")).await;
        scene.promise("rebate", quarterly()).await;
        let news = [
            won("deal-1", 1, Some("nimbus"), 600_000, Currency::USD, "2026-03-02"),
            refunded("deal-1", 1, "refund-1", 50_000),
        ];
        scene.tell_all(news.to_vec()).await;
        let once = scene.awards("").await;
        assert_eq!(entitled(&once), [11_000, 55_000]);
        scene.tell_all([news.to_vec(), news.to_vec()].concat()).await;
        assert_eq!(scene.awards("").await, once);
        scene.is_sound().await;
    }

    async fn the_order_in_which_news_come_makes_no_difference(world: World) {
        let scene = Scene::new(world).await;
        let news = [
            won("deal-1", 1, Some("nimbus"), 600_000, Currency::USD, "2026-03-01"),
            refunded("deal-1", 1, "refund-1", 50_000),
            reopened("deal-1", 1),
            won("deal-1", 2, Some("nimbus"), 650_000, Currency::USD, "2026-03-02"),
            refunded("deal-1", 2, "refund-2", 10_000),
            won("deal-2", 1, Some("nimbus"), 500_000, Currency::USD, "2026-03-01"),
        ];
        let orders: [[usize; 6]; 3] = [[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [4, 0, 5, 2, 1, 3]];
        let mut results = Vec::new();
        for (at, order) in orders.into_iter().enumerate() {
            let beside = scene.beside(&format!("order-{at}")).await;
            beside.promise("spiff", percent("0.1")).await;
            let mut rebate = quarterly();
            rebate.hold_days = 1;
            beside.promise("rebate", rebate).await;
            for index in order {
                beside.tell(news[index].clone()).await;
            }
            beside.pass(3 * DAY).await;
            let mut awards: Vec<_> = beside
                .awards("")
                .await
                .iter()
                .map(|award| {
                    let within = |name: &str| name.splitn(3, '/').last().unwrap().to_owned();
                    let scope = match award.scope.as_ref().unwrap() {
                        pb::award::Scope::Deal(deal) => within(deal),
                        pb::award::Scope::Period(period) => format!("{period:?}"),
                    };
                    (within(&award.plan), scope, buckets(award), reason(award))
                })
                .collect();
            awards.sort_by(|one, other| (&one.0, &one.1).cmp(&(&other.0, &other.1)));
            beside.is_sound().await;
            results.push(awards);
        }
        assert_eq!(results[0].len(), 3);
        assert_eq!(results[1], results[0]);
        assert_eq!(results[2], results[0]);
    }

    async fn a_plan_that_begins_in_the_past_pays_for_it(world: World) {
        let scene = Scene::new(world).await;
        let mut facts: Vec<_> = (0..603)
            .map(|at| {
                let partner = if at % 3 == 0 { "cirrus" } else { "nimbus" };
                won(&format!("deal-{at}"), 1, Some(partner), 10_000, Currency::USD, "2026-02-01")
            })
            .collect();
        facts.push(won("early", 1, Some("nimbus"), 1_000, Currency::USD, "2025-12-31"));
        scene.tell_all(facts).await;
        scene.promise("rebate", quarterly()).await;
        let rebates = scene.of_plan("rebate").await;
        assert_eq!(entitled(&rebates), [80_400, 160_800]);
        scene.promise("spiff", percent("0.1")).await;
        let spiffs = scene.of_plan("spiff").await;
        assert_eq!(entitled(&spiffs), [1_000; 603]);
        let cirrus = "ecosystems/acme/partners/cirrus";
        assert_eq!(spiffs.iter().filter(|award| award.partner == cirrus).count(), 201);
    }

    async fn an_explanation_is_enough_to_compute_the_award_again(world: World) {
        let scene = Scene::new(world).await;
        let mut plan = version(
            pb::measure::Window::Event,
            pb::schedule::Mode::Marginal,
            vec![band(0, "0.05", 0), band(1_000_000, "0.125", 500), band(2_000_000, "0.2", 0)],
        );
        plan.limits = Some(pb::Limits { maximum_amount: usd(1_000_000), ..pb::Limits::default() });
        let scheduled = scene.promise("spiff", plan).await;
        scene.win("deal-1", "nimbus", 1_249_999, "2026-03-02").await;
        let award = scene.award("spiff").await;
        let explanation = scene.explain(&award).await;
        let told = explanation.plan_version.unwrap();
        assert_eq!((told.name, told.schedule), (scheduled.name, scheduled.schedule));
        let facts = &explanation.facts;
        assert_eq!(facts.len(), 1);
        assert_eq!(facts[0].uid, "deal:deal-1:1");
        assert_eq!(facts[0].kind(), pb::award_fact::Kind::DealWon);
        assert_eq!(facts[0].amount, usd(1_249_999));
        assert_eq!(facts[0].occur_date, day("2026-03-02"));
        let amounts = &explanation.amounts;
        assert_eq!(amounts[0].tier, "ecosystems/acme/programs/channel/tiers/gold");
        assert_eq!((amounts[0].deal_count, &amounts[0].net_amount), (1, &usd(1_249_999)));
        assert_eq!(explanation.measured_amount, usd(1_249_999));
        let bands: Vec<_> = explanation
            .bands
            .iter()
            .map(|band| (minor(&band.base_amount), band.exact_amount.clone().unwrap().value))
            .collect();
        assert_eq!(bands, [(1_000_000, "500".to_owned()), (249_999, "317.49875".to_owned())]);
        let rounding = explanation.rounding.unwrap();
        assert_eq!(rounding.exact_amount.unwrap().value, "817.49875");
        assert_eq!(rounding.rounded_amount, usd(81_750));
        assert_eq!(rounding.remainder.unwrap().value, "-0.00125");
        assert_eq!(explanation.entitled_amount, usd(81_750));
        let next = explanation.next_band.unwrap();
        assert_eq!((next.from_amount, next.missing_amount), (usd(2_000_000), usd(750_001)));
        let operations: Vec<_> = explanation.steps.iter().map(pb::AwardStep::operation).collect();
        assert_eq!(
            operations,
            [
                pb::award_step::Operation::SelectVersion,
                pb::award_step::Operation::Audience,
                pb::award_step::Operation::Measure,
                pb::award_step::Operation::Schedule,
                pb::award_step::Operation::Round,
                pb::award_step::Operation::Limit,
                pb::award_step::Operation::Delta,
            ]
        );
        assert_eq!(explanation.trace_hash, explanation.replay_hash);
        assert_eq!(explanation.trace_hash.len(), 64);
        assert_eq!(
            explanation.summary,
            "Version 1 of plan spiff holds for the deal. The deal was won for 12,499.99 USD: \
             12,499.99 USD count. 5 % of 10,000.00 USD, 12.5 % of 2,499.99 USD and 5.00 USD for \
             reaching the band: 817.49875 USD. Rounded half away from zero: 817.50 USD. That is \
             within the limits. Now credited 817.50 USD. 7,500.01 USD more reach the band from \
             20,000.00 USD."
        );
        let unknown = pb::ExplainAwardRequest {
            name: "ecosystems/acme/awards/0198f2dc-0a00-7003-a751-c951b569123e".to_owned(),
        };
        let refusal = scene.world.awards().explain_award(unknown).await;
        refused(refusal, Code::NotFound, "RESOURCE_NOT_FOUND");
    }

    async fn the_version_of_the_day_pays_and_the_next_begins_with_its_own(world: World) {
        let scene = Scene::new(world).await;
        let plan = scene.plan("spiff").await;
        let mut first = percent("0.1");
        first.effective_until_date = day("2026-07-01");
        let first = scene.draft(&plan, first).await;
        scene.schedule(&first.name).await;
        let mut second = percent("0.12");
        second.effective_from_date = day("2026-07-01");
        let second = scene.draft(&plan, second).await;
        scene.schedule(&second.name).await;
        scene.win("deal-1", "nimbus", 100_000, "2026-06-30").await;
        scene.win("deal-2", "nimbus", 100_000, "2026-07-01").await;
        let awards = scene.of_plan("spiff").await;
        let versions: Vec<_> = awards.iter().map(|award| &award.plan_version).collect();
        assert_eq!(versions, [&first.name, &second.name]);
        assert_eq!(entitled(&awards), [10_000, 12_000]);
    }

    async fn awards_are_listed_by_pages_and_filters(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", percent("0.1")).await;
        for at in 0..5 {
            let partner = if at % 2 == 0 { "nimbus" } else { "cirrus" };
            scene.win(&format!("deal-{at}"), partner, 1_000, "2026-03-02").await;
        }
        let mut names = Vec::new();
        let mut request = pb::ListAwardsRequest {
            parent: scene.name.clone(),
            page_size: 2,
            order_by: "create_time desc".to_owned(),
            filter: "program = \"ecosystems/acme/programs/channel\"".to_owned(),
            ..pb::ListAwardsRequest::default()
        };
        loop {
            let page = scene.now().awards().list_awards(request.clone()).await.unwrap();
            let page = page.into_inner();
            names.extend(page.awards.into_iter().map(|award| award.name));
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        let mut all: Vec<_> = scene.awards("").await.into_iter().map(|award| award.name).collect();
        names.sort_unstable();
        all.sort_unstable();
        assert_eq!(names, all);
        assert_eq!(scene.awards("partner = \"ecosystems/acme/partners/cirrus\"").await.len(), 2);
        assert_eq!(scene.awards("deal = \"ecosystems/acme/deals/deal-3\"").await.len(), 1);
        request.page_token = String::new();
        request.filter = "entitled_amount > 5".to_owned();
        let refusal = scene.world.awards().list_awards(request).await;
        refused(refusal, Code::InvalidArgument, "INVALID_FIELDS");
    }

    async fn wins_refunds_and_approvals_at_the_same_time_leave_everything_sound(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", percent("0.1")).await;
        scene.promise("rebate", quarterly()).await;
        let wins = (0..40).map(|at| {
            let scene = &scene;
            async move {
                let deal = format!("deal-{at}");
                let partner = if at % 2 == 0 { "nimbus" } else { "cirrus" };
                scene.win(&deal, partner, 100_000, "2026-03-02").await;
                if at % 4 == 0 {
                    scene.refund(&deal, &format!("refund-{at}"), 50_000).await;
                }
            }
        });
        let approvals = (0..8).map(|_| {
            let scene = &scene;
            async move {
                for award in scene.awards("").await {
                    let request = pb::ApproveAwardsRequest {
                        parent: scene.name.clone(),
                        names: vec![award.name.clone()],
                        ..pb::ApproveAwardsRequest::default()
                    };
                    if let Err(status) = scene.world.awards().approve_awards(request).await {
                        assert_eq!(status.code(), Code::FailedPrecondition, "{status:?}");
                    }
                }
            }
        });
        futures::join!(join_all(wins), join_all(approvals));
        scene.win("last", "nimbus", 100, "2026-03-02").await;
        let spiffs: i64 = entitled(&scene.of_plan("spiff").await).into_iter().sum();
        assert_eq!(spiffs, 20 * 10_000 + 10 * 10_000 + 10 * 5_000 + 10);
        assert_eq!(entitled(&scene.of_plan("rebate").await), [80_000, 60_004]);
        scene.is_sound().await;
    }
}

impl Scene {
    /// The award of a plan for a deal.
    async fn award_of(&self, plan: &str, deal: &str) -> pb::Award {
        let filter = format!(
            "plan = \"{0}/plans/{plan}\" AND deal = \"{0}/deals/{deal}\"",
            self.name
        );
        let mut awards = self.awards(&filter).await;
        assert_eq!(awards.len(), 1, "{awards:?}");
        awards.remove(0)
    }
}
