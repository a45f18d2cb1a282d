//! [`Store`]: the handle that the services hold, and its two verbs, `read` and `write`.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use sea_orm::{DatabaseConnection, DatabaseTransaction};
use tokio::sync::oneshot;
use tracing::Instrument;
use trellis_core::{Call, Clock, EcosystemId, Failure, Stored, Timestamp, Written};

use crate::executor::{Reading, Transaction};
use crate::feed::Feed;
use crate::once::{self, Claim};
use crate::platform::ecosystem;
use crate::session::{Reach, Sessions};
use crate::view::Source;
use crate::writer::{Finished, Job, Writer};
use crate::{Error, Settings, Txn, View, connect, event};

/// How often a transaction that met others is run in all.
const ATTEMPTS_MAX: u32 = 5;

/// How long a write may take when its call has no deadline.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Clone)]
enum Engine {
    Postgres(Sessions),
    Sqlite {
        readers: DatabaseConnection,
        writer: Writer,
    },
}

/// The data layer. Cloning it is cheap and shares everything.
#[derive(Clone)]
pub struct Store {
    engine: Engine,
    clock: Arc<dyn Clock>,
    feed: Feed,
    /// The ecosystems that were seen, and whether their clocks can be moved. Both never change.
    known: Arc<RwLock<HashMap<EcosystemId, Sandbox>>>,
}

#[derive(Clone, Copy)]
struct Sandbox(bool);

/// How a unit of work ended before its transaction did.
enum Unit<T> {
    /// The work was done; commit it.
    Done(Written<T>),
    /// The work would be done, but the caller only asked.
    Tried(T),
    /// An earlier call with the same request id did it.
    Replayed(Written<T>),
}

impl<T> Unit<T> {
    fn keeps(&self) -> bool {
        matches!(self, Self::Done(_))
    }

    fn into_written(self) -> Written<T> {
        match self {
            Self::Done(written) | Self::Replayed(written) => written,
            Self::Tried(value) => Written {
                value,
                position: None,
            },
        }
    }
}

impl Store {
    /// Opens the database. Its schema must be there already.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database cannot be reached.
    pub async fn connect(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let engine = if connect::is_sqlite(&settings.url) {
            let writer = Writer::start(connect::sqlite_writer(settings).await?);
            Engine::Sqlite {
                readers: connect::sqlite_readers(settings).await?,
                writer,
            }
        } else {
            Engine::Postgres(connect::postgres(settings).await?)
        };
        Ok(Self {
            engine,
            clock,
            feed: Feed::default(),
            known: Arc::default(),
        })
    }

    /// Tells whether the database answers.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it does not.
    pub async fn ping(&self) -> Result<(), Error> {
        match &self.engine {
            Engine::Postgres(sessions) => sessions.ping().await?,
            Engine::Sqlite { readers, .. } => readers.ping().await?,
        }
        Ok(())
    }

    /// Where an ecosystem's rows are read.
    pub(crate) fn reading(&self, ecosystem: &EcosystemId) -> Source {
        self.reading_of(Reach::One(ecosystem.clone()))
    }

    /// Where the tables are read that can be read across ecosystems.
    pub(crate) fn reading_all(&self) -> Source {
        self.reading_of(Reach::All)
    }

    fn reading_of(&self, reach: Reach) -> Source {
        match &self.engine {
            Engine::Postgres(sessions) => Source::PostgresReading(Reading {
                sessions: sessions.clone(),
                reach,
            }),
            Engine::Sqlite { readers, .. } => Source::SqliteReaders(readers.clone()),
        }
    }

    pub(crate) fn feed(&self) -> &Feed {
        &self.feed
    }

