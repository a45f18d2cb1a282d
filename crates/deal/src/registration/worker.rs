//! Acts upon deadlines: at the end of a protection an approved registration expires, and whoever
//! waits for the same business has their turn; what a partner did not answer in time is taken back; at
//! its tick a registration is approved by itself; what nobody has responded to is escalated. And when what
//! an account is recognised by changes, whoever waited because of it is looked at again.

use std::collections::BTreeSet;

use futures::future::BoxFuture;
use trellis_core::AccountId;
use trellis_store::deal::registration::{self, Entity};
use trellis_store::worker::{WorkError, Worker};
use trellis_store::{Txn, event, record};

use super::{clarification, held, joining, queue, response, turns};
use crate::Error;

/// The worker of registrations.
pub struct Protections;

impl Protections {
    /// Its name, which keys its place in the feed.
    pub const NAME: &'static str = "deal.protections";
}

impl Worker for Protections {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn kinds(&self) -> Option<&'static [&'static str]> {
        Some(&["account.updated", "account.merged", "account.split"])
    }

    fn consume<'a>(
        &'a self,
        txn: &'a Txn,
        events: &'a [event::Model],
    ) -> BoxFuture<'a, Result<(), WorkError>> {
        Box::pin(async move { changed(txn, events).await.map_err(WorkError::new) })
    }

    fn sweep<'a>(&'a self, txn: &'a Txn) -> BoxFuture<'a, Result<usize, WorkError>> {
        Box::pin(async move {
            let ended = Box::pin(end_one(txn)).await.map_err(WorkError::new)?;
            if ended > 0 {
                return Ok(ended);
            }
            let lapsed = Box::pin(lapse_one(txn)).await.map_err(WorkError::new)?;
            if lapsed > 0 {
                return Ok(lapsed);
            }
            let decided = Box::pin(decide_one(txn)).await.map_err(WorkError::new)?;
            if decided > 0 {
                return Ok(decided);
            }
            Box::pin(escalate_one(txn)).await.map_err(WorkError::new)
        })
    }
}

/// Looks again at whoever waits at accounts that have changed, or for somebody there.
async fn changed(txn: &Txn, events: &[event::Model]) -> Result<(), Error> {
    let accounts = events.iter().filter_map(|event| {
        let (_, id) = event.resource.rsplit_once("/accounts/")?;
        AccountId::try_new(id).ok()
    });
    let accounts: BTreeSet<AccountId> = accounts.collect();
    if accounts.is_empty() {
        return Ok(());
    }
    let waiting = registration::waiting_about(txn, &accounts).await?;
    let held = held::hold_all(txn, &waiting).await?;
    turns::look_again(txn, &held, &waiting).await
}

/// Ends the protection that has been over the longest. One a transaction, so that the locks of
/// different customers are never waited for in a circle.
async fn end_one(txn: &Txn) -> Result<usize, Error> {
    let Some(seen) = registration::due(txn, 1).await?.pop() else {
        return Ok(0);
    };
    let held = held::hold(txn, &seen).await?;
    if let Some(registration) = record::lock::<Entity>(txn, &seen.id).await? {
        queue::end_protection(txn, &held, registration).await?;
    }
    Ok(1)
}

/// Takes the registration back that has been unanswered the longest, in a transaction of its own for
/// the same reason.
async fn lapse_one(txn: &Txn) -> Result<usize, Error> {
    let Some(seen) = registration::unanswered(txn, 1).await?.pop() else {
        return Ok(0);
    };
    let held = held::hold(txn, &seen).await?;
    if let Some(registration) = record::lock::<Entity>(txn, &seen.id).await? {
        clarification::lapse(txn, &held, registration).await?;
    }
    Ok(1)
}

/// Decides about the registration whose tick came first, in a transaction of its own for the same
/// reason.
async fn decide_one(txn: &Txn) -> Result<usize, Error> {
    let Some(seen) = registration::ticking(txn, 1).await?.pop() else {
        return Ok(0);
    };
    let held = held::hold(txn, &seen).await?;
    if let Some(registration) = record::lock::<Entity>(txn, &seen.id).await? {
        joining::tick(txn, &held, registration).await?;
    }
    Ok(1)
}

/// Escalates the registration that nobody has responded to for the longest, in a transaction of its own
/// for the same reason.
async fn escalate_one(txn: &Txn) -> Result<usize, Error> {
    let Some(seen) = registration::unresponded(txn, 1).await?.pop() else {
        return Ok(0);
    };
    let held = held::hold(txn, &seen).await?;
    if let Some(registration) = record::lock::<Entity>(txn, &seen.id).await? {
        response::escalate(txn, &held, registration).await?;
    }
    Ok(1)
}
