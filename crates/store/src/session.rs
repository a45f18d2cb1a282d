//! PostgreSQL's connections, each of which knows whose rows it may touch.
//!
//! Row level security shows a connection the rows of the ecosystem that its setting
//! `trellis.ecosystem` names, and nothing at all where it names none. The setting belongs to the
//! session. So a connection rests together with what its setting says, and whoever needs one gets,
//! if there is any, one that says the right thing already: an ecosystem that is busy pays nothing.
//! Otherwise the one that rested longest is set anew, which costs one round trip. Ecosystems that
//! are busy at the same time get connections of their own as long as there may be more.
//!
//! What is remembered is never more than what is certain: before the setting is sent, nothing is
//! remembered, and it is again when the database has confirmed it. A statement that nobody waits
//! for any more is waited for here, off the caller's way, and its connection comes back with
//! nothing remembered. One that broke, or that rests with a transaction open, does not come back.
//!
//! PostgreSQL keeps the plans that it made for a connection, and makes them for tables as they were then.
//! While there is next to nothing in a table all of its indexes are as good; of the one that it chose it
//! may later read the whole to find one row. So plans are made anew when they are old, which asks for no
//! statistics: how large tables are PostgreSQL sees each time.
//!
//! It stands in the place of the driver's own pool, which hands out connections without regard to
//! what they were set to, and asks the database after each use whether it still answers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::sqlx::{self, AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use sea_orm::{ConnAcquireErr, DbErr, ExecResult, QueryResult, RuntimeErr, Statement};
use sea_query_sqlx::SqlxValues;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use trellis_core::EcosystemId;

/// An ecosystem that used its connection less than this ago is busy, and keeps it while there may
/// be more connections.
const BUSY: Duration = Duration::from_secs(1);

/// A connection that rested longer than this is tried before it is used.
const TRIED_AFTER: Duration = Duration::from_secs(30);

/// A connection that rested longer than this is closed.
const REST_MAX: Duration = Duration::from_secs(600);

/// A connection that is older than this is closed, so that all of them follow the database when it
/// moves, and what the server keeps for each is freed.
const AGE_MAX: Duration = Duration::from_secs(1_800);

/// Plans grow no older than half of their connection, within these bounds: whatever has grown steadily since
/// it was opened is then no more than twice as large as they were made for.
const PLANS_OLD: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(60));

/// How long a statement may still take that nobody waits for. Statements are bounded anyway.
const DRAIN_MAX: Duration = Duration::from_secs(30);

const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
                        SET LOCAL idle_in_transaction_session_timeout = '60s'";

/// Lets go of the plans of a connection, though not of its statements.
const NO_PLANS: &str = "DISCARD PLANS";

const SET: &str = "SELECT set_config('trellis.ecosystem', $1, false)";

/// Whose rows a connection may touch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Those of one ecosystem.
    One(EcosystemId),
    /// Those of all, where a table can be read across ecosystems; none can be written.
    All,
}

impl Reach {
    fn setting(&self) -> &str {
        match self {
            Self::One(ecosystem) => ecosystem.as_str(),
            // No ecosystem can have this name.
            Self::All => "*",
        }
    }
}

/// All connections to a database. Cloning it shares them.
#[derive(Clone)]
pub(crate) struct Sessions(Arc<Inner>);

struct Inner {
    options: PgConnectOptions,
    patience: Duration,
    most: usize,
    permits: Arc<Semaphore>,
    resting: Mutex<Resting>,
}

#[derive(Default)]
struct Resting {
    /// Those that rested longest come first.
    connections: Vec<Connection>,
    /// When a connection last broke: those that rest since before it may be broken too.
    broke: Option<Instant>,
}

struct Connection {
    raw: PgConnection,
    /// What its setting says, as far as that is certain.
    reach: Option<Reach>,
    opened: Instant,
    /// The plans of its statements are younger.
    planned: Instant,
    rests_since: Instant,
}

impl Sessions {
    /// Opens the first connection, so that a wrong address is told at once.
    pub(crate) async fn open(
        options: PgConnectOptions,
        most: u32,
        patience: Duration,
    ) -> Result<Self, DbErr> {
        let most = usize::try_from(most).unwrap_or(Semaphore::MAX_PERMITS);
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        let sessions = Self(Arc::new(Inner {
            options,
            patience,
            most,
            permits: Arc::new(Semaphore::new(most)),
            resting: Mutex::default(),
        }));
        sessions.ping().await?;
        Ok(sessions)
    }

    /// Whether the database answers.
    pub(crate) async fn ping(&self) -> Result<(), DbErr> {
        self.patiently(async {
            let mut session = self.take_any(None).await?;
            session.ping().await.map_err(unreachable)
        })
        .await
    }

