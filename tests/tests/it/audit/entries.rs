//! What is entered, and what of it.

use tonic::Code;
use trellis_api::partner::v1 as partner;
use trellis_api::platform::v1 as pb;
use trellis_core::Role;
use trellis_tests::{on_both, position, refused};

use super::scene::{CREATE, Scene, called, create};

const REQUEST: &str = "7d1c2f6e-3f0b-4a53-9d2a-0b1f5a3c9e10";

on_both! {
    async fn a_command_is_entered_once_with_what_it_did(world: World) {
        let scene = Scene::open(world).await;
        let request = partner::CreatePartnerRequest {
            request_id: REQUEST.to_owned(),
            ..create(&scene.parent, "nimbus")
        };
        let made = scene.admin.partners().create_partner(called("made", request.clone())).await;
        let made = position(&made.unwrap());
        let entry = scene.entry_of("made").await;
        assert_eq!(entry.method, CREATE);
        assert_eq!(entry.resource, scene.parent);
        assert_eq!((entry.code.as_str(), entry.reason.as_str()), ("OK", ""));
        assert_eq!(entry.request_id, REQUEST);
        assert_eq!(entry.position, made);
        assert!(entry.principal.starts_with("apiKeys/"), "{}", entry.principal);
        assert_eq!((entry.salt.len(), entry.personal_hash.len()), (32, 32));
        // Sent again it does nothing, and only tried it does nothing.
        scene.admin.partners().create_partner(called("again", request.clone())).await.unwrap();
        let tried = partner::CreatePartnerRequest {
            validate_only: true,
            ..create(&scene.parent, "cirrus")
        };
        scene.admin.partners().create_partner(called("tried", tried)).await.unwrap();
        // Without a request id it is entered all the same, and so is what has no event.
        let request = create(&scene.parent, "stratus");
        let made = scene.admin.partners().create_partner(called("other", request)).await;
        assert_eq!(scene.entry_of("other").await.position, position(&made.unwrap()));
        let entered = scene.entries(&format!("method = \"{CREATE}\"")).await;
        let calls: Vec<_> = entered.iter().map(|entry| entry.call_id.as_str()).collect();
        assert_eq!(calls, ["made", "other"]);
        // Whoever makes the first keys where the database is is entered, too.
        let keys = scene.entries("method = \"trellis keys create\"").await;
        assert_eq!(keys.len(), 2);
        assert!(keys.iter().all(|entry| entry.principal == "system:operator"));
    }

    async fn a_refusal_is_entered_with_its_reason(world: World) {
        let scene = Scene::open(world).await;
        let name = format!("{}/partners/nimbus", scene.parent);
        scene.admin.partners().create_partner(create(&scene.parent, "nimbus")).await.unwrap();
        let mut partners = scene.admin.partners();
        // Nobody knows who.
        let secret = scene.world.first_secret("acme", Role::Service).await;
        let wrong = scene.world.actor("x").bearing(&format!("{secret}x"));
        let request = called("who", create(&scene.parent, "cirrus"));
        refused(
            wrong.partners().create_partner(request).await,
            Code::Unauthenticated,
            "UNAUTHENTICATED",
        );
        // They may not.
        let request = called("may", create(&scene.parent, "cirrus"));
        refused(
            scene.auditor.partners().create_partner(request).await,
            Code::PermissionDenied,
            "PERMISSION_DENIED",
        );
        // The request is wrong.
        let mut wrong = create(&scene.parent, "cirrus");
        wrong.partner.as_mut().unwrap().display_name = String::new();
        refused(
            partners.create_partner(called("wrong", wrong)).await,
            Code::InvalidArgument,
            "INVALID_FIELDS",
        );
        // It is taken, it cannot be done, somebody else was first.
        refused(
            partners.create_partner(called("taken", create(&scene.parent, "nimbus"))).await,
            Code::AlreadyExists,
            "RESOURCE_EXISTS",
        );
        let request = partner::ActivatePartnerRequest {
            name: name.clone(),
            ..partner::ActivatePartnerRequest::default()
        };
        refused(
            partners.activate_partner(called("state", request.clone())).await,
            Code::FailedPrecondition,
            "ILLEGAL_TRANSITION",
        );
        let request = partner::ActivatePartnerRequest {
            etag: "\"99\"".to_owned(),
            ..request
        };
        refused(
            partners.activate_partner(called("stale", request)).await,
            Code::Aborted,
            "ETAG_MISMATCH",
        );
        for (call, code, reason, resource) in [
            ("who", "UNAUTHENTICATED", "UNAUTHENTICATED", &scene.parent),
            ("may", "PERMISSION_DENIED", "PERMISSION_DENIED", &scene.parent),
            ("wrong", "INVALID_ARGUMENT", "INVALID_FIELDS", &scene.parent),
            ("taken", "ALREADY_EXISTS", "RESOURCE_EXISTS", &scene.parent),
            ("state", "FAILED_PRECONDITION", "ILLEGAL_TRANSITION", &name),
            ("stale", "ABORTED", "ETAG_MISMATCH", &name),
        ] {
            let entry = scene.entry_of(call).await;
            assert_eq!((entry.code.as_str(), entry.reason.as_str()), (code, reason));
            assert_eq!(&entry.resource, resource);
            assert_eq!(entry.principal.is_empty(), call == "who");
            assert_eq!(entry.position, "");
        }
    }

    async fn who_reads_what_is_sensitive_is_entered(world: World) {
        let scene = Scene::open(world).await;
        let keys = pb::ListApiKeysRequest {
            parent: scene.parent.clone(),
            ..pb::ListApiKeysRequest::default()
        };
        scene.auditor.access().list_api_keys(called("keys", keys)).await.unwrap();
        let partners = partner::ListPartnersRequest {
            parent: scene.parent.clone(),
            ..partner::ListPartnersRequest::default()
        };
        scene.auditor.partners().list_partners(called("partners", partners)).await.unwrap();
        let entry = scene.entry_of("keys").await;
        assert_eq!(entry.code, "OK");
        // What is entered is entered in the order in which it was answered.
        assert!(scene.entries("call_id = \"partners\"").await.is_empty());
        // Reading the trail is entered as well.
        let trail = pb::ListAuditEntriesRequest {
            parent: scene.parent.clone(),
            ..pb::ListAuditEntriesRequest::default()
        };
        scene.auditor.audit().list_audit_entries(called("trail", trail)).await.unwrap();
        assert_eq!(scene.entry_of("trail").await.code, "OK");
    }

    async fn nobody_is_named_in_an_ecosystem_that_they_are_not_of(world: World) {
        let scene = Scene::open(world).await;
        scene.world.first("other", Role::EcosystemAdmin).await;
        let stranger = scene.world.first("other", Role::EcosystemAdmin).await;
        let request = called("stranger", create(&scene.parent, "cirrus"));
        refused(
            stranger.partners().create_partner(request).await,
            Code::PermissionDenied,
            "PERMISSION_DENIED",
        );
        let entry = scene.entry_of("stranger").await;
        assert_eq!((entry.principal.as_str(), entry.person.as_str()), ("", ""));
        // And nothing of what happens in another ecosystem is told.
        let request = pb::ListAuditEntriesRequest {
            parent: "ecosystems/other".to_owned(),
            ..pb::ListAuditEntriesRequest::default()
        };
        refused(
            scene.auditor.audit().list_audit_entries(request).await,
            Code::PermissionDenied,
            "PERMISSION_DENIED",
        );
        for entry in scene.entries("").await {
            assert!(entry.name.starts_with("ecosystems/acme/auditEntries/"), "{entry:?}");
        }
    }
}
