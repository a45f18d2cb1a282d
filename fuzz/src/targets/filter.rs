//! Filters: whatever the text, it is refused in words of bounded length, or read to a tree of bounded
//! size whose negation is true of exactly the rows that it is false of.

use trellis_api::Field;
use trellis_api::filter::{self, DEEPEST, LONGEST, MOST_TERMS};
use trellis_core::{
    Comparison, EcosystemId, Filter, PartnerId, ProgramId, TierId, Value, Violation,
};

use crate::plant;

const TABLE: &[Field] = &[
    Field::text("display_name").sortable(),
    Field::state("state", "STATE", &["ACTIVE", "SUSPENDED"]),
    Field::time("create_time"),
    Field::date("close_date"),
    Field::integer("rank"),
    Field::boolean("sandbox"),
    Field::id::<PartnerId>("partner"),
    Field::child::<ProgramId, TierId>("tier", "program"),
];

/// The longest thing that is said of a filter: the fields of a table, and parts of what was written.
const LONGEST_REFUSAL: usize = 1_000;

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let acme = EcosystemId::try_new("acme").expect("an id");
    let read = |text: &str| filter::read(text, TABLE, Some(&acme));
    let tree = match read(text) {
        Err(violation) => return refused(&violation),
        Ok(None) => return assert!(text.trim().is_empty()),
        Ok(Some(tree)) => tree,
    };
    assert!(text.chars().count() <= LONGEST);
    let (tests, depth) = measure(&tree);
    assert!(tests <= 4 * MOST_TERMS, "{tests} tests");
    assert!(depth <= 2 * DEEPEST + 6, "{depth} levels");
    plant::fault(depth > 2 && tests > 3);

    let Ok(Some(opposite)) = read(&format!("NOT ({text})")) else {
        // The negation may be too long or too deep, and nothing else.
        let violation = read(&format!("NOT ({text})")).expect_err("a filter that is not empty");
        return assert_eq!(violation.rule, "filter.limit", "{violation:?}");
    };
    for row in 0..ROWS {
        assert_ne!(
            holds(&tree, row),
            holds(&opposite, row),
            "of row {row}: {text}"
        );
    }
}

fn refused(violation: &Violation) {
    let Violation {
        field,
        rule,
        description,
    } = violation;
    assert!(field.is_empty() && rule.starts_with("filter."), "{rule}");
    assert!(
        !description.is_empty() && description.len() < LONGEST_REFUSAL,
        "{description}"
    );
}

/// How many tests a tree has, and how many levels.
fn measure(filter: &Filter) -> (usize, usize) {
    match filter {
        Filter::All(parts) | Filter::Any(parts) => {
            let (mut tests, mut depth) = (0, 0);
            for (of_part, levels) in parts.iter().map(measure) {
                tests += of_part;
                depth = depth.max(levels);
            }
            (tests, depth + 1)
        }
        Filter::Not(part) => {
            let (tests, depth) = measure(part);
            (tests, depth + 1)
        }
        Filter::Test { .. } => (1, 1),
    }
}

const ROWS: usize = 5;

/// A field of one of a few rows. The last one has nothing set.
fn value(row: usize, field: &str) -> Value {
    let text = |of: [&str; ROWS]| match of[row] {
        "" => Value::Absent,
        text => Value::Text(text.to_owned()),
    };
    let number = |of: [i64; ROWS]| match row {
        4 => Value::Absent,
        _ => Value::Integer(of[row]),
    };
    match field {
        "display_name" => text(["Nimbus", "x", "*", "null", ""]),
        "state" => text(["ACTIVE", "SUSPENDED", "ACTIVE", "ACTIVE", ""]),
        "partner" | "tier" => text(["a", "b", "a", "nimbus", ""]),
        "program" => text(["a", "a", "b", "gold", ""]),
        "create_time" => number([0, 1, 1_785_456_000_000_000, i64::MIN, 0]),
        "close_date" | "rank" => number([0, 1, 20_665, -5, 0]),
        "sandbox" if row < 4 => Value::Boolean(row % 2 == 0),
        _ => Value::Absent,
    }
}

/// Whether a filter holds of a row, as the database is to see it.
fn holds(filter: &Filter, row: usize) -> bool {
    match filter {
        Filter::All(parts) => parts.iter().all(|part| holds(part, row)),
        Filter::Any(parts) => parts.iter().any(|part| holds(part, row)),
        Filter::Not(part) => !holds(part, row),
        Filter::Test {
            field,
            comparison,
            value: wanted,
        } => compares(&value(row, field), *comparison, wanted),
    }
}

fn compares(found: &Value, comparison: Comparison, wanted: &Value) -> bool {
    if *found == Value::Absent || *wanted == Value::Absent {
        let same = found == wanted;
        return match comparison {
            Comparison::NotEqual => !same,
            _ => same,
        };
    }
    let ordering = match (found, wanted) {
        (Value::Text(found), Value::Text(wanted)) => {
            if comparison == Comparison::Has {
                let (found, wanted) = (found.to_lowercase(), wanted.to_lowercase());
                return found.contains(&wanted);
            }
            found.cmp(wanted)
        }
        (Value::Integer(found), Value::Integer(wanted)) => found.cmp(wanted),
        (Value::Boolean(found), Value::Boolean(wanted)) => found.cmp(wanted),
        _ => panic!("{found:?} cannot be compared with {wanted:?}"),
    };
    match comparison {
        Comparison::Equal | Comparison::Has => ordering.is_eq(),
        Comparison::NotEqual => ordering.is_ne(),
        Comparison::Less => ordering.is_lt(),
        Comparison::LessOrEqual => ordering.is_le(),
        Comparison::Greater => ordering.is_gt(),
        Comparison::GreaterOrEqual => ordering.is_ge(),
    }
}
