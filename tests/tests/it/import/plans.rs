//! What three plans pay for the deals of an export, compared with what a script says that knows the file
//! and nothing else: `tests/python/crm_plans.py`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use trellis_api::google::r#type::{Date, Decimal, Money as WireMoney};
use trellis_api::incentive::v1 as incentive;
use trellis_api::incentive::v1::backtest_plan_response::Part;
use trellis_api::partner::v1 as partner;
use trellis_api::{deal::v1 as pb, money, program::v1 as program};
use trellis_core::{Currency, Money};
use trellis_server::import::Kind;
use trellis_tests::{World, position};

use super::Import;
use super::export::Export;
use super::found::Found;

const ACME: &str = "ecosystems/acme";
const PLANS: [&str; 3] = ["percent", "marginal", "whole"];

/// What agents get, in cents, by their names.
type Totals = BTreeMap<String, i64>;

/// What the script says.
struct Script(Value);

impl Script {
    fn run(folder: &Path) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/crm_plans.py");
        let output = Command::new("python3").arg(script).arg(folder).output();
        let output = output.expect("python3 is there");
        assert!(output.status.success(), "{output:?}");
        Self(serde_json::from_slice(&output.stdout).unwrap())
    }

    fn refunds(&self) -> Totals {
        totals(&self.0["refunds"])
    }

    fn totals(&self, when: &str, plan: &str) -> Totals {
        totals(&self.0["totals"][when][plan])
    }
}

fn totals(value: &Value) -> Totals {
    let pairs = value.as_object().unwrap().iter();
    pairs
        .map(|(key, cents)| (key.clone(), cents.as_i64().unwrap()))
        .collect()
}

fn usd(minor: i64) -> Option<WireMoney> {
    Some(money::wire(Money::new(minor, Currency::USD)))
}

fn day(year: i32, month: i32, day: i32) -> Option<Date> {
    Some(Date { year, month, day })
}

fn cents(amount: &Option<WireMoney>) -> i64 {
    money::read(amount.as_ref().unwrap()).unwrap().minor
}

/// The terms of a plan, as the script has them.
fn terms(plan: &str) -> incentive::PlanVersion {
    use incentive::measure::Window;
    use incentive::schedule::Mode;
    let (window, mode, bands) = match plan {
        "percent" => (Window::Event, Mode::Marginal, vec![(0, "0.0725")]),
        "marginal" => (
            Window::Quarter,
            Mode::Marginal,
            vec![(0, "0.02"), (500_000, "0.045"), (5_000_000, "0.0675")],
        ),
        _ => (
            Window::Quarter,
            Mode::Whole,
            vec![(500_000, "0.033"), (5_000_000, "0.051")],
        ),
    };
    let band = |(from, rate): (i64, &str)| incentive::Band {
        from_amount: usd(from),
        rate: Some(Decimal {
            value: rate.to_owned(),
        }),
        ..incentive::Band::default()
    };
    incentive::PlanVersion {
        effective_from_date: day(2016, 1, 1),
        currency_code: "USD".to_owned(),
        kind: incentive::plan_version::Kind::Rebate.into(),
        trigger: incentive::plan_version::Trigger::DealWon.into(),
        measure: Some(incentive::Measure {
            source: incentive::measure::Source::DealNet.into(),
            window: window.into(),
            ..incentive::Measure::default()
        }),
        schedule: Some(incentive::Schedule {
            mode: mode.into(),
            bands: bands.into_iter().map(band).collect(),
            ..incentive::Schedule::default()
        }),
        ..incentive::PlanVersion::default()
    }
}

/// A published program that everybody is enrolled in, with the three plans.
async fn promise(world: &World, partners: impl Iterator<Item = &partner::Partner>) {
    let request = program::CreateProgramRequest {
        parent: ACME.to_owned(),
        program_id: "channel".to_owned(),
        program: Some(program::Program {
            display_name: "Channel".to_owned(),
            time_zone: "Etc/UTC".to_owned(),
            currency_code: "USD".to_owned(),
            ..program::Program::default()
        }),
        ..program::CreateProgramRequest::default()
    };
    let made = world.programs().create_program(request).await.unwrap();
    let channel = made.into_inner().name;
    let request = program::CreateTierRequest {
        parent: channel.clone(),
        tier_id: "base".to_owned(),
        tier: Some(program::Tier {
            display_name: "Base".to_owned(),
            rank: 1,
            ..program::Tier::default()
        }),
        ..program::CreateTierRequest::default()
    };
    let tier = world.programs().create_tier(request).await.unwrap();
    let tier = tier.into_inner().name;
    let request = program::PublishProgramRequest {
        name: channel.clone(),
        ..program::PublishProgramRequest::default()
    };
    world.programs().publish_program(request).await.unwrap();
    for partner in partners {
        enrol(world, &partner.name, &channel, &tier).await;
    }
    for plan in PLANS {
        let request = incentive::CreatePlanRequest {
            parent: ACME.to_owned(),
            plan_id: plan.to_owned(),
            plan: Some(incentive::Plan {
                display_name: plan.to_owned(),
                program: channel.clone(),
                ..incentive::Plan::default()
            }),
            ..incentive::CreatePlanRequest::default()
        };
        let made = world.plans().create_plan(request).await.unwrap();
        let request = incentive::CreatePlanVersionRequest {
            parent: made.into_inner().name,
            plan_version: Some(terms(plan)),
            ..incentive::CreatePlanVersionRequest::default()
        };
        let made = world.plans().create_plan_version(request).await.unwrap();
        let request = incentive::SchedulePlanVersionRequest {
            name: made.into_inner().name,
            ..incentive::SchedulePlanVersionRequest::default()
        };
        world.plans().schedule_plan_version(request).await.unwrap();
    }
}

