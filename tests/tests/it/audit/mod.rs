//! The audit trail: who asked for what, and what came of it.

mod entries;
mod faults;
mod scene;
