//! Plans and their versions, the facts that they pay for, what the facts add up to, the awards, the
//! ledger that their money moves in, and the payouts that take it out.

pub mod award;
pub mod exchange_rate;
pub mod fact;
pub mod ledger;
pub mod payout_batch;
pub mod payout_item;
pub mod payout_line;
pub mod plan;
pub mod plan_version;
pub mod quota;
pub mod recorded_fact;
pub mod standing;
pub mod total;

pub use trellis_core::incentive::plan as terms;
