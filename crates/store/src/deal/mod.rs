//! The tables of the deal service, and the facts that it reports.

#[expect(
    clippy::module_inception,
    reason = "the table is named like its service"
)]
pub mod deal;
pub mod facts;
pub mod record;
