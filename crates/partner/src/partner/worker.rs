//! Makes the passed deadlines of partners visible: invitations that nobody answered, suspensions
//! and notices that ended. Each becomes a row's change and an event, as if somebody had called.

use futures::future::BoxFuture;
use trellis_api::name;
use trellis_store::event::{self, NewEvent};
use trellis_store::partner::partner::{self, Entity};
use trellis_store::worker::{WorkError, Worker};
use trellis_store::{Txn, record};

use super::lifecycle;
use super::partners::{moved, reported};

/// Partners of one transaction.
const BATCH: u64 = 100;

/// The worker of the partner service.
pub struct Deadlines;

impl Deadlines {
    /// Its name, which keys its place in the feed.
    pub const NAME: &'static str = "partner.deadlines";
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
        Box::pin(async move {
            let partners = partner::lock_due(txn, BATCH).await?;
            let count = partners.len();
            for mut partner in partners {
                let Some(verb) = lifecycle::due(&partner, txn.now()) else {
                    continue;
                };
                let from = partner.state;
                lifecycle::settle(&mut partner, verb);
                let event = NewEvent::new(reported(verb), name(txn.ecosystem(), &partner.id))
                    .because("DEADLINE_PASSED")
                    .for_partner(&partner.id)
                    .with(moved(from, partner.state));
                record::update::<Entity>(txn, partner).await?;
                event::append(txn, event);
            }
            Ok(count)
        })
    }
}
