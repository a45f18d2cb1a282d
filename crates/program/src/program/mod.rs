//! Programs: what partners join.
//!
//! A program says in which time zone its days end, in which currency its amounts are, and how
//! deals are registered under it. It refuses to be published without a tier, and from then on it
//! keeps a revision of everything that it said.
//!
//! * [`service`] answers the calls, those of tiers too: each opens its request, runs one use case,
//!   answers.
//! * [`programs`] holds the use cases, each one transaction.
//! * [`lifecycle`] says which moves are legal, and what can be edited where.
//! * [`publication`] says what a program needs before it is published.
//! * [`lead_settings`] are those by which it gives leads to partners.
//! * [`registration_settings`] says what its rules of deal registration must be among themselves.
//! * [`registration_clock`] reads the clocks by which they are worked on.
//! * [`convert`] is the only mapping between the wire and the rows.

pub mod convert;
pub mod lead_settings;
pub mod lifecycle;
pub mod programs;
pub mod publication;
mod registration_clock;
pub mod registration_settings;
pub mod service;

pub use service::Programs;
