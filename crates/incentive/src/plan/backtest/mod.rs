//! What partners would have got, had proposed terms held, beside what they get by the terms that hold.
//!
//! Both sides are computed alike, from the facts as they are recorded, by what computes awards in
//! earnest: the kernel and the evaluation. Nothing is written.
//!
//! * [`convert`] reads what is asked.
//! * [`sides`] tells which versions hold on each side, and which plans have to be computed.
//! * [`chunks`] tells whose facts are computed together, so that memory is bounded.
//! * [`compute`] computes the awards of both sides from the facts of a chunk.
//! * [`report`] adds up what they come to, [`budget`] what is used of budgets, [`steps`] where two
//!   computations part ways.
//! * [`run`] does all that as a stream; [`wire`] puts it on the wire.

mod budget;
mod chunks;
mod compute;
pub(super) mod convert;
mod percent;
mod report;
pub(super) mod run;
mod sides;
mod steps;
mod wire;
