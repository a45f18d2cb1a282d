//! `trellis.deal.v1`.

mod catalog;
mod catalog_import;
mod outcomes;
