//! [`Store`]: the handle that the services hold, and its two verbs, `read` and `write`.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use sea_orm::{DatabaseConnection, TransactionTrait};
use tracing::Instrument;
use trellis_core::{Call, Clock, EcosystemId, Failure, Scope, Stored, Timestamp, Written};

use crate::attempt::{Attempt, Unit, backoff, on_postgres, on_sqlite};
use crate::direct::{Direct, ShortReads};
use crate::executor::{Reading, Transaction};
use crate::feed::Feed;
use crate::once::{self, Claim, Kept};
use crate::platform::ecosystem;
use crate::session::{Reach, Sessions};
use crate::view::Source;
use crate::worker::Stalls;
use crate::writer::Writer;
use crate::{Error, Settings, TOLD, Txn, View, connect, event};

/// How often a transaction that met others is run in all.
const ATTEMPTS_MAX: u32 = 5;

/// How long a write may take when its call has no deadline.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Clone)]
enum Engine {
    Postgres(Sessions),
    Sqlite {
        direct: Option<Direct>,
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

impl Store {
    /// Opens the database. Its schema must be there already.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database cannot be reached.
    pub async fn connect(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        if !TOLD {
            tracing::warn!("this build tells nothing and enters nothing: it is for measuring only");
        }
        let engine = if connect::is_sqlite(&settings.url) {
            let writer = Writer::start(settings).await?;
            Engine::Sqlite {
                direct: Direct::new(&settings.url),
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
            Engine::Sqlite {
                direct, readers, ..
            } => Source::SqliteReaders(readers.clone(), direct.clone()),
        }
    }

    /// How many short reads of SQLite there were, and how many of them took the longer way.
    /// PostgreSQL has no longer way.
    #[must_use]
    pub fn short_reads(&self) -> Option<ShortReads> {
        match &self.engine {
            Engine::Postgres(_) => None,
            Engine::Sqlite { direct, .. } => direct.as_ref().map(Direct::counts),
        }
    }

    pub(crate) fn feed(&self) -> &Feed {
        &self.feed
    }

    /// Since when the workers that were started on this store cannot do their work.
    #[must_use]
    pub fn stalls(&self) -> Stalls {
        self.feed.stalls().clone()
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
            self.feed.reached(self, call, position).await?;
        }
        let source = self.reading(&call.ecosystem);
        let now = self.now(&call.ecosystem, sandbox, &source).await?;
        let scope = call.scope.clone();
        Ok(View::new(call.ecosystem.clone(), scope, now, source))
    }

    /// Opens an ecosystem for reading like [`Store::read`], with everything that is read seen as of one
    /// moment, whatever is written meanwhile. It holds up no writer. It takes a connection until it is
    /// dropped, and the database keeps for it what is overwritten, so it is for few at a time and not
    /// for long.
    ///
    /// # Errors
    /// As for [`Store::read`].
    pub async fn snapshot(&self, call: &Call) -> Result<View, Error> {
        let view = self.read(call).await?;
        let source = match &self.engine {
            Engine::Postgres(sessions) => {
                let reach = Reach::One(call.ecosystem.clone());
                let begun = Transaction::begin_snapshot(sessions, &reach).await?;
                Source::PostgresTransaction(Arc::new(begun))
            }
            Engine::Sqlite { readers, .. } => {
                Source::SqliteTransaction(Arc::new(readers.begin().await?))
            }
        };
        let scope = view.scope().clone();
        Ok(View::new(call.ecosystem.clone(), scope, view.now(), source))
    }

    /// Opens an ecosystem to find out who calls: before anything else is known of the call, by the
    /// deployment's own clock, which no sandbox moves, and also while there is no such ecosystem
    /// yet, because its first administrator makes it.
    #[must_use]
    pub fn read_access(&self, ecosystem: &EcosystemId) -> View {
        let source = self.reading(ecosystem);
        View::new(ecosystem.clone(), Scope::whole(), self.clock.now(), source)
    }

    /// Reads what belongs to no single ecosystem, such as the list of them.
    #[must_use]
    pub fn read_all(&self) -> crate::platform::ecosystem::Registry<'_> {
        crate::platform::ecosystem::Registry::new(self)
    }

    /// Whether committed events wait that the worker has not dealt with, or may wait: the database did not
    /// say.
    pub(crate) async fn behind(&self, ecosystem: &EcosystemId, worker: &str) -> bool {
        event::is_behind(&self.reading(ecosystem).db(), ecosystem, worker)
            .await
            .unwrap_or(true)
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

    /// What a call was answered that was made before with the same request id. For work in several
    /// transactions, of which the last claims the id: those before it are not for a request that was done.
    ///
    /// # Errors
    /// [`Error::NoEcosystem`], [`Error::RequestIdReused`], [`Error::AnswerErased`].
    pub async fn answered<T: Stored>(&self, call: &Call) -> Result<Option<Written<T>>, Error> {
        self.known(&call.ecosystem).await?;
        let kept = once::answered(&self.reading(&call.ecosystem), call).await?;
        kept.map(Kept::read).transpose()
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
                // What reported nothing, as a worker that only moved its place, is no news: told of
                // it, the workers would wake one another for ever.
                if let Ok(Unit::Done(_, kinds)) = &outcome
                    && !kinds.is_empty()
                {
                    self.feed.committed(&call.ecosystem, kinds);
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
        T: Stored + 'static,
        E: Failure + From<Error>,
        W: Fn(Txn, C) -> F,
        F: Future<Output = Result<T, E>>,
    {
        match once::claim(&source, &call, self.clock.now()).await? {
            Claim::Fresh => {}
            Claim::Answered(kept) => return Ok(Unit::Replayed(kept.read()?)),
        }
        let now = self.now(&call.ecosystem, sandbox, &source).await?;
        let view = View::new(call.ecosystem.clone(), call.scope.clone(), now, source);
        let txn = Txn::new(view, &call);
        let value = work(txn.clone(), command).await?;
        if call.validate_only {
            return Ok(Unit::Tried(value));
        }
        event::of_answer(&txn, &value);
        let answer = call
            .request_id
            .map(|_| value.to_stored())
            .unwrap_or_default();
        let kinds = txn.reported();
        let position = once::finish(&txn, &call, answer, self.clock.now()).await?;
        Ok(Unit::Done(Written { value, position }, kinds))
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
