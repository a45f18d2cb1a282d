//! Pages, filters and orders of programs, tiers and enrolments.

use std::time::Duration;

use tonic::Code;
use trellis_api::program::v1 as pb;
use trellis_tests::{on_both, refused};

use super::house::{ACME, House};

const SECOND: Duration = Duration::from_secs(1);

fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap()
}

async fn programs(house: &House, filter: &str, order_by: &str) -> Vec<String> {
    let request = pb::ListProgramsRequest {
        parent: ACME.into(),
        filter: filter.into(),
        order_by: order_by.into(),
        ..Default::default()
    };
    let answer = house
        .programs()
        .list_programs(request)
        .await
        .unwrap()
        .into_inner();
    answer
        .programs
        .iter()
        .map(|program| last(&program.name).to_owned())
        .collect()
}

async fn tiers(house: &House, program: &str, filter: &str, order_by: &str) -> Vec<String> {
    let request = pb::ListTiersRequest {
        parent: program.into(),
        filter: filter.into(),
        order_by: order_by.into(),
        ..Default::default()
    };
    let answer = house
        .programs()
        .list_tiers(request)
        .await
        .unwrap()
        .into_inner();
    answer
        .tiers
        .iter()
        .map(|tier| last(&tier.name).to_owned())
        .collect()
}

async fn enrolled(house: &House, filter: &str) -> Vec<String> {
    let request = pb::ListEnrollmentsRequest {
        parent: ACME.into(),
        filter: filter.into(),
        order_by: "enroll_time".into(),
        ..Default::default()
    };
    let answer = house
        .enrollments()
        .list_enrollments(request)
        .await
        .unwrap()
        .into_inner();
    answer
        .enrollments
        .iter()
        .map(|found| last(&found.partner).to_owned())
        .collect()
}

on_both! {
    async fn programs_are_filtered_and_ordered(world: World) {
        let house = House::of(world).await;
        house.draft("draft").await;
        house.published("active").await;
        house.clock().advance(SECOND);
        let retired = house.published("retired").await.name;
        house.retire(&retired).await;
        assert_eq!(
            programs(&house, "", "").await,
            ["active", "draft", "retired"]
        );
        assert_eq!(programs(&house, "state = ACTIVE", "").await, ["active"]);
        let started = "NOT state = DRAFT AND currency_code = EUR";
        assert_eq!(
            programs(&house, started, "update_time desc").await,
            ["retired", "active"]
        );
        assert_eq!(programs(&house, "time_zone = \"UTC\"", "").await, [""; 0]);
        for (filter, order_by, field) in [
            ("colour = red", "", "filter"),
            ("state = SLEEPING", "", "filter"),
            ("", "time_zone", "order_by"),
        ] {
            let request = pb::ListProgramsRequest {
                parent: ACME.into(),
                filter: filter.into(),
                order_by: order_by.into(),
                ..Default::default()
            };
            assert_eq!(
                refused(
                    house.programs().list_programs(request).await,
                    Code::InvalidArgument,
                    "INVALID_FIELDS"
                )
                .fields(),
                [field]
            );
        }
        let nowhere = pb::ListProgramsRequest {
            parent: "ecosystems/nowhere".into(),
            ..Default::default()
        };
        refused(
            house.programs().list_programs(nowhere).await,
            Code::NotFound,
            "RESOURCE_NOT_FOUND",
        );
    }

    async fn tiers_are_filtered_and_ordered_within_their_program(world: World) {
        let house = House::of(world).await;
        let orbit = house.draft("orbit").await.name;
        let other = house.published("other").await.name;
        for (id, rank) in [("gold", 3), ("bronze", 1), ("silver", 2), ("platinum", 10)] {
            house.tier(&orbit, id, rank).await;
        }
        let by_rank = ["bronze", "silver", "gold", "platinum"];
        assert_eq!(tiers(&house, &orbit, "", "rank").await, by_rank);
        assert_eq!(
            tiers(&house, &orbit, "", "").await,
            ["bronze", "gold", "platinum", "silver"]
        );
        assert_eq!(
            tiers(&house, &orbit, "rank >= 3", "rank desc").await,
            ["platinum", "gold"]
        );
        assert_eq!(tiers(&house, &other, "", "rank").await, ["silver", "gold"]);
        let none = pb::ListTiersRequest {
            parent: "ecosystems/acme/programs/none".into(),
            ..Default::default()
        };
        refused(
            house.programs().list_tiers(none).await,
            Code::NotFound,
            "RESOURCE_NOT_FOUND",
        );
    }

    async fn pages_of_tiers_neither_skip_nor_repeat(world: World) {
        let house = House::of(world).await;
        let program = house.draft("orbit").await.name;
        for rank in 1..=7 {
            house.tier(&program, &format!("t{rank}"), 8 - rank).await;
        }
        let mut request = pb::ListTiersRequest {
            parent: program.clone(),
            page_size: 2,
            order_by: "rank".into(),
            ..Default::default()
        };
        let mut ranks = Vec::new();
        loop {
            let answer = house
                .programs()
                .list_tiers(request.clone())
                .await
                .unwrap()
                .into_inner();
            ranks.extend(answer.tiers.iter().map(|tier| tier.rank));
            if answer.next_page_token.is_empty() {
                break;
            }
            request.page_token = answer.next_page_token;
        }
        assert_eq!(ranks, [1, 2, 3, 4, 5, 6, 7]);
        let token = {
            let request = pb::ListTiersRequest {
                page_token: String::new(),
                ..request.clone()
            };
            house
                .programs()
                .list_tiers(request)
                .await
                .unwrap()
                .into_inner()
                .next_page_token
        };
        let other_order = pb::ListTiersRequest {
            page_token: token,
            order_by: "rank desc".into(),
            ..request
        };
        assert_eq!(
            refused(
                house.programs().list_tiers(other_order).await,
                Code::InvalidArgument,
                "INVALID_FIELDS"
            )
            .fields(),
            ["page_token"]
        );
    }

    async fn enrolments_are_found_by_program_partner_and_tier(world: World) {
        let house = House::of(world).await;
        let one = house.published("one").await.name;
        let two = house.published("two").await.name;
        let nimbus = house.partner("nimbus").await.name;
        let stratus = house.partner("stratus").await.name;
        for (program, partner) in [(&one, &nimbus), (&one, &stratus), (&two, &nimbus)] {
            house.enrol(program, partner).await;
            house.clock().advance(SECOND);
        }
        assert_eq!(enrolled(&house, "").await, ["nimbus", "stratus", "nimbus"]);
        let filter = format!("program = \"{one}\"");
        assert_eq!(enrolled(&house, &filter).await, ["nimbus", "stratus"]);
        let filter = format!("partner = \"{stratus}\" AND state = ENROLLED");
        assert_eq!(enrolled(&house, &filter).await, ["stratus"]);
        // Both programs have a tier of this id: the name says whose is meant.
        let filter = format!("tier = \"{two}/tiers/silver\"");
        assert_eq!(enrolled(&house, &filter).await, ["nimbus"]);
        let filter = format!("tier = \"{two}/tiers/gold\"");
        assert_eq!(enrolled(&house, &filter).await, [""; 0]);
        let request = pb::ListEnrollmentsRequest {
            parent: ACME.into(),
            filter: "partner = nimbus".into(),
            ..Default::default()
        };
        assert_eq!(
            refused(
                house.enrollments().list_enrollments(request).await,
                Code::InvalidArgument,
                "INVALID_FIELDS"
            )
            .fields(),
            ["filter"]
        );
    }
}
