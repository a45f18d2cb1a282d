//! Budgets that many spend at the same time.

use std::time::Instant;

use tokio::task::JoinSet;
use trellis_api::incentive::v1 as pb;
use trellis_core::Date;
use trellis_tests::{Caller, number, on_both, position};

use super::replays::replays;
use super::scene::{Scene, band, day, minor, usd, version};

/// Callers at the same time.
const CALLERS: usize = 32;

/// What a sale pays, in cents.
const EACH: i64 = 1_507;

/// A fixed amount for every invoice, until the budget of the year is spent.
fn spiff(budget: i64, scope: pb::shared_limit::Scope) -> pb::PlanVersion {
    let mut plan = version(
        pb::measure::Window::Event,
        pb::schedule::Mode::Marginal,
        vec![band(0, "0", EACH)],
    );
    plan.trigger = pb::plan_version::Trigger::InvoicePaid.into();
    plan.measure.as_mut().unwrap().source = pb::measure::Source::Count.into();
    plan.limits = Some(pb::Limits {
        shared_limits: vec![pb::SharedLimit {
            scope: scope.into(),
            window: pb::shared_limit::Window::Year.into(),
            maximum_amount: usd(budget),
            ..pb::SharedLimit::default()
        }],
        ..pb::Limits::default()
    });
    plan
}

/// The invoice with a number: on any day of February, of either partner.
fn invoice(at: usize) -> pb::IncentiveFact {
    let partner = ["nimbus", "cirrus"][at % 2];
    let date: Date = "2026-02-01".parse().unwrap();
    let date = date.plus_days(i32::try_from(at * 7 % 28).unwrap());
    pb::IncentiveFact {
        external_id: format!("i-{at:06}"),
        kind: pb::incentive_fact::Kind::InvoicePaid.into(),
        occur_date: day(&date.to_string()),
        partner: format!("ecosystems/acme/partners/{partner}"),
        amount: usd(100),
        ..pb::IncentiveFact::default()
    }
}

/// Lets many record so many invoices each, at servers in turn, and answers how many that were for a second.
async fn record_at_once(scene: &Scene, servers: &[&Caller], of_each: usize) -> f64 {
    let begin = Instant::now();
    let mut recording = JoinSet::new();
    for caller in 0..CALLERS {
        let mut facts = servers[caller % servers.len()].facts();
        recording.spawn(async move {
            let mut latest = String::new();
            let own: Vec<usize> = (0..of_each).map(|at| at * CALLERS + caller).collect();
            for some in own.chunks(5) {
                let request = pb::RecordFactsRequest {
                    parent: "ecosystems/acme".to_owned(),
                    source: "erp".to_owned(),
                    facts: some.iter().map(|at| invoice(*at)).collect(),
                    ..pb::RecordFactsRequest::default()
                };
                latest = position(&facts.record_facts(request).await.unwrap());
            }
            latest
        });
    }
    let positions = recording.join_all().await;
    for position in positions {
        scene.note(position);
        scene
            .now()
            .awards()
            .list_awards(pb::ListAwardsRequest {
                parent: scene.name.clone(),
                page_size: 1,
                ..pb::ListAwardsRequest::default()
            })
            .await
            .unwrap();
    }
    #[expect(clippy::cast_precision_loss, reason = "a measure for people")]
    let count = (of_each * CALLERS) as f64;
    count / begin.elapsed().as_secs_f64()
}

/// Records one fact, and waits until its awards follow.
async fn record(scene: &Scene, fact: pb::IncentiveFact) {
    let request = pb::RecordFactsRequest {
        parent: "ecosystems/acme".to_owned(),
        source: "erp".to_owned(),
        facts: vec![fact],
        ..pb::RecordFactsRequest::default()
    };
    let recorded = scene.world.facts().record_facts(request).await.unwrap();
    scene.note(position(&recorded));
}

/// What all awards come to, in the order in which a budget is spent: by day, then by fact.
async fn in_order(scene: &Scene) -> Vec<i64> {
    let mut awards = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = pb::ListAwardsRequest {
            parent: scene.name.clone(),
            page_size: 1_000,
            page_token,
            ..pb::ListAwardsRequest::default()
        };
        let page = scene
            .now()
            .awards()
            .list_awards(request)
            .await
            .unwrap()
            .into_inner();
        awards.extend(page.awards);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let at =
        |award: &pb::Award| -> usize { award.fact.trim_start_matches("erp:i-").parse().unwrap() };
    awards.sort_by_key(|award| (at(award) * 7 % 28, at(award)));
    awards
        .iter()
        .map(|award| minor(&award.entitled_amount))
        .collect()
}

