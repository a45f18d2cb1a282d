//! Short reads answer what a transaction reads, and take no longer way unnoticed.

use trellis_core::PartnerId;
use trellis_store::partner::partner;
use trellis_store::record;

use crate::on_both;
use crate::support::{call, everything};

on_both! {
    async fn a_short_read_answers_what_a_transaction_reads(fixture: Fixture) {
        for id in ["cirrus", "nimbus"] {
            fixture.add(call("acme"), id).await.unwrap();
        }
        let before = fixture.store.short_reads();
        let nimbus = PartnerId::try_new("nimbus").unwrap();
        let view = fixture.store.read(&call("acme")).await.unwrap();
        let short = record::find::<partner::Entity>(&view, &nimbus).await.unwrap();
        let absent = PartnerId::try_new("stratus").unwrap();
        assert_eq!(record::find::<partner::Entity>(&view, &absent).await.unwrap(), None);
        let page = record::page::<partner::Entity>(&view, &everything(1)).await.unwrap();
        assert!(page.next.is_some(), "there is another page");
        let after = fixture.store.short_reads();
        // With a reader that always leaves its work to the pool, this is what would fail. On
        // PostgreSQL there is one way only.
        assert_eq!(after.is_some(), trellis_store::is_sqlite(&fixture.url));
        if let (Some(before), Some(after)) = (before, after) {
            assert_eq!((after.made - before.made, after.left - before.left), (3, 0));
        }

        assert!(short.is_some());
        fixture
            .store
            .write(call("acme"), (nimbus, short), |txn, (id, short)| async move {
                let row = record::lock::<partner::Entity>(&txn, &id).await?;
                assert_eq!(row, short);
                Ok::<_, trellis_store::Error>(())
            })
            .await
            .unwrap();
        let first = page.rows.first().map(|row| row.id.to_string());
        assert_eq!(first.as_deref(), Some("cirrus"));
    }
}
