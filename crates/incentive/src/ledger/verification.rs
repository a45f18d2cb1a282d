//! The proof that the ledger adds up.

use trellis_api::incentive::v1 as pb;
use trellis_core::Call;
use trellis_store::Store;
use trellis_store::incentive::ledger::verify::{self, Rule};

use super::convert::wire_check;
use crate::Error;

/// Makes every check. Something that is found is answered, and told to the log as loudly as can be:
/// it means that a promise of the ledger was broken.
///
/// # Errors
/// `DEADLINE_EXCEEDED` when the ledger is too large to be read in the time that the call has.
pub(super) async fn verify(store: &Store, call: Call) -> Result<pb::VerifyLedgerResponse, Error> {
    let view = store.read(&call).await?;
    let (journal_count, line_count) = verify::size(&view).await?;
    let mut checks = Vec::with_capacity(Rule::ALL.len());
    for rule in Rule::ALL {
        let check = verify::check(&view, rule).await?;
        if check.count > 0 {
            let (ecosystem, findings) = (view.ecosystem(), check.count);
            tracing::error!(%ecosystem, ?rule, findings, "the ledger breaks a rule");
        }
        checks.push(wire_check(view.ecosystem(), check));
    }
    let sound = checks.iter().all(|check| check.finding_count == 0);
    Ok(pb::VerifyLedgerResponse {
        sound,
        journal_count,
        line_count,
        checks,
    })
}
