//! Whether a condition holds for a record, and if not, what of it fails.

use super::words::atom;
use super::{Atom, Comparison, Condition, Operand, Predicate, Question, Record, TextTest, Value};

/// What a condition is for a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It holds.
    True,
    /// It does not hold.
    False(Failed),
    /// It cannot be told, because something is not known.
    Unknown(Missing),
}

/// The first question whose answer makes a condition false.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// The question as it is written.
    pub source: String,
    /// What would have to hold, in plain words.
    pub words: String,
    /// The fields that it asks for, with their values; nothing where a field is not there.
    pub actual: Vec<(String, Option<Value>)>,
}

/// A field that a condition needs and a record does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Its path.
    pub field: String,
    /// The question that needs it, as it is written.
    pub source: String,
}

/// True, false, or unknown for want of a field.
type Told<'a> = Result<bool, (&'a Atom, &'a str)>;

impl Predicate {
    /// Whether it holds for a record.
    #[must_use]
    pub fn evaluate(&self, record: &Record) -> Truth {
        match told(&self.condition, record) {
            Ok(true) => Truth::True,
            Ok(false) => Truth::False(self.failed(record)),
            Err((atom, field)) => Truth::Unknown(Missing {
                field: field.to_owned(),
                source: self.text(atom),
            }),
        }
    }

    /// Whether it holds for a record; none when that cannot be told.
    #[must_use]
    pub fn holds(&self, record: &Record) -> Option<bool> {
        told(&self.condition, record).ok()
    }

    fn text(&self, atom: &Atom) -> String {
        let text = self.source.get(atom.start..atom.end);
        text.unwrap_or_default().to_owned()
    }

    fn failed(&self, record: &Record) -> Failed {
        let (mut condition, mut wanted) = (&self.condition, true);
        loop {
            // Whoever is not as wanted has a part that is not as wanted, too.
            condition = match condition {
                Condition::Atom(found) => {
                    let mut fields = Vec::new();
                    found.question.fields(&mut fields);
                    return Failed {
                        source: self.text(found),
                        words: atom(&found.question, wanted, &super::Schema::new()),
                        actual: fields
                            .into_iter()
                            .map(|field| (field.to_owned(), record.get(field).cloned()))
                            .collect(),
                    };
                }
                Condition::Not(inner) => {
                    wanted = !wanted;
                    inner
                }
                Condition::All(parts) | Condition::Any(parts) => {
                    let other = |part: &&Condition| told(part, record) == Ok(!wanted);
                    match parts.iter().find(other).or(parts.first()) {
                        Some(part) => part,
                        None => return self.nothing(),
                    }
                }
            };
        }
    }

    fn nothing(&self) -> Failed {
        Failed {
            source: self.source.clone(),
            words: String::new(),
            actual: Vec::new(),
        }
    }
}

fn told<'a>(condition: &'a Condition, record: &'a Record) -> Told<'a> {
    match condition {
        Condition::Not(inner) => told(inner, record).map(|truth| !truth),
        Condition::All(parts) => joined(parts, record, false),
        Condition::Any(parts) => joined(parts, record, true),
        Condition::Atom(atom) => answer(&atom.question, record).map_err(|field| (atom, field)),
    }
}

/// `decisive` as soon as one part is, whatever is unknown of the others.
fn joined<'a>(parts: &'a [Condition], record: &'a Record, decisive: bool) -> Told<'a> {
    let mut unknown = None;
    for part in parts {
        match told(part, record) {
            Ok(truth) if truth == decisive => return Ok(decisive),
            Ok(_) => {}
            Err(missing) => {
                unknown.get_or_insert(missing);
            }
        }
    }
    unknown.map_or(Ok(!decisive), Err)
}

impl Question {
    /// The fields that it asks for.
    pub(super) fn fields<'a>(&'a self, fields: &mut Vec<&'a str>) {
        let mut operand = |operand: &'a Operand| {
            let mut operand = operand;
            while let Operand::Size(of) = operand {
                operand = of;
            }
            if let Operand::Field(path) = operand {
                fields.push(path);
            }
        };
        match self {
            Self::Compare(one, _, other) | Self::In(one, other) | Self::Text(_, one, other) => {
                operand(one);
                operand(other);
            }
            Self::Has(path) => fields.push(path),
            Self::Is(one) => operand(one),
        }
    }
}

