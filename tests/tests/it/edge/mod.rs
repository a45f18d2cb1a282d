//! The edge of the server: what it does to peers that speak its protocol wrongly, rudely or too
//! much, and to those that speak it well meanwhile.

mod abuse;
mod admin;
mod attacks;
mod bombs;
mod conformance;
pub(crate) mod frames;
pub(crate) mod process;
mod victim;
