//! One run of a unit of work: in a session of PostgreSQL, or through the one writer of SQLite.

use std::future::Future;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::DatabaseTransaction;
use tokio::sync::oneshot;
use trellis_core::{EcosystemId, Written};

use crate::Error;
use crate::executor::Transaction;
use crate::session::{Reach, Sessions};
use crate::view::Source;
use crate::writer::{Finished, Job, Writer};

/// How a unit of work ended before its transaction did.
pub(crate) enum Unit<T> {
    /// The work was done, and reported events of these kinds; commit it.
    Done(Written<T>, Vec<&'static str>),
    /// The work would be done, but the caller only asked.
    Tried(T),
    /// An earlier call with the same request id did it.
    Replayed(Written<T>),
}

impl<T> Unit<T> {
    fn keeps(&self) -> bool {
        matches!(self, Self::Done(..))
    }

    pub(crate) fn into_written(self) -> Written<T> {
        match self {
            Self::Done(written, _) | Self::Replayed(written) => written,
            Self::Tried(value) => Written {
                value,
                position: None,
            },
        }
    }
}

/// Why an attempt ended without a result.
pub(crate) enum Attempt<E> {
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

    pub(crate) fn into_error(self) -> E {
        match self {
            Self::OutcomeUnknown(error) => error.into(),
            Self::Refused(error) => error,
        }
    }
}

/// Waits longer after each attempt, by a random part, so that those who met part ways.
pub(crate) fn backoff(attempt: u32) -> Duration {
    let ceiling = 2_u64 << attempt.min(5);
    Duration::from_millis(rand::random_range(1..=ceiling))
}

/// Runs a unit in a transaction of its own, in a session that is bound to the ecosystem. READ
/// COMMITTED: a statement after a lock sees what the one that held it committed.
pub(crate) async fn on_postgres<T, E, F>(
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
    let outcome = unit(Source::PostgresTransaction(transaction.clone())).await;
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
pub(crate) async fn on_sqlite<T, E, F>(
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
        work: Box::new(move |transaction: Arc<DatabaseTransaction>| {
            Box::pin(async move {
                let outcome = unit(Source::SqliteTransaction(transaction)).await;
                let reply = reply(&send);
                Finished {
                    keep: outcome.as_ref().is_ok_and(Unit::keeps),
                    answer: Box::new(move |durable| {
                        reply(match (outcome, durable) {
                            // What is repeated may have been done in this very group.
                            (Ok(_), Err(error)) => Err(Attempt::of(error)),
                            (Ok(unit), Ok(())) => Ok(unit),
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
