//! What is shared with whom, from when on, and until when.

use prost_types::FieldMask;
use tonic::{Code, Response};
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::engagement_snapshot::{Content, State};
use trellis_tests::{on_both, refused};

use super::scene::{Scene, Verb, does, get, snapshot, snapshots};
use crate::deal::market::usd;

async fn deal(scene: &Scene, id: &str) -> String {
    let request = pb::CreateDealRequest {
        parent: scene.parent.clone(),
        deal_id: id.to_owned(),
        deal: Some(pb::Deal {
            display_name: "Forty firewalls".to_owned(),
            amount: usd(4_000),
            lines: vec![pb::deal::Line {
                product: scene.name("products", "firewall"),
                ..pb::deal::Line::default()
            }],
            external_id: "crm-hidden".to_owned(),
            ..pb::Deal::default()
        }),
        ..pb::CreateDealRequest::default()
    };
    scene
        .deals()
        .create_deal(request)
        .await
        .unwrap()
        .into_inner()
        .name
}

async fn rename(scene: &Scene, account: &str, display_name: &str) {
    let request = pb::UpdateAccountRequest {
        account: Some(pb::Account {
            name: account.to_owned(),
            display_name: display_name.to_owned(),
            ..pb::Account::default()
        }),
        update_mask: Some(FieldMask {
            paths: vec!["display_name".to_owned()],
        }),
        ..pb::UpdateAccountRequest::default()
    };
    scene.accounts().update_account(request).await.unwrap();
}

fn called(snapshot: &pb::EngagementSnapshot) -> Option<&str> {
    match snapshot.content.as_ref()? {
        Content::Account(account) => Some(&account.display_name),
        Content::Deal(deal) => Some(&deal.display_name),
    }
}

