//! What is paid for registrations that are approved.

use tonic::Code;
use trellis_api::deal::v1 as deal;
use trellis_api::incentive::v1 as pb;
use trellis_core::{Clock, Date, TimeZone};
use trellis_tests::{on_both, position, refused};

use super::scene::{Scene, band, day, minor, usd, version};
use crate::deal::market::Market;

/// A bounty for every registration that is approved.
fn bounty(cents: i64) -> pb::PlanVersion {
    let mut plan = version(
        pb::measure::Window::Event,
        pb::schedule::Mode::Marginal,
        vec![band(0, "0", cents)],
    );
    plan.trigger = pb::plan_version::Trigger::RegistrationApproved.into();
    plan.measure.as_mut().unwrap().source = pb::measure::Source::Count.into();
    plan
}

/// Takes back all that was paid for a registration that is revoked.
fn until_revoked() -> pb::Protection {
    pb::Protection {
        clawback: Some(pb::Clawback {
            triggers: vec![pb::clawback::Trigger::Revocation.into()],
            mode: pb::clawback::Mode::Full.into(),
            window: 365,
            anchor: pb::TimeAnchor::Event.into(),
            ..pb::Clawback::default()
        }),
        ..pb::Protection::default()
    }
}

/// A partner's registration of a customer, handed in and approved.
async fn approved(market: &Market, scene: &Scene, partner: &str) -> deal::Registration {
    let claim = deal::Registration {
        program: market.name("programs", "channel"),
        ..market.claim(&market.name("partners", partner))
    };
    let handed_in = market.submit(claim).await;
    let approved = market.approve(&handed_in.name).await.unwrap();
    scene.note(position(&approved));
    approved.into_inner()
}

on_both! {
    async fn an_approved_registration_earns_until_it_is_revoked(world: World) {
        let scene = Scene::new(world).await;
        let market = Market { world: scene.world.clone(), parent: scene.name.clone() };
        market.product("firewall", usd(10_000)).await;
        market.account("initech", &[]).await;
        scene.promise("kept", bounty(700)).await;
        let taken_back = pb::PlanVersion { protection: Some(until_revoked()), ..bounty(2_500) };
        scene.promise("bounty", taken_back).await;
        let registration = approved(&market, &scene, "nimbus").await;
        let id = registration.name.rsplit('/').next().unwrap();
        let [bounty, kept] = &scene.awards("").await[..] else {
            panic!("an award of each plan");
        };
        assert_eq!(bounty.fact, format!("registration:{id}"));
        let amounts = [bounty, kept].map(|award| minor(&award.entitled_amount));
        assert_eq!(amounts, [2_500, 700]);
        scene.is_sound().await;

        // It is told like all facts, with what the registration says.
        let request = pb::ListFactsRequest {
            parent: scene.name.clone(),
            filter: "source = \"registration\"".to_owned(),
            ..pb::ListFactsRequest::default()
        };
        let listed = scene.now().facts().list_facts(request).await.unwrap().into_inner();
        let [told] = &listed.facts[..] else {
            panic!("one fact");
        };
        let fact = told.fact.as_ref().unwrap();
        assert_eq!(fact.kind(), pb::incentive_fact::Kind::RegistrationApproved);
        assert_eq!(fact.external_id, id);
        assert_eq!(fact.customer, "initech");
        assert_eq!(fact.amount, registration.estimated_value);
        assert_eq!(fact.fields["deal.type"].text.as_deref(), Some("NEW"));
        // The day of the program, which is one of New York.
        let zone = TimeZone::try_new("America/New_York").unwrap();
        let today: Date = zone.local_date(scene.world.clock().now());
        assert_eq!(fact.occur_date, day(&today.to_string()));

        let revoke = deal::RevokeRegistrationRequest {
            name: registration.name,
            reason_code: "FALSE_EVIDENCE".to_owned(),
            ..deal::RevokeRegistrationRequest::default()
        };
        let revoked = scene.world.registrations().revoke_registration(revoke).await.unwrap();
        scene.note(position(&revoked));
        let after = scene.awards("").await;
        let amounts: Vec<i64> = after.iter().map(|award| minor(&award.entitled_amount)).collect();
        assert_eq!(amounts, [0, 700]);
        scene.is_sound().await;
    }

    async fn what_the_server_says_of_registrations_nobody_else_says(world: World) {
        let scene = Scene::new(world).await;
        let request = pb::RecordFactsRequest {
            parent: scene.name.clone(),
            source: "registration".to_owned(),
            facts: vec![pb::IncentiveFact {
                external_id: "r-1".to_owned(),
                kind: pb::incentive_fact::Kind::RegistrationApproved.into(),
                occur_date: day("2026-02-01"),
                partner: format!("{}/partners/nimbus", scene.name),
                ..pb::IncentiveFact::default()
            }],
            ..pb::RecordFactsRequest::default()
        };
        refused(
            scene.world.facts().record_facts(request).await,
            Code::InvalidArgument,
            "INVALID_FIELDS",
        )
        .breaks("source", "source.reserved");
    }
}
