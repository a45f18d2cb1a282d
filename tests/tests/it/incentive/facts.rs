//! `FactService`, and awards that are computed from facts.

use std::collections::BTreeMap;

use tonic::Code;
use trellis_api::google::r#type::Decimal;
use trellis_api::incentive::v1 as pb;
use trellis_core::Currency;
use trellis_store::deal::deal::{DealType, PartnerRole, Role};
use trellis_store::deal::facts::{DealWon, Fact, WonLine};
use trellis_tests::{on_both, position, refused};

use super::scene::{Scene, band, buckets, day, minor, reopened, usd, version, won};

pub(super) const ACME: &str = "ecosystems/acme";

/// A share of every invoice that is paid.
pub(super) fn of_invoices(rate: &str) -> pb::PlanVersion {
    let mut plan = version(
        pb::measure::Window::Event,
        pb::schedule::Mode::Marginal,
        vec![band(0, rate, 0)],
    );
    plan.trigger = pb::plan_version::Trigger::InvoicePaid.into();
    plan.measure.as_mut().unwrap().source = pb::measure::Source::InvoicePaidNet.into();
    plan
}

/// An invoice of `nimbus` over so many cents that was paid on a day.
pub(super) fn invoice(id: &str, cents: i64, date: &str) -> pb::IncentiveFact {
    pb::IncentiveFact {
        external_id: id.to_owned(),
        kind: pb::incentive_fact::Kind::InvoicePaid.into(),
        occur_date: day(date),
        partner: format!("{ACME}/partners/nimbus"),
        customer: "acme-corp".to_owned(),
        amount: usd(cents),
        ..pb::IncentiveFact::default()
    }
}

pub(super) fn refund(id: &str, about: &str, cents: i64, date: &str) -> pb::IncentiveFact {
    pb::IncentiveFact {
        kind: pb::incentive_fact::Kind::Refund.into(),
        about: about.to_owned(),
        ..invoice(id, cents, date)
    }
}

pub(super) fn telling(facts: Vec<pb::IncentiveFact>) -> pb::RecordFactsRequest {
    pb::RecordFactsRequest {
        parent: ACME.to_owned(),
        source: "erp".to_owned(),
        facts,
        ..pb::RecordFactsRequest::default()
    }
}

/// Records, and answers how much of it was new and how much was known.
async fn record(scene: &Scene, request: pb::RecordFactsRequest) -> (i32, i32) {
    let recorded = scene.world.facts().record_facts(request).await.unwrap();
    let (fresh, known) = {
        let answer = recorded.get_ref();
        (answer.recorded_count, answer.known_count)
    };
    if fresh > 0 {
        scene.note(position(&recorded));
        // What is told next is looked at by itself, not together with this.
        scene.awards("").await;
    }
    (fresh, known)
}

pub(super) async fn tell(scene: &Scene, facts: Vec<pb::IncentiveFact>) {
    record(scene, telling(facts)).await;
}

/// What a plan comes to: for each partner and thing, how much, and why nothing.
pub(super) async fn books(scene: &Scene, plan: &str) -> Vec<(String, i64, &'static str)> {
    let awards = scene.of_plan(plan).await;
    for award in &awards {
        let explanation = scene.explain(award).await;
        assert_eq!(explanation.replay_hash, explanation.trace_hash, "{award:?}");
    }
    let mut entered: Vec<_> = awards
        .iter()
        .map(|award| {
            let partner = award.partner.rsplit('/').next().unwrap();
            let reason = award.not_paid_reason().as_str_name();
            let reason = reason.trim_start_matches("NOT_PAID_REASON_");
            let what = if award.fact.is_empty() {
                &award.group
            } else {
                &award.fact
            };
            (
                format!("{partner} {what}"),
                minor(&award.entitled_amount),
                reason,
            )
        })
        .collect();
    entered.sort();
    entered
}

pub(super) fn entry(what: &str, cents: i64, reason: &'static str) -> (String, i64, &'static str) {
    (what.to_owned(), cents, reason)
}

pub(super) const PAID: &str = "UNSPECIFIED";