on_both! {
    async fn only_the_fields_that_were_chosen_are_shared(world: World) {
        let scene = Scene::open(world, &["nimbus"]).await;
        let engagement = scene.active(scene.something()).await.name;
        let to = scene.member(&engagement, "nimbus").await.name;
        let deal = deal(&scene, "forty").await;
        let nimbus = scene.admin("nimbus").await;
        let shared = scene.share(&to, &deal, &["stage", "amount", "stage"]).await;
        let read = snapshot(&nimbus, &shared.name).await.unwrap();
        let expected = pb::engagement_snapshot::DealContent {
            stage: pb::deal::Stage::Prospect.into(),
            amount: usd(4_000),
            ..pb::engagement_snapshot::DealContent::default()
        };
        assert_eq!(read.content, Some(Content::Deal(expected)));
        assert_eq!(read.fields.clone().unwrap().paths, ["amount", "stage"]);
        assert_eq!((read.revision, read.state()), (1, State::Shared));
        assert_eq!(read.first_snapshot, read.name);
        // What it was copied of is told to the staff alone.
        assert_eq!((shared.resource.as_str(), read.resource.as_str()), (deal.as_str(), ""));
        let missing = pb::GetDealRequest { name: deal.clone() };
        refused(nimbus.deals().get_deal(missing).await, Code::NotFound, "RESOURCE_NOT_FOUND");

        for wrong in [&["external_id"][..], &["*"], &["lines"], &["stage", "roles"], &[]] {
            let wrong = scene.try_share(&to, &deal, wrong).await;
            refused(wrong, Code::InvalidArgument, "INVALID_FIELDS");
        }
        let partner = scene.name("partners", "nimbus");
        let wrong = scene.try_share(&to, &partner, &["display_name"]).await;
        refused(wrong, Code::InvalidArgument, "INVALID_FIELDS");
    }

    async fn a_change_is_the_next_revision_for_each_member_by_itself(world: World) {
        let scene = Scene::open(world, &["nimbus", "cirrus"]).await;
        let engagement = scene.active(scene.something()).await.name;
        let nimbus_in = scene.member(&engagement, "nimbus").await.name;
        let cirrus_in = scene.member(&engagement, "cirrus").await.name;
        let account = scene.name("accounts", "initech");
        let (nimbus, cirrus) = (scene.admin("nimbus").await, scene.admin("cirrus").await);
        let name = ["display_name"];

        let first = scene.share(&nimbus_in, &account, &name).await;
        assert_eq!(scene.share(&nimbus_in, &account, &name).await, first, "unchanged");
        rename(&scene, &account, "Initrode").await;
        let second = scene.share(&nimbus_in, &account, &name).await;
        assert_eq!((second.revision, &second.first_snapshot), (2, &first.name));
        let wider = scene.share(&nimbus_in, &account, &["display_name", "domains"]).await;
        assert_eq!(wider.revision, 3);
        assert_eq!(scene.share(&cirrus_in, &account, &name).await.revision, 1);

        let mut seen = snapshots(&nimbus, &engagement).await;
        seen.sort_by_key(|one| one.revision);
        let seen: Vec<_> = seen.iter().map(|one| (one.revision, called(one))).collect();
        let expected = [(1, Some("initech")), (2, Some("Initrode")), (3, Some("Initrode"))];
        assert_eq!(seen, expected, "what was shared stays as it was");
        let seen = snapshots(&cirrus, &engagement).await;
        assert_eq!(seen.len(), 1, "its own: {seen:?}");
        let others = snapshot(&cirrus, &second.name).await.map(Response::new);
        refused(others, Code::NotFound, "RESOURCE_NOT_FOUND");
        assert_eq!(snapshots(&scene, &engagement).await.len(), 4);
    }

    async fn what_is_shared_is_read_from_acceptance_until_the_end(world: World) {
        let scene = Scene::open(world, &["nimbus"]).await;
        let engagement = scene.active(scene.something()).await.name;
        let account = scene.name("accounts", "initech");
        let nimbus = scene.admin("nimbus").await;
        let invited = scene.invite(&engagement, "nimbus").await.name;
        let shared = scene.share(&invited, &account, &["display_name"]).await.name;
        assert_eq!(snapshots(&nimbus, &engagement).await, [], "before it accepts");
        let early = snapshot(&nimbus, &shared).await.map(Response::new);
        refused(early, Code::NotFound, "RESOURCE_NOT_FOUND");
        does(&nimbus, Verb::Accept, &invited).await.unwrap();
        let name_of = async || {
            let read = snapshot(&nimbus, &shared).await.unwrap();
            called(&read).map(str::to_owned)
        };
        assert_eq!(name_of().await.as_deref(), Some("initech"));

        scene.suspend(&engagement).await.unwrap();
        assert_eq!(name_of().await, None, "on hold");
        assert_eq!(snapshots(&nimbus, &engagement).await[0].fields, None);
        scene.resume(&engagement).await.unwrap();
        assert_eq!(name_of().await.as_deref(), Some("initech"));

        let revoked = scene.revoke(&shared).await.unwrap();
        assert_eq!(called(&revoked), Some("initech"), "the staff still read it");
        let read = snapshot(&nimbus, &shared).await.unwrap();
        assert_eq!((read.state(), read.content, read.fields), (State::Revoked, None, None));
        assert!(read.revoke_time.is_some());
        scene.tells(&shared, &["engagement_snapshot.shared", "engagement_snapshot.revoked"]).await;

        let again = scene.share(&invited, &account, &["display_name"]).await;
        assert_eq!(again.revision, 2, "what was revoked is not shared by sharing the same");
        scene.close(&engagement).await.unwrap();
        assert!(get(&nimbus, &engagement).await.is_ok(), "it was a member of what is over");
        let read = snapshot(&nimbus, &again.name).await.unwrap();
        assert_eq!((read.state(), read.content), (State::Shared, None));
        does(&nimbus, Verb::Leave, &invited).await.unwrap();
        for gone in [
            snapshot(&nimbus, &again.name).await.map(drop),
            get(&nimbus, &engagement).await.map(drop),
        ] {
            refused(gone.map(Response::new), Code::NotFound, "RESOURCE_NOT_FOUND");
        }
        assert_eq!(called(&snapshot(&scene, &again.name).await.unwrap()), Some("initech"));
    }

    async fn who_is_invited_again_finds_nothing_of_before(world: World) {
        let scene = Scene::open(world, &["nimbus"]).await;
        let engagement = scene.active(scene.something()).await.name;
        let account = scene.name("accounts", "initech");
        let nimbus = scene.admin("nimbus").await;
        let first = scene.member(&engagement, "nimbus").await.name;
        scene.share(&first, &account, &["display_name"]).await;
        does(&scene, Verb::Remove, &first).await.unwrap();
        let late = scene.try_share(&first, &account, &["display_name"]).await;
        refused(late, Code::FailedPrecondition, "PRECONDITION");
        let second = scene.member(&engagement, "nimbus").await.name;
        assert_eq!(snapshots(&nimbus, &engagement).await, []);
        let shared = scene.share(&second, &account, &["display_name"]).await;
        assert_eq!(shared.revision, 1);
        assert_eq!(snapshots(&nimbus, &engagement).await.len(), 1);
    }
}

#[test]
fn what_can_be_shared_is_what_the_contract_has() {
    use prost_reflect::DescriptorPool;
    use trellis_deal::engagement::content::{ACCOUNT, DEAL};
    let pool = DescriptorPool::decode(trellis_api::FILE_DESCRIPTOR_SET).unwrap();
    for (message, known) in [("DealContent", DEAL), ("AccountContent", ACCOUNT)] {
        let message = format!("trellis.deal.v1.EngagementSnapshot.{message}");
        let message = pool.get_message_by_name(&message).unwrap();
        let mut declared: Vec<_> = message
            .fields()
            .map(|field| field.name().to_owned())
            .collect();
        declared.sort();
        assert_eq!(declared, known, "{}", message.name());
    }
}
