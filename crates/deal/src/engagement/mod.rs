//! Engagements: work on one customer that the vendor does together with several partners.
//!
//! The vendor says who is invited, and what is shared with whom. A partner learns of the customer by
//! accepting, of what was shared with it and nothing else, and of other members only where the
//! engagement says so.
//!
//! * [`service`] answers the calls: each opens its request, runs one use case, answers.
//! * [`engagements`], [`members`] and [`snapshots`] hold the use cases, each one transaction. Whatever
//!   changes who is in an engagement, or what is shared there, runs under the lock of its row.
//! * [`content`] copies the fields of a resource that can be shared. Pure.
//! * [`disclosure`] says what of all that a partner sees. Pure.
//! * [`lifecycle`] says which moves are legal, and what a passed deadline means.
//! * [`convert`] is the only mapping between the wire and the rows.
//! * [`worker`] ends the invitations that nobody answered in time.

pub mod content;
pub mod convert;
pub mod disclosure;
pub mod engagements;
pub mod lifecycle;
pub mod members;
pub mod service;
pub mod snapshots;
pub mod worker;

pub use service::Engagements;
pub use worker::Invitations;
