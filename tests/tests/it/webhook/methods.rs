//! The methods, as somebody calls them.

use tonic::Code;
use tonic_types::StatusExt as _;
use trellis_api::platform::v1 as pb;
use trellis_tests::{on_both, refused};

use super::receiver::{Receiver, Reply};
use super::scene::Scene;

/// A filter that lets nothing through, so that nothing is sent.
const NOTHING: &str = "type = \"nothing.ever\"";

on_both! {
    async fn a_secret_is_told_once(world: World) {
        let scene = Scene::open(world).await;
        let request = pb::CreateWebhookRequest {
            webhook_id: "crm".to_owned(),
            request_id: "7d1c2f6e-3f0b-4a53-9d2a-0b1f5a3c9e10".to_owned(),
            ..scene.request("https://hooks.example.com/trellis", NOTHING)
        };
        let made = scene.webhooks().create_webhook(request.clone()).await.unwrap().into_inner();
        let webhook = made.webhook.unwrap();
        assert_eq!(webhook.name, "ecosystems/acme/webhooks/crm");
        assert!(made.secret.starts_with("whsec_"), "{}", made.secret);
        assert!(webhook.public_key.starts_with("whpk_"), "{}", webhook.public_key);
        let again = scene.webhooks().create_webhook(request).await.unwrap().into_inner();
        assert_eq!((again.webhook.as_ref(), again.secret.as_str()), (Some(&webhook), ""));
        assert_eq!(scene.get(&webhook.name).await, webhook);
        let tried = pb::CreateWebhookRequest {
            validate_only: true,
            ..scene.request("https://hooks.example.com/trellis", NOTHING)
        };
        let tried = scene.webhooks().create_webhook(tried).await.unwrap().into_inner();
        assert_eq!(tried.secret, "");
        let request = pb::ListWebhooksRequest {
            parent: scene.parent.clone(),
            filter: "disabled = false".to_owned(),
            ..pb::ListWebhooksRequest::default()
        };
        let listed = scene.webhooks().list_webhooks(request).await.unwrap().into_inner();
        assert_eq!(listed.webhooks, [webhook]);
    }

    async fn everything_wrong_is_told_at_once(world: World) {
        let scene = Scene::open(world).await;
        let request = scene.request("https://169.254.169.254/latest/meta-data/", "typ = \"deal.won\"");
        let status = scene.webhooks().create_webhook(request).await.unwrap_err();
        let violations = status.get_details_bad_request().unwrap().field_violations;
        let fields: Vec<_> = violations.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(fields, ["webhook.url", "webhook.filter"], "{status}");
        // A partner's webhook is not filtered by what its people do not see.
        let nimbus = scene.partner("nimbus").await;
        let mut request = scene.request("http://example.com/", "actor = \"ada\"");
        request.webhook.as_mut().unwrap().partner = nimbus;
        let status = scene.webhooks().create_webhook(request).await.unwrap_err();
        let violations = status.get_details_bad_request().unwrap().field_violations;
        assert_eq!(violations.len(), 2, "{status}");
        // An update is held to the same.
        let receiver = Receiver::open().await;
        let made = scene.tell(&receiver, "").await;
        let request = pb::UpdateWebhookRequest {
            webhook: Some(pb::Webhook {
                name: made.webhook.name.clone(),
                url: "https://[::ffff:10.0.0.1]/".to_owned(),
                ..pb::Webhook::default()
            }),
            ..pb::UpdateWebhookRequest::default()
        };
        refused(
            scene.webhooks().update_webhook(request).await,
            Code::InvalidArgument,
            "INVALID_FIELDS",
        );
    }

    async fn a_test_tells_what_is_answered_and_leaves_no_trace(world: World) {
        let scene = Scene::open(world).await;
        let receiver = Receiver::open().await;
        let made = scene.tell(&receiver, NOTHING).await;
        let test = async || {
            let name = made.webhook.name.clone();
            let tested = scene.webhooks().test_webhook(pb::TestWebhookRequest { name }).await;
            tested.unwrap().into_inner()
        };
        let tested = test().await;
        assert!(tested.delivered);
        assert_eq!(tested.attempt.unwrap().status_code, 200);
        receiver.replies(|_, _| Reply::Status(500));
        let tested = test().await;
        assert_eq!((tested.delivered, tested.attempt.unwrap().status_code), (false, 500));
        receiver.replies(|_, _| Reply::Reset);
        let attempt = test().await.attempt.unwrap();
        assert_eq!(attempt.status_code, 0);
        assert!(attempt.error.contains("broke off"), "{attempt:?}");
        let came = receiver.came();
        assert!(came.iter().all(|one| one.kind() == "webhook.test"));
        assert!(came.iter().all(|one| one.id().starts_with("test-")));
        assert!(scene.deliveries(&made.webhook.name, "").await.is_empty());
        assert_eq!(scene.get(&made.webhook.name).await, made.webhook);
    }

    async fn a_webhook_that_is_deleted_leaves_nothing(world: World) {
        let scene = Scene::open(world).await;
        let receiver = Receiver::open().await;
        let made = scene.tell(&receiver, "type = \"partner.created\"").await;
        scene.partner("nimbus").await;
        receiver.until(1).await;
        let name = made.webhook.name.clone();
        let request = pb::DeleteWebhookRequest {
            name: name.clone(),
            etag: made.webhook.etag.clone(),
            ..pb::DeleteWebhookRequest::default()
        };
        let deleted = scene.webhooks().delete_webhook(request).await.unwrap().into_inner();
        assert_eq!(deleted.name, name);
        refused(
            scene.webhooks().get_webhook(pb::GetWebhookRequest { name }).await,
            Code::NotFound,
            "RESOURCE_NOT_FOUND",
        );
        scene.partner("cirrus").await;
        let told = scene.events("resource : \"webhooks/\"").await;
        let kinds: Vec<_> = told.iter().map(|event| event.r#type.as_str()).collect();
        assert_eq!(kinds, ["webhook.created", "webhook.deleted"]);
        // Whoever comes later under its name is told nothing of what came before.
        let again = scene.tell(&receiver, "type = \"partner.created\"").await;
        scene.partner("altus").await;
        let came = receiver.until(2).await;
        assert_eq!(came[1].subject(), "ecosystems/acme/partners/altus");
        assert_eq!(scene.deliveries(&again.webhook.name, "").await.len(), 1);
    }

    async fn a_partner_has_no_more_webhooks_than_it_may(world: World) {
        let scene = Scene::open(world).await;
        let nimbus = scene.partner("nimbus").await;
        let make = async |partner: &str| {
            let mut request = scene.request("https://hooks.example.com/", NOTHING);
            request.webhook.as_mut().unwrap().partner = partner.to_owned();
            scene.webhooks().create_webhook(request).await
        };
        for _ in 0..10 {
            make(&nimbus).await.unwrap();
        }
        refused(make(&nimbus).await, Code::ResourceExhausted, "TOO_MANY_WEBHOOKS");
        // The vendor has its own.
        make("").await.unwrap();
    }
}
