//! What a use case sees of the database: a [`View`] to read, a [`Txn`] to change.
//!
//! Both are bound to one ecosystem, and every query of this crate starts from one of them, so that
//! no query can leave its ecosystem.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use sea_orm::{DatabaseConnection, DatabaseExecutor, DatabaseTransaction};
use trellis_core::{Actor, EcosystemId, Timestamp};

use crate::direct::Direct;
use crate::event::NewEvent;

#[derive(Clone)]
pub(crate) enum Source {
    Pool(DatabaseConnection),
    /// A pool, and beside it the connections for short reads.
    Direct(Direct, DatabaseConnection),
    Transaction(Arc<DatabaseTransaction>),
}

impl Source {
    pub(crate) fn db(&self) -> DatabaseExecutor<'_> {
        match self {
            Self::Pool(pool) | Self::Direct(_, pool) => DatabaseExecutor::Connection(pool),
            Self::Transaction(transaction) => DatabaseExecutor::Transaction(transaction),
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

    pub(crate) fn db(&self) -> DatabaseExecutor<'_> {
        self.source.db()
    }

    /// The connections for short reads, where there are some.
    pub(crate) fn direct(&self) -> Option<&Direct> {
        match &self.source {
            Source::Direct(direct, _) => Some(direct),
            Source::Pool(_) | Source::Transaction(_) => None,
        }
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

    pub(crate) fn count_events(&self) -> usize {
        self.events
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
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
