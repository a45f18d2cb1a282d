//! `trellis.deal.v1`.

mod account;
mod account_identity;
mod account_import;
mod account_merge;
mod cases;
mod catalog;
mod catalog_import;
mod conflict_check;
mod cosell;
mod customers;
mod deal_import;
mod deal_records;
mod deals;
mod desk;
pub(crate) mod market;
mod outcomes;
mod pipeline;
mod registration_budget;
mod registration_clock;
mod registration_cool_off;
mod registration_extension;
mod registration_info;
mod registration_line;
mod registration_race;
mod registration_transfer;
mod registrations;
