//! Awards that are computed from facts, whatever a plan version says.
//!
//! What the kernel knows, it computes from totals, a deal or a period at a time. A plan of which one
//! version says more is computed here, with all its versions: from everything that is known of a partner,
//! by the evaluation, each time something about that partner becomes known. Plans that share a group are
//! computed together, since they look at each other; a plan with a budget is computed from the facts of
//! everybody.
//!
//! * [`book`] tells which plans those are, and which of them go together.
//! * [`settle`] brings the awards of some partners to what is known of them.
//! * [`row`] is one award's row: what came out for one partner who gets a part.
//! * [`alone`] does so for facts that have nothing to do with each other, from these facts;
//!   [`budget`] finds what else they touch where a budget is for all.
//! * [`horizon`] tells of which days awards depend on facts of a day: no others are looked at.
//! * [`adopt`] takes over awards that the kernel computed while it knew all versions of the plan.
//! * [`replay`] computes an award once more as it was known then, and [`explanation`] tells it.

mod adopt;
mod alone;
pub(crate) mod book;
mod budget;
pub(crate) mod explanation;
mod horizon;
pub(crate) mod replay;
pub(crate) mod row;
pub(crate) mod settle;
