//! What accounts promise to those who decide about business with customers.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use sea_orm::ConnectionTrait as _;
use trellis_core::{AccountId, Failure};
use trellis_store::deal::account::{self, Domains, State};
use trellis_store::deal::identity::{Aliases, CrmRecords, Identifiers};
use trellis_store::deal::{account_key, customer};
use trellis_store::{Error, Txn, record};

use crate::on_both;
use crate::support::{Fixture, call, one_connection};

fn id(text: &str) -> AccountId {
    AccountId::try_new(text).unwrap()
}

async fn add(txn: &Txn, name: &str, parent: Option<&str>, domains: &[&str]) -> Result<(), Error> {
    let top = if parent.is_some() { "group" } else { name };
    let keys = domains.iter().map(|domain| format!("domain:{domain}"));
    let keys = keys.chain([account::group_key(&id(top))]).collect();
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
        identifiers: Identifiers::default(),
        aliases: Aliases::default(),
        crm_records: CrmRecords::default(),
        ultimate_parent: parent.map(|_| id(top)),
        successor_account: None,
        state: State::Active,
        merged_into: None,
        moved: None,
        key_version: 1,
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
        assert_eq!(keys("group").await, ["account:group", "domain:acme.com", "group:group"]);
        assert_eq!(
            keys("branch").await,
            ["account:branch", "domain:acme.com", "domain:acme.de", "group:group"]
        );
        assert_eq!(keys("leaf").await, ["account:leaf", "group:group"]);
        let asked = BTreeSet::from(["domain:acme.com".to_owned(), "domain:acme.de".to_owned()]);
        for (and, expected) in [
            (BTreeSet::new(), vec![("branch", 3), ("group", 2)]),
            // One that has none of them is read as well.
            (BTreeSet::from([id("leaf")]), vec![("branch", 3), ("group", 2), ("leaf", 1)]),
        ] {
            let sharing = customer::sharing(&view, &asked, &and).await.unwrap();
            let sharing: Vec<_> = sharing.iter().map(|one| (one.account.id.as_str(), one.keys.len())).collect();
            assert_eq!(sharing, expected);
        }
        let keyed = customer::keyed(&view, &BTreeSet::from([id("leaf"), id("nobody")])).await.unwrap();
        let keyed: Vec<_> = keyed.iter().map(|one| (one.account.id.as_str(), one.keys.len())).collect();
        assert_eq!(keyed, [("leaf", 1)]);

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
                let keys = vec!["domain:acme.fr".to_owned()];
                account_key::replace(&txn, &id("branch"), keys).await
            })
            .await;
        changed.unwrap();
        let view = fixture.store.read(&call("acme")).await.unwrap();
        let branch = account::identity_keys(&view, &id("branch")).await.unwrap();
        assert_eq!(branch, ["account:branch", "domain:acme.fr"]);
        let group = account::identity_keys(&view, &id("group")).await.unwrap();
        assert_eq!(group, ["account:group", "domain:acme.com", "group:group"]);
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
    async fn what_belongs_to_an_account_follows_it_below_another_top(fixture: Fixture) {
        some_accounts(&fixture, "acme").await;
        let moved = fixture
            .store
            .write(call("acme"), (), |txn, ()| async move {
                let below = account::descendants(&txn, &id("group")).await?;
                assert_eq!(below, [id("branch"), id("leaf")]);
                assert_eq!(account::descendants(&txn, &id("leaf")).await?, []);
                let moved = [id("branch"), id("leaf")];
                account::regroup(&txn, &moved, &id("branch")).await?;
                account_key::regroup(&txn, &moved, &account::group_key(&id("branch"))).await
            })
            .await;
        moved.unwrap();
        let view = fixture.store.read(&call("acme")).await.unwrap();
        let read = async |name: &str| {
            let row = record::find::<account::Entity>(&view, &id(name)).await.unwrap().unwrap();
            let keys = account::identity_keys(&view, &id(name)).await.unwrap();
            (row.ultimate_parent, row.version, keys.last().unwrap().clone())
        };
        let of_branch = "group:branch".to_owned();
        assert_eq!(read("branch").await, (None, 1, of_branch.clone()));
        assert_eq!(read("leaf").await, (Some(id("branch")), 1, of_branch));
        assert_eq!(read("group").await, (None, 1, "group:group".to_owned()));
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

/// PostgreSQL keeps the plan that it made while there was little, until it counts anew. What was right then
/// must not look at every account for every key when there are many.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_shares_a_key_is_found_soon_although_there_was_little_when_it_was_planned() {
    let Some(fixture) = crate::support::postgres().await else {
        return;
    };
    let owner = one_connection(&fixture.superuser_url).await;
    owner.execute_unprepared(UNCOUNTED).await.unwrap();
    some_accounts(&fixture, "acme").await;
    let view = fixture.store.read(&call("acme")).await.unwrap();
    let asked = BTreeSet::from(["domain:acme.de".to_owned()]);
    let and = BTreeSet::from([id("leaf")]);
    let sharing = async || {
        let begun = Instant::now();
        let found = customer::sharing(&view, &asked, &and).await.unwrap();
        assert_eq!(found.len(), 2);
        begun.elapsed()
    };
    // A plan for any values is made after the first five.
    for _ in 0..50 {
        sharing().await;
    }
    owner.execute_unprepared(MANY).await.unwrap();
    let mut took = Vec::new();
    for _ in 0..5 {
        took.push(sharing().await);
    }
    println!("{took:?} among 4,000 accounts that nobody has counted");
    assert!(
        took.iter().min() < Some(&Duration::from_millis(200)),
        "{took:?}"
    );
}

/// Has nobody count what there is: whoever does so has plans made anew.
const UNCOUNTED: &str = "
    ALTER TABLE accounts SET (autovacuum_enabled = false);
    ALTER TABLE account_keys SET (autovacuum_enabled = false)";

/// Makes thousands of accounts of one.
const MANY: &str = "
    INSERT INTO accounts SELECT (jsonb_populate_record(one,
        jsonb_build_object('id', 'many-' || number, 'external_id', 'many-' || number))).*
        FROM accounts AS one, generate_series(1, 4000) AS number
        WHERE one.ecosystem = 'acme' AND one.id = 'group';
    INSERT INTO account_keys SELECT 'acme', 'domain:' || site || '-' || number || '.com', 'many-' || number
        FROM generate_series(1, 4000) AS number, generate_series(1, 3) AS site";
