//! What somebody is told who may not read everything, and how a stream ends when what they may changes.

use std::time::Duration;

use tonic::Code;
use tonic_types::StatusExt as _;
use trellis_api::options::v1::Role as WireRole;
use trellis_api::platform::v1 as pb;
use trellis_core::{Clock as _, PartnerId};
use trellis_store::event::NewEvent;
use trellis_tests::{Caller, Engine, World, on_both};

use super::scene::{Watcher, from_now, report};
use crate::identity::scene::{Scene, key, partner_key};

/// Within how long a stream has ended whose caller may no longer read.
const FEW_SECONDS: Duration = Duration::from_secs(8);

/// Asserts how the stream of somebody ends, while that of the administrator goes on.
async fn ends(watcher: Watcher, mut other: Watcher, code: Code, reason: &str) {
    let (status, took) = watcher.end().await;
    assert_eq!(status.code(), code, "{status:?}");
    assert_eq!(status.get_details_error_info().unwrap().reason, reason);
    println!("ended after {took:?}");
    assert!(took < FEW_SECONDS, "{took:?}");
    other.until_heartbeat().await;
    other.until_heartbeat().await;
}

async fn grants_of(scene: &Scene, principal: &str) -> Vec<pb::RoleGrant> {
    let list = pb::ListRoleGrantsRequest {
        parent: scene.parent.clone(),
        filter: format!("principal = \"{principal}\""),
        ..pb::ListRoleGrantsRequest::default()
    };
    let listed = scene.admin.access().list_role_grants(list).await.unwrap();
    listed.into_inner().role_grants
}

async fn watching(by: &Caller) -> Watcher {
    let mut watcher = Watcher::open(by, from_now("acme")).await.unwrap();
    watcher.until_heartbeat().await;
    watcher
}

