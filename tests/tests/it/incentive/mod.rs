//! `trellis.incentive.v1`.

mod award;
mod backtest;
mod books;
mod facts;
mod history;
mod ledger;
mod limits;
mod payout;
mod periods;
mod plan;
mod reversal;
mod scene;
mod simulation;
mod terms;
