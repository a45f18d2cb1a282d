//! The one data layer of Trellis.
//!
//! Here live the tables, the queries, and the unit of work that every write goes through. Here do
//! not live: rules (they are in the services), the wire (nothing of gRPC is known here), and the
//! clock (it is given by the server).
//!
//! A service holds a [`Store`]. It [reads](Store::read) through a [`View`] and
//! [writes](Store::write) through a [`Txn`], and both are bound to one ecosystem: every query
//! starts from them, which is how none can leave its tenant.
//!
//! A write is one transaction, always in the same order:
//!
//! 1. the request id is claimed ([`once`]), so that a call sent twice has one effect;
//! 2. locks, sorted: keys without a row ([`lock`]), then rows ([`record::lock`]);
//! 3. the change, guarded by the version that was read ([`record::update`]);
//! 4. the events that report it ([`event`]), which workers and watchers follow ([`worker`]);
//! 5. the answer, stored beside the claim, and the entry in the audit trail ([`audit`]); then the commit.
//!
//! On PostgreSQL a transaction has a connection of its own, at READ COMMITTED with explicit locks,
//! and every connection is bound to one ecosystem, which row level security holds it to ([`session`]).
//! On SQLite all transactions go through one writer that commits them in groups ([`writer`]).

mod attempt;
pub mod audit;
mod bundle;
pub mod check;
mod connect;
pub mod deal;
#[doc(hidden)]
pub mod direct;
pub mod erasure;
mod error;
pub mod event;
mod executor;
mod feed;
mod given;
pub mod incentive;
mod kept;
pub mod lock;
mod once;
pub mod page;
pub mod partner;
pub mod platform;
pub mod program;
#[cfg(test)]
mod query_plan;
pub mod reach;
pub mod record;
pub mod relay;
mod row_security;
mod session;
mod settings;
mod store;
mod view;
pub mod worker;
mod writer;

pub use connect::is_sqlite;
pub use direct::ShortReads;
pub use error::Error;
pub use row_security::Gaps;
pub use settings::Settings;
pub use store::Store;
pub use view::{Txn, View};

/// Whether writes are told to the change feed and entered in the audit trail: always, but in a build that
/// `make bench-trail` makes to measure what that costs.
const TOLD: bool = option_env!("TRELLIS_BUILD_WITHOUT_TRAIL").is_none();

// The fixtures of the conformance tests, for the tests of what cannot be reached from outside.
#[cfg(test)]
extern crate self as trellis_store;
#[cfg(test)]
#[path = "../tests/conformance/support.rs"]
#[expect(
    dead_code,
    reason = "these tests need a part of what the conformance tests need"
)]
mod support;
