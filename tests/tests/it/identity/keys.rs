//! API keys: made, read, rotated, ended.

use std::time::Duration;

use tonic::Code;
use trellis_api::options::v1::Role as WireRole;
use trellis_api::platform::v1 as pb;
use trellis_api::time;
use trellis_core::{Clock, Role};
use trellis_tests::{on_both, refused};

use super::scene::{Scene, key, partner_key};

fn get(name: &str) -> pb::GetApiKeyRequest {
    pb::GetApiKeyRequest {
        name: name.to_owned(),
    }
}

fn rotate(name: &str, overlap: Duration) -> pb::RotateApiKeyRequest {
    pb::RotateApiKeyRequest {
        name: name.to_owned(),
        overlap: Some(trellis_api::duration::wire(overlap)),
        ..pb::RotateApiKeyRequest::default()
    }
}

on_both! {
    async fn the_first_key_makes_its_ecosystem_and_no_other(world: World) {
        // Before there is a key, whoever reaches the port is believed.
        world.ecosystem("before").await;
        let admin = world.first("acme", Role::EcosystemAdmin).await;
        let create = |id: &str| pb::CreateEcosystemRequest {
            ecosystem_id: id.to_owned(),
            ecosystem: Some(pb::Ecosystem { display_name: id.to_owned(), ..Default::default() }),
            ..Default::default()
        };
        let nobody = world.ecosystems().create_ecosystem(create("acme")).await;
        refused(nobody, Code::Unauthenticated, "UNAUTHENTICATED");
        let other = admin.ecosystems().create_ecosystem(create("globex")).await;
        refused(other, Code::PermissionDenied, "PERMISSION_DENIED");
        admin.ecosystems().create_ecosystem(create("acme")).await.unwrap();
        let listed = admin.ecosystems().list_ecosystems(pb::ListEcosystemsRequest::default()).await;
        let names: Vec<_> =
            listed.unwrap().into_inner().ecosystems.into_iter().map(|row| row.name).collect();
        assert_eq!(names, ["ecosystems/acme"]);
    }

    async fn a_key_is_told_once_and_then_only_shown(world: World) {
        let scene = Scene::open(world).await;
        let request = pb::CreateApiKeyRequest {
            request_id: "11111111-1111-4111-8111-111111111111".to_owned(),
            ..key(&[WireRole::ChannelManager, WireRole::Auditor])
        };
        let tried = pb::CreateApiKeyRequest { validate_only: true, ..request.clone() };
        let tried = scene.made(&scene.admin, tried).await;
        assert_eq!(tried.secret, "");
        let made = scene.made(&scene.admin, request.clone()).await;
        assert!(made.secret.starts_with("trellis_acme_"), "{}", made.secret);
        assert_eq!(made.key.state(), pb::api_key::State::Active);
        assert!(made.secret.contains(&made.key.secret_prefix) && made.key.secret_prefix.len() == 6);
        assert_ne!(made.key.creator, "");
        scene.list(&scene.bearing(&made.secret)).await.unwrap();

        let again = scene.made(&scene.admin, request).await;
        assert_eq!((again.key.name, again.secret.as_str()), (made.key.name.clone(), ""));
        let read = scene.admin.access().get_api_key(get(&made.key.name)).await;
        assert_eq!(read.unwrap().into_inner().secret_prefix, made.key.secret_prefix);
        let missing = scene.admin.access().get_api_key(get(&tried.key.name)).await;
        refused(missing, Code::NotFound, "RESOURCE_NOT_FOUND");

        let list = pb::ListApiKeysRequest {
            parent: scene.parent.clone(),
            filter: "display_name = \"CRM, production\"".to_owned(),
            ..Default::default()
        };
        let listed = scene.admin.access().list_api_keys(list).await.unwrap().into_inner();
        let names: Vec<_> = listed.api_keys.into_iter().map(|row| row.name).collect();
        assert_eq!(names, [made.key.name]);
    }

    async fn everything_that_is_wrong_with_a_key_is_told_at_once(world: World) {
        let scene = Scene::with_partners(world, &["nimbus"]).await;
        let mut request = partner_key("nimbus", &[WireRole::Auditor, WireRole::Unspecified]);
        request.roles.push(pb::InitialRole { role: WireRole::PartnerRep.into(), ..Default::default() });
        request.roles.push(pb::InitialRole { role: WireRole::PartnerRep.into(), ..Default::default() });
        let wanted = request.api_key.as_mut().unwrap();
        wanted.display_name = String::new();
        wanted.person = " ada".to_owned();
        let answer = scene.admin.access().create_api_key(request).await;
        let wrong = refused(answer, Code::InvalidArgument, "INVALID_FIELDS").violations;
        let fields: Vec<_> = wrong.iter().map(|(field, ..)| field.as_str()).collect();
        let expected = [
            "api_key.display_name",
            "roles[1].role",
            "api_key.person",
            "roles[0].role",
            "roles[3].role",
        ];
        assert_eq!(fields, expected);

        let mut late = key(&[WireRole::Auditor]);
        late.api_key.as_mut().unwrap().expire_time = Some(time::wire(scene.clock().now()));
        let answer = scene.admin.access().create_api_key(late).await;
        let wrong = refused(answer, Code::InvalidArgument, "INVALID_FIELDS").violations;
        assert_eq!(wrong[0].0, "api_key.expire_time");
    }

    async fn a_key_ends_at_its_time_and_not_before(world: World) {
        let scene = Scene::open(world).await;
        let mut request = key(&[WireRole::Auditor]);
        let end = scene.clock().now().saturating_add(Duration::from_secs(60));
        request.api_key.as_mut().unwrap().expire_time = Some(time::wire(end));
        let made = scene.made(&scene.admin, request).await;
        let bearer = scene.bearing(&made.secret);
        scene.clock().advance(Duration::from_secs(60) - Duration::from_micros(1));
        scene.list(&bearer).await.unwrap();
        // It is remembered now, and ends all the same.
        scene.clock().advance(Duration::from_micros(1));
        refused(scene.list(&bearer).await, Code::Unauthenticated, "UNAUTHENTICATED");
        let read = scene.admin.access().get_api_key(get(&made.key.name)).await;
        assert_eq!(read.unwrap().into_inner().state(), pb::api_key::State::Expired);
    }

    async fn a_rotated_key_takes_both_secrets_until_the_overlap_ends(world: World) {
        let scene = Scene::open(world).await;
        let made = scene.made(&scene.admin, key(&[WireRole::Auditor])).await;
        let mut access = scene.admin.access();
        let day = Duration::from_secs(86_400);
        let rotated = access.rotate_api_key(rotate(&made.key.name, day)).await;
        let rotated = rotated.unwrap().into_inner();
        let (before, after) = (scene.bearing(&made.secret), scene.bearing(&rotated.secret));
        let shown = rotated.api_key.unwrap();
        assert_ne!(shown.secret_prefix, made.key.secret_prefix);
        assert!(shown.previous_secret_expire_time.is_some());
        scene.list(&before).await.unwrap();
        scene.list(&after).await.unwrap();
        scene.clock().advance(day - Duration::from_micros(1));
        scene.list(&before).await.unwrap();
        scene.clock().advance(Duration::from_micros(1));
        refused(scene.list(&before).await, Code::Unauthenticated, "UNAUTHENTICATED");
        scene.list(&after).await.unwrap();

        // Without an overlap the one before is good no more, but for who is remembered.
        let last = access.rotate_api_key(rotate(&made.key.name, Duration::ZERO)).await;
        let last = scene.bearing(&last.unwrap().into_inner().secret);
        scene.clock().advance(Duration::from_secs(5));
        refused(scene.list(&after).await, Code::Unauthenticated, "UNAUTHENTICATED");
        scene.list(&last).await.unwrap();

        let stale = pb::RotateApiKeyRequest {
            etag: made.key.etag.clone(),
            ..rotate(&made.key.name, Duration::ZERO)
        };
        refused(access.rotate_api_key(stale).await, Code::Aborted, "ETAG_MISMATCH");
        scene.revoke(&scene.admin, &made.key.name).await;
        let ended = access.rotate_api_key(rotate(&made.key.name, Duration::ZERO)).await;
        refused(ended, Code::FailedPrecondition, "PRECONDITION");
    }

    async fn the_use_of_a_key_is_noted_about_once_a_minute(world: World) {
        let scene = Scene::open(world).await;
        let made = scene.made(&scene.admin, key(&[WireRole::Auditor])).await;
        assert_eq!(made.key.last_use_time, None);
        let bearer = scene.bearing(&made.secret);
        let mut noted = Vec::new();
        for _ in 0..3 {
            let used = scene.clock().now();
            scene.list(&bearer).await.unwrap();
            let last = used_at(&scene, &made.key.name, noted.last().copied()).await;
            assert!(last.is_none_or(|last| last == used.micros()), "{last:?} {used:?}");
            noted.extend(last);
            scene.clock().advance(Duration::from_secs(45));
        }
        // At 0, not at 45, and at 90 seconds.
        assert_eq!(noted.len(), 2);
        let read = scene.admin.access().get_api_key(get(&made.key.name)).await;
        assert_eq!(read.unwrap().into_inner().etag, made.key.etag, "its use is no change");
    }

    async fn a_partner_keeps_its_own_keys_and_sees_no_others(world: World) {
        let scene = Scene::with_partners(world, &["nimbus", "cirrus"]).await;
        let admin = scene.of_partner("nimbus", &[WireRole::PartnerAdmin]).await;
        let theirs = partner_key("cirrus", &[WireRole::PartnerAdmin]);
        let theirs = scene.made(&scene.admin, theirs).await;
        let vendors = scene.made(&scene.admin, key(&[WireRole::Service])).await;

        let own = scene.made(&admin, partner_key("nimbus", &[WireRole::PartnerRep])).await;
        scene.list(&scene.bearing(&own.secret)).await.unwrap();
        let list = pb::ListApiKeysRequest { parent: scene.parent.clone(), ..Default::default() };
        let listed = admin.access().list_api_keys(list).await.unwrap().into_inner().api_keys;
        assert_eq!(listed.len(), 2);
        assert!(listed.iter().all(|row| row.partner == "ecosystems/acme/partners/nimbus"));

        for name in [theirs.key.name, vendors.key.name, format!("{}/apiKeys/none", scene.parent)] {
            let answer = admin.access().get_api_key(get(&name)).await;
            let missing = refused(answer, Code::NotFound, "RESOURCE_NOT_FOUND");
            assert_eq!(missing.message.replace(&name, ""), " does not exist; check its name");
            let answer = admin.access().rotate_api_key(rotate(&name, Duration::ZERO)).await;
            refused(answer, Code::NotFound, "RESOURCE_NOT_FOUND");
        }
        for request in [
            partner_key("cirrus", &[WireRole::PartnerRep]),
            key(&[WireRole::EcosystemAdmin]),
            key(&[WireRole::Service]),
        ] {
            let answer = admin.access().create_api_key(request).await;
            refused(answer, Code::PermissionDenied, "PERMISSION_DENIED");
        }
        let rep = scene.bearing(&own.secret);
        let request = partner_key("nimbus", &[WireRole::PartnerRep]);
        let answer = rep.access().create_api_key(request).await;
        refused(answer, Code::PermissionDenied, "PERMISSION_DENIED");
    }

    async fn keys_tell_the_feed_what_becomes_of_them(world: World) {
        let scene = Scene::with_partners(world, &["nimbus"]).await;
        let admin = scene.of_partner("nimbus", &[WireRole::PartnerAdmin]).await;
        let own = scene.made(&admin, partner_key("nimbus", &[WireRole::PartnerRep])).await;
        admin.access().rotate_api_key(rotate(&own.key.name, Duration::ZERO)).await.unwrap();
        let revoke = || pb::RevokeApiKeyRequest { name: own.key.name.clone(), ..Default::default() };
        let revoked = admin.access().revoke_api_key(revoke()).await.unwrap();
        admin.access().revoke_api_key(revoke()).await.unwrap();
        let list = pb::ListEventsRequest {
            parent: scene.parent.clone(),
            filter: format!("resource = \"{}\"", own.key.name),
            ..Default::default()
        };
        for by in [&admin, &scene.admin] {
            let by = by.after(&revoked);
            let events = by.events().list_events(list.clone()).await.unwrap().into_inner().events;
            let kinds: Vec<_> = events.iter().map(|event| event.r#type.as_str()).collect();
            assert_eq!(kinds, ["api_key.created", "api_key.rotated", "api_key.revoked"]);
            let told = format!("{events:?}");
            assert!(!told.contains(&own.secret), "{told}");
        }
    }
}

/// When a key was last used, once that is noted anew; nothing when it is not within a while.
async fn used_at(scene: &Scene, name: &str, before: Option<i64>) -> Option<i64> {
    for _ in 0..20 {
        let read = scene.admin.access().get_api_key(get(name)).await;
        let last = read.unwrap().into_inner().last_use_time;
        let last = last.map(|last| time::read(&last).unwrap().micros());
        if last.is_some() && last != before {
            return last;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    None
}
