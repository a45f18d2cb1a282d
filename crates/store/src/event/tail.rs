//! The end of an ecosystem's feed, read once for all who follow it in this process.
//!
//! A task reads what comes to the feed and hands it to everybody at once, through a channel that holds
//! so much and no more. Whoever is too slow for it misses something there, notices, and reads that from
//! the table instead: nobody waits for them, neither those who write nor the others who read.
//!
//! Nothing depends on being told. A write of this process wakes the task; for what other processes
//! write it looks every [`LOOK`], with one statement for an ecosystem, however many follow it. That is
//! why nobody who writes sends a notice: on PostgreSQL `NOTIFY` makes all commits of a cluster wait for
//! one another, and whoever listens has to look all the same, because a connection that broke has heard
//! nothing.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, broadcast};
use tokio_util::task::AbortOnDropHandle;
use trellis_core::{EcosystemId, Position};

use super::place::{head, newest_place};
use super::removed::stands;
use super::shown::is_of_access;
use super::{Model, after};
use crate::{Error, View};

/// How often it is looked for what other processes wrote.
const LOOK: Duration = Duration::from_millis(200);

/// How soon it is looked again for what could not be read yet, because an older transaction was still
/// running; twice as late each time, up to [`LOOK`].
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// For how long the feed may not be read before everybody who follows is told.
const PATIENCE: Duration = Duration::from_secs(5);

/// After how long without having read it may be that events were removed before they were: much less than
/// how long any is kept.
const ABSENCE: Duration = Duration::from_secs(60);

/// Events that are read at a time, and handed out.
pub(super) const CHUNK: u64 = 256;

/// How many times that many are kept for those who are slow.
const KEPT: usize = 64;

/// Some events in a row.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) events: Vec<Model>,
    /// The place of the last one.
    pub(super) to: Position,
    /// When they were read, if any of them gives or takes access.
    pub(super) access: Option<Instant>,
}

/// What those are handed who follow.
pub(super) type News = Result<Arc<Batch>, Error>;

/// The ends that somebody follows.
#[derive(Default)]
pub(crate) struct Tails(Mutex<HashMap<EcosystemId, Weak<Tail>>>);

/// The end of one feed. It is read for as long as somebody holds it.
pub(super) struct Tail {
    end: Arc<End>,
    _reading: AbortOnDropHandle<()>,
}

struct End {
    /// How far the feed was read. It moves together with what is handed out.
    place: Mutex<Position>,
    news: broadcast::Sender<News>,
    wake: Notify,
    held: AtomicBool,
}

impl Tails {
    fn lock(&self) -> MutexGuard<'_, HashMap<EcosystemId, Weak<Tail>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The end of the feed of the view's ecosystem.
    pub(super) async fn of(&self, view: &View) -> Result<Arc<Tail>, Error> {
        let ecosystem = view.ecosystem().clone();
        let known = |tails: &HashMap<EcosystemId, Weak<Tail>>| tails.get(&ecosystem)?.upgrade();
        if let Some(tail) = known(&self.lock()) {
            return Ok(tail);
        }
        let view = view.whole();
        let place = head(&view).await?;
        let mut tails = self.lock();
        if let Some(tail) = known(&tails) {
            return Ok(tail);
        }
        tails.retain(|_, tail| tail.strong_count() > 0);
        let tail = Arc::new(Tail::follow(view, place));
        tails.insert(ecosystem, Arc::downgrade(&tail));
        Ok(tail)
    }

    /// A write of this process has committed.
    pub(crate) fn committed(&self, ecosystem: &EcosystemId) {
        if let Some(tail) = self.lock().get(ecosystem).and_then(Weak::upgrade) {
            tail.end.wake.notify_one();
        }
    }
}

impl Tail {
    fn follow(view: View, place: Position) -> Self {
        let end = Arc::new(End {
            place: Mutex::new(place),
            news: broadcast::Sender::new(KEPT),
            wake: Notify::new(),
            held: AtomicBool::new(false),
        });
        let reading = tokio::spawn(end.clone().read(view));
        Self {
            end,
            _reading: AbortOnDropHandle::new(reading),
        }
    }

    /// What is handed out from now on, and the place from which on that is.
    pub(super) fn subscribe(&self) -> (broadcast::Receiver<News>, Position) {
        let place = self.end.place();
        (self.end.news.subscribe(), *place)
    }

    /// Whether there is something that cannot be read yet.
    pub(super) fn is_held(&self) -> bool {
        self.end.held.load(Ordering::Relaxed)
    }
}

impl End {
    fn place(&self) -> MutexGuard<'_, Position> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(self: Arc<Self>, view: View) {
        let mut again = LOOK_AGAIN;
        let mut failing: Option<Instant> = None;
        let mut read = Instant::now();
        loop {
            let absent = std::mem::replace(&mut read, Instant::now()).elapsed() >= ABSENCE;
            let outcome = self.read_on(&view, absent || failing.is_some()).await;
            let held = matches!(outcome, Ok(true));
            self.held.store(held, Ordering::Relaxed);
            again = if held {
                (again * 2).min(LOOK)
            } else {
                LOOK_AGAIN
            };
            match outcome {
                Ok(_) => failing = None,
                Err(error) => {
                    let since = *failing.get_or_insert_with(Instant::now);
                    tracing::warn!(?error, ecosystem = %view.ecosystem(), "the feed cannot be read");
                    if since.elapsed() >= PATIENCE {
                        self.tell(Err(error));
                    }
                }
            }
            let wait = if held { again } else { LOOK };
            let _elapsed = tokio::time::timeout(wait, self.wake.notified()).await;
        }
    }

    /// Hands out what there is to read, after an absence perhaps; answers whether there is more that cannot be
    /// read yet.
    async fn read_on(&self, view: &View, absent: bool) -> Result<bool, Error> {
        let mut place = *self.place();
        let newest = newest_place(view).await?;
        if absent {
            match stands(view, place).await {
                Err(expired @ Error::PositionExpired { .. }) => {
                    place = head(view).await?;
                    *self.place() = place;
                    self.tell(Err(expired));
                }
                stands => stands?,
            }
        }
        if newest < place {
            // Somebody restored the database beneath the running server.
            let position = place.to_string();
            *self.place() = newest;
            self.tell(Err(Error::PositionUnknown { position }));
        }
        while place < newest {
            let events = after(view, place, CHUNK).await?;
            let Some(to) = events.last().map(Model::position) else {
                return Ok(true);
            };
            let access = events.iter().any(is_of_access).then(Instant::now);
            let mut read = self.place();
            *read = to;
            self.tell(Ok(Arc::new(Batch { events, to, access })));
            drop(read);
            place = to;
        }
        Ok(false)
    }

    fn tell(&self, news: News) {
        // It does not matter if nobody follows any more.
        let _nobody = self.news.send(news);
    }
}
