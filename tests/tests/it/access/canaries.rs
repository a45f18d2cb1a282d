//! Accounts that nobody honest names: the staff are told who does, and nobody else is.

use futures::StreamExt as _;
use prost::Message as _;
use tonic::Code;
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::registration::{State, Suspicion};
use trellis_core::Position;
use trellis_tests::{Seat, World, on_both, position, refused};

use super::scene::{Scene, get, submit};
use crate::deal::market::automatic;

/// A program that approves by itself, and a canary that the vendor keeps at `bait.example`.
async fn lay(world: World) -> (Scene, String) {
    let scene = Scene::open(world).await;
    scene.market.program("quick", automatic(None)).await;
    scene.enroll(&scene.nimbus, "quick").await;
    scene.enroll(&scene.cirrus, "quick").await;
    let canary = scene.account("bait", &["bait.example"]).await;
    let marked = pb::Account {
        name: canary.clone(),
        canary: true,
        ..pb::Account::default()
    };
    let marked = scene.accounts().update_account(change(marked)).await;
    assert!(marked.unwrap().into_inner().canary);
    (scene, canary)
}

fn change(account: pb::Account) -> pb::UpdateAccountRequest {
    pb::UpdateAccountRequest {
        account: Some(account),
        ..pb::UpdateAccountRequest::default()
    }
}

async fn draft(scene: &Scene, seat: &Seat, partner: &str, domain: &str) -> pb::Registration {
    let account = scene.brings(seat, domain).await;
    let claim = pb::Registration {
        program: scene.name("programs", "quick"),
        ..scene.claim_at(partner, &account.name)
    };
    scene.drafts(seat, claim).await.unwrap().into_inner()
}

