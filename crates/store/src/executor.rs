//! What runs a statement: SQLite's pool or transaction, or a session of PostgreSQL.
//!
//! SeaORM builds statements and reads rows. On PostgreSQL it is not SeaORM that sends them, because
//! its pool does not know whose rows a connection may touch; [`session`](crate::session) does.

use sea_orm::prelude::async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseBackend, DatabaseExecutor, DbErr, ExecResult, QueryResult, Statement,
};
use tokio::sync::Mutex;

use crate::session::{Reach, Session, Sessions};

/// Reads, each statement in a session of its own.
#[derive(Clone)]
pub(crate) struct Reading {
    pub(crate) sessions: Sessions,
    pub(crate) reach: Reach,
}

impl Reading {
    async fn session(&self) -> Result<Session, DbErr> {
        self.sessions.take(&self.reach).await
    }
}

/// A transaction, and the one session that it has to itself. Dropped before its end, it is rolled
/// back.
pub(crate) struct Transaction {
    session: Mutex<Session>,
}

impl Transaction {
    pub(crate) async fn begin(sessions: &Sessions, reach: &Reach) -> Result<Self, DbErr> {
        let mut session = sessions.take(reach).await?;
        session.begin().await?;
        Ok(Self {
            session: Mutex::new(session),
        })
    }

    /// A transaction that only reads, and sees what there was when it first did.
    pub(crate) async fn begin_snapshot(sessions: &Sessions, reach: &Reach) -> Result<Self, DbErr> {
        let mut session = sessions.take(reach).await?;
        session.begin_snapshot().await?;
        Ok(Self {
            session: Mutex::new(session),
        })
    }

    pub(crate) async fn commit(self) -> Result<(), DbErr> {
        self.session.into_inner().commit().await
    }

    pub(crate) async fn rollback(self) -> Result<(), DbErr> {
        self.session.into_inner().rollback().await
    }
}

/// Where the statements of a view go.
pub(crate) enum Executor<'a> {
    Sqlite(DatabaseExecutor<'a>),
    Reading(&'a Reading),
    Transaction(&'a Transaction),
}

#[async_trait]
impl ConnectionTrait for Executor<'_> {
    fn get_database_backend(&self) -> DatabaseBackend {
        match self {
            Self::Sqlite(sqlite) => sqlite.get_database_backend(),
            Self::Reading(_) | Self::Transaction(_) => DatabaseBackend::Postgres,
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        match self {
            Self::Sqlite(sqlite) => sqlite.execute_raw(statement).await,
            Self::Reading(reading) => reading.session().await?.execute(statement).await,
            Self::Transaction(open) => open.session.lock().await.execute(statement).await,
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match self {
            Self::Sqlite(sqlite) => sqlite.execute_unprepared(sql).await,
            Self::Reading(reading) => reading.session().await?.execute_unprepared(sql).await,
            Self::Transaction(open) => open.session.lock().await.execute_unprepared(sql).await,
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match self {
            Self::Sqlite(sqlite) => sqlite.query_one_raw(statement).await,
            Self::Reading(reading) => reading.session().await?.query_one(statement).await,
            Self::Transaction(open) => open.session.lock().await.query_one(statement).await,
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match self {
            Self::Sqlite(sqlite) => sqlite.query_all_raw(statement).await,
            Self::Reading(reading) => reading.session().await?.query_all(statement).await,
            Self::Transaction(open) => open.session.lock().await.query_all(statement).await,
        }
    }
}
