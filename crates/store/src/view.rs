//! What a use case sees of the database: a [`View`] to read, a [`Txn`] to change.
//!
//! Both are bound to one ecosystem, and every query of this crate starts from one of them, so that
//! no query can leave its ecosystem.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use sea_orm::{DatabaseConnection, DatabaseExecutor, DatabaseTransaction};
use trellis_core::{Actor, EcosystemId, Timestamp};

use crate::event::NewEvent;
use crate::executor::{Executor, Reading, Transaction};

#[derive(Clone)]
pub(crate) enum Source {
    SqliteReaders(DatabaseConnection),
    SqliteWriter(Arc<DatabaseTransaction>),
    PostgresReading(Reading),
    PostgresWriting(Arc<Transaction>),
}

impl Source {
    pub(crate) fn db(&self) -> Executor<'_> {
        match self {
            Self::SqliteReaders(pool) => Executor::Sqlite(DatabaseExecutor::Connection(pool)),
            Self::SqliteWriter(open) => Executor::Sqlite(DatabaseExecutor::Transaction(open)),
            Self::PostgresReading(reading) => Executor::Reading(reading),
            Self::PostgresWriting(open) => Executor::Transaction(open),
        }
    }
}

/// Reads one ecosystem as of one moment of its clock.
#[derive(Clone)]
pub struct View {
    ecosystem: EcosystemId,
    now: Timestamp,
    source: Source,
}

impl View {
    pub(crate) fn new(ecosystem: EcosystemId, now: Timestamp, source: Source) -> Self {
        Self {
            ecosystem,
            now,
            source,
        }
    }

    /// The ecosystem that every query is bound to.
    #[must_use]
    pub fn ecosystem(&self) -> &EcosystemId {
        &self.ecosystem
    }

    /// The time by the ecosystem's clock, which a sandbox can move.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    pub(crate) fn db(&self) -> Executor<'_> {
        self.source.db()
    }
}

/// Changes one ecosystem in one transaction. Made by [`Store::write`](crate::Store::write) only.
#[derive(Clone)]
pub struct Txn {
    view: View,
    actor: Actor,
    events: Arc<Mutex<Vec<NewEvent>>>,
}

impl Txn {
    pub(crate) fn new(view: View, actor: Actor) -> Self {
        Self {
            view,
            actor,
            events: Arc::default(),
        }
    }

    /// Who makes the change.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    pub(crate) fn push(&self, event: NewEvent) {
        self.events
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(event);
    }

    pub(crate) fn take_events(&self) -> Vec<NewEvent> {
        std::mem::take(&mut *self.events.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Deref for Txn {
    type Target = View;

    fn deref(&self) -> &View {
        &self.view
    }
}
