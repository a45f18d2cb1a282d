//! Taking a protection away. It runs in a transaction that holds the customer.

use trellis_store::Txn;
use trellis_store::deal::protection;
use trellis_store::deal::registration::Model;

use super::held::Held;
use super::lifecycle::{self, Verb};
use super::queue::{self, Leaving};
use crate::Error;

/// Revokes a locked registration: its protection is over now, and whoever waits has their turn.
///
/// One that became a deal is not revoked. What it protected is worked on in the deal, which the staff
/// take from the partner there; its protection runs out by itself.
pub(super) async fn revoke(
    txn: &Txn,
    held: &Held,
    mut registration: Model,
    resource: &str,
    leaving: Leaving,
) -> Result<Model, Error> {
    lifecycle::moved(registration.state, Verb::Revoke, resource)?;
    protection::release(txn, [registration.id.clone()]).await?;
    registration.protection_end_time = Some(txn.now());
    queue::leave(txn, held, registration, resource, leaving).await
}