on_both! {
    async fn a_paid_invoice_earns_its_share_and_a_refund_takes_it_back(world: World) {
        let scene = Scene::new(world).await;
        let mut plan = of_invoices("0.1");
        plan.hold_days = 30;
        scene.promise("commission", plan).await;
        tell(&scene, vec![invoice("INV-1", 80_000, "2026-03-02")]).await;
        let award = scene.award("commission").await;
        assert_eq!(award.fact, "erp:INV-1");
        assert_eq!(award.earner, "");
        assert_eq!(award.entitled_amount, usd(8_000));
        assert_eq!(buckets(&award), [8_000, 0, 0, 0, 0, 0]);
        // Midnight of April 1 in New York, in summer time.
        assert_eq!(award.release_time.unwrap().seconds, 1_775_016_000);
        scene.has_events(&award.name, &["award.posted"]).await;
        tell(&scene, vec![refund("CN-1", "INV-1", 20_000, "2026-03-09")]).await;
        let award = scene.award("commission").await;
        assert_eq!(buckets(&award), [6_000, 0, 0, 0, 0, 0]);
        let explanation = scene.explain(&award).await;
        assert_eq!(explanation.posted_before_amount, usd(8_000));
        assert_eq!(explanation.delta_amount, usd(-2_000));
        assert_eq!(explanation.replay_hash, explanation.trace_hash);
        let ids: Vec<&str> = explanation.facts.iter().map(|fact| fact.uid.as_str()).collect();
        assert_eq!(ids, ["erp:CN-1:1", "erp:INV-1:1"]);
        let request = pb::ExplainAwardRequest { name: award.name.clone() };
        let explained = scene.now().awards().explain_award(request).await.unwrap().into_inner();
        let computation = explained.computation.unwrap();
        assert_eq!(computation.trace_hash, explanation.trace_hash);
        assert_eq!(computation.delta_amount, usd(-2_000));
        scene.pass(std::time::Duration::from_secs(60 * 24 * 60 * 60)).await;
        let award = scene.award("commission").await;
        assert_eq!(buckets(&award), [0, 6_000, 0, 0, 0, 0]);
        assert_eq!(award.release_time, None);
        let approved = scene.approve(&[&award]).await;
        assert_eq!(buckets(&approved[0]), [0, 0, 6_000, 0, 0, 0]);
        // What is taken back of what is payable is not payable any longer.
        tell(&scene, vec![refund("CN-2", "INV-1", 60_000, "2026-03-10")]).await;
        let award = scene.award("commission").await;
        assert_eq!(buckets(&award), [0, 0, 0, 0, 0, 0]);
        assert_eq!(award.not_paid_reason(), pb::award::NotPaidReason::FullyRefunded);
        scene.is_sound().await;
    }

    async fn a_refund_takes_from_held_then_review_then_payable(world: World) {
        let scene = Scene::new(world).await;
        let mut plan = of_invoices("0.1");
        plan.protection = Some(pb::Protection {
            holdback: Some(pb::Holdback {
                share: Some(Decimal { value: "0.25".to_owned() }),
                days: 90,
            }),
            ..pb::Protection::default()
        });
        scene.promise("commission", plan).await;
        tell(&scene, vec![invoice("INV-1", 400_000, "2026-03-02")]).await;
        let award = scene.award("commission").await;
        assert_eq!(buckets(&award), [10_000, 30_000, 0, 0, 0, 0]);
        scene.approve(&[&award]).await;
        let more = pb::IncentiveFact { revision: 2, ..invoice("INV-1", 800_000, "2026-03-02") };
        tell(&scene, vec![more]).await;
        let after = async |id: &str, cents: i64| {
            tell(&scene, vec![refund(id, "INV-1", cents, "2026-03-03")]).await;
            buckets(&scene.award("commission").await)
        };
        assert_eq!(buckets(&scene.award("commission").await), [20_000, 30_000, 30_000, 0, 0, 0]);
        assert_eq!(after("CN-1", 100_000).await, [10_000, 30_000, 30_000, 0, 0, 0]);
        assert_eq!(after("CN-2", 300_000).await, [0, 10_000, 30_000, 0, 0, 0]);
        assert_eq!(after("CN-3", 200_000).await, [0, 0, 20_000, 0, 0, 0]);
        assert_eq!(after("CN-4", 200_000).await, [0, 0, 0, 0, 0, 0]);
        scene.is_sound().await;
    }

    async fn what_is_told_twice_is_known_and_what_is_told_otherwise_is_refused(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("commission", of_invoices("0.1")).await;
        let first = invoice("INV-1", 80_000, "2026-03-02");
        assert_eq!(record(&scene, telling(vec![first.clone()])).await, (1, 0));
        let again = vec![first.clone(), invoice("INV-2", 10_000, "2026-03-03")];
        assert_eq!(record(&scene, telling(again)).await, (1, 1));
        let other = telling(vec![invoice("INV-3", 1, "2026-03-03"), invoice("INV-1", 70_000, "2026-03-02")]);
        let refusal = scene.world.facts().record_facts(other).await;
        refused(refusal, Code::AlreadyExists, "FACT_RECORDED_OTHERWISE").tells("fact", "erp:INV-1:1");
        let list = pb::ListFactsRequest {
            parent: ACME.to_owned(),
            ..pb::ListFactsRequest::default()
        };
        let listed = scene.world.facts().list_facts(list).await;
        let listed = listed.unwrap().into_inner().facts;
        let ids: Vec<&str> = listed.iter().map(|told| told.fact.as_ref().unwrap().external_id.as_str()).collect();
        assert_eq!(ids, ["INV-1", "INV-2"], "all of a call or nothing");
        let kept = listed[0].fact.as_ref().unwrap();
        assert_eq!(kept.amount, first.amount);
        assert_eq!(kept.fields["partner.status"].text(), "ACTIVE");
        // A correction is the next revision; and one that did not happen is withdrawn.
        let corrected = pb::IncentiveFact { revision: 2, ..invoice("INV-1", 70_000, "2026-03-02") };
        let withdrawn = pb::IncentiveFact { revision: 2, withdrawn: true, ..invoice("INV-2", 10_000, "2026-03-03") };
        tell(&scene, vec![corrected, withdrawn]).await;
        assert_eq!(books(&scene, "commission").await, [
            entry("nimbus erp:INV-1", 7_000, PAID),
            entry("nimbus erp:INV-2", 0, "NOTHING_LEFT"),
        ]);
        scene.is_sound().await;
    }

    async fn everything_that_is_wrong_with_facts_is_told_at_once(world: World) {
        let scene = Scene::new(world).await;
        let mut wrong = telling(vec![
            pb::IncentiveFact {
                kind: pb::incentive_fact::Kind::DealWon.into(),
                record_time: Some(trellis_api::time::wire(trellis_core::Timestamp::from_micros(1))),
                fields: BTreeMap::from([("line.catgory".to_owned(), pb::FactValue::default())]),
                ..invoice("INV-1", 1, "2026-03-02")
            },
        ]);
        wrong.source = "deal".to_owned();
        let refusal = refused(
            scene.world.facts().record_facts(wrong).await,
            Code::InvalidArgument,
            "INVALID_FIELDS",
        );
        refusal.breaks("source", "source.reserved");
        refusal.breaks("facts[0].kind", "fact.kind");
        refusal.breaks("facts[0].record_time", "fact.recorded");
        refusal.breaks("facts[0].fields[\"line.catgory\"]", "fact.field");
        let nothing = scene.world.facts().record_facts(telling(Vec::new())).await;
        refused(nothing, Code::InvalidArgument, "INVALID_FIELDS").breaks("facts", "required");
        let nobody = pb::IncentiveFact {
            partner: format!("{ACME}/partners/nobody"),
            ..invoice("INV-1", 1, "2026-03-02")
        };
        let absent = scene.world.facts().record_facts(telling(vec![nobody])).await;
        refused(absent, Code::NotFound, "RESOURCE_NOT_FOUND")
            .tells("resource", "ecosystems/acme/partners/nobody");
    }

    async fn what_is_not_known_is_a_reason_until_it_is(world: World) {
        let scene = Scene::new(world).await;
        // 6 % of what is below 80 % of the quota, 12 % of what is above it, in euros exchanged to dollars.
        let mut plan = of_invoices("0");
        plan.measure = Some(pb::Measure {
            source: pb::measure::Source::InvoicePaidNet.into(),
            window: pb::measure::Window::Quarter.into(),
            target: Some(pb::MeasureTarget {
                kind: pb::measure_target::Kind::Quota.into(),
                quota: "sales".to_owned(),
                ..pb::MeasureTarget::default()
            }),
            band_by: pb::measure::BandBy::Attainment.into(),
            ..pb::Measure::default()
        });
        let share = |from: &str, rate: &str| pb::Band {
            from_value: Some(Decimal { value: from.to_owned() }),
            rate: Some(Decimal { value: rate.to_owned() }),
            ..pb::Band::default()
        };
        plan.schedule.as_mut().unwrap().bands = vec![share("0", "0.06"), share("0.8", "0.12")];
        plan.policy = Some(pb::Policy {
            exchange: Some(pb::PolicyExchange {
                rate: pb::policy_exchange::Rate::Spot.into(),
                day: pb::policy_exchange::Day::Event.into(),
            }),
            ..pb::Policy::default()
        });
        scene.promise("accelerator", plan).await;
        let euros = pb::IncentiveFact {
            amount: Some(trellis_api::money::wire(trellis_core::Money::new(10_000_000, Currency::EUR))),
            ..invoice("INV-1", 0, "2026-03-02")
        };
        tell(&scene, vec![euros]).await;
        let reason = |books: Vec<(String, i64, &'static str)>| (books[0].1, books[0].2);
        assert_eq!(reason(books(&scene, "accelerator").await), (0, "NO_EXCHANGE_RATE"));
        let rate = |id: &str, rate: &str| pb::RecordFactsRequest {
            exchange_rates: vec![pb::ExchangeRate {
                external_id: id.to_owned(),
                kind: pb::exchange_rate::Kind::Spot.into(),
                from_currency_code: "EUR".to_owned(),
                to_currency_code: "USD".to_owned(),
                date: day("2026-03-01"),
                rate: Some(Decimal { value: rate.to_owned() }),
                ..pb::ExchangeRate::default()
            }],
            ..telling(Vec::new())
        };
        assert_eq!(record(&scene, rate("ecb-1", "1.1")).await, (1, 0));
        assert_eq!(reason(books(&scene, "accelerator").await), (0, "NO_QUOTA"));
        let quota = |cents: i64| pb::RecordFactsRequest {
            quotas: vec![pb::FactQuota {
                quota: "sales".to_owned(),
                partner: format!("{ACME}/partners/nimbus"),
                period_start_date: day("2026-01-01"),
                amount: usd(cents),
                ..pb::FactQuota::default()
            }],
            ..telling(Vec::new())
        };
        assert_eq!(record(&scene, quota(10_000_000)).await, (1, 0));
        assert_eq!(record(&scene, quota(10_000_000)).await, (0, 1));
        // 110,000.00: 80,000.00 at 6 % and 30,000.00 at 12 %.
        assert_eq!(reason(books(&scene, "accelerator").await), (840_000, PAID));
        // A quota that changes in the middle of its period counts for all of it.
        assert_eq!(record(&scene, quota(20_000_000)).await, (1, 0));
        assert_eq!(reason(books(&scene, "accelerator").await), (660_000, PAID));
        // Of two rates for a day the one that was recorded last counts.
        scene.pass(std::time::Duration::from_secs(1)).await;
        assert_eq!(record(&scene, rate("ecb-0", "1")).await, (1, 0));
        assert_eq!(reason(books(&scene, "accelerator").await), (600_000, PAID));
        let other = scene.world.facts().record_facts(rate("ecb-1", "1.2")).await;
        refused(other, Code::AlreadyExists, "FACT_RECORDED_OTHERWISE").tells("fact", "ecb-1");
        scene.is_sound().await;
    }

    async fn a_budget_is_used_up_to_the_cent_in_the_order_of_the_days(world: World) {
        let scene = Scene::new(world).await;
        let mut plan = of_invoices("0");
        plan.measure = Some(pb::Measure {
            source: pb::measure::Source::Count.into(),
            window: pb::measure::Window::Event.into(),
            ..pb::Measure::default()
        });
        plan.schedule.as_mut().unwrap().bands = vec![pb::Band {
            from_value: Some(Decimal { value: "0".to_owned() }),
            fixed_amount: usd(15_000),
            ..pb::Band::default()
        }];
        plan.limits = Some(pb::Limits {
            shared_limits: vec![pb::SharedLimit {
                scope: pb::shared_limit::Scope::Plan.into(),
                window: pb::shared_limit::Window::Lifetime.into(),
                maximum_amount: usd(100_000),
                ..pb::SharedLimit::default()
            }],
            ..pb::Limits::default()
        });
        scene.promise("spiff", plan).await;
        let of = |partner: &str, at: usize| pb::IncentiveFact {
            partner: format!("{ACME}/partners/{partner}"),
            ..invoice(&format!("INV-{at}"), 100, &format!("2026-03-{at:02}"))
        };
        for at in (1..=8).rev() {
            tell(&scene, vec![of(if at % 2 == 0 { "nimbus" } else { "cirrus" }, at)]).await;
        }
        let entered = books(&scene, "spiff").await;
        let mut cents: Vec<(String, i64, &str)> = entered
            .iter()
            .map(|(what, cents, reason)| (what.rsplit('-').next().unwrap().to_owned(), *cents, *reason))
            .collect();
        cents.sort();
        let each = |at: usize, cents, reason| (at.to_string(), cents, reason);
        let mut expected: Vec<_> = (1..=6).map(|at| each(at, 15_000, PAID)).collect();
        expected.push(each(7, 10_000, PAID));
        expected.push(each(8, 0, "BUDGET_EXHAUSTED"));
        assert_eq!(cents, expected);
        scene.is_sound().await;
    }

    async fn partners_share_an_award_by_their_roles_and_each_sees_its_own(world: World) {
        let scene = Scene::new(world).await;
        let mut plan = version(
            pb::measure::Window::Event,
            pb::schedule::Mode::Marginal,
            vec![band(0, "0.1", 0)],
        );
        let weight = |role: &str, weight| pb::RoleWeight { role: role.to_owned(), weight };
        plan.sharing = Some(pb::Sharing {
            roles: vec![weight("SOURCED", 60), weight("CO_SELL", 40)],
            ..pb::Sharing::default()
        });
        scene.promise("team", plan).await;
        let partner = |id: &str| trellis_core::PartnerId::try_new(id).unwrap();
        let Fact::Won(plain) = won("deal-1", 1, Some("nimbus"), 100_001, Currency::USD, "2026-03-02") else {
            panic!("a win");
        };
        scene.tell(Fact::Won(DealWon {
            roles: vec![
                PartnerRole::new(partner("nimbus"), Role::Sourced),
                PartnerRole::new(partner("cirrus"), Role::CoSell),
            ],
            ..plain.clone()
        })).await;
        let fact = "deal:deal-1/wins/1";
        assert_eq!(books(&scene, "team").await, [
            entry(&format!("cirrus {fact}"), 4_000, PAID),
            entry(&format!("nimbus {fact}"), 6_000, PAID),
        ]);
        let awards = scene.of_plan("team").await;
        let of = |id: &str| awards.iter().find(|award| award.partner.ends_with(id)).unwrap();
        assert_eq!(of("nimbus").earner, "");
        assert_eq!(of("cirrus").earner, format!("{ACME}/partners/nimbus"));
        let explained = scene.explain(of("cirrus")).await;
        assert!(explained.summary.contains("The part of cirrus is 40.00 USD."), "{}", explained.summary);
        // What is refunded, both give back.
        scene.refund("deal-1", "r-1", 50_000).await;
        assert_eq!(books(&scene, "team").await, [
            entry(&format!("cirrus {fact}"), 2_000, PAID),
            entry(&format!("nimbus {fact}"), 3_000, PAID),
        ]);
        // A deal that is reopened was won by nobody.
        scene.tell(reopened("deal-1", 1)).await;
        assert_eq!(books(&scene, "team").await, [
            entry(&format!("cirrus {fact}"), 0, "NOTHING_LEFT"),
            entry(&format!("nimbus {fact}"), 0, "NOTHING_LEFT"),
        ]);
        scene.is_sound().await;
    }

    async fn products_of_a_deal_earn_by_their_own_rates_and_give_back_what_is_left(world: World) {
        let scene = Scene::new(world).await;
        let mut plan = version(
            pb::measure::Window::Event,
            pb::schedule::Mode::Marginal,
            vec![band(0, "0.15", 0)],
        );
        plan.trigger = pb::plan_version::Trigger::OrderLine.into();
        plan.trigger_condition = "line.product == \"cloud\" && deal.type == \"NEW\"".to_owned();
        plan.measure.as_mut().unwrap().source = pb::measure::Source::LineNet.into();
        scene.promise("cloud", plan).await;
        let Fact::Won(plain) = won("deal-1", 1, Some("nimbus"), 200_000, Currency::USD, "2026-03-02") else {
            panic!("a win");
        };
        let line = |product: &str, amount_minor| WonLine {
            product: trellis_core::ProductId::try_new(product).unwrap(),
            quantity: 1,
            amount_minor,
        };
        scene.tell(Fact::Won(DealWon {
            lines: vec![line("cloud", 150_000), line("support", 50_000)],
            deal_type: Some(DealType::New),
            ..plain
        })).await;
        let lines = |cloud: i64| [
            entry("nimbus deal:deal-1/wins/1/lines/1", cloud, PAID),
            entry("nimbus deal:deal-1/wins/1/lines/2", 0, "CONDITION_NOT_MET"),
        ];
        assert_eq!(books(&scene, "cloud").await, lines(22_500));
        // A quarter of the deal is a quarter of each line.
        scene.refund("deal-1", "r-1", 50_000).await;
        assert_eq!(books(&scene, "cloud").await, lines(16_875));
        let award = &scene.of_plan("cloud").await[0];
        assert_eq!(award.scope, Some(pb::award::Scope::Deal(format!("{ACME}/deals/deal-1"))));
        scene.is_sound().await;
    }

    async fn a_plan_that_is_scheduled_late_pays_for_what_was_known_before(world: World) {
        let scene = Scene::new(world).await;
        tell(&scene, (1..=3).map(|at| invoice(&format!("INV-{at}"), 10_000, "2026-03-02")).collect()).await;
        scene.win("deal-1", "cirrus", 50_000, "2026-03-02").await;
        scene.promise("commission", of_invoices("0.1")).await;
        let mut plan = of_invoices("0.2");
        plan.trigger = pb::plan_version::Trigger::DealWon.into();
        plan.measure.as_mut().unwrap().source = pb::measure::Source::DealNet.into();
        plan.trigger_condition = "event.amount_minor >= 50000".to_owned();
        scene.promise("large", plan).await;
        let paid: Vec<i64> = books(&scene, "commission").await.iter().map(|(_, cents, _)| *cents).collect();
        assert_eq!(paid, [1_000, 1_000, 1_000]);
        assert_eq!(books(&scene, "large").await, [entry("cirrus deal:deal-1/wins/1", 10_000, PAID)]);
        scene.is_sound().await;
    }

    async fn the_order_in_which_facts_are_told_makes_no_difference(world: World) {
        let scene = Scene::new(world).await;
        let mut plan = of_invoices("0");
        plan.measure.as_mut().unwrap().window = pb::measure::Window::Quarter.into();
        plan.schedule = Some(pb::Schedule {
            mode: pb::schedule::Mode::Whole.into(),
            bands: vec![band(0, "0.02", 0), band(100_000, "0.05", 0)],
            ..pb::Schedule::default()
        });
        plan.limits = Some(pb::Limits {
            maximum_amount: usd(7_000),
            ..pb::Limits::default()
        });
        scene.promise("rebate", plan.clone()).await;
        let other = scene.beside("other").await;
        other.promise("rebate", plan).await;
        let mut facts = vec![
            invoice("INV-1", 60_000, "2026-01-10"),
            invoice("INV-2", 50_000, "2026-02-10"),
            invoice("INV-3", 90_000, "2026-04-10"),
            refund("CN-1", "INV-1", 30_000, "2026-03-10"),
            pb::IncentiveFact { revision: 2, ..invoice("INV-2", 80_000, "2026-02-10") },
        ];
        for fact in &facts {
            tell(&scene, vec![fact.clone()]).await;
        }
        facts.reverse();
        for mut fact in facts {
            fact.partner = format!("{}/partners/nimbus", other.name);
            let request = pb::RecordFactsRequest { parent: other.name.clone(), ..telling(vec![fact]) };
            record(&other, request).await;
        }
        let mut came = Vec::new();
        for scene in [&scene, &other] {
            let books: Vec<i64> = books(scene, "rebate").await.iter().map(|(_, cents, _)| *cents).collect();
            came.push(books);
            scene.is_sound().await;
        }
        // 110,000 at 5 % is 5,500; 90,000 at 2 % is 1,800.
        assert_eq!(came, [[1_800, 5_500], [1_800, 5_500]]);
    }

    async fn a_hold_lasts_until_its_condition_holds(world: World) {
        let scene = Scene::new(world).await;
        let mut plan = of_invoices("0.1");
        plan.protection = Some(pb::Protection {
            hold_until: "event.valid".to_owned(),
            ..pb::Protection::default()
        });
        scene.promise("commission", plan).await;
        let valid = |truth| BTreeMap::from([("event.valid".to_owned(), pb::FactValue {
            truth: Some(truth),
            ..pb::FactValue::default()
        })]);
        let first = pb::IncentiveFact { fields: valid(false), ..invoice("INV-1", 80_000, "2026-03-02") };
        tell(&scene, vec![first.clone()]).await;
        let award = scene.award("commission").await;
        assert_eq!(buckets(&award), [8_000, 0, 0, 0, 0, 0]);
        assert_eq!(award.release_time, None, "nobody knows when");
        tell(&scene, vec![pb::IncentiveFact { revision: 2, fields: valid(true), ..first }]).await;
        assert_eq!(buckets(&scene.award("commission").await), [0, 8_000, 0, 0, 0, 0]);
        scene.is_sound().await;
    }

    async fn of_plans_of_a_group_the_best_is_paid(world: World) {
        let scene = Scene::new(world).await;
        for (id, rate, rank) in [("low", "0.05", 1), ("high", "0.08", 2)] {
            let mut plan = of_invoices(rate);
            plan.policy = Some(pb::Policy {
                stack: Some(pb::PolicyStack {
                    group: "invoices".to_owned(),
                    rule: pb::policy_stack::Rule::BestOf.into(),
                    rank,
                    ..pb::PolicyStack::default()
                }),
                ..pb::Policy::default()
            });
            scene.promise(id, plan).await;
        }
        tell(&scene, vec![invoice("INV-1", 100_000, "2026-03-02")]).await;
        assert_eq!(books(&scene, "low").await, [entry("nimbus erp:INV-1", 0, "STACKED_OUT")]);
        assert_eq!(books(&scene, "high").await, [entry("nimbus erp:INV-1", 8_000, PAID)]);
        scene.is_sound().await;
    }

    async fn a_plan_that_retires_pays_for_no_day_from_then_on(world: World) {
        let scene = Scene::new(world).await;
        let version = scene.promise("commission", of_invoices("0.1")).await;
        let facts = vec![invoice("INV-1", 10_000, "2026-03-02"), invoice("INV-2", 10_000, "2036-03-02")];
        tell(&scene, facts).await;
        let before = scene.of_plan("commission").await;
        let request = pb::RetirePlanVersionRequest {
            name: version.name,
            retire_date: day("2030-01-01"),
            ..pb::RetirePlanVersionRequest::default()
        };
        scene.pass(std::time::Duration::from_secs(1)).await;
        let retired = scene.world.plans().retire_plan_version(request).await.unwrap();
        scene.note(position(&retired));
        assert_eq!(books(&scene, "commission").await, [
            entry("nimbus erp:INV-1", 1_000, PAID),
            entry("nimbus erp:INV-2", 0, "NOTHING_LEFT"),
        ]);
        // What people call the plan changes nothing.
        let rename = pb::UpdatePlanRequest {
            plan: Some(pb::Plan {
                name: format!("{ACME}/plans/commission"),
                display_name: "Another name".to_owned(),
                ..pb::Plan::default()
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["display_name".to_owned()],
            }),
            ..pb::UpdatePlanRequest::default()
        };
        scene.world.plans().update_plan(rename).await.unwrap();
        books(&scene, "commission").await;
        // What the retirement does not touch, is not touched by it.
        let first = |awards: &[pb::Award]| awards.iter().find(|award| award.fact == "erp:INV-1").cloned();
        assert_eq!(first(&before), first(&scene.of_plan("commission").await));
        scene.is_sound().await;
    }
}
