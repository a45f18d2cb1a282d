//! A request id has one effect, however often and however closely it is sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use trellis_core::{Call, Failure};
use trellis_store::partner::partner;
use trellis_store::{Error, record};

use crate::on_both;
use crate::support::{Fixture, call, partner as row};

fn with_id(id: u128) -> Call {
    Call {
        request_id: Some(uuid::Uuid::from_u128(id)),
        ..call("acme")
    }
}

on_both! {
    async fn two_hundred_concurrent_sends_have_one_effect_and_equal_answers(fixture: Fixture) {
        let fixture = Arc::new(fixture);
        let effects = Arc::new(AtomicUsize::new(0));
        let sends = (0..200).map(|_| {
            let (fixture, effects) = (fixture.clone(), effects.clone());
            tokio::spawn(async move {
                fixture
                    .store
                    .write(with_id(7), effects, |txn, effects| async move {
                        record::insert::<partner::Entity>(&txn, row(&txn, "nimbus")).await?;
                        trellis_store::event::append(
                            &txn,
                            trellis_store::event::NewEvent::new("partner.created", "nimbus"),
                        );
                        effects.fetch_add(1, Ordering::Relaxed);
                        Ok::<(), Error>(())
                    })
                    .await
            })
        });
        let mut positions = std::collections::BTreeSet::new();
        for send in sends.collect::<Vec<_>>() {
            positions.insert(send.await.unwrap().unwrap().position);
        }
        assert_eq!(positions.len(), 1, "every send answers the position of the one effect");
        assert_eq!(fixture.ids("acme").await, ["nimbus"]);
        assert_eq!(effects.load(Ordering::Relaxed), 1);
    }
}

on_both! {
    async fn without_a_request_id_each_send_is_a_request_of_its_own(fixture: Fixture) {
        // The control of the test above: the same sends without an id clash.
        fixture.add(call("acme"), "nimbus").await.unwrap();
        let again = fixture.add(call("acme"), "nimbus").await.unwrap_err();
        assert_eq!(again.reason(), "RESOURCE_EXISTS");
    }
}

on_both! {
    async fn a_request_id_used_for_another_request_is_refused(fixture: Fixture) {
        fixture.add(with_id(1), "nimbus").await.unwrap();
        let other = Call { request_hash: [1; 32], ..with_id(1) };
        let refused = fixture.add(other, "cirrus").await.unwrap_err();
        assert_eq!(refused.reason(), "REQUEST_ID_REUSED");
        assert_eq!(fixture.ids("acme").await, ["nimbus"]);
    }
}

on_both! {
    async fn a_refused_request_leaves_its_id_free(fixture: Fixture) {
        fixture.add(call("acme"), "nimbus").await.unwrap();
        fixture.add(with_id(1), "nimbus").await.unwrap_err();
        fixture.add(with_id(1), "cirrus").await.unwrap();
        assert_eq!(fixture.ids("acme").await, ["cirrus", "nimbus"]);
    }
}

on_both! {
    async fn a_dry_run_changes_nothing_and_leaves_its_id_free(fixture: Fixture) {
        let dry = Call { validate_only: true, ..with_id(1) };
        let written = fixture.add(dry, "nimbus").await.unwrap();
        assert_eq!(written.position, None);
        assert!(fixture.ids("acme").await.is_empty());
        fixture.add(with_id(1), "nimbus").await.unwrap();
        assert_eq!(fixture.ids("acme").await, ["nimbus"]);
    }
}

on_both! {
    async fn a_caller_that_goes_away_never_cuts_a_write_in_two(fixture: Fixture) {
        let fixture = Arc::new(fixture);
        for round in 0..100_u64 {
            let copy = fixture.clone();
            let id = format!("p-{round}");
            let mut request = with_id(u128::from(round) + 1_000);
            request.method = "/cut";
            let sent = tokio::spawn({
                let (id, request) = (id.clone(), request.clone());
                async move { copy.add(request, &id).await }
            });
            tokio::time::sleep(Duration::from_micros(round * 20)).await;
            sent.abort();
            // Sent again, it answers the first send's result or does the work now: once.
            fixture.add(request, &id).await.unwrap();
        }
        assert_eq!(fixture.ids("acme").await.len(), 100);
        assert_events(&fixture, 100).await;
    }
}

async fn assert_events(fixture: &Fixture, expected: usize) {
    fixture.settled().await;
    let view = fixture.store.read(&call("acme")).await.unwrap();
    let start = trellis_core::Position {
        epoch: 0,
        xid: 0,
        sequence: 0,
    };
    let events = trellis_store::event::after(&view, start, 10_000)
        .await
        .unwrap();
    assert_eq!(
        events
            .iter()
            .filter(|event| event.kind == "partner.created")
            .count(),
        expected
    );
}

on_both! {
    async fn work_that_panics_is_rolled_back_and_hurts_nobody_else(fixture: Fixture) {
        let panicked = fixture
            .store
            .write(call("acme"), (), |txn, ()| async move {
                record::insert::<partner::Entity>(&txn, row(&txn, "nimbus")).await?;
                assert!(txn.now().micros() < 0, "the work panics on purpose");
                Ok::<(), Error>(())
            })
            .await
            .unwrap_err();
        assert_eq!(panicked.reason(), "INTERNAL");
        assert!(fixture.ids("acme").await.is_empty());
        fixture.add(call("acme"), "cirrus").await.unwrap();
    }
}
