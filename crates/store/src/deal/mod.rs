//! The tables of the deal service, and the facts that it reports.

pub mod account;
pub mod account_key;
pub mod canary_hit;
pub mod claim;
pub mod contender;
pub mod customer;
#[expect(
    clippy::module_inception,
    reason = "the table is named like its service"
)]
pub mod deal;
pub mod deal_participant;
pub mod eligibility;
pub mod engagement;
pub mod engagement_member;
pub mod engagement_snapshot;
pub mod external_id;
pub mod facts;
pub mod field;
pub mod history;
pub mod house_account;
pub mod identity;
pub mod lead;
pub mod lead_routing;
pub mod origin;
pub mod part;
pub mod pipeline;
pub mod product;
pub mod product_family;
pub mod proposal;
pub mod protection;
pub mod record;
pub mod reference;
pub mod registration;
pub mod registration_activity;
pub mod registration_decision;

pub mod submission;
pub mod submission_key;
pub mod surroundings;
pub mod territory;
