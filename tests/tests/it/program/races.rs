//! Calls that meet.

use futures::future::join_all;
use tonic::Code;
use trellis_api::program::v1 as pb;
use trellis_tests::{on_both, refused};

use super::house::{House, enrolment, mask, tier};

on_both! {
    async fn of_many_who_enrol_a_partner_at_once_one_succeeds(world: World) {
        let house = House::of(world).await;
        let program = house.published("orbit").await.name;
        let nimbus = house.partner("nimbus").await.name;
        let answers = join_all((0..32).map(|_| {
            let (house, request) = (house.clone(), enrolment(&program, &nimbus));
            async move { house.enrollments().create_enrollment(request).await }
        }))
        .await;
        let (made, others): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        assert_eq!(made.len(), 1);
        let made = made.into_iter().next().unwrap().unwrap().into_inner();
        for other in others {
            refused(other, Code::AlreadyExists, "RESOURCE_EXISTS")
                .tells("resource", &made.name)
                .tells("field", "partner");
        }
    }

    async fn many_partners_enrol_at_once(world: World) {
        let house = House::of(world).await;
        let program = house.published("orbit").await.name;
        let mut partners = Vec::new();
        for number in 0..16 {
            partners.push(house.partner(&format!("p{number}")).await.name);
        }
        let answers = join_all(partners.iter().map(|partner| {
            let (house, request) = (house.clone(), enrolment(&program, partner));
            async move { house.enrollments().create_enrollment(request).await }
        }))
        .await;
        for answer in answers {
            answer.unwrap();
        }
    }

    async fn a_tier_is_enrolled_at_or_deleted_and_never_both(world: World) {
        let house = House::of(world).await;
        let program = house.published("orbit").await.name;
        for round in 0..8 {
            let name = house
                .tier(&program, &format!("t{round}"), 10 + round)
                .await
                .name;
            let nimbus = house.partner(&format!("p{round}")).await.name;
            let mut request = enrolment(&program, &nimbus);
            request.enrollment.as_mut().unwrap().tier = name.clone();
            let delete = pb::DeleteTierRequest {
                name: name.clone(),
                ..Default::default()
            };
            let (mut enrollments, mut programs) = (house.enrollments(), house.programs());
            let (enrolled, deleted) = tokio::join!(
                enrollments.create_enrollment(request),
                programs.delete_tier(delete),
            );
            match (enrolled, deleted) {
                (Ok(_), deleted @ Err(_)) => {
                    refused(deleted, Code::FailedPrecondition, "PRECONDITION");
                }
                (enrolled @ Err(_), Ok(_)) => {
                    refused(enrolled, Code::NotFound, "RESOURCE_NOT_FOUND")
                        .tells("resource", &name);
                }
                both => panic!("both or none: {both:?}"),
            }
        }
    }

    async fn revisions_have_no_gaps_when_changes_meet(world: World) {
        let house = House::of(world).await;
        let program = house.published("orbit").await.name;
        let answers = join_all((0..12).map(|number: i32| {
            let (house, program) = (house.clone(), program.clone());
            async move {
                if number % 2 == 0 {
                    let request = tier(&program, &format!("t{number}"), 100 + number);
                    house.programs().create_tier(request).await.map(drop)
                } else {
                    let request = pb::UpdateProgramRequest {
                        program: Some(pb::Program {
                            name: program,
                            display_name: format!("Number {number}"),
                            ..Default::default()
                        }),
                        update_mask: mask(&["display_name"]),
                        ..Default::default()
                    };
                    house.programs().update_program(request).await.map(drop)
                }
            }
        }))
        .await;
        for answer in answers {
            answer.unwrap();
        }
        let revisions = house.revisions(&program).await;
        let numbers: Vec<i32> = revisions
            .iter()
            .map(|revision| revision.revision_number)
            .collect();
        assert_eq!(numbers, (1..=13).rev().collect::<Vec<_>>());
        // Each change adds one tier or changes the name: no revision misses what another one added.
        let counts: Vec<usize> = revisions
            .iter()
            .map(|revision| revision.tiers.len())
            .collect();
        assert!(
            counts.is_sorted_by(|newer, older| newer >= older),
            "{counts:?}"
        );
        assert_eq!(counts.first(), Some(&8));
    }

    async fn a_program_is_published_once_however_many_ask(world: World) {
        let house = House::of(world).await;
        let program = house.draft("orbit").await.name;
        house.tier(&program, "silver", 1).await;
        let answers = join_all((0..16).map(|_| {
            let house = house.clone();
            let request = pb::PublishProgramRequest {
                name: program.clone(),
                ..Default::default()
            };
            async move { house.programs().publish_program(request).await }
        }))
        .await;
        let (published, others): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        assert_eq!(published.len(), 1);
        for other in others {
            refused(other, Code::FailedPrecondition, "ILLEGAL_TRANSITION").tells("state", "ACTIVE");
        }
        assert_eq!(house.revisions(&program).await.len(), 1);
    }

    async fn an_active_program_keeps_a_tier_however_many_are_deleted_at_once(world: World) {
        let house = House::of(world).await;
        let program = house.published("orbit").await.name;
        let answers = join_all(["silver", "gold"].map(|tier| {
            let house = house.clone();
            let name = format!("{program}/tiers/{tier}");
            let request = pb::DeleteTierRequest {
                name,
                ..Default::default()
            };
            async move { house.programs().delete_tier(request).await }
        }))
        .await;
        let (deleted, others): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        assert_eq!((deleted.len(), others.len()), (1, 1));
        for other in others {
            refused(other, Code::FailedPrecondition, "PRECONDITION");
        }
    }
}
