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
    DatabaseConnection, DatabaseTransaction, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
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
        let runtime = Builder::new_current_thread().enable_all().build();
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
    let group = match connection.begin_with_options(options).await {
        Ok(group) => group,
        Err(error) => return (first.refuse)(Err(error.into())),
    };
    let Some((group, answer)) = run_first(group, first).await else {
        return;
    };
    let mut answers = vec![answer];
    while answers.len() < GROUP_MAX
        && begun.elapsed() < GROUP_TIME
        && let Ok(job) = jobs.try_recv()
    {
        answers.extend(run_one(&group, job).await);
    }
    let outcome = group.commit().await.map_err(Error::of_commit);
    if let Err(error) = &outcome {
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

/// Runs the first piece of work of a group in the group's own transaction: as long as nothing else
/// is in it, giving it up takes nothing with it, and two round trips are saved, which is what counts
/// when one caller writes alone.
async fn run_first(group: DatabaseTransaction, job: Job) -> Option<(DatabaseTransaction, Answer)> {
    let Job {
        deadline,
        work,
        refuse,
    } = job;
    if is_over(deadline) {
        give_up(group).await;
        refuse(Err(Error::Deadline));
        return None;
    }
    let group = Arc::new(group);
    let finished = done(work(group.clone()), refuse).await;
    match Arc::try_unwrap(group) {
        Ok(group) if finished.keep => Some((group, finished.answer)),
        Ok(group) => {
            give_up(group).await;
            (finished.answer)(Ok(()));
            None
        }
        Err(_) => {
            (finished.answer)(Err(kept_by_work().into()));
            None
        }
    }
}

async fn give_up(group: DatabaseTransaction) {
    if let Err(error) = group.rollback().await {
        tracing::warn!(%error, "a rollback failed; the next transaction will tell");
    }
}

fn is_over(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| deadline <= Instant::now())
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

/// Runs one piece of work in a savepoint. Its answer waits for the group's commit.
async fn run_one(group: &DatabaseTransaction, job: Job) -> Option<Answer> {
    if is_over(job.deadline) {
        (job.refuse)(Err(Error::Deadline));
        return None;
    }
    let savepoint = match group.begin().await {
        Ok(savepoint) => Arc::new(savepoint),
        Err(error) => {
            (job.refuse)(Err(error.into()));
            return None;
        }
    };
    let Job { work, refuse, .. } = job;
    let finished = done(work(savepoint.clone()), refuse).await;
    let ended = match Arc::try_unwrap(savepoint) {
        Ok(savepoint) if finished.keep => savepoint.commit().await,
        Ok(savepoint) => savepoint.rollback().await,
        Err(_) => Err(kept_by_work()),
    };
    match ended {
        Ok(()) => Some(finished.answer),
        Err(error) => {
            (finished.answer)(Err(error.into()));
            None
        }
    }
}
