//! Whether a condition can ever be true: its disjunctive form over typed questions, each field
//! narrowed to an interval, to texts that it may or may not be, to being there or not.
//!
//! What is not narrowed (parts of texts, sizes of texts, comparisons of two fields) counts as
//! possible, so that `No` is a proof and `Perhaps` is none.

use std::collections::{BTreeMap, BTreeSet};

use super::{Comparison, Condition, Operand, Predicate, Question, Schema, Value};

/// How many ways of being true are looked at before giving up.
const MOST_WAYS: usize = 1024;

/// Whether conditions can be true together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Satisfiable {
    /// Never, whatever the record.
    No,
    /// As far as it was looked at.
    Perhaps,
}

/// One question with the answer that is wanted of it.
type Literal<'a> = (&'a Question, bool);

impl Predicate {
    /// Whether it can ever be true.
    #[must_use]
    pub fn satisfiable(&self, schema: &Schema) -> Satisfiable {
        possible(&[&self.condition], schema)
    }

    /// Whether it can be true of a record together with another.
    #[must_use]
    pub fn satisfiable_with(&self, other: &Self, schema: &Schema) -> Satisfiable {
        possible(&[&self.condition, &other.condition], schema)
    }
}

fn possible(conditions: &[&Condition], schema: &Schema) -> Satisfiable {
    let mut ways: Vec<Vec<Literal<'_>>> = vec![Vec::new()];
    for condition in conditions {
        let Some(more) = disjunction(condition, true).and_then(|more| product(&ways, &more)) else {
            return Satisfiable::Perhaps;
        };
        ways = more;
    }
    if ways.iter().any(|way| consistent(way, schema)) {
        Satisfiable::Perhaps
    } else {
        Satisfiable::No
    }
}

/// All ways to make a condition as wanted; none when there are too many.
fn disjunction(condition: &Condition, wanted: bool) -> Option<Vec<Vec<Literal<'_>>>> {
    let (parts, all) = match condition {
        Condition::Atom(atom) => return Some(vec![vec![(&atom.question, wanted)]]),
        Condition::Not(inner) => return disjunction(inner, !wanted),
        Condition::All(parts) => (parts, wanted),
        Condition::Any(parts) => (parts, !wanted),
    };
    let mut ways = if all { vec![Vec::new()] } else { Vec::new() };
    for part in parts {
        let more = disjunction(part, wanted)?;
        if all {
            ways = product(&ways, &more)?;
        } else {
            ways.extend(more);
        }
        if ways.len() > MOST_WAYS {
            return None;
        }
    }
    Some(ways)
}

fn product<'a>(
    ways: &[Vec<Literal<'a>>],
    more: &[Vec<Literal<'a>>],
) -> Option<Vec<Vec<Literal<'a>>>> {
    if ways.len().saturating_mul(more.len()) > MOST_WAYS {
        return None;
    }
    let pairs = ways
        .iter()
        .flat_map(|one| more.iter().map(move |other| (one, other)));
    Some(
        pairs
            .map(|(one, other)| [one.as_slice(), other].concat())
            .collect(),
    )
}

/// What is left of a field's values.
#[derive(Default)]
struct Room {
    there: Option<bool>,
    least: Option<i64>,
    most: Option<i64>,
    /// The only values that it may have, where they are counted.
    among: Option<BTreeSet<String>>,
    not: BTreeSet<String>,
    truth: Option<bool>,
    above: Option<String>,
    below: Option<String>,
    empty: bool,
}

