//! `trellis.incentive.v1`.

mod books;
mod ledger;
mod payout;
