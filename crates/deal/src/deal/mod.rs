//! Deals: business with customers, from the first contact to the signature and what follows it.
//!
//! * [`service`] answers the calls: each opens its request, runs one use case, answers.
//! * [`deals`] holds the use cases that make and read a deal, [`editing`] and [`moves`] those that
//!   change it, [`assigning`] who plays which part, [`records`] what is recorded after a win; each
//!   is one transaction. [`disputes`] decides about parts that somebody says are others.
//! * [`ownership`] says which side owns which field, [`proposals`] keeps what either writes to fields of
//!   the other; [`external`] knows which deal has which id in another system.
//! * [`history`] remembers how a deal moved and who had which part, [`credit`] tells who gets how
//!   much of the credit for it, [`summary`] sums all up.
//! * [`import`] brings deals from another system, a message at a time.
//! * [`lifecycle`] says which moves are legal; [`amounts`] what a deal and its lines are worth;
//!   [`roles`] who plays which part; [`ownership`] whose a field is; [`pipeline`] how deals are summed up.
//!   All pure.
//! * [`convert`] is the only mapping between the wire and the rows.

pub mod amounts;
pub mod assigning;
pub mod convert;
pub mod credit;
pub mod deals;
pub mod disputes;
pub mod editing;
pub mod evidence;
pub mod external;
pub mod history;
pub mod import;
pub mod lifecycle;
pub mod moves;
pub mod ownership;
pub mod pipeline;
pub mod proposals;
pub mod records;
pub mod roles;
pub mod service;
pub mod summary;
mod values;

pub use service::Deals;
