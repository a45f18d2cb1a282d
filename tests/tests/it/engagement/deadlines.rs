//! Invitations at the moment before, at and after their end.

use prost_types::Timestamp;
use tonic::{Code, Response};
use trellis_api::deal::v1::engagement_member::State;
use trellis_api::platform::v1 as platform;
use trellis_tests::{on_both, refused};

use super::scene::{Scene, Verb, does, get, list, member, members};

async fn now(scene: &Scene) -> Timestamp {
    let request = platform::GetEcosystemRequest {
        name: scene.parent.clone(),
    };
    let ecosystem = scene.ecosystems().get_ecosystem(request).await.unwrap();
    ecosystem.into_inner().clock_time.unwrap()
}

fn days_after(time: Timestamp, days: i64) -> Timestamp {
    Timestamp {
        seconds: time.seconds + days * 86_400,
        ..time
    }
}

on_both! {
    async fn an_invitation_ends_at_its_time(world: World) {
        let scene = Scene::open(world, &["nimbus"]).await;
        let (nimbus, start) = (scene.admin("nimbus").await, now(&scene).await);
        let engagement = scene.active(scene.something()).await.name;
        let until = days_after(start, 3);
        let invited = scene.try_invite(&engagement, "nimbus", Some(until)).await;
        let invited = invited.unwrap().into_inner();
        assert_eq!(invited.expire_time, Some(until));

        scene.wait_days(2).await;
        assert_eq!(member(&nimbus, &invited.name).await.unwrap().state(), State::Invited);
        assert_eq!(list(&nimbus, &scene.parent, "").await.len(), 1);

        let after = scene.wait_days(1).await;
        let expired = member(&after, &invited.name).await.unwrap();
        assert_eq!((expired.state(), expired.end_time), (State::Expired, Some(until)));
        for gone in [
            member(&nimbus, &invited.name).await.map(drop),
            does(&nimbus, Verb::Accept, &invited.name).await.map(drop),
            get(&nimbus, &engagement).await.map(drop),
        ] {
            refused(gone.map(Response::new), Code::NotFound, "RESOURCE_NOT_FOUND");
        }
        assert_eq!(list(&nimbus, &scene.parent, "").await, []);
        let late = does(&scene, Verb::Accept, &invited.name).await.map(Response::new);
        refused(late, Code::FailedPrecondition, "ILLEGAL_TRANSITION").tells("state", "EXPIRED");
        scene.tells(&invited.name, &["engagement_member.invited", "engagement_member.expired"])
            .await;
        // The control: in time it is accepted.
        let again = scene.invite(&engagement, "nimbus").await;
        assert_eq!(again.expire_time, Some(days_after(now(&scene).await, 14)));
        assert_eq!(does(&nimbus, Verb::Accept, &again.name).await.unwrap().state(), State::Accepted);
        scene.wait_days(20).await;
        assert_eq!(members(&nimbus, &engagement).await.len(), 1);
    }

    async fn an_invitation_is_over_before_the_worker_comes_by(world: World) {
        // The clock of this ecosystem is the server's, whose workers have not come by yet.
        let parent = world.ecosystem("plain").await;
        let market = crate::deal::market::Market { world, parent };
        market.partner("nimbus").await;
        let scene = Scene { market };
        let nimbus = scene.admin("nimbus").await;
        let engagement = scene.active(scene.something()).await.name;
        let invited = scene.invite(&engagement, "nimbus").await;
        let until = invited.expire_time.unwrap();
        let micros = until.seconds * 1_000_000 + i64::from(until.nanos) / 1_000;
        scene.clock().set(trellis_core::Timestamp::from_micros(micros));
        assert_eq!(member(&scene, &invited.name).await.unwrap().state(), State::Expired);
        assert_eq!(list(&nimbus, &scene.parent, "").await, []);
        let late = does(&nimbus, Verb::Accept, &invited.name).await.map(Response::new);
        refused(late, Code::NotFound, "RESOURCE_NOT_FOUND");
        // Whoever is invited anew is not held up by what is over.
        let again = scene.invite(&engagement, "nimbus").await;
        assert_eq!(does(&nimbus, Verb::Accept, &again.name).await.unwrap().state(), State::Accepted);
    }

    async fn an_invitation_lies_in_the_future_and_no_more_than_a_year_away(world: World) {
        let scene = Scene::open(world, &["nimbus"]).await;
        let engagement = scene.active(scene.something()).await.name;
        let start = now(&scene).await;
        for wrong in [start, days_after(start, -1), days_after(start, 400)] {
            let wrong = scene.try_invite(&engagement, "nimbus", Some(wrong)).await;
            refused(wrong, Code::InvalidArgument, "INVALID_FIELDS");
        }
    }
}
