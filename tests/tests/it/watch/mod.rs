//! The change feed as a stream: that it tells everything in order, whatever happens meanwhile, and
//! ends when it must.

mod ended;
mod faults;
mod followed;
mod held;
mod losses;
mod many;
mod processes;
mod proxy;
mod removed;
pub(crate) mod scene;
mod snapshots;
mod states;
mod withdrawn;

pub(crate) use losses::hold;
