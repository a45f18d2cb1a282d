//! The tables of the platform: ecosystems, the change feed, the workers' places in it.

pub mod cursor;
pub mod ecosystem;
pub mod parked;
