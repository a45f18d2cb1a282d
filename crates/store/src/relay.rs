//! The relay: hands the change feed on to somebody outside who acknowledges it, such as a message broker.
//!
//! A worker does its work in the transaction that moves its place in the feed. Whoever is reached over a
//! network cannot be told in one: while it waits, an open transaction would hold back the feed for
//! everybody. So events are read without a transaction and handed on, and when they are acknowledged a
//! short transaction moves the place, unless somebody else has moved it meanwhile. What stops in between
//! is handed on again: at least once, and never passed over.
//!
//! Nobody waits for a relay: no read that asks for a position, and no clock that is moved.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;
use trellis_core::{Call, EcosystemId, Position};

use crate::event::place::START;
use crate::feed::Inbox;
use crate::platform::cursor;
use crate::worker::{Concern, rest, transact};
use crate::{Error, Store, View, event};

/// Events that are handed on at a time.
const BATCH: u64 = 250;

/// How soon it is looked again for news that an older transaction still hides.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// How long it rests between rounds, so that under load one batch has many events.
const REST: Duration = Duration::from_millis(2);

/// How long it waits, give or take a half, before it tries again somebody who takes nothing: twice as
/// long each time.
const PAUSE_LEAST: Duration = Duration::from_millis(100);

/// How long it waits at most.
const PAUSE_MOST: Duration = Duration::from_secs(5);

/// Somebody outside who is handed the feed.
pub trait Sink: Send + Sync + 'static {
    /// Its name, which keys its place in the feed. Never renamed.
    fn name(&self) -> &'static str;

    /// Whether it takes anything now, or why not. Asked before each round, so that what is wrong is told also while
    /// nothing happens.
    fn ready(&self) -> BoxFuture<'_, Result<(), String>>;

    /// Takes the next events of an ecosystem, oldest first.
    fn take(&self, events: Vec<event::Model>) -> BoxFuture<'_, Taken>;
}

/// What became of events that were handed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// How many are safe, counted from the first.
    pub count: usize,
    /// Why the next one is not, if that is not over by trying again at once.
    pub refusal: Option<Refusal>,
}

/// Why events were not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing is taken at the moment.
    Away(String),
    /// This event is not taken. Those of other ecosystems may be.
    Refused(String),
}

/// How far a sink is behind, for whoever measures it.
#[derive(Clone, Default)]
pub struct Backlog(Arc<Mutex<HashMap<EcosystemId, Instant>>>);

