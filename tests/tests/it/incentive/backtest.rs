//! `BacktestPlan`: what partners would have got under other terms.

use std::collections::BTreeMap;
use std::time::Duration;

use tonic::Code;
use trellis_api::google::r#type::Decimal;
use trellis_api::incentive::v1 as pb;
use trellis_api::incentive::v1::backtest_plan_response::Part;
use trellis_api::partner;
use trellis_core::{Currency, PartnerId};
use trellis_store::View;
use trellis_store::deal::deal::{PartnerRole, Role};
use trellis_store::deal::facts::{DealWon, Fact};
use trellis_store::incentive::recorded_fact;
use trellis_tests::{Caller, on_both, position, refused};

use super::ruled::{adjust, adjustment};
use super::scene::{
    Scene, band, day, minor, percent, quarterly, refunded, reopened, usd, version, won,
};
use crate::rows;

/// All messages of a backtest.
#[derive(Debug, Default)]
struct Told {
    progress: Vec<pb::BacktestProgress>,
    partners: Vec<pb::BacktestPartner>,
    result: pb::BacktestResult,
}

impl Told {
    async fn read(caller: &Caller, request: pb::BacktestPlanRequest) -> Self {
        let stream = caller.plans().backtest_plan(request).await.unwrap();
        let mut stream = stream.into_inner();
        let mut told = Self::default();
        let mut ended = false;
        while let Some(message) = stream.message().await.unwrap() {
            assert!(!ended, "the result is the last message");
            match message.part.unwrap() {
                Part::Progress(progress) => told.progress.push(progress),
                Part::Partners(some) => {
                    assert!((1..=500).contains(&some.partners.len()));
                    told.partners.extend(some.partners);
                }
                Part::Result(result) => {
                    told.result = result;
                    ended = true;
                }
            }
        }
        assert!(ended, "there is a result");
        told
    }

    /// What each partner gets: by the terms that hold, and by the proposed ones.
    fn amounts(&self) -> BTreeMap<String, (i64, i64)> {
        let amounts = |partner: &pb::BacktestPartner| {
            let id = partner.partner.rsplit('/').next().unwrap().to_owned();
            (id, both(partner.amounts.as_ref().unwrap()))
        };
        self.partners.iter().map(amounts).collect()
    }

    /// What all get, in the only currency.
    fn dollars(&self) -> &pb::BacktestCurrency {
        let [dollars] = &self.result.currencies[..] else {
            panic!("{:?}", self.result.currencies);
        };
        assert_eq!(dollars.currency_code, "USD");
        dollars
    }
}

/// Both amounts, whose difference is right.
fn both(amounts: &pb::BacktestAmounts) -> (i64, i64) {
    let (current, proposed) = (
        minor(&amounts.current_amount),
        minor(&amounts.proposed_amount),
    );
    assert_eq!(minor(&amounts.difference_amount), proposed - current);
    let percent = amounts.difference_percent.as_ref();
    assert_eq!(percent.is_some(), current > 0);
    (current, proposed)
}

/// All of 2026 under some version that is there.
fn named(scene: &Scene, version: &str) -> pb::BacktestPlanRequest {
    pb::BacktestPlanRequest {
        plan_versions: vec![version.to_owned()],
        ..year(scene)
    }
}

/// All of 2026 under some version that is given.
fn given(scene: &Scene, plan: &str, version: pb::PlanVersion) -> pb::BacktestPlanRequest {
    let name = format!("{}/plans/{plan}/versions/9", scene.name);
    pb::BacktestPlanRequest {
        given_versions: vec![pb::PlanVersion { name, ..version }],
        ..year(scene)
    }
}

fn year(scene: &Scene) -> pb::BacktestPlanRequest {
    pb::BacktestPlanRequest {
        parent: scene.name.clone(),
        start_date: day("2026-01-01"),
        end_date: day("2027-01-01"),
        ..pb::BacktestPlanRequest::default()
    }
}

/// What each partner has in the books of a plan; those that have nothing are left out.
async fn books(scene: &Scene, plan: &str) -> BTreeMap<String, i64> {
    let mut sums = BTreeMap::new();
    for award in scene.of_plan(plan).await {
        let id = award.partner.rsplit('/').next().unwrap().to_owned();
        *sums.entry(id).or_default() += minor(&award.entitled_amount);
    }
    sums.retain(|_, sum| *sum != 0);
    sums
}

