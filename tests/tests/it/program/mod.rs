//! `trellis.program.v1`.

mod enrollments;
mod house;
mod lists;
mod programs;
mod publishing;
mod races;
mod revisions;
mod tiers;
