//! Every move of engagements and members, from every state, through the calls.

use tonic::{Code, Response};
use trellis_api::deal::v1::engagement::State;
use trellis_api::deal::v1::engagement_member::State as Member;
use trellis_tests::{on_both, refused};

use super::scene::{Scene, Verb, does, get, member};

/// A member in a state.
async fn in_state(scene: &Scene, state: Member, partner: &str) -> String {
    let engagement = scene.active(scene.something()).await;
    let invited = scene.invite(&engagement.name, partner).await.name;
    let verbs: &[Verb] = match state {
        Member::Accepted => &[Verb::Accept],
        Member::Rejected => &[Verb::Reject],
        Member::Cancelled => &[Verb::Cancel],
        Member::Left => &[Verb::Accept, Verb::Leave],
        Member::Removed => &[Verb::Accept, Verb::Remove],
        Member::Invited | Member::Expired | Member::Unspecified => &[],
    };
    for verb in verbs {
        does(scene, *verb, &invited).await.unwrap();
    }
    invited
}

on_both! {
    async fn a_member_moves_as_the_contract_says(world: World) {
        let scene = Scene::open(world, &["nimbus"]).await;
        for from in [
            Member::Invited, Member::Accepted, Member::Rejected, Member::Cancelled, Member::Left,
            Member::Removed,
        ] {
            for verb in Verb::ALL {
                let to = match (from, verb) {
                    (Member::Invited, Verb::Accept) => Some(Member::Accepted),
                    (Member::Invited, Verb::Reject) => Some(Member::Rejected),
                    (Member::Invited, Verb::Cancel) => Some(Member::Cancelled),
                    (Member::Accepted, Verb::Leave) => Some(Member::Left),
                    (Member::Accepted, Verb::Remove) => Some(Member::Removed),
                    _ => None,
                };
                let name = in_state(&scene, from, "nimbus").await;
                let made = does(&scene, verb, &name).await;
                match to {
                    Some(to) => assert_eq!(made.unwrap().state(), to, "{from:?} {verb:?}"),
                    None => {
                        let made = made.map(Response::new);
                        refused(made, Code::FailedPrecondition, "ILLEGAL_TRANSITION");
                        assert_eq!(member(&scene, &name).await.unwrap().state(), from);
                    }
                }
            }
        }
    }

    async fn an_engagement_moves_as_the_contract_says(world: World) {
        let scene = Scene::open(world, &["nimbus"]).await;
        let name = scene.create(scene.something()).await.name;
        for wrong in [scene.suspend(&name).await, scene.resume(&name).await] {
            refused(wrong.map(Response::new), Code::FailedPrecondition, "ILLEGAL_TRANSITION");
        }
        let name = scene.active(scene.something()).await.name;
        let wrong = scene.resume(&name).await.map(Response::new);
        refused(wrong, Code::FailedPrecondition, "ILLEGAL_TRANSITION");
        assert_eq!(scene.suspend(&name).await.unwrap().state(), State::Suspended);
        let wrong = scene.try_invite(&name, "nimbus", None).await;
        refused(wrong, Code::FailedPrecondition, "PRECONDITION");
        assert_eq!(scene.resume(&name).await.unwrap().state(), State::Active);
        let invited = scene.invite(&name, "nimbus").await;
        let closed = scene.close(&name).await.unwrap();
        assert_eq!((closed.state(), closed.reason_code.as_str()), (State::Closed, "WON"));
        assert!(closed.close_time.is_some());
        let cancelled = member(&scene, &invited.name).await.unwrap();
        assert_eq!(cancelled.state(), Member::Cancelled);
        scene.tells(&name, &[
            "engagement.created", "engagement.activated", "engagement.suspended",
            "engagement.resumed", "engagement.closed",
        ]).await;
        scene.tells(&invited.name, &["engagement_member.invited", "engagement_member.cancelled"])
            .await;
        for wrong in [
            scene.suspend(&name).await, scene.resume(&name).await, scene.close(&name).await,
        ] {
            refused(wrong.map(Response::new), Code::FailedPrecondition, "ILLEGAL_TRANSITION");
        }
        assert_eq!(get(&scene, &name).await.unwrap(), closed);
    }

    async fn who_was_in_it_before_can_be_invited_again(world: World) {
        let scene = Scene::open(world, &["nimbus", "cirrus"]).await;
        let engagement = scene.active(scene.something()).await.name;
        let first = scene.member(&engagement, "nimbus").await;
        let again = scene.try_invite(&engagement, "nimbus", None).await;
        refused(again, Code::AlreadyExists, "RESOURCE_EXISTS").tells("field", "partner");
        does(&scene, Verb::Leave, &first.name).await.unwrap();
        let second = scene.member(&engagement, "nimbus").await;
        assert_ne!(first.name, second.name);
        assert_eq!(second.state(), Member::Accepted);
        scene.market.suspend("ecosystems/acme/partners/cirrus").await;
        let wrong = scene.try_invite(&engagement, "cirrus", None).await;
        refused(wrong, Code::FailedPrecondition, "PRECONDITION");
    }
}
