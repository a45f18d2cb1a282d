//! Workers: what a service does because something happened or fell due, not because it was called.
//!
//! A worker reads the change feed of each ecosystem in order. Its place is a row in the database,
//! moved in the same transaction as what it did, so that a stop at any moment neither loses nor
//! repeats anything. The row's lock is its lease: of many replicas one works on an ecosystem at a
//! time. When a sandbox's clock was moved, the worker does all that fell due before it goes on.

mod awaited;
mod round;
mod stalls;

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;
use trellis_core::{Call, Code, EcosystemId, Failure, Position};

pub use self::awaited::{Awaited, Concern};
use self::round::Round;
pub use self::round::rest;
pub use self::stalls::Stalls;
use self::stalls::Work;
use crate::feed::Inbox;
use crate::platform::{cursor, parked};
use crate::{Error, Store, Txn, event};

/// The event that makes workers look for what fell due.
pub const CLOCK_ADVANCED: &str = "ecosystem.clock_advanced";

/// Events of one transaction. A batch of won deals posts some thousand ledger lines, which is
/// within what one statement binds.
const BATCH: u64 = 200;

/// How soon a worker looks again at an ecosystem whose news could not be read yet, because an older
/// transaction was still running.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// How soon a worker looks again at an ecosystem whose news it could not deal with. A round of all
/// ecosystems may be a minute away, and somebody may wait for them.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// What a service does in the background.
pub trait Worker: Send + Sync + 'static {
    /// Its name, which keys its place in the feed. Never renamed.
    fn name(&self) -> &'static str;

    /// The kinds of events that it reads, if not all; others are passed over without being read.
    /// [`CLOCK_ADVANCED`] is always read.
    fn kinds(&self) -> Option<&'static [&'static str]> {
        None
    }

    /// Whether it is to come past every event soon, also past one that it does not read: because it does
    /// something where it [passes](Self::pass).
    fn follows(&self) -> bool {
        self.kinds().is_none()
    }

    /// Deals with the next events, oldest first.
    fn consume<'a>(
        &'a self,
        txn: &'a Txn,
        events: &'a [event::Model],
    ) -> BoxFuture<'a, Result<(), WorkError>>;

    /// Has come from one place of the feed to another, in the transaction that says so, whether or not
    /// there was anything for [`consume`](Self::consume) between them.
    fn pass<'a>(
        &'a self,
        _txn: &'a Txn,
        _from: Position,
        _to: Position,
    ) -> BoxFuture<'a, Result<(), WorkError>> {
        Box::pin(async { Ok(()) })
    }

    /// Is told that what it may have done in an ecosystem is committed.
    fn committed(&self, _ecosystem: &EcosystemId) {}

    /// Does a batch of what fell due by the ecosystem's clock; answers how much it did. It is
    /// called until it answers 0.
    fn sweep<'a>(&'a self, txn: &'a Txn) -> BoxFuture<'a, Result<usize, WorkError>>;
}

/// Why a worker could not do its work: any service's failure.
#[derive(Debug)]
pub struct WorkError(Box<dyn Failure + Send + Sync>);

impl WorkError {
    /// Wraps a service's failure.
    pub fn new(failure: impl Failure + Send + Sync + 'static) -> Self {
        Self(Box::new(failure))
    }
}

impl From<Error> for WorkError {
    fn from(error: Error) -> Self {
        Self(Box::new(error))
    }
}

impl std::fmt::Display for WorkError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
    }
}

impl std::error::Error for WorkError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

impl Failure for WorkError {
    fn code(&self) -> Code {
        self.0.code()
    }

    fn reason(&self) -> &'static str {
        self.0.reason()
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        self.0.metadata()
    }
}

impl WorkError {
    /// Whether the same work may succeed later without anybody changing anything.
    fn passes(&self) -> bool {
        matches!(
            self.code(),
            Code::Aborted | Code::Unavailable | Code::DeadlineExceeded
        )
    }
}

/// What a transaction of a worker found.
enum Step {
    /// Another replica holds the cursor.
    Elsewhere,
    /// There is nothing to read.
    Idle,
    /// It did something, and there is more.
    Moved,
    /// It did something, and there was no more.
    Ended,
    /// The event at this place says that the clock was moved; what fell due is to be done next.
    ClockMoved(Position),
}

/// Runs workers until `stop`. `deployment` tells of the workers of all processes: a reader that asks
/// for a position waits for those whose doings it is shown.
pub fn start(
    store: &Store,
    workers: Vec<Arc<dyn Worker>>,
    deployment: &[Awaited],
    stop: &CancellationToken,
) -> Vec<tokio::task::JoinHandle<()>> {
    store.feed().expect(deployment);
    workers
        .into_iter()
        .map(|worker| {
            let runner = Runner {
                store: store.clone(),
                inbox: store.feed().inbox(Concern::of(&*worker)),
                worker,
            };
            let stop = stop.clone();
            tokio::spawn(async move { runner.run(&stop).await })
        })
        .collect()
}

