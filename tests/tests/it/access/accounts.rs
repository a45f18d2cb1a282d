//! Partners' own accounts, and what nobody but the staff may choose.

use tonic::Code;
use trellis_api::deal::v1 as pb;
use trellis_tests::{on_both, refused};

use super::scene::{Scene, get, submit};

on_both! {
    async fn a_partner_keeps_accounts_of_its_own(world: World) {
        let scene = Scene::open(world).await;
        let rep = scene.rep("ada@nimbus.example", "nimbus").await;
        let account = scene.brings(&rep, "one.example").await;
        assert_eq!(account.partner, scene.nimbus);
        let change = |account: pb::Account| pb::UpdateAccountRequest {
            account: Some(account),
            ..pb::UpdateAccountRequest::default()
        };
        let renamed = pb::Account {
            name: account.name.clone(),
            display_name: "Renamed".to_owned(),
            ..pb::Account::default()
        };
        let renamed = rep.accounts().update_account(change(renamed)).await.unwrap().into_inner();
        assert_eq!((renamed.display_name.as_str(), &renamed.partner), ("Renamed", &scene.nimbus));
        // The staff give it to somebody else, and it is gone.
        let given = pb::Account {
            name: account.name.clone(),
            partner: scene.cirrus.clone(),
            ..pb::Account::default()
        };
        scene.accounts().update_account(change(given)).await.unwrap();
        let read = pb::GetAccountRequest { name: account.name };
        let gone = rep.accounts().get_account(read.clone()).await;
        refused(gone, Code::NotFound, "RESOURCE_NOT_FOUND");
        let cirrus = scene.admin("cirrus").await;
        assert!(cirrus.accounts().get_account(read).await.is_ok());
    }

    async fn a_partner_chooses_no_ids_and_sets_nothing_of_the_staffs(world: World) {
        let scene = Scene::open(world).await;
        let admin = scene.admin("nimbus").await;
        let taken = pb::CreateAccountRequest {
            parent: scene.parent.clone(),
            account_id: "initech".to_owned(),
            account: Some(pb::Account {
                display_name: "Initech".to_owned(),
                external_id: "crm-initech".to_owned(),
                partner: scene.nimbus.clone(),
                ..pb::Account::default()
            }),
            ..pb::CreateAccountRequest::default()
        };
        let made = admin.accounts().create_account(taken.clone()).await;
        let refusal = refused(made, Code::InvalidArgument, "INVALID_FIELDS");
        let fields: Vec<_> = refusal.violations.iter().map(|(field, ..)| field.as_str()).collect();
        assert_eq!(fields, ["account_id", "account.external_id", "account.partner"]);
        // Free or taken, the answer is the same.
        let free = pb::CreateAccountRequest { account_id: "hooli".to_owned(), ..taken.clone() };
        let made = admin.accounts().create_account(free).await;
        let other = refused(made, Code::InvalidArgument, "INVALID_FIELDS");
        assert_eq!(other.violations, refusal.violations);
        // The control: the staff are told that it is taken.
        let made = scene.accounts().create_account(taken).await;
        refused(made, Code::AlreadyExists, "RESOURCE_EXISTS");

        let account = scene.brings(&admin, "one.example").await;
        let chosen = pb::CreateRegistrationRequest {
            parent: scene.parent.clone(),
            registration_id: "mine".to_owned(),
            registration: Some(scene.claim_at(&scene.nimbus, &account.name)),
            ..pb::CreateRegistrationRequest::default()
        };
        let made = admin.registrations().create_registration(chosen).await;
        refused(made, Code::InvalidArgument, "INVALID_FIELDS");
        let filter = pb::ListAccountsRequest {
            parent: scene.parent.clone(),
            filter: "external_id = \"crm-initech\"".to_owned(),
            ..pb::ListAccountsRequest::default()
        };
        let found = admin.accounts().list_accounts(filter).await;
        refused(found, Code::InvalidArgument, "INVALID_FIELDS");
        let filter = pb::GetPipelineRequest {
            parent: scene.parent.clone(),
            filter: "external_id = \"crm-1\"".to_owned(),
            ..pb::GetPipelineRequest::default()
        };
        let counted = admin.deals().get_pipeline(filter.clone()).await;
        refused(counted, Code::InvalidArgument, "INVALID_FIELDS");
        assert!(scene.deals().get_pipeline(filter).await.is_ok());
    }

    async fn a_rep_changes_what_it_created_and_reads_what_is_its_partners(world: World) {
        let scene = Scene::open(world).await;
        let ada = scene.rep("ada@nimbus.example", "nimbus").await;
        let bob = scene.rep("bob@nimbus.example", "nimbus").await;
        let admin = scene.admin("nimbus").await;
        let account = scene.brings(&ada, "one.example").await;
        let claim = scene.claim_at(&scene.nimbus, &account.name);
        let draft = scene.drafts(&ada, claim).await.unwrap().into_inner();
        assert!(get(&bob, &draft.name).await.is_ok());
        let change = |note: &str| pb::UpdateRegistrationRequest {
            registration: Some(pb::Registration {
                name: draft.name.clone(),
                note: note.to_owned(),
                ..pb::Registration::default()
            }),
            ..pb::UpdateRegistrationRequest::default()
        };
        let (code, reason) = (Code::NotFound, "RESOURCE_NOT_FOUND");
        refused(bob.registrations().update_registration(change("bob's")).await, code, reason);
        refused(submit(&bob, &draft.name).await, code, reason);
        // The controls: who created it, and who runs the partner's side.
        assert!(ada.registrations().update_registration(change("ada's")).await.is_ok());
        assert!(admin.registrations().update_registration(change("all's")).await.is_ok());
        assert!(submit(&ada, &draft.name).await.is_ok());
    }
}
