//! The targets.

mod filter;
mod money;
mod names;
mod page_token;
mod requests;

/// Every target, by the name of the folder that its seeds are in.
pub(crate) const ALL: [(&str, fn(&[u8])); 5] = [
    ("filter", filter::run),
    ("money", money::run),
    ("names", names::run),
    ("page_token", page_token::run),
    ("requests", requests::run),
];
