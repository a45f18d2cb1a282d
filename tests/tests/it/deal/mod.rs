//! `trellis.deal.v1`.

mod account;
mod account_import;
mod catalog;
mod catalog_import;
mod outcomes;
