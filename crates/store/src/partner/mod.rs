//! The tables of the partner service.

#[expect(
    clippy::module_inception,
    reason = "the table is named like its service"
)]
pub mod partner;
