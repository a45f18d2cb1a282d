//! The values of incentives: what a plan version pays, what happened, what a partner was then, what an
//! award comes to and what was ruled about it.
//!
//! They are here because the store keeps them in columns and the evaluation computes with them, and
//! neither knows the other.

pub mod award;
pub mod fact;
pub mod plan;
pub mod ruling;
pub mod standing;
pub mod terms;

pub use award::{Buckets, NotPaid};
pub use fact::{Fact, Kind};
pub use ruling::{Ruling, RulingKind, Rulings};
pub use standing::Standing;
pub use terms::Terms;
