//! How much a caller may approve at once.

use trellis_core::Money;
use trellis_core::access::{Refused, rules};
use trellis_store::Txn;

/// Refuses to approve what is above the caller's limit.
///
/// # Errors
/// [`Refused::ApprovalLimit`].
pub(crate) fn within_limit(txn: &Txn, resource: &str, amount: Money) -> Result<(), Refused> {
    if rules::is_within_limit(txn.scope(), amount) {
        return Ok(());
    }
    Err(Refused::ApprovalLimit {
        resource: resource.to_owned(),
        actor: txn.signatory().clone(),
        amount,
    })
}
