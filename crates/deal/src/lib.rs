//! The deal service: what an ecosystem sells, to whom, and who may work on which business.

pub mod account;
pub mod hierarchy;
