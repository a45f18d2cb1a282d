//! `TransferRegistration`, and what either partner learns of the other.

use tonic::{Code, Response, Status};
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::registration::State;
use trellis_api::platform::v1 as platform;
use trellis_tests::{Caller, on_both, refused};

use super::desk::read;
use super::market::Market;

async fn transfer(
    market: &Market,
    name: &str,
    partner: &str,
) -> Result<Response<pb::Registration>, Status> {
    let request = pb::TransferRegistrationRequest {
        name: name.to_owned(),
        partner: partner.to_owned(),
        reason_code: "PARTNER_ENDS".to_owned(),
        note: "They close in May".to_owned(),
        ..pb::TransferRegistrationRequest::default()
    };
    market.registrations().transfer_registration(request).await
}

/// All that somebody is told of a registration, as text.
async fn told(caller: &Caller, parent: &str, name: &str) -> String {
    let request = platform::ListEventsRequest {
        parent: parent.to_owned(),
        filter: format!("resource = \"{name}\""),
        ..platform::ListEventsRequest::default()
    };
    let events = caller
        .events()
        .list_events(request)
        .await
        .unwrap()
        .into_inner()
        .events;
    let request = pb::GetRegistrationRequest {
        name: name.to_owned(),
    };
    let read = caller.registrations().get_registration(request).await;
    format!("{events:?} {:?}", read.map(Response::into_inner))
}

on_both! {
    async fn a_protection_goes_on_at_another_partner_and_neither_learns_of_the_other(world: World) {
        let market = Market::open(world).await;
        let [nimbus, stratus, cirrus] =
            market.partners_at_work(["nimbus", "stratus", "cirrus"]).await;
        let claim = pb::Registration {
            display_name: "Firewalls by Nimbus".to_owned(),
            note: "Nimbus has known them for long".to_owned(),
            evidence: "Nimbus met Ms Lumbergh".to_owned(),
            ..market.claim(&nimbus)
        };
        let first = market.submit(claim).await;
        let waiting = market.submit(market.claim(&cirrus)).await;
        let first = market.approve(&first.name).await.unwrap().into_inner();
        let moved = transfer(&market, &first.name, &stratus).await.unwrap().into_inner();
        assert_eq!((moved.state(), &moved.partner), (State::Approved, &stratus));
        assert_eq!(moved.protection_start_time, first.protection_start_time);
        assert_eq!(moved.protection_end_time, first.protection_end_time);
        assert_eq!((moved.display_name.as_str(), moved.note.as_str(), moved.evidence.as_str()), ("", "", ""));
        let [kept] = moved.transfers.as_slice() else { panic!("{:?}", moved.transfers) };
        assert_eq!((&kept.partner, &kept.evidence), (&nimbus, &first.evidence));
        refused(
            market.approve(&waiting.name).await, Code::FailedPrecondition, "REGISTRATION_CONFLICT",
        );

        market.tells(&first.name, &[
            "registration.created", "registration.submitted", "registration.cleared",
            "registration.screened", "registration.approved", "registration.transferred_away",
            "registration.transferred",
        ]).await;
        let (old, new) = (market.admin(&nimbus).await, market.admin(&stratus).await);
        let theirs = told(&old, &market.parent, &first.name).await;
        assert!(theirs.contains("registration.transferred_away"), "{theirs}");
        assert!(theirs.contains("RESOURCE_NOT_FOUND") || theirs.contains("NotFound"), "{theirs}");
        assert!(!theirs.to_lowercase().contains("stratus"), "{theirs}");
        let ours = told(&new, &market.parent, &first.name).await;
        assert!(ours.contains("registration.transferred\""), "{ours}");
        assert!(!ours.to_lowercase().contains("nimbus"), "{ours}");
        // The control: the staff are told of both.
        let all = told(&market, &market.parent, &first.name).await;
        assert!(all.contains("nimbus") && all.contains("stratus"), "{all}");
        let mine = read(&new, &first.name).await;
        assert!(mine.transfers.is_empty());
        let converted = new.registrations().convert_registration(pb::ConvertRegistrationRequest {
            name: first.name.clone(), ..pb::ConvertRegistrationRequest::default()
        }).await.unwrap().into_inner();
        let deal = market.read_deal(&converted.deal).await;
        assert_eq!(deal.partner, stratus);
    }

    async fn only_whoever_could_register_it_gets_it(world: World) {
        let market = Market::open(world).await;
        let [nimbus, stratus, cirrus] =
            market.partners_at_work(["nimbus", "stratus", "cirrus"]).await;
        let first = market.submit(market.claim(&nimbus)).await;
        refused(
            transfer(&market, &first.name, &stratus).await,
            Code::FailedPrecondition,
            "ILLEGAL_TRANSITION",
        ).tells("state", "SUBMITTED");
        market.approve(&first.name).await.unwrap();
        let stranger = market.partner("stranger").await;
        refused(
            transfer(&market, &first.name, &stranger).await, Code::FailedPrecondition, "PRECONDITION",
        );
        refused(
            transfer(&market, &first.name, &nimbus).await, Code::FailedPrecondition, "PRECONDITION",
        );
        let unknown = market.name("partners", "unknown");
        refused(
            transfer(&market, &first.name, &unknown).await, Code::NotFound, "RESOURCE_NOT_FOUND",
        ).tells("resource", &unknown);
        let own = market.submit(market.claim(&cirrus)).await;
        assert_eq!(own.state(), State::Waitlisted);
        refused(
            transfer(&market, &first.name, &cirrus).await, Code::FailedPrecondition, "SELF_DUPLICATE",
        ).tells("resource", &own.name);
        market.withdraw(&own.name).await.unwrap();
        transfer(&market, &first.name, &cirrus).await.unwrap();
        market.suspend(&stratus).await;
        refused(
            transfer(&market, &first.name, &stratus).await, Code::FailedPrecondition, "PRECONDITION",
        );
    }
}
