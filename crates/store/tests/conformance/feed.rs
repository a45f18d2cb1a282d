//! The change feed loses nothing and repeats nothing, whoever commits when.

use std::sync::Arc;
use std::time::Duration;

use trellis_core::Position;
use trellis_store::event::{self, NewEvent};
use trellis_store::partner::partner;
use trellis_store::{Error, record};

use crate::on_both;
use crate::support::{call, partner as row};

on_both! {
    async fn a_reader_that_follows_the_feed_misses_no_event_of_concurrent_writers(
        fixture: Fixture
    ) {
        let fixture = Arc::new(fixture);
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                let fixture = fixture.clone();
                tokio::spawn(async move {
                    for index in 0..25_u64 {
                        let id = format!("w-{writer}-{index}");
                        let pause = Duration::from_micros((writer * 37 + index * 91) % 2_000);
                        fixture
                            .store
                            .write(call("acme"), id, move |txn, id| async move {
                                record::insert::<partner::Entity>(&txn, row(&txn, &id)).await?;
                                tokio::time::sleep(pause).await;
                                event::append(&txn, NewEvent::new("partner.created", id));
                                Ok::<(), Error>(())
                            })
                            .await
                            .unwrap();
                    }
                })
            })
            .collect();
        let mut place = Position { epoch: 0, xid: 0, sequence: 0 };
        let mut seen = Vec::new();
        let mut idle = 0;
        while idle < 20 {
            let view = fixture.store.read(&call("acme")).await.unwrap();
            let events = event::after(&view, place, 7).await.unwrap();
            if let Some(last) = events.last() {
                place = last.position();
            }
            if events.is_empty() && writers.iter().all(tokio::task::JoinHandle::is_finished) {
                idle += 1;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            seen.extend(events.into_iter().map(|event| event.resource));
        }
        let distinct: std::collections::BTreeSet<_> = seen.iter().collect();
        assert_eq!(distinct.len(), 200, "the reader missed events");
        assert_eq!(seen.len(), 200, "the reader saw events twice");
    }
}
