//! Creating, reading and changing programs.

use tonic::Code;
use trellis_api::program::v1 as pb;
use trellis_api::program::v1::program::State;
use trellis_tests::{on_both, refused};

use super::house::{ACME, House, REQUEST_ID, euros, named, orbit, update};

fn create(program: pb::Program) -> pb::CreateProgramRequest {
    pb::CreateProgramRequest {
        parent: ACME.into(),
        program_id: "orbit".into(),
        program: Some(program),
        ..Default::default()
    }
}

on_both! {
    async fn a_program_begins_as_a_draft_with_the_usual_settings(world: World) {
        let house = House::of(world).await;
        let program = house.draft("orbit").await;
        assert_eq!(program.name, "ecosystems/acme/programs/orbit");
        assert_eq!(program.state(), State::Draft);
        assert_eq!(program.revision_number, 0);
        assert_eq!((program.publish_time, program.retire_time), (None, None));
        assert_eq!(program.create_time, program.update_time);
        let settings = program.deal_registration.clone().unwrap();
        assert_eq!(settings.protection_days, Some(90));
        assert_eq!(settings.extension_days, Some(60));
        assert_eq!(settings.hard_stop_days, Some(180));
        assert!(!settings.auto_approve_registrations);
        assert_eq!(settings.auto_approve_limit, None);
        assert_eq!(settings.daily_account_budget, Some(20));
        assert_eq!(settings.monthly_account_budget, Some(100));
        assert_eq!(settings.person_open_limit, Some(100));
        assert_eq!(settings.partner_open_limit, Some(0));
        assert_eq!(settings.direct_lookback_days, Some(180));
        assert_eq!(settings.incumbent_days, Some(365));
        assert!(!settings.teaming);
        assert_eq!(settings.evidence_minimum, 0);
        assert_eq!(house.get(&program.name).await, program);
        assert_eq!(house.happened(&program.name).await, ["program.created"]);
    }

    async fn settings_are_kept_as_they_are_given(world: World) {
        let house = House::of(world).await;
        let settings = pb::DealRegistrationSettings {
            protection_days: Some(30),
            extension_days: Some(0),
            hard_stop_days: Some(30),
            auto_approve_registrations: true,
            auto_approve_limit: euros(25_000),
            conflict_disclosure: pb::deal_registration_settings::ConflictDisclosure::State.into(),
            daily_account_budget: Some(0),
            monthly_account_budget: Some(500),
            person_open_limit: Some(0),
            partner_open_limit: Some(1_000),
            direct_lookback_days: Some(0),
            teaming: true,
            incumbent_days: Some(30),
            evidence_minimum: 2,
        };
        let request = create(pb::Program {
            description: "For those who build on us.".into(),
            deal_registration: Some(settings.clone()),
            ..orbit()
        });
        let program = house
            .programs()
            .create_program(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(program.deal_registration, Some(settings));
        assert_eq!(program.description, "For those who build on us.");
        assert_eq!(house.get(&program.name).await, program);
    }

    async fn everything_wrong_with_a_new_program_is_told_at_once(world: World) {
        let house = House::of(world).await;
        let request = pb::CreateProgramRequest {
            program_id: "Orbit!".into(),
            ..create(pb::Program {
                time_zone: "Mars/Olympus".into(),
                currency_code: "EUX".into(),
                deal_registration: Some(pb::DealRegistrationSettings {
                    protection_days: Some(90),
                    extension_days: Some(-1),
                    hard_stop_days: Some(60),
                    auto_approve_limit: euros(0),
                    daily_account_budget: Some(101),
                    person_open_limit: Some(-1),
                    ..Default::default()
                }),
                ..Default::default()
            })
        };
        let wrong = house.programs().create_program(request).await;
        let wrong = refused(wrong, Code::InvalidArgument, "INVALID_FIELDS");
        let mut fields = wrong.fields();
        fields.sort_unstable();
        assert_eq!(
            fields,
            [
                "program.currency_code",
                "program.deal_registration.auto_approve_limit",
                "program.deal_registration.extension_days",
                "program.deal_registration.hard_stop_days",
                "program.deal_registration.monthly_account_budget",
                "program.deal_registration.person_open_limit",
                "program.display_name",
                "program.time_zone",
                "program_id",
            ]
        );
    }

    async fn a_limit_is_in_the_currency_of_its_program(world: World) {
        let house = House::of(world).await;
        let limited = pb::DealRegistrationSettings {
            auto_approve_limit: euros(5),
            ..Default::default()
        };
        let request = create(pb::Program {
            currency_code: "USD".into(),
            deal_registration: Some(limited.clone()),
            ..orbit()
        });
        let limit = "program.deal_registration.auto_approve_limit.currency_code";
        assert_eq!(
            refused(
                house.programs().create_program(request).await,
                Code::InvalidArgument,
                "INVALID_FIELDS"
            )
            .fields(),
            [limit]
        );

        // A change of the currency alone would change what the limit is worth.
        let program = pb::Program {
            deal_registration: Some(limited),
            ..orbit()
        };
        let program = house
            .programs()
            .create_program(create(program))
            .await
            .unwrap()
            .into_inner();
        let dollars = pb::Program {
            currency_code: "USD".into(),
            ..named(&program.name)
        };
        assert_eq!(
            refused(
                house
                    .programs()
                    .update_program(update(dollars, &["currency_code"]))
                    .await,
                Code::InvalidArgument,
                "INVALID_FIELDS"
            )
            .fields(),
            [limit]
        );
        let both = pb::Program {
            currency_code: "USD".into(),
            ..named(&program.name)
        };
        let both = update(both, &["currency_code", "deal_registration"]);
        let program = house
            .programs()
            .update_program(both)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(program.currency_code, "USD");
        assert_eq!(program.deal_registration.unwrap().auto_approve_limit, None);
    }

    async fn creating_twice_with_one_request_id_is_one_program(world: World) {
        let house = House::of(world).await;
        let request = pb::CreateProgramRequest {
            program_id: String::new(),
            request_id: REQUEST_ID.into(),
            ..create(orbit())
        };
        let first = house
            .programs()
            .create_program(request.clone())
            .await
            .unwrap()
            .into_inner();
        let second = house
            .programs()
            .create_program(request.clone())
            .await
            .unwrap()
            .into_inner();
        assert_eq!(first, second);
        let other = pb::CreateProgramRequest {
            program: Some(pb::Program {
                display_name: "Another".into(),
                ..orbit()
            }),
            ..request
        };
        refused(
            house.programs().create_program(other).await,
            Code::InvalidArgument,
            "REQUEST_ID_REUSED",
        );
        let all = pb::ListProgramsRequest {
            parent: ACME.into(),
            ..Default::default()
        };
        let all = house
            .programs()
            .list_programs(all)
            .await
            .unwrap()
            .into_inner()
            .programs;
        assert_eq!(all, [first]);
    }

    async fn an_id_is_given_once(world: World) {
        let house = House::of(world).await;
        let first = house.draft("orbit").await;
        refused(
            house.programs().create_program(create(orbit())).await,
            Code::AlreadyExists,
            "RESOURCE_EXISTS",
        )
        .tells("resource", &first.name)
        .tells("field", "id");
    }

    async fn validating_a_program_makes_none(world: World) {
        let house = House::of(world).await;
        let request = pb::CreateProgramRequest {
            validate_only: true,
            ..create(orbit())
        };
        let tried = house
            .programs()
            .create_program(request)
            .await
            .unwrap()
            .into_inner();
        let get = pb::GetProgramRequest {
            name: tried.name.clone(),
        };
        refused(
            house.programs().get_program(get).await,
            Code::NotFound,
            "RESOURCE_NOT_FOUND",
        )
        .tells("resource", &tried.name);
        assert_eq!(house.happened(&tried.name).await, [""; 0]);
    }

    async fn an_ecosystem_does_not_see_the_programs_of_another(world: World) {
        let house = House::of(world).await;
        house.ecosystem("other").await;
        house.published("orbit").await;
        let elsewhere = "ecosystems/other/programs/orbit".to_owned();
        let get = pb::GetProgramRequest {
            name: elsewhere.clone(),
        };
        refused(
            house.programs().get_program(get).await,
            Code::NotFound,
            "RESOURCE_NOT_FOUND",
        );
        let revisions = pb::ListProgramRevisionsRequest {
            parent: elsewhere.clone(),
            ..Default::default()
        };
        refused(
            house.programs().list_program_revisions(revisions).await,
            Code::NotFound,
            "RESOURCE_NOT_FOUND",
        );
        let tier = pb::GetTierRequest {
            name: format!("{elsewhere}/tiers/silver"),
        };
        refused(
            house.programs().get_tier(tier).await,
            Code::NotFound,
            "RESOURCE_NOT_FOUND",
        );
        let all = pb::ListProgramsRequest {
            parent: "ecosystems/other".into(),
            ..Default::default()
        };
        let all = house
            .programs()
            .list_programs(all)
            .await
            .unwrap()
            .into_inner()
            .programs;
        assert!(all.is_empty(), "{all:?}");
    }

    async fn an_update_changes_what_its_mask_names(world: World) {
        let house = House::of(world).await;
        let before = house.draft("orbit").await;
        let new = pb::Program {
            display_name: "Ignored".into(),
            description: "Described.".into(),
            state: State::Active.into(),
            etag: before.etag.clone(),
            ..named(&before.name)
        };
        let request = update(new, &["description", "state"]);
        let after = house
            .programs()
            .update_program(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(after.description, "Described.");
        assert_eq!(after.display_name, before.display_name);
        assert_eq!(after.state(), State::Draft);
        assert_ne!(after.etag, before.etag);
        assert_eq!(house.get(&before.name).await, after);
        assert_eq!(
            house.happened(&before.name).await,
            ["program.created", "program.updated"]
        );
    }

    async fn a_star_replaces_everything_and_no_mask_what_is_set(world: World) {
        let house = House::of(world).await;
        let request = create(pb::Program {
            description: "Old.".into(),
            ..orbit()
        });
        let name = house
            .programs()
            .create_program(request)
            .await
            .unwrap()
            .into_inner()
            .name;

        let request = pb::UpdateProgramRequest {
            program: Some(pb::Program {
                display_name: "New".into(),
                ..named(&name)
            }),
            ..Default::default()
        };
        let program = house
            .programs()
            .update_program(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(
            (program.display_name.as_str(), program.description.as_str()),
            ("New", "Old.")
        );

        let all = pb::Program {
            name: name.clone(),
            time_zone: "UTC".into(),
            ..orbit()
        };
        let program = house
            .programs()
            .update_program(update(all, &["*"]))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(program.display_name, "Orbit");
        assert_eq!(program.description, "");
        assert_eq!(program.time_zone, "UTC");
    }

    async fn a_wrong_update_changes_nothing(world: World) {
        let house = House::of(world).await;
        let before = house.draft("orbit").await;
        let unknown = update(named(&before.name), &["colour"]);
        assert_eq!(
            refused(
                house.programs().update_program(unknown).await,
                Code::InvalidArgument,
                "INVALID_FIELDS"
            )
            .fields(),
            ["update_mask"]
        );
        let emptied = update(named(&before.name), &["display_name", "time_zone"]);
        assert_eq!(
            refused(
                house.programs().update_program(emptied).await,
                Code::InvalidArgument,
                "INVALID_FIELDS"
            )
            .fields(),
            ["program.display_name", "program.time_zone"]
        );
        let settings = pb::DealRegistrationSettings {
            protection_days: Some(200),
            ..Default::default()
        };
        let contradicting = pb::Program {
            deal_registration: Some(settings),
            ..named(&before.name)
        };
        let contradicting = update(contradicting, &["deal_registration"]);
        assert_eq!(
            refused(
                house.programs().update_program(contradicting).await,
                Code::InvalidArgument,
                "INVALID_FIELDS"
            )
            .fields(),
            ["program.deal_registration.hard_stop_days"]
        );
        let missing = update(
            pb::Program {
                display_name: "X".into(),
                ..named("ecosystems/acme/programs/none")
            },
            &["display_name"],
        );
        refused(
            house.programs().update_program(missing).await,
            Code::NotFound,
            "RESOURCE_NOT_FOUND",
        );
        assert_eq!(house.get(&before.name).await, before);
    }

    async fn an_etag_that_was_overtaken_is_refused(world: World) {
        let house = House::of(world).await;
        let read = house.draft("orbit").await;
        house.tier(&read.name, "silver", 1).await;
        let first = pb::Program {
            display_name: "First".into(),
            ..read.clone()
        };
        house
            .programs()
            .update_program(update(first, &["display_name"]))
            .await
            .unwrap();
        let second = pb::Program {
            display_name: "Second".into(),
            ..read.clone()
        };
        refused(
            house
                .programs()
                .update_program(update(second, &["display_name"]))
                .await,
            Code::Aborted,
            "ETAG_MISMATCH",
        )
        .tells("resource", &read.name);
        let publish = pb::PublishProgramRequest {
            name: read.name.clone(),
            etag: read.etag.clone(),
            ..Default::default()
        };
        refused(
            house.programs().publish_program(publish).await,
            Code::Aborted,
            "ETAG_MISMATCH",
        );
        house.publish(&read.name).await;
        let retire = pb::RetireProgramRequest {
            name: read.name,
            etag: read.etag,
            ..Default::default()
        };
        refused(
            house.programs().retire_program(retire).await,
            Code::Aborted,
            "ETAG_MISMATCH",
        );
    }
}
