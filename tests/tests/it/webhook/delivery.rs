//! What reaches those who are told, when, and in which order.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, UnparsedPublicKey};
use trellis_api::platform::v1 as pb;
use trellis_api::platform::v1::webhook_delivery::State;
use trellis_tests::on_both;

use super::receiver::{Came, Receiver, Reply, WELL, eventually, is_by_secret};
use super::scene::Scene;

const PARTNERS: &str = "resource : \"partners/\"";

const HOUR: Duration = Duration::from_secs(3_600);

fn signed(came: &Came) -> Vec<u8> {
    let head = format!("{}.{}.", came.id(), came.header("webhook-timestamp"));
    [head.as_bytes(), &came.body].concat()
}

/// Whether one of the signatures is by the public key.
fn is_by_key(came: &Came, public_key: &str) -> bool {
    let key = STANDARD
        .decode(public_key.strip_prefix("whpk_").unwrap())
        .unwrap();
    let key = UnparsedPublicKey::new(&ED25519, key);
    let header = came.header("webhook-signature").split(' ');
    let signatures = header.filter_map(|one| one.strip_prefix("v1a,"));
    let mut decoded = signatures.map(|one| STANDARD.decode(one).unwrap());
    decoded.any(|signature| key.verify(&signed(came), &signature).is_ok())
}

