//! Territories: parts of the market, which may lie within one another.
//!
//! * [`territories`] holds the use cases, each one transaction.
//! * [`convert`] is the only mapping between the wire and the rows.
//! * [`import`] brings territories from another system, a message at a time.
//!
//! That they form no circle is [`hierarchy`](crate::hierarchy)'s rule. Whoever may put one below
//! another holds [`territory::LINKS`](trellis_store::deal::territory::LINKS).

pub mod convert;
pub mod import;
pub mod territories;
