//! The worker that removes events once they are old enough, as the operator says.

use std::time::Duration;

use futures::future::BoxFuture;
use trellis_store::Txn;
use trellis_store::event::{self, Model};
use trellis_store::worker::{WorkError, Worker};

/// Events that are removed in one transaction.
const STEP: u64 = 500;

/// The worker of the feed's retention.
pub struct Retention {
    /// How old events get, by their ecosystem's clock.
    kept: Duration,
    /// The workers and relays of the deployment: nothing is removed before each of them has begun.
    awaited: Vec<&'static str>,
}

impl Retention {
    /// A worker that removes what is older than this and what those have passed who are awaited.
    #[must_use]
    pub fn new(kept: Duration, awaited: Vec<&'static str>) -> Self {
        Self { kept, awaited }
    }
}

impl Worker for Retention {
    fn name(&self) -> &'static str {
        "platform.retention"
    }

    /// It reads none.
    fn kinds(&self) -> Option<&'static [&'static str]> {
        Some(&[])
    }

    fn consume<'a>(&'a self, _: &'a Txn, _: &'a [Model]) -> BoxFuture<'a, Result<(), WorkError>> {
        Box::pin(async { Ok(()) })
    }

    fn sweep<'a>(&'a self, txn: &'a Txn) -> BoxFuture<'a, Result<usize, WorkError>> {
        Box::pin(async move {
            let before = txn.now().saturating_sub(self.kept);
            Ok(event::remove(txn, before, &self.awaited, STEP).await?)
        })
    }
}
