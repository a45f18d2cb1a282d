//! The ledger: double entry, append only.
//!
//! Everything that a partner earns, has held back, is due, is paid or owes is the balance of an
//! account, and every change of it is a journal whose lines balance. Nothing is ever changed or
//! removed; a correction is a further journal.
//!
//! * [`chart`] says which accounts there can be; [`posting`] what can be posted to them. A
//!   [`Posting`] that does not balance cannot be made.
//! * [`append`] is the only door: it writes postings and what follows from them. The database
//!   checks once more: a journal whose lines do not balance is refused, and so is a line that would
//!   take a constrained account below zero, or any change of what was written.
//! * [`balance`], [`due`] and [`statement`] read it; [`verify`] proves all of it again from the
//!   lines.
//!
//! * [`period`] says which months are closed. What would count in one of them counts on the first day
//!   that is open, and says where it belongs.
//!
//! A posting whose amount depends on what an account has must be made under the [`lock`] of the
//! partner whose account it is.

pub mod account;
mod append;
pub mod balance;
pub mod chart;
mod draft;
pub mod due;
pub mod journal;
pub mod line;
pub mod period;
pub mod posting;
pub mod slice;
pub mod statement;
pub mod verify;

use sea_orm::{ConnectionTrait, QueryResult, Statement, Value};

use crate::{Error, View};

pub use append::{Posted, append, lock, posted};
pub use balance::{Buckets, award_buckets};
pub use chart::{Account, Class, HoldReason, Owner, Rail, Side};
pub use posting::{Fault, Key, Kind, Line, Posting, Rejected};

/// Runs a query that SeaORM's builder has no words for. What varies in it is bound, never written
/// into the text.
async fn query(
    view: &View,
    sql: impl Into<String>,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<QueryResult>, Error> {
    let db = view.db();
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    Ok(db.query_all_raw(statement).await?)
}
