//! Accounts: the end customers, and what identifies each of them.
//!
//! * [`domain`] reads what identifies an organisation out of its web sites.
//! * [`free_mail`] lists the domains that identify nobody.

pub mod domain;
pub mod free_mail;
