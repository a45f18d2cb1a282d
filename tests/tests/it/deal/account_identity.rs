//! What identifies accounts, and the tree that they form.

use std::ops::Deref;

use tonic::{Code, Response, Status};
use trellis_api::deal::v1 as pb;
use trellis_api::deal::v1::account_identifier::Type;
use trellis_tests::{World, on_both, refused};

struct Accounts {
    world: World,
    acme: String,
}

impl Deref for Accounts {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl Accounts {
    async fn of(world: World) -> Self {
        let acme = world.ecosystem("acme").await;
        Self { world, acme }
    }

    fn name(&self, id: &str) -> String {
        format!("{}/accounts/{id}", self.acme)
    }

    async fn create(
        &self,
        id: &str,
        account: pb::Account,
    ) -> Result<Response<pb::Account>, Status> {
        let request = pb::CreateAccountRequest {
            parent: self.acme.clone(),
            account_id: id.to_owned(),
            account: Some(account),
            ..pb::CreateAccountRequest::default()
        };
        self.accounts().create_account(request).await
    }

    async fn made(&self, id: &str, parent: &str) -> pb::Account {
        let account = pb::Account {
            display_name: id.to_owned(),
            parent_account: if parent.is_empty() {
                String::new()
            } else {
                self.name(parent)
            },
            external_id: format!("crm-{id}"),
            ..pb::Account::default()
        };
        self.create(id, account).await.unwrap().into_inner()
    }

    async fn change(
        &self,
        id: &str,
        path: &str,
        account: pb::Account,
    ) -> Result<Response<pb::Account>, Status> {
        let request = pb::UpdateAccountRequest {
            account: Some(pb::Account {
                name: self.name(id),
                ..account
            }),
            update_mask: Some(prost_types::FieldMask {
                paths: vec![path.to_owned()],
            }),
            ..pb::UpdateAccountRequest::default()
        };
        self.accounts().update_account(request).await
    }