/// Lets many spend a budget at once, which is enough for two thirds of them and a part of one more; answers
/// how many facts that were for a second.
async fn spend(scene: &Scene, servers: &[&Caller]) -> f64 {
    let of_each = number("TRELLIS_TESTS_BUDGET_FACTS").unwrap_or(10_usize);
    let count = of_each * CALLERS;
    let paid = count * 2 / 3;
    let budget = EACH * i64::try_from(paid).unwrap() + 11;
    let plan = spiff(budget, pb::shared_limit::Scope::Plan);
    scene.promise("spiff", plan).await;
    let pace = record_at_once(scene, servers, of_each).await;
    let mut expected = vec![EACH; paid];
    expected.push(11);
    expected.resize(count, 0);
    let found = in_order(scene).await;
    assert_eq!(found.iter().sum::<i64>(), budget);
    assert_eq!(found, expected);
    scene.ledger_is_sound().await;
    // Each is computed from all that spends the budget, and a call of a thousand ends in time all the same.
    let began = Instant::now();
    let (replayed, otherwise) = replays(scene, 1_000).await;
    println!("{replayed} awards replayed in {:?}", began.elapsed());
    assert_eq!(
        (usize::try_from(replayed).unwrap(), otherwise),
        (count, Vec::new())
    );
    pace
}

on_both! {
    /// 32 record at the same time: the budget is spent to the coin, by whoever comes first by day and id.
    async fn a_budget_is_spent_to_the_coin_whoever_comes_at_once(world: World) {
        let scene = Scene::new(world).await;
        let pace = spend(&scene, &[&scene.world]).await;
        println!("{pace:.0} facts a second on {:?}", scene.world.engine());
    }

    /// The same at three servers, whose workers take turns.
    async fn a_budget_is_spent_to_the_coin_whichever_server_is_told(world: World) {
        let scene = Scene::new(world).await;
        let (second, at_second) = scene.world.another().await;
        let (third, at_third) = scene.world.another().await;
        let pace = spend(&scene, &[&scene.world, &at_second, &at_third]).await;
        println!("{pace:.0} facts a second on {:?} at three servers", scene.world.engine());
        second.stop().await;
        third.stop().await;
    }

    /// What becomes known of one partner alone takes from what another has got, and gives it back.
    async fn what_one_partner_gets_is_what_another_does_not(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", spiff(EACH, pb::shared_limit::Scope::Plan)).await;
        // By day: 4 is on the first of February and nimbus's, 1 on the eighth and cirrus's.
        let (first, second) = (invoice(4), invoice(1));
        record(&scene, second).await;
        assert_eq!(in_order(&scene).await, [EACH]);
        record(&scene, first.clone()).await;
        assert_eq!(in_order(&scene).await, [EACH, 0]);
        let withdrawn = pb::IncentiveFact {
            revision: 2,
            withdrawn: true,
            ..first
        };
        record(&scene, withdrawn).await;
        assert_eq!(in_order(&scene).await, [0, EACH]);
    }

    /// What is earned on an earlier day writes nothing anew of what it takes nothing from, and all of it can
    /// be computed again.
    async fn where_the_budget_cuts_nothing_nothing_is_written(world: World) {
        let scene = Scene::new(world).await;
        scene.promise("spiff", spiff(2 * EACH + 7, pb::shared_limit::Scope::Plan)).await;
        // By day: 4 is on the first of February, 1 on the eighth, 2 on the fifteenth, 3 on the 22nd.
        for at in [1, 2] {
            record(&scene, invoice(at)).await;
        }
        assert_eq!(in_order(&scene).await, [EACH, EACH]);
        let of = async |at: usize| {
            let awards = scene.awards("").await;
            let id = format!("erp:i-{at:06}");
            awards.into_iter().find(|award| award.fact == id).unwrap()
        };
        let (first, second) = (of(1).await, of(2).await);
        record(&scene, invoice(4)).await;
        record(&scene, invoice(3)).await;
        assert_eq!(in_order(&scene).await, [EACH, EACH, 7, 0]);
        assert_eq!(of(1).await, first);
        let cut = of(2).await;
        assert_ne!(cut.etag, second.etag);
        assert_eq!(minor(&cut.entitled_amount), 7);
        scene.is_sound().await;
    }

    /// The control: what each partner may spend by itself is more than that together.
    async fn without_a_budget_for_all_more_is_spent(world: World) {
        let scene = Scene::new(world).await;
        let budget = EACH * 50;
        scene.promise("spiff", spiff(budget, pb::shared_limit::Scope::Partner)).await;
        record_at_once(&scene, &[&scene.world], 5).await;
        assert_eq!(in_order(&scene).await.iter().sum::<i64>(), 2 * budget);
    }
}
