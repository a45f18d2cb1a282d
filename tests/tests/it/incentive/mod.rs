//! `trellis.incentive.v1`.

mod award;
mod books;
mod ledger;
mod limits;
mod payout;
mod plan;
mod reversal;
mod scene;
mod simulation;
mod terms;
