//! Worked cases, exact to the coin, each under its number. Those that come from a public source are
//! an oracle that was not written here.

mod back;
mod limits;
mod parts;
mod schedules;
mod story;

use crate::scene::*;
use trellis_core::Rate;
use trellis_evaluation::plan::*;

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

/// What one invoice of so much comes to.
fn of(plan: &PlanVersion, minor: i64) -> i64 {
    only(plan, &[invoice("i-1", "2026-05-04", minor)]).entitled
}

fn shares(award: &trellis_evaluation::evaluate::Award) -> Vec<i64> {
    award.shares.iter().map(|share| share.minor).collect()
}

fn clawback(mode: ClawbackMode, window: u32) -> Clawback {
    Clawback {
        triggers: vec![ClawbackTrigger::Churn, ClawbackTrigger::Revocation],
        mode,
        window,
        grace: 0,
        anchor: Anchor::Event,
    }
}
