//! `SimulateAwards`: what is asked, what is refused, and that nothing is written. What comes out is
//! tested by the worked cases.

use std::collections::BTreeMap;

use tonic::Code;
use trellis_api::incentive::v1 as pb;
use trellis_api::platform;
use trellis_tests::{on_both, refused};

use super::scene::{Scene, band, day, minor, percent, usd, version};

fn invoice(id: &str, date: &str, amount: i64) -> pb::IncentiveFact {
    pb::IncentiveFact {
        external_id: id.to_owned(),
        kind: pb::incentive_fact::Kind::InvoicePaid.into(),
        occur_date: day(date),
        partner: "ecosystems/acme/partners/nimbus".to_owned(),
        customer: "contoso".to_owned(),
        amount: usd(amount),
        ..pb::IncentiveFact::default()
    }
}

/// A tenth of each invoice, as a version of a plan.
fn tenth(name: &str) -> pb::PlanVersion {
    let mut version = percent("0.1");
    version.name = name.to_owned();
    version.trigger = pb::plan_version::Trigger::InvoicePaid.into();
    version.measure.as_mut().unwrap().source = pb::measure::Source::InvoicePaidNet.into();
    version
}

fn ask(given: Vec<pb::PlanVersion>, facts: Vec<pb::IncentiveFact>) -> pb::SimulateAwardsRequest {
    pb::SimulateAwardsRequest {
        parent: "ecosystems/acme".to_owned(),
        given_versions: given,
        facts,
        ..pb::SimulateAwardsRequest::default()
    }
}

async fn simulate(scene: &Scene, request: pb::SimulateAwardsRequest) -> Vec<pb::SimulatedAward> {
    let answer = scene.world.awards().simulate_awards(request).await;
    answer.unwrap().into_inner().awards
}

async fn events(scene: &Scene) -> usize {
    let request = platform::v1::ListEventsRequest {
        parent: scene.name.clone(),
        page_size: 1_000,
        ..platform::v1::ListEventsRequest::default()
    };
    let answer = scene.world.events().list_events(request).await;
    answer.unwrap().into_inner().events.len()
}

