//! Who is the same company as whom.
//!
//! Partners name the same customer in their own ways, and different customers in the same way. A
//! [`Profile`] is what is known of an account; [`Prepared`] is that with its keys made; [`compare`]
//! says how sure it is that two are one company, by which rule, and on what evidence.
//!
//! ```text
//! Profile ─▶ Prepared ─┬─▶ exact_keys   where accounts of one company necessarily meet
//!                      ├─▶ Index        who of a million comes into question
//!                      └─▶ compare ─▶ Match { level, score, rule, evidence }
//! ```
//!
//! * [`identifier`] reads numbers of registers, [`domain`] what of a web site identifies, [`name`]
//!   what of a name does; [`free_mail`] lists the domains that identify nobody.
//! * [`Rules`] is the versioned rule set: every number that decides.
//!
//! Everything here is a function of its arguments, in whole numbers: the same input has the same
//! answer on every machine. Nothing here knows a database.

pub mod compare;
pub mod domain;
mod exact;
pub mod free_mail;
pub mod identifier;
pub mod index;
pub mod name;
mod place;
mod profile;
mod rules;

pub use compare::{Argues, Evidence, EvidenceKind, Level, Match, Rule, compare, compare_by};
pub use exact::{LONGEST_KEY, exact_keys};
pub use identifier::Identifier;
pub use index::Index;
pub use name::{LegalClass, Name};
pub use place::Address;
pub use profile::{Domain, Prepared, Profile};
pub use rules::{RULES_VERSION, Rules};