    /// The tops of some accounts, by their ids.
    async fn tops(&self, ids: &[&str]) -> Vec<String> {
        let mut tops = Vec::new();
        for id in ids {
            let request = pb::GetAccountRequest {
                name: self.name(id),
            };
            let read = self
                .accounts()
                .get_account(request)
                .await
                .unwrap()
                .into_inner();
            tops.push(read.ultimate_parent.rsplit('/').next().unwrap().to_owned());
        }
        tops
    }
}

fn number(r#type: Type, value: &str, region_code: &str) -> pb::AccountIdentifier {
    pb::AccountIdentifier {
        r#type: r#type.into(),
        value: value.to_owned(),
        region_code: region_code.to_owned(),
        ..pb::AccountIdentifier::default()
    }
}

on_both! {
    async fn identifiers_and_names_are_read_as_they_were_given(world: World) {
        let accounts = Accounts::of(world).await;
        let given = pb::Account {
            display_name: "Müller Maschinenbau GmbH".to_owned(),
            identifiers: vec![
                pb::AccountIdentifier {
                    source: "GLEIF".to_owned(),
                    verify_time: Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 0 }),
                    ..number(Type::Lei, "HWUPKR0MPOU8FGXBT394", "")
                },
                number(Type::Duns, "15-048-3782", ""),
                number(Type::Vat, "DE 129273398", ""),
                number(Type::RegistrationNumber, "HRB 86891", "DE"),
            ],
            aliases: vec!["Мюллер".to_owned(), "ミューラー".to_owned(), "Mueller MB".to_owned()],
            crm_records: vec![pb::CrmRecord {
                system: "salesforce".to_owned(),
                record_id: "0015g00000Xyz".to_owned(),
            }],
            ..pb::Account::default()
        };
        let made = accounts.create("mueller", given.clone()).await.unwrap().into_inner();
        assert_eq!(
            (&made.identifiers, &made.aliases, &made.crm_records),
            (&given.identifiers, &given.aliases, &given.crm_records)
        );
        let fewer = pb::Account { aliases: vec!["Müller".to_owned()], ..pb::Account::default() };
        let after = accounts.change("mueller", "aliases", fewer).await.unwrap().into_inner();
        assert_eq!((after.aliases.len(), after.identifiers), (1, given.identifiers));
    }

    async fn what_is_no_number_of_a_register_is_told_where_and_why(world: World) {
        let accounts = Accounts::of(world).await;
        let given = pb::Account {
            display_name: "Acme".to_owned(),
            identifiers: vec![
                number(Type::Lei, "HWUPKR0MPOU8FGXBT394", ""),
                number(Type::Lei, "HWUPKR0MPOU8FGXBT395", ""),
                number(Type::Lei, "HWUPKR0MPOU8", ""),
                number(Type::Duns, "15-048-378", ""),
                number(Type::Vat, "DE 129273399", ""),
                number(Type::RegistrationNumber, "HRB 86891", ""),
                number(Type::Lei, "529900T8BM49AURSDO55", "DE"),
                number(Type::Lei, "hwupkr0mpou8fgxbt394", ""),
                number(Type::Unspecified, "7", ""),
            ],
            ..pb::Account::default()
        };
        let refusal = refused(
            accounts.create("acme", given).await, Code::InvalidArgument, "INVALID_FIELDS",
        );
        let mut told: Vec<(&str, &str)> = refusal
            .violations
            .iter()
            .map(|(field, rule, _)| (field.as_str(), rule.as_str()))
            .collect();
        told.sort_unstable();
        let at = |index: usize, field: &str| format!("account.identifiers[{index}].{field}");
        let expected = [
            (at(1, "value"), "check_digits"),
            (at(2, "value"), "length"),
            (at(3, "value"), "length"),
            (at(4, "value"), "check_digits"),
            (at(5, "region_code"), "required"),
            (at(6, "region_code"), "exclusive"),
            ("account.identifiers[7]".to_owned(), "unique"),
        ];
        for (field, rule) in &expected {
            assert!(told.contains(&(field.as_str(), *rule)), "{field} {rule}: {told:?}");
        }
        let at_type = told.iter().filter(|(field, _)| *field == at(8, "type")).count();
        assert_eq!((at_type, told.len()), (1, expected.len() + 1), "{told:?}");
    }

    async fn the_top_of_the_tree_stands_with_each_and_moves_with_it(world: World) {
        let accounts = Accounts::of(world).await;
        for (id, parent) in [("group", ""), ("branch", "group"), ("leaf", "branch"), ("other", "")] {
            accounts.made(id, parent).await;
        }
        let ids = ["group", "branch", "leaf", "other"];
        assert_eq!(accounts.tops(&ids).await, ["", "group", "group", ""]);
        let below = |parent: &str| pb::Account {
            parent_account: if parent.is_empty() { String::new() } else { accounts.name(parent) },
            ..pb::Account::default()
        };
        accounts.change("group", "parent_account", below("other")).await.unwrap();
        assert_eq!(accounts.tops(&ids).await, ["other", "other", "other", ""]);
        let filter = pb::ListAccountsRequest {
            parent: accounts.acme.clone(),
            filter: format!("ultimate_parent = \"{}\"", accounts.name("other")),
            ..pb::ListAccountsRequest::default()
        };
        let listed = accounts.accounts().list_accounts(filter).await.unwrap().into_inner();
        assert_eq!(listed.accounts.len(), 3);
        accounts.change("branch", "parent_account", below("")).await.unwrap();
        assert_eq!(accounts.tops(&ids).await, ["other", "", "branch", ""]);
        refused(
            accounts.change("branch", "parent_account", below("leaf")).await,
            Code::FailedPrecondition, "CYCLE",
        );
    }

    async fn an_import_in_any_order_leaves_the_same_tops(world: World) {
        let accounts = Accounts::of(world).await;
        let row = |number: i64, id: &str, parent: &str| pb::ImportAccountRow {
            row_number: number,
            account: Some(pb::Account {
                display_name: id.to_owned(),
                external_id: id.to_owned(),
                ..pb::Account::default()
            }),
            parent_external_id: parent.to_owned(),
        };
        let bring = async |rows: Vec<pb::ImportAccountRow>| {
            let request = pb::ImportAccountsRequest {
                parent: accounts.acme.clone(),
                rows,
                ..pb::ImportAccountsRequest::default()
            };
            let stream = futures::stream::iter([request]);
            let mut answers = accounts.accounts().import_accounts(stream).await.unwrap().into_inner();
            while answers.message().await.unwrap().is_some() {}
        };
        // The leaf and the branch come first and wait; then the group comes, and what is above it.
        bring(vec![row(1, "leaf", "branch"), row(2, "twig", "leaf")]).await;
        bring(vec![row(1, "branch", "group")]).await;
        bring(vec![row(1, "beside", "branch"), row(2, "group", "top"), row(3, "top", "")]).await;
        let request = pb::ListAccountsRequest {
            parent: accounts.acme.clone(),
            ..pb::ListAccountsRequest::default()
        };
        let listed = accounts.accounts().list_accounts(request).await.unwrap().into_inner();
        let top = listed.accounts.iter().find(|one| one.external_id == "top").unwrap();
        for account in &listed.accounts {
            let expected = if account.external_id == "top" { "" } else { top.name.as_str() };
            assert_eq!(account.ultimate_parent, expected, "{}", account.external_id);
        }
        assert_eq!(listed.accounts.len(), 6);
    }

    async fn an_account_succeeds_another_one_and_not_itself(world: World) {
        let accounts = Accounts::of(world).await;
        accounts.made("bought", "").await;
        accounts.made("buyer", "").await;
        let by = |id: &str| pb::Account {
            successor_account: accounts.name(id),
            ..pb::Account::default()
        };
        let after = accounts.change("bought", "successor_account", by("buyer")).await.unwrap();
        assert_eq!(after.into_inner().successor_account, accounts.name("buyer"));
        let itself = accounts.change("bought", "successor_account", by("bought")).await;
        refused(itself, Code::InvalidArgument, "INVALID_FIELDS")
            .breaks("account.successor_account", "other");
        let nobody = accounts.change("bought", "successor_account", by("nobody")).await;
        refused(nobody, Code::NotFound, "RESOURCE_NOT_FOUND");
    }
}