/// The answer to a question, or the field that it wants.
fn answer<'a>(question: &'a Question, record: &'a Record) -> Result<bool, &'a str> {
    match question {
        Question::Has(path) => Ok(record.get(path).is_some()),
        Question::Is(operand) => match value(operand, record)? {
            Found::Value(Value::Bool(truth)) => Ok(*truth),
            _ => Err(path(operand)),
        },
        Question::In(one, other) => {
            let (item, list) = (value(one, record)?, value(other, record)?);
            let Found::Value(Value::List(values)) = list else {
                return Err(path(other));
            };
            Ok(values.iter().any(|value| item.equals(value)))
        }
        Question::Text(test, one, other) => {
            let text = value(one, record)?.text().ok_or(path(one))?;
            let part = value(other, record)?.text().ok_or(path(other))?;
            Ok(match test {
                TextTest::StartsWith => text.starts_with(part),
                TextTest::EndsWith => text.ends_with(part),
                TextTest::Contains => text.contains(part),
            })
        }
        Question::Compare(one, comparison, other) => {
            let (left, right) = (value(one, record)?, value(other, record)?);
            let order = left.order(&right).ok_or(path(one))?;
            Ok(match comparison {
                Comparison::Equal => order.is_eq(),
                Comparison::NotEqual => order.is_ne(),
                Comparison::Less => order.is_lt(),
                Comparison::LessOrEqual => order.is_le(),
                Comparison::Greater => order.is_gt(),
                Comparison::GreaterOrEqual => order.is_ge(),
            })
        }
    }
}

enum Found<'a> {
    Value(&'a Value),
    Size(i64),
}

impl<'a> Found<'a> {
    fn text(&self) -> Option<&'a str> {
        match self {
            Self::Value(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    fn number(&self) -> Option<i64> {
        match self {
            Self::Value(Value::Int(number)) | Self::Size(number) => Some(*number),
            Self::Value(_) => None,
        }
    }

    fn equals(&self, value: &Value) -> bool {
        match self {
            Self::Value(found) => *found == value,
            Self::Size(size) => *value == Value::Int(*size),
        }
    }

    /// The order of two values of the same type; none when their types differ, which a record that
    /// keeps to its schema has not.
    fn order(&self, other: &Self) -> Option<std::cmp::Ordering> {
        if let (Some(one), Some(other)) = (self.number(), other.number()) {
            return Some(one.cmp(&other));
        }
        match (self, other) {
            (Self::Value(Value::Bool(one)), Self::Value(Value::Bool(other))) => {
                Some(one.cmp(other))
            }
            _ => Some(self.text()?.cmp(other.text()?)),
        }
    }
}

/// The path that an operand is about.
fn path(operand: &Operand) -> &str {
    match operand {
        Operand::Field(path) => path,
        Operand::Size(of) => path(of),
        Operand::Literal(_) => "",
    }
}

fn value<'a>(operand: &'a Operand, record: &'a Record) -> Result<Found<'a>, &'a str> {
    match operand {
        Operand::Literal(value) => Ok(Found::Value(value)),
        Operand::Field(path) => record.get(path).map(Found::Value).ok_or(path),
        Operand::Size(of) => {
            let size = match value(of, record)? {
                Found::Value(Value::List(values)) => values.len(),
                Found::Value(Value::Text(text)) => text.chars().count(),
                _ => return Err(path(of)),
            };
            Ok(Found::Size(i64::try_from(size).unwrap_or(i64::MAX)))
        }
    }
}

impl Predicate {
    /// The fields that it cannot do without, each once: those that it asks for and does not ask
    /// `has()` about.
    #[must_use]
    pub fn fields(&self) -> std::collections::BTreeSet<&str> {
        let (mut asked, mut guarded) = (Vec::new(), Vec::new());
        collect(&self.condition, &mut asked, &mut guarded);
        let needed = asked.into_iter().filter(|field| !guarded.contains(field));
        needed.collect()
    }
}

impl Predicate {
    /// All fields that it asks for or asks `has()` about.
    pub(crate) fn asks_for(&self) -> std::collections::BTreeSet<&str> {
        let (mut asked, mut guarded) = (Vec::new(), Vec::new());
        collect(&self.condition, &mut asked, &mut guarded);
        asked.into_iter().chain(guarded).collect()
    }
}

fn collect<'a>(condition: &'a Condition, asked: &mut Vec<&'a str>, guarded: &mut Vec<&'a str>) {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => {
            for part in parts {
                collect(part, asked, guarded);
            }
        }
        Condition::Not(inner) => collect(inner, asked, guarded),
        Condition::Atom(atom) => match &atom.question {
            Question::Has(path) => guarded.push(path),
            question => question.fields(asked),
        },
    }
}