on_both! {
    async fn what_facts_would_pay_is_told_with_the_reason(world: World) {
        let scene = Scene::new(world).await;
        let plan = scene.plan("spiff").await;
        let given = tenth(&format!("{plan}/versions/1"));
        let facts = vec![
            invoice("i-1", "2026-05-04", 80_000),
            pb::IncentiveFact {
                external_id: "r-1".to_owned(),
                kind: pb::incentive_fact::Kind::Refund.into(),
                occur_date: day("2026-05-20"),
                about: "i-1".to_owned(),
                amount: usd(20_000),
                ..pb::IncentiveFact::default()
            },
            invoice("i-2", "2026-05-04", 3),
        ];
        // Whatever happened before can be read by now.
        scene.world.settled(&scene.name).await;
        let before = events(&scene).await;
        let awards = simulate(&scene, ask(vec![given.clone()], facts.clone())).await;
        let told: Vec<_> = awards
            .iter()
            .map(|award| {
                let entitled = minor(&award.entitled_amount);
                (award.scope.as_str(), entitled, award.not_paid_reason.as_str())
            })
            .collect();
        assert_eq!(told, [("fact/i-1", 6_000, ""), ("fact/i-2", 0, "ROUNDS_TO_ZERO")]);
        let award = &awards[0];
        assert_eq!(minor(&award.measured_amount), 60_000);
        assert_eq!(award.partner, "ecosystems/acme/partners/nimbus");
        assert_eq!(award.plan_version, given.name);
        let operations: Vec<_> = award.steps.iter().map(pb::AwardStep::operation).collect();
        use pb::award_step::Operation;
        assert_eq!(
            operations,
            [
                Operation::SelectVersion,
                Operation::Admit,
                Operation::Measure,
                Operation::Schedule,
                Operation::Round,
                Operation::Delta
            ]
        );
        assert_eq!(award.steps[2].output, "60000");
        let input = |key: &str| {
            let mut inputs = award.steps[2].inputs.iter();
            inputs.find(|input| input.key == key).map(|input| input.value.clone())
        };
        assert_eq!(input("lines[0].gross").as_deref(), Some("80000"));
        assert_eq!(input("lines[0].net").as_deref(), Some("60000"));
        assert!(award.summary.contains("60.00 USD"), "{}", award.summary);

        // The same in another order is the same, and nothing was written of either.
        let mut turned = facts;
        turned.reverse();
        let again = simulate(&scene, ask(vec![given], turned)).await;
        assert_eq!(again, awards);
        assert_eq!(events(&scene).await, before);
        assert_eq!(scene.awards("").await, []);
    }

    async fn a_draft_that_is_there_is_simulated_beside_one_that_is_given(world: World) {
        let scene = Scene::new(world).await;
        let plan = scene.plan("spiff").await;
        let mut kept = tenth("");
        kept.effective_until_date = day("2026-06-01");
        let draft = scene.draft(&plan, kept).await;
        let mut next = tenth(&format!("{plan}/versions/2"));
        next.effective_from_date = day("2026-06-01");
        next.schedule.as_mut().unwrap().bands = vec![band(0, "0.2", 0)];
        let request = pb::SimulateAwardsRequest {
            plan_versions: vec![draft.name.clone()],
            ..ask(
                vec![next.clone()],
                vec![
                    invoice("i-1", "2026-05-31", 1_000),
                    invoice("i-2", "2026-06-01", 1_000),
                ],
            )
        };
        let awards = simulate(&scene, request.clone()).await;
        let told: Vec<_> = awards
            .iter()
            .map(|award| (award.plan_version.as_str(), minor(&award.entitled_amount)))
            .collect();
        assert_eq!(told, [(draft.name.as_str(), 100), (next.name.as_str(), 200)]);

        // One number for two versions cannot be told apart.
        let mut same = request;
        same.given_versions[0].name = draft.name;
        refused(
            scene.world.awards().simulate_awards(same).await,
            Code::InvalidArgument,
            "INVALID_FIELDS",
        )
        .breaks("given_versions[0].name", "version.unique");
    }

    async fn everything_wrong_with_a_simulation_is_told_at_once(world: World) {
        let scene = Scene::new(world).await;
        let plan = scene.plan("spiff").await;
        let mut given = tenth(&format!("{plan}/versions/1"));
        given.trigger_condition = "line.produkt == \"a\"".to_owned();
        let orphan = pb::IncentiveFact {
            kind: pb::incentive_fact::Kind::Churn.into(),
            ..invoice("c-1", "2026-05-04", 0)
        };
        let mut strange = invoice("i-3", "2026-05-04", 10);
        strange.cost_amount = Some(trellis_api::money::wire(trellis_core::Money::new(
            5,
            trellis_core::Currency::EUR,
        )));
        let mut asked = invoice("i-4", "2026-05-04", 10);
        let number = pb::FactValue {
            number: Some(3),
            ..pb::FactValue::default()
        };
        asked.fields = BTreeMap::from([
            ("partner.tier".to_owned(), number.clone()),
            ("partner.shoe_size".to_owned(), number),
        ]);
        let request = ask(
            vec![given],
            vec![
                invoice("i-1", "2026-05-04", 10),
                invoice("i-1", "2026-05-05", 20),
                orphan,
                strange,
                asked,
                invoice("i-5", "2026-05-04", -1),
            ],
        );
        refused(
            scene.world.awards().simulate_awards(request).await,
            Code::InvalidArgument,
            "INVALID_FIELDS",
        )
        .breaks("facts[1].external_id", "fact.unique")
        .breaks("facts[2].about", "required")
        .breaks("facts[3].cost_amount", "money.currency")
        .breaks("facts[4].fields[\"partner.tier\"]", "fact.value")
        .breaks("facts[4].fields[\"partner.shoe_size\"]", "fact.field")
        .breaks("facts[5].amount", "money.gte_zero");

        // What is wrong with a version is told beneath its place.
        let mut given = tenth(&format!("{plan}/versions/1"));
        given.trigger_condition = "line.produkt == \"a\"".to_owned();
        given.schedule.as_mut().unwrap().bands = vec![band(0, "1.5", 0)];
        given.limits = Some(pb::Limits {
            maximum_amount: usd(0),
            ..pb::Limits::default()
        });
        refused(
            scene.world.awards().simulate_awards(ask(vec![given], Vec::new())).await,
            Code::InvalidArgument,
            "INVALID_FIELDS",
        )
        .breaks("given_versions[0].schedule.bands[0].rate", "rate.range")
        .breaks("given_versions[0].limits.maximum_amount", "money.gt");
        let mut given = tenth(&format!("{plan}/versions/1"));
        given.trigger_condition = "line.produkt == \"a\"".to_owned();
        refused(
            scene.world.awards().simulate_awards(ask(vec![given], Vec::new())).await,
            Code::InvalidArgument,
            "INVALID_FIELDS",
        )
        .breaks("given_versions[0].trigger_condition", "condition.unknown_field");

        refused(
            scene.world.awards().simulate_awards(ask(Vec::new(), Vec::new())).await,
            Code::InvalidArgument,
            "INVALID_FIELDS",
        )
        .breaks("plan_versions", "required");
        let given = tenth("ecosystems/acme/plans/none/versions/1");
        refused(
            scene.world.awards().simulate_awards(ask(vec![given], Vec::new())).await,
            Code::NotFound,
            "RESOURCE_NOT_FOUND",
        )
        .tells("resource", "ecosystems/acme/plans/none");
    }

    async fn what_does_not_fit_is_refused(world: World) {
        let scene = Scene::new(world).await;
        let plan = scene.plan("spiff").await;
        let mut given = version(
            pb::measure::Window::Quarter,
            pb::schedule::Mode::Whole,
            vec![band(0, "1", 0)],
        );
        given.name = format!("{plan}/versions/1");
        given.trigger = pb::plan_version::Trigger::InvoicePaid.into();
        given.measure.as_mut().unwrap().source = pb::measure::Source::InvoicePaidNet.into();
        let most = i64::MAX - 5;
        let one = simulate(
            &scene,
            ask(vec![given.clone()], vec![invoice("i-1", "2026-05-04", most)]),
        )
        .await;
        assert_eq!(minor(&one[0].entitled_amount), most);
        let two = ask(
            vec![given],
            vec![
                invoice("i-1", "2026-05-04", most),
                invoice("i-2", "2026-05-04", most),
            ],
        );
        refused(
            scene.world.awards().simulate_awards(two).await,
            Code::InvalidArgument,
            "INVALID_FIELDS",
        )
        .breaks("facts", "money.range");
    }
}
