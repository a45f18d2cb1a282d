//! What is taken back: at once where money moves or access is given, within five seconds elsewhere.

use std::time::Duration;

use tonic::{Code, Status};
use trellis_api::incentive::v1 as incentive;
use trellis_api::options::v1::Role as WireRole;
use trellis_api::platform::v1 as pb;
use trellis_tests::{Caller, on_both, refused};

use super::scene::{Scene, key};

/// A call that moves money, as far as it comes: there is no such batch.
async fn approve(by: &Caller) -> Result<tonic::Response<incentive::PayoutBatch>, Status> {
    let approve = incentive::ApproveBatchRequest {
        name: "ecosystems/acme/payoutBatches/none".to_owned(),
        ..incentive::ApproveBatchRequest::default()
    };
    by.payouts().approve_batch(approve).await
}

on_both! {
    async fn a_revoked_key_moves_no_money_from_then_on_and_reads_for_five_seconds(world: World) {
        let scene = Scene::open(world).await;
        let made = scene.made(&scene.admin, key(&[WireRole::FinanceApprover])).await;
        let bearer = scene.bearing(&made.secret);
        scene.list(&bearer).await.unwrap();
        refused(approve(&bearer).await, Code::NotFound, "RESOURCE_NOT_FOUND");
        let revoked = scene.revoke(&scene.admin, &made.key.name).await;
        assert_eq!(revoked.state(), pb::api_key::State::Revoked);

        // The control: what is remembered is stale, so that only asking anew refuses.
        scene.list(&bearer).await.unwrap();
        refused(approve(&bearer).await, Code::Unauthenticated, "UNAUTHENTICATED");
        // And whoever was found out once is remembered no more.
        refused(scene.list(&bearer).await, Code::Unauthenticated, "UNAUTHENTICATED");
    }

    async fn a_key_that_nothing_asks_anew_for_ends_within_five_seconds(world: World) {
        let scene = Scene::open(world).await;
        let made = scene.made(&scene.admin, key(&[WireRole::Auditor])).await;
        let bearer = scene.bearing(&made.secret);
        scene.list(&bearer).await.unwrap();
        scene.revoke(&scene.admin, &made.key.name).await;
        scene.clock().advance(Duration::from_micros(4_999_999));
        scene.list(&bearer).await.unwrap();
        scene.clock().advance(Duration::from_micros(1));
        refused(scene.list(&bearer).await, Code::Unauthenticated, "UNAUTHENTICATED");
    }

    async fn a_role_that_is_taken_gives_nothing_from_then_on(world: World) {
        let scene = Scene::open(world).await;
        let roles = [WireRole::FinanceApprover, WireRole::EcosystemAdmin, WireRole::Auditor];
        let made = scene.made(&scene.admin, key(&roles)).await;
        let bearer = scene.bearing(&made.secret);
        let list = pb::ListRoleGrantsRequest {
            parent: scene.parent.clone(),
            filter: format!("principal = \"{}\"", made.key.principal),
            ..Default::default()
        };
        scene.list(&bearer).await.unwrap();
        let listed = scene.admin.access().list_role_grants(list).await.unwrap().into_inner();
        assert_eq!(listed.role_grants.len(), 3);
        for grant in listed.role_grants {
            if grant.role() == WireRole::Auditor {
                continue;
            }
            let delete = pb::DeleteRoleGrantRequest { name: grant.name, ..Default::default() };
            scene.admin.access().delete_role_grant(delete).await.unwrap();
        }
        // Neither money nor access, at once: a key made now would outlive what was taken.
        refused(approve(&bearer).await, Code::PermissionDenied, "PERMISSION_DENIED");
        let answer = bearer.access().create_api_key(key(&[WireRole::EcosystemAdmin])).await;
        refused(answer, Code::PermissionDenied, "PERMISSION_DENIED");
        scene.list(&bearer).await.unwrap();
    }
}
