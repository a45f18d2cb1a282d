//! What a partner sees of a deal that others have parts in, and what it may say about its own.

use tonic::Code;
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::deal::{Role, Stage};
use trellis_core::Role as Of;
use trellis_tests::{on_both, refused};

use super::scene::Scene;
use crate::deal::market::part;

fn claims(deal: &str, role: pb::deal::PartnerRole) -> pb::DisputeDealRoleRequest {
    pb::DisputeDealRoleRequest {
        name: deal.to_owned(),
        role: Some(role),
        reason_code: "WE_DELIVER_IT".to_owned(),
        note: "see the quote".to_owned(),
        ..pb::DisputeDealRoleRequest::default()
    }
}

on_both! {
    async fn a_partner_reads_how_its_deal_moved_and_not_who_moved_it(world: World) {
        let scene = Scene::open(world).await;
        let (nimbus, cirrus) = (scene.admin("nimbus").await, scene.admin("cirrus").await);
        let auditor = scene.seat("audit@acme.example", Of::Auditor, None).await;
        let deal = pb::Deal { partner: scene.nimbus.clone(), ..scene.ten_firewalls() };
        let deal = scene.deal(deal).await.name;
        let advance = pb::AdvanceDealRequest {
            name: deal.clone(),
            stage: Stage::Committed.into(),
            reason_code: "RIVAL_GAVE_UP".to_owned(),
            note: "cirrus gave up".to_owned(),
            ..pb::AdvanceDealRequest::default()
        };
        scene.deals().advance_deal(advance).await.unwrap();
        let list = || pb::ListStageChangesRequest { parent: deal.clone(), ..Default::default() };
        let read = nimbus.deals().list_stage_changes(list()).await.unwrap().into_inner();
        let told: Vec<_> = read.stage_changes.iter().map(|change| {
            (change.to_stage(), change.actor.as_str(), change.reason_code.as_str(), change.note.as_str())
        }).collect();
        assert_eq!(told, [(Stage::Committed, "", "", ""), (Stage::Prospect, "", "", "")]);
        // The control: the staff are told.
        let all = auditor.deals().list_stage_changes(list()).await.unwrap().into_inner();
        assert_eq!(all.stage_changes[0].note, "cirrus gave up");
        assert!(!all.stage_changes[0].actor.is_empty());
        refused(
            cirrus.deals().list_stage_changes(list()).await, Code::NotFound, "RESOURCE_NOT_FOUND",
        );
        let roles = pb::ListRoleChangesRequest { parent: deal.clone(), ..Default::default() };
        let (code, reason) = (Code::PermissionDenied, "PERMISSION_DENIED");
        refused(nimbus.deals().list_role_changes(roles.clone()).await, code, reason);
        assert!(auditor.deals().list_role_changes(roles).await.is_ok());
        let credit = pb::GetAttributionRequest { name: deal, ..Default::default() };
        refused(nimbus.deals().get_attribution(credit).await, code, reason);
    }

    async fn a_partner_disputes_its_own_parts_in_deals_that_it_sees(world: World) {
        let scene = Scene::open(world).await;
        let (nimbus, cirrus) = (scene.admin("nimbus").await, scene.admin("cirrus").await);
        let deal = pb::Deal { partner: scene.nimbus.clone(), ..scene.ten_firewalls() };
        let deal = scene.deal(deal).await.name;
        let own = claims(&deal, part(&scene.nimbus, Role::Fulfil));
        let other = claims(&deal, part(&scene.cirrus, Role::Fulfil));
        refused(
            nimbus.deals().dispute_deal_role(other).await, Code::PermissionDenied, "PERMISSION_DENIED",
        );
        let strange = claims(&deal, part(&scene.cirrus, Role::CoSell));
        refused(
            cirrus.deals().dispute_deal_role(strange).await, Code::NotFound, "RESOURCE_NOT_FOUND",
        );
        let told = nimbus.deals().dispute_deal_role(own).await.unwrap().into_inner();
        assert_eq!((told.name.as_str(), told.role_disputes.len()), (deal.as_str(), 0));
        let all = scene.read_deal(&deal).await;
        assert_eq!(all.role_disputes[0].actor, "admin@nimbus.example");
        let decide = pb::ResolveDealRoleDisputeRequest {
            name: deal.clone(),
            number: 1,
            resolution: pb::resolve_deal_role_dispute_request::Resolution::Uphold.into(),
            reason_code: "QUOTE_SAYS_SO".to_owned(),
            ..pb::ResolveDealRoleDisputeRequest::default()
        };
        let (code, reason) = (Code::PermissionDenied, "PERMISSION_DENIED");
        refused(nimbus.deals().resolve_deal_role_dispute(decide.clone()).await, code, reason);
        // The control.
        scene.deals().resolve_deal_role_dispute(decide).await.unwrap();
    }
}
