//! `trellis.incentive.v1`.

mod award;
mod books;
mod desk;
mod facts;
mod history;
mod ledger;
mod limits;
mod payout;
mod payout_back;
mod periods;
mod plan;
mod reversal;
mod scene;
mod simulation;
mod terms;
