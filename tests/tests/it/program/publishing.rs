//! Publishing and retiring programs.

use tonic::Code;
use trellis_api::program::v1 as pb;
use trellis_api::program::v1::program::State;
use trellis_tests::{on_both, refused};

use super::house::{House, REQUEST_ID, named, orbit, update};

on_both! {
    async fn a_program_without_a_tier_is_not_published(world: World) {
        let house = House::of(world).await;
        let program = house.draft("orbit").await;
        let publish = pb::PublishProgramRequest {
            name: program.name.clone(),
            ..Default::default()
        };
        refused(
            house.programs().publish_program(publish).await,
            Code::FailedPrecondition,
            "PRECONDITION",
        )
        .tells("resource", &program.name)
        .tells("requires", "the program must have a tier");
        assert_eq!(house.get(&program.name).await, program);
    }

    async fn a_program_goes_from_draft_to_active_to_retired(world: World) {
        let house = House::of(world).await;
        let program = house.draft("orbit").await;
        house.tier(&program.name, "silver", 1).await;
        let retire = pb::RetireProgramRequest {
            name: program.name.clone(),
            ..Default::default()
        };
        refused(
            house.programs().retire_program(retire.clone()).await,
            Code::FailedPrecondition,
            "ILLEGAL_TRANSITION",
        )
        .tells("state", "DRAFT")
        .tells("move", "RETIRE")
        .tells("allowed", "PUBLISH");

        let publish = pb::PublishProgramRequest {
            name: program.name.clone(),
            etag: program.etag.clone(),
            note: "The board said yes.".into(),
            ..Default::default()
        };
        let active = house
            .programs()
            .publish_program(publish)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(active.state(), State::Active);
        assert_eq!(active.revision_number, 1);
        assert_eq!(active.publish_time, active.update_time);
        assert_eq!(house.get(&program.name).await, active);
        let publish = pb::PublishProgramRequest {
            name: program.name.clone(),
            ..Default::default()
        };
        refused(
            house.programs().publish_program(publish.clone()).await,
            Code::FailedPrecondition,
            "ILLEGAL_TRANSITION",
        )
        .tells("state", "ACTIVE")
        .tells("move", "PUBLISH")
        .tells("allowed", "RETIRE");

        let retired = house
            .programs()
            .retire_program(retire.clone())
            .await
            .unwrap()
            .into_inner();
        assert_eq!(retired.state(), State::Retired);
        assert_eq!(retired.publish_time, active.publish_time);
        assert_eq!(retired.retire_time, retired.update_time);
        assert_eq!(house.get(&program.name).await, retired);
        refused(
            house.programs().retire_program(retire).await,
            Code::FailedPrecondition,
            "ILLEGAL_TRANSITION",
        )
        .tells("state", "RETIRED")
        .tells("allowed", "");
        refused(
            house.programs().publish_program(publish).await,
            Code::FailedPrecondition,
            "ILLEGAL_TRANSITION",
        );

        let events = house.reported(&program.name).await;
        let kinds: Vec<&str> = events.iter().map(|event| event.r#type.as_str()).collect();
        assert_eq!(
            kinds,
            ["program.created", "program.published", "program.retired"]
        );
        let published = events.get(1).unwrap();
        assert_eq!(published.note, "The board said yes.");
        let data = &published.data.as_ref().unwrap().fields;
        let text = |key: &str| match data.get(key).and_then(|value| value.kind.clone()) {
            Some(prost_types::value::Kind::StringValue(text)) => text,
            other => panic!("{key} is {other:?}"),
        };
        assert_eq!(
            (text("from").as_str(), text("to").as_str()),
            ("DRAFT", "ACTIVE")
        );
    }

    async fn publishing_twice_with_one_request_id_is_one_publication(world: World) {
        let house = House::of(world).await;
        let program = house.draft("orbit").await;
        house.tier(&program.name, "silver", 1).await;
        let publish = pb::PublishProgramRequest {
            name: program.name.clone(),
            request_id: REQUEST_ID.into(),
            ..Default::default()
        };
        let first = house
            .programs()
            .publish_program(publish.clone())
            .await
            .unwrap()
            .into_inner();
        let second = house
            .programs()
            .publish_program(publish)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(first, second);
        assert_eq!(house.revisions(&program.name).await.len(), 1);
        assert_eq!(
            house.happened(&program.name).await,
            ["program.created", "program.published"]
        );
    }

    async fn publishing_fixes_the_time_zone_and_the_currency(world: World) {
        let house = House::of(world).await;
        let program = house.published("orbit").await;
        let other = pb::Program {
            display_name: "Other".into(),
            time_zone: "UTC".into(),
            currency_code: "USD".into(),
            ..named(&program.name)
        };
        refused(
            house
                .programs()
                .update_program(update(other.clone(), &["*"]))
                .await,
            Code::FailedPrecondition,
            "NOT_EDITABLE",
        )
        .tells("state", "ACTIVE")
        .tells("fields", "time_zone,currency_code");
        assert_eq!(house.get(&program.name).await, program);
        // Sending them as they are is no change.
        let same = pb::Program {
            name: program.name.clone(),
            display_name: "Other".into(),
            ..orbit()
        };
        let changed = house
            .programs()
            .update_program(update(same, &["*"]))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(changed.display_name, "Other");

        house.retire(&program.name).await;
        refused(
            house
                .programs()
                .update_program(update(other, &["display_name", "time_zone"]))
                .await,
            Code::FailedPrecondition,
            "NOT_EDITABLE",
        )
        .tells("state", "RETIRED")
        .tells("fields", "time_zone");
        let described = pb::Program {
            description: "Late.".into(),
            ..named(&program.name)
        };
        refused(
            house
                .programs()
                .update_program(update(described, &["description"]))
                .await,
            Code::FailedPrecondition,
            "NOT_EDITABLE",
        )
        .tells("state", "RETIRED")
        .tells("fields", "description");
    }
}