    /// The time by the deployment's own clock, for what belongs to no ecosystem.
    #[must_use]
    pub fn clock_now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Opens an ecosystem for reading, once the workers have reached the position that the call
    /// asks for.
    ///
    /// # Errors
    /// [`Error::NoEcosystem`]; [`Error::PositionNotReached`] when the deadline comes first.
    pub async fn read(&self, call: &Call) -> Result<View, Error> {
        let sandbox = self.known(&call.ecosystem).await?;
        if let Some(position) = call.min_position {
            self.feed
                .reached(self, &call.ecosystem, position, call.deadline)
                .await?;
        }
        let source = self.reading(&call.ecosystem);
        let now = self.now(&call.ecosystem, sandbox, &source).await?;
        Ok(View::new(call.ecosystem.clone(), now, source))
    }

    /// Reads what belongs to no single ecosystem, such as the list of them.
    #[must_use]
    pub fn read_all(&self) -> crate::platform::ecosystem::Registry<'_> {
        crate::platform::ecosystem::Registry::new(self)
    }

    /// Whether committed events wait that the worker has not dealt with.
    pub(crate) async fn behind(&self, ecosystem: &EcosystemId, worker: &str) -> bool {
        event::is_behind(&self.reading(ecosystem).db(), ecosystem, worker)
            .await
            .unwrap_or(false)
    }

    /// Runs `work` in one transaction: claims the request id, works, appends the events, stores
    /// the answer, commits. Work that met other writers is run again, a few times; so `work` may
    /// run more than once, on a fresh copy of `command`, and only the last run counts.
    ///
    /// The transaction has a task of its own. A caller that goes away, or whose deadline passes,
    /// stops waiting; it never cuts a commit in two.
    ///
    /// # Errors
    /// What `work` answers; [`Error::NoEcosystem`], [`Error::RequestIdReused`],
    /// [`Error::Contended`] when the runs are used up, [`Error::Deadline`],
    /// [`Error::OutcomeUnknown`] when the database went away while it committed and the call had
    /// no request id to look its outcome up by.
    pub async fn write<C, T, E, W, F>(
        &self,
        call: Call,
        command: C,
        work: W,
    ) -> Result<Written<T>, E>
    where
        C: Clone + Send + Sync + 'static,
        T: Stored + 'static,
        E: Failure + From<Error> + Send + 'static,
        W: Fn(Txn, C) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let sandbox = self.known(&call.ecosystem).await?;
        self.write_known(call, sandbox, command, work).await
    }

    /// Like [`Store::write`], for the work that makes the ecosystem itself.
    ///
    /// # Errors
    /// As [`Store::write`], without [`Error::NoEcosystem`].
    pub async fn found<C, T, E, W, F>(
        &self,
        call: Call,
        command: C,
        work: W,
    ) -> Result<Written<T>, E>
    where
        C: Clone + Send + Sync + 'static,
        T: Stored + 'static,
        E: Failure + From<Error> + Send + 'static,
        W: Fn(Txn, C) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        self.write_known(call, Sandbox(false), command, work).await
    }

    async fn write_known<C, T, E, W, F>(
        &self,
        call: Call,
        sandbox: Sandbox,
        command: C,
        work: W,
    ) -> Result<Written<T>, E>
    where
        C: Clone + Send + Sync + 'static,
        T: Stored + 'static,
        E: Failure + From<Error> + Send + 'static,
        W: Fn(Txn, C) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let store = self.clone();
        let span = tracing::Span::current();
        let task = async move {
            store
                .attempt_all(call, sandbox, command, Arc::new(work))
                .await
        };
        match tokio::spawn(task.instrument(span)).await {
            Ok(outcome) => outcome,
            Err(panicked) => {
                tracing::error!(%panicked, "a write panicked");
                Err(Error::Panicked.into())
            }
        }
    }

    /// Runs the transaction until it is done, refused, or out of attempts.
    async fn attempt_all<C, T, E, W, F>(
        self,
        call: Call,
        sandbox: Sandbox,
        command: C,
        work: Arc<W>,
    ) -> Result<Written<T>, E>
    where
        C: Clone + Send + Sync + 'static,
        T: Stored + 'static,
        E: Failure + From<Error> + Send + 'static,
        W: Fn(Txn, C) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let deadline = call
            .deadline
            .unwrap_or_else(|| Instant::now() + WRITE_TIMEOUT);
        let call = Arc::new(call);
        for attempt in 1.. {
            let (store, call_copy, command, work) =
                (self.clone(), call.clone(), command.clone(), work.clone());
            let unit = move |source: Source| store.unit(call_copy, sandbox, command, work, source);
            let outcome = match &self.engine {
                Engine::Postgres(sessions) => on_postgres(sessions, &call.ecosystem, unit).await,
                Engine::Sqlite { writer, .. } => on_sqlite(writer, deadline, unit).await,
            };
            let retry = match &outcome {
                // The outcome of a lost commit is found by claiming the request id again.
                Err(Attempt::OutcomeUnknown(_)) => call.request_id.is_some(),
                Err(Attempt::Refused(error)) => error.reason() == "CONTENDED",
                Ok(_) => false,
            };
            if !retry || attempt >= ATTEMPTS_MAX || Instant::now() >= deadline {
                if let Ok(unit) = &outcome
                    && unit.keeps()
                {
                    self.feed.committed(&call.ecosystem);
                }
                return outcome.map(Unit::into_written).map_err(Attempt::into_error);
            }
            tokio::time::sleep(backoff(attempt)).await;
        }
        Err(Error::Contended.into())
    }

    /// What happens inside one transaction.
    async fn unit<C, T, E, W, F>(
        self,
        call: Arc<Call>,
        sandbox: Sandbox,
        command: C,
        work: Arc<W>,
        source: Source,
    ) -> Result<Unit<T>, E>
    where
        T: Stored,
        E: Failure + From<Error>,
        W: Fn(Txn, C) -> F,
        F: Future<Output = Result<T, E>>,
    {
        match once::claim(&source, &call, self.clock.now()).await? {
            Claim::Fresh => {}
            Claim::Answered { answer, position } => {
                let value = T::from_stored(&answer).ok_or_else(|| Error::Corrupt {
                    table: "requests",
                    what: "an answer of another type".into(),
                })?;
                return Ok(Unit::Replayed(Written { value, position }));
            }
        }
        let now = self.now(&call.ecosystem, sandbox, &source).await?;
        let view = View::new(call.ecosystem.clone(), now, source);
        let txn = Txn::new(view, call.actor.clone());
        let value = work(txn.clone(), command).await?;
        if call.validate_only {
            return Ok(Unit::Tried(value));
        }
        let position = event::flush(&txn).await?;
        let answer = call
            .request_id
            .map(|_| value.to_stored())
            .unwrap_or_default();
        once::answer(&txn, &call, position, answer).await?;
        Ok(Unit::Done(Written { value, position }))
    }

    /// Looks an ecosystem up. Only those that exist are remembered.
    async fn known(&self, ecosystem: &EcosystemId) -> Result<Sandbox, Error> {
        let known = self
            .known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(ecosystem)
            .copied();
        if let Some(sandbox) = known {
            return Ok(sandbox);
        }
        let found = ecosystem::find_in(&self.reading(ecosystem).db(), ecosystem).await?;
        let Some(model) = found else {
            return Err(Error::NoEcosystem {
                resource: format!("ecosystems/{ecosystem}"),
            });
        };
        let sandbox = Sandbox(model.sandbox);
        self.known
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(ecosystem.clone(), sandbox);
        Ok(sandbox)
    }

    /// The time by an ecosystem's clock. Only a sandbox's clock differs from the deployment's, so
    /// only there is it read from the database.
    async fn now(
        &self,
        ecosystem: &EcosystemId,
        sandbox: Sandbox,
        source: &Source,
    ) -> Result<Timestamp, Error> {
        let now = self.clock.now();
        if !sandbox.0 {
            return Ok(now);
        }
        let offset = ecosystem::clock_offset(source, ecosystem).await?;
        Ok(now.saturating_add(offset))
    }
}