/// One transaction in the name of a part of the server. What it answers never leaves the process, so it
/// takes the way beside the stored answer.
///
/// # Errors
/// What the work answers, and those of [`Store::write`].
pub async fn transact<T, E, W, F>(
    store: &Store,
    ecosystem: &EcosystemId,
    part: &'static str,
    work: W,
) -> Result<T, E>
where
    T: Send + 'static,
    E: Failure + From<Error> + Send + 'static,
    W: Fn(Txn) -> F + Send + Sync + 'static,
    F: Future<Output = Result<T, E>> + Send + 'static,
{
    let call = Call::of_system(ecosystem.clone(), part);
    let answer = Arc::new(Mutex::new(None));
    let slot = answer.clone();
    store
        .write(call, (), move |txn, ()| {
            let (slot, done) = (slot.clone(), work(txn));
            async move {
                let value = done.await?;
                *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
                Ok::<(), E>(())
            }
        })
        .await?;
    let value = answer.lock().unwrap_or_else(PoisonError::into_inner).take();
    value.ok_or_else(|| Error::Panicked.into())
}

struct Runner {
    store: Store,
    inbox: Arc<Inbox>,
    worker: Arc<dyn Worker>,
}

/// The next events that a worker reads, and how far they are all that there are.
async fn next(
    txn: &Txn,
    worker: &dyn Worker,
    place: Position,
    limit: u64,
) -> Result<(Vec<event::Model>, Option<Position>), Error> {
    let Some(kinds) = worker.kinds() else {
        let events = event::after(txn, place, limit).await?;
        let to = events.last().map(event::Model::position);
        return Ok((events, to));
    };
    event::after_of(txn, place, &with_clock(kinds), limit).await
}

