//! From a comparison as it is written to tests of typed values.

use trellis_core::{Comparison, Date, EcosystemId, Filter, Timestamp, Value, Violation};

use super::field::{Field, Kind, Part};
use crate::near;

/// A value as it is written.
pub(super) struct Given {
    pub(super) text: String,
    pub(super) quoted: bool,
}

/// The test, or its opposite, of a field by a comparison with a value.
pub(super) fn test(
    field: &Field,
    comparison: Comparison,
    given: &Given,
    ecosystem: Option<&EcosystemId>,
    negated: bool,
) -> Result<Filter, Violation> {
    let name = field.name();
    if !given.quoted && given.text == "*" && comparison == Comparison::Has {
        return Ok(set(field, !negated));
    }
    let empty_text = matches!(field.kind, Kind::Text) && given.text.is_empty();
    if empty_text || (!given.quoted && given.text == "null") {
        return match comparison {
            Comparison::Equal => Ok(set(field, negated)),
            Comparison::NotEqual => Ok(set(field, !negated)),
            Comparison::Less
            | Comparison::LessOrEqual
            | Comparison::Greater
            | Comparison::GreaterOrEqual
            | Comparison::Has => Err(refused(
                name,
                "can only be equal to nothing, or not: use = or !=",
            )),
        };
    }
    let comparison = allowed(field, comparison)?;
    if let Kind::Child {
        parent_field,
        parent,
        child,
    } = field.kind
    {
        let [outer, inner] = child_ids(name, &given.text, ecosystem, parent, child)?;
        let outer = plain(parent_field, comparison, Value::Text(outer), negated);
        let inner = plain(name, comparison, Value::Text(inner), negated);
        let both = (comparison == Comparison::Equal) != negated;
        let parts = vec![outer, inner];
        return Ok(if both {
            Filter::All(parts)
        } else {
            Filter::Any(parts)
        });
    }
    let value = value(field, given, ecosystem)?;
    Ok(plain(name, comparison, value, negated))
}

/// The comparison that is meant, if the field can be compared so.
fn allowed(field: &Field, comparison: Comparison) -> Result<Comparison, Violation> {
    let ordered = match field.kind {
        Kind::Text => return Ok(comparison),
        Kind::Time | Kind::Date | Kind::Integer => true,
        Kind::State { .. } | Kind::Boolean | Kind::Id(_) | Kind::Child { .. } => false,
    };
    match comparison {
        Comparison::Equal | Comparison::Has => Ok(Comparison::Equal),
        Comparison::NotEqual => Ok(comparison),
        Comparison::Less
        | Comparison::LessOrEqual
        | Comparison::Greater
        | Comparison::GreaterOrEqual => {
            if ordered {
                Ok(comparison)
            } else {
                Err(refused(field.name(), "has no order: use = or !="))
            }
        }
    }
}

/// One test, or what is true exactly when it is not. A field that is not set passes no test but
/// `!=`, and so it passes the opposite of every other.
fn plain(field: &'static str, comparison: Comparison, value: Value, negated: bool) -> Filter {
    let test = |comparison, value| Filter::Test {
        field,
        comparison,
        value,
    };
    if !negated {
        return test(comparison, value);
    }
    let opposite = match comparison {
        Comparison::Equal => return test(Comparison::NotEqual, value),
        Comparison::NotEqual => return test(Comparison::Equal, value),
        Comparison::Less => test(Comparison::GreaterOrEqual, value),
        Comparison::LessOrEqual => test(Comparison::Greater, value),
        Comparison::Greater => test(Comparison::LessOrEqual, value),
        Comparison::GreaterOrEqual => test(Comparison::Less, value),
        Comparison::Has => Filter::Not(Box::new(test(comparison, value))),
    };
    Filter::Any(vec![opposite, test(Comparison::Equal, Value::Absent)])
}

/// Whether a field is set. A text is set when it is not empty either.
fn set(field: &Field, set: bool) -> Filter {
    let comparison = if set {
        Comparison::NotEqual
    } else {
        Comparison::Equal
    };
    let test = |value| Filter::Test {
        field: field.name(),
        comparison,
        value,
    };
    if !matches!(field.kind, Kind::Text) {
        return test(Value::Absent);
    }
    let parts = vec![test(Value::Absent), test(Value::Text(String::new()))];
    if set {
        Filter::All(parts)
    } else {
        Filter::Any(parts)
    }
}

