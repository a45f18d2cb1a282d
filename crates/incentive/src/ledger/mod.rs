//! The ledger as people read it: accounts, journals, the trial balance, statements, and the proof
//! that it adds up.
//!
//! Nothing here writes. What is written, and how, is the store's
//! [`ledger`](trellis_store::incentive::ledger); this folder only tells it:
//!
//! * [`statement`] makes of a partner's lines what came and went, and checks that it leads from the
//!   opening to the closing balance;
//! * verification reads everything again, lines first, and names what does not fit.

mod accounts;
mod convert;
mod journals;
mod service;
pub mod statement;
mod statements;
mod trial_balance;
mod verification;

pub use service::Ledger;
