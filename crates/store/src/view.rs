//! What a use case sees of the database: a [`View`] to read, a [`Txn`] to change.
//!
//! Both are bound to one ecosystem, and every query of this crate starts from one of them, so that
//! no query can leave its ecosystem.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sea_orm::{DatabaseConnection, DatabaseExecutor, DatabaseTransaction};
use trellis_core::{Actor, Call, EcosystemId, Scope, Timestamp, Trace};

use crate::direct::Direct;
use crate::event::{NewEvent, States};
use crate::executor::{Executor, Reading, Transaction};

#[derive(Clone)]
pub(crate) enum Source {
    /// The readers, and beside them the connections for short reads.
    SqliteReaders(DatabaseConnection, Option<Direct>),
    SqliteTransaction(Arc<DatabaseTransaction>),
    PostgresReading(Reading),
    PostgresTransaction(Arc<Transaction>),
}

impl Source {
    pub(crate) fn db(&self) -> Executor<'_> {
        match self {
            Self::SqliteReaders(pool, _) => Executor::Sqlite(DatabaseExecutor::Connection(pool)),
            Self::SqliteTransaction(open) => Executor::Sqlite(DatabaseExecutor::Transaction(open)),
            Self::PostgresReading(reading) => Executor::Reading(reading),
            Self::PostgresTransaction(open) => Executor::Transaction(open),
        }
    }
}

/// Reads one ecosystem as of one moment of its clock.
#[derive(Clone)]
pub struct View {
    ecosystem: EcosystemId,
    scope: Arc<Scope>,
    now: Timestamp,
    source: Source,
}

impl View {
    pub(crate) fn new(
        ecosystem: EcosystemId,
        scope: Scope,
        now: Timestamp,
        source: Source,
    ) -> Self {
        Self {
            ecosystem,
            scope: Arc::new(scope),
            now,
            source,
        }
    }

    /// The ecosystem that every query is bound to.
    #[must_use]
    pub fn ecosystem(&self) -> &EcosystemId {
        &self.ecosystem
    }

    /// How far the call reaches inside of the ecosystem. Every query of a resource is bound to it.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The view with another scope, for questions about what somebody else would reach.
    #[must_use]
    pub fn within(&self, scope: Scope) -> Self {
        Self {
            scope: Arc::new(scope),
            ..self.clone()
        }
    }

    /// The view without its scope: everything in the ecosystem, whoever calls.
    ///
    /// For what a rule must know to decide, such as who came first; never for what is answered.
    #[must_use]
    pub fn whole(&self) -> Self {
        Self {
            scope: Arc::new(Scope::whole()),
            ..self.clone()
        }
    }

    /// The time by the ecosystem's clock, which a sandbox can move.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    pub(crate) fn db(&self) -> Executor<'_> {
        self.source.db()
    }

    /// The connections for short reads, where there are some.
    pub(crate) fn direct(&self) -> Option<&Direct> {
        match &self.source {
            Source::SqliteReaders(_, direct) => direct.as_ref(),
            Source::SqliteTransaction(_)
            | Source::PostgresReading(_)
            | Source::PostgresTransaction(_) => None,
        }
    }
}

/// Changes one ecosystem in one transaction. Made by [`Store::write`](crate::Store::write) only.
#[derive(Clone)]
pub struct Txn {
    view: View,
    caller: Arc<By>,
    events: Arc<Mutex<Vec<NewEvent>>>,
    states: Arc<Mutex<States>>,
}

/// Who makes a change.
struct By {
    actor: Actor,
    person: Option<Actor>,
    trace: Option<Trace>,
}

impl Txn {
    pub(crate) fn new(view: View, call: &Call) -> Self {
        Self {
            view,
            caller: Arc::new(By {
                actor: call.actor.clone(),
                person: call.person.clone(),
                trace: call.trace.clone(),
            }),
            events: Arc::default(),
            states: Arc::default(),
        }
    }

    /// Who makes the change.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.caller.actor
    }

    /// The person behind the change, as far as one is known.
    #[must_use]
    pub fn person(&self) -> Option<&Actor> {
        self.caller.person.as_ref()
    }

    /// Whose word the change is: the person's behind it, whatever credential they used, or else the
    /// caller's.
    #[must_use]
    pub fn signatory(&self) -> &Actor {
        self.person().unwrap_or_else(|| self.actor())
    }

    /// The same transaction without the call's scope: see [`View::whole`].
    #[must_use]
    pub fn whole(&self) -> Self {
        Self {
            view: self.view.whole(),
            ..self.clone()
        }
    }

    pub(crate) fn push(&self, event: NewEvent) {
        self.events
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(event);
    }

    /// Where the caller's trace stands.
    pub(crate) fn trace(&self) -> Option<&Trace> {
        self.caller.trace.as_ref()
    }

    /// What is known of the resources that are changed.
    pub(crate) fn states(&self) -> MutexGuard<'_, States> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an event is reported about a resource.
    pub(crate) fn reports(&self, resource: &str) -> bool {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.iter().any(|event| event.is_about(resource))
    }

    /// The kinds of the events that are reported, each once.
    pub(crate) fn reported(&self) -> Vec<&'static str> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let kinds: BTreeSet<_> = events.iter().map(NewEvent::kind).collect();
        kinds.into_iter().collect()
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
