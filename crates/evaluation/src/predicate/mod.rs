//! Conditions over facts, such as `partner.tier in ["gold", "platinum"] && deal.products.size() > 1`.
//!
//! The syntax is that of the Common Expression Language (CEL), checked down to a part of it that
//! always ends, needs no money and can be put in plain words: `&& || !`, comparisons, `in`, paths of
//! fields, lists, texts, whole numbers and truth values, `startsWith`, `endsWith`, `contains`,
//! `has()` and `size()`. Every field has a type and every enumeration its values, so that a condition
//! that is wrong is refused when it is written, with everything that is wrong with it.
//!
//! A field that a fact does not have makes a condition neither true nor false: the answer names the
//! field. As CEL has it, `false && x` is false and `true || x` is true whatever `x` is, on both sides;
//! and `has(x)` asks whether a field is there.
//!
//! ```text
//! text --token--> tokens --syntax--> tree --check--> condition --evaluate--> truth, and why
//!                                                        |--words--> plain English
//!                                                        |--satisfy--> can it ever be true?
//! ```

mod check;
mod evaluate;
mod satisfy;
mod schema;
mod syntax;
mod token;
mod value;
mod words;

#[cfg(test)]
mod tests;

use std::fmt;

pub use evaluate::{Failed, Missing, Truth};
pub use satisfy::Satisfiable;
pub use schema::{Field, Schema, Type};
pub use value::{Record, Value};

/// How many bytes a condition may have.
pub const LONGEST: usize = 4096;
/// How deep its parentheses, lists and negations may nest.
pub const DEEPEST: usize = 24;
/// How many comparisons and other questions it may ask.
pub const MOST_ATOMS: usize = 32;

/// A condition that was checked: it can be evaluated against every record of its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Predicate {
    source: String,
    condition: Condition,
    atoms: usize,
}

/// A checked condition as a tree. It is never deeper than [`DEEPEST`] allows.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Atom(Atom),
}

/// One question, and where it stands in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Atom {
    start: usize,
    end: usize,
    question: Question,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Question {
    Compare(Operand, Comparison, Operand),
    In(Operand, Operand),
    Text(TextTest, Operand, Operand),
    Has(String),
    Is(Operand),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Operand {
    Field(String),
    Size(Box<Operand>),
    Literal(Value),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TextTest {
    StartsWith,
    EndsWith,
    Contains,
}

/// What is wrong with a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// It has more than [`LONGEST`] bytes.
    TooLong,
    /// It nests deeper than [`DEEPEST`].
    TooDeep,
    /// It asks more than [`MOST_ATOMS`] questions.
    TooManyAtoms,
    /// It is not CEL.
    Syntax,
    /// It is CEL, and outside the part of it that conditions may use.
    NotAllowed,
    /// There is no such field.
    UnknownField,
    /// There is no such function.
    UnknownFunction,
    /// The enumeration has no such value.
    UnknownValue,
    /// The values cannot be put together so.
    WrongType,
}

impl Reason {
    /// The reason as it is written down.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooLong => "TOO_LONG",
            Self::TooDeep => "TOO_DEEP",
            Self::TooManyAtoms => "TOO_MANY_ATOMS",
            Self::Syntax => "SYNTAX",
            Self::NotAllowed => "NOT_ALLOWED",
            Self::UnknownField => "UNKNOWN_FIELD",
            Self::UnknownFunction => "UNKNOWN_FUNCTION",
            Self::UnknownValue => "UNKNOWN_VALUE",
            Self::WrongType => "WRONG_TYPE",
        }
    }
}

/// One thing that is wrong with a condition, where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// How many bytes of the text come before it.
    pub offset: usize,
    /// The line, counted from 1.
    pub line: usize,
    /// The letter of the line, counted from 1.
    pub column: usize,
    /// What is wrong, for programs.
    pub reason: Reason,
    /// What is wrong, and what to do next, for people.
    pub message: String,
}

impl Violation {
    fn at(source: &str, offset: usize, reason: Reason, message: impl Into<String>) -> Self {
        let before = source.get(..offset).unwrap_or(source);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            offset,
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
            reason,
            message: message.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            line,
            column,
            message,
            ..
        } = self;
        write!(f, "line {line}, column {column}: {message}")
    }
}

impl Predicate {
    /// Reads a condition and checks it against the fields that there are.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the text.
    pub fn parse(source: &str, schema: &Schema) -> Result<Self, Vec<Violation>> {
        if source.len() > LONGEST {
            let message = format!(
                "is {} bytes long, and may be {LONGEST}; split it, or name less",
                source.len()
            );
            return Err(vec![Violation::at(source, 0, Reason::TooLong, message)]);
        }
        let (tree, mut violations) = syntax::parse(source);
        let checked = tree.map(|tree| check::check(source, &tree, schema, &mut violations));
        violations.sort_by_key(|violation| (violation.offset, violation.reason));
        match checked {
            Some((condition, atoms)) if violations.is_empty() => Ok(Self {
                source: source.to_owned(),
                condition,
                atoms,
            }),
            _ => Err(violations),
        }
    }

    /// The text that it was read from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// How many questions it asks.
    #[must_use]
    pub const fn atoms(&self) -> usize {
        self.atoms
    }
}
