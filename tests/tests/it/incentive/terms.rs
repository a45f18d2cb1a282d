//! Terms beyond a share of deals: how they are written, read, refused, described and reviewed.

use tonic::Code;
use trellis_api::google::r#type::Decimal;
use trellis_api::incentive::v1 as pb;
use trellis_tests::{on_both, refused};

use super::scene::{Scene, band, percent, quarterly, usd, version};

fn decimal(text: &str) -> Option<Decimal> {
    Some(Decimal {
        value: text.to_owned(),
    })
}

/// A version that says something in each group.
fn everything() -> pb::PlanVersion {
    let mut version = version(
        pb::measure::Window::Event,
        pb::schedule::Mode::Marginal,
        vec![band(0, "0.05", 0), band(100_000, "0.07", 500)],
    );
    version.kind = pb::plan_version::Kind::Spiff.into();
    version.trigger = pb::plan_version::Trigger::InvoicePaid.into();
    version.trigger_condition = "line.category in [\"software\", \"cloud\"]".to_owned();
    version.audience = Some(pb::Audience {
        tiers: vec!["ecosystems/acme/programs/channel/tiers/gold".to_owned()],
        partner_types: Vec::new(),
        condition: "partner.country == \"DE\" || partner.joined_months >= 12".to_owned(),
    });
    version.measure = Some(pb::Measure {
        source: pb::measure::Source::InvoicePaidNet.into(),
        window: pb::measure::Window::Event.into(),
        group_by: pb::measure::GroupBy::Partner.into(),
        target: None,
        band_by: pb::measure::BandBy::Measure.into(),
        pay_on: pb::measure::PayOn::Measure.into(),
        target_payout_amount: None,
    });
    version.schedule.as_mut().unwrap().threshold = pb::schedule::Threshold::Above.into();
    version.sharing = Some(pb::Sharing {
        roles: vec![
            pb::RoleWeight {
                role: "SOURCED".to_owned(),
                weight: 60,
            },
            pb::RoleWeight {
                role: "FULFIL".to_owned(),
                weight: 40,
            },
        ],
        unfilled: pb::sharing::Unfilled::Redistribute.into(),
        funds: Vec::new(),
    });
    version.limits = Some(pb::Limits {
        minimum_amount: usd(500),
        below: pb::limits::Below::RaiseTo.into(),
        maximum_amount: usd(1_000_000),
        term: Some(pb::LimitTerm {
            kind: pb::limit_term::Kind::Months.into(),
            months: 12,
            anchor: pb::TimeAnchor::ContractStart.into(),
        }),
        shared_limits: vec![pb::SharedLimit {
            scope: pb::shared_limit::Scope::Plan.into(),
            window: pb::shared_limit::Window::Year.into(),
            maximum_amount: usd(50_000_000),
            minimum_amount: None,
        }],
        draw: None,
    });
    version.protection = Some(pb::Protection {
        hold_months: 1,
        hold_until: String::new(),
        holdback: Some(pb::Holdback {
            share: decimal("0.1"),
            days: 90,
        }),
        clawback: Some(pb::Clawback {
            triggers: vec![
                pb::clawback::Trigger::Refund.into(),
                pb::clawback::Trigger::Churn.into(),
            ],
            mode: pb::clawback::Mode::Steps.into(),
            window: 180,
            grace: 10,
            anchor: pb::TimeAnchor::Event.into(),
            steps: vec![
                pb::ClawbackStep {
                    until_days: 90,
                    share: decimal("1"),
                },
                pb::ClawbackStep {
                    until_days: 180,
                    share: decimal("0.5"),
                },
            ],
        }),
    });
    version.policy = Some(pb::Policy {
        stack: Some(pb::PolicyStack {
            group: "new-business".to_owned(),
            rule: pb::policy_stack::Rule::BestOf.into(),
            rank: 2,
            cap_amount: None,
            cap_share: decimal("0.2"),
        }),
        rounding: pb::policy::Rounding::HalfEven.into(),
        exchange: Some(pb::PolicyExchange {
            rate: pb::policy_exchange::Rate::MonthAverage.into(),
            day: pb::policy_exchange::Day::Booking.into(),
        }),
        keeps_paid: true,
    });
    version
}

/// What a caller wrote, of what was answered.
fn written(answered: &pb::PlanVersion, sent: pb::PlanVersion) -> pb::PlanVersion {
    pb::PlanVersion {
        name: answered.name.clone(),
        state: answered.state,
        create_time: answered.create_time,
        update_time: answered.update_time,
        etag: answered.etag.clone(),
        ..sent
    }
}

async fn create(
    scene: &Scene,
    plan: &str,
    version: pb::PlanVersion,
) -> Result<tonic::Response<pb::PlanVersion>, tonic::Status> {
    let request = pb::CreatePlanVersionRequest {
        parent: plan.to_owned(),
        plan_version: Some(version),
        ..pb::CreatePlanVersionRequest::default()
    };
    scene.world.plans().create_plan_version(request).await
}

