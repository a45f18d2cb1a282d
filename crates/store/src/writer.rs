//! The one writer of a SQLite database, and its group commit.
//!
//! SQLite lets one connection write at a time, and with `synchronous=FULL` a commit waits for the
//! disk. So all writes queue here: the writer begins IMMEDIATE, runs what waits (each piece of work
//! but the first in a savepoint of its own, so that one that fails takes no other with it), commits
//! once for all of them, and only then answers each. While it commits, the next group gathers by itself.
//!
//! It runs on a thread of its own, which stays where the thread of its connection is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};

use crate::{Error, Settings, connect};

/// The most pieces of work in one commit. At 0.2 to 0.5 ms a piece a full group is 10 to 30 ms.
const GROUP_MAX: usize = 64;

/// How long a group gathers: it bounds how long the first waits for the last, also where a piece takes
/// longer.
const GROUP_TIME: Duration = Duration::from_millis(30);

/// How many pieces of work may wait. Beyond it a call is told to come back.
const QUEUE_MAX: usize = 4_096;

/// What a piece of work decided about its savepoint, and how to tell its caller once the group is
/// durable.
pub(crate) struct Finished {
    pub(crate) keep: bool,
    pub(crate) answer: Answer,
}

type Answer = Box<dyn FnOnce(Result<(), Error>) + Send>;
type Work = Box<dyn FnOnce(Arc<DatabaseTransaction>) -> BoxFuture<'static, Finished> + Send>;

/// A piece of work that waits for the writer.
pub(crate) struct Job {
    pub(crate) deadline: Option<Instant>,
    pub(crate) work: Work,
    /// Tells the caller when the work could not even be started.
    pub(crate) refuse: Answer,
}

impl Job {
    /// The job, unless its caller waits no longer, who is told so.
    fn in_time(self) -> Option<Self> {
        if self
            .deadline
            .is_none_or(|deadline| deadline > Instant::now())
        {
            return Some(self);
        }
        (self.refuse)(Err(Error::Deadline));
        None
    }
}

/// Hands work to the writer's thread. Cloning it shares the thread; the last clone ends it.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Job>,
}

impl Writer {
    /// Opens the connection, on a thread of its own.
    pub(crate) async fn start(settings: &Settings) -> Result<Self, Error> {
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let (tell, opened) = oneshot::channel();
        let settings = settings.clone();
        let runtime = Builder::new_current_thread().enable_time().build();
        let runtime = runtime.map_err(of_the_machine)?;
        let thread = std::thread::Builder::new().name("sqlite-writer".into());
        thread
            .spawn(move || {
                if settings.writer_pinned {
                    stay();
                }
                runtime.block_on(async move {
                    match connect::sqlite_writer(&settings).await {
                        Ok(connection) => {
                            drop(tell.send(Ok(())));
                            run(connection, jobs).await;
                        }
                        Err(error) => drop(tell.send(Err(error))),
                    }
                });
            })
            .map_err(of_the_machine)?;
        opened.await.unwrap_or(Err(Error::Panicked))?;
        Ok(Self { queue })
    }

    pub(crate) fn submit(&self, job: Job) {
        if let Err(refused) = self.queue.try_send(job) {
            (refused.into_inner().refuse)(Err(Error::Contended));
        }
    }
}

/// Keeps this thread, and those that it starts, on one processor. The driver has a thread for the
/// connection, and takes turns with this one at every statement: on one processor that is a switch; on
/// two, each has to wake the other's, which takes several times as long as the statement. Where the
/// system cannot do it, it is slower and nothing else.
fn stay() {
    static CHOSEN: AtomicUsize = AtomicUsize::new(0);
    let processors = core_affinity::get_core_ids().unwrap_or_default();
    if processors.len() < 2 {
        return;
    }
    // Several databases of one process, and several processes, should not choose the same.
    let first = usize::try_from(std::process::id()).unwrap_or_default();
    let next = first.wrapping_add(CHOSEN.fetch_add(1, Ordering::Relaxed));
    let stays = processors.get(next % processors.len()).copied();
    if !stays.is_some_and(core_affinity::set_for_current) {
        tracing::debug!("the writer stays on no processor");
    }
}

fn of_the_machine(error: std::io::Error) -> Error {
    sea_orm::DbErr::Custom(format!("the writer has no thread: {error}")).into()
}

async fn run(connection: DatabaseConnection, mut jobs: mpsc::Receiver<Job>) {
    while let Some(first) = jobs.recv().await {
        commit_group(&connection, first, &mut jobs).await;
    }
    // The last handle is gone: fold the log into the file, so that nothing but the file is left.
    if let Err(error) = connection.close().await {
        tracing::warn!(%error, "closing the database failed");
    }
}

