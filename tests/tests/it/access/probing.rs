//! Somebody who sells for a partner writes a script that tries accounts, to learn which are taken.

use futures::StreamExt as _;
use tonic::Code;
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::registration::State;
use trellis_api::program::v1::DealRegistrationSettings;
use trellis_tests::{Seat, on_both, refused};

use super::scene::{Scene, submit};
use crate::deal::market::automatic;

/// How many accounts the script tries.
const ACCOUNTS: usize = 1_000;
/// How many it tries where nothing stops it.
const UNLIMITED: usize = 150;

/// Accounts of a partner, one for each domain, as the staff bring them. Answers their names.
async fn bring(scene: &Scene, partner: &str, domains: &[String]) -> Vec<String> {
    let mut messages = Vec::new();
    for part in domains.chunks(500) {
        let rows = part.iter().map(|domain| pb::ImportAccountRow {
            row_number: 1,
            account: Some(pb::Account {
                display_name: domain.clone(),
                domains: vec![domain.clone()],
                external_id: format!("{partner} {domain}"),
                partner: partner.to_owned(),
                ..pb::Account::default()
            }),
            parent_external_id: String::new(),
        });
        messages.push(pb::ImportAccountsRequest {
            parent: scene.parent.clone(),
            rows: rows.collect(),
            validate_only: false,
        });
    }
    let sent = scene
        .accounts()
        .import_accounts(tokio_stream::iter(messages))
        .await;
    let mut answers = sent.unwrap().into_inner();
    let mut names = Vec::new();
    while let Some(answer) = answers.next().await {
        names.extend(
            answer
                .unwrap()
                .outcomes
                .into_iter()
                .map(|outcome| outcome.name),
        );
    }
    names
}

/// What a script has found out.
#[derive(Default)]
struct Found {
    /// The registrations that went through, in order.
    through: Vec<String>,
    /// How many were refused.
    refused: usize,
}

/// Tries accounts one after the other.
async fn script(scene: &Scene, rep: &Seat, claim: &pb::Registration, accounts: &[String]) -> Found {
    let mut found = Found::default();
    for account in accounts {
        let claim = pb::Registration {
            account: account.clone(),
            ..claim.clone()
        };
        let draft = scene.drafts(rep, claim).await.unwrap().into_inner();
        match submit(rep, &draft.name).await {
            Ok(answer) => {
                assert_eq!(answer.into_inner().state(), State::Submitted);
                found.through.push(draft.name);
            }
            refusal => {
                let refusal = refused(refusal, Code::ResourceExhausted, "SUBMISSION_BUDGET");
                refusal
                    .tells("limit", "20")
                    .tells("spent", "20")
                    .tells("cost", "1");
                found.refused += 1;
            }
        }
    }
    found
}

