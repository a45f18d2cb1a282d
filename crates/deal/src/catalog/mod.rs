//! The catalogue: what an ecosystem sells and where.
//!
//! [`CatalogService`](service) keeps four nouns, each in a folder of its own:
//!
//! * [`product`]: what is sold. Registrations claim products, deals hold them.
//! * [`product_family`]: products that belong together. Every display name is one family's, so that
//!   an import can name a family by it.
//! * [`territory`]: parts of the market, which may lie within one another and form no circle.
//! * [`house_account`]: customers that the vendor keeps to itself; registrations of theirs are refused.
//!
//! None of them has a state: nothing here begins or ends, and a deal keeps what it was made with.

pub mod house_account;
pub mod product;
pub mod product_family;
pub mod service;
pub mod territory;

pub use service::Catalog;
