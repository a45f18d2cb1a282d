//! `trellis.deal.v1`.

mod account;
mod account_import;
mod catalog;
mod catalog_import;
mod market;
mod outcomes;
mod registration_line;
mod registration_race;
mod registrations;
