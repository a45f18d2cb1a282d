//! The contract in Rust, and the grammar that every method of it repeats.
//!
//! The messages, clients and servers of `proto/` are generated into modules that mirror the packages:
//! `trellis.partner.v1.Partner` is [`partner::v1::Partner`]. Around them stands what all handlers
//! have in common: [`open`](open()) reads a request into a command and tells everything that is wrong
//! with it at once, [`Fields`] reads its parts, [`written`] and [`page_token`] answer, and
//! [`status`](status()) tells a failure.
//!
//! Nothing here knows a database or a rule of a noun.

pub mod date;
pub mod duration;
pub mod etag;
pub mod exposed;
mod fields;
pub mod filter;
pub mod heard;
pub mod import;
pub mod json;
pub mod mask;
mod method;
pub mod money;
pub mod name;
mod near;
pub mod open;
pub mod order;
pub mod page;
pub mod rate;
mod standing;
pub mod status;
mod text;
pub mod time;
mod values;

pub use etag::Etag;
pub use fields::Fields;
pub use filter::Field;
pub use heard::Heard;
pub use mask::Mask;
pub use method::{FILE_DESCRIPTOR_SET, Listed, METHODS, Method, Routed, Visitor, visit_requests};
pub use name::{Collection, child_name, ecosystem_name, name, numbered_name};
pub use open::{Deadline, open, open_unscoped, written};
pub use page::{PageKeys, page_token};
pub use standing::{AccessChanged, Credential, Standing, open_lasting};
pub use status::status;
pub use tonic;

include!(concat!(env!("OUT_DIR"), "/modules.rs"));
