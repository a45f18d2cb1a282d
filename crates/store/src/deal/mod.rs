//! The tables of the deal service.

pub mod account;
pub mod account_key;
pub mod product;
pub mod product_family;
pub mod territory;
