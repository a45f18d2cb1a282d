//! Plans and their versions, the facts that they pay for, what the facts add up to, the awards, and
//! the ledger that their money moves in.

pub mod award;
pub mod fact;
pub mod ledger;
pub mod plan;
pub mod plan_version;
pub mod standing;
pub mod terms;
pub mod total;
