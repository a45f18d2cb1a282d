//! Deals: business with customers, from the first contact to the signature and what follows it.
//!
//! * [`service`] answers the calls: each opens its request, runs one use case, answers.
//! * [`deals`] holds the use cases that make and read a deal, [`editing`] and [`moves`] those that
//!   change it, [`assigning`] who plays which part, [`records`] what is recorded after a win; each
//!   is one transaction. [`summary`] sums all up.
//! * [`import`] brings deals from another system, a message at a time.
//! * [`lifecycle`] says which moves are legal; [`amounts`] what a deal and its lines are worth;
//!   [`roles`] who plays which part; [`pipeline`] how deals are summed up. All pure.
//! * [`convert`] is the only mapping between the wire and the rows.

pub mod amounts;
pub mod assigning;
pub mod convert;
pub mod deals;
pub mod editing;
pub mod import;
pub mod lifecycle;
pub mod moves;
pub mod pipeline;
pub mod records;
pub mod roles;
pub mod service;
pub mod summary;

pub use service::Deals;
