//! The audit trail: who asked for what, and what came of it.
//!
//! A command that succeeds writes its [entry](entry) in its own transaction, beside its events: an event
//! tells what has happened to a resource, the entry who asked for it, by which method and in which call,
//! and where its events stand. What was refused, and what was read of what is sensitive, is entered
//! afterwards ([`record`]).
//!
//! What has been entered is sealed, [as it stands in its rows](row), into [blocks](block) of a
//! [Merkle tree](merkle), whose roots are signed.
//!
//! Entries have places of their own, made as those of events are: whoever reads them up to the oldest
//! transaction that runs has read all that will ever be there.

pub mod block;
pub mod entry;
pub mod merkle;
pub mod row;

use trellis_core::EcosystemId;

pub use entry::Draft;

use crate::{Error, Store, worker};

/// The part of the server that enters what happened outside of a transaction.
const PART: &str = "audit";

/// Enters what was refused or read in an ecosystem, in the order given. Answers whether there is such an
/// ecosystem.
///
/// # Errors
/// [`Error::Driver`] and its kin.
pub async fn record(
    store: &Store,
    ecosystem: &EcosystemId,
    drafts: Vec<Draft>,
) -> Result<bool, Error> {
    let recorded = worker::transact(store, ecosystem, PART, move |txn| {
        let drafts = drafts.clone();
        async move { entry::insert(&txn, &drafts).await }
    });
    match recorded.await {
        Ok(()) => Ok(true),
        Err(Error::NoEcosystem { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}