fn consistent(way: &[Literal<'_>], schema: &Schema) -> bool {
    let mut rooms: BTreeMap<String, Room> = BTreeMap::new();
    for (question, wanted) in way {
        if !narrow(question, *wanted, &mut rooms) {
            return false;
        }
    }
    rooms
        .iter()
        .all(|(path, room)| room.has_place(path, schema))
}

/// Narrows the field of a question; false when the question cannot be answered as wanted at all.
fn narrow(question: &Question, wanted: bool, rooms: &mut BTreeMap<String, Room>) -> bool {
    match question {
        Question::Has(path) => rooms.entry(path.clone()).or_default().be_there(wanted),
        Question::Is(Operand::Literal(Value::Bool(truth))) => return *truth == wanted,
        Question::Is(Operand::Field(path)) => {
            let room = rooms.entry(path.clone()).or_default();
            room.be_there(true);
            room.be(wanted);
        }
        Question::In(Operand::Field(path), Operand::Literal(Value::List(values))) => {
            let room = rooms.entry(path.clone()).or_default();
            room.be_there(true);
            room.be_in(values, wanted);
        }
        Question::Compare(left, comparison, right) => {
            let (operand, comparison, value) = match (left, right) {
                (operand, Operand::Literal(value)) => (operand, *comparison, value),
                (Operand::Literal(value), operand) => (operand, comparison.turned(), value),
                _ => return true,
            };
            let comparison = if wanted {
                comparison
            } else {
                comparison.opposite()
            };
            let key = match operand {
                Operand::Field(path) => path.clone(),
                Operand::Size(of) => match of.as_ref() {
                    Operand::Field(path) => {
                        rooms.entry(path.clone()).or_default().be_there(true);
                        format!("size({path})")
                    }
                    _ => return true,
                },
                Operand::Literal(_) => return true,
            };
            let room = rooms.entry(key.clone()).or_default();
            room.be_there(true);
            if key.starts_with("size(") {
                room.compare(Comparison::GreaterOrEqual, &Value::Int(0));
            }
            room.compare(comparison, value);
        }
        Question::In(..) | Question::Text(..) | Question::Is(_) => {
            let mut fields = Vec::new();
            question.fields(&mut fields);
            for field in fields {
                rooms.entry(field.to_owned()).or_default().be_there(true);
            }
        }
    }
    true
}

impl Room {
    fn be_there(&mut self, there: bool) {
        self.empty |= self.there.is_some_and(|was| was != there);
        self.there = Some(there);
    }

    fn be(&mut self, truth: bool) {
        self.empty |= self.truth.is_some_and(|was| was != truth);
        self.truth = Some(truth);
    }

    fn be_in(&mut self, values: &[Value], wanted: bool) {
        let texts: BTreeSet<String> = values.iter().map(text).collect();
        if wanted {
            self.among = Some(match self.among.take() {
                Some(among) => among.intersection(&texts).cloned().collect(),
                None => texts,
            });
        } else {
            self.not.extend(texts);
        }
    }

    fn compare(&mut self, comparison: Comparison, value: &Value) {
        let one = std::slice::from_ref(value);
        match (comparison, value) {
            (_, Value::Bool(truth)) => self.be((comparison == Comparison::Equal) == *truth),
            (Comparison::Equal, _) => self.be_in(one, true),
            (Comparison::NotEqual, _) => self.be_in(one, false),
            (Comparison::Less, Value::Int(number)) => self.at_most(number.checked_sub(1)),
            (Comparison::LessOrEqual, Value::Int(number)) => self.at_most(Some(*number)),
            (Comparison::Greater, Value::Int(number)) => self.at_least(number.checked_add(1)),
            (Comparison::GreaterOrEqual, Value::Int(number)) => self.at_least(Some(*number)),
            // The bounds of texts are taken as belonging to them, which leaves more than there is.
            (Comparison::Less | Comparison::LessOrEqual, Value::Text(text)) => {
                let below = self
                    .below
                    .take()
                    .map_or(text.clone(), |was| was.min(text.clone()));
                self.below = Some(below);
            }
            (Comparison::Greater | Comparison::GreaterOrEqual, Value::Text(text)) => {
                let above = self
                    .above
                    .take()
                    .map_or(text.clone(), |was| was.max(text.clone()));
                self.above = Some(above);
            }
            (_, Value::List(_)) => {}
        }
    }

    fn at_most(&mut self, most: Option<i64>) {
        match most {
            Some(most) => self.most = Some(self.most.map_or(most, |was| was.min(most))),
            None => self.empty = true,
        }
    }

    fn at_least(&mut self, least: Option<i64>) {
        match least {
            Some(least) => self.least = Some(self.least.map_or(least, |was| was.max(least))),
            None => self.empty = true,
        }
    }

    /// Whether any value is left for the field.
    fn has_place(&self, path: &str, schema: &Schema) -> bool {
        if self.empty
            || matches!((&self.above, &self.below), (Some(above), Some(below)) if above > below)
        {
            return false;
        }
        let within = |text: &String| {
            let number = text.parse::<i64>().ok();
            let numbers = number.is_none_or(|number| {
                self.least.is_none_or(|least| least <= number)
                    && self.most.is_none_or(|most| number <= most)
            });
            let texts = self.above.as_ref().is_none_or(|above| above <= text)
                && self.below.as_ref().is_none_or(|below| text <= below);
            numbers && texts && !self.not.contains(text)
        };
        if let Some(among) = &self.among {
            return among.iter().any(within);
        }
        let known = schema.get(path).filter(|field| !field.holds.is_list());
        if let Some(values) = known.and_then(|field| field.holds.values()) {
            return self.there == Some(false) || values.iter().any(within);
        }
        match (self.least, self.most) {
            (Some(least), Some(most)) if least > most => false,
            // An interval that is short enough to try every number of it.
            (Some(least), Some(most)) if most.saturating_sub(least) < 64 => {
                (least..=most).any(|number| !self.not.contains(&number.to_string()))
            }
            _ => true,
        }
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        other => other.to_string(),
    }
}
