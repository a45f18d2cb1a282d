//! What somebody is told of an event does not depend on how late the feed is read: a webhook that is disabled, or
//! wants something else, is still told what happened before that, and a new one all that happens after it.

use sqlx::PgConnection;
use trellis_api::platform::v1 as pb;
use trellis_api::platform::v1::webhook_delivery::State;
use trellis_tests::{Engine, on_both};

use super::receiver::{Receiver, Reply, WELL, eventually};
use super::scene::Scene;
use crate::watch::hold;

const CREATED: &str = "type = \"partner.created\"";

/// Has nothing of what happens read until it is dropped. On SQLite all of it is read soon.
async fn late(scene: &Scene) -> Option<PgConnection> {
    match scene.world.engine() {
        Engine::Sqlite => None,
        Engine::Postgres => Some(hold(scene.world.owner_url()).await),
    }
}

async fn set(scene: &Scene, path: &str, webhook: pb::Webhook) {
    let request = pb::UpdateWebhookRequest {
        webhook: Some(webhook),
        update_mask: Some(prost_types::FieldMask {
            paths: vec![path.to_owned()],
        }),
        ..pb::UpdateWebhookRequest::default()
    };
    scene.webhooks().update_webhook(request).await.unwrap();
}

async fn disable(scene: &Scene, name: &str, disabled: bool) {
    let webhook = pb::Webhook {
        name: name.to_owned(),
        disabled,
        ..pb::Webhook::default()
    };
    set(scene, "disabled", webhook).await;
}

/// Who is told of everything: what has come to it the feed has been read for.
async fn witness(scene: &Scene) -> Receiver {
    let witness = Receiver::open().await;
    scene.tell(&witness, CREATED).await;
    witness
}

fn subjects(receiver: &Receiver) -> Vec<String> {
    let came = receiver.came();
    came.iter().map(|one| one.subject().to_owned()).collect()
}

on_both! {
    async fn what_happened_before_it_was_disabled_comes_when_it_is_enabled(world: World) {
        let scene = Scene::open(world).await;
        let witness = witness(&scene).await;
        let receiver = Receiver::open().await;
        let name = scene.tell(&receiver, CREATED).await.webhook.name;
        let held = late(&scene).await;
        let before = scene.partner("before").await;
        disable(&scene, &name, true).await;
        scene.partner("meanwhile").await;
        drop(held);
        witness.until(2).await;
        disable(&scene, &name, false).await;
        let after = scene.partner("after").await;
        scene.until(&name, State::Delivered, 2).await;
        assert_eq!(subjects(&receiver), [before, after]);
    }

    async fn what_happened_before_the_server_disabled_it_waits(world: World) {
        let scene = Scene::open(world).await;
        scene.partner("first").await;
        let first = scene.events(CREATED).await.remove(0);
        let receiver = Receiver::open().await;
        let name = scene.tell(&receiver, CREATED).await.webhook.name;
        receiver.replies(|event, _| match event["subject"].as_str() {
            Some(subject) if subject.ends_with("/first") => Reply::Status(410),
            _ => WELL,
        });
        let held = late(&scene).await;
        let before = scene.partner("before").await;
        let request = pb::RedeliverEventRequest {
            name: name.clone(),
            event: first.name.clone(),
            ..pb::RedeliverEventRequest::default()
        };
        scene.webhooks().redeliver_event(request).await.unwrap();
        eventually("it is disabled", || async {
            scene.get(&name).await.disabled.then_some(())
        })
        .await;
        drop(held);
        disable(&scene, &name, false).await;
        // The one that said that nobody is there is not tried again.
        let arrived = scene.until(&name, State::Delivered, 1).await;
        assert_eq!(arrived[0].resource, before);
        assert_eq!(scene.deliveries(&name, "state = FAILED").await[0].resource, first.resource);
    }

    async fn what_happened_before_it_wanted_something_else_comes(world: World) {
        let scene = Scene::open(world).await;
        let witness = witness(&scene).await;
        let receiver = Receiver::open().await;
        let name = scene.tell(&receiver, CREATED).await.webhook.name;
        let held = late(&scene).await;
        let before = scene.partner("before").await;
        let webhook = pb::Webhook {
            name: name.clone(),
            filter: "type = \"partner.updated\"".to_owned(),
            ..pb::Webhook::default()
        };
        set(&scene, "filter", webhook).await;
        scene.partner("after").await;
        scene.rename(&before, "Nimbus").await;
        drop(held);
        witness.until(2).await;
        scene.until(&name, State::Delivered, 2).await;
        let came = receiver.came();
        let came: Vec<_> = came.iter().map(|one| (one.kind(), one.subject())).collect();
        assert_eq!(came, [("partner.created", &*before), ("partner.updated", &*before)]);
    }

    async fn what_is_committed_after_it_was_made_or_enabled_comes(world: World) {
        if world.engine() == Engine::Sqlite {
            // Nothing is under way while something else is written.
            return;
        }
        let scene = Scene::open(world).await;
        scene.partner("first").await;
        let receiver = Receiver::open().await;
        let enabled = scene.tell(&receiver, CREATED).await.webhook.name;
        disable(&scene, &enabled, true).await;
        scene.world.readable().await;
        // Something is under way that will be before "second" in the feed.
        let mut under_way = hold(scene.world.owner_url()).await;
        sqlx::raw_sql(
            "CREATE TEMP TABLE copy AS SELECT * FROM events WHERE kind = 'partner.created';
             UPDATE copy SET xid = pg_current_xact_id()::text::bigint,
                 resource = 'ecosystems/acme/partners/late', state = NULL;
             INSERT INTO events SELECT * FROM copy",
        )
        .execute(&mut under_way)
        .await
        .unwrap();
        scene.partner("second").await;
        let created = scene.tell_late(&receiver, CREATED).await.webhook.name;
        disable(&scene, &enabled, false).await;
        sqlx::raw_sql("COMMIT").execute(&mut under_way).await.unwrap();
        for name in [&enabled, &created] {
            let arrived = scene.until(name, State::Delivered, 2).await;
            let mut about: Vec<_> = arrived.iter().map(|one| one.resource.as_str()).collect();
            about.sort_unstable();
            // What could not be read yet when it was made comes rather than not.
            assert_eq!(about, ["ecosystems/acme/partners/late", "ecosystems/acme/partners/second"]);
        }
    }
}
