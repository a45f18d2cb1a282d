//! Partners in programs.

use std::time::Duration;

use tonic::Code;
use trellis_api::partner::v1 as partner;
use trellis_api::program::v1 as pb;
use trellis_api::program::v1::enrollment::State;
use trellis_core::Clock as _;
use trellis_tests::{on_both, refused};

use super::house::{House, REQUEST_ID, enrolment};

on_both! {
    async fn a_partner_enrols_at_the_lowest_tier(world: World) {
        let house = House::of(world).await;
        let program = house.published("orbit").await.name;
        house.tier(&program, "aspirant", 50).await;
        let nimbus = house.partner("nimbus").await.name;
        let enrolled = house.enrol(&program, &nimbus).await;
        assert_eq!(enrolled.program, program);
        assert_eq!(enrolled.partner, nimbus);
        assert_eq!(enrolled.tier, format!("{program}/tiers/silver"));
        assert_eq!(enrolled.state(), State::Enrolled);
        assert!(enrolled.enroll_time.is_some());
        let get = pb::GetEnrollmentRequest {
            name: enrolled.name.clone(),
        };
        assert_eq!(
            house
                .enrollments()
                .get_enrollment(get)
                .await
                .unwrap()
                .into_inner(),
            enrolled
        );

        let events = house.reported(&enrolled.name).await;
        let [created] = events.as_slice() else {
            panic!("{events:?}")
        };
        assert_eq!(created.r#type, "enrollment.created");
        let data = &created.data.as_ref().unwrap().fields;
        for (key, value) in [
            ("program", &program),
            ("partner", &nimbus),
            ("tier", &enrolled.tier),
        ] {
            let kind = data.get(key).and_then(|value| value.kind.clone());
            assert_eq!(
                kind,
                Some(prost_types::value::Kind::StringValue(value.clone())),
                "{key}"
            );
        }
    }

    async fn a_partner_enrols_at_the_tier_that_is_named(world: World) {
        let house = House::of(world).await;
        let program = house.published("orbit").await.name;
        let nimbus = house.partner("nimbus").await.name;
        let mut request = enrolment(&program, &nimbus);
        request.enrollment_id = "nimbus-in-orbit".into();
        request.enrollment.as_mut().unwrap().tier = format!("{program}/tiers/gold");
        let enrolled = house
            .enrollments()
            .create_enrollment(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(enrolled.name, "ecosystems/acme/enrollments/nimbus-in-orbit");
        assert_eq!(enrolled.tier, format!("{program}/tiers/gold"));
    }

    async fn a_tier_must_be_a_living_one_of_the_program(world: World) {
        let house = House::of(world).await;
        let program = house.published("orbit").await.name;
        let other = house.published("other").await.name;
        let nimbus = house.partner("nimbus").await.name;
        let at = |tier: String| {
            let mut request = enrolment(&program, &nimbus);
            request.enrollment.as_mut().unwrap().tier = tier;
            request
        };
        assert_eq!(
            refused(
                house
                    .enrollments()
                    .create_enrollment(at(format!("{other}/tiers/gold")))
                    .await,
                Code::InvalidArgument,
                "INVALID_FIELDS"
            )
            .fields(),
            ["enrollment.tier"]
        );
        let never = format!("{program}/tiers/never");
        refused(
            house
                .enrollments()
                .create_enrollment(at(never.clone()))
                .await,
            Code::NotFound,
            "RESOURCE_NOT_FOUND",
        )
        .tells("resource", &never);
        let gold = format!("{program}/tiers/gold");
        let delete = pb::DeleteTierRequest {
            name: gold.clone(),
            ..Default::default()
        };
        house.programs().delete_tier(delete).await.unwrap();
        refused(
            house
                .enrollments()
                .create_enrollment(at(gold.clone()))
                .await,
            Code::NotFound,
            "RESOURCE_NOT_FOUND",
        )
        .tells("resource", &gold);
    }

    async fn only_an_active_partner_enrols(world: World) {
        let house = House::of(world).await;
        let program = house.published("orbit").await.name;
        let prospect = house.prospect("prospect").await.name;
        let suspended = house.partner("suspended").await.name;
        let minute = Duration::from_secs(60);
        let until = trellis_api::time::wire(house.clock().now().saturating_add(minute));
        let suspend = partner::SuspendPartnerRequest {
            name: suspended.clone(),
            reason_code: "COMPLIANCE_REVIEW".into(),
            until_time: Some(until),
            ..Default::default()
        };
        house.partners().suspend_partner(suspend).await.unwrap();
        for name in [&prospect, &suspended] {
            refused(
                house
                    .enrollments()
                    .create_enrollment(enrolment(&program, name))
                    .await,
                Code::FailedPrecondition,
                "PRECONDITION",
            )
            .tells("resource", name)
            .tells("requires", "the partner must be ACTIVE");
        }
        // A suspension is over when its end has passed.
        house.clock().advance(minute);
        house.enrol(&program, &suspended).await;
    }

    async fn only_an_active_program_takes_partners(world: World) {
        let house = House::of(world).await;
        let nimbus = house.partner("nimbus").await.name;
        let draft = house.draft("draft").await.name;
        house.tier(&draft, "silver", 1).await;
        refused(
            house
                .enrollments()
                .create_enrollment(enrolment(&draft, &nimbus))
                .await,
            Code::FailedPrecondition,
            "PRECONDITION",
        )
        .tells("resource", &draft)
        .tells("requires", "the program must be ACTIVE, and it is DRAFT");
        let retired = house.published("retired").await.name;
        house.retire(&retired).await;
        refused(
            house
                .enrollments()
                .create_enrollment(enrolment(&retired, &nimbus))
                .await,
            Code::FailedPrecondition,
            "PRECONDITION",
        )
        .tells("requires", "the program must be ACTIVE, and it is RETIRED");
    }

    async fn what_an_enrolment_names_must_exist(world: World) {
        let house = House::of(world).await;
        let program = house.published("orbit").await.name;
        let nimbus = house.partner("nimbus").await.name;
        let (no_program, no_partner) = (
            "ecosystems/acme/programs/none",
            "ecosystems/acme/partners/none",
        );
        refused(
            house
                .enrollments()
                .create_enrollment(enrolment(no_program, &nimbus))
                .await,
            Code::NotFound,
            "RESOURCE_NOT_FOUND",
        )
        .tells("resource", no_program);
        refused(
            house
                .enrollments()
                .create_enrollment(enrolment(&program, no_partner))
                .await,
            Code::NotFound,
            "RESOURCE_NOT_FOUND",
        )
        .tells("resource", no_partner);
        let elsewhere = "ecosystems/other/partners/nimbus";
        let wrong = house
            .enrollments()
            .create_enrollment(enrolment("orbit", elsewhere))
            .await;
        let wrong = refused(wrong, Code::InvalidArgument, "INVALID_FIELDS");
        assert_eq!(wrong.fields(), ["enrollment.program", "enrollment.partner"]);
        let get = pb::GetEnrollmentRequest {
            name: "ecosystems/acme/enrollments/none".into(),
        };
        refused(
            house.enrollments().get_enrollment(get).await,
            Code::NotFound,
            "RESOURCE_NOT_FOUND",
        );
    }

    async fn a_partner_is_in_a_program_once(world: World) {
        let house = House::of(world).await;
        let program = house.published("orbit").await.name;
        let other = house.published("other").await.name;
        let nimbus = house.partner("nimbus").await.name;
        let first = house.enrol(&program, &nimbus).await;
        refused(
            house
                .enrollments()
                .create_enrollment(enrolment(&program, &nimbus))
                .await,
            Code::AlreadyExists,
            "RESOURCE_EXISTS",
        )
        .tells("resource", &first.name)
        .tells("field", "partner");
        house.enrol(&other, &nimbus).await;

        let stratus = house.partner("stratus").await.name;
        let mut taken = enrolment(&program, &stratus);
        taken.enrollment_id = first.name.rsplit('/').next().unwrap().into();
        // Only ids that callers choose can be taken: this one was made by the server.
        refused(
            house.enrollments().create_enrollment(taken).await,
            Code::InvalidArgument,
            "INVALID_FIELDS",
        );
        let mut chosen = enrolment(&program, &stratus);
        chosen.enrollment_id = "chosen".into();
        house.enrollments().create_enrollment(chosen).await.unwrap();
        let mut taken = enrolment(&other, &stratus);
        taken.enrollment_id = "chosen".into();
        refused(
            house.enrollments().create_enrollment(taken).await,
            Code::AlreadyExists,
            "RESOURCE_EXISTS",
        )
        .tells("resource", "ecosystems/acme/enrollments/chosen")
        .tells("field", "id");
    }

    async fn enrolling_twice_with_one_request_id_is_one_enrolment(world: World) {
        let house = House::of(world).await;
        let program = house.published("orbit").await.name;
        let nimbus = house.partner("nimbus").await.name;
        let tried = pb::CreateEnrollmentRequest {
            validate_only: true,
            ..enrolment(&program, &nimbus)
        };
        house.enrollments().create_enrollment(tried).await.unwrap();
        let request = pb::CreateEnrollmentRequest {
            request_id: REQUEST_ID.into(),
            ..enrolment(&program, &nimbus)
        };
        let first = house
            .enrollments()
            .create_enrollment(request.clone())
            .await
            .unwrap()
            .into_inner();
        let second = house
            .enrollments()
            .create_enrollment(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(first, second);
        assert_eq!(house.happened(&first.name).await, ["enrollment.created"]);
    }
}
