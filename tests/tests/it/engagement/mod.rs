//! Engagements: who is invited, what a partner learns when, and what is shared with it.

mod deadlines;
mod lifecycle;
mod methods;
mod races;
mod scene;
mod secrecy;
mod snapshots;