    /// A connection that may touch what is asked for, and nothing else.
    pub(crate) async fn take(&self, reach: &Reach) -> Result<Session, DbErr> {
        self.patiently(async {
            let mut session = self.take_any(Some(reach)).await?;
            session.set(reach).await?;
            Ok(session)
        })
        .await
    }

    async fn patiently<T>(&self, work: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
        tokio::time::timeout(self.0.patience, work)
            .await
            .unwrap_or(Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)))
    }

    async fn take_any(&self, reach: Option<&Reach>) -> Result<Session, DbErr> {
        loop {
            let permit = self.0.permits.clone().acquire_owned().await;
            let permit =
                permit.map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed))?;
            let Some((connection, doubtful)) = self.choose(reach) else {
                let raw = PgConnection::connect_with(&self.0.options).await;
                let raw = raw.map_err(unreachable)?;
                return Ok(Session::new(Connection::new(raw), self.clone(), permit));
            };
            let mut session = Session::new(connection, self.clone(), permit);
            if !doubtful || session.ping().await.is_ok() {
                return Ok(session);
            }
        }
    }

    /// Takes one of those that rest, and says whether it should be tried first. `None`: open one.
    fn choose(&self, reach: Option<&Reach>) -> Option<(Connection, bool)> {
        let mut resting = self.resting();
        let connections = &resting.connections;
        let fitting = connections
            .iter()
            .rposition(|one| reach.is_none_or(|reach| one.reach.as_ref() == Some(reach)))
            .or_else(|| connections.iter().position(|one| one.reach.is_none()));
        let index = match fitting {
            Some(index) => index,
            None => {
                // Those taken hold a permit each, as does the caller.
                let taken = self.0.most - self.0.permits.available_permits().min(self.0.most);
                let room = connections.len() + taken <= self.0.most;
                let longest = connections.first()?;
                if room && longest.rests_since.elapsed() < BUSY {
                    return None;
                }
                0
            }
        };
        let connection = resting.connections.remove(index);
        let doubtful = connection.rests_since.elapsed() > TRIED_AFTER
            || resting
                .broke
                .is_some_and(|broke| connection.rests_since <= broke);
        Some((connection, doubtful))
    }

    /// Lets a connection rest that has nothing under way, and closes those that rested enough.
    fn rest(&self, mut connection: Connection) {
        let mut ended = Vec::new();
        {
            let mut resting = self.resting();
            let idle = |one: &Connection| one.rests_since.elapsed() > REST_MAX;
            let enough = resting
                .connections
                .iter()
                .take_while(|one| idle(one))
                .count();
            ended.extend(resting.connections.drain(..enough));
            if connection.opened.elapsed() > AGE_MAX {
                ended.push(connection);
            } else {
                connection.rests_since = Instant::now();
                resting.connections.push(connection);
            }
        }
        for connection in ended {
            in_background(async move {
                // It is of no use any more, whether it says goodbye or not.
                drop(connection.raw.close().await);
            });
        }
    }

    fn resting(&self) -> MutexGuard<'_, Resting> {
        self.0
            .resting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    fn new(raw: PgConnection) -> Self {
        let now = Instant::now();
        Self {
            raw,
            reach: None,
            opened: now,
            planned: now,
            rests_since: now,
        }
    }

    fn has_old_plans(&self) -> bool {
        let (least, most) = PLANS_OLD;
        let old = (self.opened.elapsed() / 2).clamp(least, most);
        self.planned.elapsed() > old
    }
}

/// A connection that somebody uses. Dropping it lets it rest.
pub(crate) struct Session {
    /// Nothing once it broke.
    connection: Option<Connection>,
    /// A statement is under way. When the session is dropped so, its caller has gone away.
    at_work: bool,
    /// A transaction is open, or may be.
    in_transaction: bool,
    sessions: Sessions,
    /// Given back after the connection.
    permit: Option<OwnedSemaphorePermit>,
}

impl Session {
    fn new(connection: Connection, sessions: Sessions, permit: OwnedSemaphorePermit) -> Self {
        Self {
            connection: Some(connection),
            at_work: false,
            in_transaction: false,
            sessions,
            permit: Some(permit),
        }
    }

