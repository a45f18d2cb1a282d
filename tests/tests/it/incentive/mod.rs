//! `trellis.incentive.v1`.

mod award;
mod books;
mod budget;
mod facts;
mod history;
mod ledger;
mod limits;
mod payout;
mod periods;
mod plan;
mod retro;
mod reversal;
mod scene;
mod simulation;
mod stories;
mod terms;
