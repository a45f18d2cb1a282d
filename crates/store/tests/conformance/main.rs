//! What the data layer promises, on both databases.
//!
//! PostgreSQL is found by `TRELLIS_TEST_POSTGRES_URL`, which `make test` sets. With
//! `TRELLIS_TEST_DATABASES=sqlite` only SQLite is tried.

mod accounts;
mod check;
mod feed;
mod ledger;
mod once;
mod pages;
mod scope;
mod support;
mod workers;
