//! The kernel of incentives: what is earned, as pure functions.
//!
//! One rule makes everything: `posting = entitlement(facts, plan version) - already posted`, for each
//! award by itself. Bands, back-to-the-first-dollar, refunds before and after a payout, late facts,
//! reopened deals and retired plans need no code of their own: each changes what the partner is
//! entitled to, and the difference is posted.
//!
//! ```text
//! facts --measure--> amounts --entitlement--> entitled --ruling--> due --posting--> moves between buckets
//!                                   |
//!                      steps: why, in sentences; trace: a hash that shows that it can be repeated
//! ```
//!
//! Nothing here reads a clock or a database, draws a random number or uses a floating-point one.
//! Amounts are whole minor units, rates are exact fractions, and each evaluation rounds once.

pub mod entitlement;
pub mod measure;
pub mod period;
pub mod posting;
pub mod ruling;
pub mod schedule;
pub mod steps;
pub mod trace;
pub mod words;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod vectors;