fn side(
    amounts: &BTreeMap<String, (i64, i64)>,
    of: fn((i64, i64)) -> i64,
) -> BTreeMap<String, i64> {
    let mut side: BTreeMap<String, i64> = amounts
        .iter()
        .map(|(partner, both)| (partner.clone(), of(*both)))
        .collect();
    side.retain(|_, amount| *amount != 0);
    side
}

/// A share of every invoice that is paid.
fn of_invoices(rate: &str) -> pb::PlanVersion {
    let mut plan = percent(rate);
    plan.trigger = pb::plan_version::Trigger::InvoicePaid.into();
    plan.measure.as_mut().unwrap().source = pb::measure::Source::InvoicePaidNet.into();
    plan
}

/// Terms of every way in which awards are computed: those that hold, and those that are proposed.
fn terms() -> Vec<(pb::PlanVersion, pb::PlanVersion)> {
    let mut large = percent("0.11");
    large.trigger_condition = "deal.amount_minor >= 200000".to_owned();
    let mut gold = percent("0.05");
    gold.audience = Some(pb::Audience {
        condition: "partner.type == 'RESELLER'".to_owned(),
        ..pb::Audience::default()
    });
    let marginal = version(
        pb::measure::Window::Quarter,
        pb::schedule::Mode::Marginal,
        vec![band(0, "0.0333", 0), band(400_000, "0.0777", 1_000)],
    );
    let share = |from: &str, rate: &str| pb::Band {
        from_value: Some(Decimal {
            value: from.to_owned(),
        }),
        rate: Some(Decimal {
            value: rate.to_owned(),
        }),
        ..pb::Band::default()
    };
    let mut quota = version(
        pb::measure::Window::Quarter,
        pb::schedule::Mode::Marginal,
        vec![share("0", "0.06"), share("0.8", "0.12")],
    );
    let measure = quota.measure.as_mut().unwrap();
    measure.band_by = pb::measure::BandBy::Attainment.into();
    measure.target = Some(pb::MeasureTarget {
        kind: pb::measure_target::Kind::Quota.into(),
        quota: "sales".to_owned(),
        ..pb::MeasureTarget::default()
    });
    let mut shared = percent("0.1");
    let role = |role: &str, weight| pb::RoleWeight {
        role: role.to_owned(),
        weight,
    };
    shared.sharing = Some(pb::Sharing {
        roles: vec![role("SOURCED", 2), role("INFLUENCED", 1)],
        unfilled: pb::sharing::Unfilled::Redistribute.into(),
        ..pb::Sharing::default()
    });
    let capped = |most: i64, scope: pb::shared_limit::Scope| {
        let mut plan = of_invoices("0.2");
        plan.limits = Some(pb::Limits {
            shared_limits: vec![pb::SharedLimit {
                scope: scope.into(),
                window: pb::shared_limit::Window::Quarter.into(),
                maximum_amount: usd(most),
                ..pb::SharedLimit::default()
            }],
            ..pb::Limits::default()
        });
        plan
    };
    let plan_scope = pb::shared_limit::Scope::Plan;
    let partner_scope = pb::shared_limit::Scope::Partner;
    let mut lifetime = of_invoices("0.01");
    lifetime.measure.as_mut().unwrap().window = pb::measure::Window::Lifetime.into();
    vec![
        (percent("0.1"), percent("0.125")),
        (percent("0.1"), quarterly()),
        (quarterly(), marginal.clone()),
        (marginal.clone(), large.clone()),
        (large, percent("0.07")),
        (percent("0.1"), gold),
        (quarterly(), quota.clone()),
        (quota, shared.clone()),
        (shared, percent("0.1")),
        (of_invoices("0.1"), capped(30_000, plan_scope)),
        (capped(25_000, plan_scope), capped(40_000, plan_scope)),
        (capped(25_000, partner_scope), of_invoices("0.15")),
        (marginal, lifetime.clone()),
        (lifetime, of_invoices("0.03")),
    ]
}

fn with_role(deal: &str, minor: i64, date: &str) -> Fact {
    let Fact::Won(win) = won(deal, 1, Some("nimbus"), minor, Currency::USD, date) else {
        panic!("a win");
    };
    let role = |partner: &str, role| PartnerRole::new(PartnerId::try_new(partner).unwrap(), role);
    Fact::Won(DealWon {
        roles: vec![
            role("nimbus", Role::Sourced),
            role("cirrus", Role::Influenced),
        ],
        ..win
    })
}

