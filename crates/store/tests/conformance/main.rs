//! What the data layer promises, on both databases.
//!
//! PostgreSQL is found by `TRELLIS_TEST_POSTGRES_URL`, which `make test` sets. With
//! `TRELLIS_TEST_DATABASES=sqlite` only SQLite is tried.

#[cfg(test)]
mod accounts;
#[cfg(test)]
mod check;
#[cfg(test)]
mod deliveries;
#[cfg(test)]
mod endings;
#[cfg(test)]
mod feed;
#[cfg(test)]
mod filters;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod once;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod relays;
#[cfg(test)]
mod scope;
#[cfg(test)]
mod short;
#[cfg(test)]
mod support;
#[cfg(test)]
mod surroundings;
#[cfg(test)]
mod watch;
#[cfg(test)]
mod workers;
