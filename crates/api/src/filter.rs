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
//! `:` takes the letters A to Z for a to z; whether it does so for other letters is the database's
//! matter, but a text is always found as it is written.
//!
//! A comparison with a field that is not set is false, and so its negation is true. Databases see
//! that differently; therefore negations are resolved here, down to single tests.

mod field;
mod parse;
mod value;

pub use field::Field;
use trellis_core::{EcosystemId, Filter, Violation};

/// The longest filter, in characters, as the contract says it.
///
/// The longest name of a resource inside of another one has 3 ids of 63 letters and less than 60
/// letters between them, 250 in all; with its field and `OR`, seven of those fit. A character has 4
/// bytes at most, so that a filter has 8 KiB at most and is read in one go.
pub const LONGEST: usize = 2_048;

/// How deep parentheses may be nested. Nobody writes more than 3; each level is 5 calls of the
/// parser, and one of what walks the tree, so that 16 are some 10 KiB of a stack of 2 MiB.
pub const DEEPEST: usize = 16;

/// How many comparisons a filter may have. Each makes at most 4 tests (a negated one of a resource
/// inside of another), each with 1 value: 256 values, where SQLite takes 32,766 and PostgreSQL 65,535
/// in one statement, and as many levels of an expression, where SQLite takes 1,000.
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
