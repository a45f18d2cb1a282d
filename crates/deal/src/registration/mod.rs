//! Registrations: partners' claims to business with customers, made before it is won.
//!
//! A registration is written as a draft, handed in, and decided about in the same breath: nothing
//! stands in its way, or it waits for what does. What overlaps is one business, and one business
//! has one protected partner at a time.
//!
//! * [`service`] answers the calls: each opens its request, runs one use case, answers.
//! * [`registrations`] and [`moves`] hold the use cases, each one transaction.
//! * [`rules`] decides: ten rules in their order, over a [`basis`], which is everything that they look
//!   at. Both are pure. [`gather`] reads a basis; [`decisions`] keeps it with what was decided.
//! * [`joining`] hands in and acts upon ticks, [`queue`] grants, lets go and looks who is next. They run
//!   under the customer's locks.
//! * [`extension`] lets a protection last longer, [`transfer`] gives it to another partner, [`cooling`]
//!   looks at what a partner had before, [`response`] is the clock of the vendor; under the same locks.
//! * [`activities`] is what partners do for their registrations.
//! * [`clarification`] is what the staff want to know before they decide, and [`revocation`] takes a
//!   protection away; both under the same locks.
//! * [`check`] asks the rules what would become of one, and changes nothing; [`explain`] tells how one
//!   was decided about.
//! * [`screening`] looks at what its partner has handed in so far, and at canaries. By [`budget`] it
//!   may be too much, by [`suspicion`] a person must look. These two are pure.
//! * [`conflict`] says who stands in whose way; [`places`] which territories have something in
//!   common; [`eligibility`] who may ask at all; [`protection`] how long a grant lasts. All pure.
//! * [`overlaps`] finds protections that stand in each other's way since their accounts were merged.
//! * [`lifecycle`] says which moves are legal, and what a passed deadline means.
//! * [`convert`] and [`claim`] are the only mapping between the wire and the rows; [`told`] says what
//!   events tell.
//! * [`worker`] acts upon the ends of protections.

pub mod activities;
pub mod basis;
pub mod budget;
pub mod check;
mod claim;
mod clarification;
pub mod conflict;
pub mod convert;
mod cooling;
mod decisions;
pub mod disclosure;
pub mod eligibility;
pub mod explain;
mod extension;
mod gather;
mod held;
mod joining;
pub mod lifecycle;
pub mod moves;
pub(crate) mod overlaps;
pub mod places;
pub mod protection;
mod queue;
pub mod registrations;
mod response;
mod revocation;
pub mod rules;
mod screening;
pub mod service;
pub mod suspicion;
mod told;
mod transfer;
mod turns;
pub mod worker;

pub use service::Registrations;
pub use worker::Protections;