async fn enrol(world: &World, partner: &str, channel: &str, tier: &str) {
    let request = program::CreateEnrollmentRequest {
        parent: ACME.to_owned(),
        enrollment: Some(program::Enrollment {
            program: channel.to_owned(),
            partner: partner.to_owned(),
            tier: tier.to_owned(),
            ..program::Enrollment::default()
        }),
        ..program::CreateEnrollmentRequest::default()
    };
    world
        .enrollments()
        .create_enrollment(request)
        .await
        .unwrap();
}

/// What a plan pays each agent, as the books of an ecosystem have it.
async fn paid(world: &World, since: &str, plan: &str, names: &BTreeMap<String, String>) -> Totals {
    let mut request = incentive::ListAwardsRequest {
        parent: ACME.to_owned(),
        page_size: 1_000,
        filter: format!("plan = \"{ACME}/plans/{plan}\""),
        ..incentive::ListAwardsRequest::default()
    };
    let mut sums = Totals::new();
    loop {
        let listed = world
            .since(since)
            .awards()
            .list_awards(request.clone())
            .await;
        let page = listed.unwrap().into_inner();
        for award in page.awards {
            *sums.entry(names[&award.partner].clone()).or_default() +=
                cents(&award.entitled_amount);
        }
        if page.next_page_token.is_empty() {
            sums.retain(|_, sum| *sum != 0);
            return sums;
        }
        request.page_token = page.next_page_token;
    }
}

/// The agents of whom the books and the script say something else.
fn otherwise<'a>(books: &'a Totals, script: &'a Totals) -> Vec<&'a String> {
    let agents = books.keys().chain(script.keys());
    let mut otherwise: Vec<&String> = agents
        .filter(|agent| books.get(*agent) != script.get(*agent))
        .collect();
    otherwise.sort();
    otherwise.dedup();
    otherwise
}

/// Lets an export come in under three plans, and compares what every agent gets, before refunds and
/// after.
pub(super) async fn pay_what_the_script_says(world: &World, mut import: Import) {
    world.ecosystem("acme").await;
    let script = Script::run(&import.arguments.folder);
    import.arguments.only = vec![
        Kind::Territories,
        Kind::Products,
        Kind::Partners,
        Kind::Accounts,
    ];
    import.run().await;
    let found = Found::read(world, ACME).await;
    promise(world, found.partners.values()).await;
    import.arguments.only = vec![Kind::Deals];
    import.run().await;
    let found = Found::read(world, ACME).await;
    let names = found.partners.iter();
    let names = names.map(|(agent, partner)| (partner.name.clone(), agent.clone()));
    let names: BTreeMap<String, String> = names.collect();
    let since = world.mark(ACME).await;
    for plan in PLANS {
        let (books, said) = (
            paid(world, &since, plan, &names).await,
            script.totals("before", plan),
        );
        assert!(said.len() > 4 && said.values().sum::<i64>() > 100_000);
        assert_eq!(otherwise(&books, &said), [""; 0], "{plan}");
        // The control: a cent too many is noticed.
        let mut planted = said.clone();
        *planted.values_mut().nth(3).unwrap() += 1;
        assert_eq!(otherwise(&books, &planted).len(), 1, "{plan}");
    }

    let mut since = since;
    for (opportunity, back) in script.refunds() {
        let request = pb::RecordRefundRequest {
            name: found.deals[&opportunity].name.clone(),
            external_id: format!("refund-{opportunity}"),
            amount: usd(back),
            reason_code: "RETURNED_GOODS".to_owned(),
            ..pb::RecordRefundRequest::default()
        };
        since = position(&world.deals().record_refund(request).await.unwrap());
    }
    for plan in PLANS {
        let books = paid(world, &since, plan, &names).await;
        let said = script.totals("after", plan);
        assert_ne!(said, script.totals("before", plan));
        assert_eq!(otherwise(&books, &said), [""; 0], "{plan}");
    }
    // Had the one plan had the terms of another, it would have paid what that pays.
    let request = incentive::BacktestPlanRequest {
        parent: ACME.to_owned(),
        given_versions: vec![incentive::PlanVersion {
            name: format!("{ACME}/plans/marginal/versions/2"),
            ..terms("whole")
        }],
        start_date: day(2016, 1, 1),
        end_date: day(2018, 1, 1),
        ..incentive::BacktestPlanRequest::default()
    };
    let stream = world.plans().backtest_plan(request).await.unwrap();
    let mut stream = stream.into_inner();
    let (mut current, mut proposed) = (Totals::new(), Totals::new());
    while let Some(message) = stream.message().await.unwrap() {
        let Some(Part::Partners(some)) = message.part else {
            continue;
        };
        for partner in some.partners {
            let amounts = partner.amounts.unwrap();
            let agent = &names[&partner.partner];
            current.insert(agent.clone(), cents(&amounts.current_amount));
            proposed.insert(agent.clone(), cents(&amounts.proposed_amount));
        }
    }
    current.retain(|_, sum| *sum != 0);
    proposed.retain(|_, sum| *sum != 0);
    let said = |plan: &str| script.totals("after", plan);
    assert_eq!(otherwise(&current, &said("marginal")), [""; 0]);
    assert_eq!(otherwise(&proposed, &said("whole")), [""; 0]);
}

/// An export whose agents sell enough to reach every band.
pub(super) fn rich(opportunities: usize) -> Export {
    let mut export = Export::made_up(opportunities);
    for (at, row) in export.pipeline.iter_mut().enumerate() {
        if row["deal_stage"] == "Won" {
            row.insert(
                "close_value".to_owned(),
                format!("{}.{:02}", 37 * at % 4_001, at % 100),
            );
        }
    }
    export
}
