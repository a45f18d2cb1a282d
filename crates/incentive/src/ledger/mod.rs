//! The ledger as people read it: accounts, journals, the trial balance, statements, and the proof
//! that it adds up.
//!
//! What is written, and how, is the store's [`ledger`](trellis_store::incentive::ledger); this folder
//! tells it:
//!
//! * [`statement`] makes of a partner's lines what came and went, and checks that it leads from the
//!   opening to the closing balance;
//! * verification reads everything again, lines first, and names what does not fit;
//!
//! and corrects and closes it: [`reversal`] says which journals can be reversed, [`lifecycle`] how
//! periods are closed.

mod accounts;
mod convert;
mod journals;
pub mod lifecycle;
mod periods;
pub mod reversal;
mod reversals;
mod service;
pub mod statement;
mod statements;
mod trial_balance;
mod verification;

pub use service::Ledger;
