//! The incentive service: what partners earn, and where the money is.
//!
//! Its nouns:
//! * A [plan](plan) promises; its versions say what they pay, to whom, on which days.
//! * A [fact](fact) is something that happened, written down once and never changed.
//! * An [award](award) is what a partner is entitled to under a plan for a deal or a period,
//!   computed from the facts. It has no state: its money is in the buckets of the ledger.
//! * The [ledger] is double entry and append only; all money that partners earn, are due, are paid
//!   or owe is in its accounts.
//! * A [payout] batch takes what is payable out of the house, once a second person has agreed.
//!
//! One rule makes all awards: `posting = entitlement(facts, plan version) - already posted`. The
//! [worker] applies it to whatever happens; `trellis_evaluation` is its pure part.
//!
//! What always holds:
//! * The buckets of an award add up to what its partner is entitled to.
//! * An award can be computed again from its facts and its plan version, with the same result.
//! * The order in which facts arrive, and how often, makes no difference in the end.
//! * A plan version never changes once it is scheduled.

pub mod award;
mod error;
pub mod fact;
pub mod ledger;
mod limit;
pub mod payout;
pub mod plan;
mod today;
pub mod worker;

use std::sync::Arc;

use trellis_store::worker::Worker;

pub use error::Error;

/// What this service does in the background.
#[must_use]
pub fn workers() -> Vec<Arc<dyn Worker>> {
    vec![Arc::new(worker::Accruals)]
}
