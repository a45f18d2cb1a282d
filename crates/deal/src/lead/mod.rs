//! Leads: who may buy, found by the vendor and given to a partner to work on.
//!
//! A lead is offered to one partner after the other until one accepts it; who comes next follows from
//! a rule that is fair, can be replayed, and explains itself. A partner learns of a lead by the
//! offer, of the company and the person by accepting, and of the other partners never.
//!
//! * [`service`] answers the calls: each opens its request, runs one use case, answers.
//! * [`leads`] holds the use cases, each one transaction.
//! * [`routing`] offers a lead to the next partner, and acts upon deadlines. It runs under the lead's
//!   lock and that of its program's routing.
//! * [`eligibility`] says who can be offered a lead, [`coverage`] which territories cover it, and
//!   [`choice`] who of those is. All pure.
//! * [`disclosure`] says what of a lead its partner sees. Pure.
//! * [`lifecycle`] says which moves are legal, and what a passed deadline means.
//! * [`convert`] is the only mapping between the wire and the rows.
//! * [`worker`] acts upon the deadlines of leads.

pub mod choice;
pub mod convert;
pub mod coverage;
pub mod disclosure;
pub mod eligibility;
pub mod leads;
pub mod lifecycle;
mod routing;
pub mod service;
pub mod worker;

pub use service::Leads;
pub use worker::Deadlines;
