//! Filters, as in AIP-160, over a table of fields that the method declares.
//!
//! ```text
//! filter      = [ expression ]
//! expression  = sequence { "AND" sequence }
//! sequence    = factor { factor }                 side by side means AND
//! factor      = term { "OR" term }                OR binds tighter than AND
//! term        = [ "NOT" | "-" ] simple
//! simple      = "(" expression ")" | restriction
//! restriction = field ( "=" | "!=" | "<" | "<=" | ">" | ">=" | ":" ) value
//! ```
//!
//! A value is a word or stands in single or double quotes, with `\` before a quote or a `\`. Enum
//! values are written with or without their prefix, times as in RFC 3339, days as `2026-07-31`, and
//! other resources by their full names. `:` finds a text anywhere in a field; `field:*` is true of a
//! field that is set, and `field = null` of one that is not. There are no other wildcards.
//!
//! A comparison with a field that is not set is false, and so its negation is true. Databases see
//! that differently; therefore negations are resolved here, down to single tests.

mod field;
mod parse;
mod value;

pub use field::Field;
use trellis_core::{EcosystemId, Filter, Violation};

/// The longest filter, in bytes.
pub const LONGEST: usize = 2_048;

/// How deep parentheses may be nested.
pub const DEEPEST: usize = 16;

/// How many comparisons a filter may have.
pub const MOST_TERMS: usize = 64;

/// Reads a filter; nothing when the text is empty.
///
/// # Errors
/// When it does not follow the grammar, is too long, names an unknown field or compares a field with
/// what it cannot be.
pub fn read(
    text: &str,
    table: &[Field],
    ecosystem: Option<&EcosystemId>,
) -> Result<Option<Filter>, Violation> {
    parse::filter(text, table, ecosystem)
}

#[cfg(test)]
mod tests;