on_both! {
    async fn a_revoked_key_ends_its_streams(world: World) {
        let scene = Scene::open(world).await;
        let made = scene.made(&scene.admin, key(&[WireRole::Auditor])).await;
        let watcher = watching(&scene.bearing(&made.secret)).await;
        let other = watching(&scene.admin).await;
        scene.revoke(&scene.admin, &made.key.name).await;
        ends(watcher, other, Code::Unauthenticated, "UNAUTHENTICATED").await;
    }

    async fn a_role_that_is_taken_ends_the_streams_that_it_allowed(world: World) {
        let scene = Scene::open(world).await;
        let made = scene.made(&scene.admin, key(&[WireRole::Auditor])).await;
        let watcher = watching(&scene.bearing(&made.secret)).await;
        let other = watching(&scene.admin).await;
        for grant in grants_of(&scene, &made.key.principal).await {
            let delete = pb::DeleteRoleGrantRequest { name: grant.name, ..Default::default() };
            scene.admin.access().delete_role_grant(delete).await.unwrap();
        }
        ends(watcher, other, Code::PermissionDenied, "PERMISSION_DENIED").await;
    }

    async fn whoever_may_read_more_is_told_to_begin_again(world: World) {
        let scene = Scene::with_partners(world, &["nimbus"]).await;
        let made = scene.made(&scene.admin, partner_key("nimbus", &[WireRole::PartnerRep])).await;
        let watcher = watching(&scene.bearing(&made.secret)).await;
        let other = watching(&scene.admin).await;
        let grant = pb::CreateRoleGrantRequest {
            parent: scene.parent.clone(),
            role_grant: Some(pb::RoleGrant {
                principal: made.key.principal.clone(),
                role: WireRole::PartnerAdmin.into(),
                partner: "ecosystems/acme/partners/nimbus".to_owned(),
                ..pb::RoleGrant::default()
            }),
            ..pb::CreateRoleGrantRequest::default()
        };
        scene.admin.access().create_role_grant(grant).await.unwrap();
        ends(watcher, other, Code::Aborted, "ACCESS_CHANGED").await;
        // The control: whoever begins again is served.
        watching(&scene.bearing(&made.secret)).await;
    }

    async fn a_key_that_expires_ends_its_streams(world: World) {
        let scene = Scene::open(world).await;
        let mut request = key(&[WireRole::Auditor]);
        let expires = scene.clock().now().saturating_add(Duration::from_secs(600));
        if let Some(key) = &mut request.api_key {
            key.expire_time = Some(trellis_api::time::wire(expires));
        }
        let made = scene.made(&scene.admin, request).await;
        let watcher = watching(&scene.bearing(&made.secret)).await;
        let other = watching(&scene.admin).await;
        scene.clock().advance(Duration::from_secs(600));
        ends(watcher, other, Code::Unauthenticated, "UNAUTHENTICATED").await;
    }

    async fn a_partner_is_told_its_own_and_where_that_is(world: World) {
        let scene = Scene::with_partners(world, &["nimbus", "cirrus"]).await;
        let nimbus = scene.of_partner("nimbus", &[WireRole::PartnerAdmin]).await;
        let rep = scene.of_partner("nimbus", &[WireRole::PartnerRep]).await;
        // Once the last of what has happened is told, so is all of it.
        let mut admin = watching(&scene.admin).await;
        let last = vec![NewEvent::new("thing.happened", "a")];
        let last = report(scene.store(), "acme", last).await.to_string();
        while admin.message().await.position != last {}
        let position = async |by: &Caller| {
            let get = pb::GetPositionRequest { name: scene.parent.clone() };
            by.events().get_position(get).await.unwrap().into_inner().position
        };
        let (mut partner, mut of_rep) = (watching(&nimbus).await, watching(&rep).await);
        let before = position(&nimbus).await;
        let event = |kind, partner: Option<&str>| {
            let partner = partner.map(|id| PartnerId::try_new(id).unwrap());
            NewEvent::new(kind, format!("ecosystems/acme/partners/{partner:?}"))
                .noting("for the staff")
                .with(serde_json::json!({ "state": "WON", "rivals": 3 }))
                .for_partner(&partner)
        };
        let others = vec![event("deal.won", Some("cirrus")), event("deal.won", None)];
        report(scene.store(), "acme", others).await;
        assert_eq!(admin.events(2).await.len(), 2);
        // Nothing that happens to others moves the place that a partner is told.
        assert_ne!(admin.until_heartbeat().await.1, before);
        for _ in 0..2 {
            assert_eq!(partner.until_heartbeat().await, (Vec::new(), before.clone()));
        }
        let own = vec![event("deal.won", Some("nimbus")), event("award.accrued", Some("nimbus"))];
        report(scene.store(), "acme", own).await;
        let told = partner.events(2).await;
        let kinds: Vec<_> = told.iter().map(|event| event.r#type.as_str()).collect();
        assert_eq!(kinds, ["deal.won", "award.accrued"]);
        let data = serde_json::json!({ "state": "WON" });
        for event in &told {
            assert_eq!((event.note.as_str(), event.actor.as_str()), ("", ""));
            let fields = &event.data.as_ref().unwrap().fields;
            assert_eq!(fields.len(), 1, "{fields:?} and not more than {data}");
        }
        assert_eq!(partner.until_heartbeat().await.1, position(&nimbus).await);
        // What it earns is told to who runs the partner's side alone.
        let told = of_rep.events(1).await;
        assert_eq!(told[0].r#type, "deal.won");
        assert_eq!(of_rep.until_heartbeat().await.1, position(&rep).await);
    }
}

/// Nobody is told by the feed while something holds it back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_ends_its_streams_also_while_the_feed_is_held_back() {
    trellis_tests::run(Engine::Postgres, &[], async |world: World| {
        let scene = Scene::open(world).await;
        let made = scene.made(&scene.admin, key(&[WireRole::Auditor])).await;
        let watcher = watching(&scene.bearing(&made.secret)).await;
        let other = watching(&scene.admin).await;
        let held = super::losses::hold(scene.owner_url()).await;
        scene.revoke(&scene.admin, &made.key.name).await;
        ends(watcher, other, Code::Unauthenticated, "UNAUTHENTICATED").await;
        drop(held);
    })
    .await;
}
