//! Erases the name of somebody from what is kept of the past: what [contents] there are of what the change feed
//! told of resources and of the answers that are kept for request ids, and the [entries] of the audit trail.
//! Events, requests and entries stay.
//!
//! Each goes in steps that are transactions of their own, for somebody may have called a million times. What
//! a step has erased stays so when a later one fails.

mod contents;
mod entries;

use trellis_core::{Actor, EcosystemId};

use crate::audit::Draft;
use crate::{Error, Store, Txn, worker};

pub use entries::count as count_entries;

/// The part of the server that erases.
const PART: &str = "platform.erasure";

/// Of how many of them a name was erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erased {
    /// Events, of the state of the resource.
    pub states: u64,
    /// Request ids, of the answer.
    pub answers: u64,
    /// Entries of the audit trail, of who called.
    pub entries: u64,
}

/// Erases a name. States and answers are erased wherever it stands in them, as a word or a part of one;
/// entries lose it where it is the principal or the person, and that of each is entered: `by` is the entry
/// of who asks for it.
///
/// # Errors
/// [`Error::Driver`] and its kin. What was erased by then stays so.
pub async fn erase(
    store: &Store,
    ecosystem: &EcosystemId,
    name: &Actor,
    by: Option<&Draft>,
) -> Result<Erased, Error> {
    Ok(Erased {
        states: contents::erase_states(store, ecosystem, name).await?,
        answers: contents::erase_answers(store, ecosystem, name).await?,
        entries: entries::erase(store, ecosystem, name, by).await?,
    })
}

/// Takes steps from a place to the next one, until there is none; answers what they count together.
async fn in_steps<P, F>(
    store: &Store,
    ecosystem: &EcosystemId,
    first: P,
    step: impl Fn(Txn, P) -> F + Clone + Send + Sync + 'static,
) -> Result<u64, Error>
where
    P: Clone + Send + Sync + 'static,
    F: Future<Output = Result<Option<(P, u64)>, Error>> + Send + 'static,
{
    let (mut place, mut count) = (first, 0);
    loop {
        let (step, from) = (step.clone(), place.clone());
        let taken = worker::transact(store, ecosystem, PART, move |txn| step(txn, from.clone()));
        match taken.await? {
            Some((to, some)) => (place, count) = (to, count + some),
            None => return Ok(count),
        }
    }
}
