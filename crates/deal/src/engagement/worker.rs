//! Ends the invitations to engagements that nobody answered in time.

use futures::future::BoxFuture;
use trellis_store::deal::{engagement, engagement_member};
use trellis_store::worker::{WorkError, Worker};
use trellis_store::{Txn, event, record};

use super::members;
use crate::Error;

/// The worker of invitations.
pub struct Invitations;

impl Invitations {
    /// Its name, which keys its place in the feed.
    pub const NAME: &'static str = "deal.invitations";
}

impl Worker for Invitations {
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
        Box::pin(async move { expire_one(txn).await.map_err(WorkError::new) })
    }
}

/// Ends the invitation that has been over the longest. One a transaction, so that the locks of
/// different engagements are never waited for in a circle.
async fn expire_one(txn: &Txn) -> Result<usize, Error> {
    let Some(seen) = engagement_member::due(txn, 1).await?.pop() else {
        return Ok(0);
    };
    record::lock::<engagement::Entity>(txn, &seen.engagement).await?;
    if let Some(member) = engagement_member::lock(txn, &seen.engagement, &seen.id).await? {
        members::expire(txn, member).await?;
    }
    Ok(1)
}