/// The kinds of events that a worker reads.
fn with_clock(kinds: &[&'static str]) -> Vec<&'static str> {
    kinds.iter().copied().chain([CLOCK_ADVANCED]).collect()
}

impl Runner {
    async fn run(&self, stop: &CancellationToken) {
        let mut round = Round::due(Instant::now());
        while !stop.is_cancelled() {
            let wait = round.wait(Instant::now());
            let news = tokio::select! {
                news = self.inbox.take(wait) => news,
                () = stop.cancelled() => return,
            };
            if round.wait(Instant::now()).is_zero() {
                self.look_at_next(&mut round).await;
            }
            if news.is_empty() {
                continue;
            }
            for ecosystem in news {
                self.catch_up(&ecosystem).await;
            }
            let rested = self.store.feed().rest();
            if stop.run_until_cancelled(rested).await.is_none() {
                return;
            }
        }
    }

    /// Looks at the next ecosystem of a round, or begins with another round.
    async fn look_at_next(&self, round: &mut Round) {
        let begin = Instant::now();
        let Some(ecosystem) = round.next() else {
            let ecosystems = match self.store.read_all().ids().await {
                Ok(ecosystems) => ecosystems,
                Err(error) => {
                    self.complain(&error);
                    Vec::new()
                }
            };
            return round.begin(ecosystems, Instant::now());
        };
        // Mostly there is nothing to read, which costs no transaction.
        if self.store.behind(&ecosystem, self.worker.name()).await {
            self.catch_up(&ecosystem).await;
        } else {
            self.note(&ecosystem, Work::News, true);
        }
        let swept = self.sweep_all(&ecosystem).await;
        self.note(&ecosystem, Work::Due, swept.is_ok());
        if let Err(error) = swept {
            self.complain(&error);
        }
        self.worker.committed(&ecosystem);
        round.note(begin.elapsed(), Instant::now());
    }

    /// Reads an ecosystem's feed to its end, or as far as that can be done now.
    async fn catch_up(&self, ecosystem: &EcosystemId) {
        let came_to_its_end = self.read_to_end(ecosystem).await;
        self.note(ecosystem, Work::News, came_to_its_end);
        if self.misses(ecosystem).await {
            // What was not seen an older transaction still hides, which is over soon.
            let soon = if came_to_its_end {
                LOOK_AGAIN
            } else {
                TRY_AGAIN
            };
            self.look_again(ecosystem, soon);
        }
        self.worker.committed(ecosystem);
    }

    /// Whether something of its concern waits, or may wait: the database did not say.
    async fn misses(&self, ecosystem: &EcosystemId) -> bool {
        let worker = self.worker.name();
        match Concern::of(&*self.worker) {
            Concern::Everything => self.store.behind(ecosystem, worker).await,
            Concern::Kinds(kinds) => {
                let view = self.store.read_access(ecosystem);
                event::waits_for(&view, worker, &with_clock(kinds))
                    .await
                    .unwrap_or(true)
            }
        }
    }

    /// Deals with all that can be read; answers whether it could deal with it.
    async fn read_to_end(&self, ecosystem: &EcosystemId) -> bool {
        let mut limit = BATCH;
        let mut clock_moved = None;
        loop {
            match self.read_on(ecosystem, limit, clock_moved).await {
                Ok(Step::Moved) => limit = BATCH,
                Ok(Step::ClockMoved(place)) => clock_moved = Some(place),
                Ok(Step::Idle | Step::Ended | Step::Elsewhere) => return true,
                Err(error) if error.passes() => {
                    self.complain(&error);
                    return false;
                }
                // Find the event that the work fails on; put it aside once it stands alone.
                Err(error) if limit == 1 => {
                    self.complain(&error);
                    match self.park(ecosystem, &error).await {
                        Ok(true) => {}
                        // It failed on no event. It is tried again by and by, and not at once.
                        Ok(false) => return false,
                        Err(error) => {
                            self.complain(&error);
                            return false;
                        }
                    }
                }
                Err(_) => limit = 1,
            }
        }
    }

    /// News are looked for again, although nobody tells of them.
    fn look_again(&self, ecosystem: &EcosystemId, soon: Duration) {
        let (inbox, ecosystem) = (self.inbox.clone(), ecosystem.clone());
        tokio::spawn(async move {
            tokio::time::sleep(soon).await;
            inbox.put(ecosystem);
        });
    }

    /// Deals with the next events in one transaction. A moved clock ends a batch: everything that
    /// fell due is done before anything that came after.
    ///
    /// It is done in transactions that began after the move was seen (`clock_moved`): a transaction
    /// tells the time that it read at its beginning, and on PostgreSQL the move may have been
    /// committed between that and the reading of the feed.
    async fn read_on(
        &self,
        ecosystem: &EcosystemId,
        limit: u64,
        clock_moved: Option<Position>,
    ) -> Result<Step, WorkError> {
        let worker = self.worker.clone();
        let step = self
            .transact(ecosystem, move |txn| {
                let worker = worker.clone();
                async move {
                    let Some(place) = cursor::lock(&txn, worker.name()).await? else {
                        return Ok(Step::Elsewhere);
                    };
                    let (mut events, to) = next(&txn, &*worker, place, limit).await?;
                    let Some(mut to) = to else {
                        return Ok(Step::Idle);
                    };
                    let mut step = match u64::try_from(events.len()) {
                        Ok(count) if count < limit => Step::Ended,
                        _ => Step::Moved,
                    };
                    let moves = events.iter().position(|event| event.kind == CLOCK_ADVANCED);
                    match (moves, events.first().map(event::Model::position)) {
                        (Some(0), Some(first)) => {
                            if clock_moved != Some(first) || worker.sweep(&txn).await? > 0 {
                                return Ok(Step::ClockMoved(first));
                            }
                            events.truncate(1);
                        }
                        (Some(index), _) => events.truncate(index),
                        (None, _) => {}
                    }
                    if moves.is_some() {
                        to = events.last().map_or(to, event::Model::position);
                        step = Step::Moved;
                    }
                    if !events.is_empty() {
                        worker.consume(&txn, &events).await?;
                    }
                    worker.pass(&txn, place, to).await?;
                    cursor::advance(&txn, worker.name(), to).await?;
                    Ok(step)
                }
            })
            .await?;
        self.store.feed().progressed();
        Ok(step)
    }

    async fn sweep_all(&self, ecosystem: &EcosystemId) -> Result<(), WorkError> {
        loop {
            let worker = self.worker.clone();
            let done = self
                .transact(ecosystem, move |txn| {
                    let worker = worker.clone();
                    async move {
                        if cursor::lock(&txn, worker.name()).await?.is_none() {
                            return Ok(0);
                        }
                        worker.sweep(&txn).await
                    }
                })
                .await?;
            if done == 0 {
                return Ok(());
            }
        }
    }

    /// Puts the next event aside, with what was wrong, so that those behind it go on. An operator
    /// is told by the log and by `trellis check`. Answers whether there was one.
    async fn park(&self, ecosystem: &EcosystemId, why: &WorkError) -> Result<bool, WorkError> {
        let (worker, why) = (self.worker.clone(), why.to_string());
        self.transact(ecosystem, move |txn| {
            let (worker, why) = (worker.clone(), why.clone());
            async move {
                let Some(place) = cursor::lock(&txn, worker.name()).await? else {
                    return Ok(false);
                };
                if let (events, Some(_)) = next(&txn, &*worker, place, 1).await?
                    && let Some(event) = events.first()
                {
                    parked::insert(&txn, worker.name(), event, &why).await?;
                    cursor::advance(&txn, worker.name(), event.position()).await?;
                    return Ok(true);
                }
                Ok(false)
            }
        })
        .await
    }

    async fn transact<T, W, F>(&self, ecosystem: &EcosystemId, work: W) -> Result<T, WorkError>
    where
        T: Send + 'static,
        W: Fn(Txn) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, WorkError>> + Send + 'static,
    {
        transact(&self.store, ecosystem, self.worker.name(), work).await
    }

    fn note(&self, ecosystem: &EcosystemId, work: Work, done: bool) {
        let stalls = self.store.feed().stalls();
        stalls.note(self.worker.name(), ecosystem, work, done);
    }

    fn complain(&self, error: &dyn std::error::Error) {
        tracing::error!(
            worker = self.worker.name(),
            ?error,
            "a worker could not do its work"
        );
    }
}
