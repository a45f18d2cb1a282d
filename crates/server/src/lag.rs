//! Looks whether anything holds the change feeds back or up, and says so.
//!
//! On PostgreSQL an event can be read when every transaction that began before its own has ended. One
//! that idles, of whatever client in whatever database of the cluster, holds back all feeds: nobody
//! loses anything, and nobody is told anything, neither workers nor those who watch.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;
use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;
use trellis_core::{EcosystemId, Position};
use trellis_store::worker::{Stalls, rest};
use trellis_store::{Error, Store, event};

/// What health calls it: NOT_SERVING while a feed is held back. The server as a whole serves all the same.
pub(crate) const HEALTH: &str = "trellis.feed";

/// How long a feed is held back before health and the log tell of it.
const TELL: Duration = Duration::from_secs(5);

/// For how long each feed has been held back by the same event.
#[derive(Default)]
struct Lags(HashMap<EcosystemId, (Position, Instant)>);

impl Lags {
    /// Notes what is held back in an ecosystem now. Its clock may have been moved, so that the time of
    /// the event does not tell how long it waits.
    fn note(&mut self, ecosystem: &EcosystemId, held: Option<Position>, now: Instant) {
        match (held, self.0.get(ecosystem)) {
            (None, _) => {
                self.0.remove(ecosystem);
            }
            (Some(held), Some((before, _))) if held == *before => {}
            (Some(held), _) => {
                self.0.insert(ecosystem.clone(), (held, now));
            }
        }
    }

    /// The ecosystem that has been held back for longest, and how long.
    fn longest(&self, now: Instant) -> Option<(&EcosystemId, Duration)> {
        let ages = self.0.iter().map(|(ecosystem, (_, since))| {
            let age = now.saturating_duration_since(*since);
            (ecosystem, age)
        });
        ages.max_by_key(|(_, age)| *age)
    }
}

/// Looks until `stop`, measures what it sees, and tells health of it.
pub(crate) async fn watch(
    store: Store,
    meter: Meter,
    health: HealthReporter,
    stop: CancellationToken,
) {
    let millis = Arc::new(AtomicU64::new(0));
    let seen = millis.clone();
    let _gauge = meter
        .f64_observable_gauge("trellis.feed.lag")
        .with_unit("s")
        .with_description("For how long the oldest committed event has not been readable.")
        .with_callback(move |observer| {
            let lag = Duration::from_millis(seen.load(Ordering::Relaxed));
            observer.observe(lag.as_secs_f64(), &[]);
        })
        .build();
    let mut lags = Lags::default();
    let mut told = false;
    let mut took = Duration::ZERO;
    while stop
        .run_until_cancelled(tokio::time::sleep(rest(took)))
        .await
        .is_some()
    {
        let began = Instant::now();
        let looked = look(&store, &mut lags).await;
        took = began.elapsed();
        if let Err(error) = looked {
            tracing::debug!(%error, "it is not known what holds the feeds back");
            continue;
        }
        let longest = lags.longest(Instant::now());
        let age = longest.map_or(Duration::ZERO, |(_, age)| age);
        let age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        millis.store(age_ms, Ordering::Relaxed);
        match longest {
            Some((ecosystem, age)) if age >= TELL && !told => {
                told = true;
                health
                    .set_service_status(HEALTH, ServingStatus::NotServing)
                    .await;
                tracing::warn!(
                    %ecosystem,
                    age_ms,
                    feeds = lags.0.len(),
                    "an open transaction holds the change feed back: see docs/operations.md"
                );
            }
            None if told => {
                told = false;
                health
                    .set_service_status(HEALTH, ServingStatus::Serving)
                    .await;
                tracing::info!("nothing holds the change feed back any more");
            }
            _ => {}
        }
    }
}

/// Has measured for how long workers cannot do their work.
pub(crate) fn measure_workers(meter: &Meter, names: Vec<&'static str>, stalls: Stalls) {
    let _gauge = meter
        .f64_observable_gauge("trellis.worker.stall")
        .with_unit("s")
        .with_description("For how long a worker has not been able to do some of its work.")
        .with_callback(move |observer| {
            let longest = stalls.longest();
            for name in &names {
                let span = longest.get(name).copied().unwrap_or_default();
                observer.observe(span.as_secs_f64(), &[KeyValue::new("worker", *name)]);
            }
        })
        .build();
}

async fn look(store: &Store, lags: &mut Lags) -> Result<(), Error> {
    for ecosystem in store.read_all().ids().await? {
        let held = event::held(store, &ecosystem).await?;
        lags.note(&ecosystem, held, Instant::now());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_is_as_late_as_its_oldest_event_waits() {
        let acme = EcosystemId::try_new("acme").unwrap();
        let place = |sequence| {
            Some(Position {
                epoch: 1,
                xid: 7,
                sequence,
            })
        };
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let mut lags = Lags::default();
        let age = |lags: &Lags, now| lags.longest(now).map(|(_, age)| age.as_secs());
        lags.note(&acme, place(1), at(0));
        lags.note(&acme, place(1), at(4));
        assert_eq!(age(&lags, at(6)), Some(6));
        // What was held back is readable, and something newer is not yet.
        lags.note(&acme, place(2), at(6));
        assert_eq!(age(&lags, at(7)), Some(1));
        lags.note(&acme, None, at(8));
        assert_eq!(age(&lags, at(9)), None);
    }
}
