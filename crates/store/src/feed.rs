//! Tells, inside this process, that an ecosystem has news, workers and those who watch, and that a
//! worker has dealt with them.
//! It only saves waiting: what is true stands in the database.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use trellis_core::{Call, EcosystemId, Position};

use crate::event::Tails;
use crate::platform::cursor;
use crate::worker::Awaited;
use crate::{Error, Store};

/// How long a reader waits for the workers when its call has no deadline.
const REACH_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a reader looks for the progress of workers in other processes.
const POLL: Duration = Duration::from_millis(20);

/// How much of a call's time is kept to say that the workers are late: a tenth, and no more than
/// this.
const SAY_SO: Duration = Duration::from_millis(250);

/// When a reader stops waiting for the workers. That is before its deadline: at the deadline itself
/// the call is answered that its time ran out, and nobody learns what it waited for.
fn give_up(now: Instant, deadline: Option<Instant>) -> Instant {
    let Some(deadline) = deadline else {
        return now + REACH_TIMEOUT;
    };
    let left = deadline.saturating_duration_since(now);
    now + left.saturating_sub((left / 10).min(SAY_SO))
}

/// How long a worker rests when nobody waits for it. A transaction of each worker for every few events takes
/// processors from those who write. Readers in other processes wait so much longer at most.
const REST: Duration = Duration::from_millis(50);

/// How long it rests also when somebody does.
const SHORT_REST: Duration = Duration::from_millis(2);

#[derive(Clone, Default)]
pub(crate) struct Feed {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    /// One inbox for each worker of this process.
    inboxes: Mutex<Vec<Arc<Inbox>>>,
    /// The ends of the feeds that somebody watches.
    tails: Tails,
    progress: watch::Sender<u64>,
    /// How many readers wait for workers to come to a place.
    waiting: watch::Sender<usize>,
    /// All workers of the deployment, in whatever process they run.
    expected: Mutex<Vec<Awaited>>,
}

/// The ecosystems that one worker should look at.
#[derive(Default)]
pub(crate) struct Inbox {
    ecosystems: Mutex<HashSet<EcosystemId>>,
    arrived: Notify,
}

impl Inbox {
    /// Waits for news, at most so long, and takes them.
    pub(crate) async fn take(&self, at_most: Duration) -> HashSet<EcosystemId> {
        // A timeout is no news, which is an answer too.
        let _elapsed = tokio::time::timeout(at_most, self.arrived.notified()).await;
        std::mem::take(
            &mut *self
                .ecosystems
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    pub(crate) fn put(&self, ecosystem: EcosystemId) {
        self.ecosystems
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(ecosystem);
        self.arrived.notify_one();
    }
}

impl Feed {
    pub(crate) fn inbox(&self) -> Arc<Inbox> {
        let inbox = Arc::new(Inbox::default());
        self.inner
            .inboxes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(inbox.clone());
        inbox
    }

    pub(crate) fn tails(&self) -> &Tails {
        &self.inner.tails
    }

    /// A write of this process has committed.
    pub(crate) fn committed(&self, ecosystem: &EcosystemId) {
        self.inner.tails.committed(ecosystem);
        for inbox in self
            .inner
            .inboxes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
        {
            inbox.put(ecosystem.clone());
        }
    }

    /// How long a worker rests before it looks at news again, so that under load one transaction deals with
    /// many of them: not for long as soon as somebody here waits for it.
    pub(crate) async fn rest(&self) {
        self.rest_for(REST).await;
    }

    async fn rest_for(&self, long: Duration) {
        tokio::time::sleep(SHORT_REST).await;
        let mut waiting = self.inner.waiting.subscribe();
        let somebody_waits = waiting.wait_for(|count| *count > 0);
        // That nobody does is an answer too.
        let _elapsed = tokio::time::timeout(long, somebody_waits).await;
    }

    /// Somebody waits for the workers, until this is dropped.
    fn wait(&self) -> Waiting {
        self.inner.waiting.send_modify(|count| *count += 1);
        Waiting(self.clone())
    }

    /// A worker of this process has moved its cursor.
    pub(crate) fn progressed(&self) {
        self.inner
            .progress
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(crate) fn expect(&self, workers: &[Awaited]) {
        let mut expected = self
            .inner
            .expected
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        expected.extend(workers);
        expected.sort_unstable();
        expected.dedup();
    }

    /// The names of the workers whose doings the answers of a method show.
    fn awaited_by(&self, method: &str) -> Vec<&'static str> {
        let expected = self
            .inner
            .expected
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let shown = expected.iter().filter(|worker| worker.is_shown_by(method));
        shown.map(|worker| worker.name).collect()
    }

    /// Waits until every worker whose doings a call's answer shows has dealt with the feed up to a place.
    pub(crate) async fn reached(
        &self,
        store: &Store,
        call: &Call,
        position: Position,
    ) -> Result<(), Error> {
        let give_up = give_up(Instant::now(), call.deadline);
        let ecosystem = &call.ecosystem;
        let awaited = self.awaited_by(call.method);
        let mut progress = self.inner.progress.subscribe();
        let reading = store.reading(ecosystem);
        let mut waiting = None;
        loop {
            progress.mark_unchanged();
            let cursors = cursor::of(&reading.db(), ecosystem).await?;
            let behind = awaited.iter().any(|worker| {
                !cursors
                    .iter()
                    .any(|cursor| cursor.worker == *worker && cursor.position() >= position)
            });
            if !behind {
                return Ok(());
            }
            let left = give_up.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::PositionNotReached {
                    position: position.to_string(),
                });
            }
            waiting.get_or_insert_with(|| self.wait());
            // Woken by a worker here, or by the clock for those elsewhere.
            let _elapsed = tokio::time::timeout(left.min(POLL), progress.changed()).await;
        }
    }
}

/// A reader that waits for the workers.
struct Waiting(Feed);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.inner.waiting.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn workers_rest_until_somebody_waits() {
        const HOUR: Duration = Duration::from_secs(3_600);
        let feed = Feed::default();
        let rests_on = async || {
            let rest = feed.rest_for(HOUR);
            tokio::time::timeout(SHORT_REST * 20, rest).await.is_err()
        };
        assert!(rests_on().await);
        let one = feed.wait();
        feed.rest_for(HOUR).await;
        let another = feed.wait();
        drop(one);
        feed.rest_for(HOUR).await;
        drop(another);
        assert!(rests_on().await);
        // Also who comes while it rests is waited for.
        let late = async {
            tokio::time::sleep(SHORT_REST * 5).await;
            feed.wait()
        };
        let ((), _waiting) = tokio::join!(feed.rest_for(HOUR), late);
    }

    #[test]
    fn waiting_ends_before_the_deadline_and_leaves_time_to_say_so() {
        let now = Instant::now();
        let waits = |limit: u64| give_up(now, Some(now + Duration::from_millis(limit))) - now;
        assert_eq!(waits(1_000), Duration::from_millis(900));
        assert_eq!(waits(10_000), Duration::from_millis(9_750));
        assert_eq!(waits(0), Duration::ZERO);
        assert_eq!(give_up(now, None) - now, REACH_TIMEOUT);
    }
}
