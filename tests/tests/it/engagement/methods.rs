//! Each method for itself: what it takes, what it answers twice, and what it refuses.

use prost_types::FieldMask;
use tonic::{Code, Response};
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::engagement::State;
use trellis_tests::{on_both, refused};

use super::scene::{Scene, get, list, members, snapshots};
use crate::deal::market::usd;

const ONCE: &str = "0199f9a0-0000-4000-8000-000000000001";

async fn update(
    scene: &Scene,
    engagement: pb::Engagement,
    paths: &[&str],
) -> Result<pb::Engagement, tonic::Status> {
    let request = pb::UpdateEngagementRequest {
        engagement: Some(engagement),
        update_mask: Some(FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        }),
        ..pb::UpdateEngagementRequest::default()
    };
    let updated = scene.engagements().update_engagement(request).await;
    updated.map(Response::into_inner)
}

on_both! {
    async fn an_engagement_is_created_once_and_changed(world: World) {
        let scene = Scene::open(world, &[]).await;
        let request = pb::CreateEngagementRequest {
            parent: scene.parent.clone(),
            engagement_id: "cloud".to_owned(),
            engagement: Some(scene.something()),
            request_id: ONCE.to_owned(),
            ..pb::CreateEngagementRequest::default()
        };
        let made = scene.engagements().create_engagement(request.clone()).await.unwrap().into_inner();
        let again = scene.engagements().create_engagement(request.clone()).await.unwrap();
        assert_eq!(again.into_inner(), made);
        let taken = pb::CreateEngagementRequest { request_id: String::new(), ..request };
        let taken = scene.engagements().create_engagement(taken).await;
        refused(taken, Code::AlreadyExists, "RESOURCE_EXISTS");
        assert_eq!((made.state(), made.name.as_str()), (State::Draft, "ecosystems/acme/engagements/cloud"));
        let expected = pb::Engagement {
            name: made.name.clone(),
            state: made.state,
            create_time: made.create_time,
            update_time: made.update_time,
            etag: made.etag.clone(),
            ..scene.something()
        };
        assert_eq!(made, expected);

        let changed = pb::Engagement {
            name: made.name.clone(),
            title: "Move two".to_owned(),
            estimated_value: usd(5),
            etag: made.etag.clone(),
            ..pb::Engagement::default()
        };
        let updated = update(&scene, changed.clone(), &["title", "estimated_value"]).await.unwrap();
        assert_eq!((updated.title.as_str(), updated.estimated_value.clone()), ("Move two", usd(5)));
        assert_eq!((&updated.description, updated.state()), (&made.description, State::Draft));
        let stale = update(&scene, changed, &["title"]).await.map(Response::new);
        refused(stale, Code::Aborted, "ETAG_MISMATCH");
        let nameless = pb::Engagement { name: made.name.clone(), ..pb::Engagement::default() };
        for paths in [&["title"][..], &["customer"], &["nonsense"]] {
            let wrong = update(&scene, nameless.clone(), paths).await.map(Response::new);
            refused(wrong, Code::InvalidArgument, "INVALID_FIELDS");
        }
        let forged = pb::Engagement {
            name: made.name.clone(),
            state: State::Active.into(),
            ..pb::Engagement::default()
        };
        let forged = update(&scene, forged, &["state"]).await.unwrap();
        assert_eq!(forged.state(), State::Draft, "state moves by verbs");
        assert_eq!(get(&scene, &made.name).await.unwrap().title, "Move two");
    }

    async fn moves_are_made_once_and_validated_without_a_trace(world: World) {
        let scene = Scene::open(world, &["nimbus"]).await;
        let engagement = scene.active(scene.something()).await.name;
        let request = pb::InviteMemberRequest {
            parent: engagement.clone(),
            member_id: "nimbus".to_owned(),
            member: Some(pb::EngagementMember {
                partner: scene.name("partners", "nimbus"),
                role: "RESALE".to_owned(),
                ..pb::EngagementMember::default()
            }),
            validate_only: true,
            ..pb::InviteMemberRequest::default()
        };
        scene.engagements().invite_member(request.clone()).await.unwrap();
        assert_eq!(members(&scene, &engagement).await, []);
        let request = pb::InviteMemberRequest {
            validate_only: false,
            request_id: ONCE.to_owned(),
            ..request
        };
        let invited = scene.engagements().invite_member(request.clone()).await.unwrap().into_inner();
        let again = scene.engagements().invite_member(request).await.unwrap().into_inner();
        assert_eq!(invited, again);
        assert_eq!(members(&scene, &engagement).await, std::slice::from_ref(&invited));

        let accept = pb::AcceptInvitationRequest {
            name: invited.name.clone(),
            etag: "\"7\"".to_owned(),
            ..pb::AcceptInvitationRequest::default()
        };
        let stale = scene.engagements().accept_invitation(accept.clone()).await;
        refused(stale, Code::Aborted, "ETAG_MISMATCH");
        let accept = pb::AcceptInvitationRequest {
            etag: invited.etag,
            request_id: ONCE.to_owned(),
            ..accept
        };
        let once = scene.engagements().accept_invitation(accept.clone()).await.unwrap().into_inner();
        let twice = scene.engagements().accept_invitation(accept).await.unwrap().into_inner();
        assert_eq!(once, twice);

        let share = pb::ShareSnapshotRequest {
            parent: engagement.clone(),
            member: invited.name,
            resource: scene.name("accounts", "initech"),
            fields: Some(FieldMask { paths: vec!["display_name".to_owned()] }),
            validate_only: true,
            ..pb::ShareSnapshotRequest::default()
        };
        scene.engagements().share_snapshot(share.clone()).await.unwrap();
        assert_eq!(snapshots(&scene, &engagement).await, []);
        let elsewhere = pb::ShareSnapshotRequest {
            parent: scene.active(scene.something()).await.name,
            ..share
        };
        let wrong = scene.engagements().share_snapshot(elsewhere).await;
        refused(wrong, Code::InvalidArgument, "INVALID_FIELDS");
    }

    async fn lists_are_filtered_ordered_and_cut_into_pages(world: World) {
        let scene = Scene::open(world, &["nimbus"]).await;
        let nimbus = scene.admin("nimbus").await;
        let mut names = Vec::new();
        for number in 0..5 {
            let mut engagement = scene.something();
            engagement.title = format!("Number {number}");
            let name = scene.active(engagement).await.name;
            // All of them have one of this id.
            let request = pb::InviteMemberRequest {
                parent: name.clone(),
                member_id: "us".to_owned(),
                member: Some(pb::EngagementMember {
                    partner: scene.name("partners", "nimbus"),
                    role: "RESALE".to_owned(),
                    ..pb::EngagementMember::default()
                }),
                ..pb::InviteMemberRequest::default()
            };
            scene.engagements().invite_member(request).await.unwrap();
            names.push(format!("{name}/members/us"));
        }
        scene.close(names[4].split_once("/members/").unwrap().0).await.unwrap();
        names.remove(4);
        names.sort();
        assert_eq!(list(&nimbus, &scene.parent, "title : \"number\"").await.len(), 4);
        assert_eq!(list(&scene, &scene.parent, "state = CLOSED").await.len(), 1);
        for order_by in ["", "role", "role desc"] {
            let mut found = Vec::new();
            let mut page_token = String::new();
            loop {
                let request = pb::ListMembersRequest {
                    parent: format!("{}/engagements/-", scene.parent),
                    page_size: 2,
                    order_by: order_by.to_owned(),
                    page_token,
                    ..pb::ListMembersRequest::default()
                };
                let page = nimbus.engagements().list_members(request).await.unwrap().into_inner();
                assert!(page.members.len() <= 2);
                found.extend(page.members.into_iter().map(|member| member.name));
                page_token = page.next_page_token;
                if page_token.is_empty() {
                    break;
                }
            }
            found.sort();
            assert_eq!(found, names, "{order_by}");
        }
    }
}