on_both! {
    async fn an_event_comes_signed_as_the_feed_has_it(world: World) {
        let scene = Scene::open(world).await;
        let receiver = Receiver::open().await;
        let made = scene.tell(&receiver, "type = \"partner.created\"").await;
        let name = scene.partner("nimbus").await;
        let came = receiver.until(1).await.remove(0);
        let listed = scene.events("type = \"partner.created\"").await.remove(0);
        assert_eq!(came.id(), listed.position);
        assert_eq!(came.header("content-type"), "application/cloudevents+json; charset=utf-8");
        let event = &came.event;
        assert_eq!(event["specversion"], "1.0");
        assert_eq!(event["id"], listed.position);
        assert_eq!(event["source"], "ecosystems/acme");
        assert_eq!(event["type"], "partner.created");
        assert_eq!(event["subject"], name);
        assert_eq!(event["actor"], listed.actor);
        assert!(event["time"].as_str().unwrap().starts_with("2026-03-02T10:00:00"), "{event}");
        assert!(is_by_secret(&came, &made.secret));
        assert!(is_by_key(&came, &made.webhook.public_key));
        // Whatever is changed on the way is noticed, and so is who has another secret.
        let changed = |change: &dyn Fn(&mut Came)| {
            let mut changed = came.clone();
            change(&mut changed);
            is_by_secret(&changed, &made.secret) || is_by_key(&changed, &made.webhook.public_key)
        };
        assert!(!changed(&|came| came.body = b"{}".as_slice().into()));
        for header in ["webhook-id", "webhook-timestamp"] {
            assert!(!changed(&|came| {
                came.headers.insert(header, "1".parse().unwrap());
            }));
        }
        let other = scene.tell(&receiver, "").await;
        assert!(!is_by_secret(&came, &other.secret));
        assert!(!is_by_key(&came, &other.webhook.public_key));
        let delivered = scene.until(&made.webhook.name, State::Delivered, 1).await.remove(0);
        assert_eq!(delivered.event, listed.name);
        assert_eq!(delivered.resource, name);
        assert_eq!(delivered.attempts.len(), 1);
        assert_eq!(delivered.next_attempt_time, None);
    }

    async fn what_a_resource_is_comes_with_the_event_that_changed_it(world: World) {
        let scene = Scene::open(world).await;
        let receiver = Receiver::open().await;
        scene.tell(&receiver, PARTNERS).await;
        let name = scene.partner("nimbus").await;
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let mut traced = tonic::Request::new(trellis_api::partner::v1::InvitePartnerRequest {
            name: name.clone(),
            ..trellis_api::partner::v1::InvitePartnerRequest::default()
        });
        traced.metadata_mut().insert("traceparent", parent.parse().unwrap());
        scene.partners().invite_partner(traced).await.unwrap();
        let came = receiver.until(2).await;
        let made = &came[0].event;
        assert_eq!(made["data"]["resource"]["@type"], "type.googleapis.com/trellis.partner.v1.Partner");
        assert_eq!(made["data"]["resource"]["name"], name.as_str());
        assert_eq!(made["data"]["resource"]["external_id"], "crm-nimbus");
        assert_eq!(made["data"]["resource"]["state"], "STATE_PROSPECT");
        assert_eq!(made["data"]["changed_fields"], serde_json::json!([]));
        assert_eq!(made.get("traceparent"), None);
        let invited = &came[1].event;
        assert_eq!(invited["traceparent"], parent);
        assert_eq!(invited["data"]["to"], "INVITED");
        assert_eq!(invited["data"]["resource"]["state"], "STATE_INVITED");
        let changed = serde_json::json!(["state", "invitation_expire_time"]);
        assert_eq!(invited["data"]["changed_fields"], changed);
    }

    async fn a_partner_is_told_what_it_may_list_and_no_more(world: World) {
        let scene = Scene::open(world).await;
        let (nimbus, cirrus) = (scene.partner("nimbus").await, scene.partner("cirrus").await);
        let receivers = [Receiver::open().await, Receiver::open().await];
        let mut names = Vec::new();
        for (receiver, partner) in receivers.iter().zip([nimbus.as_str(), ""]) {
            let mut request = scene.request(&receiver.url, "");
            request.webhook.as_mut().unwrap().partner = partner.to_owned();
            scene.readable().await;
            let made = scene.webhooks().create_webhook(request).await.unwrap().into_inner();
            names.push(made.webhook.unwrap().name);
        }
        scene.rename(&cirrus, "Cirrus").await;
        scene.rename(&nimbus, "Nimbus").await;
        let invite = trellis_api::partner::v1::InvitePartnerRequest {
            name: nimbus.clone(),
            ..trellis_api::partner::v1::InvitePartnerRequest::default()
        };
        scene.partners().invite_partner(invite).await.unwrap();
        // Both webhooks, two changes, an invitation: the vendor reads them all.
        let all = receivers[1].until(4).await;
        let told = receivers[0].until(3).await;
        assert!(all.iter().any(|one| one.subject() == cirrus));
        assert!(all.iter().all(|one| one.event.get("actor").is_some()));
        let mut kinds: Vec<_> = told.iter().map(Came::kind).collect();
        kinds.sort_unstable();
        assert_eq!(kinds, ["partner.invited", "partner.updated", "webhook.created"]);
        assert!(told.iter().all(|one| one.event.get("actor").is_none()));
        assert!(told.iter().all(|one| one.event["data"].get("resource").is_none()));
        assert!(told.iter().all(|one| !one.body.windows(6).any(|part| part == b"cirrus")));
        // Nor does its queue name what it is not told of.
        scene.until(&names[1], State::Delivered, 4).await;
        let queued = scene.deliveries(&names[0], "").await;
        assert_eq!(queued.len(), 3);
        assert!(queued.iter().all(|one| one.resource != cirrus));
    }

    async fn what_fails_is_tried_again_and_those_behind_it_wait(world: World) {
        let scene = Scene::open(world).await;
        let receiver = Receiver::open().await;
        receiver.replies(|event, _| match event["subject"].as_str() {
            Some(subject) if subject.ends_with("/nimbus") => Reply::Status(503),
            _ => WELL,
        });
        let made = scene.tell(&receiver, PARTNERS).await;
        let nimbus = scene.partner("nimbus").await;
        receiver.until(1).await;
        scene.rename(&nimbus, "Nimbus Inc.").await;
        let cirrus = scene.partner("cirrus").await;
        let delivered = scene.until(&made.webhook.name, State::Delivered, 1).await;
        assert_eq!(delivered[0].resource, cirrus);
        // Of the two that are left the second waits for the first, which was tried.
        eventually("the second waits for the first", || async {
            let waiting = scene.until(&made.webhook.name, State::Pending, 2).await;
            let mut attempts: Vec<_> = waiting.iter().map(|one| one.attempts.len()).collect();
            attempts.sort_unstable();
            (attempts == [0, 1]).then_some(())
        })
        .await;
        // A second before it is due nothing is tried.
        scene.advance(Duration::from_secs(4)).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(receiver.came().len(), 2);
        receiver.replies(|_, _| WELL);
        scene.advance(Duration::from_secs(2)).await;
        scene.until(&made.webhook.name, State::Delivered, 3).await;
        let came = receiver.came();
        let about: Vec<_> = came.iter().filter(|one| one.subject() == nimbus).collect();
        let kinds: Vec<_> = about.iter().map(|one| one.kind()).collect();
        assert_eq!(kinds, ["partner.created", "partner.created", "partner.updated"]);
        assert_eq!(about[0].id(), about[1].id());
        let log = scene.deliveries(&made.webhook.name, "event_type = \"partner.created\"").await;
        let log = log.iter().find(|one| one.resource == nimbus).unwrap();
        let codes: Vec<_> = log.attempts.iter().map(|one| one.status_code).collect();
        assert_eq!(codes, [503, 200]);
    }

    async fn one_that_is_slow_delays_no_other(world: World) {
        let scene = Scene::open(world).await;
        let (slow, well) = (Receiver::open().await, Receiver::open().await);
        slow.replies(|_, _| Reply::After(Duration::from_secs(9)));
        scene.tell(&slow, PARTNERS).await;
        scene.tell(&well, PARTNERS).await;
        let ids: Vec<String> = (0..12).map(|number| format!("p{number}")).collect();
        futures::future::join_all(ids.iter().map(|id| scene.partner(id))).await;
        let came = well.until(ids.len()).await;
        let begun = slow.until(1).await.first().unwrap().at;
        // All of them were there before the slow one had answered a single request.
        assert!(came.iter().all(|one| one.at < begun + Duration::from_secs(9)));
        let at_first = |came: &&Came| came.at < begun + Duration::from_secs(8);
        let under_way = slow.came().iter().filter(at_first).count();
        assert!(under_way <= 8, "a webhook has a bound on what is under way: {under_way}");
    }

    async fn what_comes_while_another_is_slow_is_sent_beside_it(world: World) {
        let scene = Scene::open(world).await;
        let receiver = Receiver::open().await;
        receiver.replies(|event, _| match event["subject"].as_str() {
            Some(subject) if subject.ends_with("/slow") => Reply::After(Duration::from_secs(9)),
            _ => WELL,
        });
        let made = scene.tell(&receiver, PARTNERS).await;
        scene.partner("slow").await;
        let begun = receiver.until(1).await.remove(0).at;
        scene.partner("quick").await;
        let came = receiver.until(2).await;
        assert!(came[1].at < begun + Duration::from_secs(9));
        scene.until(&made.webhook.name, State::Delivered, 2).await;
    }

    async fn during_a_rotation_both_secrets_are_good(world: World) {
        let scene = Scene::open(world).await;
        let receiver = Receiver::open().await;
        let before = scene.tell(&receiver, PARTNERS).await;
        let request = pb::RotateWebhookSecretRequest {
            name: before.webhook.name.clone(),
            overlap: Some(prost_types::Duration { seconds: 3_600, nanos: 0 }),
            ..pb::RotateWebhookSecretRequest::default()
        };
        let after = scene.webhooks().rotate_webhook_secret(request).await.unwrap().into_inner();
        let (key, secret) = (after.webhook.unwrap().public_key, after.secret);
        assert_ne!((&key, &secret), (&before.webhook.public_key, &before.secret));
        scene.partner("nimbus").await;
        let came = receiver.until(1).await.remove(0);
        assert!(is_by_secret(&came, &secret) && is_by_secret(&came, &before.secret));
        assert!(is_by_key(&came, &key) && is_by_key(&came, &before.webhook.public_key));
        scene.clock().advance(HOUR);
        scene.partner("cirrus").await;
        let came = receiver.until(2).await.remove(1);
        assert!(is_by_secret(&came, &secret) && is_by_key(&came, &key));
        assert!(!is_by_secret(&came, &before.secret));
        assert!(!is_by_key(&came, &before.webhook.public_key));
        assert_eq!(scene.get(&before.webhook.name).await.previous_secret_expire_time, None);
    }

    async fn one_that_takes_nothing_for_three_days_is_disabled_and_can_come_back(world: World) {
        let scene = Scene::open(world).await;
        let receiver = Receiver::open().await;
        receiver.replies(|_, _| Reply::Status(500));
        let made = scene.tell(&receiver, PARTNERS).await;
        let name = made.webhook.name.clone();
        let nimbus = scene.partner("nimbus").await;
        let mut attempts = 0;
        loop {
            attempts += 1;
            receiver.until(attempts).await;
            // What was answered is written down before time passes: when the next attempt is due follows from it.
            eventually("the attempt is noted", || async {
                let all = scene.deliveries(&name, "").await;
                let noted: usize = all.iter().map(|one| one.attempts.len()).sum();
                (noted >= attempts).then_some(())
            })
            .await;
            if scene.get(&name).await.disabled {
                break;
            }
            scene.rename(&nimbus, &format!("Nimbus {attempts}")).await;
            // The longest interval is of 24 hours, and may be a tenth longer.
            scene.advance(27 * HOUR).await;
        }
        assert_eq!(attempts, 10);
        let webhook = scene.get(&name).await;
        assert_eq!(webhook.disable_reason(), pb::webhook::DisableReason::Failing);
        let told = scene.events("type = \"webhook.disabled\"").await;
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].reason_code, "FAILING");
        let failed = scene.deliveries(&name, "state = FAILED").await;
        assert_eq!((failed.len(), failed[0].attempts.len()), (1, 10));
        // What happens while it is disabled it is not told of; what waited goes on.
        scene.partner("cirrus").await;
        scene.readable().await;
        receiver.replies(|_, _| WELL);
        let request = pb::UpdateWebhookRequest {
            webhook: Some(pb::Webhook { name: name.clone(), ..pb::Webhook::default() }),
            update_mask: Some(prost_types::FieldMask { paths: vec!["disabled".to_owned()] }),
            ..pb::UpdateWebhookRequest::default()
        };
        let enabled = scene.webhooks().update_webhook(request).await.unwrap().into_inner();
        assert_eq!(enabled.disable_reason(), pb::webhook::DisableReason::Unspecified);
        scene.until(&name, State::Delivered, 9).await;
        let came = receiver.came();
        assert!(came.iter().all(|one| one.subject() == nimbus));
        // What it missed is had by asking for it.
        let missed = scene.events("type = \"partner.created\"").await.pop().unwrap();
        let request = pb::RedeliverEventRequest {
            name: name.clone(),
            event: missed.name.clone(),
            ..pb::RedeliverEventRequest::default()
        };
        let again = scene.webhooks().redeliver_event(request.clone()).await.unwrap().into_inner();
        assert_eq!((again.state(), &again.event), (State::Pending, &missed.name));
        scene.until(&name, State::Delivered, 10).await;
        let last = receiver.came().pop().unwrap();
        assert_eq!(last.id(), missed.position);
        // And again, with the same id: whoever takes it knows it.
        let count = receiver.came().len();
        scene.webhooks().redeliver_event(request).await.unwrap();
        let came = receiver.until(count + 1).await;
        assert_eq!(came.last().unwrap().id(), missed.position);
        assert_eq!(scene.get(&name).await.failing_since_time, None);
    }

    async fn one_that_is_gone_is_disabled_at_once(world: World) {
        let scene = Scene::open(world).await;
        let receiver = Receiver::open().await;
        receiver.replies(|_, _| Reply::Status(410));
        let made = scene.tell(&receiver, PARTNERS).await;
        scene.partner("nimbus").await;
        let webhook = eventually("it is disabled", || async {
            let webhook = scene.get(&made.webhook.name).await;
            webhook.disabled.then_some(webhook)
        })
        .await;
        assert_eq!(webhook.disable_reason(), pb::webhook::DisableReason::Gone);
        assert_eq!(receiver.came().len(), 1);
    }

    async fn what_a_server_has_begun_another_one_ends(world: World) {
        let scene = Scene::open(world).await;
        let receiver = Receiver::open().await;
        let asked = AtomicUsize::new(0);
        // The first request is answered long after the second server has taken over.
        receiver.replies(move |_, _| match asked.fetch_add(1, Ordering::SeqCst) {
            0 => Reply::After(Duration::from_secs(9)),
            _ => WELL,
        });
        let other = scene.beside(&[]).await;
        let made = scene.tell(&receiver, PARTNERS).await;
        scene.partner("nimbus").await;
        receiver.until(1).await;
        // As long as somebody is at it nobody else is, who looks every two seconds.
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        assert_eq!(receiver.came().len(), 1);
        scene.clock().advance(Duration::from_secs(61));
        let came = receiver.until(2).await;
        assert_eq!(came[0].id(), came[1].id());
        scene.until(&made.webhook.name, State::Delivered, 1).await;
        other.stop().await;
    }
}