async fn commit_group(connection: &DatabaseConnection, first: Job, jobs: &mut mpsc::Receiver<Job>) {
    let begun = Instant::now();
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let transaction = match connection.begin_with_options(options).await {
        Ok(transaction) => transaction,
        Err(error) => return (first.refuse)(Err(error.into())),
    };
    let Some(mut group) = Group::of(transaction, first).await else {
        return;
    };
    while group.answers.len() < GROUP_MAX
        && begun.elapsed() < GROUP_TIME
        && let Ok(job) = jobs.try_recv()
    {
        match group.with(job).await {
            Ok(grown) => group = grown,
            Err(Broken { answers, error }) => return tell(answers, &Err(error)),
        }
    }
    let Group {
        transaction,
        answers,
        ..
    } = group;
    tell(
        answers,
        &transaction.commit().await.map_err(Error::of_commit),
    );
}

/// Tells everybody in a group what became of it.
fn tell(answers: Vec<Answer>, outcome: &Result<(), Error>) {
    if let Err(error) = outcome {
        tracing::error!(
            ?error,
            pieces = answers.len(),
            "a group could not be committed"
        );
    }
    for answer in answers {
        answer(outcome.clone());
    }
}

/// Pieces of work in one transaction.
struct Group {
    transaction: DatabaseTransaction,
    answers: Vec<Answer>,
    /// What has to be said before the next piece, so that it alone can be taken back.
    next: &'static str,
}

/// A group that cannot be committed any more, and is rolled back.
struct Broken {
    answers: Vec<Answer>,
    error: Error,
}

impl Group {
    /// Runs the first piece of work of a group in the group's own transaction: as long as nothing else
    /// is in it, giving it up takes nothing with it, and a round trip is saved, which is what counts
    /// when one caller writes alone.
    async fn of(transaction: DatabaseTransaction, job: Job) -> Option<Self> {
        let Some(Job { work, refuse, .. }) = job.in_time() else {
            give_up(transaction).await;
            return None;
        };
        let transaction = Arc::new(transaction);
        let finished = done(work(transaction.clone()), refuse).await;
        match Arc::try_unwrap(transaction) {
            Ok(transaction) if finished.keep => Some(Self {
                transaction,
                answers: vec![finished.answer],
                next: "SAVEPOINT piece",
            }),
            Ok(transaction) => {
                give_up(transaction).await;
                (finished.answer)(Ok(()));
                None
            }
            Err(_) => {
                (finished.answer)(Err(kept_by_work().into()));
                None
            }
        }
    }

    /// Runs one more piece of work, in a savepoint. Its answer waits for the group's commit. The
    /// savepoint of a piece that is kept is released with the words that begin the next one, and
    /// otherwise by the commit: what is said to the database for a piece is one round trip.
    async fn with(mut self, job: Job) -> Result<Self, Broken> {
        let Some(Job { work, refuse, .. }) = job.in_time() else {
            return Ok(self);
        };
        if !self.next.is_empty()
            && let Err(error) = self.transaction.execute_unprepared(self.next).await
        {
            let error = Error::from(error);
            refuse(Err(error.clone()));
            return Err(self.broken(error));
        }
        let Self {
            transaction,
            mut answers,
            ..
        } = self;
        let transaction = Arc::new(transaction);
        let finished = done(work(transaction.clone()), refuse).await;
        answers.push(finished.answer);
        let Ok(transaction) = Arc::try_unwrap(transaction) else {
            let error = kept_by_work().into();
            return Err(Broken { answers, error });
        };
        self = Self {
            transaction,
            answers,
            next: "RELEASE piece; SAVEPOINT piece",
        };
        if !finished.keep {
            // The savepoint stays, with nothing in it.
            self.next = "";
            let undone = self.transaction.execute_unprepared("ROLLBACK TO piece");
            if let Err(error) = undone.await {
                return Err(self.broken(error.into()));
            }
        }
        Ok(self)
    }

    /// Dropping the transaction rolls it back.
    fn broken(self, error: Error) -> Broken {
        let answers = self.answers;
        Broken { answers, error }
    }
}

async fn give_up(transaction: DatabaseTransaction) {
    if let Err(error) = transaction.rollback().await {
        tracing::warn!(%error, "a rollback failed; the next transaction will tell");
    }
}

/// The work leaked its transaction; dropping the last handle rolls it back.
fn kept_by_work() -> sea_orm::DbErr {
    sea_orm::DbErr::Custom("the work kept its transaction".into())
}

/// What became of a piece of work; one that panicked is answered so.
async fn done(work: BoxFuture<'static, Finished>, refuse: Answer) -> Finished {
    let finished = std::panic::AssertUnwindSafe(work).catch_unwind().await;
    finished.unwrap_or_else(|_| Finished {
        keep: false,
        answer: Box::new(|_| refuse(Err(Error::Panicked))),
    })
}

#[cfg(test)]
mod tests;
