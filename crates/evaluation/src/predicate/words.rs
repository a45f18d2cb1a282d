//! A condition in plain English.

use super::{Comparison, Condition, Operand, Predicate, Question, Schema, TextTest, Value};

impl Predicate {
    /// The condition as a part of a sentence: `the partner's tier is gold and …`.
    #[must_use]
    pub fn in_words(&self, schema: &Schema) -> String {
        words(&self.condition, true, schema, false)
    }
}

/// What a condition says where it is to hold, or not to.
fn words(condition: &Condition, wanted: bool, schema: &Schema, inside: bool) -> String {
    let (parts, all) = match condition {
        Condition::Atom(found) => return atom(&found.question, wanted, schema),
        Condition::Not(inner) => return words(inner, !wanted, schema, inside),
        Condition::All(parts) => (parts, wanted),
        Condition::Any(parts) => (parts, !wanted),
    };
    let parts: Vec<String> = parts
        .iter()
        .map(|part| words(part, wanted, schema, true))
        .collect();
    let joined = parts.join(if all { " and " } else { " or " });
    match (inside, all) {
        (false, _) => joined,
        (true, true) => format!("both {joined}"),
        (true, false) => format!("either {joined}"),
    }
}

/// What a question asks for in plain words, where its answer is to be yes, or to be no.
pub(super) fn atom(question: &Question, wanted: bool, schema: &Schema) -> String {
    match question {
        Question::Has(path) => {
            let what = meaning(path, schema);
            format!("{what} is {}", if wanted { "known" } else { "not known" })
        }
        Question::Is(operand) => {
            let what = one(operand, schema);
            format!("{what} is {wanted}")
        }
        Question::In(item, Operand::Literal(Value::List(values))) => {
            let not = if wanted { "" } else { "not " };
            let item = one(item, schema);
            match values.as_slice() {
                [] => format!("{item} is {not}one of none"),
                [only] => format!("{item} is {not}{}", plain(only)),
                _ => format!("{item} is {not}one of {}", listed(values, "or")),
            }
        }
        Question::In(item, list) => {
            let verb = if wanted { "include" } else { "do not include" };
            format!("{} {verb} {}", one(list, schema), one(item, schema))
        }
        Question::Text(test, text, part) => {
            let verb = match (test, wanted) {
                (TextTest::StartsWith, true) => "begins with",
                (TextTest::StartsWith, false) => "does not begin with",
                (TextTest::EndsWith, true) => "ends with",
                (TextTest::EndsWith, false) => "does not end with",
                (TextTest::Contains, true) => "contains",
                (TextTest::Contains, false) => "does not contain",
            };
            format!("{} {verb} {}", one(text, schema), one(part, schema))
        }
        Question::Compare(left, comparison, right) => {
            let (left, comparison, right) = match (left, right) {
                (Operand::Literal(_), _) => (right, comparison.turned(), left),
                _ => (left, *comparison, right),
            };
            let comparison = if wanted {
                comparison
            } else {
                comparison.opposite()
            };
            let verb = match comparison {
                Comparison::Equal => "is",
                Comparison::NotEqual => "is not",
                Comparison::Less => "is less than",
                Comparison::LessOrEqual => "is at most",
                Comparison::Greater => "is more than",
                Comparison::GreaterOrEqual => "is at least",
            };
            format!("{} {verb} {}", one(left, schema), one(right, schema))
        }
    }
}

impl Comparison {
    /// The comparison that holds exactly when this one does not.
    pub(super) const fn opposite(self) -> Self {
        match self {
            Self::Equal => Self::NotEqual,
            Self::NotEqual => Self::Equal,
            Self::Less => Self::GreaterOrEqual,
            Self::LessOrEqual => Self::Greater,
            Self::Greater => Self::LessOrEqual,
            Self::GreaterOrEqual => Self::Less,
        }
    }

    /// The comparison of the same values the other way round.
    pub(super) const fn turned(self) -> Self {
        match self {
            Self::Equal => Self::Equal,
            Self::NotEqual => Self::NotEqual,
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
        }
    }
}

fn meaning(path: &str, schema: &Schema) -> String {
    let field = schema.get(path);
    field.map_or_else(|| path.to_owned(), |field| field.meaning.clone())
}

fn one(operand: &Operand, schema: &Schema) -> String {
    match operand {
        Operand::Field(path) => meaning(path, schema),
        Operand::Size(of) => format!("the number of {}", one(of, schema)),
        Operand::Literal(value) => plain(value),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Text(text) if text.is_empty() => "nothing".to_owned(),
        Value::Text(text) => text.clone(),
        Value::List(values) => listed(values, "and"),
    }
}

fn listed(values: &[Value], word: &str) -> String {
    let values: Vec<String> = values.iter().map(plain).collect();
    match values.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} {word} {last}", rest.join(", ")),
        None => String::new(),
    }
}
