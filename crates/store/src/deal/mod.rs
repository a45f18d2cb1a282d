//! The tables of the deal service, and the facts that it reports.

pub mod account;
pub mod account_key;
pub mod canary_hit;
pub mod customer;
#[expect(
    clippy::module_inception,
    reason = "the table is named like its service"
)]
pub mod deal;
pub mod eligibility;
pub mod facts;
pub mod history;
pub mod identity;
pub mod lead;
pub mod lead_routing;
pub mod origin;
pub mod part;
pub mod pipeline;
pub mod product;
pub mod product_family;
pub mod protection;
pub mod record;
pub mod reference;
pub mod registration;
pub mod submission;
pub mod submission_key;
pub mod territory;
