//! Payout batches: what is payable to partners leaves the house, in one currency, after a second
//! person has agreed.
//!
//! Creating a batch decides everything: [`selection`] finds who is due something, [`allocation`]
//! sets off what they owe, [`postings`] reserves the rest in the ledger. What was decided is kept in
//! lines that never change, and their hash is what the approver approves. From then on the batch
//! only moves along its [`lifecycle`], and each move is posted.
//!
//! What always holds:
//! * No amount is in two live batches: reserving it takes it off what is payable, under the lock of
//!   the partner, and an award can never have less than nothing payable.
//! * Whoever created or submitted a batch cannot approve it, and nobody without a name can. One
//!   guarded statement decides, and the database holds it too.
//! * A partner who is suspended is not paid, even if the batch was approved before.
//! * Each step of an item is posted once, for ever: its key is the item and the step.

pub mod allocation;
mod batches;
mod convert;
pub mod lifecycle;
mod moves;
pub mod postings;
pub mod selection;
mod service;

pub use service::Payouts;