/// Why an attempt ended without a result.
enum Attempt<E> {
    /// The connection broke while it committed.
    OutcomeUnknown(Error),
    /// The work refused, or the database did.
    Refused(E),
}

impl<E: From<Error>> Attempt<E> {
    fn of(error: Error) -> Self {
        match error {
            Error::OutcomeUnknown(_) => Self::OutcomeUnknown(error),
            other => Self::Refused(other.into()),
        }
    }

    fn into_error(self) -> E {
        match self {
            Self::OutcomeUnknown(error) => error.into(),
            Self::Refused(error) => error,
        }
    }
}

/// Waits longer after each attempt, by a random part, so that those who met part ways.
fn backoff(attempt: u32) -> Duration {
    let ceiling = 2_u64 << attempt.min(5);
    Duration::from_millis(rand::random_range(1..=ceiling))
}

/// Runs a unit in a transaction of its own, in a session that is bound to the ecosystem. READ
/// COMMITTED: a statement after a lock sees what the one that held it committed.
async fn on_postgres<T, E, F>(
    sessions: &Sessions,
    ecosystem: &EcosystemId,
    unit: impl FnOnce(Source) -> F,
) -> Result<Unit<T>, Attempt<E>>
where
    E: From<Error>,
    F: Future<Output = Result<Unit<T>, E>>,
{
    let begun = Transaction::begin(sessions, &Reach::One(ecosystem.clone()))
        .await
        .map_err(|error| Attempt::of(error.into()))?;
    let transaction = Arc::new(begun);
    let outcome = unit(Source::PostgresWriting(transaction.clone())).await;
    let Ok(transaction) = Arc::try_unwrap(transaction) else {
        return Err(Attempt::of(Error::Panicked));
    };
    match outcome {
        Ok(unit) if unit.keeps() => match transaction.commit().await {
            Ok(()) => Ok(unit),
            Err(error) => Err(Attempt::of(Error::of_commit(error))),
        },
        not_kept => {
            if let Err(error) = transaction.rollback().await {
                tracing::warn!(%error, "a rollback failed; the database will end the transaction");
            }
            not_kept.map_err(Attempt::Refused)
        }
    }
}

