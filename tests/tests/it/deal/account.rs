//! `AccountService`, without its import.

use std::ops::Deref;

use prost_types::FieldMask;
use tonic::{Code, Response, Status};
use trellis_api::deal::v1 as pb;
use trellis_api::google::r#type::Money;
use trellis_api::platform::v1::ListEventsRequest;
use trellis_core::{AccountId, Actor, Call, EcosystemId};
use trellis_store::deal::account::identity_keys;
use trellis_tests::{World, on_both, refused};

/// An ecosystem with customers.
struct Customers {
    world: World,
    acme: String,
}

impl Deref for Customers {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

fn mask(paths: &[&str]) -> Option<FieldMask> {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    Some(FieldMask { paths })
}

fn account(display_name: &str) -> pb::Account {
    pb::Account {
        display_name: display_name.to_owned(),
        ..pb::Account::default()
    }
}

fn at(domains: &[&str]) -> pb::Account {
    pb::Account {
        domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
        ..account("Somebody")
    }
}

impl Customers {
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

    async fn made(&self, id: &str, account: pb::Account) -> pb::Account {
        self.create(id, account).await.unwrap().into_inner()
    }

    async fn read(&self, id: &str) -> pb::Account {
        let name = self.name(id);
        let request = pb::GetAccountRequest { name };
        self.accounts()
            .get_account(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// Changes fields of an account.
    async fn change(
        &self,
        id: &str,
        paths: &[&str],
        account: pb::Account,
    ) -> Result<Response<pb::Account>, Status> {
        let request = pb::UpdateAccountRequest {
            account: Some(pb::Account {
                name: self.name(id),
                ..account
            }),
            update_mask: mask(paths),
            ..pb::UpdateAccountRequest::default()
        };
        self.accounts().update_account(request).await
    }

    /// Puts an account below another one; an empty id makes it stand by itself.
    async fn put(&self, id: &str, below: &str) -> Result<Response<pb::Account>, Status> {
        let parent_account = if below.is_empty() {
            String::new()
        } else {
            self.name(below)
        };
        let below = pb::Account {
            parent_account,
            ..pb::Account::default()
        };
        self.change(id, &["parent_account"], below).await
    }

    /// What the customer is recognised by, but for names and its group.
    async fn keys(&self, id: &str) -> Vec<String> {
        let call = Call {
            actor: Actor::anonymous(),
            method: "/test",
            ..Call::of_system(EcosystemId::try_new("acme").unwrap(), "test")
        };
        let view = self.store().read(&call).await.unwrap();
        let keys = identity_keys(&view, &AccountId::try_new(id).unwrap())
            .await
            .unwrap();
        let by_name = ["name:", "group:"];
        let told = |key: &String| !by_name.iter().any(|kind| key.starts_with(kind));
        keys.into_iter().filter(told).collect()
    }

    /// The ids of the accounts that a filter lets pass.
    async fn listed(&self, filter: &str, order_by: &str) -> Vec<String> {
        let request = pb::ListAccountsRequest {
            parent: self.acme.clone(),
            filter: filter.to_owned(),
            order_by: order_by.to_owned(),
            ..pb::ListAccountsRequest::default()
        };
        let page = self
            .accounts()
            .list_accounts(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(page.next_page_token, "");
        let names = page.accounts.into_iter().map(|account| account.name);
        names
            .map(|name| name.rsplit('/').next().unwrap().to_owned())
            .collect()
    }
}

on_both! {
    async fn an_account_is_read_as_it_was_created(world: World) {
        let customers = Customers::of(world).await;
        let parent = customers.made("group", account("Group")).await;
        let given = pb::Account {
            name: "is ignored".to_owned(),
            display_name: "Acme Ltd".to_owned(),
            region_code: "GB".to_owned(),
            domains: vec!["https://WWW.Acme.co.uk/about".to_owned(), "info@gmail.com".to_owned()],
            registrable_domains: vec!["is.ignored".to_owned()],
            industry: "retail".to_owned(),
            annual_revenue: Some(Money {
                currency_code: "USD".to_owned(),
                units: 1_100_040_000,
                nanos: 250_000_000,
            }),
            employee_count: 2_822,
            founded_year: 1996,
            parent_account: parent.name,
            pending_parent_external_id: "is ignored".to_owned(),
            external_id: "crm-1".to_owned(),
            ..pb::Account::default()
        };
        let created = customers.made("acme", given.clone()).await;
        let expected = pb::Account {
            name: "ecosystems/acme/accounts/acme".to_owned(),
            registrable_domains: vec!["acme.co.uk".to_owned()],
            pending_parent_external_id: String::new(),
            ultimate_parent: "ecosystems/acme/accounts/group".to_owned(),
            state: pb::account::State::Active.into(),
            create_time: created.create_time,
            update_time: created.create_time,
            etag: "\"1\"".to_owned(),
            ..given
        };
        assert!(created.create_time.is_some());
        assert_eq!(created, expected);
        assert_eq!(customers.read("acme").await, created);

        let bare = customers.made("", account("Bare")).await;
        let expected = pb::Account {
            name: bare.name.clone(),
            state: pb::account::State::Active.into(),
            create_time: bare.create_time,
            update_time: bare.update_time,
            etag: bare.etag.clone(),
            ..account("Bare")
        };
        assert_eq!(bare, expected);
    }

    async fn everything_wrong_with_an_account_is_told_at_once(world: World) {
        let customers = Customers::of(world).await;
        let wrong = pb::Account {
            region_code: "Germany".to_owned(),
            domains: ["fine.example", "not a domain", "acme..com"].map(str::to_owned).to_vec(),
            annual_revenue: Some(Money {
                currency_code: "USD".to_owned(),
                units: -1,
                nanos: 0,
            }),
            employee_count: -1,
            founded_year: 10_000,
            parent_account: "group".to_owned(),
            ..account("")
        };
        let answer = customers.create("1st", wrong).await;
        let refused = refused(answer, Code::InvalidArgument, "INVALID_FIELDS");
        let mut fields = refused.fields();
        fields.sort_unstable();
        assert_eq!(
            fields,
            [
                "account.annual_revenue",
                "account.display_name",
                "account.domains[1]",
                "account.domains[2]",
                "account.employee_count",
                "account.founded_year",
                "account.parent_account",
                "account.region_code",
                "account_id",
            ]
        );
    }

    async fn ids_and_external_ids_are_given_once(world: World) {
        let customers = Customers::of(world).await;
        let first = pb::Account { external_id: "crm-1".to_owned(), ..account("First") };
        customers.made("first", first.clone()).await;
        customers.made("second", account("Second")).await;
        let taken = |answer, id: &str, field| {
            refused(answer, Code::AlreadyExists, "RESOURCE_EXISTS")
                .tells("resource", &customers.name(id))
                .tells("field", field);
        };
        taken(customers.create("first", account("X")).await, "first", "id");
        taken(customers.create("third", first.clone()).await, "third", "external_id");
        let answer = customers.change("second", &["external_id"], first).await;
        taken(answer, "second", "external_id");
    }

    async fn what_does_not_exist_is_not_found(world: World) {
        let customers = Customers::of(world).await;
        customers.ecosystem("rival").await;
        customers.made("here", account("Here")).await;
        for name in [customers.name("nowhere"), "ecosystems/rival/accounts/here".to_owned()] {
            let request = pb::GetAccountRequest { name: name.clone() };
            let answer = customers.accounts().get_account(request).await;
            refused(answer, Code::NotFound, "RESOURCE_NOT_FOUND").tells("resource", &name);
        }
        let lost = pb::Account { parent_account: customers.name("nowhere"), ..account("Lost") };
        refused(customers.create("lost", lost).await, Code::NotFound, "RESOURCE_NOT_FOUND")
            .tells("resource", &customers.name("nowhere"));
        refused(customers.put("here", "nowhere").await, Code::NotFound, "RESOURCE_NOT_FOUND")
            .tells("resource", &customers.name("nowhere"));
        let answer = customers.change("nowhere", &["industry"], account("X")).await;
        refused(answer, Code::NotFound, "RESOURCE_NOT_FOUND");
        let request = pb::ListAccountsRequest {
            parent: "ecosystems/nowhere".to_owned(),
            ..pb::ListAccountsRequest::default()
        };
        let answer = customers.accounts().list_accounts(request).await;
        refused(answer, Code::NotFound, "RESOURCE_NOT_FOUND");
    }

    async fn the_registrable_domains_are_what_a_customer_is_recognised_by(world: World) {
        let customers = Customers::of(world).await;
        customers.made("a", at(&["www.acme.co.uk", "acme.co.uk", "acme.github.io"])).await;
        customers.made("b", at(&["https://shop.acme.co.uk", "MÜNCHEN.de"])).await;
        customers.made("c", at(&["joe@gmail.com", "gmail.com", "co.uk", "localhost"])).await;
        assert_eq!(
            customers.keys("a").await,
            ["account:a", "domain:acme.co.uk", "domain:acme.github.io"]
        );
        assert_eq!(
            customers.keys("b").await,
            ["account:b", "domain:acme.co.uk", "domain:xn--mnchen-3ya.de"]
        );
        assert_eq!(customers.keys("c").await, ["account:c"]);
        let free = customers.read("c").await;
        assert_eq!((free.domains.len(), free.registrable_domains.len()), (4, 0));

        let moved = customers.change("a", &["domains"], at(&["acme.fr"])).await.unwrap();
        assert_eq!(moved.into_inner().registrable_domains, ["acme.fr"]);
        assert_eq!(customers.keys("a").await, ["account:a", "domain:acme.fr"]);
        assert_eq!(customers.keys("b").await.len(), 3, "others keep theirs");
        customers.change("a", &["domains"], at(&[])).await.unwrap();
        assert_eq!(customers.keys("a").await, ["account:a"]);
        customers.change("b", &["industry"], account("X")).await.unwrap();
        assert_eq!(customers.keys("b").await.len(), 3, "a change of something else keeps them");
    }

    async fn an_update_changes_what_its_mask_covers_and_nothing_else(world: World) {
        let customers = Customers::of(world).await;
        let given = pb::Account {
            region_code: "DE".to_owned(),
            industry: "retail".to_owned(),
            employee_count: 12,
            founded_year: 1996,
            external_id: "crm-1".to_owned(),
            ..at(&["acme.example"])
        };
        let made = customers.made("acme", given).await;
        // What the mask leaves alone is not looked at, however wrong it is.
        let wrong = pb::Account {
            industry: "wholesale".to_owned(),
            parent_account: "nonsense".to_owned(),
            employee_count: -1,
            ..at(&["not a domain"])
        };
        let after = customers.change("acme", &["industry"], wrong).await.unwrap().into_inner();
        let expected = pb::Account {
            industry: "wholesale".to_owned(),
            update_time: after.update_time,
            etag: "\"2\"".to_owned(),
            ..made.clone()
        };
        assert_eq!(after, expected);

        let bare = pb::Account { name: made.name.clone(), ..account("Bare") };
        let after = customers.change("acme", &["*"], bare).await.unwrap().into_inner();
        let expected = pb::Account {
            name: made.name,
            state: pb::account::State::Active.into(),
            create_time: made.create_time,
            update_time: after.update_time,
            etag: "\"3\"".to_owned(),
            ..account("Bare")
        };
        assert_eq!(after, expected);
        assert_eq!(customers.keys("acme").await, ["account:acme"]);
    }

    async fn a_change_of_what_has_changed_is_refused(world: World) {
        let customers = Customers::of(world).await;
        let read = customers.made("acme", account("Acme")).await;
        customers.change("acme", &["industry"], account("X")).await.unwrap();
        let answer = customers.change("acme", &["display_name"], read).await;
        refused(answer, Code::Aborted, "ETAG_MISMATCH").tells("resource", &customers.name("acme"));
    }

    async fn one_request_id_has_one_effect_and_a_trial_has_none(world: World) {
        let customers = Customers::of(world).await;
        let mut request = pb::CreateAccountRequest {
            parent: customers.acme.clone(),
            account: Some(account("Acme")),
            validate_only: true,
            ..pb::CreateAccountRequest::default()
        };
        customers.accounts().create_account(request.clone()).await.unwrap();
        assert_eq!(customers.listed("", "").await.len(), 0);
        request.validate_only = false;
        request.request_id = "7d0c1f8e-64e3-4d3a-9f0d-1b8e0f5a2c11".to_owned();
        let mut answers = Vec::new();
        for _ in 0..2 {
            let answer = customers.accounts().create_account(request.clone()).await.unwrap();
            answers.push(answer.into_inner());
        }
        assert_eq!(answers[0], answers[1]);
        assert_eq!(customers.listed("", "").await.len(), 1);
    }

    async fn no_account_belongs_to_itself(world: World) {
        let customers = Customers::of(world).await;
        for id in ["group", "branch", "leaf"] {
            customers.made(id, account(id)).await;
        }
        customers.put("branch", "group").await.unwrap();
        customers.put("leaf", "branch").await.unwrap();
        let path = ["group", "leaf", "branch", "group"].map(|id| customers.name(id)).join(",");
        refused(customers.put("group", "leaf").await, Code::FailedPrecondition, "CYCLE")
            .tells("resource", &customers.name("group"))
            .tells("path", &path);
        let path = ["leaf", "leaf"].map(|id| customers.name(id)).join(",");
        refused(customers.put("leaf", "leaf").await, Code::FailedPrecondition, "CYCLE")
            .tells("path", &path);
        // Once the branch stands by itself, the group may go below the leaf.
        let freed = customers.put("branch", "").await.unwrap().into_inner();
        assert_eq!(freed.parent_account, "");
        customers.put("group", "leaf").await.unwrap();
        assert_eq!(customers.read("group").await.parent_account, customers.name("leaf"));
    }

    async fn of_moves_at_once_that_would_close_a_circle_all_but_one_happen(world: World) {
        let customers = Customers::of(world).await;
        let ids = ["a", "b", "c", "d", "e"];
        for round in 0..5 {
            for id in ids {
                customers.made(&format!("{id}{round}"), account(id)).await;
            }
            let moves = (0..ids.len()).map(|at| {
                let (id, below) = (ids[at], ids[(at + 1) % ids.len()]);
                let (id, below) = (format!("{id}{round}"), format!("{below}{round}"));
                let customers = &customers;
                async move { customers.put(&id, &below).await }
            });
            let answers = futures::future::join_all(moves).await;
            let refusals = answers.into_iter().filter(Result::is_err);
            let refusals: Vec<_> = refusals
                .map(|answer| refused(answer, Code::FailedPrecondition, "CYCLE"))
                .collect();
            assert_eq!(refusals.len(), 1, "round {round}: {refusals:?}");
        }
    }

    async fn lists_are_filtered_and_ordered(world: World) {
        let customers = Customers::of(world).await;
        for (id, region, employees, parent) in
            [("a", "DE", 50, ""), ("b", "US", 10, "a"), ("c", "DE", 30, "a"), ("d", "", 0, "")]
        {
            let parent_account = if parent.is_empty() {
                String::new()
            } else {
                customers.name(parent)
            };
            let given = pb::Account {
                region_code: region.to_owned(),
                employee_count: employees,
                parent_account,
                external_id: format!("crm-{id}"),
                ..account(&format!("Account {id}"))
            };
            customers.made(id, given).await;
        }
        assert_eq!(customers.listed("region_code = \"DE\"", "").await, ["a", "c"]);
        assert_eq!(customers.listed("employee_count >= 30", "").await, ["a", "c"]);
        assert_eq!(customers.listed("", "employee_count desc").await, ["a", "c", "b", "d"]);
        let below = format!("parent_account = \"{}\"", customers.name("a"));
        assert_eq!(customers.listed(&below, "display_name").await, ["b", "c"]);
        assert_eq!(customers.listed("external_id = \"crm-d\"", "").await, ["d"]);
        assert_eq!(customers.listed("NOT region_code:*", "").await, ["d"]);
        assert_eq!(customers.listed("display_name:\"unt b\"", "").await, ["b"]);
    }

    async fn each_change_is_reported(world: World) {
        let customers = Customers::of(world).await;
        customers.made("a", account("A")).await;
        customers.made("b", account("B")).await;
        customers.put("a", "b").await.unwrap();
        refused(customers.put("b", "a").await, Code::FailedPrecondition, "CYCLE");
        let last = customers.change("a", &["industry"], account("X")).await.unwrap();
        let request = ListEventsRequest {
            parent: customers.acme.clone(),
            filter: "type:\"account.\"".to_owned(),
            ..ListEventsRequest::default()
        };
        let events = customers.after(&last).events().list_events(request).await.unwrap();
        let events = events.into_inner().events.into_iter();
        let events: Vec<_> = events.map(|event| (event.r#type, event.resource)).collect();
        let expected = [("created", "a"), ("created", "b"), ("updated", "a"), ("updated", "a")];
        let expected = expected.map(|(kind, id)| (format!("account.{kind}"), customers.name(id)));
        assert_eq!(events, expected);
    }
}