    async fn set(&mut self, reach: &Reach) -> Result<(), DbErr> {
        let Some(connection) = &mut self.connection else {
            return Ok(());
        };
        if connection.reach.as_ref() == Some(reach) {
            return Ok(());
        }
        connection.reach = None;
        let query = sqlx::query(SET).bind(reach.setting().to_owned());
        self.run(|raw| Box::pin(query.execute(raw)))
            .await
            .map_err(|error| DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error))))?;
        if let Some(connection) = &mut self.connection {
            connection.reach = Some(reach.clone());
        }
        Ok(())
    }

    async fn ping(&mut self) -> Result<(), sqlx::Error> {
        self.run(|raw| Box::pin(raw.ping())).await
    }

    pub(crate) async fn begin(&mut self) -> Result<(), DbErr> {
        self.in_transaction = true;
        self.execute_unprepared("BEGIN").await.map(|_| ())
    }

    /// Begins to read what there is at this moment, whatever is written meanwhile. Who reads so may
    /// compute for some time between two statements.
    pub(crate) async fn begin_snapshot(&mut self) -> Result<(), DbErr> {
        self.in_transaction = true;
        self.execute_unprepared(SNAPSHOT).await.map(|_| ())
    }

    pub(crate) async fn commit(&mut self) -> Result<(), DbErr> {
        self.execute_unprepared("COMMIT").await?;
        self.in_transaction = false;
        Ok(())
    }

    pub(crate) async fn rollback(&mut self) -> Result<(), DbErr> {
        self.execute_unprepared("ROLLBACK").await?;
        self.in_transaction = false;
        Ok(())
    }

    pub(crate) async fn execute(&mut self, statement: Statement) -> Result<ExecResult, DbErr> {
        let query = query(statement);
        self.run(|raw| Box::pin(query.execute(raw)))
            .await
            .map(ExecResult::from)
            .map_err(|error| DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error))))
    }

    pub(crate) async fn execute_unprepared(&mut self, sql: &str) -> Result<ExecResult, DbErr> {
        let sql = AssertSqlSafe(sql.to_owned());
        self.run(|raw| Box::pin(raw.execute(sql)))
            .await
            .map(ExecResult::from)
            .map_err(|error| DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error))))
    }

    pub(crate) async fn query_one(
        &mut self,
        statement: Statement,
    ) -> Result<Option<QueryResult>, DbErr> {
        let query = query(statement);
        self.run(|raw| Box::pin(query.fetch_optional(raw)))
            .await
            .map(|row| row.map(QueryResult::from))
            .map_err(|error| DbErr::Query(RuntimeErr::SqlxError(Arc::new(error))))
    }

    pub(crate) async fn query_all(
        &mut self,
        statement: Statement,
    ) -> Result<Vec<QueryResult>, DbErr> {
        let query = query(statement);
        self.run(|raw| Box::pin(query.fetch_all(raw)))
            .await
            .map(|rows| rows.into_iter().map(QueryResult::from).collect())
            .map_err(|error| DbErr::Query(RuntimeErr::SqlxError(Arc::new(error))))
    }

    /// Runs one statement. What becomes of the connection follows from how that ends, and from
    /// whether it ends before the session is dropped.
    async fn run<T>(
        &mut self,
        statement: impl for<'a> FnOnce(&'a mut PgConnection) -> BoxFuture<'a, Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        let connection = self.connection.as_mut().ok_or(sqlx::Error::PoolClosed)?;
        self.at_work = true;
        let outcome = statement(&mut connection.raw).await;
        self.at_work = false;
        if outcome.as_ref().is_err_and(breaks) {
            self.connection = None;
            self.sessions.resting().broke = Some(Instant::now());
        }
        outcome
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else {
            return;
        };
        if self.in_transaction {
            // The database rolls back what the connection leaves open when it ends.
            return;
        }
        if self.at_work {
            connection.reach = None;
        } else if !connection.has_old_plans() {
            return self.sessions.rest(connection);
        }
        let (sessions, permit) = (self.sessions.clone(), self.permit.take());
        in_background(async move {
            // It is answered after what is under way.
            let discard = connection.raw.execute(NO_PLANS);
            if let Ok(Ok(_)) = tokio::time::timeout(DRAIN_MAX, discard).await {
                connection.planned = Instant::now();
                sessions.rest(connection);
            }
            drop(permit);
        });
    }
}

/// Whether the connection is of no use after an error. What the database refuses in good order is
/// no reason, nor is a value that cannot be read.
fn breaks(error: &sqlx::Error) -> bool {
    match error {
        // Class 57P: the server ends the connection.
        sqlx::Error::Database(refused) => refused
            .code()
            .is_some_and(|code| code.starts_with("57P") || code.starts_with("08")),
        sqlx::Error::RowNotFound
        | sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::ColumnNotFound(_)
        | sqlx::Error::Decode(_)
        | sqlx::Error::Encode(_) => false,
        _ => true,
    }
}

fn unreachable(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error)))
}

fn query(statement: Statement) -> sqlx::query::Query<'static, sqlx::Postgres, SqlxValues> {
    let values = statement
        .values
        .unwrap_or_else(|| sea_orm::sea_query::Values(Vec::new()));
    sqlx::query_with(AssertSqlSafe(statement.sql), SqlxValues(values))
}

/// Goes on without anybody waiting. Where the runtime has ended, so have its connections.
fn in_background(work: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(work);
    }
}

#[cfg(test)]
mod tests;
