//! Awards that are computed from facts, whatever a plan version says.
//!
//! What the kernel knows, it computes from totals, a deal or a period at a time. All other plan versions
//! are computed here: from everything that is known of a partner, by the evaluation, each time something
//! about that partner becomes known. Plans that share a group are computed together, since they look at
//! each other; a plan with a budget is computed from the facts of everybody.
//!
//! * [`book`] tells which plans those are, and which of them go together.
//! * [`settle`] brings the awards of some partners to what is known of them.
//! * [`row`] is one award's row: what came out for one partner who gets a part.
//! * [`replay`] computes an award once more as it was known then, and [`explanation`] tells it.
//!
//! An award belongs to the version that holds on its day: where a kernel's version holds on the first day
//! of a period, the period is the kernel's, whatever came later.

pub(crate) mod book;
pub(crate) mod explanation;
pub(crate) mod replay;
pub(crate) mod row;
pub(crate) mod settle;