/// Runs a unit through the one writer, and waits until its group is durable.
async fn on_sqlite<T, E, F>(
    writer: &Writer,
    deadline: Instant,
    unit: impl FnOnce(Source) -> F + Send + 'static,
) -> Result<Unit<T>, Attempt<E>>
where
    T: Send + 'static,
    E: From<Error> + Send + 'static,
    F: Future<Output = Result<Unit<T>, E>> + Send + 'static,
{
    let (send, receive) = oneshot::channel();
    let send = Arc::new(std::sync::Mutex::new(Some(send)));
    let refuse = reply(&send);
    writer.submit(Job {
        deadline: Some(deadline),
        work: Box::new(move |savepoint: Arc<DatabaseTransaction>| {
            Box::pin(async move {
                let outcome = unit(Source::SqliteWriter(savepoint)).await;
                let reply = reply(&send);
                Finished {
                    keep: outcome.as_ref().is_ok_and(Unit::keeps),
                    answer: Box::new(move |durable| {
                        reply(match (outcome, durable) {
                            (Ok(unit), Err(error)) if unit.keeps() => Err(Attempt::of(error)),
                            (Ok(unit), _) => Ok(unit),
                            (Err(error), _) => Err(Attempt::Refused(error)),
                        });
                    }),
                }
            })
        }),
        refuse: Box::new(move |outcome| {
            let error = outcome.err().unwrap_or(Error::Contended);
            refuse(Err(Attempt::of(error)));
        }),
    });
    receive
        .await
        .unwrap_or_else(|_| Err(Attempt::of(Error::Panicked)))
}

type Reply<O> = Arc<std::sync::Mutex<Option<oneshot::Sender<O>>>>;

/// Answers once; a caller that has gone away is no error.
fn reply<O: Send + 'static>(send: &Reply<O>) -> impl FnOnce(O) + Send + use<O> {
    let send = send.clone();
    move |outcome| {
        if let Some(send) = send.lock().unwrap_or_else(PoisonError::into_inner).take() {
            drop(send.send(outcome));
        }
    }
}
