//! `PlanService`.

use std::time::Duration;

use tonic::Code;
use trellis_api::google::r#type::Decimal;
use trellis_api::incentive::v1 as pb;
use trellis_api::partner::v1::partner::PartnerType;
use trellis_tests::{World, on_both, refused};

use super::scene::{Scene, band, buckets, day, percent, quarterly, usd, version};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn mask(paths: &[&str]) -> Option<prost_types::FieldMask> {
    Some(prost_types::FieldMask {
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
    })
}

fn retire(version: &pb::PlanVersion, date: &str) -> pb::RetirePlanVersionRequest {
    pb::RetirePlanVersionRequest {
        name: version.name.clone(),
        retire_date: day(date),
        ..pb::RetirePlanVersionRequest::default()
    }
}

fn create(plan: &str, version: pb::PlanVersion) -> pb::CreatePlanVersionRequest {
    pb::CreatePlanVersionRequest {
        parent: plan.to_owned(),
        plan_version: Some(version),
        ..pb::CreatePlanVersionRequest::default()
    }
}

fn schedule(version: &pb::PlanVersion) -> pb::SchedulePlanVersionRequest {
    pb::SchedulePlanVersionRequest {
        name: version.name.clone(),
        ..pb::SchedulePlanVersionRequest::default()
    }
}

async fn get(world: &World, name: &str) -> pb::PlanVersion {
    let request = pb::GetPlanVersionRequest {
        name: name.to_owned(),
    };
    world
        .plans()
        .get_plan_version(request)
        .await
        .unwrap()
        .into_inner()
}