/// The place among the tries of the first that set off an alarm, and of which kind it was.
async fn flagged(scene: &Scene, tries: &[String]) -> Option<(usize, String)> {
    for (place, name) in (1..).zip(tries) {
        let events = scene.events_about(name).await;
        let last = events.last().map(|event| event.r#type.clone());
        let last = last.unwrap_or_default();
        let alarms = [
            "registration.canary_named",
            "registration.probing_suspected",
        ];
        if alarms.contains(&last.as_str()) {
            return Some((place, last));
        }
    }
    None
}

on_both! {
    async fn a_script_that_tries_a_thousand_accounts_is_stopped_and_told_of(world: World) {
        let scene = Scene::open(world).await;
        scene.market.program("quick", automatic(None)).await;
        let unlimited = DealRegistrationSettings {
            daily_account_budget: Some(0),
            monthly_account_budget: Some(0),
            person_open_limit: Some(0),
            ..automatic(None)
        };
        scene.market.program("open", unlimited).await;
        let [stratus] = scene.partners_at_work(["stratus"]).await;
        for partner in [&scene.nimbus, &scene.cirrus] {
            scene.enroll(partner, "quick").await;
        }
        scene.enroll(&stratus, "open").await;
        let domains: Vec<String> = (1..=ACCOUNTS).map(|one| format!("try-{one}.example")).collect();
        let bait = pb::CreateAccountRequest {
            parent: scene.parent.clone(),
            account: Some(pb::Account {
                display_name: "Try".to_owned(),
                domains: vec![domains[6].clone()],
                canary: true,
                ..pb::Account::default()
            }),
            ..pb::CreateAccountRequest::default()
        };
        scene.accounts().create_account(bait).await.unwrap();
        let claim = |partner: &str, program: &str| pb::Registration {
            program: scene.name("programs", program),
            ..scene.claim_at(partner, "")
        };

        // A canary tells of the script at the first hit, and the budget stops it.
        let rep = scene.rep("ada@nimbus.example", "nimbus").await;
        let accounts = bring(&scene, &scene.nimbus, &domains).await;
        let found = script(&scene, &rep, &claim(&scene.nimbus, "quick"), &accounts).await;
        assert_eq!((found.through.len(), found.refused), (20, ACCOUNTS - 20));
        let first = flagged(&scene, &found.through).await;
        assert_eq!(first, Some((7, "registration.canary_named".to_owned())));

        // Without one the budget itself does.
        let rep = scene.rep("bob@cirrus.example", "cirrus").await;
        let tries = &domains[100..125];
        let accounts = bring(&scene, &scene.cirrus, tries).await;
        let slower = script(&scene, &rep, &claim(&scene.cirrus, "quick"), &accounts).await;
        assert_eq!((slower.through.len(), slower.refused), (20, 5));
        let first = flagged(&scene, &slower.through).await;
        assert_eq!(first, Some((20, "registration.probing_suspected".to_owned())));

        // The control: where the program sets no budget, the script goes through, untold of.
        let rep = scene.rep("eve@stratus.example", "stratus").await;
        let fresh: Vec<String> = (1..=UNLIMITED).map(|one| format!("new-{one}.example")).collect();
        let accounts = bring(&scene, &stratus, &fresh).await;
        let all = script(&scene, &rep, &claim(&stratus, "open"), &accounts).await;
        assert_eq!((all.through.len(), all.refused), (UNLIMITED, 0));
        assert_eq!(flagged(&scene, &all.through).await, None);
    }

    async fn a_person_holds_no_more_registrations_open_than_they_may(world: World) {
        let scene = Scene::open(world).await;
        let settings = DealRegistrationSettings {
            person_open_limit: Some(2),
            ..DealRegistrationSettings::default()
        };
        scene.market.program("narrow", settings).await;
        scene.enroll(&scene.nimbus, "narrow").await;
        let ada = scene.rep("ada@nimbus.example", "nimbus").await;
        let bob = scene.rep("bob@nimbus.example", "nimbus").await;
        let domains: Vec<String> = (0..5).map(|one| format!("try-{one}.example")).collect();
        let accounts = bring(&scene, &scene.nimbus, &domains).await;
        let draft = async |seat: &Seat, account: &str| {
            let claim = pb::Registration {
                program: scene.name("programs", "narrow"),
                ..scene.claim_at(&scene.nimbus, account)
            };
            scene.drafts(seat, claim).await.unwrap().into_inner().name
        };
        let mut names = Vec::new();
        for account in &accounts[..3] {
            names.push(draft(&ada, account).await);
        }
        submit(&ada, &names[0]).await.unwrap();
        submit(&ada, &names[1]).await.unwrap();
        refused(submit(&ada, &names[2]).await, Code::ResourceExhausted, "OPEN_REGISTRATIONS")
            .tells("holder", "person").tells("limit", "2").tells("open", "2");
        // Nor does somebody else of the partner hand it in for them; they have room of their own.
        let admin = scene.admin("nimbus").await;
        refused(submit(&admin, &names[2]).await, Code::ResourceExhausted, "OPEN_REGISTRATIONS");
        let own = draft(&bob, &accounts[3]).await;
        submit(&bob, &own).await.unwrap();
        // The staff do, and whoever takes one back has room again.
        let more = draft(&ada, &accounts[4]).await;
        scene.hand_in(&more).await.unwrap();
        for name in [&names[0], &names[1]] {
            let back = pb::WithdrawRegistrationRequest {
                name: name.clone(),
                ..pb::WithdrawRegistrationRequest::default()
            };
            ada.registrations().withdraw_registration(back).await.unwrap();
        }
        submit(&ada, &names[2]).await.unwrap();
    }
}
