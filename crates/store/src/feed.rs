//! Tells, inside this process, that an ecosystem has news, workers and those who watch, and that a
//! worker has dealt with them.
//! It only saves waiting: what is true stands in the database.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use trellis_core::{Call, EcosystemId, Position};

use crate::event::place::START;
use crate::event::{self, Tails};
use crate::platform::cursor;
use crate::worker::{Awaited, Concern, Stalls};
use crate::{Error, Store, View};

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
    /// What workers of this process cannot do.
    stalls: Stalls,
}

/// The ecosystems that one worker should look at.
pub(crate) struct Inbox {
    concern: Concern,
    news: Mutex<News>,
    arrived: Notify,
}

#[derive(Default)]
struct News {
    ecosystems: HashSet<EcosystemId>,
    /// How many writes of other ecosystems are none of its concern, since it looked at them last.
    others: HashMap<EcosystemId, u32>,
}

/// A worker is told of so many writes although none of them is its concern, so that readers have no more to
/// look through that it has not come past.
const MANY: u32 = 500;

/// How many events a reader looks through that a worker has not come past, at most.
const LOOKED_THROUGH: u64 = 2_000;

impl Inbox {
    fn new(concern: Concern) -> Self {
        Self {
            concern,
            news: Mutex::default(),
            arrived: Notify::new(),
        }
    }

    fn news(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for news, at most so long, and takes them.
    pub(crate) async fn take(&self, at_most: Duration) -> HashSet<EcosystemId> {
        // A timeout is no news, which is an answer too.
        let _elapsed = tokio::time::timeout(at_most, self.arrived.notified()).await;
        let mut news = self.news();
        let ecosystems = std::mem::take(&mut news.ecosystems);
        for ecosystem in &ecosystems {
            news.others.remove(ecosystem);
        }
        ecosystems
    }

    pub(crate) fn put(&self, ecosystem: EcosystemId) {
        self.news().ecosystems.insert(ecosystem);
        self.arrived.notify_one();
    }

    /// Events of these kinds were written.
    fn tell(&self, ecosystem: &EcosystemId, kinds: &[&str]) {
        if kinds.iter().any(|kind| self.concern.has(kind)) || self.are_many(ecosystem) {
            self.put(ecosystem.clone());
        }
    }

    /// Counts another write that is none of its concern.
    fn are_many(&self, ecosystem: &EcosystemId) -> bool {
        let mut news = self.news();
        let others = match news.others.get_mut(ecosystem) {
            Some(others) => others,
            None => news.others.entry(ecosystem.clone()).or_default(),
        };
        *others += 1;
        *others >= MANY
    }
}

impl Feed {
    pub(crate) fn stalls(&self) -> &Stalls {
        &self.inner.stalls
    }

    pub(crate) fn inbox(&self, concern: Concern) -> Arc<Inbox> {
        let inbox = Arc::new(Inbox::new(concern));
        self.inboxes().push(inbox.clone());
        inbox
    }

    fn inboxes(&self) -> MutexGuard<'_, Vec<Arc<Inbox>>> {
        let inboxes = &self.inner.inboxes;
        inboxes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tails(&self) -> &Tails {
        &self.inner.tails
    }

