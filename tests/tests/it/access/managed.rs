//! Channel managers reach the partners that they look after, and those that nobody does; what they
//! decide does not depend on how far they see.

use tonic::Code;
use trellis_api::deal::v1 as pb;
use trellis_api::incentive::v1 as incentive;
use trellis_api::partner::v1 as partner;
use trellis_core::Role;
use trellis_tests::{on_both, refused};

use super::scene::{Scene, get};
use crate::deal::market::day;

impl Scene {
    pub(super) async fn manages(&self, manager: &str, name: &str) {
        let request = partner::UpdatePartnerRequest {
            partner: Some(partner::Partner {
                name: name.to_owned(),
                channel_manager: manager.to_owned(),
                ..partner::Partner::default()
            }),
            ..partner::UpdatePartnerRequest::default()
        };
        self.partners().update_partner(request).await.unwrap();
    }
}

on_both! {
    async fn a_manager_reaches_managed_and_unmanaged_partners_only(world: World) {
        let scene = Scene::open(world).await;
        let [stratus] = scene.partners_at_work(["stratus"]).await;
        scene.manages("kim", &scene.nimbus).await;
        scene.manages("lee", &scene.cirrus).await;
        let kim = scene.seat("kim", Role::ChannelManager, None).await;
        // Each at business of its own, the first of them handed in by the partner of another manager.
        let theirs = scene.submit(scene.claim(&scene.cirrus)).await;
        let managed = scene.submit(scene.claim(&scene.nimbus)).await;
        let free = pb::Registration { account: scene.name("accounts", "globex"), ..scene.claim(&stratus) };
        let free = scene.submit(free).await;

        let mut found = scene.found(&kim, "", "").await;
        let mut expected = vec![managed.name.clone(), free.name.clone()];
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
        let auditor = scene.seat("aud", Role::Auditor, None).await;
        assert_eq!(scene.found(&auditor, "", "").await.len(), 3);
        refused(get(&kim, &theirs.name).await, Code::NotFound, "RESOURCE_NOT_FOUND");

        let approve = |name: &str| pb::ApproveRegistrationRequest {
            name: name.to_owned(),
            ..pb::ApproveRegistrationRequest::default()
        };
        let mut calls = kim.registrations();
        let other = calls.approve_registration(approve(&theirs.name)).await;
        refused(other, Code::NotFound, "RESOURCE_NOT_FOUND");
        // What she does not see stands in the way all the same.
        let blocked = calls.approve_registration(approve(&managed.name)).await;
        refused(blocked, Code::FailedPrecondition, "REGISTRATION_CONFLICT");
        let granted = calls.approve_registration(approve(&free.name)).await.unwrap().into_inner();
        assert_eq!(granted.decision.unwrap().rule, "STAFF");

        let ask = |parent: &str| incentive::GetStatementRequest {
            parent: parent.to_owned(),
            start_date: day(2026, 3, 1),
            end_date: day(2026, 4, 1),
            ..incentive::GetStatementRequest::default()
        };
        assert!(kim.ledger().get_statement(ask(&scene.nimbus)).await.is_ok());
        let other = kim.ledger().get_statement(ask(&scene.cirrus)).await;
        refused(other, Code::NotFound, "RESOURCE_NOT_FOUND");
        let nimbus = scene.admin("nimbus").await;
        assert!(nimbus.ledger().get_statement(ask(&scene.nimbus)).await.is_ok());
        let other = nimbus.ledger().get_statement(ask(&scene.cirrus)).await;
        refused(other, Code::PermissionDenied, "PERMISSION_DENIED");
    }

    async fn a_manager_is_told_that_a_rival_stands_in_the_way_and_not_which(world: World) {
        let scene = Scene::open(world).await;
        scene.manages("kim", &scene.nimbus).await;
        scene.manages("lee", &scene.cirrus).await;
        let kim = scene.seat("kim", Role::ChannelManager, None).await;
        let theirs = scene.submit(scene.claim(&scene.cirrus)).await;
        let own = scene.draft(scene.claim(&scene.nimbus)).await;
        let ask = |name: &str| pb::CheckConflictRequest { name: name.to_owned() };
        let said = kim.registrations().check_conflict(ask(&own.name)).await.unwrap().into_inner();
        assert_eq!(said.reason_code, "DUPLICATE_ACTIVE");
        let [rival] = said.rivals.as_slice() else { panic!("{said:?}") };
        assert_eq!([&rival.registration, &rival.partner, &rival.account], ["", "", ""]);
        // The control: who reaches it is told.
        let said = scene.registrations().check_conflict(ask(&own.name)).await.unwrap().into_inner();
        assert_eq!(said.rivals[0].registration, theirs.name);
        let other = kim.registrations().check_conflict(ask(&theirs.name)).await;
        refused(other, Code::NotFound, "RESOURCE_NOT_FOUND");
        let nimbus = scene.admin("nimbus").await;
        let asked = nimbus.registrations().check_conflict(ask(&own.name)).await;
        refused(asked, Code::PermissionDenied, "PERMISSION_DENIED");
    }

    async fn a_manager_gives_no_deal_to_a_partner_of_somebody_else(world: World) {
        let scene = Scene::open(world).await;
        scene.manages("kim", &scene.nimbus).await;
        scene.manages("lee", &scene.cirrus).await;
        let kim = scene.seat("kim", Role::ChannelManager, None).await;
        let deal = |partner: &str| pb::CreateDealRequest {
            parent: scene.parent.clone(),
            deal: Some(pb::Deal { partner: partner.to_owned(), ..scene.ten_firewalls() }),
            ..pb::CreateDealRequest::default()
        };
        let (code, reason) = (Code::PermissionDenied, "PERMISSION_DENIED");
        refused(kim.deals().create_deal(deal(&scene.cirrus)).await, code, reason);
        let own = kim.deals().create_deal(deal(&scene.nimbus)).await.unwrap().into_inner();
        let give = pb::SetDealRolesRequest {
            name: own.name,
            roles: vec![pb::deal::PartnerRole {
                partner: scene.cirrus.clone(),
                role: pb::deal::Role::Sourced.into(),
                evidence: vec![pb::deal::Evidence {
                    r#type: pb::deal::evidence::Type::Email.into(),
                    ..pb::deal::Evidence::default()
                }],
                ..pb::deal::PartnerRole::default()
            }],
            ..pb::SetDealRolesRequest::default()
        };
        refused(kim.deals().set_deal_roles(give.clone()).await, code, reason);
        // The control.
        assert!(scene.deals().set_deal_roles(give).await.is_ok());
    }
}
