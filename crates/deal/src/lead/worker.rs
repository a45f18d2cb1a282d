//! Acts upon the deadlines of leads: an offer that was not accepted in time goes to the next partner,
//! and what was accepted and not acted on in time is lost.

use futures::future::BoxFuture;
use trellis_store::deal::lead::{self, Entity};
use trellis_store::worker::{WorkError, Worker};
use trellis_store::{Txn, event, record};

use super::routing;
use crate::Error;

/// The worker of leads.
pub struct Deadlines;

impl Deadlines {
    /// Its name, which keys its place in the feed.
    pub const NAME: &'static str = "deal.leads";
}

impl Worker for Deadlines {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn kinds(&self) -> Option<&'static [&'static str]> {
        Some(&[])
    }

    fn consume<'a>(
        &'a self,
        _txn: &'a Txn,
        _events: &'a [event::Model],
    ) -> BoxFuture<'a, Result<(), WorkError>> {
        Box::pin(async { Ok(()) })
    }

    fn sweep<'a>(&'a self, txn: &'a Txn) -> BoxFuture<'a, Result<usize, WorkError>> {
        Box::pin(async move { act_on_one(txn).await.map_err(WorkError::new) })
    }
}

/// Acts upon the deadline that passed first. One a transaction, because leads are routed under a lock
/// of their program.
async fn act_on_one(txn: &Txn) -> Result<usize, Error> {
    let Some(seen) = lead::due(txn, 1).await?.pop() else {
        return Ok(0);
    };
    if let Some(lead) = record::lock::<Entity>(txn, &seen.id).await? {
        routing::act(txn, lead).await?;
    }
    Ok(1)
}
