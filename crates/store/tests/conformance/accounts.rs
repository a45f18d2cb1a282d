//! What accounts promise to those who decide about business with customers.

use trellis_core::{AccountId, Failure};
use trellis_store::deal::account::{self, Domains};
use trellis_store::deal::account_key;
use trellis_store::{Error, Txn, record};

use crate::on_both;
use crate::support::{Fixture, call};

fn id(text: &str) -> AccountId {
    AccountId::try_new(text).unwrap()
}

async fn add(txn: &Txn, name: &str, parent: Option<&str>, domains: &[&str]) -> Result<(), Error> {
    let keys: Vec<String> = domains
        .iter()
        .map(|domain| account::domain_key(domain))
        .collect();
    let domains = Domains(domains.iter().map(|domain| (*domain).to_owned()).collect());
    let row = account::Model {
        partner: None,
        ecosystem: txn.ecosystem().clone(),
        id: id(name),
        display_name: name.to_uppercase(),
        region_code: None,
        registrable_domains: domains.clone(),
        domains,
        industry: None,
        annual_revenue_minor: None,
        annual_revenue_currency: None,
        employee_count: 0,
        founded_year: 0,
        parent_account: parent.map(id),
        pending_parent_external_id: None,
        external_id: Some(format!("crm-{name}")),
        canary: false,
        version: 1,
        create_time: txn.now(),
        update_time: txn.now(),
    };
    let row = record::insert::<account::Entity>(txn, row).await?;
    account_key::replace(txn, &row.id, keys).await
}

async fn some_accounts(fixture: &Fixture, ecosystem: &str) {
    let added = fixture
        .store
        .write(call(ecosystem), (), |txn, ()| async move {
            add(&txn, "group", None, &["acme.com"]).await?;
            add(&txn, "branch", Some("group"), &["acme.de", "acme.com"]).await?;
            add(&txn, "leaf", Some("branch"), &[]).await
        })
        .await;
    added.unwrap();
}

on_both! {
    async fn accounts_with_a_domain_in_common_have_a_key_in_common(fixture: Fixture) {
        some_accounts(&fixture, "acme").await;
        fixture.found("rival", false).await;
        let view = fixture.store.read(&call("acme")).await.unwrap();
        let keys = async |name: &str| account::identity_keys(&view, &id(name)).await.unwrap();
        assert_eq!(keys("group").await, ["account:group", "domain:acme.com"]);
        assert_eq!(keys("branch").await, ["account:branch", "domain:acme.com", "domain:acme.de"]);
        assert_eq!(keys("leaf").await, ["account:leaf"]);

        let rival = fixture.store.read(&call("rival")).await.unwrap();
        let theirs = account::identity_keys(&rival, &id("group")).await.unwrap();
        assert_eq!(theirs, ["account:group"], "keys stay in their ecosystem");
    }
}

on_both! {
    async fn new_keys_take_the_place_of_the_old(fixture: Fixture) {
        some_accounts(&fixture, "acme").await;
        let changed = fixture
            .store
            .write(call("acme"), (), |txn, ()| async move {
                let keys = vec![account::domain_key("acme.fr")];
                account_key::replace(&txn, &id("branch"), keys).await
            })
            .await;
        changed.unwrap();
        let view = fixture.store.read(&call("acme")).await.unwrap();
        let branch = account::identity_keys(&view, &id("branch")).await.unwrap();
        assert_eq!(branch, ["account:branch", "domain:acme.fr"]);
        let group = account::identity_keys(&view, &id("group")).await.unwrap();
        assert_eq!(group, ["account:group", "domain:acme.com"]);
    }
}

on_both! {
    async fn a_chain_leads_from_an_account_to_the_top(fixture: Fixture) {
        some_accounts(&fixture, "acme").await;
        let view = fixture.store.read(&call("acme")).await.unwrap();
        let chain = async |name: &str| -> Vec<String> {
            let chain = account::chain(&view, &id(name)).await.unwrap();
            chain.into_iter().map(|account| account.id.to_string()).collect()
        };
        assert_eq!(chain("leaf").await, ["leaf", "branch", "group"]);
        assert_eq!(chain("group").await, ["group"]);
        assert_eq!(chain("nobody").await, Vec::<String>::new());
    }
}

on_both! {
    async fn a_circle_among_rows_is_reported_and_not_walked_for_ever(fixture: Fixture) {
        some_accounts(&fixture, "acme").await;
        let closed = fixture
            .store
            .write(call("acme"), (), |txn, ()| async move {
                let mut group = record::lock::<account::Entity>(&txn, &id("group")).await?.unwrap();
                group.parent_account = Some(id("leaf"));
                record::update::<account::Entity>(&txn, group).await?;
                let Err(error) = account::chain(&txn, &id("branch")).await else {
                    panic!("the walk ended");
                };
                Err::<(), Error>(error)
            })
            .await;
        let error = closed.unwrap_err();
        assert_eq!(error.reason(), "INTERNAL");
        assert!(error.to_string().contains("accounts"), "{error}");
    }
}

on_both! {
    async fn two_accounts_cannot_share_an_external_id(fixture: Fixture) {
        some_accounts(&fixture, "acme").await;
        let again = fixture
            .store
            .write(call("acme"), (), |txn, ()| async move {
                let mut leaf = record::lock::<account::Entity>(&txn, &id("leaf")).await?.unwrap();
                leaf.external_id = Some("crm-group".to_owned());
                record::update::<account::Entity>(&txn, leaf).await?;
                Ok::<(), Error>(())
            })
            .await;
        let error = again.unwrap_err();
        assert_eq!(error.reason(), "RESOURCE_EXISTS");
        assert_eq!(error.metadata(), [("field", "external_id".to_owned())]);
    }
}
