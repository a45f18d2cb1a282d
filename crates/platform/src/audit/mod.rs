//! The audit trail: its readers, and what makes it a proof.
//!
//! * [`entries`] lists, [`checkpoints`] tells what to keep elsewhere.
//! * [`sealer`] makes blocks of what was entered, and has their ends signed ([`note`]).
//! * [`verify`] finds what is not as it was sealed.

mod checkpoints;
mod convert;
mod entries;
pub mod note;
pub mod sealer;
mod service;
pub mod verify;

pub use service::Audit;
