//! What happens to members and snapshots at the same moment.

use std::future::Future;
use std::sync::Arc;

use futures::future::join_all;
use tonic::{Code, Status};
use trellis_api::deal::v1::engagement_member::State;
use trellis_api::deal::v1::engagement_snapshot::State as Snapshot;
use trellis_tests::on_both;

use super::scene::{Scene, Verb, does, get, member, snapshot};

/// Makes a move until it is answered or refused for good: whoever meets too many others is told to
/// try again.
async fn settled<T, F>(make: impl Fn() -> F) -> Result<T, Status>
where
    F: Future<Output = Result<T, Status>>,
{
    loop {
        match make().await {
            Err(status) if status.code() == Code::Aborted => {}
            other => return other,
        }
    }
}

on_both! {
    async fn of_those_who_accept_at_once_one_does(world: World) {
        let scene = Scene::open(world, &["nimbus"]).await;
        let engagement = scene.active(scene.something()).await.name;
        let invited = scene.invite(&engagement, "nimbus").await.name;
        let nimbus = Arc::new(scene.admin("nimbus").await);
        let accepts = (0..8).map(|_| {
            let (nimbus, name) = (nimbus.clone(), invited.clone());
            tokio::spawn(async move { settled(|| does(&nimbus, Verb::Accept, &name)).await })
        });
        let mut made = 0;
        for answer in join_all(accepts).await {
            match answer.unwrap() {
                Ok(_) => made += 1,
                Err(status) => assert_eq!(status.code(), Code::FailedPrecondition, "{status}"),
            }
        }
        assert_eq!(made, 1);
        scene.tells(&invited, &["engagement_member.invited", "engagement_member.accepted"]).await;
    }

    async fn who_accepts_while_the_invitation_is_taken_back_is_in_or_is_not(world: World) {
        let scene = Scene::open(world, &["nimbus"]).await;
        let nimbus = Arc::new(scene.admin("nimbus").await);
        let mut accepted = 0;
        for round in 0..16 {
            let engagement = scene.active(scene.something()).await.name;
            let invited = scene.invite(&engagement, "nimbus").await.name;
            let accept = {
                let (nimbus, name) = (nimbus.clone(), invited.clone());
                tokio::spawn(async move { settled(|| does(&nimbus, Verb::Accept, &name)).await })
            };
            for _ in 0..round {
                tokio::task::yield_now().await;
            }
            let cancel = settled(|| does(&scene, Verb::Cancel, &invited)).await;
            let accept = accept.await.unwrap();
            let told = member(&scene, &invited).await.unwrap();
            let seen = get(&nimbus, &engagement).await;
            match (accept, cancel) {
                (Ok(_), Err(status)) => {
                    assert_eq!(status.code(), Code::FailedPrecondition);
                    assert_eq!(told.state(), State::Accepted);
                    assert_eq!(seen.unwrap().description, "Forty shops");
                    accepted += 1;
                }
                (Err(status), Ok(_)) => {
                    assert!(
                        matches!(status.code(), Code::NotFound | Code::FailedPrecondition),
                        "{status}"
                    );
                    assert_eq!(told.state(), State::Cancelled);
                    assert_eq!(seen.unwrap_err().code(), Code::NotFound);
                }
                both => panic!("one of the two happens: {both:?}"),
            }
        }
        println!("{accepted} of 16 accepted");
    }

    async fn of_those_who_invite_a_partner_at_once_one_does(world: World) {
        let scene = Scene::open(world, &["nimbus"]).await;
        let engagement = scene.active(scene.something()).await.name;
        let invites = (0..8).map(|_| {
            let (scene, engagement) = (scene.clone(), engagement.clone());
            tokio::spawn(async move {
                settled(|| scene.try_invite(&engagement, "nimbus", None)).await
            })
        });
        let mut made = 0;
        for answer in join_all(invites).await {
            match answer.unwrap() {
                Ok(_) => made += 1,
                Err(status) => assert_eq!(status.code(), Code::AlreadyExists, "{status}"),
            }
        }
        assert_eq!(made, 1);
    }

    async fn what_is_shared_twice_at_once_is_one_revision(world: World) {
        let scene = Scene::open(world, &["nimbus"]).await;
        let engagement = scene.active(scene.something()).await.name;
        let to = scene.member(&engagement, "nimbus").await.name;
        let account = scene.name("accounts", "initech");
        let shares = (0..8).map(|_| {
            let (scene, to, account) = (scene.clone(), to.clone(), account.clone());
            tokio::spawn(async move {
                settled(|| scene.try_share(&to, &account, &["display_name"])).await
            })
        });
        let mut names = std::collections::BTreeSet::new();
        for answer in join_all(shares).await {
            let shared = answer.unwrap().unwrap().into_inner();
            assert_eq!(shared.revision, 1);
            names.insert(shared.name);
        }
        assert_eq!(names.len(), 1);
    }

    async fn once_a_snapshot_is_revoked_nobody_reads_it(world: World) {
        let scene = Scene::open(world, &["nimbus"]).await;
        let engagement = scene.active(scene.something()).await.name;
        let to = scene.member(&engagement, "nimbus").await.name;
        let account = scene.name("accounts", "initech");
        let nimbus = Arc::new(scene.admin("nimbus").await);
        for _ in 0..6 {
            let shared = scene.share(&to, &account, &["display_name"]).await.name;
            // The control: before it is revoked it is read.
            assert!(snapshot(&nimbus, &shared).await.unwrap().content.is_some());
            let reads = {
                let (nimbus, name) = (nimbus.clone(), shared.clone());
                tokio::spawn(async move {
                    let mut seen = Vec::new();
                    while seen.last() != Some(&(Snapshot::Revoked, false)) {
                        let read = snapshot(&nimbus, &name).await.unwrap();
                        seen.push((read.state(), read.content.is_some()));
                    }
                    seen
                })
            };
            tokio::task::yield_now().await;
            settled(|| scene.revoke(&shared)).await.unwrap();
            let after = snapshot(&nimbus, &shared).await.unwrap();
            assert_eq!((after.state(), after.content.is_some()), (Snapshot::Revoked, false));
            for seen in reads.await.unwrap() {
                let whole = [(Snapshot::Shared, true), (Snapshot::Revoked, false)].contains(&seen);
                assert!(whole, "half revoked: {seen:?}");
            }
        }
    }
}