impl Backlog {
    /// For how long the event that has waited longest has been waiting.
    #[must_use]
    pub fn age(&self) -> Duration {
        let since = self.lock().values().min().copied();
        since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    fn note(&self, ecosystem: &EcosystemId, waits: bool) {
        let mut waiting = self.lock();
        if waits {
            waiting
                .entry(ecosystem.clone())
                .or_insert_with(Instant::now);
        } else {
            waiting.remove(ecosystem);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<EcosystemId, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Has a sink told only of what happens from now on, unless it has been told of anything already: whatever
/// ecosystems are made later are told of from their first event on.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn begin_now(store: &Store, name: &'static str) -> Result<(), Error> {
    let ecosystems = store.read_all().ids().await?;
    for ecosystem in &ecosystems {
        let view = store.read_access(ecosystem);
        if cursor::find(&view, name).await?.is_some() {
            return Ok(());
        }
    }
    for ecosystem in &ecosystems {
        let head = event::head(&store.read_access(ecosystem)).await?;
        advance(store, ecosystem, name, START, head).await?;
    }
    Ok(())
}

/// Moves a place, if it is still there.
async fn advance(
    store: &Store,
    ecosystem: &EcosystemId,
    name: &'static str,
    from: Position,
    to: Position,
) -> Result<(), Error> {
    transact(store, ecosystem, name, move |txn| async move {
        cursor::replace(&txn, name, from, to).await
    })
    .await
}

/// What handing on one batch came to.
enum Step {
    /// All that can be read is safe.
    Ended,
    /// There is more.
    More,
    /// The next event is refused.
    Refused(String),
    /// Nothing is taken at the moment.
    Away(String),
}

/// Hands the feed on to one sink.
pub struct Relay {
    store: Store,
    inbox: Arc<Inbox>,
    sink: Arc<dyn Sink>,
    backlog: Backlog,
    /// Why nothing is taken, as the log was told.
    away: Option<String>,
    /// Why single ecosystems' events are not.
    refused: HashMap<EcosystemId, String>,
}

impl Relay {
    /// A relay that has not begun yet.
    #[must_use]
    pub fn new(store: &Store, sink: Arc<dyn Sink>) -> Self {
        Self {
            store: store.clone(),
            inbox: store.feed().inbox(Concern::Everything),
            sink,
            backlog: Backlog::default(),
            away: None,
            refused: HashMap::new(),
        }
    }

    /// How far the sink is behind.
    #[must_use]
    pub fn backlog(&self) -> Backlog {
        self.backlog.clone()
    }

    /// Hands on until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        stop.run_until_cancelled(self.work()).await;
    }

    async fn work(mut self) {
        let mut next_sweep = Instant::now();
        let mut pause = PAUSE_LEAST;
        let mut waiting = BTreeSet::new();
        loop {
            let wait = if waiting.is_empty() {
                next_sweep.saturating_duration_since(Instant::now())
            } else {
                REST
            };
            waiting.extend(self.inbox.take(wait).await);
            // Now and then every ecosystem is looked at, for what other processes wrote and for what was
            // refused.
            let began = Instant::now();
            let sweeps = began >= next_sweep;
            match self.round(&mut waiting, sweeps).await {
                Ok(()) => {
                    self.tell_back();
                    pause = PAUSE_LEAST;
                }
                Err(why) => {
                    self.tell_away(why);
                    tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.5))).await;
                    pause = (pause * 2).min(PAUSE_MOST);
                }
            }
            if sweeps {
                next_sweep = Instant::now() + rest(began.elapsed());
            }
        }
    }

    /// Hands on a batch of each ecosystem that waits, so that none waits for all of another. What is
    /// wrong when nothing is taken at all.
    async fn round(
        &mut self,
        waiting: &mut BTreeSet<EcosystemId>,
        sweeps: bool,
    ) -> Result<(), String> {
        self.sink.ready().await?;
        if sweeps {
            let ecosystems = self.store.read_all().ids().await;
            waiting.extend(ecosystems.map_err(|error| error.to_string())?);
        }
        for ecosystem in waiting.clone() {
            let step = self.hand_on(&ecosystem).await;
            match step.map_err(|error| error.to_string())? {
                Step::More => self.tell_taken(&ecosystem),
                Step::Ended => {
                    waiting.remove(&ecosystem);
                }
                Step::Refused(why) => {
                    waiting.remove(&ecosystem);
                    self.tell_refused(&ecosystem, why);
                }
                Step::Away(why) => return Err(why),
            }
        }
        Ok(())
    }

    /// Hands on the next events of an ecosystem: one alone as long as it is not known that any is taken.
    async fn hand_on(&mut self, ecosystem: &EcosystemId) -> Result<Step, Error> {
        let name = self.sink.name();
        let failing = self.away.is_some() || self.refused.contains_key(ecosystem);
        let limit = if failing { 1 } else { BATCH };
        let view = self.view(ecosystem).await?;
        let place = cursor::place(&view, name).await?;
        let events = event::after(&view, place, limit).await?;
        let places: Vec<Position> = events.iter().map(event::Model::position).collect();
        self.backlog.note(ecosystem, !places.is_empty());
        if places.is_empty() {
            if self.store.behind(ecosystem, name).await {
                self.look_again(ecosystem);
            }
            return Ok(Step::Ended);
        }
        let Taken { count, refusal } = self.sink.take(events).await;
        if let Some(to) = count.checked_sub(1).and_then(|last| places.get(last)) {
            advance(&self.store, ecosystem, name, place, *to).await?;
        }
        Ok(match refusal {
            None => Step::More,
            Some(Refusal::Refused(why)) => Step::Refused(why),
            Some(Refusal::Away(why)) => Step::Away(why),
        })
    }

    async fn view(&self, ecosystem: &EcosystemId) -> Result<View, Error> {
        let call = Call::of_system(ecosystem.clone(), self.sink.name());
        self.store.read(&call).await
    }

    /// News that an older transaction still hides are looked for again soon.
    fn look_again(&self, ecosystem: &EcosystemId) {
        let (inbox, ecosystem) = (self.inbox.clone(), ecosystem.clone());
        tokio::spawn(async move {
            tokio::time::sleep(LOOK_AGAIN).await;
            inbox.put(ecosystem);
        });
    }

    /// What is wrong is over.
    fn tell_back(&mut self) {
        if self.away.take().is_some() {
            tracing::info!(sink = self.sink.name(), "events are taken again");
        }
    }

    /// Events of an ecosystem are taken.
    fn tell_taken(&mut self, ecosystem: &EcosystemId) {
        if self.refused.remove(ecosystem).is_some() {
            let sink = self.sink.name();
            tracing::info!(sink, %ecosystem, "the events of an ecosystem are taken again");
        }
    }

    /// Nothing is taken. The log is told once, and again when the reason is another one.
    fn tell_away(&mut self, why: String) {
        if self.away.as_ref() != Some(&why) {
            let sink = self.sink.name();
            tracing::warn!(sink, %why, "events are not taken; they wait until they are");
            self.away = Some(why);
        }
    }

    /// An ecosystem's next event is refused. The log is told as for [`Self::tell_away`].
    fn tell_refused(&mut self, ecosystem: &EcosystemId, why: String) {
        if self.refused.get(ecosystem) != Some(&why) {
            let sink = self.sink.name();
            tracing::error!(
                sink, %ecosystem, %why,
                "an event is refused; it and those behind it wait until it is taken"
            );
            self.refused.insert(ecosystem.clone(), why);
        }
    }
}