fn value(
    field: &Field,
    given: &Given,
    ecosystem: Option<&EcosystemId>,
) -> Result<Value, Violation> {
    let (name, text) = (field.name(), given.text.as_str());
    match field.kind {
        Kind::Text if !given.quoted && text.contains('*') => Err(refused(
            name,
            "takes no wildcards: `:` finds a text anywhere, and \"*\" is a star",
        )),
        Kind::Text => Ok(Value::Text(text.to_owned())),
        Kind::State { prefix, values } => state(name, text, prefix, values),
        Kind::Time => {
            let moment = text.parse::<jiff::Timestamp>().map_err(|_| {
                refused(
                    name,
                    "takes a time as in RFC 3339: \"2026-07-31T12:00:00Z\"",
                )
            })?;
            Ok(Value::Integer(Timestamp::from(moment).micros()))
        }
        Kind::Date => {
            let day = text
                .parse::<Date>()
                .map_err(|_| refused(name, "takes a day such as \"2026-07-31\""))?;
            Ok(Value::Integer(day.days().into()))
        }
        Kind::Integer => {
            let number = text
                .parse()
                .map_err(|_| refused(name, "takes a whole number"))?;
            Ok(Value::Integer(number))
        }
        Kind::Boolean => match text {
            "true" => Ok(Value::Boolean(true)),
            "false" => Ok(Value::Boolean(false)),
            _ => Err(refused(name, "takes true or false")),
        },
        Kind::Id(part) | Kind::Child { child: part, .. } => {
            let id = within(ecosystem, text)
                .and_then(|rest| rest.strip_prefix(part.collection)?.strip_prefix('/'))
                .filter(|id| (part.is_id)(id));
            let id = id.ok_or_else(|| misnamed(name, ecosystem, &[part]))?;
            Ok(Value::Text(id.to_owned()))
        }
    }
}

fn state(
    name: &str,
    text: &str,
    prefix: &str,
    values: &[&'static str],
) -> Result<Value, Violation> {
    let short = text
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'));
    let known = |wanted: &str| values.iter().find(|value| **value == wanted);
    known(text)
        .or_else(|| known(short?))
        .map(|value| Value::Text((*value).to_owned()))
        .ok_or_else(|| {
            let question = near::question(short.unwrap_or(text), values.iter().copied());
            let (known, text) = (values.join(", "), near::shown(text));
            refused(
                name,
                &format!("takes one of {known}, not `{text}`{question}"),
            )
        })
}

fn child_ids(
    name: &str,
    text: &str,
    ecosystem: Option<&EcosystemId>,
    parent: Part,
    child: Part,
) -> Result<[String; 2], Violation> {
    let parts: Vec<&str> = within(ecosystem, text)
        .unwrap_or_default()
        .split('/')
        .collect();
    match parts.as_slice() {
        [parents, outer, children, inner]
            if *parents == parent.collection
                && *children == child.collection
                && (parent.is_id)(outer)
                && (child.is_id)(inner) =>
        {
            Ok([(*outer).to_owned(), (*inner).to_owned()])
        }
        _ => Err(misnamed(name, ecosystem, &[parent, child])),
    }
}

/// The part of a name behind its ecosystem, when that is this one.
fn within<'a>(ecosystem: Option<&EcosystemId>, text: &'a str) -> Option<&'a str> {
    let rest = text
        .strip_prefix("ecosystems/")?
        .strip_prefix(ecosystem?.as_str())?;
    rest.strip_prefix('/')
}

fn misnamed(name: &str, ecosystem: Option<&EcosystemId>, parts: &[Part]) -> Violation {
    let ecosystem = ecosystem.map_or("{ecosystem}", EcosystemId::as_str);
    let path: String = parts
        .iter()
        .map(|part| format!("/{}/{{id}}", part.collection))
        .collect();
    refused(
        name,
        &format!("takes a full name: \"ecosystems/{ecosystem}{path}\""),
    )
}

fn refused(name: &str, what: &str) -> Violation {
    Violation::new("", "filter.value", format!("`{name}` {what}"))
}
