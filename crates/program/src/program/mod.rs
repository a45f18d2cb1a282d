//! Programs: what partners join.
//!
//! A program says in which time zone its days end, in which currency its amounts are, and how
//! deals are registered under it. It refuses to be published without a tier, and from then on it
//! keeps a revision of everything that it said.

pub mod convert;
pub mod lifecycle;
pub mod programs;
pub mod publication;
pub mod registration_settings;
pub mod service;
