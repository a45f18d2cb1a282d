//! The accounts whose names come near one that is asked for: a slip away, by a further name, in another
//! script. They need share no key, so the database does not find them.
//!
//! * [`Nearby`] holds the names of some ecosystems, those that were asked for last. Each is read when it
//!   is first asked for.
//! * [`names`] are those of one ecosystem. Before they answer they follow the change feed to its end.
//!
//! What always holds:
//! * They say which accounts to look at and no more. Whoever asks reads the rows within the caller's
//!   scope and compares them as they stand, so what is held of somebody who is gone shows nothing.
//! * Nothing is decided by them: whoever decides reads the keys, under their locks.

mod names;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;
use tokio::task::JoinError;
use tracing::Instrument;
use trellis_core::{AccountId, EcosystemId};
use trellis_matching::Prepared;
use trellis_store::View;

use crate::Error;
use names::Names;

/// How long somebody waits for names to be read whose call has no deadline.
const PATIENCE: Duration = Duration::from_secs(10);

/// How much of a call's time is kept to answer without them: a tenth, and no more than this.
const TO_ANSWER: Duration = Duration::from_millis(500);

/// How often names are read for one who asks: once more if the database became another one.
const ATTEMPTS: usize = 2;

/// The names of some ecosystems.
#[derive(Clone)]
pub struct Nearby {
    names: Recent<Arc<Names>>,
}

impl Nearby {
    /// Holds the names of so many ecosystems at most; of none, when that is 0.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            names: Recent::new(most),
        }
    }

    /// The accounts of the view's ecosystem whose names come near, whoever they belong to; nothing when
    /// no names are held, or when they cannot be read before the deadline.
    ///
    /// # Errors
    /// [`trellis_store::Error::Driver`] and its kin.
    pub async fn find(
        &self,
        view: &View,
        asked: &Prepared,
        deadline: Option<Instant>,
    ) -> Result<Option<Vec<AccountId>>, Error> {
        if self.names.most == 0 {
            return Ok(None);
        }
        let until = give_up(Instant::now(), deadline);
        let whole = view.whole();
        let found = tokio::time::timeout_at(until.into(), self.search(&whole, asked));
        found.await.unwrap_or(Ok(None))
    }

    async fn search(&self, view: &View, asked: &Prepared) -> Result<Option<Vec<AccountId>>, Error> {
        for _ in 0..ATTEMPTS {
            let slot = self.names.slot(view.ecosystem());
            let whole = view.clone();
            let names = slot.get_or_make(async move { Names::read(&whole).await });
            let names = names.await?;
            if names.catch_up(view).await? {
                return Ok(Some(names.near(asked).await));
            }
            self.names.forget(view.ecosystem(), &slot);
        }
        Ok(None)
    }
}

/// When somebody stops waiting, so that there is time left to answer.
fn give_up(now: Instant, deadline: Option<Instant>) -> Instant {
    let left = deadline.map_or(PATIENCE, |deadline| deadline.saturating_duration_since(now));
    now + left.saturating_sub((left / 10).min(TO_ANSWER))
}

/// What is made for some ecosystems, those that were asked for last.
#[derive(Clone)]
struct Recent<T> {
    most: usize,
    slots: Arc<Mutex<Slots<T>>>,
}

/// The slots of ecosystems. The one that was asked for last is at the end.
type Slots<T> = Vec<(EcosystemId, Slot<T>)>;

/// What is made for one, as soon as it is.
struct Slot<T>(Arc<OnceCell<T>>);

impl<T: Send + Sync + 'static> Recent<T> {
    fn new(most: usize) -> Self {
        Self {
            most,
            slots: Arc::default(),
        }
    }

    /// The slot of an ecosystem. What was asked for the longest ago gives way to a new one.
    fn slot(&self, ecosystem: &EcosystemId) -> Slot<T> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let at = slots.iter().position(|(known, _)| known == ecosystem);
        let slot = at.map_or_else(Slot::new, |at| slots.remove(at).1);
        slots.push((ecosystem.clone(), slot.clone()));
        let over = slots.len().saturating_sub(self.most);
        let gone: Vec<_> = slots.drain(..over).collect();
        drop(slots);
        if !gone.is_empty() {
            // To give back the memory of a million names takes a while.
            tokio::task::spawn_blocking(move || drop(gone));
        }
        slot
    }

    /// Forgets what is in a slot. Whoever has it already keeps it.
    fn forget(&self, ecosystem: &EcosystemId, slot: &Slot<T>) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|(known, held)| known != ecosystem || !Arc::ptr_eq(&held.0, &slot.0));
    }
}

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Clone + Send + Sync + 'static> Slot<T> {
    /// What is in it. The first who asks has it made, and the others wait for that; after a failure the
    /// next one tries again. A caller that gives up does not throw away what was made so far.
    async fn get_or_make<E: Send + 'static>(
        &self,
        make: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Result<T, E> {
        if let Some(made) = self.0.get() {
            return Ok(made.clone());
        }
        let slot = self.0.clone();
        let making = async move { slot.get_or_try_init(|| make).await.cloned() };
        joined(tokio::spawn(making.in_current_span()).await)
    }
}

impl<T> Slot<T> {
    fn new() -> Self {
        Self(Arc::default())
    }
}

/// What a task came to. Nobody stops these tasks, so one that has no outcome has panicked.
fn joined<T>(ended: Result<T, JoinError>) -> T {
    match ended {
        Ok(outcome) => outcome,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

#[cfg(test)]
mod tests;