    /// A write of this process has committed, with events of these kinds.
    pub(crate) fn committed(&self, ecosystem: &EcosystemId, kinds: &[&str]) {
        self.inner.tails.committed(ecosystem);
        for inbox in self.inboxes().iter() {
            inbox.tell(ecosystem, kinds);
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

    /// Every worker is to come to the end of the feed, whatever happened.
    fn wake(&self, ecosystem: &EcosystemId) {
        for inbox in self.inboxes().iter() {
            inbox.put(ecosystem.clone());
        }
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

    /// The workers whose doings the answers of a method show.
    fn awaited_by(&self, method: &str) -> Vec<Awaited> {
        let expected = self
            .inner
            .expected
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let shown = expected.iter().filter(|worker| worker.is_shown_by(method));
        shown.copied().collect()
    }

    /// Waits until every worker whose doings a call's answer shows has dealt with the feed up to a place.
    pub(crate) async fn reached(
        &self,
        store: &Store,
        call: &Call,
        position: Position,
    ) -> Result<(), Error> {
        let give_up = give_up(Instant::now(), call.deadline);
        let awaited = self.awaited_by(call.method);
        let mut progress = self.inner.progress.subscribe();
        let view = store.read_access(&call.ecosystem);
        let mut waiting = None;
        loop {
            progress.mark_unchanged();
            match Progress::of(&view, &awaited, position).await? {
                Progress::Done => return Ok(()),
                Progress::Late => {}
                Progress::Unclear => self.wake(&call.ecosystem),
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

/// Whether workers have done all that there is for them up to a place.
enum Progress {
    Done,
    Late,
    /// They have not come to it, and what is in between is too much to look through, or not all known yet.
    Unclear,
}

impl Progress {
    async fn of(view: &View, workers: &[Awaited], position: Position) -> Result<Self, Error> {
        let cursors = cursor::all(view).await?;
        let places = workers.iter().map(|worker| {
            let cursor = cursors.iter().find(|cursor| cursor.worker == worker.name);
            (
                worker.concern,
                cursor.map_or(START, cursor::Model::position),
            )
        });
        let behind: Vec<_> = places.filter(|(_, place)| *place < position).collect();
        let Some(from) = behind.iter().map(|(_, place)| *place).min() else {
            return Ok(Self::Done);
        };
        if behind
            .iter()
            .any(|(concern, _)| *concern == Concern::Everything)
        {
            return Ok(Self::Late);
        }
        // Those that come past what is none of their concern by and by have nothing to do there.
        let range = (from, position);
        let Some(events) = event::kinds_until(view, range, LOOKED_THROUGH).await? else {
            return Ok(Self::Unclear);
        };
        let waits = |(concern, place): &(Concern, Position)| {
            let mut ahead = events.iter().filter(|(at, _)| at > place);
            ahead.any(|(_, kind)| concern.has(kind))
        };
        match behind.iter().any(waits) {
            true => Ok(Self::Late),
            false => Ok(Self::Done),
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
    use crate::worker::CLOCK_ADVANCED;

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

    #[tokio::test]
    async fn a_worker_is_told_of_its_concern_at_once_and_of_much_else_by_and_by() {
        let acme = EcosystemId::try_new("acme").unwrap();
        let globex = EcosystemId::try_new("globex").unwrap();
        let feed = Feed::default();
        let all = feed.inbox(Concern::Everything);
        let some = feed.inbox(Concern::Kinds(&["deal.won"]));
        let told = async |inbox: &Inbox| {
            let told = inbox.take(Duration::ZERO).await.into_iter();
            told.map(|ecosystem| ecosystem.to_string())
                .collect::<Vec<_>>()
        };
        feed.committed(&acme, &["deal.created"]);
        assert_eq!(told(&all).await, ["acme"]);
        assert_eq!(told(&some).await, [""; 0]);
        for kinds in [&["deal.created", "deal.won"][..], &[CLOCK_ADVANCED]] {
            feed.committed(&globex, kinds);
            assert_eq!(told(&some).await, ["globex"]);
        }
        // One was written already, and what happens elsewhere does not count.
        for _ in 0..MANY - 2 {
            feed.committed(&acme, &["deal.created"]);
            feed.committed(&globex, &["deal.created"]);
        }
        assert_eq!(told(&some).await, [""; 0]);
        feed.committed(&acme, &["deal.created"]);
        assert_eq!(told(&some).await, ["acme"]);
        feed.committed(&acme, &["deal.created"]);
        assert_eq!(told(&some).await, [""; 0]);
        feed.wake(&acme);
        assert_eq!(told(&some).await, ["acme"]);
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
