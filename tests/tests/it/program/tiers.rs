//! The levels of programs.

use tonic::Code;
use trellis_api::program::v1 as pb;
use trellis_tests::{on_both, refused};

use super::house::{House, REQUEST_ID, mask, tier};

fn delete(name: &str) -> pb::DeleteTierRequest {
    pb::DeleteTierRequest {
        name: name.into(),
        ..Default::default()
    }
}

fn get(name: &str) -> pb::GetTierRequest {
    pb::GetTierRequest { name: name.into() }
}

fn ranked(name: &str, rank: i32) -> pb::UpdateTierRequest {
    pb::UpdateTierRequest {
        tier: Some(pb::Tier {
            name: name.into(),
            rank,
            ..Default::default()
        }),
        update_mask: mask(&["rank"]),
        ..Default::default()
    }
}

on_both! {
    async fn a_tier_belongs_to_its_program(world: World) {
        let house = House::of(world).await;
        let (one, two) = (house.draft("one").await.name, house.draft("two").await.name);
        let gold = house.tier(&one, "gold", 3).await;
        assert_eq!(gold.name, format!("{one}/tiers/gold"));
        assert_eq!((gold.rank, gold.delete_time), (3, None));
        assert_eq!(
            house
                .programs()
                .get_tier(get(&gold.name))
                .await
                .unwrap()
                .into_inner(),
            gold
        );
        assert_eq!(house.happened(&gold.name).await, ["tier.created"]);
        // Another program may have the same, and does not have this one.
        refused(
            house
                .programs()
                .get_tier(get(&format!("{two}/tiers/gold")))
                .await,
            Code::NotFound,
            "RESOURCE_NOT_FOUND",
        );
        house.tier(&two, "gold", 3).await;
        let orphan = tier("ecosystems/acme/programs/none", "gold", 1);
        refused(
            house.programs().create_tier(orphan).await,
            Code::NotFound,
            "RESOURCE_NOT_FOUND",
        )
        .tells("resource", "ecosystems/acme/programs/none");
    }

    async fn a_rank_and_an_id_are_given_once_in_a_program(world: World) {
        let house = House::of(world).await;
        let program = house.draft("orbit").await.name;
        let gold = house.tier(&program, "gold", 2).await;
        refused(
            house
                .programs()
                .create_tier(tier(&program, "gold", 3))
                .await,
            Code::AlreadyExists,
            "RESOURCE_EXISTS",
        )
        .tells("resource", &gold.name)
        .tells("field", "id");
        refused(
            house
                .programs()
                .create_tier(tier(&program, "silver", 2))
                .await,
            Code::AlreadyExists,
            "RESOURCE_EXISTS",
        )
        .tells("field", "rank");
        let silver = house.tier(&program, "silver", 1).await;
        refused(
            house.programs().update_tier(ranked(&silver.name, 2)).await,
            Code::AlreadyExists,
            "RESOURCE_EXISTS",
        )
        .tells("resource", &silver.name)
        .tells("field", "rank");
        // By way of a free rank two tiers change places.
        house
            .programs()
            .update_tier(ranked(&gold.name, 3))
            .await
            .unwrap();
        let silver = house
            .programs()
            .update_tier(ranked(&silver.name, 2))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(silver.rank, 2);
        assert_eq!(
            house.happened(&silver.name).await,
            ["tier.created", "tier.updated"]
        );
    }

    async fn a_wrong_tier_is_told_what_is_wrong(world: World) {
        let house = House::of(world).await;
        let program = house.draft("orbit").await.name;
        let mut wrong = tier(&program, "Gold", 0);
        wrong.tier.as_mut().unwrap().display_name = String::new();
        let wrong = house.programs().create_tier(wrong).await;
        let wrong = refused(wrong, Code::InvalidArgument, "INVALID_FIELDS");
        let mut fields = wrong.fields();
        fields.sort_unstable();
        assert_eq!(fields, ["tier.display_name", "tier.rank", "tier_id"]);
        let gold = house.tier(&program, "gold", 1).await;
        let request = pb::UpdateTierRequest {
            update_mask: mask(&["rank", "colour"]),
            ..ranked(&gold.name, 0)
        };
        refused(
            house.programs().update_tier(request).await,
            Code::InvalidArgument,
            "INVALID_FIELDS",
        );
        assert_eq!(
            refused(
                house.programs().update_tier(ranked(&gold.name, 0)).await,
                Code::InvalidArgument,
                "INVALID_FIELDS"
            )
            .fields(),
            ["tier.rank"]
        );
        assert_eq!(
            house
                .programs()
                .get_tier(get(&gold.name))
                .await
                .unwrap()
                .into_inner(),
            gold
        );
    }

    async fn a_deleted_tier_is_read_and_not_listed(world: World) {
        let house = House::of(world).await;
        let program = house.draft("orbit").await.name;
        let gold = house.tier(&program, "gold", 1).await;
        let silver = house.tier(&program, "silver", 2).await;
        let request = pb::DeleteTierRequest {
            etag: gold.etag.clone(),
            note: "Nobody reached it.".into(),
            ..delete(&gold.name)
        };
        let deleted = house
            .programs()
            .delete_tier(request)
            .await
            .unwrap()
            .into_inner();
        assert!(deleted.delete_time.is_some());
        assert_eq!(
            house
                .programs()
                .get_tier(get(&gold.name))
                .await
                .unwrap()
                .into_inner(),
            deleted
        );

        let list = pb::ListTiersRequest {
            parent: program.clone(),
            ..Default::default()
        };
        let living = house
            .programs()
            .list_tiers(list.clone())
            .await
            .unwrap()
            .into_inner()
            .tiers;
        assert_eq!(living, std::slice::from_ref(&silver));
        let list = pb::ListTiersRequest {
            show_deleted: true,
            ..list
        };
        let all = house
            .programs()
            .list_tiers(list)
            .await
            .unwrap()
            .into_inner()
            .tiers;
        assert_eq!(all, [deleted, silver]);

        let events = house.reported(&gold.name).await;
        let last = events.last().unwrap();
        assert_eq!(
            (last.r#type.as_str(), last.note.as_str()),
            ("tier.deleted", "Nobody reached it.")
        );
    }

    async fn a_deleted_tier_is_gone_for_whoever_changes_it(world: World) {
        let house = House::of(world).await;
        let program = house.draft("orbit").await.name;
        let gold = house.tier(&program, "gold", 1).await;
        house
            .programs()
            .delete_tier(delete(&gold.name))
            .await
            .unwrap();
        refused(
            house.programs().delete_tier(delete(&gold.name)).await,
            Code::NotFound,
            "RESOURCE_NOT_FOUND",
        )
        .tells("resource", &gold.name);
        refused(
            house.programs().update_tier(ranked(&gold.name, 5)).await,
            Code::NotFound,
            "RESOURCE_NOT_FOUND",
        );
        let never = format!("{program}/tiers/never");
        refused(
            house.programs().delete_tier(delete(&never)).await,
            Code::NotFound,
            "RESOURCE_NOT_FOUND",
        );
        // Its rank is free again, its name is not.
        refused(
            house
                .programs()
                .create_tier(tier(&program, "gold", 7))
                .await,
            Code::AlreadyExists,
            "RESOURCE_EXISTS",
        )
        .tells("field", "id");
        house.tier(&program, "silver", 1).await;
    }

    async fn deleting_twice_with_one_request_id_is_one_deletion(world: World) {
        let house = House::of(world).await;
        let program = house.draft("orbit").await.name;
        let gold = house.tier(&program, "gold", 1).await;
        let request = pb::DeleteTierRequest {
            request_id: REQUEST_ID.into(),
            ..delete(&gold.name)
        };
        let first = house
            .programs()
            .delete_tier(request.clone())
            .await
            .unwrap()
            .into_inner();
        let second = house
            .programs()
            .delete_tier(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(first, second);
        assert_eq!(
            house.happened(&gold.name).await,
            ["tier.created", "tier.deleted"]
        );
    }

    async fn a_tier_that_was_changed_since_it_was_read_is_left_alone(world: World) {
        let house = House::of(world).await;
        let program = house.draft("orbit").await.name;
        let read = house.tier(&program, "gold", 1).await;
        house
            .programs()
            .update_tier(ranked(&read.name, 2))
            .await
            .unwrap();
        let request = pb::DeleteTierRequest {
            etag: read.etag.clone(),
            ..delete(&read.name)
        };
        refused(
            house.programs().delete_tier(request).await,
            Code::Aborted,
            "ETAG_MISMATCH",
        )
        .tells("resource", &read.name);
        let request = pb::UpdateTierRequest {
            tier: Some(read),
            ..Default::default()
        };
        refused(
            house.programs().update_tier(request).await,
            Code::Aborted,
            "ETAG_MISMATCH",
        );
    }

    async fn a_tier_that_an_enrolment_holds_is_not_deleted(world: World) {
        let house = House::of(world).await;
        let program = house.published("orbit").await.name;
        let nimbus = house.partner("nimbus").await.name;
        let held = house.enrol(&program, &nimbus).await.tier;
        refused(
            house.programs().delete_tier(delete(&held)).await,
            Code::FailedPrecondition,
            "PRECONDITION",
        )
        .tells("resource", &held)
        .tells("requires", "no enrolment may hold the tier");
        house
            .programs()
            .delete_tier(delete(&format!("{program}/tiers/gold")))
            .await
            .unwrap();
    }

    async fn an_active_program_keeps_its_last_tier(world: World) {
        let house = House::of(world).await;
        let program = house.published("orbit").await.name;
        house
            .programs()
            .delete_tier(delete(&format!("{program}/tiers/gold")))
            .await
            .unwrap();
        let last = format!("{program}/tiers/silver");
        refused(
            house.programs().delete_tier(delete(&last)).await,
            Code::FailedPrecondition,
            "PRECONDITION",
        )
        .tells("requires", "the ACTIVE program must have another tier");
        let draft = house.draft("draft").await.name;
        let only = house.tier(&draft, "only", 1).await.name;
        house.programs().delete_tier(delete(&only)).await.unwrap();
    }

    async fn the_tiers_of_a_retired_program_stand(world: World) {
        let house = House::of(world).await;
        let program = house.published("orbit").await.name;
        house.retire(&program).await;
        let gold = format!("{program}/tiers/gold");
        let requires = "the program must be DRAFT or ACTIVE, and it is RETIRED";
        for answer in [
            house
                .programs()
                .create_tier(tier(&program, "platinum", 3))
                .await,
            house.programs().update_tier(ranked(&gold, 4)).await,
            house.programs().delete_tier(delete(&gold)).await,
        ] {
            refused(answer, Code::FailedPrecondition, "PRECONDITION")
                .tells("resource", &program)
                .tells("requires", requires);
        }
        house.programs().get_tier(get(&gold)).await.unwrap();
    }
}
