//! What a list is narrowed by, as a tree of typed tests.
//!
//! The contract's grammar makes the tree and the store turns it into a condition; neither knows the
//! other. Field names are those of a table that the method declares, so that nothing a caller wrote
//! is ever taken for a column.

/// A condition on a row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Filter {
    /// All of these hold. Of none, true.
    All(Vec<Filter>),
    /// At least one of these holds. Of none, false.
    Any(Vec<Filter>),
    /// This does not hold.
    Not(Box<Filter>),
    /// A field compares so with a value.
    Test {
        /// The field, from the method's table.
        field: &'static str,
        /// How to compare.
        comparison: Comparison,
        /// What with; of the type that the table says.
        value: Value,
    },
}

/// How a field is compared with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// Is the same.
    Equal,
    /// Is not the same.
    NotEqual,
    /// Comes before.
    Less,
    /// Comes before or is the same.
    LessOrEqual,
    /// Comes after.
    Greater,
    /// Comes after or is the same.
    GreaterOrEqual,
    /// Holds the text somewhere. Of anything but text, the same as `Equal`.
    Has,
}

/// A value of a field.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// Text, an id, or the name of a state as it is stored.
    Text(String),
    /// A whole number: also microseconds, days and minor units.
    Integer(i64),
    /// Yes or no.
    Boolean(bool),
    /// The field is not set.
    Absent,
}
