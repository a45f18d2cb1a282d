//! Whether a filter holds of an event, without asking the database.
//!
//! The database alone knows how its texts are ordered and which letters are the same letter. A filter
//! that asks for that is not [plain] and is left to it; every other one says here what it says there,
//! also of what is not set.
//!
//! [plain]: is_plain

use trellis_core::filter::{Comparison, Filter, Value};

use super::Model;

/// What an event has in a field.
enum Held<'a> {
    Text(Option<&'a str>),
    Time(i64),
}

/// Whether [`holds`] can tell of every event what the database would.
pub(super) fn is_plain(filter: &Filter) -> bool {
    match filter {
        Filter::All(parts) | Filter::Any(parts) => parts.iter().all(is_plain),
        Filter::Not(part) => is_plain(part),
        Filter::Test {
            field,
            comparison,
            value,
        } => match (*field, value) {
            ("time", Value::Integer(_)) => true,
            ("type" | "resource" | "actor" | "reason_code", Value::Text(_)) => {
                matches!(comparison, Comparison::Equal | Comparison::NotEqual)
            }
            ("type" | "resource" | "actor" | "reason_code" | "time", Value::Absent) => true,
            _ => false,
        },
    }
}

/// Whether a plain filter holds of an event.
pub(super) fn holds(filter: &Filter, event: &Model) -> bool {
    says(filter, event) == Some(true)
}

/// What the filter says; nothing where SQL knows no answer, because what is compared is not set.
fn says(filter: &Filter, event: &Model) -> Option<bool> {
    match filter {
        Filter::All(parts) => joined(parts, event, false),
        Filter::Any(parts) => joined(parts, event, true),
        Filter::Not(part) => says(part, event).map(|said| !said),
        Filter::Test {
            field,
            comparison,
            value,
        } => test(&held(field, event)?, *comparison, value),
    }
}

/// What several say together: what `decides` is enough from one of them.
fn joined(parts: &[Filter], event: &Model, decides: bool) -> Option<bool> {
    let mut all = Some(!decides);
    for part in parts {
        match says(part, event) {
            Some(said) if said == decides => return Some(decides),
            Some(_) => {}
            None => all = None,
        }
    }
    all
}

fn held<'a>(field: &str, event: &'a Model) -> Option<Held<'a>> {
    Some(match field {
        "type" => Held::Text(Some(&event.kind)),
        "resource" => Held::Text(Some(&event.resource)),
        "actor" => Held::Text(Some(event.actor.as_str())),
        "reason_code" => Held::Text(event.reason_code.as_deref()),
        "time" => Held::Time(event.time.micros()),
        _ => return None,
    })
}

fn test(held: &Held<'_>, comparison: Comparison, value: &Value) -> Option<bool> {
    match (held, value) {
        (Held::Text(held), Value::Absent) => {
            Some(held.is_some() == (comparison == Comparison::NotEqual))
        }
        (Held::Time(_), Value::Absent) => Some(comparison == Comparison::NotEqual),
        // What is not set differs from every value.
        (Held::Text(None), _) => (comparison == Comparison::NotEqual).then_some(true),
        (Held::Text(Some(held)), Value::Text(value)) => {
            Some((held == value) == (comparison == Comparison::Equal))
        }
        (Held::Time(held), Value::Integer(value)) => Some(match comparison {
            Comparison::Equal | Comparison::Has => held == value,
            Comparison::NotEqual => held != value,
            Comparison::Less => held < value,
            Comparison::LessOrEqual => held <= value,
            Comparison::Greater => held > value,
            Comparison::GreaterOrEqual => held >= value,
        }),
        _ => None,
    }
}
