//! What partners earn, as pure functions: `evaluate(plan version, facts) -> awards, and why`.
//!
//! Nothing here reads a clock or a database, draws a random number or uses a floating-point one.
//! Amounts are whole minor units, rates are exact fractions, and money is rounded at named places
//! only. So an award can be computed again years later, by whoever has its facts and its plan.
//!
//! * A [`plan`] version says what is paid, in nine groups of terms.
//! * [`evaluate`] applies it to facts, in fixed steps that a trace tells of.
//! * [`lint`] finds what is likely to be a mistake, and how complicated a version is.
//! * A [`predicate`] says whom a plan pays and what for.
//!
//! The incentive service accrues awards of deals and periods with the [`kernel`], which computes a part of
//! the terms; it simulates, describes and reviews all of them.

pub mod evaluate;
pub mod kernel;
pub mod lint;
pub mod plan;
pub mod predicate;
