//! Awards: what a partner has earned under a plan, for one deal or fact, for one period, or for all time.
//!
//! Nobody writes an award. Whatever happens to its deals, its plan version or the clock, the same
//! thing is done about it: it is [settled](settle), which is to say computed from the facts and
//! brought there by postings. An award has no state; its buckets are read from the ledger.
//!
//! * [`service`] answers the calls, [`awards`] holds the use cases, [`convert`] the mapping.
//! * [`rulebook`] and [`case`] put rows into the shape that the kernel computes with.
//! * [`settle`] is the one way in which awards change; [`ruled`] tells what moves, [`postings`] writes it.
//! * [`rejections`], [`adjustments`] and [`holds`] are what people rule about awards, each of which is
//!   [`opened`] for that.
//! * [`earned`] computes and settles those whose plan versions say more than the kernel knows.
//! * [`explain`] computes an award once more from its facts; [`explanation`] tells how on the wire, and
//!   [`rulings`] what was ruled.
//! * [`replays`] computes many once more, and tells which come out otherwise.
//! * [`simulate`] computes awards of facts that a caller gives, under all terms that there are;
//!   [`simulated`] tells them on the wire.

mod adjustments;
pub(crate) mod awards;
pub(crate) mod case;
pub(crate) mod convert;
pub(crate) mod earned;
pub(crate) mod explain;
pub(crate) mod explanation;
mod holds;
mod opened;
pub(crate) mod postings;
pub(crate) mod rejections;
mod replays;
pub(crate) mod rulebook;
mod ruled;
mod rulings;
pub(crate) mod service;
pub(crate) mod settle;
mod simulate;
pub(crate) mod simulated;

pub use service::Awards;