fn invoice(scene: &Scene, id: &str, partner: &str, cents: i64, date: &str) -> pb::IncentiveFact {
    pb::IncentiveFact {
        external_id: id.to_owned(),
        kind: pb::incentive_fact::Kind::InvoicePaid.into(),
        occur_date: day(date),
        partner: format!("{}/partners/{partner}", scene.name),
        customer: "orbit".to_owned(),
        amount: usd(cents),
        ..pb::IncentiveFact::default()
    }
}

async fn record(scene: &Scene, facts: Vec<pb::IncentiveFact>) {
    let request = pb::RecordFactsRequest {
        parent: scene.name.clone(),
        source: "erp".to_owned(),
        facts,
        ..pb::RecordFactsRequest::default()
    };
    let recorded = scene.world.facts().record_facts(request).await.unwrap();
    scene.note(position(&recorded));
}

/// What has happened by the time of a backtest: wins, some of them moved, refunded or taken back, in
/// one currency and another; invoices with refunds; a quota.
async fn happen(scene: &Scene) {
    let usd_win = |deal: &str, partner: &str, minor, date: &str| {
        won(deal, 1, Some(partner), minor, Currency::USD, date)
    };
    scene
        .tell_all(vec![
            usd_win("d-1", "nimbus", 333_333, "2026-01-05"),
            with_role("d-2", 250_001, "2026-02-11"),
            usd_win("d-3", "nimbus", 99_999, "2026-03-31"),
            usd_win("d-4", "nimbus", 812_345, "2026-04-01"),
            usd_win("d-5", "cirrus", 450_000, "2026-05-20"),
            usd_win("d-6", "cirrus", 70_007, "2026-08-02"),
            usd_win("d-7", "nimbus", 1_000_000, "2026-11-30"),
            // Before the year, and after it.
            usd_win("d-8", "cirrus", 600_000, "2025-12-31"),
            usd_win("d-9", "cirrus", 600_000, "2027-01-01"),
            won(
                "d-10",
                1,
                Some("cirrus"),
                5_000,
                Currency::EUR,
                "2026-06-01",
            ),
            won("d-11", 1, None, 777_777, Currency::USD, "2026-06-02"),
            refunded("d-1", 1, "r-1", 33_334),
            refunded("d-5", 1, "r-1", 450_000),
            usd_win("d-12", "cirrus", 300_000, "2026-07-07"),
        ])
        .await;
    // One is taken back, and one is won again by somebody else in another quarter.
    scene
        .tell_all(vec![reopened("d-3", 1), reopened("d-12", 1)])
        .await;
    let again = won(
        "d-12",
        2,
        Some("nimbus"),
        310_000,
        Currency::USD,
        "2026-10-10",
    );
    scene.tell(again).await;
    let mut facts = vec![
        invoice(scene, "i-1", "nimbus", 80_000, "2026-01-15"),
        invoice(scene, "i-2", "cirrus", 120_005, "2026-02-15"),
        invoice(scene, "i-3", "nimbus", 64_003, "2026-03-15"),
        invoice(scene, "i-4", "nimbus", 500_000, "2026-07-15"),
        invoice(scene, "i-5", "cirrus", 10_000, "2025-02-01"),
    ];
    facts.push(pb::IncentiveFact {
        kind: pb::incentive_fact::Kind::Refund.into(),
        about: "i-1".to_owned(),
        ..invoice(scene, "c-1", "nimbus", 20_000, "2026-04-02")
    });
    record(scene, facts).await;
    let quota = |partner: &str, quarter: &str, cents| pb::FactQuota {
        quota: "sales".to_owned(),
        partner: format!("{}/partners/{partner}", scene.name),
        period_start_date: day(quarter),
        amount: usd(cents),
        ..pb::FactQuota::default()
    };
    let request = pb::RecordFactsRequest {
        parent: scene.name.clone(),
        source: "erp".to_owned(),
        quotas: vec![
            quota("nimbus", "2026-01-01", 600_000),
            quota("nimbus", "2026-04-01", 400_000),
            quota("cirrus", "2026-07-01", 50_000),
        ],
        ..pb::RecordFactsRequest::default()
    };
    let recorded = scene.world.facts().record_facts(request).await.unwrap();
    scene.note(position(&recorded));
}

