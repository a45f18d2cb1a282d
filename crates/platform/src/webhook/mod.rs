//! Webhooks: other systems are told of events as they happen, by an HTTP request for each.
//!
//! * [`webhooks`] keeps the addresses, [`deliveries`] tells what became of what was sent.
//! * [`worker`] reads the feed, and puts what a webhook is told of into its queue, in the transaction that
//!   moves the worker's place in the feed.
//! * [`lanes`] sends: each webhook has a lane of its own, so that one that is slow delays no other.
//! * [`outcome`] says what becomes of a delivery by what was answered; [`envelope`](crate::event::envelope),
//!   [`signature`] and [`target`] what is sent, how it is signed, and where it may go; [`sender`] sends it.
//!
//! What always holds:
//! * Whatever a webhook is told of is sent at least once, with the same `webhook-id` each time, and after
//!   everything before it about the same resource was taken or given up.
//! * A partner's webhook is told what the partner's administrators may list, by the same code.
//! * Nothing is sent to an address that is not public, unless the operator has named the host.

mod convert;
mod deliveries;
mod lanes;
mod outcome;
pub mod sender;
mod service;
mod signature;
pub mod target;
mod webhooks;
mod worker;

pub use lanes::Lanes;
pub use service::Webhooks;
pub use worker::Deliveries;