on_both! {
    async fn a_plan_is_created_read_listed_and_edited(world: World) {
        let scene = Scene::new(world).await;
        scene.program("other", true).await;
        let mut plans = scene.world.plans();
        let request = pb::CreatePlanRequest {
            parent: scene.name.clone(),
            plan_id: "spiff".to_owned(),
            plan: Some(pb::Plan {
                display_name: "Spiff".to_owned(),
                description: "A reward for each deal.".to_owned(),
                program: format!("{}/programs/channel", scene.name),
                ..pb::Plan::default()
            }),
            ..pb::CreatePlanRequest::default()
        };
        let created = plans.create_plan(request.clone()).await.unwrap().into_inner();
        assert_eq!(created.name, "ecosystems/acme/plans/spiff");
        assert_eq!(created.program, "ecosystems/acme/programs/channel");
        refused(plans.create_plan(request).await, Code::AlreadyExists, "RESOURCE_EXISTS")
            .tells("resource", &created.name);

        let request = pb::GetPlanRequest { name: created.name.clone() };
        assert_eq!(plans.get_plan(request).await.unwrap().into_inner(), created);

        let listed = |filter: &str| pb::ListPlansRequest {
            parent: scene.name.clone(),
            filter: filter.to_owned(),
            ..pb::ListPlansRequest::default()
        };
        let all = plans.list_plans(listed("program = \"ecosystems/acme/programs/channel\"")).await;
        assert_eq!(all.unwrap().into_inner().plans, std::slice::from_ref(&created));
        let none = plans.list_plans(listed("program = \"ecosystems/acme/programs/other\"")).await;
        assert_eq!(none.unwrap().into_inner().plans, []);

        let update = pb::UpdatePlanRequest {
            plan: Some(pb::Plan {
                display_name: "Big spiff".to_owned(),
                ..created.clone()
            }),
            update_mask: mask(&["display_name"]),
            ..pb::UpdatePlanRequest::default()
        };
        let updated = plans.update_plan(update.clone()).await.unwrap().into_inner();
        assert_eq!(updated.display_name, "Big spiff");
        assert_eq!(updated.description, created.description);
        refused(plans.update_plan(update).await, Code::Aborted, "ETAG_MISMATCH");
    }

    async fn a_plan_stays_with_its_program(world: World) {
        let scene = Scene::new(world).await;
        scene.program("other", true).await;
        let name = scene.plan("spiff").await;
        let update = pb::UpdatePlanRequest {
            plan: Some(pb::Plan {
                name,
                program: "ecosystems/acme/programs/other".to_owned(),
                ..pb::Plan::default()
            }),
            ..pb::UpdatePlanRequest::default()
        };
        let refusal = scene.world.plans().update_plan(update).await;
        refused(refusal, Code::InvalidArgument, "INVALID_FIELDS")
            .breaks("plan.program", "immutable");
    }

    async fn a_plan_needs_a_program_that_is_there(world: World) {
        let acme = world.ecosystem("acme").await;
        let request = pb::CreatePlanRequest {
            parent: acme,
            plan: Some(pb::Plan {
                display_name: "Spiff".to_owned(),
                program: "ecosystems/acme/programs/none".to_owned(),
                ..pb::Plan::default()
            }),
            ..pb::CreatePlanRequest::default()
        };
        refused(world.plans().create_plan(request).await, Code::NotFound, "RESOURCE_NOT_FOUND")
            .tells("resource", "ecosystems/acme/programs/none");
    }

    async fn versions_are_numbered_and_read_back_as_they_were_written(world: World) {
        let scene = Scene::new(world).await;
        let plan = scene.plan("spiff").await;
        let mut sent = version(
            pb::measure::Window::Quarter,
            pb::schedule::Mode::Marginal,
            vec![band(0, "0.0125", 100), band(1_000_001, "0.25", 0)],
        );
        sent.effective_until_date = day("2027-01-01");
        sent.audience = Some(pb::Audience {
            tiers: vec!["ecosystems/acme/programs/channel/tiers/gold".to_owned()],
            partner_types: vec![PartnerType::Reseller.into()],
            ..pb::Audience::default()
        });
        sent.limits = Some(pb::Limits {
            minimum_amount: usd(1_000),
            below: pb::limits::Below::RaiseTo.into(),
            maximum_amount: usd(9_999_999),
            ..pb::Limits::default()
        });
        sent.hold_days = 30;
        let first = scene.draft(&plan, sent.clone()).await;
        let second = scene.draft(&plan, percent("0.1")).await;
        assert_eq!(first.name, "ecosystems/acme/plans/spiff/versions/1");
        assert_eq!(second.name, "ecosystems/acme/plans/spiff/versions/2");
        assert_eq!(first.state(), pb::plan_version::State::Draft);
        sent.schedule.as_mut().unwrap().set_threshold(pb::schedule::Threshold::AtOrAbove);
        let measure = sent.measure.as_mut().unwrap();
        measure.set_group_by(pb::measure::GroupBy::Partner);
        measure.set_band_by(pb::measure::BandBy::Measure);
        measure.set_pay_on(pb::measure::PayOn::Measure);
        let read = get(&scene.world, &first.name).await;
        assert_eq!(read, first);
        let expected = pb::PlanVersion {
            name: first.name.clone(),
            state: first.state,
            create_time: first.create_time,
            update_time: first.update_time,
            etag: first.etag.clone(),
            ..sent
        };
        assert_eq!(read, expected);

        let request = pb::ListPlanVersionsRequest {
            parent: plan,
            page_size: 1,
            ..pb::ListPlanVersionsRequest::default()
        };
        let mut plans = scene.world.plans();
        let page = plans.list_plan_versions(request.clone()).await.unwrap().into_inner();
        assert_eq!(page.plan_versions, [first]);
        let request = pb::ListPlanVersionsRequest { page_token: page.next_page_token, ..request };
        let page = plans.list_plan_versions(request).await.unwrap().into_inner();
        assert_eq!(page.plan_versions, [second]);
        assert_eq!(page.next_page_token, "");
    }

    async fn everything_wrong_with_a_version_is_told_at_once(world: World) {
        let scene = Scene::new(world).await;
        let plan = scene.plan("spiff").await;
        let mut wrong = version(
            pb::measure::Window::Event,
            pb::schedule::Mode::Whole,
            vec![band(5, "1.5", 0), band(5, "0.1", -1)],
        );
        wrong.effective_from_date = None;
        wrong.currency_code = "dollars".to_owned();
        wrong.hold_days = -1;
        wrong.limits = Some(pb::Limits {
            minimum_amount: usd(10),
            maximum_amount: usd(5),
            ..pb::Limits::default()
        });
        wrong.audience = Some(pb::Audience {
            tiers: vec!["gold".to_owned()],
            partner_types: vec![0],
            ..pb::Audience::default()
        });
        let refusal = refused(
            scene.world.plans().create_plan_version(create(&plan, wrong)).await,
            Code::InvalidArgument,
            "INVALID_FIELDS",
        );
        for field in [
            "plan_version.effective_from_date",
            "plan_version.currency_code",
            "plan_version.hold_days",
            "plan_version.audience.partner_types[0]",
            "plan_version.audience.tiers[0]",
            "plan_version.schedule.bands[0].rate",
            "plan_version.schedule.bands[1].fixed_amount",
            "plan_version.limits.maximum_amount",
        ] {
            assert!(refusal.fields().contains(&field), "{field}: {:?}", refusal.fields());
        }
    }

    async fn a_version_must_make_sense_as_a_whole(world: World) {
        let scene = Scene::new(world).await;
        scene.program("other", true).await;
        let plan = scene.plan("spiff").await;
        let mut wrong = version(
            pb::measure::Window::Event,
            pb::schedule::Mode::Whole,
            vec![band(0, "0.1", 0), band(500, "0.2", 0)],
        );
        wrong.currency_code = "EUR".to_owned();
        wrong.effective_until_date = day("2026-01-01");
        wrong.audience = Some(pb::Audience {
            tiers: vec!["ecosystems/acme/programs/other/tiers/gold".to_owned()],
            partner_types: Vec::new(),
            ..pb::Audience::default()
        });
        refused(
            scene.world.plans().create_plan_version(create(&plan, wrong)).await,
            Code::InvalidArgument,
            "INVALID_FIELDS",
        )
        .breaks("plan_version.effective_until_date", "date.after")
        .breaks("plan_version.schedule.bands[1].from_amount", "money.currency")
        .breaks("plan_version.audience.tiers[0]", "other_program");

        let falling = version(
            pb::measure::Window::Event,
            pb::schedule::Mode::Whole,
            vec![band(500, "0.1", 0), band(500, "0.2", 0)],
        );
        refused(
            scene.world.plans().create_plan_version(create(&plan, falling)).await,
            Code::InvalidArgument,
            "INVALID_FIELDS",
        )
        .breaks("plan_version.schedule.bands[1].from_amount", "bands.ascending");

        let mut unknown = percent("0.1");
        unknown.audience = Some(pb::Audience {
            tiers: vec!["ecosystems/acme/programs/channel/tiers/none".to_owned()],
            partner_types: Vec::new(),
            ..pb::Audience::default()
        });
        refused(
            scene.world.plans().create_plan_version(create(&plan, unknown)).await,
            Code::NotFound,
            "RESOURCE_NOT_FOUND",
        )
        .tells("resource", "ecosystems/acme/programs/channel/tiers/none");
    }

    async fn a_draft_is_edited_field_by_field(world: World) {
        let scene = Scene::new(world).await;
        let plan = scene.plan("spiff").await;
        let draft = scene.draft(&plan, quarterly()).await;
        let mut plans = scene.world.plans();
        let update = pb::UpdatePlanVersionRequest {
            plan_version: Some(pb::PlanVersion {
                hold_days: 14,
                ..draft.clone()
            }),
            update_mask: mask(&["hold_days"]),
            ..pb::UpdatePlanVersionRequest::default()
        };
        let edited = plans.update_plan_version(update.clone()).await.unwrap().into_inner();
        assert_eq!(edited.hold_days, 14);
        assert_eq!(edited.schedule, draft.schedule);
        refused(plans.update_plan_version(update).await, Code::Aborted, "ETAG_MISMATCH");

        let euros = pb::UpdatePlanVersionRequest {
            plan_version: Some(pb::PlanVersion {
                name: draft.name.clone(),
                currency_code: "EUR".to_owned(),
                ..pb::PlanVersion::default()
            }),
            ..pb::UpdatePlanVersionRequest::default()
        };
        refused(plans.update_plan_version(euros).await, Code::InvalidArgument, "INVALID_FIELDS")
            .breaks("plan_version.currency_code", "currency.kept_amounts");
        assert_eq!(get(&scene.world, &draft.name).await, edited);
    }

    async fn a_scheduled_version_cannot_be_edited_or_scheduled_again(world: World) {
        let scene = Scene::new(world).await;
        let scheduled = scene.promise("spiff", percent("0.1")).await;
        let mut plans = scene.world.plans();
        let update = pb::UpdatePlanVersionRequest {
            plan_version: Some(pb::PlanVersion {
                name: scheduled.name.clone(),
                hold_days: 7,
                ..pb::PlanVersion::default()
            }),
            ..pb::UpdatePlanVersionRequest::default()
        };
        refused(plans.update_plan_version(update).await, Code::FailedPrecondition, "NOT_EDITABLE")
            .tells("state", "ACTIVE")
            .tells("fields", "hold_days");
        refused(
            plans.schedule_plan_version(schedule(&scheduled)).await,
            Code::FailedPrecondition,
            "ILLEGAL_TRANSITION",
        )
        .tells("move", "SCHEDULE")
        .tells("allowed", "RETIRE");
    }

    async fn scheduling_twice_with_one_request_id_is_scheduling_once(world: World) {
        let scene = Scene::new(world).await;
        let plan = scene.plan("spiff").await;
        let draft = scene.draft(&plan, percent("0.1")).await;
        let mut plans = scene.world.plans();
        let trial = pb::SchedulePlanVersionRequest { validate_only: true, ..schedule(&draft) };
        let tried = plans.schedule_plan_version(trial).await.unwrap().into_inner();
        assert_eq!(tried.state(), pb::plan_version::State::Active);
        assert_eq!(get(&scene.world, &draft.name).await, draft);
        let request = pb::SchedulePlanVersionRequest {
            request_id: "6f2b9a52-8d0c-4f7e-9d77-1f0f3c2f8a11".to_owned(),
            ..schedule(&draft)
        };
        let first = plans.schedule_plan_version(request.clone()).await.unwrap();
        scene.note(trellis_tests::position(&first));
        let again = plans.schedule_plan_version(request).await.unwrap();
        assert_eq!(trellis_tests::position(&first), trellis_tests::position(&again));
        assert_eq!(first.into_inner(), again.into_inner());
        let once = ["plan_version.created", "plan_version.scheduled", "plan_version.activated"];
        scene.has_events(&draft.name, &once).await;
    }

    async fn who_waits_for_the_schedule_finds_a_version_of_today_turned(world: World) {
        let scene = Scene::new(world).await;
        let plan = scene.plan("spiff").await;
        let draft = scene.draft(&plan, percent("0.1")).await;
        let mut plans = scene.world.plans();
        let scheduled = plans.schedule_plan_version(schedule(&draft)).await.unwrap();
        scene.note(trellis_tests::position(&scheduled));
        assert!(scene.awards("").await.is_empty());
        let turned = get(&scene.world, &draft.name).await;
        // Whatever else falls due is done before the clock goes on.
        scene.pass(Duration::from_secs(1)).await;
        assert!(scene.awards("").await.is_empty());
        assert_eq!(turned, get(&scene.world, &draft.name).await);
    }

    async fn versions_of_one_plan_never_hold_on_the_same_day(world: World) {
        let scene = Scene::new(world).await;
        let plan = scene.plan("spiff").await;
        let mut first = percent("0.1");
        first.effective_until_date = day("2026-07-01");
        let first = scene.draft(&plan, first).await;
        scene.schedule(&first.name).await;
        let mut second = percent("0.12");
        second.effective_from_date = day("2026-06-30");
        let second = scene.draft(&plan, second).await;
        let mut plans = scene.world.plans();
        refused(
            plans.schedule_plan_version(schedule(&second)).await,
            Code::FailedPrecondition,
            "VERSION_OVERLAP",
        )
        .tells("resource", &second.name)
        .tells("overlaps", &first.name);
        let update = pb::UpdatePlanVersionRequest {
            plan_version: Some(pb::PlanVersion {
                name: second.name.clone(),
                effective_from_date: day("2026-07-01"),
                ..pb::PlanVersion::default()
            }),
            ..pb::UpdatePlanVersionRequest::default()
        };
        plans.update_plan_version(update).await.unwrap();
        let second = scene.schedule(&second.name).await;
        assert_eq!(second.state(), pb::plan_version::State::Scheduled);
        // Another plan is another matter.
        scene.promise("bonus", percent("0.01")).await;
    }

    async fn a_version_with_a_period_holds_for_whole_periods(world: World) {
        let scene = Scene::new(world).await;
        let plan = scene.plan("rebate").await;
        let mut plans = scene.world.plans();
        let mut late = quarterly();
        late.effective_from_date = day("2026-02-01");
        let late = scene.draft(&plan, late).await;
        let refusal = refused(
            plans.schedule_plan_version(schedule(&late)).await,
            Code::FailedPrecondition,
            "PRECONDITION",
        );
        assert!(refusal.metadata.get("requires").unwrap().contains("quarter"), "{refusal:?}");
        let mut short = quarterly();
        short.effective_until_date = day("2026-05-01");
        let short = scene.draft(&plan, short).await;
        refused(
            plans.schedule_plan_version(schedule(&short)).await,
            Code::FailedPrecondition,
            "PRECONDITION",
        );
        let whole = scene.draft(&plan, quarterly()).await;
        let whole = scene.schedule(&whole.name).await;
        refused(
            plans.retire_plan_version(retire(&whole, "2026-05-01")).await,
            Code::FailedPrecondition,
            "PRECONDITION",
        );
        let retired = plans.retire_plan_version(retire(&whole, "2026-07-01")).await.unwrap();
        assert_eq!(retired.get_ref().state(), pb::plan_version::State::Active);
        assert_eq!(retired.get_ref().retire_date, day("2026-07-01"));
    }

    async fn a_version_can_be_scheduled_once_its_program_is_published(world: World) {
        let scene = Scene::new(world).await;
        scene.program("draft", false).await;
        let request = pb::CreatePlanRequest {
            parent: scene.name.clone(),
            plan_id: "early".to_owned(),
            plan: Some(pb::Plan {
                display_name: "Early".to_owned(),
                program: format!("{}/programs/draft", scene.name),
                ..pb::Plan::default()
            }),
            ..pb::CreatePlanRequest::default()
        };
        let plan = scene.world.plans().create_plan(request).await.unwrap().into_inner();
        let draft = scene.draft(&plan.name, percent("0.1")).await;
        refused(
            scene.world.plans().schedule_plan_version(schedule(&draft)).await,
            Code::FailedPrecondition,
            "PRECONDITION",
        )
        .tells("resource", "ecosystems/acme/programs/draft");
    }

    async fn a_version_holds_from_its_first_midnight_in_the_programs_time_zone(world: World) {
        let scene = Scene::new(world).await;
        let mut soon = percent("0.1");
        // It is 2026-03-02, 5 o'clock in the morning in New York.
        soon.effective_from_date = day("2026-03-03");
        soon.effective_until_date = day("2026-03-05");
        let soon = scene.promise("spiff", soon).await;
        assert_eq!(soon.state(), pb::plan_version::State::Scheduled);
        scene.pass(Duration::from_secs(19 * 60 * 60 - 1)).await;
        let before = get(&scene.world, &soon.name).await;
        assert_eq!(before.state(), pb::plan_version::State::Scheduled);
        scene.pass(Duration::from_secs(1)).await;
        let after = get(&scene.world, &soon.name).await;
        assert_eq!(after.state(), pb::plan_version::State::Active);
        scene.pass(2 * DAY).await;
        let ended = get(&scene.world, &soon.name).await;
        assert_eq!(ended.state(), pb::plan_version::State::Retired);
        let kinds = [
            "plan_version.created",
            "plan_version.scheduled",
            "plan_version.activated",
            "plan_version.ended",
        ];
        scene.has_events(&soon.name, &kinds).await;
    }

    async fn a_version_is_retired_from_today_on_and_not_from_yesterday(world: World) {
        let scene = Scene::new(world).await;
        let held = scene.promise("spiff", percent("0.1")).await;
        scene.win("deal-1", "nimbus", 100_000, "2026-03-01").await;
        scene.win("deal-2", "nimbus", 100_000, "2026-03-02").await;
        let awards = scene.of_plan("spiff").await;
        assert_eq!(awards.iter().map(buckets).collect::<Vec<_>>(), [[0, 10_000, 0, 0, 0, 0]; 2]);

        let mut plans = scene.world.plans();
        refused(
            plans.retire_plan_version(retire(&held, "2026-03-01")).await,
            Code::InvalidArgument,
            "INVALID_FIELDS",
        )
        .breaks("retire_date", "date.gte_today");
        let retired = plans.retire_plan_version(retire(&held, "2026-03-02")).await.unwrap();
        scene.note(trellis_tests::position(&retired));
        assert_eq!(retired.get_ref().state(), pb::plan_version::State::Retired);
        refused(
            plans.retire_plan_version(retire(&held, "2026-03-09")).await,
            Code::FailedPrecondition,
            "ILLEGAL_TRANSITION",
        );

        let awards = scene.of_plan("spiff").await;
        let told: Vec<_> =
            awards.iter().map(|award| (buckets(award)[1], award.not_paid_reason())).collect();
        assert_eq!(
            told,
            [
                (10_000, pb::award::NotPaidReason::Unspecified),
                (0, pb::award::NotPaidReason::NoPlanVersion),
            ]
        );
        // What is told late about a day on which it held is still paid.
        scene.win("deal-3", "nimbus", 50_000, "2026-03-01").await;
        scene.win("deal-4", "nimbus", 50_000, "2026-03-02").await;
        assert_eq!(scene.of_plan("spiff").await.len(), 3);
        scene.is_sound().await;
    }

    async fn an_end_can_be_brought_forward_only(world: World) {
        let scene = Scene::new(world).await;
        let mut ending = percent("0.1");
        ending.effective_until_date = day("2026-06-01");
        let ending = scene.promise("spiff", ending).await;
        let mut plans = scene.world.plans();
        refused(
            plans.retire_plan_version(retire(&ending, "2026-06-01")).await,
            Code::FailedPrecondition,
            "PRECONDITION",
        );
        plans.retire_plan_version(retire(&ending, "2026-05-01")).await.unwrap();
        let sooner = plans.retire_plan_version(retire(&ending, "2026-04-01")).await.unwrap();
        assert_eq!(sooner.get_ref().retire_date, day("2026-04-01"));
        assert_eq!(sooner.get_ref().effective_until_date, day("2026-06-01"));
    }

    async fn a_version_that_is_retired_before_it_begins_never_holds(world: World) {
        let scene = Scene::new(world).await;
        let mut later = percent("0.1");
        later.effective_from_date = day("2026-06-01");
        let later = scene.promise("spiff", later).await;
        let mut plans = scene.world.plans();
        let retired = plans.retire_plan_version(retire(&later, "2026-03-02")).await.unwrap();
        assert_eq!(retired.get_ref().state(), pb::plan_version::State::Retired);
        let plan = "ecosystems/acme/plans/spiff";
        let instead = scene.draft(plan, percent("0.2")).await;
        scene.schedule(&instead.name).await;
        scene.win("deal-1", "nimbus", 100_000, "2026-06-02").await;
        let award = scene.award("spiff").await;
        assert_eq!(award.plan_version, instead.name);
    }

    async fn names_of_nothing_are_not_found(world: World) {
        let scene = Scene::new(world).await;
        scene.plan("spiff").await;
        let mut plans = scene.world.plans();
        let names =
            ["ecosystems/acme/plans/none/versions/1", "ecosystems/acme/plans/spiff/versions/9"];
        for name in names {
            let request = pb::GetPlanVersionRequest { name: name.to_owned() };
            refused(plans.get_plan_version(request).await, Code::NotFound, "RESOURCE_NOT_FOUND")
                .tells("resource", name);
        }
        let request = pb::GetPlanRequest { name: "ecosystems/acme/plans/none".to_owned() };
        refused(plans.get_plan(request).await, Code::NotFound, "RESOURCE_NOT_FOUND");
        let request = pb::ListPlanVersionsRequest {
            parent: "ecosystems/acme/plans/none".to_owned(),
            ..pb::ListPlanVersionsRequest::default()
        };
        refused(plans.list_plan_versions(request).await, Code::NotFound, "RESOURCE_NOT_FOUND");
        let request = create("ecosystems/acme/plans/none", percent("0.1"));
        refused(plans.create_plan_version(request).await, Code::NotFound, "RESOURCE_NOT_FOUND");
    }

    async fn a_rate_keeps_all_its_digits(world: World) {
        let scene = Scene::new(world).await;
        let plan = scene.plan("spiff").await;
        let draft = scene.draft(&plan, percent("0.012345678901234567")).await;
        let band = draft.schedule.unwrap().bands.remove(0);
        assert_eq!(band.rate, Some(Decimal { value: "0.012345678901234567".to_owned() }));
    }
}