on_both! {
    async fn a_backtest_tells_what_the_books_say_and_what_they_would_say(world: World) {
        let scene = Scene::new(world).await;
        let other = scene.beside("beta").await;
        let terms = terms();
        let mut whole = 0;
        for (at, (current, proposed)) in terms.iter().enumerate() {
            let plan = format!("p-{at}");
            scene.promise(&plan, current.clone()).await;
            other.promise(&plan, proposed.clone()).await;
        }
        happen(&scene).await;
        happen(&other).await;
        for (at, (_, proposed)) in terms.into_iter().enumerate() {
            let plan = format!("p-{at}");
            let told = Told::read(&scene.now(), given(&scene, &plan, proposed)).await;
            let amounts = told.amounts();
            // In the books stands what is of other years, too.
            let (mut now, mut then) = (books(&scene, &plan).await, books(&other, &plan).await);
            for (books, of) in [(&mut now, &scene), (&mut then, &other)] {
                for award in of.of_plan(&plan).await {
                    if is_of_another_year(&award) {
                        let id = award.partner.rsplit('/').next().unwrap();
                        *books.entry(id.to_owned()).or_default() -= minor(&award.entitled_amount);
                    }
                }
                books.retain(|_, sum| *sum != 0);
            }
            assert_eq!(side(&amounts, |both| both.0), now, "{plan} as it is");
            assert_eq!(side(&amounts, |both| both.1), then, "{plan} as it would be");
            whole += now.values().chain(then.values()).sum::<i64>();
            assert_eq!(told.result.plans, [format!("{}/plans/{plan}", scene.name)]);
            let last = told.progress.last().unwrap();
            assert_eq!(last.done_partner_count, last.partner_count);
            assert_eq!(last.done_fact_count, last.fact_count);
            assert_eq!(told.result.computed.as_ref(), Some(last));

            // What holds, put in its own place, changes nothing.
            let holds = format!("{}/plans/{plan}/versions/1", scene.name);
            let same = Told::read(&scene.now(), named(&scene, &holds)).await;
            assert_eq!(side(&same.amounts(), |both| both.0), now, "{plan} in its own place");
            for currency in &same.result.currencies {
                let (current, proposed) = both(currency.amounts.as_ref().unwrap());
                assert_eq!(current, proposed, "{plan}");
                assert_eq!(currency.changed_awards, []);
                let counts = currency.counts.unwrap();
                let changed = counts.up_count + counts.down_count + counts.new_count + counts.lost_count;
                assert_eq!(changed, 0, "{counts:?}");
                assert!(counts.unchanged_count > 0);
            }
            for (partner, (current, proposed)) in same.amounts() {
                assert_eq!(current, proposed, "{plan} {partner}");
            }
        }
        assert!(whole > 1_000_000, "hardly anything was paid: {whole}");
        // The control: a tenth of a percent more is told apart from what the books would say.
        let told = Told::read(&scene.now(), given(&scene, "p-0", percent("0.126"))).await;
        assert_ne!(side(&told.amounts(), |both| both.1), books(&other, "p-0").await);
        assert_ne!(told.dollars().changed_awards, []);
    }

    async fn a_backtest_writes_nothing(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", percent("0.1")).await;
        scene.promise("rebate", of_invoices("0.1")).await;
        scene.win("d-1", "nimbus", 100_000, "2026-02-01").await;
        record(&scene, vec![invoice(&scene, "i-1", "cirrus", 50_000, "2026-02-01")]).await;
        scene.awards("").await;
        let before = rows::at_rest(&scene.world).await;
        for (plan, proposed) in [("spiff", quarterly()), ("rebate", of_invoices("0.3"))] {
            let told = Told::read(&scene.now(), given(&scene, plan, proposed)).await;
            assert_ne!(told.partners, []);
        }
        assert_eq!(rows::at_rest(&scene.world).await, before);
        // The control: what is written is seen.
        record(&scene, vec![invoice(&scene, "i-2", "nimbus", 1, "2025-03-01")]).await;
        assert_ne!(rows::all(&scene.world).await, before);
    }

    async fn a_result_says_who_wins_who_loses_and_where_the_steps_part(world: World) {
        let scene = Scene::new(world).await;
        let germany = partner::v1::UpdatePartnerRequest {
            partner: Some(partner::v1::Partner {
                name: format!("{}/partners/nimbus", scene.name),
                region_code: "DE".to_owned(),
                ..partner::v1::Partner::default()
            }),
            update_mask: Some(prost_types::FieldMask { paths: vec!["region_code".to_owned()] }),
            ..partner::v1::UpdatePartnerRequest::default()
        };
        scene.world.partners().update_partner(germany).await.unwrap();
        scene.promise("spiff", percent("0.1")).await;
        scene.win("d-1", "nimbus", 100_000, "2026-02-01").await;
        scene.win("d-2", "nimbus", 300_000, "2026-02-02").await;
        scene.win("d-3", "cirrus", 200_000, "2026-02-03").await;
        scene.win("d-4", "cirrus", 9, "2026-02-04").await;
        // 5 %, and 500.00 more from 2,500.00 on.
        let next = version(
            pb::measure::Window::Event,
            pb::schedule::Mode::Marginal,
            vec![band(0, "0.05", 0), band(250_000, "0.05", 50_000)],
        );
        let told = Told::read(&scene.now(), given(&scene, "spiff", next)).await;
        // 100.00 + 300.00 become 50.00 + 150.00 + 500.00; 200.00 + 0.01 become 100.00.
        let expected = [("cirrus", (20_001, 10_000)), ("nimbus", (40_000, 70_000))];
        let expected = expected.map(|(partner, both)| (partner.to_owned(), both));
        assert_eq!(told.amounts(), BTreeMap::from(expected));
        let dollars = told.dollars();
        let amounts = dollars.amounts.as_ref().unwrap();
        assert_eq!(both(amounts), (60_001, 80_000));
        // 19,999 of 60,001 is a third and a bit.
        assert_eq!(amounts.difference_percent.as_ref().unwrap().value, "33.33");
        let counts = pb::BacktestCounts { up_count: 1, down_count: 2, lost_count: 1, ..pb::BacktestCounts::default() };
        assert_eq!(dollars.counts, Some(counts));
        let changed: Vec<_> = dollars
            .changed_awards
            .iter()
            .map(|award| (award.scope.as_str(), both(award.amounts.as_ref().unwrap())))
            .collect();
        assert_eq!(changed, [
            ("deal/d-2", (30_000, 65_000)),
            ("deal/d-3", (20_000, 10_000)),
            ("deal/d-1", (10_000, 5_000)),
            ("deal/d-4", (1, 0)),
        ]);
        let first = &dollars.changed_awards[0];
        assert_eq!(first.current_plan_version, "ecosystems/acme/plans/spiff/versions/1");
        assert_eq!(first.proposed_plan_version, "ecosystems/acme/plans/spiff/versions/9");
        assert_eq!((first.partner.as_str(), first.earner.as_str()),
            ("ecosystems/acme/partners/nimbus", "ecosystems/acme/partners/nimbus"));
        use pb::award_step::Operation;
        let steps: Vec<_> = first
            .steps
            .iter()
            .map(|step| (step.operation(), step.current_output.as_str(), step.proposed_output.as_str()))
            .collect();
        assert_eq!(steps[0], (Operation::SelectVersion, "1", "9"));
        assert!(steps.iter().any(|step| step.0 == Operation::Schedule));
        assert!(steps.iter().all(|step| step.0 != Operation::Measure), "what was won is the same: {steps:?}");
        assert!(first.steps[1].proposed_text.contains("650.00 USD"), "{first:?}");

        let fairness = dollars.fairness.as_ref().unwrap();
        assert_eq!((fairness.paid_partner_count, fairness.losing_partner_count), (2, 1));
        let text = |decimal: &Option<Decimal>| decimal.as_ref().unwrap().value.clone();
        assert_eq!(text(&fairness.losing_partner_percent), "50");
        assert_eq!(text(&fairness.current_top_ten_percent), "100");
        let loser = fairness.largest_loser.as_ref().unwrap();
        assert_eq!(loser.partner, "ecosystems/acme/partners/cirrus");
        assert_eq!(text(&loser.amounts.as_ref().unwrap().difference_percent), "-50");
        let groups = |groups: &[pb::BacktestGroup]| -> Vec<_> {
            groups
                .iter()
                .map(|group| {
                    let common = format!("{}{}", group.tier, group.region_code);
                    (common, group.partner_count, both(group.amounts.as_ref().unwrap()))
                })
                .collect()
        };
        let tier = |tier: &str| format!("ecosystems/acme/programs/channel/tiers/{tier}");
        assert_eq!(groups(&fairness.tiers), [
            (tier("base"), 1, (20_001, 10_000)),
            (tier("gold"), 1, (40_000, 70_000)),
        ]);
        assert_eq!(groups(&fairness.regions), [
            ("DE".to_owned(), 1, (40_000, 70_000)),
            (String::new(), 1, (20_001, 10_000)),
        ]);
    }

    async fn a_budget_is_told_with_what_is_used_of_it(world: World) {
        let scene = Scene::new(world).await;
        let budget = |most: i64, window: pb::shared_limit::Window| {
            let mut plan = of_invoices("0.1");
            plan.limits = Some(pb::Limits {
                shared_limits: vec![pb::SharedLimit {
                    scope: pb::shared_limit::Scope::Plan.into(),
                    window: window.into(),
                    maximum_amount: usd(most),
                    ..pb::SharedLimit::default()
                }],
                ..pb::Limits::default()
            });
            plan
        };
        let half = pb::shared_limit::Window::Half;
        scene.promise("spiff", budget(15_000, half)).await;
        record(&scene, vec![
            invoice(&scene, "i-1", "nimbus", 100_000, "2026-02-01"),
            invoice(&scene, "i-2", "cirrus", 100_000, "2026-02-02"),
            invoice(&scene, "i-3", "cirrus", 30_000, "2026-08-02"),
        ]).await;
        scene.awards("").await;
        let told = Told::read(&scene.now(), given(&scene, "spiff", budget(18_000, half))).await;
        let expected = [("cirrus", (8_000, 11_000)), ("nimbus", (10_000, 10_000))];
        let expected = expected.map(|(partner, both)| (partner.to_owned(), both));
        assert_eq!(told.amounts(), BTreeMap::from(expected));
        let used: Vec<_> = told
            .result
            .budgets
            .iter()
            .map(|budget| {
                let start = budget.period.as_ref().unwrap().start_date;
                let amounts = [
                    &budget.current_maximum_amount,
                    &budget.current_used_amount,
                    &budget.proposed_maximum_amount,
                    &budget.proposed_used_amount,
                ];
                (start, amounts.map(minor))
            })
            .collect();
        assert_eq!(used, [
            (day("2026-01-01"), [15_000, 15_000, 18_000, 18_000]),
            (day("2026-07-01"), [15_000, 3_000, 18_000, 3_000]),
        ]);
        // One for all time stands beside what is no longer there.
        let forever = budget(21_000, pb::shared_limit::Window::Lifetime);
        let told = Told::read(&scene.now(), given(&scene, "spiff", forever)).await;
        let [all_time, first, _] = &told.result.budgets[..] else {
            panic!("{:?}", told.result.budgets);
        };
        assert_eq!(all_time.period, None);
        assert_eq!(all_time.current_maximum_amount, None);
        assert_eq!(minor(&all_time.proposed_used_amount), 21_000);
        assert_eq!(first.proposed_used_amount, None);
        assert_eq!(minor(&first.current_used_amount), 15_000);
    }

    async fn what_competes_with_what_is_proposed_is_computed_too(world: World) {
        let scene = Scene::new(world).await;
        let grouped = |rate: &str, rank| {
            let mut plan = percent(rate);
            plan.policy = Some(pb::Policy {
                stack: Some(pb::PolicyStack {
                    group: "new".to_owned(),
                    rule: pb::policy_stack::Rule::BestOf.into(),
                    rank,
                    ..pb::PolicyStack::default()
                }),
                ..pb::Policy::default()
            });
            plan
        };
        scene.promise("first", grouped("0.1", 1)).await;
        scene.promise("second", grouped("0.08", 2)).await;
        scene.promise("apart", percent("0.01")).await;
        scene.win("d-1", "nimbus", 100_000, "2026-02-01").await;
        let told = Told::read(&scene.now(), given(&scene, "second", grouped("0.15", 2))).await;
        let plan = |id: &str| format!("ecosystems/acme/plans/{id}");
        assert_eq!(told.result.plans, [plan("first"), plan("second")]);
        assert_eq!(told.amounts()["nimbus"], (10_000, 15_000));
        let counts = told.dollars().counts.unwrap();
        assert_eq!((counts.new_count, counts.lost_count), (1, 1));
        // A plan that joins the group by what is proposed.
        let told = Told::read(&scene.now(), given(&scene, "apart", grouped("0.2", 3))).await;
        assert_eq!(told.result.plans, [plan("apart"), plan("first"), plan("second")]);
        assert_eq!(told.amounts()["nimbus"], (11_000, 20_000));
    }

    async fn everything_that_is_wrong_with_a_backtest_is_told_at_once(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", quarterly()).await;
        scene.program("other", true).await;
        let request = pb::CreatePlanRequest {
            parent: scene.name.clone(),
            plan_id: "elsewhere".to_owned(),
            plan: Some(pb::Plan {
                display_name: "Elsewhere".to_owned(),
                program: format!("{}/programs/other", scene.name),
                ..pb::Plan::default()
            }),
            ..pb::CreatePlanRequest::default()
        };
        scene.world.plans().create_plan(request).await.unwrap();
        let mut request = given(&scene, "elsewhere", percent("0.1"));
        request.given_versions.push(pb::PlanVersion {
            name: format!("{}/plans/spiff/versions/9", scene.name),
            ..percent("0.1")
        });
        request.plan_versions = vec![format!("{}/plans/spiff/versions/1", scene.name)];
        request.start_date = day("2026-02-01");
        refused(
            scene.world.plans().backtest_plan(request).await.map(no_stream),
            Code::InvalidArgument,
            "INVALID_FIELDS",
        )
        .breaks("given_versions[0].name", "version.program")
        .breaks("given_versions[1].name", "version.plan")
        .breaks("start_date", "date.period");
        let empty = pb::BacktestPlanRequest { end_date: day("2026-01-01"), ..year(&scene) };
        refused(
            scene.world.plans().backtest_plan(empty).await.map(no_stream),
            Code::InvalidArgument,
            "INVALID_FIELDS",
        )
        .breaks("plan_versions", "required")
        .breaks("end_date", "date.order");
        // What it replaces is not cut either.
        let cut = pb::BacktestPlanRequest {
            end_date: day("2026-11-01"),
            ..given(&scene, "spiff", percent("0.1"))
        };
        refused(
            scene.world.plans().backtest_plan(cut).await.map(no_stream),
            Code::InvalidArgument,
            "INVALID_FIELDS",
        )
        .breaks("end_date", "date.period");
    }

    /// 100.00 were paid under the version that holds; the one that took its days pays half of that, and keeps
    /// it. 30.00 that somebody adds are nobody's plan.
    async fn what_was_paid_is_kept_where_it_is_and_not_by_what_is_proposed(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", of_invoices("0.1")).await;
        record(&scene, vec![invoice(&scene, "i-1", "nimbus", 100_000, "2026-02-01")]).await;
        let award = scene.award("spiff").await;
        adjust(&scene, adjustment(&award, 3_000)).await.unwrap();
        let approve = pb::ApproveAwardsRequest {
            parent: scene.name.clone(),
            names: vec![award.name],
            ..pb::ApproveAwardsRequest::default()
        };
        scene.world.actor("grace@acme.example").awards().approve_awards(approve).await.unwrap();
        scene.pay_out().await;
        let keeping = |rate: &str| pb::PlanVersion {
            policy: Some(pb::Policy { keeps_paid: true, ..pb::Policy::default() }),
            ..of_invoices(rate)
        };
        let plan = format!("{}/plans/spiff", scene.name);
        let draft = scene.draft(&plan, keeping("0.05")).await;
        scene.supersede(&draft.name, day("2026-01-01")).await;
        record(&scene, vec![invoice(&scene, "i-2", "nimbus", 100_000, "2026-07-02")]).await;
        assert_eq!(books(&scene, "spiff").await["nimbus"], 15_000);
        let cases = [
            ("2026-01-01", of_invoices("0.2"), (15_000, 40_000)),
            // Had it held, nothing had been paid that it would have to keep.
            ("2026-01-01", keeping("0.03"), (15_000, 6_000)),
            // Of the days since July nothing was paid.
            ("2026-07-01", of_invoices("0.2"), (5_000, 20_000)),
        ];
        for (from, proposed, expected) in cases {
            let asked = pb::BacktestPlanRequest {
                start_date: day(from),
                ..given(&scene, "spiff", proposed)
            };
            let told = Told::read(&scene.now(), asked).await;
            assert_eq!(told.amounts()["nimbus"], expected, "{from}");
        }
        scene.is_sound().await;
    }

    async fn of_two_backtests_at_once_each_tells_its_own(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", of_invoices("0.1")).await;
        let partner = |at: usize| ["nimbus", "cirrus"][at % 2];
        let invoices = (0..40)
            .map(|at| invoice(&scene, &format!("i-{at}"), partner(at), 10_000, "2026-02-01"));
        record(&scene, invoices.collect()).await;
        scene.awards("").await;
        let caller = scene.now();
        let ask = |rate: &str| Told::read(&caller, given(&scene, "spiff", of_invoices(rate)));
        let (double, half) = futures::join!(ask("0.2"), ask("0.05"));
        let expected = |minor| {
            let both = ["cirrus", "nimbus"].map(|partner| (partner.to_owned(), (20_000, minor)));
            BTreeMap::from(both)
        };
        assert_eq!(double.amounts(), expected(40_000));
        assert_eq!(half.amounts(), expected(10_000));
    }

    async fn more_facts_than_are_computed_at_once_are_refused(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", percent("0.1")).await;
        for at in 1..=3 {
            scene.win(&format!("d-{at}"), "nimbus", 1_000, "2026-02-01").await;
        }
        scene.win("d-4", "nimbus", 1_000, "2026-06-01").await;
        scene.awards("").await;
        let small = scene.world.beside(&[("backtest-facts-max", "3")]).await;
        let caller = scene.world.caller_of(&small);
        let asked = given(&scene, "spiff", percent("0.2"));
        let refusal = caller.plans().backtest_plan(asked.clone()).await.map(no_stream);
        refused(refusal, Code::FailedPrecondition, "PRECONDITION")
            .tells("resource", "ecosystems/acme/partners/nimbus");
        // Fewer days have fewer facts.
        let spring = pb::BacktestPlanRequest { end_date: day("2026-05-01"), ..asked };
        let told = Told::read(&caller, spring).await;
        assert_eq!(told.amounts()["nimbus"], (300, 600));
        small.stop().await;
    }

    async fn a_snapshot_is_of_one_moment_and_holds_up_nobody(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", of_invoices("0.1")).await;
        record(&scene, vec![invoice(&scene, "i-1", "nimbus", 10_000, "2026-02-01")]).await;
        scene.awards("").await;
        let store = scene.world.store();
        let count = async |view: &View| {
            let counted = recorded_fact::count_by_partner(view).await.unwrap();
            counted.iter().map(|(_, count)| *count).sum::<i64>()
        };
        let snapshot = store.snapshot(&scene.call()).await.unwrap();
        assert_eq!(count(&snapshot).await, 1);
        let writing = record(&scene, vec![invoice(&scene, "i-2", "nimbus", 90_000, "2026-02-02")]);
        tokio::time::timeout(Duration::from_secs(10), writing).await.unwrap();
        assert_eq!(scene.awards("").await.len(), 2, "the worker goes on");
        assert_eq!(count(&snapshot).await, 1);
        // The control: who reads without one sees it.
        assert_eq!(count(&store.read(&scene.call()).await.unwrap()).await, 2);
        drop(snapshot);
        let next = store.snapshot(&scene.call()).await.unwrap();
        assert_eq!(count(&next).await, 2);
    }

    async fn a_backtest_that_is_left_makes_room_for_the_next(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", of_invoices("0.1")).await;
        record(&scene, vec![invoice(&scene, "i-1", "nimbus", 10_000, "2026-02-01")]).await;
        scene.awards("").await;
        let asked = given(&scene, "spiff", of_invoices("0.2"));
        for _ in 0..6 {
            let mut plans = scene.world.plans();
            let left = plans.backtest_plan(asked.clone());
            // Some are left before they have begun, some with their first message.
            if let Ok(answer) = tokio::time::timeout(Duration::from_millis(20), left).await {
                drop(answer.unwrap().into_inner().message().await.unwrap());
            }
        }
        let caller = scene.now();
        let told = Told::read(&caller, asked);
        let told = tokio::time::timeout(Duration::from_secs(30), told).await.unwrap();
        assert_eq!(told.amounts()["nimbus"], (1_000, 2_000));
    }
}

/// An answer without its stream, which says nothing of itself.
fn no_stream<T>(response: tonic::Response<T>) -> tonic::Response<()> {
    response.map(|_| ())
}

/// Whether an award is for a day or a period of another year.
fn is_of_another_year(award: &pb::Award) -> bool {
    match &award.scope {
        Some(pb::award::Scope::Deal(deal)) => deal.ends_with("/d-9"),
        Some(pb::award::Scope::Period(period)) => period.start_date.as_ref().unwrap().year != 2026,
        None => false,
    }
}
