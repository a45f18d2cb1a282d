//! Since when workers cannot do their work. What one cannot do it tries again, for ever if it must; nobody
//! would be told but by the log.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use trellis_core::EcosystemId;

/// What a worker has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Work {
    /// To deal with what the feed tells.
    News,
    /// To do what falls due.
    Due,
}

/// Since when the workers of this process cannot do what, in which ecosystems. Cloning it shares it.
#[derive(Clone, Default)]
pub struct Stalls(Arc<Mutex<HashMap<Stall, Instant>>>);

type Stall = (&'static str, EcosystemId, Work);

impl Stalls {
    /// Notes whether a worker could do some work.
    pub(crate) fn note(
        &self,
        worker: &'static str,
        ecosystem: &EcosystemId,
        work: Work,
        done: bool,
    ) {
        let stall = (worker, ecosystem.clone(), work);
        let mut stalls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if done {
            stalls.remove(&stall);
        } else {
            stalls.entry(stall).or_insert_with(Instant::now);
        }
    }

    /// For how long each worker that cannot do some work could not, in the ecosystem where that is longest.
    #[must_use]
    pub fn longest(&self) -> BTreeMap<&'static str, Duration> {
        let mut longest: BTreeMap<&'static str, Duration> = BTreeMap::new();
        let stalls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for ((worker, ..), since) in stalls.iter() {
            let span = longest.entry(worker).or_default();
            *span = since.elapsed().max(*span);
        }
        longest
    }
}
