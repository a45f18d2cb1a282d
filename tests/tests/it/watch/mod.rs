//! The change feed as a stream: that it tells everything in order, whatever happens meanwhile, and
//! ends when it must.

mod ended;
mod followed;
mod losses;
mod many;
mod processes;
pub(crate) mod scene;
mod snapshots;
mod withdrawn;