async fn update(
    scene: &Scene,
    version: pb::PlanVersion,
    mask: &[&str],
) -> Result<tonic::Response<pb::PlanVersion>, tonic::Status> {
    let request = pb::UpdatePlanVersionRequest {
        plan_version: Some(version),
        update_mask: Some(prost_types::FieldMask {
            paths: mask.iter().map(|path| (*path).to_owned()).collect(),
        }),
        ..pb::UpdatePlanVersionRequest::default()
    };
    scene.world.plans().update_plan_version(request).await
}

async fn lint(scene: &Scene, name: &str) -> pb::LintPlanVersionResponse {
    let request = pb::LintPlanVersionRequest {
        name: name.to_owned(),
    };
    let answer = scene.world.plans().lint_plan_version(request).await;
    answer.unwrap().into_inner()
}

on_both! {
    async fn every_group_of_terms_is_read_back_as_it_was_written(world: World) {
        let scene = Scene::new(world).await;
        let plan = scene.plan("spiff").await;
        let draft = create(&scene, &plan, everything()).await.unwrap().into_inner();
        assert_eq!(draft, written(&draft, everything()));

        // One group changes, the others stay; a hold of days takes the place of one of months.
        let edited = update(
            &scene,
            pb::PlanVersion {
                hold_days: 30,
                sharing: None,
                ..draft.clone()
            },
            &["hold_days", "sharing"],
        )
        .await
        .unwrap()
        .into_inner();
        let mut expected = written(&edited, everything());
        expected.hold_days = 30;
        expected.sharing = None;
        expected.protection.as_mut().unwrap().hold_months = 0;
        assert_eq!(edited, expected);

        let plain = create(&scene, &plan, percent("0.1")).await.unwrap().into_inner();
        let groups = (&plain.sharing, &plain.limits, &plain.protection, &plain.policy);
        assert_eq!(groups, (&None, &None, &None, &None));
    }

    async fn everything_wrong_with_terms_is_told_at_once(world: World) {
        let scene = Scene::new(world).await;
        let plan = scene.plan("spiff").await;
        let mut wrong = everything();
        wrong.trigger_condition = "line.catgory == \"software\"".to_owned();
        wrong.audience.as_mut().unwrap().condition = "partner.country = \"DE\"".to_owned();
        wrong.measure.as_mut().unwrap().window = pb::measure::Window::Lifetime.into();
        wrong.limits.as_mut().unwrap().shared_limits[0].maximum_amount = None;
        wrong.protection.as_mut().unwrap().clawback.as_mut().unwrap().grace = 500;
        let stack = wrong.policy.as_mut().unwrap().stack.as_mut().unwrap();
        stack.cap_share = decimal("0");
        let refusal = refused(
            create(&scene, &plan, wrong).await,
            Code::InvalidArgument,
            "INVALID_FIELDS",
        );
        refusal
        .breaks("plan_version.trigger_condition", "condition.unknown_field")
        .breaks("plan_version.audience.condition", "condition.syntax")
        .breaks("plan_version.sharing", "plan.sharing")
        .breaks("plan_version.protection.hold_months", "plan.hold")
        .breaks("plan_version.protection.clawback.grace", "plan.clawback")
        .breaks("plan_version.limits.shared_limits[0]", "plan.limit")
        .breaks("plan_version.policy.stack.cap_amount", "plan.cap");
        let text = format!("{refusal:?}");
        assert!(text.contains("line.category"), "the field that was meant: {text}");
    }

    async fn what_contradicts_itself_is_refused(world: World) {
        let scene = Scene::new(world).await;
        let plan = scene.plan("spiff").await;
        let mut both = everything();
        both.hold_days = 30;
        both.sharing.as_mut().unwrap().funds = vec![pb::FundWeight {
            fund: pb::fund_weight::Fund::Rebate.into(),
            weight: 1,
        }];
        refused(create(&scene, &plan, both).await, Code::InvalidArgument, "INVALID_FIELDS")
            .breaks("plan_version.sharing.funds", "sharing.kind");
        let mut both = everything();
        both.hold_days = 30;
        refused(create(&scene, &plan, both).await, Code::InvalidArgument, "INVALID_FIELDS")
            .breaks("plan_version.hold_days", "protection.hold");
        let mut pieces = quarterly();
        pieces.measure.as_mut().unwrap().source = pb::measure::Source::Units.into();
        refused(create(&scene, &plan, pieces).await, Code::InvalidArgument, "INVALID_FIELDS")
            .breaks("plan_version.schedule.bands[0].from_amount", "band.from");

        // Whoever changes what is measured must say again where the bands begin.
        let draft = create(&scene, &plan, quarterly()).await.unwrap().into_inner();
        let mut pieces = draft.clone();
        pieces.measure.as_mut().unwrap().source = pb::measure::Source::Units.into();
        refused(
            update(&scene, pieces, &["measure"]).await,
            Code::InvalidArgument,
            "INVALID_FIELDS",
        )
        .breaks("plan_version.measure", "measure.kept_bands");
    }

    async fn what_no_fund_can_take_is_not_scheduled(world: World) {
        let scene = Scene::new(world).await;
        let plan = scene.plan("spiff").await;
        let mut funds = percent("0.1");
        funds.sharing = Some(pb::Sharing {
            funds: vec![
                pb::FundWeight { fund: pb::fund_weight::Fund::Rebate.into(), weight: 60 },
                pb::FundWeight { fund: pb::fund_weight::Fund::Coop.into(), weight: 40 },
            ],
            ..pb::Sharing::default()
        });
        let mut accrual = percent("0.1");
        accrual.kind = pb::plan_version::Kind::FundAccrual.into();
        for (version, field) in [(funds, "sharing"), (accrual, "kind")] {
            let draft = create(&scene, &plan, version).await.unwrap().into_inner();
            let request = pb::SchedulePlanVersionRequest {
                name: draft.name,
                ..pb::SchedulePlanVersionRequest::default()
            };
            let refusal = refused(
                scene.world.plans().schedule_plan_version(request).await,
                Code::FailedPrecondition,
                "PRECONDITION",
            );
            let text = format!("{refusal:?}");
            for word in [field, "no marketing funds yet", "SimulateAwards"] {
                assert!(text.contains(word), "{word}: {text}");
            }
        }
        // All other terms are: see `facts`.
        let draft = create(&scene, &plan, everything()).await.unwrap().into_inner();
        scene.schedule(&draft.name).await;
    }

    async fn a_plan_is_told_in_plain_words(world: World) {
        let scene = Scene::new(world).await;
        let plan = scene.plan("spiff").await;
        let first = scene.draft(&plan, percent("0.1")).await;
        scene.schedule(&first.name).await;
        let second = scene.draft(&plan, everything()).await;
        let request = pb::DescribePlanRequest { name: plan };
        let answer = scene.world.plans().describe_plan(request).await;
        let descriptions = answer.unwrap().into_inner().descriptions;
        let named: Vec<_> = descriptions
            .iter()
            .map(|told| (told.plan_version.as_str(), told.state()))
            .collect();
        assert_eq!(
            named,
            [
                (second.name.as_str(), pb::plan_version::State::Draft),
                (first.name.as_str(), pb::plan_version::State::Active),
            ]
        );
        let plain = &descriptions[1];
        assert_eq!(plain.text, "For each won deal, pays every partner 10 % of the deal's value.");
        assert_eq!(plain.word_count, 13);
        let whole = &descriptions[0].text;
        for said in ["5 %", "7 %", "the tier of the enrolment", "held 90 days", "group new-business"] {
            assert!(whole.contains(said), "{said}: {whole}");
        }
    }

    async fn likely_mistakes_are_found(world: World) {
        let scene = Scene::new(world).await;
        let plan = scene.plan("spiff").await;
        // Selling more pays less.
        let falling = version(
            pb::measure::Window::Quarter,
            pb::schedule::Mode::Whole,
            vec![band(0, "0.05", 0), band(100_000, "0.02", 0)],
        );
        let mut nobody = falling.clone();
        nobody.audience = Some(pb::Audience {
            condition: "partner.country == \"AQ\"".to_owned(),
            ..pb::Audience::default()
        });
        let draft = scene.draft(&plan, nobody).await;
        let found = lint(&scene, &draft.name).await;
        let rules: Vec<_> = found
            .findings
            .iter()
            .map(|finding| (finding.rule.as_str(), finding.field.as_str()))
            .collect();
        assert!(rules.contains(&("L04", "schedule.bands[1]")), "{found:#?}");
        assert!(rules.contains(&("L09", "audience.condition")), "{found:#?}");
        assert_eq!(found.complexity, 3);
        assert_eq!(found.colour(), pb::lint_plan_version_response::Colour::Green);

        // The control: rising bands for everybody who is there.
        let draft = scene.draft(&plan, quarterly()).await;
        let found = lint(&scene, &draft.name).await;
        assert_eq!(found.findings, []);

        // A second plan that pays the same deals again.
        scene.promise("commission", percent("0.1")).await;
        let draft = scene.draft(&plan, percent("0.02")).await;
        let found = lint(&scene, &draft.name).await;
        let twice = found.findings.iter().find(|finding| finding.rule == "L06");
        let text = &twice.unwrap().text;
        assert!(text.contains("cirrus is in both"), "{text}");
    }
}
