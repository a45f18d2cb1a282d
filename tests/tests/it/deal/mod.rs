//! `trellis.deal.v1`.

mod account;
mod account_identity;
mod account_import;
mod account_merge;
mod catalog;
mod catalog_import;
mod conflict_check;
mod cosell;
mod customers;
mod deal_import;
mod deal_records;
mod deals;
pub(crate) mod market;
mod outcomes;
mod pipeline;
mod registration_budget;
mod registration_line;
mod registration_race;
mod registrations;
