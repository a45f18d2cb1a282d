//! No query leaves its ecosystem.

use sea_orm::ConnectionTrait;
use trellis_core::{Failure, PartnerId};
use trellis_store::partner::partner;
use trellis_store::{Settings, Store, record};

use crate::on_both;
use crate::support::{call, everything, one_connection};

on_both! {
    async fn no_verb_reaches_another_ecosystems_rows(fixture: Fixture) {
        fixture.found("rival", false).await;
        fixture.add(call("acme"), "nimbus").await.unwrap();
        fixture.add(call("rival"), "canary").await.unwrap();
        let canary = PartnerId::try_new("canary").unwrap();

        let view = fixture.store.read(&call("acme")).await.unwrap();
        assert_eq!(record::find::<partner::Entity>(&view, &canary).await.unwrap(), None);
        let many = record::find_many::<partner::Entity>(&view, [canary.clone()]).await.unwrap();
        assert!(many.is_empty());
        let page = record::page::<partner::Entity>(&view, &everything(10)).await.unwrap();
        let ids: Vec<_> = page.rows.iter().map(|row| row.id.as_str()).collect();
        assert_eq!(ids, ["nimbus"]);
        let events = trellis_store::event::after(
            &view,
            trellis_core::Position { epoch: 0, xid: 0, sequence: 0 },
            10,
        )
        .await
        .unwrap();
        assert!(events.iter().all(|event| event.resource != "canary"), "{events:?}");

        let locked = fixture
            .store
            .write(call("acme"), canary, |txn, canary| async move {
                assert_eq!(record::lock::<partner::Entity>(&txn, &canary).await?, None);
                let many = record::lock_many::<partner::Entity>(&txn, [canary]).await?;
                assert!(many.is_empty());
                Ok::<(), trellis_store::Error>(())
            })
            .await;
        locked.unwrap();
        // The control: in its own ecosystem the row is found by the same verbs.
        assert_eq!(fixture.ids("rival").await, ["canary"]);
    }
}

on_both! {
    async fn an_ecosystem_that_does_not_exist_is_not_found(fixture: Fixture) {
        let Err(read) = fixture.store.read(&call("nowhere")).await else { panic!("it was read") };
        assert_eq!(read.reason(), "RESOURCE_NOT_FOUND");
        let written = fixture.add(call("nowhere"), "nimbus").await.unwrap_err();
        assert_eq!(written.reason(), "RESOURCE_NOT_FOUND");
    }
}

on_both! {
    async fn a_stale_row_is_not_written_back(fixture: Fixture) {
        fixture.add(call("acme"), "nimbus").await.unwrap();
        let id = PartnerId::try_new("nimbus").unwrap();
        let view = fixture.store.read(&call("acme")).await.unwrap();
        let read = record::find::<partner::Entity>(&view, &id).await.unwrap().unwrap();
        for (round, expected) in [(1, true), (2, false)] {
            let row = read.clone();
            let outcome = fixture
                .store
                .write(call("acme"), row, |txn, row| async move {
                    record::update::<partner::Entity>(&txn, row).await?;
                    Ok::<(), trellis_store::Error>(())
                })
                .await;
            assert_eq!(outcome.is_ok(), expected, "round {round}");
        }
        let now = record::find::<partner::Entity>(&view, &id).await.unwrap().unwrap();
        assert_eq!(now.version, 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_tells_whom_row_level_security_does_not_hold() {
    let Some(fixture) = crate::support::postgres().await else {
        return;
    };
    let asked = async |url: &str| {
        let store = Store::connect(&Settings::new(url), fixture.clock.clone()).await;
        store.unwrap().row_security_gaps().await.unwrap()
    };
    assert_eq!(asked(&fixture.url).await, None, "these tests run under it");
    // FORCE holds the owner too.
    assert_eq!(asked(&fixture.owner_url).await, None);
    let above = asked(&fixture.superuser_url).await.unwrap();
    assert!(above.above_policies, "{above}");

    let owner = one_connection(&fixture.owner_url).await;
    let partners = "ALTER TABLE partners NO FORCE ROW LEVEL SECURITY";
    owner.execute_unprepared(partners).await.unwrap();
    assert_eq!(
        asked(&fixture.url).await,
        None,
        "it holds all but the owner"
    );
    let gaps = asked(&fixture.owner_url).await.unwrap();
    assert_eq!(gaps.open_tables, ["partners"]);
    let deals = "ALTER TABLE deals DISABLE ROW LEVEL SECURITY";
    owner.execute_unprepared(deals).await.unwrap();
    let gaps = asked(&fixture.url).await.unwrap();
    assert!(gaps.to_string().ends_with(" on deals"), "{gaps}");
}
