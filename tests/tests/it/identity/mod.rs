//! Who calls, and what they were granted: real credentials at the real port.

mod forged;
mod grants;
mod keys;
mod replicas;
pub(crate) mod scene;
mod told;
mod withdrawn;
