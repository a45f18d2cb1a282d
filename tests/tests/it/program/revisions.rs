//! What a program said, from one change to the next.

use tonic::{Code, Request};
use trellis_api::program::v1 as pb;
use trellis_tests::{on_both, refused};

use super::house::{House, mask, tier};

fn renamed(program: &str, display_name: &str) -> pb::UpdateProgramRequest {
    pb::UpdateProgramRequest {
        program: Some(pb::Program {
            name: program.into(),
            display_name: display_name.into(),
            ..Default::default()
        }),
        update_mask: mask(&["display_name"]),
        ..Default::default()
    }
}

fn said(revisions: &[pb::ProgramRevision]) -> Vec<(i32, &str, Vec<&str>)> {
    revisions
        .iter()
        .map(|revision| {
            let program = revision.snapshot.as_ref().unwrap();
            let tiers = revision
                .tiers
                .iter()
                .map(|tier| tier.display_name.as_str())
                .collect();
            (
                revision.revision_number,
                program.display_name.as_str(),
                tiers,
            )
        })
        .collect()
}

on_both! {
    async fn every_change_from_the_publication_on_leaves_a_revision(world: World) {
        let house = House::of(world).await;
        let program = house.draft("orbit").await.name;
        house.tier(&program, "silver", 2).await;
        house
            .programs()
            .update_program(renamed(&program, "Draft"))
            .await
            .unwrap();
        assert!(house.revisions(&program).await.is_empty());

        house.publish(&program).await;
        house
            .programs()
            .update_program(renamed(&program, "Second"))
            .await
            .unwrap();
        house.tier(&program, "bronze", 1).await;
        let gilded = pb::UpdateTierRequest {
            tier: Some(pb::Tier {
                name: format!("{program}/tiers/silver"),
                display_name: "gold".into(),
                ..Default::default()
            }),
            ..Default::default()
        };
        house.programs().update_tier(gilded).await.unwrap();
        let bronze = pb::DeleteTierRequest {
            name: format!("{program}/tiers/bronze"),
            ..Default::default()
        };
        house.programs().delete_tier(bronze).await.unwrap();
        house.retire(&program).await;

        let revisions = house.revisions(&program).await;
        assert_eq!(
            said(&revisions),
            [
                (5, "Second", vec!["gold"]),
                (4, "Second", vec!["bronze", "gold"]),
                (3, "Second", vec!["bronze", "silver"]),
                (2, "Second", vec!["silver"]),
                (1, "Draft", vec!["silver"]),
            ]
        );
        let newest = revisions.first().unwrap();
        assert_eq!(newest.name, format!("{program}/revisions/5"));
        assert_eq!(house.get(&program).await.revision_number, 5);
    }

    async fn a_revision_holds_the_whole_program_and_who_changed_it(world: World) {
        let house = House::of(world).await;
        let published = house.published("orbit").await;
        let mut request = Request::new(renamed(&published.name, "Second"));
        request
            .metadata_mut()
            .insert("trellis-actor", "ada@acme.example".parse().unwrap());
        let second = house
            .programs()
            .update_program(request)
            .await
            .unwrap()
            .into_inner();

        let revisions = house.revisions(&published.name).await;
        let [newest, oldest] = revisions.as_slice() else {
            panic!("{revisions:?}")
        };
        assert_eq!(newest.snapshot, Some(second.clone()));
        assert_eq!(newest.actor, "ada@acme.example");
        assert_eq!(newest.create_time, second.update_time);
        assert_eq!(oldest.snapshot, Some(published.clone()));
        assert_eq!(oldest.actor, "anonymous");
        for tier in &oldest.tiers {
            let get = pb::GetTierRequest {
                name: tier.name.clone(),
            };
            assert_eq!(
                &house.programs().get_tier(get).await.unwrap().into_inner(),
                tier
            );
        }
    }

    async fn what_changes_nothing_leaves_no_revision(world: World) {
        let house = House::of(world).await;
        let published = house.published("orbit").await;
        let same = renamed(&published.name, &published.display_name);
        let answer = house
            .programs()
            .update_program(same)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(answer, published);
        let name = format!("{}/tiers/silver", published.name);
        let silver = house
            .programs()
            .get_tier(pb::GetTierRequest { name })
            .await
            .unwrap()
            .into_inner();
        let same = pb::UpdateTierRequest {
            tier: Some(silver.clone()),
            ..Default::default()
        };
        assert_eq!(
            house
                .programs()
                .update_tier(same)
                .await
                .unwrap()
                .into_inner(),
            silver
        );
        // Nor does what is refused, or only tried.
        let taken = tier(&published.name, "bronze", 1);
        refused(
            house.programs().create_tier(taken).await,
            Code::AlreadyExists,
            "RESOURCE_EXISTS",
        );
        let tried = pb::UpdateProgramRequest {
            validate_only: true,
            ..renamed(&published.name, "Tried")
        };
        let answer = house
            .programs()
            .update_program(tried)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(
            (answer.display_name.as_str(), answer.revision_number),
            ("Tried", 2)
        );

        assert_eq!(house.revisions(&published.name).await.len(), 1);
        assert_eq!(house.get(&published.name).await, published);
    }

    async fn revisions_come_a_page_at_a_time(world: World) {
        let house = House::of(world).await;
        let program = house.published("orbit").await.name;
        for number in 2..=7 {
            let name = format!("Number {number}");
            house
                .programs()
                .update_program(renamed(&program, &name))
                .await
                .unwrap();
        }
        let mut request = pb::ListProgramRevisionsRequest {
            parent: program.clone(),
            page_size: 3,
            ..Default::default()
        };
        let mut pages = Vec::new();
        loop {
            let answer = house
                .programs()
                .list_program_revisions(request.clone())
                .await
                .unwrap()
                .into_inner();
            pages.push(
                answer
                    .program_revisions
                    .iter()
                    .map(|page| page.revision_number)
                    .collect::<Vec<_>>(),
            );
            if answer.next_page_token.is_empty() {
                break;
            }
            request.page_token = answer.next_page_token;
            // What is added meanwhile is newer than every page that is still to come.
            let name = format!("Meanwhile {}", pages.len());
            house
                .programs()
                .update_program(renamed(&program, &name))
                .await
                .unwrap();
        }
        assert_eq!(pages, [vec![7, 6, 5], vec![4, 3, 2], vec![1]]);

        let elsewhere = house.published("elsewhere").await.name;
        request.parent = elsewhere;
        assert_eq!(
            refused(
                house.programs().list_program_revisions(request).await,
                Code::InvalidArgument,
                "INVALID_FIELDS"
            )
            .fields(),
            ["page_token"]
        );
        let none = pb::ListProgramRevisionsRequest {
            parent: "ecosystems/acme/programs/none".into(),
            ..Default::default()
        };
        refused(
            house.programs().list_program_revisions(none).await,
            Code::NotFound,
            "RESOURCE_NOT_FOUND",
        );
    }
}
