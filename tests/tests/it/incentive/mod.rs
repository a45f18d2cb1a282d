//! `trellis.incentive.v1`.

mod award;
mod books;
mod ledger;
mod payout;
mod plan;
mod scene;