/// The kinds of the events about a registration that only the staff read, but for `screened`.
async fn alarms(scene: &Scene, registration: &str) -> Vec<String> {
    let events = scene.events_about(registration).await;
    let kinds = events.into_iter().map(|event| event.r#type);
    let told = ["canary_named", "probing_suspected", "screened"];
    let kinds: Vec<String> = kinds
        .filter(|kind| told.iter().any(|told| kind.ends_with(told)))
        .collect();
    assert!(!kinds.is_empty(), "{registration} was not screened");
    kinds
}

/// A registration without what differs by itself.
fn alike(registration: pb::Registration) -> Vec<u8> {
    pb::Registration {
        name: String::new(),
        account: String::new(),
        ..registration
    }
    .encode_to_vec()
}

on_both! {
    async fn whoever_names_a_canary_is_told_what_everybody_is(world: World) {
        let (scene, canary) = lay(world).await;
        let nimbus = scene.admin("nimbus").await;
        let free = draft(&scene, &nimbus, &scene.nimbus, "free.example").await;
        let named = draft(&scene, &nimbus, &scene.nimbus, "www.bait.example").await;
        let first = submit(&nimbus, &free.name).await.unwrap();
        let second = submit(&nimbus, &named.name).await.unwrap();
        let third = draft(&scene, &nimbus, &scene.nimbus, "other.example").await;
        let third = submit(&nimbus, &third.name).await.unwrap();
        let places = [&first, &second, &third].map(|answer| {
            position(answer).parse::<Position>().unwrap().sequence
        });
        // The draft and its account are two events more.
        assert_eq!(places[2] - places[1], places[1] - places[0] + 2);
        assert_eq!(alike(first.into_inner()), alike(second.into_inner()));
        let read = get(&nimbus, &named.name).await.unwrap().into_inner();
        assert_eq!(alike(get(&nimbus, &free.name).await.unwrap().into_inner()), alike(read));
        let seen = format!("{:?}", scene.events_of(&nimbus, 12).await);
        for word in ["canary", "CANARY", "screened", "suspect"] {
            assert!(!seen.contains(word), "{word}");
        }
        // The control: the staff see which is which.
        let staff = scene.registration(&named.name).await;
        assert_eq!((staff.state(), staff.suspicion()), (State::Submitted, Suspicion::Canary));
        assert_eq!(staff.decision.unwrap().reason_code, "CANARY");
        assert_eq!(staff.screening.unwrap().canaries, [canary]);
        assert_eq!(alarms(&scene, &named.name).await, ["registration.canary_named"]);
        assert_eq!(alarms(&scene, &free.name).await, ["registration.screened"]);
        assert_eq!(scene.registration(&free.name).await.suspicion(), Suspicion::Unspecified);
        // At the tick neither is approved: the partner is looked at altogether.
        scene.wait_days(1).await;
        for _ in 0..100 {
            if scene.registration(&free.name).await.suspicion() == Suspicion::Probing {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        let looked_at = scene.registration(&free.name).await;
        assert_eq!((looked_at.state(), looked_at.suspicion()), (State::Submitted, Suspicion::Probing));
        assert_eq!(looked_at.decision.unwrap().reason_code, "PROBING");
        assert_eq!(scene.registration(&named.name).await.state(), State::Submitted);
        let unchanged = get(&nimbus, &free.name).await.unwrap().into_inner();
        assert_eq!(alike(unchanged), alike(get(&nimbus, &named.name).await.unwrap().into_inner()));
    }

    async fn each_partner_is_told_of_once_for_each_canary(world: World) {
        let (scene, _) = lay(world).await;
        let (nimbus, cirrus) = (scene.admin("nimbus").await, scene.admin("cirrus").await);
        let first = draft(&scene, &nimbus, &scene.nimbus, "bait.example").await;
        submit(&nimbus, &first.name).await.unwrap();
        let back = pb::WithdrawRegistrationRequest {
            name: first.name.clone(),
            ..pb::WithdrawRegistrationRequest::default()
        };
        nimbus.registrations().withdraw_registration(back).await.unwrap();
        let again = draft(&scene, &nimbus, &scene.nimbus, "bait.example").await;
        submit(&nimbus, &again.name).await.unwrap();
        assert_eq!(scene.registration(&again.name).await.suspicion(), Suspicion::Canary);
        let theirs = draft(&scene, &cirrus, &scene.cirrus, "bait.example").await;
        submit(&cirrus, &theirs.name).await.unwrap();
        assert_eq!(alarms(&scene, &first.name).await, ["registration.canary_named"]);
        assert_eq!(alarms(&scene, &again.name).await, ["registration.screened"]);
        assert_eq!(alarms(&scene, &theirs.name).await, ["registration.canary_named"]);
        let auditor = scene.seat("aud", trellis_core::Role::Auditor, None).await;
        let found = scene.found(&auditor, "suspicion = CANARY", "").await;
        let mut named = [first.name, again.name, theirs.name];
        named.sort_unstable();
        assert_eq!(found, named);
    }

    async fn only_the_staff_know_of_canaries(world: World) {
        let (scene, canary) = lay(world).await;
        let nimbus = scene.admin("nimbus").await;
        let of = |seat: &Seat, filter: &str| {
            let mut accounts = seat.accounts();
            let request = pb::ListAccountsRequest {
                parent: scene.parent.clone(),
                filter: filter.to_owned(),
                ..pb::ListAccountsRequest::default()
            };
            async move { accounts.list_accounts(request).await }
        };
        let auditor = scene.seat("aud", trellis_core::Role::Auditor, None).await;
        let found = of(&auditor, "canary = true").await.unwrap().into_inner().accounts;
        assert_eq!(found.iter().map(|one| &one.name).collect::<Vec<_>>(), [&canary]);
        refused(of(&nimbus, "canary = true").await, Code::InvalidArgument, "INVALID_FIELDS");
        let request = pb::ListRegistrationsRequest {
            parent: scene.parent.clone(),
            filter: "suspicion = CANARY".to_owned(),
            ..pb::ListRegistrationsRequest::default()
        };
        let found = nimbus.registrations().list_registrations(request).await;
        refused(found, Code::InvalidArgument, "INVALID_FIELDS");
        let own = scene.brings(&nimbus, "one.example").await;
        let marked = pb::Account { name: own.name.clone(), canary: true, ..pb::Account::default() };
        let answer = nimbus.accounts().update_account(change(marked.clone())).await;
        refused(answer, Code::InvalidArgument, "INVALID_FIELDS");
        // An import, which knows of none, takes none away, and a mask that does not name it neither.
        let row = |canary: bool| pb::ImportAccountsRequest {
            parent: scene.parent.clone(),
            rows: vec![pb::ImportAccountRow {
                row_number: 1,
                account: Some(pb::Account {
                    display_name: "Bait".to_owned(),
                    external_id: "crm-bait".to_owned(),
                    partner: if canary { scene.nimbus.clone() } else { String::new() },
                    canary,
                    ..pb::Account::default()
                }),
                parent_external_id: String::new(),
            }],
            validate_only: false,
        };
        let mut became = Vec::new();
        for canary in [false, true] {
            let rows = tokio_stream::iter([row(canary)]);
            let answers = scene.accounts().import_accounts(rows).await.unwrap();
            let answers: Vec<_> = answers.into_inner().collect().await;
            let outcome = answers[0].clone().unwrap().outcomes.remove(0);
            let fields = outcome.violations.iter().map(|one| one.field.clone());
            became.push(fields.collect::<Vec<_>>());
        }
        assert_eq!(became, [vec![], vec!["account.canary".to_owned()]]);
        let read = async || {
            let request = pb::GetAccountRequest { name: canary.clone() };
            scene.accounts().get_account(request).await.unwrap().into_inner()
        };
        assert_eq!((read().await.display_name.as_str(), read().await.canary), ("Bait", true));
        let masked = |path: &str| pb::UpdateAccountRequest {
            account: Some(pb::Account { name: canary.clone(), ..pb::Account::default() }),
            update_mask: Some(prost_types::FieldMask { paths: vec![path.to_owned()] }),
            ..pb::UpdateAccountRequest::default()
        };
        scene.accounts().update_account(masked("industry")).await.unwrap();
        assert!(read().await.canary);
        scene.accounts().update_account(masked("canary")).await.unwrap();
        assert!(!read().await.canary);
        // Nor do the staff make one of what a partner brought: it would see that something changed.
        let answer = scene.accounts().update_account(change(marked)).await;
        refused(answer, Code::InvalidArgument, "INVALID_FIELDS")
            .breaks("account.canary", "exclusive");
    }

    async fn domains_that_an_account_gets_after_it_was_handed_in_are_looked_at(world: World) {
        let (scene, _) = lay(world).await;
        let nimbus = scene.rep("ada@nimbus.example", "nimbus").await;
        let kept = draft(&scene, &nimbus, &scene.nimbus, "kept.example").await;
        let changed = draft(&scene, &nimbus, &scene.nimbus, "changed.example").await;
        for name in [&kept.name, &changed.name] {
            submit(&nimbus, name).await.unwrap();
        }
        let other = pb::Account {
            name: changed.account.clone(),
            domains: vec!["other.example".to_owned()],
            ..pb::Account::default()
        };
        nimbus.accounts().update_account(change(other)).await.unwrap();
        scene.wait_days(1).await;
        let decided = async |name: &str| {
            for _ in 0..200 {
                let read = scene.registration(name).await;
                if read.state() == State::Approved || read.suspicion() != Suspicion::Unspecified {
                    return read;
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            panic!("{name} was not decided about");
        };
        let looked_at = decided(&changed.name).await;
        assert_eq!((looked_at.state(), looked_at.suspicion()), (State::Submitted, Suspicion::AccountChanged));
        assert!(looked_at.screening.unwrap().account_changed);
        // The control.
        assert_eq!(decided(&kept.name).await.state(), State::Approved);
    }
}
