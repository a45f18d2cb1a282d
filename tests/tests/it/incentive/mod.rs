//! `trellis.incentive.v1`.

mod award;
mod books;
mod facts;
mod ledger;
mod limits;
mod payout;
mod plan;
mod scene;
mod simulation;
mod terms;
